import { cleanup } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { VaultError } from "../src/ipc/vault";
import { notices } from "../src/shared/notices.svelte";
import { byId, maybe, open, press, waitFor } from "./support/app";
import { line, wideWindow, within } from "./support/team";

beforeEach(wideWindow);
afterEach(() => {
  cleanup();
  notices.forget();
  vi.restoreAllMocks();
});

async function leaver(scenario: Parameters<typeof open>[0] = {}) {
  const vault = open({ leaver: true, ...scenario });
  (await byId("members-open")).click();
  (await byId("members-left")).click();
  within(await line("left", "Oskar Vale"), "left-open")?.click();
  await byId("rotations");
  await waitFor(() => expect(document.querySelectorAll("[data-testid=queue-row]").length).toBeGreaterThan(5));
  return vault;
}

describe("an offboarding", () => {
  it("has four steps, each with its numbers and its state", async () => {
    await leaver();
    const state = async (step: string) => [(await byId(`step-${step}`)).dataset["state"], (await byId(`step-${step}`)).textContent];
    expect(await state("revoke")).toEqual(["done", expect.stringContaining("6 grants, link 413 to 418")]);
    expect(await state("keys")).toEqual(["now", expect.stringContaining("3 of 5 environments")]);
    expect(await state("source")).toEqual(["open", expect.stringContaining("9 of 37 values")]);
    expect(await state("certificate")).toEqual(["wait", expect.stringContaining("after both")]);
    expect((await byId("step-keys")).getAttribute("aria-current")).toBe("step");
  });

  it("says what the certificate still needs, and offers none before", async () => {
    await leaver();
    expect((await byId("certificate-missing")).textContent).toContain("The certificate waits. The data key of payments / dev is not replaced");
    expect(maybe("certificate")).toBeNull();
  });

  it("goes on replacing data keys, and can be paused", async () => {
    const vault = await leaver({ slow: 30 });
    const start = vi.spyOn(vault, "rotationStart");
    const cancel = vi.spyOn(vault, "taskCancel");
    (await byId("rotation-start")).click();
    expect(start).toHaveBeenCalledWith(["env_pay_dev", "env_pay_stg"]);
    const pause = await byId("rotation-pause");
    expect((await byId("rotations")).textContent).toMatch(/2 environments: \d+ of 50 steps/);
    pause.click();
    expect(cancel).toHaveBeenCalledOnce();
    await waitFor(async () => expect((await byId("rotation-start")).textContent).toContain("Go on"));
  });

  it("lists by tab what was used, only fetched, and never fetched", async () => {
    const vault = await leaver();
    const rows = vi.spyOn(vault, "offboardRows");
    const first = document.querySelector("[data-testid=queue-row]");
    expect(first?.textContent).toMatch(/Copied|Revealed|Decrypted/);
    (await byId("queue-tab-never")).click();
    await waitFor(() => expect(rows).toHaveBeenCalledWith("usr_oskar", "never", 0, expect.any(Number)));
    await waitFor(() => expect(document.querySelector("[data-testid=queue-row]")?.textContent).toContain("never fetched"));
    expect(maybe("queue-tick")).toBeNull();
  });

  it("a value is ticked off with X, and the step counts it", async () => {
    const vault = await leaver();
    const tick = vi.spyOn(vault, "offboardTick");
    const row = document.querySelector<HTMLElement>("[data-testid=queue-row]");
    row?.click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-index")).toBe("0"));
    await press("x");
    expect(tick).toHaveBeenCalledWith("usr_oskar", [expect.objectContaining({ envId: "env_sf_dev" })], true);
    await waitFor(async () => expect((await byId("step-source")).textContent).toContain("10 of 37 values"));
    await waitFor(() => expect(document.querySelector("[data-testid=queue-row]")?.textContent).toContain("Done"));
  });

  it("E takes a new value, in a secure window", async () => {
    const vault = await leaver();
    const edit = vi.spyOn(vault, "secretEdit");
    document.querySelector<HTMLElement>("[data-testid=queue-row]")?.click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-index")).toBe("0"));
    await press("e");
    expect(edit).toHaveBeenCalledWith("env_sf_dev", expect.any(String));
  });

  it("ends with a certificate once everything is replaced", async () => {
    const vault = await leaver();
    const secrets = (await vault.offboardRows("usr_oskar", "rotate", 0, 1_000)).rows;
    await vault.offboardTick("usr_oskar", secrets, true);
    await vault.rotationStart(["env_pay_dev", "env_pay_stg"]);
    const button = await byId("certificate");
    expect((await byId("certificate-ready")).textContent).toContain("strongroom verify");
    button.click();
    await waitFor(async () => expect((await byId("toast")).textContent).toContain("Certificate saved to /home/mara/oskar-vale.strongroom-certificate"));
  });

  it("its list is exported to a file", async () => {
    await leaver();
    (await byId("offboard-export")).click();
    await waitFor(async () => expect((await byId("toast")).textContent).toContain("List saved to /home/mara/offboard-oskar-vale.csv"));
  });

  it("Esc leads back to those who left", async () => {
    await leaver();
    await press("Escape");
    await line("left", "Oskar Vale");
  });
});

describe("failed, and without rights", () => {
  it("a page that cannot be read says why", async () => {
    const vault = open({ leaver: true });
    vi.spyOn(vault, "offboardView").mockRejectedValue(new VaultError({ code: "notFound" }));
    (await byId("members-open")).click();
    (await byId("members-left")).click();
    within(await line("left", "Oskar Vale"), "left-open")?.click();
    expect((await byId("failed")).textContent).toContain("This leads to nothing you can open.");
  });

  it("a reviewer reads the queue and ticks nothing off", async () => {
    const vault = await leaver({ role: "reviewer" });
    const tick = vi.spyOn(vault, "offboardTick");
    document.querySelector<HTMLElement>("[data-testid=queue-row]")?.click();
    await waitFor(() => expect(document.activeElement?.getAttribute("data-index")).toBe("0"));
    await press("x");
    expect(tick).not.toHaveBeenCalled();
    expect(maybe("queue-new-value")).toBeNull();
  });

  it("nothing is replaced or signed while the history differs", async () => {
    await leaver({ state: "stopped" });
    expect(maybe("rotation-start")).toBeNull();
  });
});
