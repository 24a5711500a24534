import { cleanup } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { VaultError } from "../src/ipc/vault";
import { notices } from "../src/shared/notices.svelte";
import { byId, maybe, open, press, type, waitFor } from "./support/app";
import { box, counted, drawn, facet, openLog, rowAt } from "./support/log";
import { wideWindow } from "./support/team";

beforeEach(() => {
  wideWindow();
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(600);
});
afterEach(() => {
  cleanup();
  notices.forget();
  vi.restoreAllMocks();
});

const chips = () => [...document.querySelectorAll<HTMLElement>("[data-testid=audit-chip]")].map((one) => one.textContent?.trim());
const small = { audit: 4_000 };

describe("filters", () => {
  it("open with what people did, and a switch brings the routine checks", async () => {
    await openLog(small);
    expect((await byId("audit-views")).textContent).toContain("What people did");
    const quiet = await counted();
    expect(quiet).toBeLessThan(4_000);
    (await byId("audit-routine")).click();
    await waitFor(async () => expect(await counted()).toBe(4_000));
  });

  it("of several groups hold together, stand as chips, and go one by one", async () => {
    await openLog(small);
    box(await facet("kinds", "Revealed")).click();
    box(await facet("who", "Priya Sand")).click();
    await waitFor(() => expect(chips()).toEqual(["Priya Sand", "Revealed"]));
    await waitFor(() => expect(drawn().length).toBeGreaterThan(0));
    for (const row of drawn()) expect(row.getAttribute("aria-label")).toMatch(/Priya Sand, Revealed/);
    document.querySelector<HTMLElement>("[data-testid=audit-chip] button")?.click();
    await waitFor(() => expect(chips()).toEqual(["Revealed"]));
    await waitFor(() => expect(drawn().some((row) => !row.textContent?.includes("Priya Sand"))).toBe(true));
  });

  it("counts of a group ignore its own filter, so that another value can be added", async () => {
    await openLog(small);
    const before = (await facet("kinds", "Copied")).textContent;
    box(await facet("kinds", "Revealed")).click();
    await waitFor(() => expect(chips()).toEqual(["Revealed"]));
    expect((await facet("kinds", "Copied")).textContent).toBe(before);
    const one = await counted();
    box(await facet("kinds", "Copied")).click();
    await waitFor(async () => expect(await counted()).toBeGreaterThan(one));
    expect(chips()).toEqual(["2 kinds"]);
  });

  it("Alt-click and Alt Enter leave only this", async () => {
    await openLog(small);
    box(await facet("kinds", "Revealed")).click();
    await waitFor(() => expect(chips()).toEqual(["Revealed"]));
    (await facet("kinds", "Copied")).dispatchEvent(new MouseEvent("click", { altKey: true, bubbles: true, cancelable: true }));
    await waitFor(() => expect(chips()).toEqual(["Copied"]));
    box(await facet("levels", "Seen")).focus();
    await press("Enter", { altKey: true });
    await waitFor(() => expect(chips()).toEqual(["Copied", "Seen"]));
    expect(await waitFor(() => byId("audit-none"))).toBeTruthy();
    await press("Escape");
    await waitFor(() => expect(chips()).toEqual([]));
  });

  it("search words must all be found, in any of the names", async () => {
    await openLog(small);
    await press("/");
    await waitFor(() => expect(document.activeElement?.getAttribute("data-testid")).toBe("audit-search"));
    await type(await byId("audit-search"), "priya stripe");
    await waitFor(() => expect(drawn().length).toBeGreaterThan(0));
    await waitFor(() => {
      for (const row of drawn()) expect(row.getAttribute("aria-label")?.toLowerCase()).toMatch(/priya.*stripe/);
    });
    await press("Escape");
    expect((await byId("audit-search") as HTMLInputElement).value).toBe("");
  });

  it("Backspace in the empty search takes the last chip", async () => {
    await openLog(small);
    box(await facet("who", "Mara Lind")).click();
    await waitFor(() => expect(chips()).toEqual(["Mara Lind"]));
    (await byId("audit-search")).focus();
    await press("Backspace");
    await waitFor(() => expect(chips()).toEqual([]));
  });

  it("beyond what fits are behind one chip, which removes them too", async () => {
    await openLog(small);
    for (const [group, label] of [["who", "Mara Lind"], ["kinds", "Copied"], ["envs", "storefront / prod"], ["outcomes", "Done"]] as const) box(await facet(group, label)).click();
    await waitFor(() => expect(chips().length).toBe(2));
    expect((await byId("audit-more-chips")).textContent).toContain("+2");
  });

  it("more than six values are behind one line, and a long list can be searched", async () => {
    await openLog(small);
    expect(document.querySelectorAll("[data-testid=facet-who] [data-testid=audit-facet]").length).toBe(6);
    (await byId("facet-who-more")).click();
    await waitFor(() => expect(document.querySelectorAll("[data-testid=facet-who] [data-testid=audit-facet]").length).toBeGreaterThan(12));
    await type(await byId("facet-who-filter"), "oskar");
    await waitFor(() => expect(document.querySelectorAll("[data-testid=facet-who] [data-testid=audit-facet]").length).toBe(1));
    expect((await facet("who", "Oskar Vale")).title).toContain("gone since");
  });

  it("that leave nothing say so, and go", async () => {
    await openLog(small);
    await type(await byId("audit-search"), "zzz");
    expect((await byId("audit-none")).textContent).toContain("No row matches");
    (await byId("audit-clear")).click();
    await waitFor(() => expect(drawn().length).toBeGreaterThan(0));
  });
});

