import { cleanup } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { difference, emptyPolicy, entries, lacks, limit, moved, ownProviders, rulesFor, summary, usualGrant } from "../src/features/agents/policy";
import { authWords, rateWords, size, startLine, took } from "../src/features/agents/sentences";
import { filtered, everyRow } from "../src/features/agents/agents.svelte";
import type { LiveRow, ProviderView, RuleSpec } from "../src/ipc/vault";
import { notices } from "../src/shared/notices.svelte";
import { agents } from "./support/agents";
import { byId, goTo, maybe, open, press, row, type, waitFor } from "./support/app";
import { wideWindow } from "./support/team";

beforeEach(wideWindow);
afterEach(() => {
  cleanup();
  notices.forget();
  vi.restoreAllMocks();
});

async function policies(scenario: Parameters<typeof agents>[0] = {}) {
  const vault = await agents(scenario, "policies");
  await byId("rule-form");
  return vault;
}

function rules(): string[] {
  return [...document.querySelectorAll<HTMLElement>("[data-testid=rule]")].map((one) => one.dataset["name"] ?? "");
}

/** Opens the panel of a secret, and waits until it is that one's. */
async function inspected(name: string): Promise<void> {
  await goTo("storefront/prod");
  (await row(name)).click();
  await waitFor(async () => expect((await byId("inspector-name")).textContent).toBe(name));
}

async function clear(field: HTMLElement): Promise<void> {
  if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) throw new Error("not a field");
  field.value = "";
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

