import { cleanup } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { VaultError } from "../src/ipc/vault";
import { notices } from "../src/shared/notices.svelte";
import { byId, maybe, open, press, type, waitFor } from "./support/app";
import { line, wideWindow, within } from "./support/team";

beforeEach(wideWindow);
afterEach(() => {
  cleanup();
  notices.forget();
  vi.restoreAllMocks();
});

async function tokens(scenario: Parameters<typeof open>[0] = {}) {
  const vault = open(scenario);
  (await byId("tokens-open")).click();
  await line("tokens", "deploy-prod");
  return vault;
}

async function focused(name: string): Promise<void> {
  (await line("tokens", name)).click();
  await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe(name));
}

describe("service tokens", () => {
  it("say what they read, when they end, their last use and from where", async () => {
    await tokens();
    const text = (await line("tokens", "deploy-prod")).textContent;
    expect(text).toContain("storefront / prod, edge-worker / prod");
    expect(text).toContain("61 d");
    expect(text).toContain("2 h ago");
    expect(text).toContain("runner-7");
  });

  it("carry one finding each, the worst, with what to do about it", async () => {
    await tokens();
    const found = async (name: string) => within(await line("tokens", name), "finding")?.textContent ?? null;
    expect(await found("deploy-prod")).toBeNull();
    expect(await found("edge-build")).toBe("Ends soon");
    expect(await found("nightly-backup")).toBe("Broad, never used");
    expect(await found("load-test")).toBe("Stale");
    expect(within(await line("tokens", "edge-build"), "token-replace")).not.toBeNull();
    expect(within(await line("tokens", "load-test"), "token-replace")).toBeNull();
  });

  it("D revokes the one in focus, which Rust signs; it is then among the ended", async () => {
    const vault = await tokens();
    const revoke = vi.spyOn(vault, "tokenRevoke");
    await focused("nightly-backup");
    await press("d");
    expect(revoke).toHaveBeenCalledWith("tok_nightly-backup");
    expect((await byId("toast")).textContent).toContain("Revoked: nightly-backup. Signed link 413");
    await waitFor(() => expect(document.querySelector("[data-testid=tokens-row][data-name=nightly-backup]")).toBeNull());
    (await byId("tokens-ended")).click();
    expect((await line("tokens", "nightly-backup")).textContent).toContain("revoked");
    expect((await line("tokens", "legacy-ci")).textContent).toContain("its time was over");
    expect(maybe("token-revoke")).toBeNull();
  });

  it("are found by name, environment and address", async () => {
    await tokens();
    await press("/");
    await waitFor(() => expect(document.activeElement?.getAttribute("data-testid")).toBe("tokens-filter"));
    await type(await byId("tokens-filter"), "10.8");
    await waitFor(() => expect(document.querySelectorAll("[data-testid=tokens-row]").length).toBe(1));
    await type(await byId("tokens-filter"), "zz");
    expect((await byId("tokens-none")).textContent).toContain("No token matches");
  });

  it("open with Enter, and what one did is a list of its own", async () => {
    const vault = await tokens();
    const who = vi.spyOn(vault, "whoView");
    await focused("ci-staging");
    await press("Enter");
    expect((await byId("token-sheet")).textContent).toContain("payments / staging");
    (await byId("token-who")).click();
    await waitFor(() => expect(who).toHaveBeenCalledWith({ kind: "principal", id: "tok_ci-staging" }));
  });
});

describe("a new token", () => {
  it("needs a name and an environment, and ends in 90 days unless another end is chosen", async () => {
    const vault = await tokens();
    const issue = vi.spyOn(vault, "tokenNew");
    await press("n");
    await byId("token-form");
    (await byId("token-continue")).click();
    await waitFor(async () => expect((await byId("token-form")).textContent).toContain("Choose at least one environment"));
    expect(issue).not.toHaveBeenCalled();
    await type(await byId("token-name"), "deploy-eu");
    (await byId("token-scope-storefront-prod-1")).click();
    const before = Date.now();
    (await byId("token-continue")).click();
    await waitFor(() => expect(issue).toHaveBeenCalledOnce());
    const [name, scopes, endsAt] = issue.mock.calls[0] ?? [];
    expect([name, scopes]).toEqual(["deploy-eu", [{ envId: "env_sf_prod", rights: 1 }]]);
    expect(Math.round(((endsAt ?? 0) - before) / 86_400_000)).toBe(90);
    await line("tokens", "deploy-eu");
  });

  it("without an end is warned about", async () => {
    const vault = await tokens();
    const issue = vi.spyOn(vault, "tokenNew");
    await press("n");
    await byId("token-form");
    expect(maybe("token-never")).toBeNull();
    (await byId("token-ends-never")).click();
    expect((await byId("token-never")).textContent).toContain("Every copy of it stays good until somebody revokes it.");
    await type(await byId("token-name"), "forever");
    (await byId("token-scope-payments-dev-3")).click();
    (await byId("token-continue")).click();
    await waitFor(() => expect(issue).toHaveBeenCalledWith("forever", [{ envId: "env_pay_dev", rights: 3 }], null));
  });

  it("whose name is taken is refused in the form", async () => {
    await tokens();
    await press("n");
    await type(await byId("token-name"), "ci-staging");
    (await byId("token-scope-payments-dev-1")).click();
    (await byId("token-continue")).click();
    await waitFor(async () => expect((await byId("token-form")).textContent).toContain("“ci-staging” exists already."));
  });

  it("that replaces one starts with its environments and the next name", async () => {
    const vault = await tokens();
    const issue = vi.spyOn(vault, "tokenNew");
    within(await line("tokens", "edge-build"), "token-replace")?.click();
    const name = await byId("token-name");
    expect(name instanceof HTMLInputElement && name.value).toBe("edge-build-2");
    (await byId("token-continue")).click();
    await waitFor(() => expect(issue.mock.calls[0]?.[1]).toEqual([{ envId: "env_edge_dev", rights: 1 }, { envId: "env_edge_prod", rights: 1 }]));
  });

  it("offers no environment whose key this person does not hold", async () => {
    await tokens({ lost: true });
    await press("n");
    await byId("token-scope-payments-dev-1");
    expect(maybe("token-scope-payments-prod-1")).toBeNull();
    expect((await byId("token-form")).textContent).toContain("1 more environment is not listed: you hold no key of it.");
  });
});

describe("empty, failed, and without rights", () => {
  it("without tokens, what one is for, and the way to the first", async () => {
    open({ alone: true });
    (await byId("tokens-open")).click();
    expect((await byId("tokens-empty")).textContent).toContain("No service tokens");
    (await byId("tokens-ended")).click();
    await waitFor(async () => expect((await byId("tokens-empty")).textContent).toContain("No token has ended"));
  });

  it("a list that cannot be read says why", async () => {
    const vault = open();
    vi.spyOn(vault, "tokensView").mockRejectedValueOnce(new VaultError({ code: "offline", since: null }));
    (await byId("tokens-open")).click();
    expect((await byId("failed")).textContent).toContain("No connection to the server.");
    (await byId("again")).click();
    await line("tokens", "deploy-prod");
  });

  it("a reviewer reads the list and changes nothing", async () => {
    const vault = await tokens({ role: "reviewer" });
    const revoke = vi.spyOn(vault, "tokenRevoke");
    await focused("nightly-backup");
    await press("d");
    await press("n");
    expect(revoke).not.toHaveBeenCalled();
    for (const id of ["token-new", "token-revoke", "token-replace", "token-form"]) expect(maybe(id)).toBeNull();
  });
});