describe("saved views", () => {
  it("are kept under a name, saved over, renamed and removed", async () => {
    const vault = await openLog(small);
    box(await facet("kinds", "Revealed")).click();
    await waitFor(() => expect(chips()).toEqual(["Revealed"]));
    const save = async (name: string) => {
      (await byId("audit-views")).dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
      (await byId("audit-view-save")).dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
      const field = (await byId("audit-view-name")) as HTMLInputElement;
      field.value = "";
      await type(field, name);
    };
    await save("Refused");
    expect((await byId("audit-view-submit") as HTMLButtonElement).disabled).toBe(true);
    const field = (await byId("audit-view-name")) as HTMLInputElement;
    field.value = "";
    await type(field, "Reveals");
    (await byId("audit-view-submit")).click();
    await waitFor(async () => expect((await vault.auditViews()).map((one) => one.name)).toEqual(["Reveals"]));
    await waitFor(async () => expect((await byId("audit-views")).textContent).toContain("Reveals"));
    await save("All reveals");
    (await byId("audit-view-rename")).click();
    await waitFor(async () => expect((await vault.auditViews()).map((one) => one.name)).toEqual(["All reveals"]));
    await waitFor(() => expect(maybe("audit-view-dialog")).toBeNull());
  });
});

describe("the timeline", () => {
  it("Shift and arrows choose a span from its newest end, arrows move it, Esc clears it", async () => {
    const vault = await openLog(small);
    const ask = vi.spyOn(vault, "auditAsk");
    const all = await counted();
    (await byId("audit-timeline")).focus();
    await press("ArrowLeft", { shiftKey: true });
    await waitFor(() => expect(chips()[0]).toMatch(/^since /));
    const short = await counted();
    expect(short).toBeLessThan(all);
    await press("ArrowLeft", { shiftKey: true });
    await waitFor(async () => expect(await counted()).toBeGreaterThan(short));
    await press("ArrowLeft");
    await waitFor(() => expect(chips()[0]).not.toMatch(/^since /));
    const { from, to } = ask.mock.calls[ask.mock.calls.length - 1]?.[0] ?? {};
    expect((to ?? 0) > (from ?? 0)).toBe(true);
    await press("Escape");
    await waitFor(() => expect(chips()).toEqual([]));
    expect(await counted()).toBe(all);
  });

  it("its ends are handles that say where they are", async () => {
    await openLog(small);
    const start = await byId("audit-from");
    const before = Number(start.getAttribute("aria-valuenow"));
    start.focus();
    await press("ArrowRight");
    await waitFor(() => expect(chips()[0]).toMatch(/^since /));
    expect(Number((await byId("audit-from")).getAttribute("aria-valuenow"))).toBeGreaterThan(before);
    expect((await byId("audit-from")).getAttribute("aria-valuetext")).toContain("2026");
  });

  it("is drawn with the pointer, and a double click clears it", async () => {
    await openLog(small);
    const chart = await byId("audit-timeline");
    const move = (kind: string, x: number) => chart.dispatchEvent(new PointerEvent(kind, { bubbles: true, clientX: x, pointerId: 1, button: 0 }));
    move("pointerdown", 300);
    move("pointermove", 420);
    move("pointerup", 420);
    await waitFor(() => expect(chips()[0]).toMatch(/ to /));
    chart.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    await waitFor(() => expect(chips()).toEqual([]));
  });

  it("is told to readers as a sentence and as a table", async () => {
    await openLog(small);
    expect((await byId("audit-timeline")).getAttribute("aria-label")).toContain("Most from");
    expect((await byId("audit-timeline-table")).querySelectorAll("tbody tr").length).toBeGreaterThan(40);
  });
});

