import { cleanup } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { VaultError } from "../src/ipc/vault";
import { notices } from "../src/shared/notices.svelte";
import { byId, goTo, maybe, open, press, row, type, waitFor } from "./support/app";

const prod = "storefront/prod";

beforeEach(() => {
  // The drawn width decides between side bar and rail; happy-dom has none of its own.
  vi.spyOn(window, "matchMedia").mockImplementation((query) => Object.assign(new EventTarget(), { matches: false, media: query, onchange: null, addListener: vi.fn(), removeListener: vi.fn() }));
});
afterEach(() => {
  cleanup();
  notices.forget();
  vi.restoreAllMocks();
});

describe("without a vault", () => {
  it("the way to a new vault needs a name, an organisation and a label", async () => {
    const vault = open({ phase: "welcome" });
    const create = vi.spyOn(vault, "vaultCreate");
    (await byId("welcome-create")).click();
    const next = await byId("create-continue");
    next.click();
    expect(create).not.toHaveBeenCalled();
    await type(await byId("create-name"), "Mara Lind");
    await type(await byId("create-organisation"), "Acme");
    next.click();
    await waitFor(() => expect(create).toHaveBeenCalledWith("This computer", "Mara Lind", "Acme"));
    expect((await byId("first-run")).textContent).toContain("No applications in Acme yet");
  });

  it("the digit 5 opens a sample vault, which is marked as one", async () => {
    open({ phase: "welcome" });
    await byId("welcome-sample");
    await press("5");
    expect((await byId("sample-badge")).textContent).toContain("Sample");
    expect((await byId("status-sample")).textContent).toContain("Sample");
  });
});

describe("locked", () => {
  it("says why and when, in words, and what was kept", async () => {
    open({ phase: "locked" });
    await byId("locked-unlock");
    expect(document.body.textContent).toContain("Nobody used this computer for 10 minutes, so the vault locked at");
    expect(document.body.textContent).toContain("Three staged changes are kept, encrypted.");
  });

  it("locking takes every name off the window", async () => {
    open({ staged: true });
    await goTo(prod);
    (await row("STRIPE_SECRET_KEY")).click();
    await waitFor(async () => expect((await byId("inspector-name")).textContent).toBe("STRIPE_SECRET_KEY"));
    (await byId("row-copy")).click();
    await waitFor(() => expect(notices.polite).toContain("Copied"));
    await press("l", { ctrlKey: true });
    await byId("locked-unlock");
    for (const name of ["STRIPE", "storefront", "Mara"]) expect(document.body.innerHTML).not.toContain(name);
  });
});

