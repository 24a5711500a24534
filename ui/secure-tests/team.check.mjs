// What a person meets in the secure windows of a team, against a stub of the shell. Run: node --test secure-tests/*.check.mjs
import assert from "node:assert/strict";
import test from "node:test";
import { sentence, until } from "../secure/frame.js";
import { readKit } from "../secure/kittext.js";
import { FRAME, Refusal, visit } from "./pages.mjs";

const DAY = 86_400_000;
const NOW = 1_700_000_000_000;
const SIGN = {
  ...FRAME, title: "Change who can read", person: "Mara Lind", links: 3, typed: null, check: null, action: "Sign and apply", done: "Signed.",
  lines: [
    { kind: "warn", text: "Noor Basri's key was never compared", detail: null, until: null },
    { kind: "gain", text: "Noor Basri reads storefront / prod", detail: "38 secrets", until: NOW + 7 * DAY },
    { kind: "lose", text: "Teo Varga loses payments / prod", detail: null, until: null },
    { kind: "rotate", text: "1 data key is replaced", detail: "payments / prod", until: null },
  ],
};
const INVITE = { ...FRAME, label: "Kit Marlow", role: "member", grants: ["storefront / prod: read"], expires: NOW + 7 * DAY, code: "aeaaaaexample234567", qrSvg: "<svg xmlns='http://www.w3.org/2000/svg'/>", server: "https://vault.acme.example", fingerprint: "7kq2-mx4t-az5e-pdqs-r6vz" };
const LOOK = { server: "https://vault.acme.example", organisationWords: "harbor violin cedar planet mitten orbit", inviterFingerprint: "7kq2-mx4t-az5e-pdqs-r6vz", link: 412, role: "member", expires: NOW + 7 * DAY, known: false };
const WORDS = { ...FRAME, name: "Noor Basri", six: ["harbor", "violin", "cedar", "planet", "mitten", "orbit"], fingerprint: "7kq2-mx4t-az5e-pdqs-r6vz" };
const TOKEN = { ...FRAME, name: "deploy-eu", token: "srt.example.notARealToken", reads: ["storefront / prod: read"], ends: NOW + 90 * DAY, link: 413, by: "Mara Lind" };
const KIT = "strongroom-kit 1\nhttps://vault.acme.example\nusr_aaaa\norg_bbbb\n412 abcdefgh\nSR1-AAAAAA-BBBBBB";

test("sign: shows Rust's lines in their order, as text, each with a word for its kind", async () => {
  const lines = [...SIGN.lines, { kind: "link", text: "<img src=x onerror=alert(1)>", detail: "<b>x</b>", until: null }];
  const page = await visit("sign", { sign_context: { ...SIGN, lines } });
  const shown = [...page.document.querySelectorAll("#lines > li")].map((item) => item.textContent.replace(/\s+/g, " ").trim());
  assert.deepEqual(shown, [
    "Look twice: Noor Basri's key was never compared",
    `Gains: Noor Basri reads storefront / prod 38 secrets ends ${until(NOW + 7 * DAY, NOW)}`,
    "Loses: Teo Varga loses payments / prod",
    "Data key: 1 data key is replaced payments / prod",
    "Link: <img src=x onerror=alert(1)> <b>x</b>",
  ]);
  assert.equal(page.document.querySelectorAll("#lines img, #lines b").length, 0);
  assert.equal(page.text("who"), "Mara Lind signs 3 links");
  assert.equal(page.document.activeElement.id, "lines", "the summary has the focus, not the button");
});

test("sign: a click or key that was on its way when the window opened signs nothing", async () => {
  const page = await visit("sign", { sign_context: SIGN });
  assert.equal(page.id("submit").disabled, true);
  await page.press("Enter", { ctrlKey: true });
  await page.send();
  assert.equal(page.called("sign_submit").length, 0);
  await page.wait(700);
  assert.equal(page.id("submit").disabled, false);
  await page.press("Enter", { ctrlKey: true, repeat: true });
  assert.equal(page.called("sign_submit").length, 0, "a key that is held down is no answer");
  await page.press("Enter", { ctrlKey: true });
  assert.deepEqual(page.called("sign_submit")[0].args, { typed: null, checked: false });
});

