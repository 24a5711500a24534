import { configure } from "@testing-library/svelte";
import { vi } from "vitest";
import { tick } from "svelte";
import type { FakeVault, Scenario } from "../../src/ipc/fake";
import { byId, open, waitFor } from "./app";

// Answers are made by looking at every row, and a machine may be busy.
configure({ asyncUtilTimeout: 5_000 });
vi.setConfig({ testTimeout: 30_000 });

/** Opens the audit log and waits for its first rows. */
export async function openLog(scenario: Scenario = {}): Promise<FakeVault> {
  const vault = open(scenario);
  (await byId("audit-open")).click();
  await waitFor(() => expectRows());
  return vault;
}

function expectRows(): void {
  if (!document.querySelector("[data-testid=audit-row][data-entry]")) throw new Error("no rows yet");
}

/** The rows that are drawn, top to bottom, as far as they are read. */
export function drawn(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-testid=audit-row][data-entry]")].sort((one, other) => Number(one.dataset["index"]) - Number(other.dataset["index"]));
}

/** The drawn row at an index, once it is read. */
export async function rowAt(index: number): Promise<HTMLElement> {
  return waitFor(() => {
    const found = document.querySelector<HTMLElement>(`[data-testid=audit-row][data-index="${index}"][data-entry]`);
    if (!found) throw new Error(`no row ${index}`);
    return found;
  });
}

/** A value of a facet, by its label. */
export async function facet(group: string, label: string): Promise<HTMLElement> {
  return waitFor(() => {
    const found = [...document.querySelectorAll<HTMLElement>(`[data-testid="facet-${group}"] [data-testid=audit-facet]`)].find((one) => one.textContent?.trim().startsWith(label));
    if (!found) throw new Error(`no ${label} in ${group}`);
    return found;
  });
}

export function box(label: HTMLElement): HTMLInputElement {
  const found = label.querySelector("input");
  if (!found) throw new Error("no check box");
  return found;
}

/** "46,932": the rows that are counted. */
export async function counted(): Promise<number> {
  const text = (await byId("audit-counts")).textContent ?? "";
  return Number((/^([\d,]+) row/.exec(text)?.[1] ?? "NaN").replaceAll(",", ""));
}

/** Scrolls the list through these places, as a browser reports a drag of the bar. */
export async function drag(places: readonly number[]): Promise<void> {
  const grid = await byId("audit-grid");
  for (const to of places) {
    grid.scrollTop = to;
    grid.dispatchEvent(new Event("scroll"));
  }
  await tick();
}
