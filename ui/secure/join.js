// Join: first where the code leads, checked against the code; only then who joins.
import { byId, complain, invoke, open, say, sentence, until, work } from "./frame.js";
import { guidePassphrase, isChosen, offerPlaces, offerPlacesAfter, placeOfKey } from "./choose.js";

const code = byId("code");
const name = byId("name");
const label = byId("label");
const account = byId("account");
const passphrase = byId("passphrase");
const again = byId("again");
const reset = byId("reset");
/** The code was looked at and the person's part is shown. */
let seen = false;

open({
  command: "join_context",
  show({ keyring }) {
    offerPlaces(keyring);
    code.focus();
  },
});

guidePassphrase(passphrase, again);
code.addEventListener("input", read);
byId("file").addEventListener("click", () => look("join_file", {}));
byId("back").addEventListener("click", askAgain);
byId("work").addEventListener("submit", submit);
code.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
});
reset.addEventListener("change", () => {
  byId("account-part").hidden = !reset.checked;
  byId("name-part").hidden = reset.checked;
});

/** Says where a whole code leads before anything is sent; half a code is no error yet. */
async function read() {
  const typed = code.value;
  complain("");
  let said = "The code comes from the person who invites you.";
  if (typed.trim()) {
    try {
      const { server, organisationWords } = await invoke("join_read", { code: typed });
      said = `Leads to ${server}, organisation ${organisationWords}. Nothing was sent yet.`;
    } catch {
      said = "Not a whole code yet.";
    }
  }
  if (code.value === typed) byId("leads").textContent = said;
}

function submit(event) {
  event.preventDefault();
  if (byId("submit").disabled) return undefined;
  if (seen) return join();
  if (!code.value.trim()) return complain("Paste the code, or open the file.", code);
  return look("join_look", { code: code.value });
}

/** Rust asks the server for the history and checks it. The code stays there; the page lets go of it. */
async function look(command, args) {
  complain("");
  work(true, "Asking the server and checking its history");
  try {
    const place = await invoke(command, args);
    work(false);
    if (place) show(place);
  } catch (error) {
    work(false);
    complain(worded(error), code);
  }
}

/** Here a stop is about the code: no other window knows more. */
function worded(error) {
  return error.code === "stopped" ? "The history that this server shows is not the one that this code vouches for. Nothing about you was sent." : sentence(error);
}

function show(place) {
  seen = true;
  code.value = "";
  byId("server").textContent = place.server;
  byId("organisation").textContent = place.organisationWords;
  byId("inviter").textContent = place.inviterFingerprint;
  byId("role").textContent = place.role;
  byId("expires").textContent = until(place.expires);
  byId("history").textContent = `checked up to link ${place.link}`;
  byId("known").hidden = !place.known;
  if (!label.value) label.value = host(place.server);
  turn();
  byId("person-title").focus();
  say(`The code leads to ${place.server}. Nothing about you was sent yet.`);
}

function askAgain() {
  seen = false;
  complain("");
  turn();
  code.focus();
}

/** Shows the step that is due. */
function turn() {
  byId("step-code").hidden = seen;
  byId("step-person").hidden = byId("back").hidden = !seen;
  byId("action").textContent = seen ? "Join" : "Check the code";
}

async function join() {
  if (!reset.checked && !name.value.trim()) return complain("Type your name.", name);
  if (!label.value.trim()) return complain("Type a name for the vault.", label);
  if (reset.checked && !account.value.trim()) return complain("Type the account that a manager told you.", account);
  if (!isChosen(passphrase, again)) return undefined;
  const keep = placeOfKey();
  if (!keep) return undefined;
  complain("");
  work(true, "Making your keys and asking to join");
  try {
    await invoke("join_submit", {
      name: name.value.trim(),
      label: label.value.trim(),
      passphrase: passphrase.value,
      keep,
      reset: reset.checked,
      account: reset.checked ? account.value.trim() : null,
    });
    passphrase.value = again.value = "";
  } catch (error) {
    work(false);
    offerPlacesAfter(error);
    complain(worded(error), passphrase);
  }
  return undefined;
}

/** The name of a server in its address. */
function host(address) {
  return address.replace(/^[a-z]+:\/\//, "").replace(/[:/].*$/, "");
}