describe("an environment", () => {
  it("draws masks, never values, and tells readers so", async () => {
    open();
    await goTo(prod);
    const mask = (await row("DATABASE_URL")).querySelector("[role=img]");
    expect(mask?.getAttribute("aria-label")).toBe("Hidden value");
    expect(mask?.textContent).toBe("");
  });

  it("is a grid that knows its whole size and has one tab stop", async () => {
    open({ big: 50_000 });
    await goTo(prod);
    await row("ALGOLIA_ADMIN_KEY");
    const grid = await byId("env-grid");
    expect(grid.getAttribute("aria-rowcount")).toBe("50001");
    expect(grid.querySelectorAll("[data-testid=env-row]").length).toBeLessThan(60);
    expect(grid.querySelectorAll('[tabindex="0"]').length).toBe(1);
    expect((await row("ALGOLIA_ADMIN_KEY")).getAttribute("aria-rowindex")).toBe("2");
  });

  it("filters with every letter and counts what is left", async () => {
    const vault = open();
    const asked = vi.spyOn(vault, "envRows");
    await goTo(prod);
    await row("ALGOLIA_ADMIN_KEY");
    await type(await byId("env-filter"), "strip");
    await waitFor(async () => expect((await byId("env-count")).textContent?.trim()).toBe("2 of 19 names"));
    expect(asked.mock.calls.map(([query]) => query.filter)).toEqual(expect.arrayContaining(["s", "st", "str", "stri", "strip"]));
    expect((await row("STRIPE_SECRET_KEY")).querySelector("mark")?.textContent).toBe("STRIP");
  });

  it("copies with C, shows the time left in the row and in the status bar, and speaks once", async () => {
    open();
    await goTo(prod);
    (await row("STRIPE_SECRET_KEY")).click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe("STRIPE_SECRET_KEY"));
    await press("c");
    await waitFor(async () => expect((await row("STRIPE_SECRET_KEY")).textContent).toMatch(/Copied, 30 s/));
    expect((await byId("status-clipboard")).textContent).toContain("STRIPE_SECRET_KEY");
    expect(notices.polite).toBe("Copied STRIPE_SECRET_KEY, clears in 30 seconds");
  });

  it("moves with arrows, Home and End, and the inspector follows", async () => {
    open();
    await goTo(prod);
    (await row("ALGOLIA_ADMIN_KEY")).click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-index")).toBe("0"));
    await press("ArrowDown");
    await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe("CDN_PURGE_TOKEN"));
    await press("End");
    await waitFor(async () => expect((await byId("inspector-name")).textContent).toBe("WAREHOUSE_HMAC_KEY"));
  });

  it("goes to the next environment with ], and the table there takes the keys", async () => {
    const vault = open();
    const real = vault.envOpen.bind(vault);
    // The rows arrive before the rest of the view, as they may from a real server.
    vi.spyOn(vault, "envOpen").mockImplementation(async (id) => {
      await new Promise((done) => setTimeout(done, 60));
      return real(id);
    });
    await goTo("storefront/staging");
    await waitFor(() => expect(document.activeElement?.getAttribute("data-index")).toBe("0"));
    await press("]");
    await waitFor(async () => expect((await byId("crumb-env")).textContent).toContain("prod"));
    await waitFor(() => expect(document.activeElement?.getAttribute("data-index")).toBe("0"));
    await press("ArrowDown");
    await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe("CDN_PURGE_TOKEN"));
  });

  it("leaves single letters alone when they are switched off", async () => {
    const vault = open();
    const copy = vi.spyOn(vault, "secretCopy");
    await goTo(prod);
    (await row("STRIPE_SECRET_KEY")).click();
    const { settings } = await vault.appState();
    await vault.settingsSet({ ...settings, singleKeys: false });
    await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe("STRIPE_SECRET_KEY"));
    await press("c");
    await press("?");
    expect(copy).not.toHaveBeenCalled();
    expect(maybe("key-table")).toBeNull();
  });
});

describe("staged changes", () => {
  it("are reviewed, signed, and then gone from the bar", async () => {
    open({ staged: true });
    await goTo(prod);
    expect((await byId("staged-bar")).textContent).toContain("1 added, 1 changed, 1 deleted. Nothing is sent until you sign.");
    await press("Enter", { ctrlKey: true });
    await waitFor(() => expect(document.querySelectorAll("[data-testid=review-row]").length).toBe(3));
    expect((await byId("review-sheet")).textContent).toContain("One commit, number 1,848");
    await press("Enter", { ctrlKey: true });
    expect((await byId("toast")).textContent).toContain("Signed commit 1,848");
    await waitFor(() => expect(maybe("staged-bar")).toBeNull());
  });

  it("can be undone from the toast while they are not signed", async () => {
    open();
    await goTo(prod);
    (await row("MAPS_API_KEY")).click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe("MAPS_API_KEY"));
    await press("d");
    await waitFor(async () => expect((await row("MAPS_API_KEY")).dataset["staged"]).toBe("delete"));
    expect((await byId("toast")).textContent).toContain("Staged: delete MAPS_API_KEY");
    (await byId("toast-undo")).click();
    await waitFor(async () => expect((await row("MAPS_API_KEY")).dataset["staged"]).toBeUndefined());
  });

  it("that meet a newer version become one card each", async () => {
    open({ staged: true, conflict: true });
    await goTo(prod);
    await byId("staged-bar");
    await press("Enter", { ctrlKey: true });
    (await byId("staged-sign")).click();
    expect((await byId("conflict")).textContent).toContain("SMTP_PASSWORD changed while you edited it. Ines Calder wrote version 5");
    (await byId("conflict-mine")).click();
    await waitFor(() => expect(maybe("conflict")).toBeNull());
    expect((await row("SMTP_PASSWORD")).textContent).toContain("5 → 6");
    await press("Enter", { ctrlKey: true });
    (await byId("staged-sign")).click();
    await waitFor(async () => expect((await byId("toast")).textContent).toContain("Signed commit"));
  });

  it("several names are deleted together", async () => {
    const vault = open();
    const remove = vi.spyOn(vault, "secretDelete");
    await goTo(prod);
    (await row("ALGOLIA_ADMIN_KEY")).click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-index")).toBe("0"));
    await press("x");
    await press("ArrowDown");
    await waitFor(() => expect(document.activeElement?.getAttribute("data-index")).toBe("1"));
    await press("ArrowDown");
    await waitFor(() => expect(document.activeElement?.getAttribute("data-index")).toBe("2"));
    await press("X", { shiftKey: true });
    await press("Delete");
    await waitFor(() => expect(remove.mock.calls[0]?.[1]).toHaveLength(3));
  });

  it("once signed, the focus stays with the secret that had it, wherever it moved", async () => {
    open();
    await goTo(prod);
    (await row("ALGOLIA_ADMIN_KEY")).click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-index")).toBe("0"));
    await press("d");
    await waitFor(async () => expect((await row("ALGOLIA_ADMIN_KEY")).dataset["staged"]).toBe("delete"));
    (await row("CDN_PURGE_TOKEN")).click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe("CDN_PURGE_TOKEN"));
    await press("Enter", { ctrlKey: true });
    (await byId("staged-sign")).click();
    await waitFor(() => expect(maybe("review-sheet")).toBeNull());
    await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe("CDN_PURGE_TOKEN"));
    expect(document.activeElement?.getAttribute("data-index")).toBe("0");
    expect((await byId("inspector-name")).textContent).toBe("CDN_PURGE_TOKEN");
  });

  it("a failed signature says so and keeps everything staged", async () => {
    const vault = open({ staged: true });
    vi.spyOn(vault, "stagedCommit").mockRejectedValue(new VaultError({ code: "offline", since: null }));
    await goTo(prod);
    await byId("staged-bar");
    await press("Enter", { ctrlKey: true });
    (await byId("staged-sign")).click();
    expect((await byId("toast")).textContent).toContain("No connection to the server.");
    expect((await byId("staged-bar")).textContent).toContain("3 staged changes");
  });
});

