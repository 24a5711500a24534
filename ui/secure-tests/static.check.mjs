// What must hold of the text of the secure pages. Run: node --test secure-tests/*.check.mjs
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import test from "node:test";
import { PAGES, files, read } from "./pages.mjs";

const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src ipc: http://ipc.localhost; base-uri 'none'; form-action 'none'";
const IDS = {
  unlock: ["passphrase", "secret-key", "submit", "cancel", "error", "words", "close", "other"],
  create: ["passphrase", "again", "submit", "cancel", "error", "words", "close", "keep-ask", "keep-file", "show"],
  kit: ["passphrase", "submit", "cancel", "error", "words", "close", "kit-stored", "print", "save", "done", "secret-key"],
  reveal: ["value", "copy", "close", "cancel", "error", "words", "left", "more"],
  edit: ["name", "value", "note", "submit", "cancel", "error", "words", "close", "generate", "show"],
  confirm: ["typed", "submit", "cancel", "error", "words", "close"],
  sign: ["title", "who", "lines", "typed", "check", "submit", "cancel", "error", "words", "close"],
  invite: ["code", "qr", "copy", "save", "cancel", "error", "words", "close", "server", "fingerprint"],
  take: ["code", "submit", "cancel", "error", "words", "close"],
  join: ["code", "file", "back", "server", "organisation", "inviter", "name", "label", "passphrase", "again", "reset", "account", "submit", "cancel", "error", "words", "close", "keep-ask", "keep-file"],
  restore: ["kit", "server", "account", "organisation", "head", "secret-key", "passphrase", "label", "submit", "cancel", "error", "words", "close", "keep-ask", "keep-file"],
  words: ["six", "fingerprint", "match", "different", "cancel", "error", "words", "close"],
  approve: ["agent", "sentence", "call", "host", "uses", "place", "process", "responsible", "rule", "reason", "alike", "minutes", "count", "pattern", "why", "once", "task", "deny", "left", "bar", "previous", "next", "error", "words", "close"],
  faketoken: ["agent", "provider", "faketoken", "variables", "copy", "copy-variables", "stored", "done", "error", "words", "close"],
  operator: ["operator", "cancel", "error", "words", "close"],
  token: ["token", "copy", "copy-ci", "save", "stored", "done", "error", "words", "close"],
};
const scripts = files().filter((name) => name.endsWith(".js"));
const all = (text, pattern) => [...text.matchAll(pattern)].map((match) => match[1]);

test("the folder holds static pages, one style sheet and plain scripts, nothing else", () => {
  assert.deepEqual(files().filter((name) => !/^[a-z]+\.(html|js)$/.test(name)), ["secure.css"]);
  assert.deepEqual(files().filter((name) => name.endsWith(".html")), PAGES.map((page) => `${page}.html`).sort());
});

