// The secure windows around agents: a person's word on a request, a new fake token, the operator code.
import assert from "node:assert/strict";
import test from "node:test";
import { FRAME, Refusal, visit } from "./pages.mjs";

const NOW = 1_700_000_000_000;
const HELD = {
  id: 4, agentId: "agt_a", agent: "refund-desk", sentence: { parts: [{ text: "Refund ", strong: false }, { text: "<b>42.00</b> EUR", strong: true }] },
  detail: "charged twice", method: "POST", host: "api.stripe.com", path: "/v1/refunds?dry=1", uses: "STRIPE_SECRET_KEY", place: "storefront / prod",
  process: "/usr/bin/node, pid 48213", responsible: { id: "usr_a", name: "Mara Lind", initials: "ML", you: true }, rule: "refunds", askedAt: NOW, endsAt: NOW + 60_000, alike: { count: 3, last: NOW - 60_000 },
};
const CONTEXT = { ...FRAME, held: HELD, how: null, at: 1, of: 2, minutes: 15, count: 10, pattern: "/v1/refunds" };
const OTHER = { ...CONTEXT, held: { ...HELD, id: 5, agent: "docs-writer" }, at: 1, of: 1 };
const EMPTY = { ...CONTEXT, held: null, at: 1, of: 0 };
const TAKEN = { what: "taken", seconds: 0 };

test("approve: what an agent wrote is shown as text, apart from our own words", async () => {
  const page = await visit("approve", { approve_context: CONTEXT });
  assert.equal(page.id("sentence").querySelectorAll("b").length, 0);
  assert.equal(page.text("sentence"), "Refund <b>42.00</b> EUR");
  assert.deepEqual([...page.id("sentence").children].map((part) => part.className), ["", "mono"]);
  assert.equal(page.text("reason"), "\u201ccharged twice\u201d");
  assert.equal(page.text("alike"), "3 allowed, the last 1 min ago");
  assert.equal(page.text("which"), "1 of 2");
});

test("approve: no key and no click counts before the card has stood for a moment", async () => {
  const page = await visit("approve", { approve_context: CONTEXT, approve_once: TAKEN });
  for (const id of ["once", "task", "deny"]) assert.equal(page.id(id).disabled, true, id);
  for (const key of ["a", "t", "d"]) await page.press(key);
  await page.wait(500);
  await page.press("a");
  assert.deepEqual(page.calls.filter(({ command }) => command !== "approve_context"), []);
  await page.wait(200);
  await page.press("a");
  assert.deepEqual(page.called("approve_once")[0].args, { id: 4 });
});

test("approve: a window that gets the focus waits again", async () => {
  const page = await visit("approve", { approve_context: CONTEXT });
  await page.wait(700);
  assert.equal(page.id("once").disabled, false);
  page.window.dispatchEvent(new page.window.Event("focus"));
  assert.equal(page.id("once").disabled, true);
});

test("approve: Enter does nothing, wherever the focus is, and neither do keys in a field", async () => {
  const page = await visit("approve", { approve_context: CONTEXT, approve_once: TAKEN });
  await page.wait(700);
  for (const id of ["once", "task", "minutes", "asks"]) {
    page.id(id).focus();
    const event = new page.window.KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
    page.id(id).dispatchEvent(event);
    assert.equal(event.defaultPrevented, true, id);
  }
  page.id("pattern").focus();
  await page.press("a");
  await page.press("a", { ctrlKey: true });
  assert.equal(page.called("approve_once").length, 0);
});

test("approve: a task needs minutes, requests and a path together", async () => {
  const page = await visit("approve", { approve_context: CONTEXT, approve_task: TAKEN });
  await page.wait(700);
  for (const [field, wrong, said] of [["minutes", "", /1 to 1440 minutes/], ["minutes", "1441", /minutes/], ["count", "0", /requests/], ["pattern", "refunds", /which paths/]]) {
    const before = page.id(field).value;
    await page.type(field, wrong);
    await page.click("task");
    assert.match(page.text("error"), said);
    await page.type(field, before);
  }
  assert.equal(page.called("approve_task").length, 0);
  await page.click("task");
  assert.deepEqual(page.called("approve_task")[0].args, { id: 4, minutes: 15, count: 10, path: "/v1/refunds" });
});

