// Compare words: two people on the telephone, six words made of both their keys.
import { CALM, byId, complain, countdown, invoke, open, say, sentence } from "./frame.js";

const CHANGED = "The other person's key changed while you compared. Close this window, then compare the new words.";

open({
  command: "words_context",
  show({ name, six, fingerprint }) {
    for (const id of ["name", "name-again", "name-differs"]) byId(id).textContent = name;
    byId("six").replaceChildren(...six.map(word));
    byId("fingerprint").textContent = fingerprint;
    byId("six").focus();
    countdown(CALM, { tick() {}, end: () => pause(false) });
  },
});

byId("match").addEventListener("click", () => answer(true));
byId("different").addEventListener("click", () => answer(false));

function word(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}

function pause(on) {
  byId("match").disabled = byId("different").disabled = on;
}

async function answer(same) {
  complain("");
  pause(true);
  try {
    await invoke("words_submit", { same });
    if (!same) explain();
  } catch (error) {
    pause(error.code === "summaryChanged");
    complain(error.code === "summaryChanged" ? CHANGED : sentence(error));
  }
}

/** They differ: what that means, and what to do. Nothing here can be undone by a click too many. */
function explain() {
  byId("compare").hidden = byId("answers").hidden = true;
  byId("differ").hidden = byId("after").hidden = false;
  byId("differ-title").focus();
  say("The words differ. The key stays marked as unverified.");
}
