import { cleanup } from "@testing-library/svelte";
import axe from "axe-core";
import { tick } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Scenario } from "../src/ipc/fake";
import { VaultError } from "../src/ipc/vault";
import { notices } from "../src/shared/notices.svelte";
import { byId, maybe, open, press, type, waitFor } from "./support/app";

// A whole window with a matrix in it takes its time where there is no engine to lay it out.
vi.setConfig({ testTimeout: 30_000 });

beforeEach(() => {
  vi.spyOn(window, "matchMedia").mockImplementation((query) => Object.assign(new EventTarget(), { matches: false, media: query, onchange: null, addListener: vi.fn(), removeListener: vi.fn() }));
  // happy-dom has no layout; the matrix draws what fits into this.
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(1048);
});
afterEach(() => {
  cleanup();
  notices.forget();
  vi.restoreAllMocks();
});

async function access(scenario: Scenario = {}) {
  const vault = open(scenario);
  await waitFor(() => expect(document.querySelector("nav")).not.toBeNull());
  await press("g");
  await press("a");
  const grid = await byId("access-grid");
  await waitFor(() => expect(document.querySelector("[data-cell] .g")).not.toBeNull());
  grid.focus();
  return { vault, grid };
}

function cell(principal: string, env: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`[data-cell="${principal} ${env}"]`);
  if (!found) throw new Error(`no cell ${principal} ${env}`);
  return found;
}
const nameOf = (el: HTMLElement) => el.getAttribute("aria-label") ?? el.querySelector(".hidden-text")?.textContent ?? "";
const looks = (el: HTMLElement) => [...el.querySelectorAll("[aria-hidden]")].map((part) => part.textContent?.trim()).join(" ").trim();
const cursor = () => document.getElementById(document.querySelector("[data-testid=access-grid]")?.getAttribute("aria-activedescendant") ?? "");

async function walk(...keys: string[]): Promise<void> {
  for (const key of keys) await press(key);
}

describe("the matrix", () => {
  it("is a grid with one tab stop that knows its whole size", async () => {
    const { grid } = await access();
    expect(grid.getAttribute("aria-rowcount")).toBe("19");
    expect(grid.getAttribute("aria-colcount")).toBe("11");
    expect(grid.tabIndex).toBe(0);
    expect(grid.querySelectorAll('[tabindex="0"], button, input')).toHaveLength(0);
    expect(nameOf(cursor() ?? grid)).toContain("Mara Lind, storefront dev");
  });

  it("names every cell in full, and its letters are for the eye", async () => {
    await access();
    expect(nameOf(cell("usr_teo", "env_sf_prod"))).toBe("Teo Varga, storefront prod, read, ends in 3 days, last decrypt 9 hours ago");
    expect(looks(cell("usr_teo", "env_sf_prod"))).toBe("R 3d");
    expect(nameOf(cell("usr_ada", "env_sf_prod"))).toBe("Ada Quill, storefront prod, reviewer, can never hold a key");
    expect(nameOf(cell("usr_priya", "env_edge_dev"))).toBe("Priya Sand, edge-worker dev, may manage, holds no key");
    expect(looks(cell("tok_nightly_backup", "env_sf_prod"))).toBe("R never");
  });

  it("counts the living people of every environment, and says where they are few", async () => {
    await access();
    const people = [...document.querySelectorAll<HTMLElement>("[data-testid=access-people]")];
    expect(people.map((one) => one.textContent?.trim())).toEqual(["8", "7", "5", "6", "6", "3", "2", "2", "6", "3"]);
    expect(people[6]?.getAttribute("aria-label")).toBe("edge-worker / dev, living people with the key: 2, few");
  });

  it("draws of 500 by 500 only what is in view and around it, and fetches only those tiles", async () => {
    const vault = open({ matrix: 500 });
    const tile = vi.spyOn(vault, "accessTile");
    await waitFor(() => expect(document.querySelector("nav")).not.toBeNull());
    await walk("g", "a");
    const grid = await byId("access-grid");
    await waitFor(() => expect(document.querySelector("[data-cell] .g")).not.toBeNull());
    expect(grid.getAttribute("aria-rowcount")).toBe("503");
    expect(document.querySelectorAll("[role=gridcell][data-cell]").length).toBeLessThan(1_400);
    expect(new Set(tile.mock.calls.map(([, row, col]) => `${row}:${col}`))).toEqual(new Set(["0:0", "0:1", "1:0", "1:1"]));
    tile.mockClear();
    grid.scrollTop = 300 * 34;
    grid.scrollLeft = 200 * 92;
    grid.dispatchEvent(new Event("scroll"));
    await waitFor(() => expect(document.querySelector('[data-cell$=" env_m202"]')).not.toBeNull());
    for (const [, row, col] of tile.mock.calls) {
      expect(Math.abs(row - 9)).toBeLessThanOrEqual(2);
      expect(Math.abs(col - 6)).toBeLessThanOrEqual(2);
    }
    expect(document.querySelectorAll("[role=gridcell][data-cell]").length).toBeLessThan(1_400);
  });

  it("has no fault that axe can find", async () => {
    const { grid } = await access({ staged: true });
    const found = await axe.run(grid, { runOnly: ["wcag2a", "wcag2aa", "best-practice"], rules: { "color-contrast": { enabled: false }, region: { enabled: false } } });
    expect(found.violations.map((one) => `${one.id}: ${one.nodes[0]?.html}`)).toEqual([]);
  });
});