describe("rules", () => {
  it("are listed in the order in which they are asked, and everything else is denied", async () => {
    await policies();
    expect(rules()).toEqual(["no payouts", "refunds", "read charges"]);
    expect((await byId("rules")).textContent).toContain("Everything elseDeny");
  });

  it("move with Alt and the arrows, and nothing counts until it is signed", async () => {
    const vault = await policies();
    const save = vi.spyOn(vault, "agentSave");
    document.querySelector<HTMLElement>("[data-rule='1']")?.focus();
    await press("ArrowUp", { altKey: true });
    await waitFor(() => expect(rules()).toEqual(["refunds", "no payouts", "read charges"]));
    expect((await byId("policy-bar")).textContent).toContain("Changed: the order.");
    expect((await vault.agentPolicy("agt_refund")).rules.map((one) => one.name)).toEqual(["no payouts", "refunds", "read charges"]);
    await press("Enter", { ctrlKey: true });
    await waitFor(() => expect(save).toHaveBeenCalledOnce());
    expect(save.mock.calls[0]?.[3].rules.map((one) => one.name)).toEqual(["refunds", "no payouts", "read charges"]);
    await waitFor(() => expect(maybe("policy-bar")).toBeNull());
  });

  it("that are changed stay changed while one looks elsewhere, and are gone after a lock", async () => {
    const vault = await policies();
    (await byId("rule-effect-allow")).click();
    await byId("policy-bar");
    (await byId("members-open")).click();
    await waitFor(() => expect(maybe("rule-form")).toBeNull());
    (await byId("agents-open")).click();
    (await byId("agents-policies")).click();
    await byId("policy-bar");
    await vault.vaultLock();
    await waitFor(() => expect(maybe("policy-bar")).toBeNull());
    await vault.vaultUnlock();
    (await byId("agents-open")).click();
    (await byId("agents-policies")).click();
    await byId("rule-form");
    expect(maybe("policy-bar")).toBeNull();
  });

  it("discarding draws what is signed", async () => {
    await policies();
    const name = await byId("rule-name");
    await type(name, "!");
    await waitFor(() => expect(rules()[0]).toBe("no payouts!"));
    (await byId("policy-discard")).click();
    await waitFor(() => expect(rules()[0]).toBe("no payouts"));
    const again = await byId("rule-name");
    expect(again instanceof HTMLInputElement && again.value).toBe("no payouts");
  });

  it("an empty list is called what it is: a rule that matches nothing", async () => {
    await policies();
    await clear(await byId("rule-hosts"));
    await waitFor(async () => expect((await byId("rule-lacks")).textContent).toBe("It names no host, so it matches nothing."));
  });

  it("a new rule stands last and is removed with Del", async () => {
    await policies();
    (await byId("rule-add")).click();
    await waitFor(() => expect(rules()).toEqual(["no payouts", "refunds", "read charges", "new rule"]));
    document.querySelector<HTMLElement>("[data-rule='3']")?.focus();
    await press("Delete");
    await waitFor(() => expect(rules().length).toBe(3));
    expect(maybe("policy-bar")).toBeNull();
  });

  it("with a capability have no lists; without it they begin as the provider's", async () => {
    const vault = open();
    const view = await vault.agentsView();
    const drafted = view.agents.map((one) => (one.id === "agt_refund" ? { ...one, policy: { ...one.policy, rules: [{ ...rule, capability: "read", hosts: [], ports: [], methods: [], paths: [] }] } } : one));
    vi.spyOn(vault, "agentsView").mockResolvedValue({ ...view, agents: drafted });
    (await byId("agents-open")).click();
    (await byId("agents-policies")).click();
    const calls = await byId("rule-capability");
    expect(maybe("rule-hosts")).toBeNull();
    expect(maybe("rule-lacks")).toBeNull();
    calls.focus();
    await press("Enter");
    await waitFor(() => expect(document.querySelectorAll("[role=option]").length).toBeGreaterThan(2));
    await press("Home");
    await press("Enter");
    const hosts = await byId("rule-hosts");
    expect(hosts instanceof HTMLTextAreaElement && hosts.value).toBe("api.github.com");
    expect(document.querySelectorAll("[data-testid=rule-form] .methods [aria-pressed=true]").length).toBe(6);
  });

  it("what an agent asked for becomes a rule to read before it is signed", async () => {
    await agents();
    (await byId("ask-rule")).click();
    await waitFor(() => expect(rules()).toContain("github"));
    const bar = await byId("policy-bar");
    expect(bar.textContent).toContain("Changed: 1 rule.");
  });

  it("take their secrets from the vault, by name, and try them in that order", async () => {
    const vault = await policies();
    const save = vi.spyOn(vault, "agentSave");
    document.querySelector<HTMLElement>("[data-rule='1']")?.click();
    await waitFor(() => expect(document.querySelector<HTMLInputElement>("[data-testid=rule-name]")?.value).toBe("refunds"));
    await type(await byId("rule-secret-field"), "payout");
    await byId("rule-secret-hit");
    await press("Enter");
    await waitFor(async () => expect((await byId("rule-secret")).textContent).toContain("STRIPE_PAYOUT_KEY"));
    (await byId("policy-sign")).click();
    await waitFor(() => expect(save).toHaveBeenCalledOnce());
    expect(save.mock.calls[0]?.[3].rules[1]?.secrets.map((one) => [one.envId, one.name])).toEqual([["env_sf_prod", "STRIPE_SECRET_KEY"], ["env_pay_prod", "STRIPE_PAYOUT_KEY"]]);
  });

  it("a member reads them and changes nothing", async () => {
    await policies({ role: "member" });
    expect((await byId("rule-form")).hasAttribute("disabled")).toBe(true);
    expect(maybe("rule-add")).toBeNull();
    expect(maybe("rule-grip")).toBeNull();
  });
});

