// Confirm: a destructive act is armed by typing its object's name. Esc always keeps.
import { byId, close, complain, invoke, open, sentence, work } from "./frame.js";

const typed = byId("typed");
let wanted = null;

open({
  command: "confirm_context",
  show(context) {
    wanted = context.typed;
    byId("question").textContent = context.title;
    byId("text").textContent = context.text;
    byId("wanted").textContent = wanted;
    byId("action").textContent = context.action;
    arm();
    typed.focus();
  },
});

typed.addEventListener("input", arm);
byId("work").addEventListener("submit", submit);

function armed() {
  return wanted !== null && wanted !== "" && typed.value === wanted;
}

function arm() {
  byId("submit").disabled = !armed();
}

async function submit(event) {
  event.preventDefault();
  if (!armed()) return;
  complain("");
  work(true, byId("action").textContent);
  try {
    await invoke("confirm_submit", { typed: typed.value });
    close();
  } catch (error) {
    work(false);
    arm();
    complain(sentence(error), typed);
  }
}