describe("a row", () => {
  it("opens with Enter: what it proves and what not, its proof, its raw fields", async () => {
    await openLog(small);
    (await rowAt(5)).click();
    (await byId("audit-grid")).focus();
    await press("Enter");
    expect((await byId("audit-sentence")).textContent).toContain("It does not prove what was done with the value afterwards.");
    const panel = await byId("audit-row-panel");
    expect(panel.textContent).toContain("Checked on this computer");
    expect(panel.textContent).not.toContain("Leaf hash");
    (await byId("audit-fields")).click();
    await waitFor(() => expect(panel.textContent).toContain("Leaf hash"));
    await press("Escape");
    await waitFor(() => expect(maybe("audit-row-panel")).toBeNull());
    expect(document.activeElement?.getAttribute("data-testid")).toBe("audit-grid");
  });

  it("leads to its neighbours of the same person, and to those like it", async () => {
    await openLog(small);
    (await rowAt(5)).click();
    (await byId("audit-grid")).focus();
    await press("Enter");
    await byId("audit-sentence");
    (await byId("audit-before")).click();
    await waitFor(() => expect(document.querySelector("[data-testid=audit-row][aria-selected=true]")?.getAttribute("aria-label")).toContain("Priya Sand, Decrypted"));
    (await byId("audit-only-secret")).click();
    await waitFor(() => expect(chips()).toEqual(["STRIPE_PAYOUT_KEY"]));
    await waitFor(() => {
      for (const row of drawn()) expect(row.textContent).toContain("STRIPE_PAYOUT_KEY");
    });
  });

  it("stays open while the filter still shows it, and closes when it does not", async () => {
    await openLog(small);
    (await rowAt(5)).click();
    (await byId("audit-grid")).focus();
    await press("Enter");
    await byId("audit-sentence");
    (await byId("facet-who-more")).click();
    box(await facet("who", "Priya Sand")).click();
    await waitFor(() => expect(document.querySelector<HTMLElement>("[data-testid=audit-row][aria-selected=true]")?.dataset["entry"]).toBe("3994"));
    expect(maybe("audit-row-panel")).not.toBeNull();
    box(await facet("kinds", "Copied")).click();
    await waitFor(() => expect(maybe("audit-row-panel")).toBeNull());
  });

  it("its proof can be saved and its link copied", async () => {
    await openLog(small);
    (await rowAt(0)).click();
    (await byId("audit-grid")).focus();
    await press("Enter");
    (await byId("audit-proof-save")).click();
    await waitFor(async () => expect((await byId("toast")).textContent).toContain("/home/mara/entry-3999.tlog-proof"));
    const write = vi.fn().mockResolvedValue(undefined);
    vi.spyOn(navigator, "clipboard", "get").mockReturnValue({ writeText: write } as unknown as Clipboard);
    (await byId("audit-link")).click();
    await waitFor(() => expect(write).toHaveBeenCalledWith("strongroom://vault.acme.example/org_1/audit/3999"));
  });

  it("that the filter hides is opened by its link all the same, and can be listed", async () => {
    const vault = await openLog(small);
    const routine = Array.from({ length: 4_000 }, (_, entry) => entry).find((entry) => vault.audit.log.row(entry).kind === 13) ?? -1;
    vault.emit("openLink", { org: "org_1", entry: routine, envId: null, secretId: null });
    await byId("audit-outside");
    (await byId("audit-show-all")).click();
    await waitFor(() => expect(document.querySelector<HTMLElement>("[data-testid=audit-row][aria-selected=true]")?.dataset["entry"]).toBe(String(routine)));
    expect(maybe("audit-outside")).toBeNull();
    expect(maybe("audit-row-panel")).not.toBeNull();
  });

  it("a link opens it, wherever it stands; one that leads nowhere says no more than that", async () => {
    const vault = open(small);
    await byId("audit-open");
    vault.emit("openLink", { org: "org_1", entry: 1_234, envId: null, secretId: null });
    await waitFor(() => expect(document.querySelector('[data-testid=audit-row][data-entry="1234"]')?.getAttribute("aria-selected")).toBe("true"));
    vault.emit("openLink", { org: "org_9", entry: null, envId: null, secretId: null });
    await waitFor(async () => expect((await byId("toast")).textContent).toContain("This leads to nothing you can open."));
  });
});

