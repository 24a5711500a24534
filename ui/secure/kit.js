// Emergency Kit: the one page with the Secret Key in clear, made to be printed and put away.
import { byId, close, complain, day, invoke, open, picture, say, sentence, watchCaps, work } from "./frame.js";
import { groups } from "./groups.js";

const passphrase = byId("passphrase");
const stored = byId("kit-stored");
let firstTime = false;
let warned = false;

open({
  command: "kit_context",
  args: { passphrase: null },
  show({ needsPassphrase, kit }) {
    firstTime = !needsPassphrase;
    if (kit) return showKit(kit);
    byId("work").hidden = false;
    passphrase.focus();
  },
  leave,
});

watchCaps(passphrase, byId("caps"));
byId("work").addEventListener("submit", submit);
stored.addEventListener("change", () => { byId("done").disabled = !stored.checked; });
byId("print").addEventListener("click", () => act("kit_print", () => "Sent to the print dialog."));
byId("save").addEventListener("click", () => act("kit_save", (path) => (path ? `Saved as ${path}` : "")));
byId("done").addEventListener("click", () => act("kit_done", () => ""));

async function submit(event) {
  event.preventDefault();
  if (!passphrase.value) return complain("Type your passphrase.", passphrase);
  complain("");
  work(true, "Opening the kit");
  try {
    const { kit } = await invoke("kit_context", { passphrase: passphrase.value });
    work(false);
    if (kit) showKit(kit);
  } catch (error) {
    work(false);
    complain(sentence(error), passphrase);
  } finally {
    passphrase.value = "";
  }
}

function showKit(kit) {
  byId("work").hidden = true;
  byId("label").textContent = kit.label;
  byId("made").textContent = day(kit.madeAt, null);
  byId("person").textContent = kit.person;
  byId("user-id").textContent = kit.userId;
  byId("organisation").textContent = kit.organisation;
  byId("org-id").textContent = kit.orgId;
  byId("head-code").textContent = kit.headCode;
  byId("link").textContent = byId("link-again").textContent = String(kit.link);
  byId("server").textContent = kit.server;
  byId("qr").src = picture(kit.qrSvg);
  for (const group of groups(kit.secretKey)) {
    const part = document.createElement("span");
    part.textContent = group;
    byId("secret-key").append(part, " ");
  }
  byId("body").classList.add("desk");
  byId("body").tabIndex = 0;
  byId("paper").hidden = false;
  byId("foot").hidden = false;
  byId("print").focus();
}

async function act(command, done) {
  try {
    outcome(done(await invoke(command)), false);
  } catch (error) {
    if (error.code !== "cancelled") outcome(sentence(error), true);
  }
}

function outcome(text, failed) {
  byId("outcome").textContent = text;
  byId("outcome").title = text;
  byId("outcome").classList.toggle("weak", failed);
  say(text);
}

/** Right after creating, leaving without a kit is asked about once. Later the kit can simply be opened again. */
function leave() {
  if (firstTime && !stored.checked && !warned && !byId("paper").hidden) {
    warned = true;
    return outcome("Not put away yet. Esc again closes; Settings shows the kit again.", true);
  }
  close();
}
