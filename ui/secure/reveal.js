// Reveal: one value, for a few seconds. Esc, losing the focus and the end of time all close it.
import { ago, byId, characters, close, complain, countdown, invoke, open, place, say, sentence } from "./frame.js";

const MORE = 15;
const value = byId("value");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
let clock = null;
let hadFocus = false;

open({
  command: "reveal_context",
  show(context) {
    byId("name").textContent = context.name;
    byId("name").title = context.name;
    place(context.path, context.class);
    byId("version").textContent = `Version ${context.version}, by ${context.by}, ${ago(context.at)}`;
    value.textContent = context.value || "The value is empty.";
    value.classList.toggle("empty", !context.value);
    byId("shape").textContent = shape(context.value);
    clock = countdown(context.seconds, { tick, end: close });
    hadFocus = document.hasFocus();
    byId("cancel").focus();
  },
});

byId("copy").addEventListener("click", copy);
byId("more").addEventListener("click", () => {
  pause();
  byId("cancel").focus();
});
value.addEventListener("focus", pause);
window.addEventListener("focus", () => { hadFocus = true; });
window.addEventListener("blur", () => { if (hadFocus && clock) close(); });
document.addEventListener("visibilitychange", () => { if (document.hidden && clock) close(); });
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "c" || event.altKey || event.shiftKey || event.repeat) return;
  event.preventDefault();
  copy();
});

/** Under reduced motion the bar steps with the seconds. */
function tick(left, share) {
  const text = `${left} s`;
  const stepped = byId("left").textContent === text;
  byId("left").textContent = text;
  if (!calm || !stepped) byId("bar").style.transform = `scaleX(${share})`;
}

/** A reader that comes to the value, or a person who asks, gets more time: once. */
function pause() {
  if (!clock || byId("more").hidden) return;
  byId("more").hidden = true;
  clock.add(MORE);
  say(`${MORE} seconds more.`);
}

async function copy() {
  if (!clock) return;
  try {
    const { clearsAt } = await invoke("reveal_copy");
    const seconds = Math.max(0, Math.round((clearsAt - Date.now()) / 1000));
    complain("");
    byId("shape").textContent = `Copied. The clipboard is cleared in ${seconds} s.`;
    byId("shape").classList.add("good");
    say(`Copied ${byId("name").textContent}, clears in ${seconds} seconds`);
  } catch (error) {
    complain(sentence(error));
  }
}

/** What an eye cannot see in a value: how long it is, and white space at its ends. */
function shape(text) {
  const lines = text.split("\n").length;
  const parts = [characters(text)];
  if (lines > 1) parts.push(`${lines} lines`);
  if (/^\s/u.test(text)) parts.push("begins with white space");
  if (/\n$/u.test(text)) parts.push("ends with a line break");
  else if (/\s$/u.test(text)) parts.push("ends with white space");
  return parts.join(", ");
}
