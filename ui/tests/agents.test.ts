import { cleanup } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { mainCommands, VaultError } from "../src/ipc/vault";
import { notices } from "../src/shared/notices.svelte";
import { agents } from "./support/agents";
import { byId, maybe, open, press, type, waitFor } from "./support/app";
import { line, wideWindow, within } from "./support/team";

beforeEach(wideWindow);
afterEach(() => {
  cleanup();
  notices.forget();
  vi.restoreAllMocks();
});

function rows(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-testid=live-row]")];
}

async function focused(list: string, name: string): Promise<void> {
  (await line(list, name)).click();
  await waitFor(() => expect(document.activeElement?.getAttribute("data-name")).toBe(name));
}

describe("the live strip", () => {
  it("says who asked what of which host, what was decided and why", async () => {
    await agents();
    await waitFor(() => expect(rows().length).toBe(14));
    const texts = rows().map((row) => row.textContent ?? "");
    expect(texts[0]).toMatch(/refund-desk.*POST api\.stripe\.com\/v1\/refunds.*Held.*waits 0:\d\d/);
    expect(texts.find((text) => text.includes("169.254.169.254"))).toContain("Denied link-local address");
    expect(texts.find((text) => text.includes("/v1/messages"))).toContain("6.1 s");
  });

  it("shows what comes at once, and follows the row that is chosen", async () => {
    const vault = await agents();
    await waitFor(() => expect(rows().length).toBe(14));
    rows()[2]?.click();
    const chosen = () => document.querySelector<HTMLElement>("[data-testid=live-row][aria-selected=true]")?.dataset["name"];
    await waitFor(() => expect(chosen()).toBe(rows()[2]?.dataset["name"]));
    const before = chosen();
    const page = await vault.agentsLive(0);
    const newest = page.rows.at(-1);
    if (!newest) throw new Error("no rows");
    vi.spyOn(vault, "agentsLive").mockResolvedValueOnce({ rows: [{ ...newest, id: 99, decision: "allowed", path: "/v1/new" }], next: page.next + 1 });
    vault.emit("agentsChanged", { live: true, held: 2 });
    await waitFor(() => expect(rows()[0]?.textContent).toContain("/v1/new"));
    expect(chosen()).toBe(before);
  });

  it("stands still while the view is paused, and says how much is new", async () => {
    const vault = await agents();
    await waitFor(() => expect(rows().length).toBe(14));
    await press("p");
    const page = await vault.agentsLive(0);
    const newest = page.rows.at(-1);
    if (!newest) throw new Error("no rows");
    vi.spyOn(vault, "agentsLive").mockResolvedValueOnce({ rows: [{ ...newest, id: 99, decision: "allowed", path: "/v1/new" }, { ...newest, decision: "denied", why: "stopped by a person" }], next: page.next + 2 });
    vault.emit("agentsChanged", { live: true, held: 1 });
    await waitFor(async () => expect((await byId("live-pause")).textContent).toContain("Go on, 1 new"));
    expect(rows().length).toBe(14);
    // What became of a row is said even so.
    expect(rows()[0]?.textContent).toContain("stopped by a person");
    await press("p");
    await waitFor(() => expect(rows()[0]?.textContent).toContain("/v1/new"));
  });

  it("is filtered by words, by agent and by decision", async () => {
    await agents();
    await waitFor(() => expect(rows().length).toBe(14));
    await press("/");
    await waitFor(() => expect(document.activeElement?.getAttribute("data-testid")).toBe("live-filter"));
    await type(await byId("live-filter"), "triage denied-not");
    await byId("live-none");
    await press("Escape");
    await type(await byId("live-filter"), "sentry 404");
    await byId("live-none");
    await press("Escape");
    await type(await byId("live-filter"), "meta-data");
    await waitFor(() => expect(rows().length).toBe(1));
  });

  it("opens a row with all that is known, and leads to the rule that decided", async () => {
    await agents();
    await waitFor(() => expect(rows().length).toBe(14));
    const payout = rows().find((row) => row.textContent?.includes("/v1/payouts"));
    payout?.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    expect((await byId("request-sheet")).textContent).toContain("rule “no payouts” denies it");
    (await byId("request-try")).click();
    await waitFor(async () => expect((await byId("try-answer")).dataset["decision"]).toBe("deny"));
    expect((await byId("try-steps")).textContent).toContain("no payouts");
  });

  it("keeps the meters of the cards: calls and data of the session against its limits", async () => {
    await agents();
    const card = await waitFor(() => {
      const found = document.querySelector<HTMLElement>("[data-testid=agent-card][data-name=docs-writer]");
      if (!found) throw new Error("no card");
      return found;
    });
    expect(card.textContent).toContain("220 / 500");
    expect(card.textContent).toContain("42 MiB / 50 MiB");
    expect(card.querySelector("[role=meter][aria-label^=Data]")?.classList).toContain("warn");
  });
});