test("approve: Deny asks why before it denies, and the agent is told", async () => {
  const page = await visit("approve", { approve_context: CONTEXT, approve_deny: TAKEN });
  await page.wait(700);
  await page.press("d");
  assert.equal(page.shown("deny-part"), true);
  assert.equal(page.document.activeElement.id, "why");
  assert.equal(page.called("approve_deny").length, 0);
  await page.type("why", " Not on a Sunday. ");
  await page.click("deny");
  assert.deepEqual(page.called("approve_deny")[0].args, { id: 4, reason: "Not on a Sunday." });
});

test("approve: after an answer the next one is shown, and waits again; after the last the window closes", async () => {
  let context = CONTEXT;
  const page = await visit("approve", { approve_context: () => context, approve_once: TAKEN });
  await page.wait(700);
  context = OTHER;
  await page.press("a");
  assert.equal(page.text("agent"), "docs-writer");
  assert.equal(page.shown("many"), false);
  assert.equal(page.id("once").disabled, true);
  await page.wait(700);
  context = EMPTY;
  await page.press("a");
  assert.deepEqual(page.called("approve_once").map(({ args }) => args.id), [4, 5]);
  assert.equal(page.called("secure_close").length, 1);
});

test("approve: an answer that comes too late says so and what happened", async () => {
  const page = await visit("approve", { approve_context: CONTEXT, approve_once: { what: "tooLate", seconds: 3 } });
  await page.wait(700);
  await page.press("a");
  assert.equal(page.text("over-title"), "Too late");
  assert.match(page.text("over-text"), /denied 3 s ago/);
  assert.equal(page.shown("work"), false);
  assert.equal(page.called("secure_close").length, 0);
});

test("approve: time runs out before one's eyes, and then it was a no", async () => {
  let context = CONTEXT;
  const page = await visit("approve", { approve_context: () => context });
  assert.equal(page.text("left"), "1:00");
  await page.wait(18_000);
  assert.equal(page.text("left"), "0:42");
  context = { ...EMPTY, how: "timed-out" };
  await page.wait(1000);
  assert.equal(page.text("over-title"), "Nobody answered in time");
  await page.press("a");
  assert.equal(page.called("approve_once").length, 0);
  context = OTHER;
  await page.wait(1000);
  assert.equal(page.text("agent"), "docs-writer", "the next one comes by itself");
  assert.equal(page.shown("work"), true);
});

test("approve: Esc closes and answers nothing", async () => {
  const page = await visit("approve", { approve_context: CONTEXT });
  await page.wait(700);
  await page.press("Escape");
  assert.deepEqual(page.calls.map(({ command }) => command).filter((name) => name !== "approve_context"), ["secure_close"]);
});

test("approve: a word that Rust refuses is said, and can be given again", async () => {
  const page = await visit("approve", { approve_context: CONTEXT, approve_once: new Refusal("locked") });
  await page.wait(700);
  await page.press("a");
  assert.match(page.text("error"), /vault is locked/);
  assert.equal(page.id("once").disabled, false);
});

const FAKE = { ...FRAME, agent: "docs-writer", provider: "OpenAI", fake: "srf_openai_EXAMPLE", variables: "OPENAI_API_KEY=srf_openai_EXAMPLE", replaced: false };

test("fake token: it is shown once, copied by Rust and asked about before it is left", async () => {
  const copied = { name: "", clearsAt: NOW + 30_000 };
  const page = await visit("faketoken", { faketoken_context: FAKE, faketoken_copy: copied, faketoken_copy_variables: copied });
  assert.equal(page.text("faketoken"), "srf_openai_EXAMPLE");
  assert.equal(page.shown("replaced"), false);
  await page.press("Escape");
  assert.match(page.text("outcome"), /Not stored yet/);
  await page.press("c", { ctrlKey: true });
  await page.click("copy-variables");
  assert.deepEqual(page.calls.slice(1).map(({ command }) => command), ["faketoken_copy", "faketoken_copy_variables"]);
  await page.click("stored");
  await page.click("done");
  assert.equal(page.called("secure_close").length, 1);
  assert.equal(page.id("faketoken").textContent + page.id("variables").textContent, "");
});

test("operator code: it is wiped when the window goes", async () => {
  const page = await visit("operator", { operator_context: { ...FRAME, code: "k7Wm2pQx9TbR" } });
  assert.equal(page.text("operator"), "k7Wm2pQx9TbR");
  await page.press("Escape");
  assert.equal(page.id("operator").textContent, "");
});