test("sign: only the exact text and the ticked box arm the button", async () => {
  const page = await visit("sign", { sign_context: { ...SIGN, typed: "Teo Varga", check: "I know that only one person is left" } });
  await page.wait(700);
  assert.equal(page.document.activeElement.id, "typed");
  await page.type("typed", "teo varga");
  await page.click("check");
  assert.equal(page.id("submit").disabled, true);
  await page.type("typed", "Teo Varga");
  assert.equal(page.id("submit").disabled, false);
  await page.click("check");
  assert.equal(page.id("submit").disabled, true);
  await page.send();
  assert.equal(page.called("sign_submit").length, 0);
  await page.click("check");
  await page.send();
  assert.deepEqual(page.called("sign_submit")[0].args, { typed: "Teo Varga", checked: true });
});

test("sign: while it signs the button rests, and a second answer is not taken", async () => {
  const page = await visit("sign", { sign_context: SIGN, sign_submit: () => new Promise(() => {}) });
  await page.wait(700);
  await page.send();
  await page.send();
  await page.press("Enter", { ctrlKey: true });
  assert.equal(page.called("sign_submit").length, 1);
  assert.equal(page.id("submit").disabled, true);
  assert.equal(page.id("working").getAttribute("aria-label"), "Signing");
});

test("sign: when the summary changed meanwhile, the new one is shown, said, and has to be agreed to again", async () => {
  let times = 0;
  const page = await visit("sign", {
    sign_context: () => ((times += 1) === 1 ? { ...SIGN, typed: "prod" } : { ...SIGN, typed: "prod", links: 1, lines: [SIGN.lines[1]] }),
    sign_submit: new Refusal("summaryChanged"),
  });
  await page.wait(700);
  await page.type("typed", "prod");
  await page.send();
  assert.equal(page.document.querySelectorAll("#lines > li").length, 1);
  assert.equal(page.text("who"), "Mara Lind signs 1 link");
  assert.match(page.text("error"), /has changed meanwhile/);
  assert.equal(page.id("typed").value, "");
  await page.wait(700);
  assert.equal(page.id("submit").disabled, true);
});

test("sign: an error leaves the window open, and armed for the same links planned anew", async () => {
  const page = await visit("sign", { sign_context: { ...SIGN, typed: "prod" }, sign_submit: new Refusal("offline") });
  await page.wait(700);
  await page.type("typed", "prod");
  await page.send();
  assert.equal(page.called("sign_context").length, 2);
  assert.equal(page.id("typed").value, "prod");
  assert.match(page.text("error"), /^The server cannot be reached/);
  assert.equal(page.id("submit").disabled, false);
  assert.equal(page.called("secure_close").length, 0);
  await page.press("Escape");
  assert.equal(page.called("secure_close").length, 1);
  assert.equal(page.called("sign_submit").length, 1, "Esc never signs");
});

test("sign: without a summary nothing can be signed", async () => {
  let times = 0;
  const page = await visit("sign", { sign_context: () => ((times += 1) === 1 ? SIGN : new Refusal("notAllowed")), sign_submit: new Refusal("offline") });
  await page.wait(700);
  await page.send();
  assert.match(page.text("error"), /^The server cannot be reached/);
  await page.wait(700);
  assert.equal(page.id("submit").disabled, true);
  await page.send();
  assert.equal(page.called("sign_submit").length, 1);
});

test("invite: the code leaves by Rust's copy and file only, and is gone with the window", async () => {
  const page = await visit("invite", { invite_context: INVITE, invite_copy: { name: "", clearsAt: NOW + 30_000 }, invite_save: "/home/mara/kit.strongroom-invite" });
  assert.equal(page.text("grants"), "storefront / prod: read");
  assert.match(page.text("expires"), /, in 7 d$/);
  await page.press("c");
  assert.equal(page.text("outcome"), "Copied. Cleared in 30 s.");
  await page.click("save");
  assert.equal(page.text("outcome"), "Saved as /home/mara/kit.strongroom-invite");
  const copying = new page.window.Event("copy", { bubbles: true, cancelable: true });
  page.id("code").dispatchEvent(copying);
  assert.equal(copying.defaultPrevented, true);
  await page.press("Escape");
  assert.equal(page.id("code").textContent, "");
  assert.equal(page.id("qr").hasAttribute("src"), false);
  assert.equal(page.called("secure_close").length, 1);
});

