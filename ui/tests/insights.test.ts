import { cleanup } from "@testing-library/svelte";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { dayBars, hourWords, peak, squares } from "../src/features/insights/charts";
import { beyond, looked } from "../src/features/insights/sentences";
import type { FakeVault } from "../src/ipc/fake";
import type { InsightsView } from "../src/ipc/vault";
import { VaultError } from "../src/ipc/vault";
import { notices } from "../src/shared/notices.svelte";
import { byId, goTo, maybe, open, press, row, type, waitFor } from "./support/app";
import { line, wideWindow, within } from "./support/team";

beforeEach(wideWindow);
afterEach(() => {
  cleanup();
  notices.forget();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function insights(scenario: Parameters<typeof open>[0] = {}): Promise<FakeVault> {
  const vault = open({ audit: 200, ...scenario });
  (await byId("audit-open")).click();
  (await byId("audit-tab-insights")).click();
  await waitFor(() => expect(maybe("insights-none") ?? document.querySelector("[data-testid=insight]")).not.toBeNull());
  return vault;
}

const findings = () => [...document.querySelectorAll<HTMLElement>("[data-testid=insight]")];

function finding(title: string): HTMLElement {
  const found = findings().find((one) => one.querySelector("h3")?.textContent === title);
  if (!found) throw new Error(`no finding ${title}`);
  return found;
}

describe("insights", () => {
  it("stand in groups by what they ask for, each with who, where, the numbers and one thing to do", async () => {
    await insights();
    expect((await byId("insights-act")).textContent).toBe("To do5");
    expect((await byId("insights-look")).textContent).toBe("To look at4");
    expect((await byId("insights-know")).textContent).toBe("Good to know2");
    for (const one of findings()) expect(one.querySelectorAll("[data-testid=insight-go]")).toHaveLength(1);
    const decoy = finding("A decoy was revealed").textContent;
    for (const part of ["Teo Varga", "storefront / prod", "WAREHOUSE_API_TOKEN", "40 min ago", "Signed by the client that did"]) expect(decoy).toContain(part);
    expect(finding("A token ends in 9 days").textContent).toContain("in 9 d");
    expect(finding("9 secrets unused for 90 days").textContent).toContain("and 3 more");
    expect(document.querySelector(".foot")?.textContent).toContain("2 doubtful entries counted for nothing.");
  });

  it("lead to the entries that they rest on", async () => {
    const vault = await insights();
    const ask = vi.spyOn(vault, "auditAsk");
    within(finding("34 requests of one address refused within 12 minutes"), "insight-go")?.click();
    await byId("audit-counts");
    expect(ask).toHaveBeenCalledWith(expect.objectContaining({ outcomes: ["refused"], text: "203.0.113.9" }));
    expect((await byId("audit-tab-log")).getAttribute("aria-selected")).toBe("true");
  });

  it("lead to a secret, to somebody's access, to the tokens and to an offboarding", async () => {
    await insights({ leaver: true });
    within(finding("A first value is 201 days old"), "insight-go")?.click();
    await waitFor(() => expect(maybe("inspector-name")?.textContent).toBe("MAPS_API_KEY"));
    const back = async () => {
      (await byId("audit-open")).click();
      (await byId("audit-tab-insights")).click();
      await byId("insights-act");
    };
    await back();
    within(finding("3 data keys are held and not used"), "insight-go")?.click();
    expect((await byId("who-sheet")).textContent).toContain("nightly-backup");
    await back();
    within(finding("A token ends in 9 days"), "insight-go")?.click();
    await line("tokens", "edge-build");
    await back();
    within(finding("What a leaver held is not replaced"), "insight-go")?.click();
    await waitFor(() => expect(maybe("members-open")?.getAttribute("aria-current")).toBe("page"));
  }, 20_000);

  it("stand one arrow beside the log, and are found by the palette", async () => {
    open({ audit: 200 });
    (await byId("audit-open")).click();
    (await byId("audit-tab-log")).focus();
    await press("ArrowRight");
    await waitFor(() => expect(document.activeElement).toBe(maybe("audit-tab-insights")));
    await byId("insights-act");
    await press("ArrowLeft");
    await waitFor(() => expect(document.activeElement).toBe(maybe("audit-tab-log")));
    await press("k", { ctrlKey: true });
    await type(await byId("palette-input"), "deserves");
    await press("Enter");
    await byId("insights-act");
  }, 20_000);

  it("are dismissed for 30 days, and shown again when that is wanted", async () => {
    const vault = await insights();
    const dismiss = vi.spyOn(vault, "insightDismiss");
    const before = Date.now();
    within(finding("A decoy was revealed"), "insight-dismiss")?.click();
    await waitFor(() => expect(findings()).toHaveLength(10));
    const [id, until, clock] = dismiss.mock.calls[0] ?? [];
    expect([id, clock]).toEqual(["insight_0", { utcOffset: -new Date().getTimezoneOffset() }]);
    expect(Math.round(((until ?? 0) - before) / 86_400_000)).toBe(30);
    expect(notices.polite).toContain("Dismissed for 30 days: A decoy was revealed");
    (await byId("insights-dismissed")).click();
    (await byId("insight-restore")).click();
    await waitFor(() => expect(findings()).toHaveLength(11));
    expect(maybe("insights-dismissed")).toBeNull();
  });

  it("that cannot be dismissed stay, and say why", async () => {
    const vault = await insights();
    vi.spyOn(vault, "insightDismiss").mockRejectedValue(new VaultError({ code: "notFound" }));
    within(finding("A decoy was revealed"), "insight-dismiss")?.click();
    await byId("toast");
    expect(findings()).toHaveLength(11);
  });

  it("say what was looked at where nothing is to do", async () => {
    await insights({ alone: true });
    expect((await byId("insights-none")).textContent).toContain("Nothing to doLooked at: 200 entries of the log since");
    expect(document.querySelector("[data-testid=hour-shown]")?.textContent).toBe("No uses.");
  });

  it("say that the log is still being read, and draw nothing from half of it", async () => {
    const vault = await insights({ log: "reading" });
    expect((await byId("insights-waiting")).textContent).toContain("still being read");
    expect(findings().map((one) => one.dataset.kind)).toEqual(["leaverQueue", "expiring", "neverRotated"]);
    expect(maybe("hours")).toBeNull();
    // When it is read, they are worked out again.
    const view = vi.spyOn(vault, "insightsView");
    vi.useFakeTimers();
    vault.audit.read(200);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(view).toHaveBeenCalledTimes(1);
  });

  it("say that the log is not open to this person", async () => {
    await insights({ role: "member" });
    expect((await byId("insights-closed")).textContent).toContain("not open to you");
    expect(maybe("insights-waiting")).toBeNull();
  });

  it("say why nothing could be worked out, and try again", async () => {
    const vault = open({ audit: 200 });
    const view = vi.spyOn(vault, "insightsView").mockRejectedValueOnce(new VaultError({ code: "internal", reportId: "r-1" }));
    (await byId("audit-open")).click();
    (await byId("audit-tab-insights")).click();
    (await byId("again")).click();
    await byId("insights-act");
    expect(view).toHaveBeenCalledTimes(2);
  });

  it("pass the rules of accessibility", async () => {
    await insights();
    const pane = document.querySelector("main") ?? document.body;
    const found = await axe.run(pane, { runOnly: ["wcag2a", "wcag2aa", "best-practice"], rules: { "color-contrast": { enabled: false }, region: { enabled: false } } });
    expect(found.violations.map((one) => [one.id, one.nodes[0]?.html])).toEqual([]);
  }, 40_000);
});

describe("charts of uses and refusals", () => {
  it("tell every day and hour in words that the keys reach", async () => {
    await insights();
    const days = await byId("days-refused");
    days.focus();
    await press("End");
    const first = (await byId("day-refused")).textContent;
    await press("ArrowLeft");
    expect((await byId("day-refused")).textContent).not.toBe(first);
    await press("ArrowRight");
    expect((await byId("day-refused")).textContent).toBe(first);
    const hours = await byId("hours");
    const cell = hours.querySelector<HTMLElement>("[tabindex='0']");
    cell?.focus();
    await press("Home");
    await press("ArrowDown");
    expect(document.activeElement?.getAttribute("aria-label")).toMatch(/^Tuesday, 00:00 to 01:00: \d+ uses?$/);
    expect(hours.querySelectorAll("[tabindex='0']")).toHaveLength(1);
    expect((await byId("hour-shown")).textContent).toContain("Tuesday, 00:00 to 01:00");
  });

  it("have a table for whoever does not see them, of as many days as are shown", async () => {
    await insights();
    const tables = () => [...document.querySelectorAll("table")].map((one) => one.querySelectorAll("tbody tr").length);
    expect(tables()).toEqual([14, 14]);
    (await byId("insights-span-30")).click();
    await waitFor(() => expect(tables()).toEqual([30, 30]));
  });

  it("are drawn to scale, and one use among thousands is still seen", () => {
    const days = [{ day: 1, uses: 1, refused: 0 }, { day: 2, uses: 4_000, refused: 0 }];
    const bars = dayBars(days, "uses", 100, 56);
    expect(bars.map((bar) => bar.height)).toEqual([2, 56]);
    expect(peak(bars)?.value).toBe(4_000);
    expect(peak(dayBars(days, "refused", 100, 56))).toBeNull();
    const [[none, some, most] = []] = squares([[0, 25, 100]], 12);
    expect([none, some, most]).toEqual([0, 6, 12]);
    expect(hourWords(6, 23, 1)).toBe("Sunday, 23:00 to 00:00: 1 use");
  });
});

describe("decoys", () => {
  async function decoy(name: string, scenario: Parameters<typeof open>[0] = {}): Promise<FakeVault> {
    const vault = open(scenario);
    await goTo("storefront/prod");
    (await row(name)).click();
    await byId("inspector-name");
    return vault;
  }

  it("are marked in the environment, on this computer only", async () => {
    const vault = await decoy("MAPS_API_KEY");
    const set = vi.spyOn(vault, "decoySet");
    (await byId("decoy-on")).click();
    await byId("decoy-off");
    expect(set).toHaveBeenCalledWith("env_sf_prod", "sec_sfp_s7", true);
    expect((await byId("decoy")).textContent).toContain("Only this computer knows. It keeps nobody from the value");
    (await byId("decoy-off")).click();
    await byId("decoy-on");
  });

  it("are told from others when the row changes", async () => {
    await decoy("WAREHOUSE_API_TOKEN");
    await byId("decoy-off");
    (await row("MAPS_API_KEY")).click();
    await byId("decoy-on");
  });

  it("are not offered to who would never be told of a use", async () => {
    await decoy("MAPS_API_KEY", { role: "member" });
    await waitFor(() => expect(document.querySelector(".rd")).not.toBeNull());
    expect(maybe("decoy")).toBeNull();
  });
});

describe("words", () => {
  it("say what was looked at, and what was not", () => {
    const view: InsightsView = { at: 0, complete: true, readable: true, findings: [], dismissed: [], charts: { days: [], hours: [] }, looked: { entries: 1, doubtful: 1, from: null, secrets: 2, holders: 1, tokens: 0, unseen: 1 } };
    expect(looked(view)).toBe("Looked at: 1 entry of the log, 2 secrets, 1 holder of data keys and 0 living tokens.");
    expect(beyond(view)).toBe("Of 1 environment this computer sees no history, so the ages of values there are not known here. 1 doubtful entry counted for nothing.");
  });
});