describe("the simulator", () => {
  async function tried(url: string): Promise<HTMLElement> {
    const field = await byId("try-url");
    await clear(field);
    await type(field, url);
    return waitFor(() => byId("try-answer"));
  }

  it("answers while one types: the decision, the rule, and why each rule did or did not match", async () => {
    await policies();
    await byId("try-empty");
    const answer = await tried("https://api.stripe.com/v1/charges/ch_1");
    await waitFor(() => expect(answer.dataset["decision"]).toBe("allow"));
    expect(answer.textContent).toContain("By rule 3, read charges");
    expect(answer.textContent).toContain("STRIPE_SECRET_KEY");
    const steps = [...(await byId("try-steps")).querySelectorAll("li")].map((one) => one.textContent);
    expect(steps).toEqual(["1no payoutsIt is for other methods.", "2refundsIt is for other methods.", "3read chargesIt matches and allows."]);
    expect((await byId("rule-decides")).closest("button")?.dataset["name"]).toBe("read charges");
  });

  it("follows a rule that is changed beside it, before that is signed", async () => {
    await policies();
    const answer = await tried("https://api.stripe.com/v1/charges/ch_1");
    await waitFor(() => expect(answer.dataset["decision"]).toBe("allow"));
    document.querySelector<HTMLElement>("[data-rule='2']")?.click();
    await waitFor(() => expect(document.querySelector<HTMLInputElement>("[data-testid=rule-name]")?.value).toBe("read charges"));
    (await byId("rule-effect-deny")).click();
    await waitFor(async () => expect((await byId("try-answer")).dataset["decision"]).toBe("deny"));
  });

  it("says that nothing allows what no rule names", async () => {
    await policies();
    const answer = await tried("https://example.org/");
    await waitFor(() => expect(answer.textContent).toContain("No rule allows it."));
    expect((await byId("try-steps")).textContent).toContain("Everything elseis denied");
  });

  it("says what is missing in an address", async () => {
    await policies();
    await type(await byId("try-url"), "api.stripe.com/v1");
    await waitFor(async () => expect((await byId("try-wrong")).textContent).toBe("Address, api.stripe.com/v1: it is no address; write it as https://api.example.com."));
    expect(maybe("try-steps")).toBeNull();
  });

  it("drops the answer to what was typed before", async () => {
    const vault = await policies();
    const late: ((view: Awaited<ReturnType<typeof vault.policySimulate>>) => void)[] = [];
    vi.spyOn(vault, "policySimulate").mockImplementation((_id, _policy, { url }) => new Promise((done) => late.push((view) => done({ ...view, sentence: url }))));
    const view = { decision: "allow" as const, rule: 0, ruleName: "x", sentence: "", why: "", steps: [], uses: null };
    await type(await byId("try-url"), "https://a/1");
    await waitFor(() => expect(late.length).toBe(1));
    await type(await byId("try-url"), "2");
    await waitFor(() => expect(late.length).toBe(2));
    late[1]?.(view);
    late[0]?.(view);
    await waitFor(async () => expect((await byId("try-answer")).textContent).toContain("https://a/12"));
  });
});

describe("providers", () => {
  it("are listed, one's own first, with how the secret goes and who uses it", async () => {
    await agents({}, "providers");
    const names = await waitFor(() => {
      const found = [...document.querySelectorAll<HTMLElement>("[data-testid=providers-row]")];
      expect(found.length).toBe(14);
      return found.map((one) => one.dataset["name"]);
    });
    expect(names.slice(0, 2)).toEqual(["sentry", "stripe"]);
    expect(document.querySelector("[data-testid=providers-row][data-name=anthropic]")?.textContent).toContain("Header x-api-key");
    expect(document.querySelector("[data-testid=providers-row][data-name=github]")?.textContent).toContain("docs-writer");
  });

  it("a new one needs https, unless its hosts are in a private network", async () => {
    await agents({}, "providers");
    (await byId("provider-new")).click();
    await type(await byId("provider-name"), "Build cache");
    await type(await byId("provider-base"), "http://cache.lan:8080");
    await type(await byId("provider-variable"), "CACHE_TOKEN");
    (await byId("provider-save")).click();
    await waitFor(async () => expect((await byId("provider-form")).textContent).toContain("Without TLS only hosts in your own network are reached"));
    (await byId("provider-private")).click();
    (await byId("provider-save")).click();
    await waitFor(() => expect(rules()).toContain("build-cache"));
    const ports = document.querySelector<HTMLInputElement>("[data-testid=rule-ports]");
    document.querySelector<HTMLElement>("[data-testid=rule][data-name=build-cache]")?.click();
    await waitFor(() => expect(document.querySelector<HTMLInputElement>("[data-testid=rule-ports]")?.value).toBe("8080"));
    expect(ports).not.toBeNull();
  });

  it("a name that exists is refused", async () => {
    await agents({}, "providers");
    (await byId("provider-new")).click();
    await type(await byId("provider-name"), "GitHub");
    (await byId("provider-save")).click();
    await waitFor(async () => expect((await byId("provider-form")).textContent).toContain("“github” exists already."));
  });
});

