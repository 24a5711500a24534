// New service token: the only time at which it can be seen. Close wakes when somebody says it is stored.
import { byId, close, open, until } from "./frame.js";
import { copied, copyByKey, deed, saved, tell } from "./handover.js";

const stored = byId("stored");
let warned = false;

open({
  command: "token_context",
  show(context) {
    byId("name").textContent = context.name;
    byId("token").textContent = context.token;
    byId("reads").textContent = context.reads.join(", ");
    byId("ends").textContent = context.ends === null ? "never by itself" : until(context.ends);
    byId("signed").textContent = `link ${context.link} by ${context.by}`;
    byId("copy").focus();
  },
  leave,
});

byId("copy").addEventListener("click", copy);
byId("copy-ci").addEventListener("click", () => deed("token_copy_ci", copied));
byId("save").addEventListener("click", () => deed("token_save", saved));
byId("done").addEventListener("click", close);
stored.addEventListener("change", () => { byId("done").disabled = !stored.checked; });
copyByKey(copy);

function copy() {
  return deed("token_copy", copied);
}

/** Leaving without having stored it is asked about once: nothing brings it back. */
function leave() {
  if (stored.checked || warned || !byId("token").textContent) return close();
  warned = true;
  return tell("Not stored yet. Esc again closes it for good.", "weak");
}