describe("an import", () => {
  it("is a dry run first, with its counts and its troubles", async () => {
    open();
    await goTo(prod);
    await row("ALGOLIA_ADMIN_KEY");
    (await byId("import-open")).click();
    expect((await byId("import-read")).textContent).toBe("840");
    expect((await byId("import-skipped")).textContent).toBe("2");
    expect((await byId("import-sheet")).textContent).toContain("2FA_SEED: a name cannot begin with a digit.");
    expect((await byId("import-sheet")).textContent).toContain("API_URL twice: line 402 is skipped.");
  });

  it("takes a new name for a line that could not be used", async () => {
    open();
    await goTo(prod);
    await row("ALGOLIA_ADMIN_KEY");
    (await byId("import-open")).click();
    (await byId("import-rename")).click();
    const field = await byId("import-rename-field");
    if (field instanceof HTMLInputElement) field.value = "";
    await type(field, "TWO_FA_SEED");
    field.closest("form")?.requestSubmit();
    await waitFor(async () => expect((await byId("import-skipped")).textContent).toBe("1"));
  });

  it("becomes one commit", async () => {
    open();
    await goTo(prod);
    await row("ALGOLIA_ADMIN_KEY");
    (await byId("import-open")).click();
    (await byId("import-apply")).click();
    await waitFor(async () => expect((await byId("toast")).textContent).toContain("Signed commit 1,848"));
    expect((await byId("env-count")).textContent?.trim()).toBe("855 names");
  });

  it("that is called off leaves the dry run as it was", async () => {
    const vault = open({ slow: 20 });
    await goTo(prod);
    await row("ALGOLIA_ADMIN_KEY");
    (await byId("import-open")).click();
    (await byId("import-apply")).click();
    for (let task = 1; task < 9; task += 1) await vault.taskCancel(`task_${task}`);
    await byId("import-sheet");
    expect((await byId("env-count")).textContent?.trim()).toBe("19 names");
  });

  it("begins when a file is dropped on the window", async () => {
    const vault = open();
    await goTo(prod);
    await row("ALGOLIA_ADMIN_KEY");
    vault.emit("dragOver", { over: true });
    await byId("drop-overlay");
    vault.emit("fileDropped", { fileName: "dropped.env" });
    expect((await byId("import-sheet")).textContent).toContain("dropped.env");
    expect(maybe("drop-overlay")).toBeNull();
  });
});

describe("when the history contradicts what was seen", () => {
  it("nothing can be written, reading goes on, and the bar says so", async () => {
    open({ state: "stopped", staged: true });
    await goTo(prod);
    expect((await byId("stopped")).textContent).toContain("Nothing can be written.");
    await row("STRIPE_SECRET_KEY");
    for (const id of ["new-secret", "import-open", "staged-review", "row-delete", "inspector-edit"]) expect(maybe(id)).toBeNull();
    expect(maybe("inspector-copy")).not.toBeNull();
    expect((await byId("status-verified")).textContent).toContain("Stopped: history differs");
    await press("Enter", { ctrlKey: true });
    expect(maybe("review-sheet")).toBeNull();
  });
});

