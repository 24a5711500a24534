// Sign: Rust's own summary of the very links, and the one button that signs them.
import { CALM, byId, complain, countdown, dress, icon, invoke, open, say, sentence, until, work } from "./frame.js";

/** Icon and spoken word for each kind of line: a state is never told by colour alone. */
const KINDS = {
  gain: ["plus", "Gains"],
  lose: ["minus", "Loses"],
  link: ["link", "Link"],
  rotate: ["turn", "Data key"],
  warn: ["alert", "Look twice"],
};
const typed = byId("typed");
const check = byId("check");
let asked = null;
/** The window has stood long enough for a click to be meant for it. */
let calm = false;
let signing = false;
let clock = null;

open({ command: "sign_context", show });

typed.addEventListener("input", arm);
check.addEventListener("change", arm);
byId("work").addEventListener("submit", submit);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || !(event.ctrlKey || event.metaKey)) return;
  if (event.repeat) return event.preventDefault();
  submit(event);
});

function show(context) {
  asked = context;
  byId("title").textContent = context.title;
  byId("who").textContent = `${context.person} signs ${context.links === 1 ? "1 link" : `${context.links} links`}`;
  byId("lines").replaceChildren(...context.lines.map(line));
  byId("typed-part").hidden = context.typed === null;
  byId("wanted").textContent = context.typed ?? "";
  byId("check-part").hidden = context.check === null;
  byId("check-text").textContent = context.check ?? "";
  byId("action").textContent = context.action;
  byId("submit").classList.toggle("danger", context.typed !== null);
  byId("submit").classList.toggle("primary", context.typed === null);
  typed.value = "";
  check.checked = false;
  settle();
  (context.typed !== null ? typed : byId("lines")).focus();
}

function line({ kind, text, detail, until: end }) {
  const [picture, word] = KINDS[kind] ?? KINDS.link;
  const item = document.createElement("li");
  item.className = `line ${kind}`;
  const spoken = document.createElement("span");
  spoken.className = "sr";
  spoken.textContent = `${word}: `;
  const words = document.createElement("p");
  words.append(spoken, text);
  for (const said of [detail, end === null ? null : `ends ${until(end)}`]) {
    if (!said) continue;
    const more = document.createElement("span");
    more.className = "detail";
    more.textContent = said;
    words.append(" ", more);
  }
  item.append(icon(picture), words);
  return item;
}

/** Starts the moment in which nothing is signed. */
function settle() {
  calm = false;
  clock?.stop();
  clock = countdown(CALM, { tick() {}, end() { calm = true; arm(); } });
  arm();
}

function armed() {
  if (!asked || !calm || signing) return false;
  return (asked.typed === null || typed.value === asked.typed) && (asked.check === null || check.checked);
}

function arm() {
  byId("submit").disabled = !armed();
}

async function submit(event) {
  event.preventDefault();
  if (!armed()) return;
  complain("");
  signing = true;
  work(true, "Signing");
  try {
    await invoke("sign_submit", { typed: asked.typed === null ? null : typed.value, checked: check.checked });
    say(asked.done);
  } catch (error) {
    const before = asked && summary(asked);
    asked = null;
    await lookAgain(before);
    signing = false;
    work(false);
    arm();
    complain(sentence(error), asked?.typed ? typed : undefined);
  }
}

/** Links that were not signed are planned anew. If they say something else now, that has to be agreed to again. */
async function lookAgain(before) {
  try {
    const context = await invoke("sign_context");
    dress(context);
    if (summary(context) === before) asked = context;
    else show(context);
  } catch {
    // Without a summary nothing can be signed; the error that led here is shown.
  }
}

function summary({ title, lines, typed: word, check: box, links }) {
  return JSON.stringify([title, lines, word, box, links]);
}