describe("the policy of a secret", () => {
  it("is part of its panel: where agents may use it, and by whom", async () => {
    open();
    await inspected("STRIPE_SECRET_KEY");
    await waitFor(async () => expect((await byId("secret-agents")).textContent).toContain("api.stripe.com"));
    for (const text of ["Bearer token", "refund-desk"]) expect((await byId("secret-agents")).textContent).toContain(text);
  });

  it("is taken away with a signature, and without one no agent can use the secret", async () => {
    const vault = open();
    const save = vi.spyOn(vault, "secretPolicySave");
    await inspected("STRIPE_SECRET_KEY");
    (await byId("secret-policy-edit")).click();
    (await byId("secret-policy-remove")).click();
    await waitFor(() => expect(save).toHaveBeenCalledWith("env_sf_prod", "sec_sfp_s15", null));
    await waitFor(async () => expect((await byId("secret-agents")).textContent).toContain("No agent can"));
  });

  it("cannot be signed while a list is empty", async () => {
    open();
    await inspected("SENTRY_DSN");
    (await byId("secret-policy-new")).click();
    const button = await byId("secret-policy-save");
    expect(button instanceof HTMLButtonElement && button.disabled).toBe(true);
    expect((await byId("secret-policy-form")).textContent).toContain("An empty list allows nothing");
  });
});

const rule: RuleSpec = { name: "r", effect: "allow", provider: "github", capability: null, secrets: [], hosts: ["api.github.com"], ports: [443], methods: ["GET"], paths: ["/repos/**"], process: null, uses: null, notAfterMs: null, rate: null, bytes: null, reason: false };
const provider: ProviderView = { id: "own", name: "Own", base: "https://own.example", hosts: ["own.example"], ports: [443], methods: ["GET", "POST"], paths: ["/**"], auth: { kind: "bearer" }, private: false, tokenVariable: "OWN", baseVariable: null, builtIn: false, capabilities: [], agents: [] };

