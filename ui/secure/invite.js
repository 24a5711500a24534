// Invitation: the code as text, as a picture and as a file, for a person to hand over.
import { byId, open, picture, until } from "./frame.js";
import { copied, copyByKey, deed, saved } from "./handover.js";

open({
  command: "invite_context",
  show(context) {
    byId("label").textContent = context.label || "one person";
    byId("code").textContent = context.code;
    byId("qr").src = picture(context.qrSvg);
    byId("role").textContent = context.role;
    byId("grants").textContent = context.grants.join(", ") || "no environment yet";
    byId("expires").textContent = until(context.expires);
    byId("server").textContent = context.server;
    byId("fingerprint").textContent = context.fingerprint;
    byId("copy").focus();
  },
});

byId("copy").addEventListener("click", copy);
byId("save").addEventListener("click", () => deed("invite_save", saved));
copyByKey(copy);

function copy() {
  return deed("invite_copy", copied);
}
