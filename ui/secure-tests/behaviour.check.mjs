// What a person meets in each secure window, against a stub of the shell. Run: node --test secure-tests/*.check.mjs
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import test from "node:test";
import { KNOWN_CODES, ago, sentence } from "../secure/frame.js";
import { groups } from "../secure/groups.js";
import { guidance } from "../secure/guidance.js";
import { FRAME, Refusal, visit } from "./pages.mjs";

const UNLOCK = { ...FRAME, label: "Acme", server: "vault.acme.example", needsSecretKey: false, sampleHint: false };
const CREATE = { ...FRAME, label: "Acme", organisation: "Acme", person: "Mara Lind", keyring: "available" };
const KIT = { label: "Acme", person: "Mara Lind", userId: "usr_a", organisation: "Acme", orgId: "org_b", server: "On this computer", secretKey: "AAAAAA-BBBBBB-CC", qrSvg: "<svg xmlns='http://www.w3.org/2000/svg'/>", headCode: "4F2K", link: 3, madeAt: Date.UTC(2026, 10, 22, 12) };
const REVEAL = { ...FRAME, name: "STRIPE_KEY", path: "storefront / prod", class: "production", version: 7, by: "Mara Lind", at: 1_699_999_990_000, seconds: 15, value: "sk_live_example\n" };
const EDIT = { ...FRAME, isNew: false, name: "SMTP_PASSWORD", path: "storefront / prod", class: "production", nextVersion: 5, note: "" };
const CONFIRM = { ...FRAME, title: "Delete staging?", text: "It cannot be undone.", typed: "staging", action: "Delete and sign" };

test("frame: theme and words come from Rust; without a keyring there are no words", async () => {
  const page = await visit("unlock", { unlock_context: UNLOCK });
  assert.equal(page.text("words"), "copper heron");
  assert.equal(page.document.documentElement.dataset.theme, "dark");
  const bare = await visit("unlock", { unlock_context: { ...UNLOCK, words: null, theme: "system" } });
  assert.equal(bare.shown("words"), false);
  assert.equal(bare.document.documentElement.dataset.theme, undefined);
});

test("frame: a context that Rust refuses leaves a sentence and the way out", async () => {
  const page = await visit("edit", { edit_context: new Refusal("locked") });
  assert.equal(page.shown("work"), false);
  assert.match(page.text("failed-text"), /^The vault is locked\./);
  await page.click("close");
  assert.equal(page.called("secure_close").length, 1);
});

test("frame: text from outside is never read as markup", async () => {
  const page = await visit("confirm", { confirm_context: { ...CONFIRM, text: "<img src=x onerror=alert(1)>" } });
  assert.equal(page.id("text").children.length, 0);
  assert.equal(page.text("text"), "<img src=x onerror=alert(1)>");
});

test("frame: every error code has its sentence, and text written by a server is not repeated", () => {
  for (const code of KNOWN_CODES) assert.match(sentence({ code, status: 409, server: "CLICK HERE", name: "A", reason: "CLICK HERE", other: "CLICK HERE", missing: "the key", reportId: "r1" }), /^[A-Z][^!]*\.$/);
  for (const code of ["refused", "badName", "wrongAddress"]) assert.doesNotMatch(sentence({ code, status: 409, server: "CLICK HERE", reason: "CLICK HERE", other: "CLICK HERE" }), /CLICK/);
  const bindings = new URL("../src/ipc/bindings.ts", import.meta.url);
  if (!existsSync(bindings)) return;
  const union = readFileSync(bindings, "utf8").match(/export type CommandError\s*=[\s\S]*?;\n/)?.[0] ?? "";
  for (const [, code] of union.matchAll(/code:\s*"([A-Za-z]+)"/g)) assert.ok(KNOWN_CODES.includes(code), `${code} has no sentence`);
});

test("unlock: a wrong passphrase is said under the field, which is emptied and has the focus", async () => {
  const page = await visit("unlock", { unlock_context: UNLOCK, unlock_submit: new Refusal("wrongPassphrase") });
  assert.equal(page.document.activeElement.id, "passphrase");
  await page.type("passphrase", "not it");
  await page.send();
  assert.deepEqual(page.called("unlock_submit")[0].args, { passphrase: "not it", secretKey: null });
  assert.equal(page.text("error"), "That passphrase does not open this vault. Try again.");
  assert.equal(page.id("passphrase").value, "");
  assert.equal(page.id("passphrase").getAttribute("aria-invalid"), "true");
  assert.equal(page.document.activeElement.id, "passphrase");
});