describe("keys", () => {
  it("move the cursor by cells, to the ends of rows and to the corners", async () => {
    await access();
    await walk("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight");
    expect(cursor()?.dataset["cell"]).toBe("usr_teo env_sf_prod");
    await press("End");
    expect(cursor()?.dataset["cell"]).toBe("usr_teo env_grp_cloud");
    await press("Home", { ctrlKey: true });
    expect(cursor()?.dataset["cell"]).toBe("usr_mara env_sf_dev");
    await press("End", { ctrlKey: true });
    expect(cursor()?.dataset["cell"]).toBe("agt_triage env_grp_cloud");
  });

  it("reach the heads of rows and columns, and Enter there says who or what", async () => {
    const { vault } = await access();
    const who = vi.spyOn(vault, "whoView");
    await press("ArrowLeft");
    expect(cursor()?.getAttribute("role")).toBe("rowheader");
    await press("Enter");
    await byId("who-sheet");
    expect(who).toHaveBeenLastCalledWith({ kind: "principal", id: "usr_mara" });
    await press("Escape");
    await waitFor(() => expect(maybe("who-sheet")).toBeNull());
    (await byId("access-grid")).focus();
    await walk("ArrowRight", "ArrowUp");
    expect(cursor()?.getAttribute("role")).toBe("columnheader");
    await press("Enter");
    expect(who).toHaveBeenLastCalledWith({ kind: "environment", id: "env_sf_dev" });
  });

  it("1, 2, 3 stage rights, and what is signed stages nothing", async () => {
    const { vault } = await access();
    const stage = vi.spyOn(vault, "accessStage");
    await walk("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight");
    await press("1");
    await waitFor(() => expect(looks(cell("usr_teo", "env_pay_dev"))).toBe("+ R new"));
    expect(stage).toHaveBeenLastCalledWith([{ principalId: "usr_teo", envId: "env_pay_dev", rights: 1, endsAt: null }]);
    await press("3");
    await waitFor(() => expect(looks(cell("usr_teo", "env_pay_dev"))).toBe("+ RWG"));
    expect((await byId("access-staged")).textContent).toContain("1 staged change");
    await press("Delete");
    await waitFor(() => expect(maybe("access-staged")).toBeNull());
    expect(looks(cell("usr_teo", "env_pay_dev"))).toBe("·");
  });

  it("a change of rights keeps the end of the grant", async () => {
    const { vault } = await access();
    const stage = vi.spyOn(vault, "accessStage");
    await walk("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "2");
    expect(stage.mock.lastCall?.[0][0]).toMatchObject({ rights: 3, endsAt: vault.started + 3 * 86_400_000 });
    await waitFor(() => expect(looks(cell("usr_teo", "env_sf_prod"))).toBe("→ RW 3d"));
  });

  it("Del revokes, Ctrl Z takes it back, Ctrl Shift Z does it again", async () => {
    await access();
    await walk("ArrowDown", "ArrowDown", "Delete");
    await waitFor(() => expect(looks(cell("usr_ines", "env_sf_dev"))).toContain("− RW"));
    expect(notices.polite).toContain("Staged: revoke, Ines Calder. 1 staged change.");
    await press("z", { ctrlKey: true });
    await waitFor(() => expect(looks(cell("usr_ines", "env_sf_dev"))).toBe("RW 1 h"));
    await press("z", { ctrlKey: true, shiftKey: true });
    await waitFor(() => expect(looks(cell("usr_ines", "env_sf_dev"))).toContain("− RW"));
  });

  it("Shift and arrows choose several cells, which are staged as one request", async () => {
    const { vault } = await access();
    const stage = vi.spyOn(vault, "accessStage");
    await walk("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight");
    await press("ArrowDown", { shiftKey: true });
    await press("ArrowRight", { shiftKey: true });
    expect(document.querySelectorAll("[role=gridcell][aria-selected=true]")).toHaveLength(4);
    await press("1");
    expect(stage).toHaveBeenCalledOnce();
    expect(stage.mock.lastCall?.[0].map((one) => `${one.principalId} ${one.envId}`)).toEqual(["usr_teo env_pay_dev", "usr_teo env_pay_stg", "usr_jun env_pay_dev", "usr_jun env_pay_stg"]);
  });

  it("Ctrl A chooses what is filtered; who can get no key is left out, and that is said", async () => {
    const { vault } = await access();
    const stage = vi.spyOn(vault, "accessStage");
    await press("/");
    await type(await byId("access-filter"), "ada");
    (await byId("access-grid")).focus();
    await press("a", { ctrlKey: true });
    await press("1");
    expect(stage).not.toHaveBeenCalled();
    await press("Escape");
    await waitFor(() => expect(cell("usr_lena", "env_sf_dev")).not.toBeNull());
    await walk(...Array<string>(8).fill("ArrowDown"));
    await press("ArrowDown", { shiftKey: true });
    await press("1");
    expect(stage.mock.lastCall?.[0]).toHaveLength(1);
    await waitFor(() => expect(document.querySelector("[data-testid=toast]")?.textContent).toContain("1 cell left out. Ada Quill is a reviewer and can never hold a key."));
  });

  it("stage nothing by halves while a part of the selection is on its way", async () => {
    const { vault } = await access({ matrix: 500 });
    const stage = vi.spyOn(vault, "accessStage");
    await press("a", { ctrlKey: true });
    await press("Delete");
    expect((await byId("toast")).textContent).toContain("Some of these cells are still on their way.");
    expect(stage).not.toHaveBeenCalled();
  });

  it("G and a letter go elsewhere and stage nothing", async () => {
    await access();
    await walk("ArrowDown", "g", "t");
    await waitFor(() => expect(maybe("access-grid")).toBeNull());
    expect(maybe("access-end")).toBeNull();
  });

  it("a reviewer and an agent can get no key, and the window says why", async () => {
    const { vault } = await access();
    const stage = vi.spyOn(vault, "accessStage");
    await walk(...Array<string>(9).fill("ArrowDown"), "1");
    expect((await byId("toast")).textContent).toContain("Ada Quill is a reviewer and can never hold a key.");
    await walk(...Array<string>(5).fill("ArrowDown"), "1");
    await waitFor(() => expect(document.querySelector("[data-testid=toast]")?.textContent).toContain("refund-desk is an agent"));
    expect(stage).not.toHaveBeenCalled();
  });

  it("T sets an end: a choice, or a day", async () => {
    const { vault } = await access();
    const stage = vi.spyOn(vault, "accessStage");
    await walk("ArrowDown", "ArrowDown");
    await press("t");
    (await byId("access-end-14")).click();
    await waitFor(() => expect(looks(cell("usr_ines", "env_sf_dev"))).toBe("→ RW 14d"));
    await press("t");
    const field = await byId("access-end-date");
    await type(field, "2099-12-06");
    (await byId("access-end-set")).closest("form")?.requestSubmit();
    await waitFor(() => expect(stage.mock.lastCall?.[0][0]?.endsAt).toBe(new Date(2099, 11, 6, 23, 59, 59).getTime()));
    await waitFor(() => expect(maybe("access-end")).toBeNull());
    expect(document.activeElement).toBe(await byId("access-grid"));
  });

  it("single letters rest when they are switched off, moving goes on", async () => {
    const { vault } = await access();
    const { settings } = await vault.appState();
    await vault.settingsSet({ ...settings, singleKeys: false });
    await tick();
    const stage = vi.spyOn(vault, "accessStage");
    await walk("ArrowDown", "ArrowDown", "1", "t");
    expect(stage).not.toHaveBeenCalled();
    expect(maybe("access-end")).toBeNull();
    expect(cursor()?.dataset["cell"]).toBe("usr_ines env_sf_dev");
  });
});

describe("a cell explains itself", () => {
  it("with the rule, the link and the epoch, and can be revoked from there", async () => {
    const { vault } = await access();
    const stage = vi.spyOn(vault, "accessStage");
    await walk("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "Enter");
    expect((await byId("access-sentence")).textContent).toBe("May read because Mara Lind granted it in link 318, wrapped in epoch 7.");
    const text = (await byId("access-explain")).textContent ?? "";
    for (const words of ["Teo Varga in storefront / prod", "ends in 3 d", "yes, epoch 7, since", "member, manages nothing", "9 h ago, seen by the server", "signed by teo-air", "38 secrets, used 11"]) expect(text).toContain(words);
    (await byId("explain-revoke")).click();
    await waitFor(() => expect(maybe("access-explain")).toBeNull());
    expect(stage).toHaveBeenLastCalledWith([{ principalId: "usr_teo", envId: "env_sf_prod", rights: 0, endsAt: null }]);
    expect(document.activeElement).toBe(await byId("access-grid"));
  });

  it("on a click, also where there is nothing", async () => {
    await access();
    cell("usr_sam", "env_edge_dev").click();
    expect((await byId("access-sentence")).textContent).toContain("Sam Ferro holds no key here");
    expect(maybe("explain-revoke")).toBeNull();
    expect(maybe("explain-grant")).not.toBeNull();
  });

  it("and leads to everybody who can read the environment", async () => {
    await access();
    cell("usr_teo", "env_sf_prod").click();
    (await byId("explain-who")).click();
    await waitFor(() => expect(document.querySelectorAll("[data-testid=who-row]").length).toBe(7));
    const row = document.querySelector('[data-testid=who-row][data-principal="usr_teo"]');
    expect(row?.textContent).toContain("May read, granted by Mara Lind, link 303.");
    expect(row?.textContent).toContain("Decrypted 9 h ago · fetched 9 h ago");
  });
});

describe("the review", () => {
  it("says who gains and loses what, and what will happen", async () => {
    await access({ staged: true });
    expect((await byId("access-staged")).textContent).toContain("8 staged changes 2 gain, 1 loses access. 6 data keys will be replaced.");
    await press("Enter", { ctrlKey: true });
    await waitFor(() => expect(document.querySelectorAll("[data-testid=review-person]").length).toBe(3));
    const text = (await byId("access-review-sheet")).textContent ?? "";
    for (const words of ["Review 8 changes", "Noor Basri", "Unverified", "Read storefront / prod", "38 secrets", "Sam Ferro", "Oskar Vale", "leaves 30 Nov", "You sign 8 organisation links", "6 data keys are replaced and 173 secrets sealed again"]) expect(text).toContain(words);
  });

  it("signs nothing before the box is ticked, then everything in the secure window", async () => {
    const { vault } = await access({ staged: true });
    const sign = vi.spyOn(vault, "accessSign");
    await press("Enter", { ctrlKey: true });
    const box = await byId("review-check");
    await press("Enter", { ctrlKey: true });
    expect(sign).not.toHaveBeenCalled();
    expect((await byId("access-sign")).hasAttribute("disabled")).toBe(true);
    box.click();
    await tick();
    (await byId("access-sign")).click();
    await waitFor(() => expect(sign).toHaveBeenCalledOnce());
    await waitFor(() => expect(maybe("access-review-sheet")).toBeNull());
    expect(maybe("access-staged")).toBeNull();
    await waitFor(() => expect(looks(cell("usr_oskar", "env_sf_dev"))).toBe("·"));
  });

  it("offers no signature where the policy forbids it, and says so", async () => {
    const { vault } = await access({ staged: true });
    const real = await vault.accessReview();
    vi.spyOn(vault, "accessReview").mockResolvedValue({ ...real, check: null, blocked: "The policy of this organisation gives no key to unverified people." });
    await press("Enter", { ctrlKey: true });
    expect((await byId("review-blocked")).textContent).toContain("gives no key to unverified people");
    expect(maybe("access-sign")).toBeNull();
  });

  it("leads to the comparison of words first", async () => {
    const { vault } = await access({ staged: true });
    const words = vi.spyOn(vault, "memberWords").mockResolvedValue(null);
    await press("Enter", { ctrlKey: true });
    (await byId("review-compare")).click();
    expect(words).toHaveBeenCalledWith("usr_noor");
  });

  it("a signature that was refused leaves everything staged", async () => {
    const { vault } = await access({ staged: true });
    vi.spyOn(vault, "accessSign").mockRejectedValue(new VaultError({ code: "offline", since: null }));
    await press("Enter", { ctrlKey: true });
    (await byId("review-check")).click();
    await tick();
    (await byId("access-sign")).click();
    expect((await byId("toast")).textContent).toContain("No connection to the server.");
    expect((await byId("access-staged")).textContent).toContain("8 staged changes");
  });

  it("cannot be opened once the history differs", async () => {
    const { vault } = await access({ staged: true, state: "stopped" });
    const stage = vi.spyOn(vault, "accessStage");
    expect(maybe("access-review")).toBeNull();
    await press("Enter", { ctrlKey: true });
    expect(maybe("access-review-sheet")).toBeNull();
    await walk("ArrowDown", "1");
    expect(stage).not.toHaveBeenCalled();
  });
});

describe("what somebody else changed", () => {
  it("comes with new axes as soon as a tile of another version arrives", async () => {
    const { vault } = await access();
    const axes = vi.spyOn(vault, "accessAxes");
    const real = vault.accessTile.bind(vault);
    const before = await vault.accessAxes();
    axes.mockClear();
    vi.spyOn(vault, "accessAxes").mockResolvedValue({ ...before, version: before.version + 1 });
    vi.spyOn(vault, "accessTile").mockImplementation(async (version, row, col) => ({ ...(await real(version, row, col)), version: before.version + 1 }));
    await walk("ArrowDown", "ArrowDown", "Delete");
    await waitFor(() => expect(vault.accessAxes).toHaveBeenCalled());
    await waitFor(() => expect(looks(cell("usr_ines", "env_sf_dev"))).toContain("− RW"));
  });

  it("is drawn when the organisation changed, and the cursor stays", async () => {
    const { vault } = await access();
    await walk("ArrowDown", "ArrowRight");
    const axes = vi.spyOn(vault, "accessAxes");
    vault.emit("teamChanged", {});
    await waitFor(() => expect(axes).toHaveBeenCalledOnce());
    expect(cursor()?.dataset["cell"]).toBe("usr_priya env_sf_stg");
  });
});

describe("filters", () => {
  it("/ filters people and tokens, Escape shows everybody again", async () => {
    await access();
    await press("/");
    await type(await byId("access-filter"), "prod");
    expect((await byId("access-count")).textContent).toBe("1 of 16");
    expect(document.querySelector('[data-principal="tok_deploy_prod"]')).not.toBeNull();
    await press("Escape");
    await waitFor(async () => expect((await byId("access-count")).textContent).toBe("16"));
  });

  it("a question leaves the rows and columns that answer it, and marks the cells", async () => {
    const { vault } = await access();
    const { Access } = await import("../src/features/access/access.svelte");
    const { questions } = await import("../src/features/access/questions");
    const state = new Access(vault, notices);
    await state.load();
    const idle = questions.find((one) => one.id === "idle") ?? null;
    state.ask(idle);
    await waitFor(() => expect(state.looked).toBe(1));
    await waitFor(() => expect(state.rows.map((at) => state.axes?.rows[at]?.principal.name)).toEqual(["Jun Albrecht", "nightly-backup"]));
    expect(state.cols.map((at) => state.axes?.columns[at]?.envId)).toEqual(["env_sf_prod", "env_pay_prod", "env_edge_prod", "env_grp_obs"]);
    expect(state.picture(Date.now()).hit(0, 0)).toBe(true);
    expect(state.picture(Date.now()).hit(0, 1)).toBe(false);
    state.showAll();
    expect(state.rows).toHaveLength(16);
  });
});

describe("a data key that must be replaced", () => {
  it("is said above the matrix and in the head of its column, and replaced from there", async () => {
    const { vault } = await access({ due: true });
    const start = vi.spyOn(vault, "rotationStart");
    expect((await byId("due-strip")).textContent).toContain("The data key of storefront / staging must be replaced");
    expect(document.querySelector('[role=columnheader][aria-label="storefront / staging, data key must be replaced"]')).not.toBeNull();
    (await byId("due-replace")).click();
    await waitFor(() => expect(start).toHaveBeenCalledWith(["env_sf_stg"]));
    await waitFor(() => expect(maybe("due-strip")).toBeNull());
  });
});