describe("verify", () => {
  it("V says what it checks, then what was proven, since when, and what was not", async () => {
    await openLog(small);
    await press("v");
    const panel = await byId("audit-verify-panel");
    await waitFor(() => expect(panel.textContent).toContain("All 4,000 rows, on this computer"));
    expect([...document.querySelectorAll<HTMLElement>("[data-testid=audit-step]")].map((one) => one.dataset["ok"])).toEqual(Array(6).fill("true"));
    expect(panel.textContent).toContain("It does not prove:");
    expect(panel.textContent).toContain("link 409");
  });

  it("can be cancelled, and then nothing is claimed", async () => {
    await openLog({ ...small, slow: 30 });
    await press("v");
    (await byId("audit-verify-cancel")).click();
    await waitFor(async () => expect((await byId("audit-verify-panel")).textContent).toContain("Not verified"));
    expect(maybe("audit-verdict")).toBeNull();
  });

  it("a log that was changed: the first bad row is named, shown and marked, and the filter that hid it goes", async () => {
    await openLog({ ...small, log: "bad" });
    box(await facet("kinds", "Brokered")).click();
    await waitFor(() => expect(chips()).toEqual(["Brokered"]));
    await press("v");
    await waitFor(async () => expect((await byId("audit-verify-panel")).textContent).toContain("Row 3,600 does not hold"));
    await waitFor(() => expect(document.querySelector('[data-testid=audit-row][data-entry="3600"]')?.classList.contains("bad")).toBe(true));
    expect(chips()).toEqual([]);
    expect((await byId("audit-verify-panel")).textContent).toContain("Good up to");
    (await byId("audit-bad-open")).click();
    await waitFor(async () => expect((await byId("audit-row-panel")).textContent).toContain("was changed after it was written"));
  });

  it("compares with somebody, at any size both have", async () => {
    await openLog(small);
    await press("v");
    (await byId("audit-compare")).click();
    await waitFor(async () => expect((await byId("audit-code")).dataset["size"]).toBe("4000"));
    await type(await byId("audit-their-size"), "3,000");
    (await byId("audit-compare-go")).click();
    await waitFor(async () => expect((await byId("audit-code")).dataset["size"]).toBe("3000"));
    const mine = (await byId("audit-code")).textContent ?? "";
    await type(await byId("audit-their-code"), mine.toUpperCase());
    (await byId("audit-compare-go")).click();
    expect((await byId("audit-compare-answer")).dataset["answer"]).toBe("same");
    await type(await byId("audit-their-size"), "9");
    (await byId("audit-compare-go")).click();
    await waitFor(() => expect(document.querySelector("[role=alert]")?.textContent ?? document.body.textContent).toContain("This computer has read 4,000 rows"));
  });
});

