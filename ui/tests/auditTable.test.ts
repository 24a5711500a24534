import { cleanup } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { notices } from "../src/shared/notices.svelte";
import { byId, press, waitFor } from "./support/app";
import { drag, drawn, openLog, rowAt } from "./support/log";
import { wideWindow } from "./support/team";

const many = 1_200_000;

beforeEach(() => {
  wideWindow();
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(600);
});
afterEach(() => {
  cleanup();
  notices.forget();
  vi.restoreAllMocks();
});

const selected = () => document.querySelector<HTMLElement>("[data-testid=audit-row][aria-selected=true]");

describe("1,200,000 rows", () => {
  it("are a grid that knows its whole size, draws what is in view, and is walked by keys to its very end", async () => {
    const vault = await openLog({ audit: many });
    const fetch = vi.spyOn(vault, "auditRows");
    (await byId("audit-routine")).click();
    const grid = await byId("audit-grid");
    await waitFor(() => expect(grid.getAttribute("aria-rowcount")).toBe(String(many + 1)));
    expect(document.querySelectorAll("[data-testid=audit-row]").length).toBeLessThan(48);
    expect(Number.parseInt(grid.querySelector<HTMLElement>(".body")?.style.height ?? "", 10)).toBeLessThan(17_000_000);

    grid.focus();
    await waitFor(() => expect(selected()?.dataset["index"]).toBe("0"));
    expect(grid.getAttribute("aria-activedescendant")).toBe("audit-row-0");
    await press("ArrowDown");
    await press("PageDown");
    expect(selected()?.getAttribute("aria-rowindex")).toBe(String(2 + Number(selected()?.dataset["index"])));
    expect(Number(selected()?.dataset["index"])).toBe(15);

    await press("End");
    await waitFor(() => expect(selected()?.dataset["entry"]).toBe("0"));
    expect(selected()?.dataset["index"]).toBe(String(many - 1));
    await press("ArrowUp");
    await waitFor(() => expect(selected()?.dataset["entry"]).toBe("1"));
    await press("Home");
    await waitFor(() => expect(selected()?.dataset["entry"]).toBe(String(many - 1)));
    expect(fetch.mock.calls.every(([, , count]) => count <= 200)).toBe(true);
  });

  it("a drag of the scroll bar passes pages by, and what it stops at is read", async () => {
    const vault = await openLog({ audit: many });
    const fetch = vi.spyOn(vault, "auditRows");
    await drag(Array.from({ length: 60 }, (_, at) => (at + 1) * 100_000));
    await waitFor(() => expect(drawn().length).toBeGreaterThan(20));
    const middle = Number(drawn()[0]?.dataset["index"]);
    expect(middle).toBeGreaterThan(400_000);
    expect(fetch.mock.calls.length).toBeLessThan(8);
  });

  it("the order turns round without losing the selected row", async () => {
    await openLog({ audit: 5_000 });
    (await rowAt(6)).click();
    await waitFor(() => expect(selected()?.dataset["index"]).toBe("6"));
    const entry = selected()?.dataset["entry"];
    (await byId("audit-sort")).click();
    await waitFor(() => expect(selected()?.dataset["entry"]).toBe(entry));
    expect((await byId("audit-sort")).closest("[role=columnheader]")?.getAttribute("aria-sort")).toBe("ascending");
  });

  it("a day's name stands over its first row, and over the list", async () => {
    await openLog({ audit: 60 });
    await waitFor(() => expect(document.querySelectorAll(".body .day").length).toBeGreaterThan(0));
    expect((await byId("audit-day")).textContent).toMatch(/^(Today|Yesterday), /);
  });
});