test("unlock: while Rust works the fields rest, a bar moves and cancelling stays possible", async () => {
  const page = await visit("unlock", { unlock_context: UNLOCK, unlock_submit: () => new Promise(() => {}) });
  await page.type("passphrase", "right");
  await page.send();
  assert.equal(page.shown("working"), true);
  assert.equal(page.id("passphrase").disabled, true);
  assert.equal(page.id("submit").disabled, true);
  assert.equal(page.id("cancel").disabled, false);
  await page.press("Escape");
  assert.equal(page.called("secure_close").length, 1);
  assert.equal(page.id("passphrase").value, "");
});

test("unlock: the Secret Key is asked for when the keyring does not have it, or on request", async () => {
  const page = await visit("unlock", { unlock_context: { ...UNLOCK, needsSecretKey: true } });
  assert.equal(page.shown("secret-key"), true);
  await page.type("passphrase", "right");
  await page.send();
  assert.match(page.text("error"), /Secret Key/);
  assert.equal(page.called("unlock_submit").length, 0);
  await page.type("secret-key", " ABC-DEF ");
  await page.send();
  assert.deepEqual(page.called("unlock_submit")[0].args, { passphrase: "right", secretKey: "ABC-DEF" });

  const other = await visit("unlock", { unlock_context: UNLOCK, unlock_submit: new Refusal("secretKeyNeeded") });
  assert.equal(other.shown("secret-key"), false);
  await other.type("passphrase", "right");
  await other.send();
  assert.equal(other.shown("secret-key"), true);
  assert.equal(other.id("passphrase").value, "right");
});

test("unlock: the sample vault says its word, others do not", async () => {
  const sample = await visit("unlock", { unlock_context: { ...UNLOCK, sampleHint: true } });
  assert.equal(sample.text("hint"), "The sample vault opens with the word sample.");
  const real = await visit("unlock", { unlock_context: UNLOCK });
  assert.doesNotMatch(real.text("hint"), /sample/);
});

test("create: short, unequal and undecided are refused here, in this order", async () => {
  const page = await visit("create", { create_context: { ...CREATE, keyring: "missing", words: null } });
  await page.type("passphrase", "short");
  await page.send();
  assert.equal(page.text("error"), "A passphrase has at least 10 characters.");
  await page.type("passphrase", "correct horse battery");
  await page.type("again", "correct horse batterie");
  assert.equal(page.text("same"), "Not the same as above.");
  await page.send();
  assert.equal(page.text("error"), "The two passphrases are not the same.");
  await page.type("again", "correct horse battery");
  assert.equal(page.document.querySelectorAll("#keep input:checked").length, 0, "nothing is chosen beforehand");
  await page.send();
  assert.equal(page.text("error"), "Choose where the Secret Key stays.");
  assert.equal(page.called("create_submit").length, 0);
  page.id("keep-file").checked = true;
  await page.send();
  assert.deepEqual(page.called("create_submit")[0].args, { passphrase: "correct horse battery", keep: "file" });
  assert.equal(page.id("passphrase").value + page.id("again").value, "");
});

test("create: with a keyring there is no choice to make", async () => {
  const page = await visit("create", { create_context: CREATE });
  assert.equal(page.shown("keep-ask"), false);
  await page.type("passphrase", "correct horse battery");
  await page.type("again", "correct horse battery");
  await page.send();
  assert.equal(page.called("create_submit")[0].args.keep, "keyring");
});

test("create: guidance counts people's characters and speaks of length, words and repetition", () => {
  assert.equal(guidance("").tone, "");
  assert.equal(guidance("🦉🦉🦉").text, "3 of at least 10 characters.");
  assert.equal(guidance("aaaaaaaaaaaa").tone, "weak");
  assert.equal(guidance("correct horse battery staple").tone, "good");
});

test("kit: later it asks for the passphrase first, and forgets it", async () => {
  const page = await visit("kit", {
    kit_context: ({ passphrase }) => (passphrase === null ? { ...FRAME, needsPassphrase: true, kit: null }
      : passphrase === "right" ? { ...FRAME, needsPassphrase: false, kit: KIT } : new Refusal("wrongPassphrase")),
  });
  assert.equal(page.shown("paper"), false);
  await page.type("passphrase", "wrong");
  await page.send();
  assert.match(page.text("error"), /does not open/);
  assert.equal(page.id("passphrase").value, "");
  await page.type("passphrase", "right");
  await page.send();
  assert.equal(page.shown("paper"), true);
  assert.equal(page.id("passphrase").value, "");
  assert.equal(page.text("secret-key"), "AAAAAA BBBBBB CC");
});

