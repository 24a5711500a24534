import { cleanup } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { VaultError } from "../src/ipc/vault";
import { notices } from "../src/shared/notices.svelte";
import { byId, maybe, open, press, type, waitFor } from "./support/app";
import { wideWindow } from "./support/team";

beforeEach(wideWindow);
afterEach(() => {
  cleanup();
  notices.forget();
  vi.restoreAllMocks();
});

async function look(address: string, scenario: Parameters<typeof open>[0] = {}) {
  const vault = open({ phase: "welcome", ...scenario });
  (await byId("welcome-server")).click();
  await type(await byId("server-address"), address);
  (await byId("server-look")).click();
  return vault;
}

describe("the four ways to a vault", () => {
  it("2 joins with a code and 4 restores from a kit: both in windows of Rust", async () => {
    const vault = open({ phase: "welcome" });
    const join = vi.spyOn(vault, "vaultJoin").mockResolvedValue(null);
    const restore = vi.spyOn(vault, "vaultRestore");
    await byId("welcome-join");
    await press("2");
    expect(join).toHaveBeenCalledOnce();
    await press("4");
    expect(restore).toHaveBeenCalledWith(null);
    expect(document.querySelectorAll("input").length).toBe(0);
  });

  it("no field of the main window asks for a code of an invite, a key or a passphrase", async () => {
    await look("vault.acme.example");
    (await byId("server-founder")).click();
    await byId("create-founder");
    const labels = [...document.querySelectorAll("label")].map((label) => label.textContent);
    expect(labels).toEqual(["Your name", "Organisation", "Founder code", "Label of this vault"]);
    expect(document.querySelector("input[type=password]")).toBeNull();
  });
});

describe("a vault that was joined", () => {
  it("waits to be let in, says so with the fingerprint, and opens when it is", async () => {
    const vault = open({ waiting: true });
    const ask = vi.spyOn(vault, "syncNow");
    await byId("waiting-ask");
    expect(document.body.textContent).toContain("Waiting to be let in");
    expect(document.body.textContent).toContain("m4xv-92qd-0tnh-6rwk-z8ca");
    expect(maybe("members-open")).toBeNull();
    (await byId("waiting-ask")).click();
    expect(ask).toHaveBeenCalledOnce();
    await byId("members-open");
  });
});

describe("a team server", () => {
  it("is asked who it is before anything else, and one that does not answer is explained at the field", async () => {
    await look("nobody.example");
    await waitFor(() => expect(document.querySelector("#server-address-hint")?.textContent).toContain("No connection to the server."));
    expect(maybe("server-found")).toBeNull();
  });

  it("an address that is none is refused with what one looks like", async () => {
    const vault = open({ phase: "welcome" });
    vi.spyOn(vault, "serverLook").mockRejectedValue(new VaultError({ code: "badAddress", insecure: true }));
    (await byId("welcome-server")).click();
    await type(await byId("server-address"), "http://vault.acme.example");
    (await byId("server-look")).click();
    await waitFor(() => expect(document.querySelector("#server-address-hint")?.textContent).toContain("https only"));
  });

  it("somebody it knows comes back from the browser to the Emergency Kit", async () => {
    const vault = await look("vault.acme.example");
    const restore = vi.spyOn(vault, "vaultRestore");
    const issuers = await waitFor(() => {
      const found = document.querySelectorAll<HTMLElement>("[data-testid=server-issuer]");
      expect(found.length).toBe(2);
      return found;
    });
    expect(issuers[0]?.textContent).toContain("In your browser, at login.acme.example");
    issuers[0]?.click();
    await byId("server-restoring");
    expect(restore).toHaveBeenCalledWith("https://vault.acme.example");
  });

  it("somebody new comes back to the form of an organisation", async () => {
    const vault = await look("vault.acme.example");
    const create = vi.spyOn(vault, "vaultCreateOn");
    (await waitFor(() => {
      const found = document.querySelectorAll<HTMLElement>("[data-testid=server-issuer]")[1];
      if (!found) throw new Error("no second issuer");
      return found;
    })).click();
    await type(await byId("create-name"), "Mara Lind");
    await type(await byId("create-organisation"), "Acme");
    expect(maybe("create-founder")).toBeNull();
    (await byId("create-continue")).click();
    await waitFor(() => expect(create).toHaveBeenCalledWith("https://vault.acme.example", "vault.acme.example", "Mara Lind", "Acme", null));
    await byId("first-run");
  });

  it("the browser can be given up", async () => {
    const vault = await look("vault.acme.example", { slow: 20 });
    const cancel = vi.spyOn(vault, "taskCancel");
    (await waitFor(() => {
      const found = document.querySelector<HTMLElement>("[data-testid=server-issuer]");
      if (!found) throw new Error("no issuer");
      return found;
    })).click();
    (await byId("server-cancel")).click();
    expect(cancel).toHaveBeenCalledOnce();
    await byId("server-found");
    expect(maybe("toast")).toBeNull();
  });

  it("an organisation begins with a founder code where the server wants one", async () => {
    const vault = await look("vault.acme.example");
    const create = vi.spyOn(vault, "vaultCreateOn").mockRejectedValueOnce(new VaultError({ code: "registrationClosed" }));
    (await byId("server-founder")).click();
    await type(await byId("create-name"), "Mara Lind");
    await type(await byId("create-organisation"), "Acme");
    (await byId("create-continue")).click();
    expect(create).not.toHaveBeenCalled();
    await type(await byId("create-founder"), "f-123");
    (await byId("create-continue")).click();
    await waitFor(() => expect(create).toHaveBeenCalledWith("https://vault.acme.example", "vault.acme.example", "Mara Lind", "Acme", "f-123"));
    expect((await byId("toast")).textContent).toContain("founder code");
  });

  it("offers what it allows and nothing else", async () => {
    await look("open.example");
    await byId("server-open");
    expect(maybe("server-founder")).toBeNull();
    expect(maybe("server-issuer")).toBeNull();
    await press("Escape");
    await byId("server-address");
    cleanup();
    await look("closed.example");
    await byId("server-found");
    expect(maybe("server-founder")).toBeNull();
    expect(maybe("server-open")).toBeNull();
  });

  it("what it says of itself stays text", async () => {
    const vault = open({ phase: "welcome" });
    vi.spyOn(vault, "serverLook").mockResolvedValue({ address: "https://v.example", version: "<b>9</b>", registration: "closed", issuers: [{ name: "<img src=x onerror=alert(1)>".repeat(9), issuer: "javascript:alert(1)" }] });
    (await byId("welcome-server")).click();
    await type(await byId("server-address"), "v.example");
    (await byId("server-look")).click();
    const found = await byId("server-found");
    expect(document.querySelector("img, b")).toBeNull();
    expect(found.querySelector("a")).toBeNull();
    expect((found.querySelector("[data-testid=server-issuer]")?.textContent ?? "").length).toBeLessThan(250);
  });
});