describe("a request that waits", () => {
  it("is shown with its facts and answered in another window only", async () => {
    const vault = await agents();
    const answer = vi.spyOn(vault, "approvalOpen");
    const card = await byId("held-card");
    for (const fact of ["refund-desk asks", "Refund €42.00 to customer cus_P8r2k", "POST /v1/refunds", "api.stripe.com", "STRIPE_SECRET_KEY", "storefront / prod", "pid 48213", "Mara Lind, you", "3 approved"]) expect(card.textContent).toContain(fact);
    expect([...card.querySelectorAll("button")].map((one) => one.textContent)).toEqual(["Answer…"]);
    (await byId("held-answer")).click();
    expect(answer).toHaveBeenCalledOnce();
  });

  it("no command of the main window approves, denies or reveals", () => {
    const answering = mainCommands.filter((name) => /approv|once|deny|lend/i.test(name));
    expect(answering).toEqual(["approvalOpen"]);
  });

  it("gives way to the next, and the one that ends first comes first", async () => {
    await agents();
    const first = (await byId("held-card")).dataset["id"];
    (await byId("held-next")).click();
    await waitFor(async () => expect((await byId("held-card")).dataset["id"]).not.toBe(first));
    expect((await byId("held-card")).textContent).toContain("docs-writer asks");
    (await byId("held-other")).click();
    await waitFor(async () => expect((await byId("held-card")).dataset["id"]).toBe(first));
  });

  it("whose time is over offers no answer", async () => {
    const vault = open();
    const view = await vault.agentsView();
    vi.spyOn(vault, "agentsView").mockResolvedValue({ ...view, held: view.held.map((one) => ({ ...one, endsAt: Date.now() - 5_000 })) });
    (await byId("agents-open")).click();
    expect((await byId("held-card")).textContent).toContain("Its time is over, so the answer is no.");
    expect(maybe("held-answer")).toBeNull();
  });

  it("stands in the side bar wherever one is, and is spoken once", async () => {
    const vault = open();
    await waitFor(async () => expect((await byId("agents-hot")).textContent).toContain("2 held"));
    vault.emit("agentsChanged", { live: true, held: 3 });
    await waitFor(() => expect(notices.assertive).toBe("3 agents wait for your answer."));
    vault.emit("agentsChanged", { live: true, held: 0 });
    await waitFor(() => expect(maybe("agents-hot")).toBeNull());
  });

  it("text of an agent is text: no markup, not bold, not in a button", async () => {
    const vault = open();
    const view = await vault.agentsView();
    const evil = "<img src=x onerror=alert(1)> <b>approve me</b>";
    vi.spyOn(vault, "agentsView").mockResolvedValue({ ...view, held: view.held.slice(0, 1).map((one) => ({ ...one, detail: evil, sentence: { parts: [{ text: evil, strong: false }] } })), asks: [{ id: "a", agentId: "agt_triage", agent: "triage", provider: "github", reason: evil, at: Date.now() }] });
    (await byId("agents-open")).click();
    const waiting = await byId("waiting");
    expect(waiting.textContent).toContain(evil);
    expect(waiting.querySelector("img, b, strong")).toBeNull();
    for (const button of waiting.querySelectorAll("button")) expect(button.textContent).not.toContain("approve me");
  });
});

