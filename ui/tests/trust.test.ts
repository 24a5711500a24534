import { cleanup } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { VaultError } from "../src/ipc/vault";
import { notices } from "../src/shared/notices.svelte";
import { byId, goTo, maybe, open, type, waitFor } from "./support/app";
import { wideWindow, within } from "./support/team";

beforeEach(wideWindow);
afterEach(() => {
  cleanup();
  notices.forget();
  vi.restoreAllMocks();
});

async function trust(scenario: Parameters<typeof open>[0] = {}) {
  const vault = open(scenario);
  (await byId("status-verified")).click();
  await byId("compare-heads");
  return vault;
}

async function holder(place: string): Promise<HTMLElement> {
  return waitFor(() => {
    const found = document.querySelector<HTMLElement>(`[data-testid="holder"][data-name="${place}"]`);
    if (!found) throw new Error(`no ${place}`);
    return found;
  });
}

describe("the Trust page", () => {
  it("says up to where, when and on which device, and never more than was checked", async () => {
    await trust();
    const verdict = (await byId("trust-verdict")).textContent;
    expect(verdict).toContain("Up to link 412 and audit entry 1,204,911, by mara-laptop");
    expect(verdict).not.toContain("Everything the server showed");
    expect((await byId("claim-chain")).textContent).toContain("to link 412");
    expect((await byId("claim-audit")).textContent).toContain("Its entries were not all read here.");
    expect((await byId("claim-commits")).textContent).toContain("Of 1 environment the older commits are still being fetched.");
    expect((await byId("trust-not")).textContent).toContain("That the server shows you the newest state.");
  });

  it.each([
    ["7KQ2-mx4t az5e pdqs", "same", "The same history"],
    ["7kq2 mx4t az5e pdqz", "differs", "The histories differ"],
  ] as const)("compares the code %s: %s", async (code, said, title) => {
    const vault = await trust();
    const compare = vi.spyOn(vault, "headsCompare");
    await type(await byId("heads-code"), code);
    (await byId("heads-compare")).click();
    const answer = await byId("heads-answer");
    expect(answer.dataset["answer"]).toBe(said);
    expect(answer.textContent).toContain(title);
    expect(compare.mock.calls[0]?.[0]).toBe(412);
  });

  it("does not pretend to know a link that has not arrived", async () => {
    await trust();
    const link = await byId("heads-link");
    if (link instanceof HTMLInputElement) link.value = "";
    await type(link, "500");
    await type(await byId("heads-code"), "7kq2mx4taz5epdqs");
    (await byId("heads-compare")).click();
    expect((await byId("heads-answer")).textContent).toContain("This computer does not know that link yet");
  });

  it("an old answer goes as soon as another code is typed", async () => {
    await trust();
    await type(await byId("heads-code"), "7kq2mx4taz5epdqs");
    (await byId("heads-compare")).click();
    await byId("heads-answer");
    await type(await byId("heads-link"), "1");
    expect(maybe("heads-answer")).toBeNull();
  });

  it("counts living holders, warns below two, and dates the drills", async () => {
    await trust();
    expect((await holder("storefront / prod")).textContent).toContain("only you");
    expect((await holder("storefront / dev")).textContent).toContain("Ines Calder, 20 d ago");
    expect((await holder("storefront / staging")).textContent).toContain("Teo Varga, 200 d ago, outdated");
    expect((await byId("holders-few")).textContent).toContain("2 held by one person");
  });

  it("proves possession of the chosen keys, dated", async () => {
    const vault = await trust();
    const drill = vi.spyOn(vault, "drillRun");
    (await holder("edge-worker / prod")).querySelector<HTMLInputElement>("input")?.click();
    await waitFor(async () => expect((await byId("drill")).textContent).toContain("Prove that I hold 8 of these keys"));
    (await byId("drill")).click();
    await waitFor(() => expect(drill.mock.calls[0]?.[0]).toHaveLength(8));
    await waitFor(async () => expect((await byId("toast")).textContent).toContain("you hold the keys of 8 environments"));
    await waitFor(async () => expect((await holder("storefront / prod")).textContent).toContain("you, just now"));
  });

  it("saves a lock file for builds", async () => {
    await trust();
    (await byId("lock-file")).click();
    await waitFor(async () => expect((await byId("toast")).textContent).toContain("Lock file saved to /home/mara/storefront/strongroom.lock"));
  });

  it("when the history differs: plain words, the evidence, and nothing that signs", async () => {
    await trust({ state: "stopped" });
    expect((await byId("trust-stopped")).textContent).toContain("The server showed a history that contradicts what this computer saw");
    expect(maybe("trust-verdict")).toBeNull();
    expect(maybe("drill")).toBeNull();
    (await byId("trust-evidence")).click();
    await waitFor(async () => expect((await byId("toast")).textContent).toContain("Evidence saved to"));
  });

  it("offline it says how old the verdict is", async () => {
    await trust({ state: "behind" });
    expect((await byId("trust-verdict")).textContent).toContain("Verified as of 3 h ago");
  });

  it("that cannot be read says why", async () => {
    const vault = open();
    vi.spyOn(vault, "trustView").mockRejectedValueOnce(new VaultError({ code: "garbage" }));
    (await byId("status-verified")).click();
    expect((await byId("failed")).textContent).toContain("The server answered something that is not the protocol.");
  });

  it("is reached from Settings too", async () => {
    open();
    (await byId("settings-open")).click();
    (await byId("settings-trust")).click();
    await byId("compare-heads");
  });
});

describe("an environment", () => {
  it("whose data key is due says so above the table, and offers to replace it", async () => {
    const vault = open({ due: true });
    const start = vi.spyOn(vault, "rotationStart");
    await goTo("storefront/staging");
    const strip = await byId("due-strip");
    expect(strip.textContent).toContain("The data key of storefront / staging must be replaced");
    expect(maybe("new-secret")).toBeNull();
    within(strip, "due-replace")?.click();
    expect(start).toHaveBeenCalledWith(["env_sf_stg"]);
    await waitFor(() => expect(maybe("due-strip")).toBeNull());
    await byId("new-secret");
  });

  it("that may no longer be read says so, and gives no value", async () => {
    open({ lost: true });
    await goTo("payments/prod");
    expect((await byId("lost-strip")).textContent).toContain("You can no longer read this environment.");
    await waitFor(() => expect(document.querySelector("[data-testid=env-row]")?.textContent).toContain("no key"));
    for (const id of ["row-copy", "inspector-copy", "new-secret"]) expect(maybe(id)).toBeNull();
    expect(document.querySelector('[data-name="payments/prod"]')?.textContent).toContain("no key");
  });

  it("leads to who can read it, and a secret to who can read that", async () => {
    const vault = open();
    const who = vi.spyOn(vault, "whoView");
    await goTo("storefront/prod");
    (await byId("env-who")).click();
    await waitFor(() => expect(who).toHaveBeenCalledWith({ kind: "environment", id: "env_sf_prod" }));
    await byId("who-sheet");
    (await byId("inspector-who")).click();
    await waitFor(() => expect(who.mock.calls.some(([subject]) => subject.kind === "secret")).toBe(true));
  });
});
