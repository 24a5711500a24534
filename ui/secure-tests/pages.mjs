// Reads the secure pages as text, and runs one of them in happy-dom against a stub of the shell's invoke.
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Window } from "happy-dom";

const root = fileURLToPath(new URL("../secure/", import.meta.url));
export const PAGES = ["unlock", "create", "kit", "reveal", "edit", "confirm", "sign", "invite", "take", "join", "restore", "words", "token", "approve", "faketoken", "operator"];
export const FRAME = { words: ["copper", "heron"], theme: "dark" };

export const read = (name) => readFileSync(root + name, "utf8");
export const files = () => readdirSync(root, { recursive: true }).sort();

/** The scripts of a page in the order in which they run, as one body: modules of a page share nothing but their exports. */
function script(name, seen = new Set()) {
  if (seen.has(name)) return "";
  seen.add(name);
  const source = read(name);
  const imports = [...source.matchAll(/^import .* from "\.\/(.+)";$/gm)].map(([, other]) => script(other, seen));
  return imports.join("\n") + source.replace(/^import .*$/gm, "").replace(/^export /gm, "");
}

/**
 * Opens a page. `answers` maps a command to its answer, to a function of its arguments, or to an `Error` whose
 * `error` the command is refused with. Returns the window, what was called, and a few hands to type with.
 */
export async function visit(page, answers = {}) {
  const window = new Window({ url: `http://secure.test/${page}.html`, settings: { disableJavaScriptEvaluation: true, disableCSSFileLoading: true, disableJavaScriptFileLoading: true, handleDisabledFileLoadingAsSuccess: true } });
  const { document } = window;
  document.write(read(`${page}.html`));
  const calls = [];
  window.__TAURI_INTERNALS__ = {
    async invoke(command, args) {
      calls.push({ command, args });
      const answer = typeof answers[command] === "function" ? answers[command](args) : answers[command];
      if (answer instanceof Refusal) throw answer.error;
      return answer ?? null;
    },
  };
  let now = 1_700_000_000_000;
  const timers = new Map();
  const clock = { now: () => now };
  const names = ["window", "document", "Date", "performance", "setInterval", "clearInterval"];
  const FakeDate = class extends Date {
    constructor(...args) { super(...(args.length ? args : [now])); }
    static now() { return now; }
  };
  let lastTimer = 0;
  const setTimer = (run, every) => { timers.set(lastTimer += 1, { run, every }); return lastTimer; };
  const clearTimer = (id) => timers.delete(id);
  document.hasFocus = () => true;
  new Function(...names, script(`${page}.js`))(window, document, FakeDate, clock, setTimer, clearTimer);
  const id = (name) => document.getElementById(name);
  const settle = async () => { for (let i = 0; i < 12; i += 1) await Promise.resolve(); };
  await settle();
  return {
    window, document, calls, id, settle,
    called: (command) => calls.filter((call) => call.command === command),
    text: (name) => id(name).textContent.replace(/\s+/g, " ").trim(),
    shown: (name) => { for (let at = id(name); at; at = at.parentElement) if (at.hidden) return false; return true; },
    async type(name, text) { id(name).value = text; id(name).dispatchEvent(new window.Event("input", { bubbles: true })); await settle(); },
    async press(key, more = {}) { (document.activeElement ?? document.body).dispatchEvent(new window.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more })); await settle(); },
    async click(name) { id(name).click(); await settle(); },
    async send() { id("work").dispatchEvent(new window.Event("submit", { bubbles: true, cancelable: true })); await settle(); },
    async wait(ms) { for (const end = now + ms; now < end;) { now += 100; for (const { run } of [...timers.values()]) run(); } await settle(); },
  };
}

/** What a command rejects with: a `CommandError` of the contract. */
export class Refusal {
  constructor(code, more = {}) { this.error = { code, ...more }; }
}