test("invite: saving that was cancelled says nothing new", async () => {
  const page = await visit("invite", { invite_context: INVITE, invite_save: null });
  await page.click("save");
  assert.equal(page.text("outcome"), "Not copied yet");
});

test("take: a mistyped code is said, and nothing is sent for an empty one", async () => {
  const page = await visit("take", { take_context: FRAME, take_submit: new Refusal("badCode", { problem: "mistyped" }) });
  await page.send();
  assert.equal(page.called("take_submit").length, 0);
  await page.type("code", "aeaaa");
  await page.press("Enter");
  assert.deepEqual(page.called("take_submit")[0].args, { code: "aeaaa" });
  assert.match(page.text("error"), /letter of it is missing or wrong/);
});

test("every problem of a code has its own sentence", () => {
  const said = ["mistyped", "used", "expired", "foreign", "unknown"].map((problem) => sentence({ code: "badCode", problem }));
  assert.equal(new Set(said).size, 5);
});

test("join: a whole code says where it leads before the server is asked", async () => {
  const answer = ({ code }) => (code === "whole" ? { server: LOOK.server, organisationWords: LOOK.organisationWords } : new Refusal("badCode", { problem: "mistyped" }));
  const page = await visit("join", { join_context: { ...FRAME, keyring: "available" }, join_read: answer });
  await page.type("code", "who");
  assert.equal(page.text("leads"), "Not a whole code yet.");
  assert.equal(page.shown("error"), false);
  await page.type("code", "whole");
  assert.equal(page.text("leads"), `Leads to ${LOOK.server}, organisation ${LOOK.organisationWords}. Nothing was sent yet.`);
  assert.equal(page.called("join_look").length, 0);
  await page.type("code", "");
  assert.equal(page.text("leads"), "The code comes from the person who invites you.");
});

test("join: server, organisation and inviter are shown before anything about the person is asked or sent", async () => {
  const page = await visit("join", { join_context: { ...FRAME, keyring: "available" }, join_look: LOOK });
  for (const id of ["name", "label", "passphrase", "again", "account"]) assert.equal(page.shown(id), false, id);
  await page.type("code", "AEAAA EXAMPLE");
  await page.send();
  assert.deepEqual(page.calls.map(({ command }) => command), ["join_context", "join_read", "join_look"]);
  assert.equal(page.text("server"), "https://vault.acme.example");
  assert.equal(page.text("organisation"), LOOK.organisationWords);
  assert.equal(page.text("inviter"), LOOK.inviterFingerprint);
  for (const id of ["server", "organisation", "inviter", "name", "passphrase"]) assert.equal(page.shown(id), true, id);
  assert.equal(page.id("code").value, "", "the code stays in Rust");
  assert.equal(page.called("join_submit").length, 0);
  assert.equal(page.id("label").value, "vault.acme.example");
});

test("join: sends what was typed, once everything is there", async () => {
  const page = await visit("join", { join_context: { ...FRAME, keyring: "missing" }, join_look: LOOK });
  await page.type("code", "aeaaa");
  await page.send();
  await page.send();
  assert.equal(page.text("error"), "Type your name.");
  await page.type("name", " Kit Marlow ");
  await page.type("label", "Acme");
  await page.type("passphrase", "correct horse battery");
  await page.send();
  assert.equal(page.text("error"), "The two passphrases are not the same.");
  await page.type("again", "correct horse battery");
  await page.send();
  assert.equal(page.text("error"), "Choose where the Secret Key stays.");
  page.id("keep-ask").checked = true;
  await page.send();
  assert.deepEqual(page.called("join_submit")[0].args, { name: "Kit Marlow", label: "Acme", passphrase: "correct horse battery", keep: "ask", reset: false, account: null });
  assert.equal(page.id("passphrase").value + page.id("again").value, "");
});

