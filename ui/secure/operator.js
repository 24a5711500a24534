// Operator code: what a person types in a terminal to answer an agent. Shown as long as the window is open.
import { byId, open } from "./frame.js";

open({
  command: "operator_context",
  show(context) {
    byId("operator").textContent = context.code;
    byId("cancel").focus();
  },
});