describe("export", () => {
  it("says what goes out, and asks for the format and whether names go with it", async () => {
    const vault = await openLog(small);
    const write = vi.spyOn(vault, "auditExport");
    box(await facet("kinds", "Revealed")).click();
    await waitFor(() => expect(chips()).toEqual(["Revealed"]));
    const rows = await counted();
    (await byId("audit-export")).click();
    expect((await byId("audit-export-what")).textContent).toBe(`${rows} rows, 1 filter, without routine checks.`);
    (await byId("audit-format-bundle")).click();
    (await byId("audit-export-names")).click();
    (await byId("audit-export-go")).click();
    await waitFor(async () => expect((await byId("audit-export-done")).textContent).toContain(".strongroom-bundle"));
    expect(write.mock.calls[0]?.slice(1)).toEqual(["bundle", false]);
    expect(write.mock.calls[0]?.[0].kinds).toEqual(["revealed"]);
  });

  it("shows how far it is and can be called off", async () => {
    await openLog({ ...small, slow: 30 });
    (await byId("audit-export")).click();
    (await byId("audit-export-go")).click();
    const cancel = (await byId("audit-export-cancel")) as HTMLButtonElement;
    await waitFor(() => expect(cancel.disabled).toBe(false));
    cancel.click();
    await byId("audit-export-go");
    expect(maybe("audit-export-done")).toBeNull();
  });
});

describe("new rows", () => {
  it("are shown at once where nothing is looked at", async () => {
    const vault = await openLog(small);
    const first = (await rowAt(0)).dataset["entry"];
    vault.audit.grow(3);
    await waitFor(async () => expect(Number((await rowAt(0)).dataset["entry"])).toBe(Number(first) + 3));
    expect(maybe("audit-fresh")).toBeNull();
  });

  it("never move a selected row from under the eye, and wait in a pill", async () => {
    const vault = await openLog(small);
    (await rowAt(4)).click();
    const entry = (await rowAt(4)).dataset["entry"];
    vault.audit.grow(3);
    await waitFor(async () => expect((await byId("audit-fresh")).textContent).toContain("3 new rows"));
    await waitFor(() => expect(document.querySelector<HTMLElement>("[data-testid=audit-row][aria-selected=true]")?.dataset).toMatchObject({ entry, index: "7" }));
    (await byId("audit-fresh")).click();
    await waitFor(() => expect(document.querySelector<HTMLElement>("[data-testid=audit-row][aria-selected=true]")?.dataset["index"]).toBe("0"));
    expect(maybe("audit-fresh")).toBeNull();
  });

  it("are asked for while the live tail is on, and no longer when the screen is left", async () => {
    const vault = await openLog(small);
    const follow = vi.spyOn(vault, "auditFollow");
    (await byId("audit-live")).click();
    await waitFor(async () => expect((await byId("audit-live")).getAttribute("aria-checked")).toBe("true"));
    (await byId("tokens-open")).click();
    await waitFor(() => expect(follow.mock.calls).toEqual([[true], [false]]));
  });
});