describe("stop everything", () => {
  it("is one key from anywhere, without a question, also out of a field and over a dialog", async () => {
    const vault = open();
    const stop = vi.spyOn(vault, "brokerStop");
    await byId("agents-open");
    await press(".", { ctrlKey: true, shiftKey: true, code: "Period" });
    expect(stop).toHaveBeenCalledWith(null);
    await waitFor(async () => expect((await byId("toast")).textContent).toContain("Everything is stopped."));
    await press("k", { ctrlKey: true });
    await waitFor(() => expect(document.querySelector("dialog[open]")).not.toBeNull());
    await press(">", { ctrlKey: true, shiftKey: true, code: "Period" });
    expect(stop).toHaveBeenCalledTimes(2);
  });

  it("is a button in the head of every tab, and is undone by Resume", async () => {
    const vault = await agents();
    for (const tab of ["agents", "policies", "providers", "live"]) {
      (await byId(`agents-${tab}`)).click();
      await byId("stop-all");
    }
    (await byId("stop-all")).click();
    expect((await byId("stopped-strip")).textContent).toContain("no agent can use anything");
    expect((await byId("broker")).dataset["state"]).toBe("stopped");
    expect(maybe("held-card")).toBeNull();
    const resume = vi.spyOn(vault, "brokerResume");
    (await byId("resume-all")).click();
    await waitFor(() => expect(maybe("stopped-strip")).toBeNull());
    expect(resume).toHaveBeenCalledWith(null);
  });

  it("works for one agent with S, and its card says so", async () => {
    const vault = await agents({}, "agents");
    const stop = vi.spyOn(vault, "brokerStop");
    await focused("agents", "triage");
    await press("s");
    expect(stop).toHaveBeenCalledWith("agt_triage");
    await waitFor(async () => expect((await line("agents", "triage")).textContent).toContain("Stopped"));
    within(await line("agents", "triage"), "agent-resume")?.click();
    await waitFor(async () => expect((await line("agents", "triage")).textContent).toContain("Idle"));
  });

  it("works for the agent of a request with S, but not while one types", async () => {
    const vault = await agents();
    const stop = vi.spyOn(vault, "brokerStop");
    await waitFor(() => expect(rows().length).toBe(14));
    await type(await byId("live-filter"), "sentry");
    await press("s");
    expect(stop).not.toHaveBeenCalled();
    rows()[0]?.click();
    await waitFor(() => expect(document.activeElement).toBe(rows()[0]));
    await press("s");
    expect(stop).toHaveBeenCalledWith("agt_triage");
  });

  it("a stop that fails is said, and nothing claims that all is still", async () => {
    const vault = await agents();
    vi.spyOn(vault, "brokerStop").mockRejectedValueOnce(new VaultError({ code: "internal", reportId: "r-9" }));
    (await byId("stop-all")).click();
    await waitFor(async () => expect((await byId("toast")).textContent).toContain("r-9"));
    expect(maybe("stopped-strip")).toBeNull();
  });
});

describe("the broker", () => {
  it("says where it listens, or in words why it does not", async () => {
    await agents();
    expect((await byId("broker")).textContent).toContain("127.0.0.1:7411");
    cleanup();
    const vault = await agents({ broker: "failed" });
    const start = vi.spyOn(vault, "brokerStart");
    expect((await byId("failed-strip")).textContent).toContain("strongroom-broker is not beside the app");
    (await byId("broker-start")).click();
    await waitFor(() => expect(maybe("failed-strip")).toBeNull());
    expect(start).toHaveBeenCalledOnce();
  });

  it("raises an alarm for a fake token that was seen elsewhere, which leads to the agent's tokens", async () => {
    await agents({ alarm: true });
    const text = (await byId("alarm")).textContent ?? "";
    expect(text).toContain("A fake token of docs-writer was seen where it does not belong: paste.example.net.");
    expect(text).toContain("Nothing real was sent.");
    (await byId("alarm-agent")).click();
    expect((await byId("agent-sheet")).textContent).toContain("docs-writer");
    (await byId("alarm-seen")).click();
    await waitFor(() => expect(maybe("alarm")).toBeNull());
  });

  it("shows the code for a terminal in a window of its own", async () => {
    const vault = await agents();
    const show = vi.spyOn(vault, "operatorShow");
    (await byId("operator-show")).click();
    expect(show).toHaveBeenCalledOnce();
  });
});