for (const page of PAGES) {
  const html = read(`${page}.html`);

  test(`${page}: the strict policy comes before anything that loads`, () => {
    assert.equal(all(html, /http-equiv="Content-Security-Policy" content="([^"]*)"/g).join(), POLICY);
    assert.ok(html.indexOf("Content-Security-Policy") < html.search(/<(link|script)/));
  });

  test(`${page}: no inline script, style or handler, and nothing from elsewhere`, () => {
    assert.doesNotMatch(html, /<script(?![^>]*\ssrc="[a-z]+\.js"><\/script>)/);
    assert.doesNotMatch(html, /<style|\sstyle=|\son[a-z]+=|javascript:|<iframe|<object|<base|<a\s/i);
    assert.deepEqual(all(html, /\s(?:src|href)="([^"#]+)"/g).sort(), ["secure.css", "tokens.css", `${page}.js`].sort());
    assert.deepEqual(all(html, /(https?:\/\/[^\s;"]+)/g), ["http://ipc.localhost"]);
  });

  test(`${page}: has the ids that tests and scripts rely on, each once`, () => {
    const ids = all(html, /\sid="([^"]+)"/g);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of IDS[page]) assert.ok(ids.includes(id), `#${id}`);
    const source = read(`${page}.js`);
    for (const id of all(source, /byId\("([^"]+)"\)/g)) assert.ok(ids.includes(id), `#${id} of the script`);
    for (const id of all(source, /icon\("([^"]+)"\)/g)) assert.ok(ids.includes(`i-${id}`), `picture #i-${id} of the script`);
    for (const id of ["mark", "words", "close", "status", "work", "failed", "failed-text", "error", "error-text"]) assert.ok(ids.includes(id), `#${id} of the frame`);
    const named = all(html, /\s(?:for|aria-controls|aria-describedby|aria-labelledby)="([^"]+)"/g).flatMap((list) => list.split(" "));
    for (const id of [...named, ...all(html, /<use href="#([^"]+)"/g)]) assert.ok(ids.includes(id), `reference to #${id}`);
  });

  test(`${page}: every field has a label, keeps out of completion and is never sent by a form`, () => {
    for (const [field] of html.matchAll(/<(?:input|textarea)[^>]*>/g)) {
      const id = field.match(/\sid="([^"]+)"/)?.[1];
      const labelled = html.includes(`for="${id}"`) || new RegExp(`<label[^>]*>[^<]*<input[^>]*id="${id}"`).test(html);
      assert.ok(labelled, `label of #${id}`);
      if (/checkbox|number/.test(field)) continue;
      if (/radio/.test(field)) continue;
      assert.match(field, /autocomplete="off"/, id);
      assert.match(field, /spellcheck="false"/, id);
      assert.doesNotMatch(field, /\sname=/, id);
    }
    assert.doesNotMatch(html, /\saction=|\sautofocus/);
  });

  test(`${page}: says in its title that it is a secure window and has a first heading`, () => {
    assert.match(html, /<title>[A-Z][A-Za-z ]+, secure window<\/title>/);
    assert.ok((html.match(/<h1/g) ?? []).length >= 1);
  });
}

test("no script writes markup, evaluates text, stores, logs or reaches a network", () => {
  for (const name of scripts) {
    assert.doesNotMatch(read(name), /innerHTML|outerHTML|insertAdjacent|document\.write|DOMParser|createContextualFragment|\beval\b|new Function|localStorage|sessionStorage|indexedDB|\bfetch\(|XMLHttpRequest|WebSocket|console\.|postMessage|window\.open|location\b/, name);
  }
});

test("the parts of a page share no name, because its test runs them in one scope", () => {
  for (const page of PAGES) {
    const parts = new Set();
    const follow = (name) => {
      if (parts.has(name)) return;
      parts.add(name);
      for (const other of all(read(name), /\bfrom "\.\/([^"]+)"/g)) follow(other);
    };
    follow(`${page}.js`);
    const names = [...parts].flatMap((name) => all(read(name), /^(?:export )?(?:async )?(?:const|let|function) ([A-Za-z_]+)/gm));
    assert.deepEqual(names.filter((name, at) => names.indexOf(name) !== at), [], page);
  }
});

test("scripts import only their neighbours", () => {
  for (const name of scripts) {
    for (const from of all(read(name), /\bfrom "([^"]+)"/g)) assert.ok(existsSync(new URL(`../secure/${from}`, import.meta.url)) && /^\.\/[a-z]+\.js$/.test(from), from);
    assert.doesNotMatch(read(name), /import\(/);
  }
});

test("only the frame calls the shell", () => {
  for (const name of scripts.filter((name) => name !== "frame.js")) assert.doesNotMatch(read(name), /__TAURI/, name);
});

test("the style sheet names no colour of its own and only tokens that exist", () => {
  const css = read("secure.css");
  const tokens = readFileSync(new URL("../src/styles/tokens.css", import.meta.url), "utf8");
  assert.doesNotMatch(css, /#[0-9a-f]{3,8}\b|rgb|hsl|oklch|url\(|@import/i);
  for (const token of all(css, /var\((--[a-z0-9-]+)\)/g)) assert.ok(tokens.includes(`${token}:`), token);
});

test("words on the pages: no exclamation marks, no pleading", () => {
  for (const name of [...PAGES.map((page) => `${page}.html`), ...scripts]) {
    const words = name.endsWith(".html") ? read(name).replace(/<[^>]*>/g, " ") : all(read(name), /["`]([A-Z][^"`]*)["`]/g).join(" ");
    assert.doesNotMatch(words, /!|\bplease\b|\bsimply\b|\boops\b|military|bank-level/i, name);
  }
});
