// Approve: one request of an agent, and a person's word on it. Closing gives none, and no word means no.
import { CALM, ago, byId, close, complain, countdown, dress, invoke, open, say, sentence } from "./frame.js";

/** How often the page looks whether the request still waits, in milliseconds. */
const LOOK = 1000;
const DEEDS = ["once", "task", "deny"];
/** What is said of a request that waits no more. */
const OVER = {
  "timed-out": ["Nobody answered in time", "So it was denied, and the agent was told. It may ask again."],
  withdrawn: ["The agent gave up waiting", "Nothing was sent."],
  stopped: ["Everything was stopped", "Nothing was sent."],
  answered: ["Somebody answered it already", "From a terminal, or from another window."],
};
const stepped = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
let shown = null;
/** The page says that nobody waits. */
let isOver = false;
/** The card has stood long enough for a key to be meant for it. */
let calm = false;
let answering = false;
let settling = null;
let clock = null;

open({ command: "approve_context", show });

byId("once").addEventListener("click", () => answer("approve_once"));
byId("task").addEventListener("click", allowTask);
byId("deny").addEventListener("click", deny);
byId("next").addEventListener("click", () => turn(true));
byId("previous").addEventListener("click", () => turn(false));
// A window that comes under a hand which was typing elsewhere waits again.
window.addEventListener("focus", settle);
document.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  // Enter is what people press without reading.
  if (event.key === "Enter") return event.preventDefault();
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target?.closest?.("input")) return;
  const deed = { a: () => answer("approve_once"), t: allowTask, d: deny }[event.key.toLowerCase()];
  if (!deed) return;
  event.preventDefault();
  deed();
});
setInterval(look, LOOK);

function show(context) {
  // Whoever stopped everything knows why nothing waits any more.
  if (!context.held && context.how === "stopped") return close();
  if (!context.held) return isOver ? undefined : over(context.how);
  const { held } = context;
  const isNew = held.id !== shown?.held.id;
  shown = context;
  byId("many").hidden = context.of < 2;
  byId("which").textContent = `${context.at} of ${context.of}`;
  if (!isNew) return;
  isOver = false;
  byId("work").hidden = false;
  byId("over").hidden = true;
  byId("agent").textContent = held.agent;
  byId("sentence").replaceChildren(...held.sentence.parts.map(part));
  byId("call").textContent = `${held.method} ${held.path}`;
  byId("host").textContent = held.host;
  byId("uses").textContent = held.uses || "no credential";
  byId("place").textContent = held.place ? `from ${held.place}` : "";
  byId("process").textContent = held.process || "unknown to the system";
  byId("responsible").textContent = held.responsible.name;
  byId("rule").textContent = held.rule;
  byId("reason").textContent = held.detail ? `\u201c${held.detail}\u201d` : "";
  for (const id of ["reason", "reason-name"]) byId(id).hidden = !held.detail;
  byId("alike").textContent = alike(held.alike);
  byId("minutes").value = String(context.minutes);
  byId("count").value = String(context.count);
  byId("pattern").value = context.pattern;
  byId("why").value = "";
  byId("deny-part").hidden = true;
  complain("");
  byId("asks").focus();
  say(`${held.agent} asks: ${byId("sentence").textContent}`);
  settle();
  run(held);
}

/** What came with the request stands in a type of its own, so that it cannot pass for our words. */
function part({ text, strong }) {
  const span = document.createElement("span");
  if (strong) span.className = "mono";
  span.textContent = text;
  return span;
}

function alike({ count, last }) {
  if (count === 0) return "none";
  return last === null ? `${count} allowed` : `${count} allowed, the last ${ago(last)}`;
}

/** Starts the moment in which nothing is answered. */
function settle() {
  calm = false;
  settling?.stop();
  settling = countdown(CALM, { tick() {}, end() { calm = true; arm(); } });
  arm();
}

function arm() {
  for (const id of DEEDS) byId(id).disabled = !calm || answering || !shown?.held;
}

/** The time left as number and bar. */
function run({ askedAt, endsAt }) {
  clock?.stop();
  const whole = Math.max(1, (endsAt - askedAt) / 1000);
  clock = countdown(Math.max(0.1, (endsAt - Date.now()) / 1000), {
    tick(left) {
      const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      const same = byId("left").textContent === text;
      byId("left").textContent = text;
      if (!stepped || !same) byId("bar").style.transform = `scaleX(${Math.min(1, left / whole)})`;
    },
    end: look,
  });
}

/** Whether it still waits, and what else does. */
async function look() {
  if (answering) return;
  try {
    const context = await invoke("approve_context");
    if (!answering) show(context);
  } catch {
    // The next look tells more.
  }
}

async function turn(forward) {
  try {
    show(await invoke("approve_next", { forward }));
  } catch (error) {
    complain(sentence(error));
  }
}

function allowTask() {
  if (!calm || answering) return;
  const minutes = Number(byId("minutes").value);
  const count = Number(byId("count").value);
  const path = byId("pattern").value.trim();
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > 1440) return complain("A task lasts 1 to 1440 minutes.", byId("minutes"));
  if (!Number.isInteger(count) || count < 1 || count > 10000) return complain("A task has 1 to 10000 requests.", byId("count"));
  if (!path.startsWith("/")) return complain("Say for which paths, like /v1/refunds.", byId("pattern"));
  answer("approve_task", { minutes, count, path });
}

/** The first press asks for the reason, the second one denies. */
function deny() {
  if (!calm || answering) return;
  if (byId("deny-part").hidden) {
    byId("deny-part").hidden = false;
    complain("");
    byId("why").focus();
    say("Say why not, then press the button again.");
    return;
  }
  answer("approve_deny", { reason: byId("why").value.trim() });
}

async function answer(command, args = {}) {
  if (!calm || answering || !shown?.held) return;
  answering = true;
  arm();
  complain("");
  try {
    const { what, seconds } = await invoke(command, { id: shown.held.id, ...args });
    if (what === "badTask") return complain("These limits are too wide, or the path does not cover this request.", byId("pattern"));
    if (what === "tooLate") return late(seconds);
    if (what === "unknown") return over("withdrawn");
    await goOn();
  } catch (error) {
    complain(sentence(error));
  } finally {
    answering = false;
    arm();
  }
}

/** The next one that waits, or nothing more to do. */
async function goOn() {
  const context = await invoke("approve_context");
  dress(context);
  if (!context.held) return close();
  return show(context);
}

function late(seconds) {
  over("timed-out");
  byId("over-title").textContent = "Too late";
  byId("over-text").textContent = `It was denied ${seconds} s ago, when its time was over. Your answer changed nothing; the agent may ask again.`;
}

function over(how) {
  clock?.stop();
  shown = null;
  isOver = true;
  arm();
  const [title, text] = OVER[how] ?? OVER.withdrawn;
  byId("work").hidden = true;
  byId("over").hidden = false;
  byId("over-title").textContent = title;
  byId("over-text").textContent = text;
  byId("over-title").focus();
  say(`${title}. ${text}`);
}