test("join: whoever lost everything names the account, not a new one", async () => {
  const page = await visit("join", { join_context: { ...FRAME, keyring: "available" }, join_look: LOOK });
  await page.type("code", "aeaaa");
  await page.send();
  page.id("reset").click();
  await page.settle();
  assert.equal(page.shown("name"), false);
  assert.equal(page.shown("account"), true);
  await page.type("passphrase", "correct horse battery");
  await page.type("again", "correct horse battery");
  await page.send();
  assert.match(page.text("error"), /account/);
  await page.type("account", "usr_aaaa");
  await page.send();
  assert.equal(page.called("join_submit")[0].args.reset, true);
  assert.equal(page.called("join_submit")[0].args.account, "usr_aaaa");
});

test("join: a file can be chosen, and a cancelled choice changes nothing", async () => {
  let answer = null;
  const page = await visit("join", { join_context: { ...FRAME, keyring: "available" }, join_file: () => answer });
  await page.click("file");
  assert.equal(page.shown("code"), true);
  answer = { ...LOOK, known: true };
  await page.click("file");
  assert.equal(page.shown("passphrase"), true);
  assert.equal(page.shown("known"), true);
  await page.click("back");
  assert.equal(page.shown("code"), true);
  assert.equal(page.shown("passphrase"), false);
});

test("join: a code that leads nowhere is said under the code", async () => {
  const page = await visit("join", { join_context: { ...FRAME, keyring: "available" }, join_look: new Refusal("badCode", { problem: "expired" }) });
  await page.type("code", "aeaaa");
  await page.press("Enter");
  assert.equal(page.text("error"), "The time of this code is over. Ask for a new one.");
  assert.equal(page.document.activeElement.id, "code");
});

test("restore: the text of a kit fills the fields and does not stay", async () => {
  const page = await visit("restore", { restore_context: { ...FRAME, server: null, keyring: "available" } });
  await page.type("kit", "strongroom-kit 1\nhttps");
  assert.equal(page.text("kit-hint"), "Not the whole text of a kit yet.");
  await page.type("kit", KIT);
  assert.equal(page.id("kit").value, "");
  assert.equal(page.document.activeElement.id, "passphrase");
  await page.type("passphrase", "right");
  await page.send();
  assert.deepEqual(page.called("restore_submit")[0].args, {
    server: "https://vault.acme.example", account: "usr_aaaa", organisation: "org_bbbb", head: "412 abcdefgh",
    secretKey: "SR1-AAAAAA-BBBBBB", passphrase: "right", label: "vault.acme.example", keep: "keyring",
  });
  assert.equal(page.id("passphrase").value + page.id("secret-key").value, "");
});

test("restore: every field can be typed, and what is missing is named", async () => {
  const page = await visit("restore", { restore_context: { ...FRAME, server: "https://vault.acme.example", keyring: "available" }, restore_submit: new Refusal("wrongPassphrase") });
  assert.equal(page.id("server").value, "https://vault.acme.example");
  const missing = [["account", /account/, "usr_a"], ["organisation", /organisation/, "org_b"], ["secret-key", /Secret Key/, "SR1-A"], ["passphrase", /passphrase/, "wrong"], ["label", /name for the vault/, "Acme"]];
  for (const [field, said, value] of missing) {
    await page.send();
    assert.match(page.text("error"), said);
    assert.equal(page.document.activeElement.id, field);
    await page.type(field, value);
  }
  await page.send();
  assert.equal(page.called("restore_submit")[0].args.head, null);
  assert.equal(page.id("passphrase").value, "");
  assert.match(page.text("error"), /passphrase and Secret Key do not open/);
});

test("join and restore: another history than the code or the kit vouches for is refused in their own words", async () => {
  const join = await visit("join", { join_context: { ...FRAME, keyring: "available" }, join_look: new Refusal("stopped") });
  await join.type("code", "aeaaa");
  await join.send();
  assert.match(join.text("error"), /not the one that this code vouches for/);
  const restore = await visit("restore", { restore_context: { ...FRAME, server: null, keyring: "available" }, restore_submit: new Refusal("stopped") });
  await restore.type("kit", KIT);
  await restore.type("passphrase", "right");
  await restore.send();
  assert.match(restore.text("error"), /not the one that this kit was printed for/);
  assert.equal(restore.document.activeElement.id, "head");
});