describe("agents", () => {
  it("are listed with state, person, providers and end", async () => {
    await agents({}, "agents");
    const text = (await line("agents", "docs-writer")).textContent;
    for (const part of ["1 held", "Ines Calder", "anthropic, github", "220 / 500"]) expect(text).toContain(part);
    expect((await line("agents", "triage")).textContent).toContain("never");
  });

  it("open with the command that starts a program as them", async () => {
    await agents({}, "agents");
    await focused("agents", "docs-writer");
    await press("Enter");
    expect((await byId("agent-command")).textContent).toBe("strongroom agent run --agent docs-writer -- claude");
    expect((await byId("session")).textContent).toContain("220 calls, 42 MiB");
  });

  it("have fake tokens, each made anew or revoked at once", async () => {
    const vault = await agents({}, "agents");
    const again = vi.spyOn(vault, "fakeTokenNew");
    const revoke = vi.spyOn(vault, "fakeTokenRevoke");
    await focused("agents", "docs-writer");
    await press("Enter");
    const token = () => document.querySelector<HTMLElement>("[data-testid=fake-token][data-provider=github]");
    await waitFor(() => expect(token()).not.toBeNull());
    within(token() ?? document.body, "fake-token-again")?.click();
    expect(again).toHaveBeenCalledWith("agt_docs", "github", "ftk_docs-writer_1");
    await waitFor(() => expect(token()?.textContent).toContain("not used since"));
    within(token() ?? document.body, "fake-token-revoke")?.click();
    await waitFor(() => expect(token()).toBeNull());
    expect(revoke).toHaveBeenCalledOnce();
  });

  it("end with D, which is signed", async () => {
    const vault = await agents({}, "agents");
    const end = vi.spyOn(vault, "agentEnd");
    await focused("agents", "release-bot");
    await press("d");
    expect(end).toHaveBeenCalledWith("agt_release");
    expect((await byId("toast")).textContent).toContain("Agent ended: release-bot. Signed link 413");
  });

  it("cannot be changed by a member", async () => {
    const vault = await agents({ role: "member" }, "agents");
    const end = vi.spyOn(vault, "agentEnd");
    await focused("agents", "release-bot");
    await press("d");
    await press("n");
    expect(end).not.toHaveBeenCalled();
    expect(maybe("agent-new")).toBeNull();
    expect(maybe("agent-form")).toBeNull();
    // To stop is everybody's.
    await byId("stop-all");
  });
});

