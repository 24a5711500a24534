// New fake token: the only time at which it can be seen. Close wakes when somebody says it is stored.
import { byId, close, open } from "./frame.js";
import { copied, copyByKey, deed, tell } from "./handover.js";

const stored = byId("stored");
let warned = false;

open({
  command: "faketoken_context",
  show(context) {
    byId("agent").textContent = context.agent;
    byId("provider").textContent = context.provider;
    byId("faketoken").textContent = context.fake;
    byId("variables").textContent = context.variables;
    byId("replaced").hidden = !context.replaced;
    byId("copy").focus();
  },
  leave,
});

byId("copy").addEventListener("click", copy);
byId("copy-variables").addEventListener("click", () => deed("faketoken_copy_variables", copied));
byId("done").addEventListener("click", close);
stored.addEventListener("change", () => { byId("done").disabled = !stored.checked; });
copyByKey(copy);

function copy() {
  return deed("faketoken_copy", copied);
}

/** Leaving without having stored it is asked about once: nothing brings it back. */
function leave() {
  if (stored.checked || warned || !byId("faketoken").textContent) return close();
  warned = true;
  return tell("Not stored yet. Esc again closes it for good.", "weak");
}