test("restore: the kit of a vault on one computer is told apart", async () => {
  const page = await visit("restore", { restore_context: { ...FRAME, server: null, keyring: "available" } });
  await page.type("kit", KIT.replace("https://vault.acme.example", "this computer"));
  assert.match(page.text("error"), /was kept on one computer/);
  assert.equal(page.id("server").value, "");
});

test("a kit is six lines, whatever ends them", () => {
  assert.deepEqual(readKit(KIT.replaceAll("\n", "\r\n")), readKit(KIT));
  for (const no of ["", "strongroom-kit 2\n".repeat(6), KIT.replace("usr_aaaa\n", ""), `${KIT}\nmore`]) assert.equal(readKit(no), null);
});

test("words: the answer wakes after a moment, and a match is told to Rust", async () => {
  const page = await visit("words", { words_context: WORDS });
  assert.deepEqual([...page.document.querySelectorAll("#six > li")].map((item) => item.textContent), WORDS.six);
  assert.equal(page.id("match").disabled, true);
  await page.click("match");
  assert.equal(page.called("words_submit").length, 0);
  await page.wait(700);
  await page.click("match");
  assert.deepEqual(page.called("words_submit")[0].args, { same: true });
});

test("words: different words are told to Rust and explained", async () => {
  const page = await visit("words", { words_context: WORDS });
  await page.wait(700);
  await page.click("different");
  assert.deepEqual(page.called("words_submit")[0].args, { same: false });
  assert.equal(page.shown("differ"), true);
  assert.equal(page.shown("match"), false);
  assert.match(page.text("differ"), /not the key that Noor Basri holds/);
  await page.click("cancel");
  assert.equal(page.called("secure_close").length, 1);
});

test("words: a key that changed meanwhile is not vouched for", async () => {
  const page = await visit("words", { words_context: WORDS, words_submit: new Refusal("summaryChanged") });
  await page.wait(700);
  await page.click("match");
  assert.match(page.text("error"), /changed while you compared/);
  assert.equal(page.id("match").disabled, true);
});

test("token: Close wakes with the check box; leaving before is asked about once", async () => {
  const page = await visit("token", { token_context: TOKEN, token_copy: { name: "", clearsAt: NOW + 30_000 }, token_copy_ci: { name: "", clearsAt: NOW + 30_000 }, token_save: "/home/mara/deploy-eu.token" });
  assert.equal(page.text("signed"), "link 413 by Mara Lind");
  assert.equal(page.id("done").disabled, true);
  await page.press("Escape");
  assert.match(page.text("outcome"), /Not stored yet/);
  assert.equal(page.called("secure_close").length, 0);
  await page.press("c", { ctrlKey: true });
  await page.click("copy-ci");
  await page.click("save");
  assert.equal(page.text("outcome"), "Saved as /home/mara/deploy-eu.token");
  assert.deepEqual(page.calls.slice(1).map(({ command }) => command), ["token_copy", "token_copy_ci", "token_save"]);
  await page.click("stored");
  assert.equal(page.id("done").disabled, false);
  await page.click("done");
  assert.equal(page.called("secure_close").length, 1);
  assert.equal(page.id("token").textContent, "");
});

test("token: one without an end says so", async () => {
  const page = await visit("token", { token_context: { ...TOKEN, ends: null } });
  assert.equal(page.text("ends"), "never by itself");
});

test("create: on a team server the window says which", async () => {
  const context = { ...FRAME, label: "Acme", organisation: "Acme", person: "Mara Lind", keyring: "available" };
  const there = await visit("create", { create_context: { ...context, server: "https://vault.acme.example" } });
  assert.equal(there.shown("place"), true);
  assert.equal(there.text("place"), "On the server https://vault.acme.example");
  const here = await visit("create", { create_context: { ...context, server: null } });
  assert.equal(here.shown("place"), false);
});

test("ends are a date and a distance", () => {
  const now = Date.UTC(2026, 10, 22, 12);
  assert.equal(until(now + 7 * DAY, now), "29 Nov, in 7 d");
  assert.equal(until(now + 90 * 60_000, now), "22 Nov, in 2 h");
  assert.equal(until(now + 60_000, now), "22 Nov, in 1 min");
  assert.equal(until(now - 1000, now), "22 Nov, over");
});