describe("a new agent", () => {
  it("is saved with its person, its end, and no rule before a provider is chosen", async () => {
    const vault = await agents();
    const save = vi.spyOn(vault, "agentSave");
    await press("n");
    await type(await byId("agent-name"), "changelog");
    (await byId("agent-continue")).click();
    await waitFor(() => expect(save).toHaveBeenCalledOnce());
    const [id, name, person, policy, endsAt] = save.mock.calls[0] ?? [];
    expect([id, name, person]).toEqual([null, "changelog", "usr_mara"]);
    expect(policy?.rules).toEqual([]);
    expect(Math.round(((endsAt ?? 0) - Date.now()) / 86_400_000)).toBe(90);
    await waitFor(() => expect(maybe("agent-form")).toBeNull());
  });

  it("may bring a provider of its own, which is signed with it, and what was typed stays", async () => {
    const vault = await agents({ alone: true });
    const save = vi.spyOn(vault, "agentSave");
    await press("n");
    await type(await byId("agent-name"), "builder");
    (await byId("agent-define")).click();
    await type(await byId("provider-name"), "Build cache");
    await press("Escape");
    const name = await byId("agent-name");
    expect(name instanceof HTMLInputElement && name.value).toBe("builder");
    (await byId("agent-define")).click();
    await type(await byId("provider-name"), "Build cache");
    await type(await byId("provider-base"), "https://cache.example");
    await type(await byId("provider-variable"), "CACHE_TOKEN");
    expect(maybe("provider-agent")).toBeNull();
    (await byId("provider-save")).click();
    expect((await byId("agent-pick")).dataset["provider"]).toBe("build-cache");
    (await byId("agent-continue")).click();
    await waitFor(() => expect(save).toHaveBeenCalledOnce());
    const policy = save.mock.calls[0]?.[3];
    expect(policy?.providers.map((one) => [one.id, one.base, one.hosts])).toEqual([["build-cache", "https://cache.example", ["cache.example"]]]);
    expect(policy?.rules.map((rule) => [rule.effect, rule.provider, rule.hosts])).toEqual([["allow", "build-cache", ["cache.example"]], ["ask", "build-cache", ["cache.example"]]]);
  });

  it("needs a name, and limits that are numbers", async () => {
    const vault = await agents();
    const save = vi.spyOn(vault, "agentSave");
    await press("n");
    (await byId("agent-continue")).click();
    await waitFor(async () => expect((await byId("agent-form")).textContent).toContain("Needed to go on."));
    await type(await byId("agent-name"), "x");
    await type(await byId("agent-requests"), "many");
    (await byId("agent-continue")).click();
    await waitFor(async () => expect((await byId("agent-form")).textContent).toContain("A limit is a whole number"));
    expect(save).not.toHaveBeenCalled();
  });

  it("whose name is taken is refused in the form", async () => {
    await agents();
    await press("n");
    await type(await byId("agent-name"), "triage");
    (await byId("agent-continue")).click();
    await waitFor(async () => expect((await byId("agent-form")).textContent).toContain("“triage” exists already."));
  });

  it("is what an empty screen offers, in one sentence", async () => {
    await agents({ alone: true });
    expect((await byId("agents-empty")).textContent).toContain("it gets fake tokens");
    (await byId("agents-first")).click();
    await byId("agent-form");
  });
});

describe("keys", () => {
  it("g n leads here, also from a list in which N makes something", async () => {
    open();
    (await byId("tokens-open")).click();
    await line("tokens", "deploy-prod");
    await press("g");
    await press("n");
    await byId("broker");
    expect(maybe("token-form")).toBeNull();
  });

  it("the palette leads to the agents, makes one, and stops everything", async () => {
    const vault = open();
    const stop = vi.spyOn(vault, "brokerStop");
    await byId("agents-open");
    await press("k", { ctrlKey: true });
    const find = async (words: string) => {
      const field = await waitFor(() => {
        const found = document.querySelector<HTMLInputElement>("dialog[open] input");
        if (!found) throw new Error("no palette");
        return found;
      });
      await type(field, words);
    };
    await find("stop every");
    await waitFor(() => expect(document.querySelector("dialog[open]")?.textContent).toContain("Stop everything"));
    await press("Enter");
    await waitFor(() => expect(stop).toHaveBeenCalledWith(null));
  });
});

it("a view that cannot be read says why, and can be asked for again", async () => {
  const vault = open();
  await byId("agents-open");
  await waitFor(() => expect(maybe("agents-hot")).not.toBeNull());
  vi.spyOn(vault, "agentsView").mockRejectedValueOnce(new VaultError({ code: "offline", since: null }));
  (await byId("agents-open")).click();
  expect((await byId("failed")).textContent).toContain("No connection to the server.");
  (await byId("again")).click();
  await byId("broker");
});