test("kit: Done wakes with the check box; the QR code is a picture, not markup", async () => {
  const page = await visit("kit", { kit_context: { ...FRAME, needsPassphrase: false, kit: KIT }, kit_save: "/home/mara/kit.html" });
  assert.match(page.id("qr").src, /^data:image\/svg\+xml;base64,[A-Za-z0-9+/=]+$/);
  assert.equal(page.text("made"), "22 Nov 2026");
  assert.equal(page.id("done").disabled, true);
  await page.click("save");
  assert.equal(page.text("outcome"), "Saved as /home/mara/kit.html");
  await page.click("kit-stored");
  assert.equal(page.id("done").disabled, false);
  await page.click("done");
  assert.equal(page.called("kit_done").length, 1);
});

test("kit: leaving right after creating is asked about once", async () => {
  const page = await visit("kit", { kit_context: { ...FRAME, needsPassphrase: false, kit: KIT } });
  await page.press("Escape");
  assert.match(page.text("outcome"), /Not put away yet/);
  assert.equal(page.called("secure_close").length, 0);
  await page.press("Escape");
  assert.equal(page.called("secure_close").length, 1);
  assert.equal(page.text("secret-key"), "");
  assert.equal(page.id("qr").hasAttribute("src"), false);
});

test("kit: the Secret Key is shown in groups", () => {
  assert.deepEqual(groups("ABC-DEF"), ["ABC", "DEF"]);
  assert.deepEqual(groups("ABCDEFGHI"), ["ABCDEF", "GHI"]);
});

test("reveal: shows one value and goes when its time is over, wiped", async () => {
  const page = await visit("reveal", { reveal_context: REVEAL });
  assert.equal(page.id("value").textContent, "sk_live_example\n");
  assert.equal(page.text("version"), "Version 7, by Mara Lind, 10 s ago");
  assert.equal(page.text("shape"), "16 characters, 2 lines, ends with a line break");
  assert.equal(page.text("left"), "15 s");
  await page.wait(14_000);
  assert.equal(page.called("secure_close").length, 0);
  await page.wait(1_100);
  assert.equal(page.called("secure_close").length, 1);
  assert.equal(page.id("value").textContent, "");
});

test("reveal: a reader that comes to the value gets 15 s more, once", async () => {
  const page = await visit("reveal", { reveal_context: REVEAL });
  assert.equal(page.document.activeElement.id, "cancel");
  page.id("value").focus();
  page.id("value").blur();
  page.id("value").focus();
  assert.equal(page.text("left"), "30 s");
  assert.equal(page.shown("more"), false);
  await page.wait(30_100);
  assert.equal(page.called("secure_close").length, 1);
});

test("reveal: closes on Esc, and when the window loses the focus", async () => {
  const page = await visit("reveal", { reveal_context: REVEAL });
  await page.press("Escape");
  assert.equal(page.called("secure_close").length, 1);
  const other = await visit("reveal", { reveal_context: REVEAL });
  other.window.dispatchEvent(new other.window.Event("blur"));
  await other.settle();
  assert.equal(other.called("secure_close").length, 1);
});

test("reveal: C and Ctrl C copy through Rust, never through the page", async () => {
  const page = await visit("reveal", { reveal_context: REVEAL, reveal_copy: { name: "STRIPE_KEY", clearsAt: 1_700_000_030_000 } });
  await page.press("c");
  assert.equal(page.called("reveal_copy").length, 1);
  assert.equal(page.text("shape"), "Copied. The clipboard is cleared in 30 s.");
  await page.press("c", { ctrlKey: true });
  assert.equal(page.called("reveal_copy").length, 2);
  const copying = new page.window.Event("copy", { bubbles: true, cancelable: true });
  page.id("value").dispatchEvent(copying);
  assert.equal(copying.defaultPrevented, true);
});

test("edit: an untouched value is sent as unchanged, a typed one as typed", async () => {
  const page = await visit("edit", { edit_context: EDIT });
  assert.equal(page.shown("name"), false);
  assert.equal(page.text("becomes"), "Becomes version 5 after you sign");
  await page.type("note", "rotated by hand");
  await page.press("Enter", { ctrlKey: true });
  assert.deepEqual(page.called("edit_submit")[0].args, { name: "SMTP_PASSWORD", value: null, note: "rotated by hand" });
  assert.equal(page.called("secure_close").length, 1);
  const typed = await visit("edit", { edit_context: EDIT });
  await typed.type("value", "new value");
  assert.equal(typed.text("length"), "9 characters");
  await typed.click("submit");
  assert.equal(typed.called("edit_submit")[0].args.value, "new value");
  assert.equal(typed.id("value").value, "");
});