describe("words and numbers of policies", () => {
  it("a rule in a line", () => {
    expect(summary(rule)).toBe("GET · api.github.com · /repos/**");
    expect(summary({ ...rule, methods: [], hosts: [], paths: [] })).toBe("no method · no host · no path");
    expect(summary({ ...rule, capability: "code" })).toBe("github.code");
    expect(lacks({ ...rule, capability: "code", hosts: [], ports: [], methods: [], paths: [] })).toBeNull();
    expect(lacks({ ...rule, methods: [], paths: [] })).toBe("It names no method and path, so it matches nothing.");
  });

  it("moving keeps every rule", () => {
    const names = (list: RuleSpec[]) => list.map((one) => one.name);
    const three = ["a", "b", "c"].map((name) => ({ ...rule, name }));
    expect(names(moved(three, 0, 2))).toEqual(["b", "c", "a"]);
    expect(names(moved(three, 2, 0))).toEqual(["c", "a", "b"]);
    expect(names(moved(three, 1, 7))).toEqual(["a", "b", "c"]);
  });

  it("what differs between two policies", () => {
    const before = { ...emptyPolicy, rules: [rule, { ...rule, name: "s" }] };
    expect(difference(before, { ...before, rules: [...before.rules].reverse() })).toBe("the order");
    expect(difference(before, { ...before, rules: [rule] })).toBe("1 rule");
    expect(difference(before, { ...before, requests: 5 })).toBe("the limits of a session");
    expect(difference(before, { ...before, rules: [{ ...rule, reason: true }, { ...rule, name: "s" }] })).toBe("1 rule");
  });

  it("grants become rules; a question before every call of a model would stop the work", () => {
    expect(rulesFor(provider, [], "all").map((one) => [one.effect, one.methods])).toEqual([["allow", ["GET", "POST"]]]);
    expect(rulesFor(provider, [], "read").map((one) => one.methods)).toEqual([["GET"]]);
    expect(rulesFor({ ...provider, methods: ["POST"] }, [], "read")).toEqual([]);
    expect(rulesFor(provider, [], "ask").map((one) => [one.effect, one.methods])).toEqual([["allow", ["GET"]], ["ask", ["POST"]]]);
    // Some read by POST: where the provider says what reads, that is what is free, and the rest is asked about.
    const named = { ...provider, capabilities: [{ id: "read", title: "Read" }, { id: "git-read", title: "Clone" }, { id: "spread", title: "Other" }] };
    expect(rulesFor(named, [], "ask").map((one) => [one.effect, one.capability, one.hosts.length, one.methods])).toEqual([["allow", "read", 0, []], ["allow", "git-read", 0, []], ["ask", null, 1, ["GET", "POST"]]]);
    expect(usualGrant(provider)).toBe("ask");
    expect(usualGrant({ ...provider, id: "openai" })).toBe("all");
  });

  it("only providers of one's own that a rule uses travel with a policy, without what the window added", () => {
    const policy = { ...emptyPolicy, rules: [{ ...rule, provider: "own" }] };
    const [spec] = ownProviders(policy, [provider, { ...provider, id: "unused" }]);
    expect(spec).toEqual({ id: "own", name: "Own", base: "https://own.example", hosts: ["own.example"], ports: [443], methods: ["GET", "POST"], paths: ["/**"], auth: { kind: "bearer" }, private: false, tokenVariable: "OWN", baseVariable: null });
    expect(ownProviders({ ...policy, providers: [provider], rules: [] }, [])).toEqual([]);
  });

  it("fields become lists and limits", () => {
    expect(entries(" a.example,\n b.example  a.example ")).toEqual(["a.example", "b.example"]);
    expect([limit(""), limit("1,500"), limit("0"), limit("-3"), limit("1.5"), limit("x")]).toEqual([null, 1_500, undefined, undefined, undefined, undefined]);
  });

  it("sizes, times, rates and ways of sending", () => {
    expect([size(0), size(900), size(61_440), size(4_404_019), size(5e12)]).toEqual(["0 bytes", "900 bytes", "60 KiB", "4.2 MiB", "4.5 TiB"]);
    expect([took(84), took(6_140)]).toEqual(["84 ms", "6.1 s"]);
    expect([rateWords({ count: 60, perSeconds: 60 }), rateWords({ count: 5, perSeconds: 1 }), rateWords({ count: 1_000, perSeconds: 86_400 })]).toEqual(["60 in 1 min", "5 in 1 s", "1,000 in 24 h"]);
    expect(authWords({ kind: "header", name: "authorization", template: "Bot {}" })).toBe("Header authorization: Bot {}");
    expect(startLine("it's me")).toBe("strongroom agent run --agent 'it'\\''s me' -- ");
  });

  it("the strip is filtered by every word, the agent and the decision", () => {
    const one: LiveRow = { id: 1, at: 0, agent: "a", agentId: "agt_a", method: "GET", host: "h.example", path: "/x", uses: "KEY", decision: "denied", why: "no rule", status: null, millis: null, bytes: null, process: null };
    const two: LiveRow = { ...one, id: 2, agentId: "agt_b", decision: "allowed", status: 404, why: null };
    expect(filtered([two, one], { ...everyRow, text: "h.example KEY" })).toHaveLength(2);
    expect(filtered([two, one], { ...everyRow, text: "404" })).toEqual([two]);
    expect(filtered([two, one], { ...everyRow, agentId: "agt_a" })).toEqual([one]);
    expect(filtered([two, one], { ...everyRow, decision: "allowed" })).toEqual([two]);
    expect(filtered([two, one], { ...everyRow, agentId: "agt_a", decision: "allowed" })).toEqual([]);
  });
});