describe("states", () => {
  it("a member is told that the log is not theirs to read", async () => {
    open({ ...small, role: "member" });
    (await byId("audit-open")).click();
    expect((await byId("audit-hidden")).textContent).toContain("Owners, admins and reviewers read it.");
    for (const id of ["audit-verify", "audit-export", "audit-search"]) expect(maybe(id)).toBeNull();
  });

  it("while it is read for the first time, how far; then its rows", async () => {
    const vault = open({ ...small, log: "reading" });
    (await byId("audit-open")).click();
    expect((await byId("audit-first-read")).textContent).toContain("Reading the log: 1,333 of 4,000");
    vault.audit.read(2_000);
    await waitFor(async () => expect((await byId("audit-first-read")).textContent).toContain("2,000 of 4,000"));
    vault.audit.read(4_000);
    await rowAt(0);
  });

  it("empty, offline, retired and stopped each say what is so", async () => {
    open({ log: "empty" });
    (await byId("audit-open")).click();
    expect((await byId("audit-empty")).textContent).toContain("Nothing is in the log yet");
    cleanup();
    open({ log: "unread" });
    (await byId("audit-open")).click();
    expect((await byId("audit-unread")).textContent).toContain("The log was not read here yet");
    cleanup();
    await openLog({ ...small, state: "behind" });
    expect((await byId("audit-offline")).textContent).toContain("work on this copy");
    cleanup();
    await openLog({ ...small, log: "retired" });
    expect((await byId("audit-retired")).textContent).toContain("400 older rows were retired");
  });

  it("a log that never held here is not shown at all", async () => {
    open({ log: "unread", state: "stopped" });
    (await byId("audit-open")).click();
    expect((await byId("audit-refused")).textContent).toContain("nothing of it was ever verified on this computer");
    expect((await byId("audit-stopped")).textContent).not.toContain("The rows below");
  });

  it("where the log went back, only an owner is offered to sign a reset", async () => {
    const vault = await openLog({ ...small, state: "stopped", log: "back" });
    const reset = vi.spyOn(vault, "auditReset");
    (await byId("audit-reset")).click();
    expect(reset).toHaveBeenCalled();
    cleanup();
    await openLog({ ...small, state: "stopped", log: "back", role: "admin" });
    await byId("audit-evidence");
    expect(maybe("audit-reset")).toBeNull();
  });

  it("a log that began anew is told on every screen until it was seen", async () => {
    const vault = open({ ...small, log: "anew" });
    const seen = vi.spyOn(vault, "auditNewLogAcknowledge");
    expect((await byId("new-log")).textContent).toContain("Priya Sand signed link 411");
    (await byId("tokens-open")).click();
    (await byId("new-log-seen")).click();
    await waitFor(() => expect(maybe("new-log")).toBeNull());
    expect(seen).toHaveBeenCalledWith(411);
  });

  it("rows whose answer the shell forgot are asked for again", async () => {
    const vault = open(small);
    const rows = vi.spyOn(vault, "auditRows").mockRejectedValueOnce(new VaultError({ code: "notFound" }));
    (await byId("audit-open")).click();
    await rowAt(0);
    await waitFor(() => expect(rows.mock.calls.map(([id]) => id)).toContain(2));
    expect(maybe("toast")).toBeNull();
  });

  it("that cannot be read says why and asks again", async () => {
    const vault = open(small);
    vi.spyOn(vault, "auditAsk").mockRejectedValueOnce(new VaultError({ code: "offline", since: null }));
    (await byId("audit-open")).click();
    expect((await byId("failed")).textContent).toContain("No connection to the server.");
    (await byId("again")).click();
    await rowAt(0);
  });
});

describe("the ways there", () => {
  it("g l, the palette and the status bar lead to the log", async () => {
    open(small);
    await byId("audit-open");
    await press("g");
    await press("l");
    await byId("audit-grid");
    (await byId("tokens-open")).click();
    (await byId("status-audit")).click();
    await byId("audit-grid");
  });

  it("Settings keep retention for owners, and a witness", async () => {
    const vault = open(small);
    const retain = vi.spyOn(vault, "auditRetain");
    (await byId("settings-open")).click();
    (await byId("settings-retain")).click();
    expect(Math.round((Date.now() - (retain.mock.calls[0]?.[0] ?? 0)) / (365.25 * 86_400_000))).toBe(2);
    (await byId("settings-witness-edit")).click();
    await type(await byId("settings-witness-url"), "https://witness.example/add-checkpoint");
    await type(await byId("settings-witness-key"), "witness.example+0a1b2c3d+AbCd");
    (await byId("settings-witness-save")).click();
    await waitFor(async () => expect((await byId("settings-witness")).textContent).toContain("witness.example"));
    cleanup();
    open({ ...small, role: "reviewer" });
    (await byId("settings-open")).click();
    await byId("settings-audit-open");
    expect(maybe("settings-retain")).toBeNull();
  });
});