describe("offline", () => {
  it("the age of what is shown is said, and trying again ends it", async () => {
    open({ state: "behind" });
    await goTo(prod);
    expect((await byId("offline")).textContent).toMatch(/You see the state of .*, 3 h ago\./);
    (await byId("sync-now")).click();
    await waitFor(() => expect(maybe("offline")).toBeNull());
  });
});

describe("the palette", () => {
  it("copies with Enter and says what it copied", async () => {
    const vault = open();
    const copy = vi.spyOn(vault, "secretCopy");
    await goTo(prod);
    await press("k", { ctrlKey: true });
    await type(await byId("palette-input"), "stripe_sec");
    await waitFor(() => expect(document.querySelector("[data-testid=palette-hit][data-name=STRIPE_SECRET_KEY]")).not.toBeNull());
    await press("Enter");
    expect(copy).toHaveBeenCalledOnce();
    expect((await byId("toast")).textContent).toContain("Copied STRIPE_SECRET_KEY, clears in 30 seconds");
    expect(maybe("palette")).toBeNull();
  });

  it("opens the actions of a secret with Tab, and their letters act", async () => {
    const vault = open();
    const reveal = vi.spyOn(vault, "secretReveal");
    await goTo(prod);
    await press("k", { ctrlKey: true });
    await type(await byId("palette-input"), "stripe_sec");
    await waitFor(() => expect(document.querySelector('[data-testid="palette-hit"][data-kind="verb"]')).not.toBeNull());
    await press("Tab");
    await press("r");
    expect(reveal).toHaveBeenCalledOnce();
  });

  it("drops the answer to an older question", async () => {
    const vault = open();
    await goTo(prod);
    const real = vault.paletteSearch.bind(vault);
    let release = () => {};
    const held = new Promise<void>((done) => (release = done));
    vi.spyOn(vault, "paletteSearch").mockImplementation(async (query, limit) => {
      if (query === "s") await held;
      return real(query, limit);
    });
    await press("k", { ctrlKey: true });
    await type(await byId("palette-input"), "sm");
    await waitFor(() => expect(document.querySelector("[data-name=SMTP_PASSWORD][data-testid=palette-hit]")).not.toBeNull());
    release();
    await new Promise((done) => setTimeout(done, 20));
    const names = [...document.querySelectorAll<HTMLElement>("[data-testid=palette-hit][data-kind=secret]")].map((hit) => hit.dataset["name"]);
    expect(names.every((name) => name?.includes("SM"))).toBe(true);
  });
});

describe("the organisation", () => {
  it("a new application comes with the environments that stay ticked", async () => {
    const vault = open({ empty: true });
    const create = vi.spyOn(vault, "appCreate");
    (await byId("first-app")).click();
    await type(await byId("app-name"), "storefront");
    (await byId("app-env-staging")).click();
    (await byId("app-create")).click();
    await waitFor(() => expect(create).toHaveBeenCalledWith("storefront", [{ name: "dev", class: "development" }, { name: "prod", class: "production" }]));
    expect((await byId("env-empty")).textContent).toContain("No secrets in storefront / dev");
  });

  it("a name that exists already is refused beside the field", async () => {
    open();
    await goTo(prod);
    (await byId("app-new")).click();
    await type(await byId("app-name"), "payments");
    (await byId("app-create")).click();
    await waitFor(() => expect(document.querySelector("#form-hint")?.textContent).toContain("“payments” exists already."));
  });
});

describe("settings", () => {
  it("the theme is on the root of the document at once", async () => {
    open();
    (await byId("settings-open")).click();
    (await byId("settings-theme-light")).click();
    await waitFor(() => expect(document.documentElement.dataset["theme"]).toBe("light"));
    (await byId("settings-theme-system")).click();
    await waitFor(() => expect(document.documentElement.dataset["theme"]).toBeUndefined());
  });

  it("a refused setting goes back to what it was", async () => {
    const vault = open();
    vi.spyOn(vault, "settingsSet").mockRejectedValue(new VaultError({ code: "diskFull" }));
    (await byId("settings-open")).click();
    const toggle = await byId("settings-single-keys");
    toggle.click();
    await byId("toast");
    expect(toggle.getAttribute("aria-checked")).toBe("true");
  });
});
