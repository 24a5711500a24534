import { render, screen, waitFor } from "@testing-library/svelte";
import { tick } from "svelte";
import App from "../../src/app/App.svelte";
import { FakeVault } from "../../src/ipc/fake";
import type { Scenario } from "../../src/ipc/fake";

/** Mounts the whole window over a vault in memory. */
export function open(scenario: Scenario = {}): FakeVault {
  const vault = new FakeVault(scenario);
  render(App, { vault });
  return vault;
}

export async function byId(id: string): Promise<HTMLElement> {
  return waitFor(() => screen.getByTestId(id));
}

export function maybe(id: string): HTMLElement | null {
  return screen.queryByTestId(id);
}

/** The row of a secret, once it is drawn. */
export async function row(name: string): Promise<HTMLElement> {
  return waitFor(() => {
    const found = document.querySelector<HTMLElement>(`[data-testid="env-row"][data-name="${name}"]`);
    if (!found) throw new Error(`no row ${name}`);
    return found;
  });
}

export async function goTo(place: string): Promise<void> {
  const link = await waitFor(() => {
    const found = document.querySelector<HTMLElement>(`[data-testid="env-link"][data-name="${place}"]`);
    if (!found) throw new Error(`no ${place}`);
    return found;
  });
  link.click();
  await tick();
}

/** Presses a key where the focus is. */
export async function press(key: string, more: KeyboardEventInit = {}): Promise<void> {
  const target = document.activeElement ?? document.body;
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
  await tick();
}

/** Types into a field, one letter at a time. */
export async function type(field: HTMLElement, text: string): Promise<void> {
  if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) throw new Error("not a field");
  field.focus();
  for (const letter of text) {
    field.value += letter;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await tick();
  }
}

export { waitFor };