test("edit: a secret that is staged and not signed yet keeps its staged value while the field stays empty", async () => {
  const page = await visit("edit", { edit_context: { ...EDIT, isNew: true, nextVersion: 1 } });
  await page.type("name", "SMTP_PASS");
  await page.click("submit");
  assert.deepEqual(page.called("edit_submit")[0].args, { name: "SMTP_PASS", value: null, note: "" });
});

test("edit: a new secret needs a name that programs accept, and an empty value is asked about once", async () => {
  const page = await visit("edit", { edit_context: { ...EDIT, isNew: true, name: "", nextVersion: 1 } });
  assert.equal(page.document.activeElement.id, "name");
  await page.type("name", "2fast");
  await page.click("submit");
  assert.equal(page.text("error"), "A name does not begin with a digit.");
  await page.type("name", "smtp_pass");
  await page.click("upper");
  assert.equal(page.id("name").value, "SMTP_PASS");
  await page.click("submit");
  assert.match(page.text("error"), /^The value is empty/);
  assert.equal(page.called("edit_submit").length, 0);
  await page.click("submit");
  assert.deepEqual(page.called("edit_submit")[0].args, { name: "SMTP_PASS", value: "", note: "" });
});

test("edit: a name that exists is said at the name", async () => {
  const page = await visit("edit", { edit_context: { ...EDIT, isNew: true, name: "" }, edit_submit: new Refusal("nameTaken", { name: "SMTP_PASS" }) });
  await page.type("name", "SMTP_PASS");
  await page.type("value", "x");
  await page.click("submit");
  assert.equal(page.text("error"), "SMTP_PASS exists here already. Choose another name.");
  assert.equal(page.document.activeElement.id, "name");
  assert.equal(page.called("secure_close").length, 0);
});

test("edit: Esc asks once about what was typed; any other key takes the question back", async () => {
  const page = await visit("edit", { edit_context: EDIT });
  await page.type("value", "abc");
  await page.press("Escape");
  assert.equal(page.shown("ask"), true);
  assert.equal(page.called("secure_close").length, 0);
  await page.press("d");
  assert.equal(page.shown("ask"), false);
  await page.press("Escape");
  await page.press("Escape");
  assert.equal(page.called("secure_close").length, 1);
  assert.equal(page.id("value").value, "");
  const clean = await visit("edit", { edit_context: EDIT });
  await clean.press("Escape");
  assert.equal(clean.called("secure_close").length, 1);
});

test("edit: the value is masked until it is asked for; Generate makes it in Rust", async () => {
  const page = await visit("edit", { edit_context: EDIT, edit_generate: ({ length }) => "k".repeat(length) });
  assert.ok(page.id("value").classList.contains("masked"));
  await page.click("show");
  assert.ok(!page.id("value").classList.contains("masked"));
  await page.click("generate");
  assert.deepEqual(page.called("edit_generate")[0].args, { length: 32, symbols: true });
  assert.equal(page.text("length"), "32 characters");
  const copying = new page.window.Event("copy", { bubbles: true, cancelable: true });
  page.id("value").dispatchEvent(copying);
  assert.equal(copying.defaultPrevented, true);
});

test("confirm: only the exact name arms the button, and Esc keeps", async () => {
  const page = await visit("confirm", { confirm_context: CONFIRM });
  assert.equal(page.document.activeElement.id, "typed");
  for (const near of ["", "stagin", "Staging", "staging "]) {
    await page.type("typed", near);
    assert.equal(page.id("submit").disabled, true, near);
    await page.send();
  }
  assert.equal(page.called("confirm_submit").length, 0);
  await page.type("typed", "staging");
  assert.equal(page.id("submit").disabled, false);
  await page.press("Escape");
  assert.equal(page.called("confirm_submit").length, 0);
  assert.equal(page.called("secure_close").length, 1);
  const sure = await visit("confirm", { confirm_context: CONFIRM });
  await sure.type("typed", "staging");
  await sure.send();
  assert.deepEqual(sure.called("confirm_submit")[0].args, { typed: "staging" });
});

test("times are short and plain", () => {
  const now = Date.UTC(2026, 10, 22, 12);
  assert.equal(ago(now - 8_000, now), "8 s ago");
  assert.equal(ago(now - 2 * 86_400_000, now), "2 d ago");
  assert.equal(ago(Date.UTC(2025, 10, 22, 12), now), "22 Nov 2025");
});
