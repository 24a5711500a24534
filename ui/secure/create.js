// Create: the passphrase of a new vault, and, where the system has no keyring, a deliberate place for the Secret Key.
import { byId, complain, invoke, open, sentence, showWhileTyping, watchCaps, work } from "./frame.js";
import { guidance, SHORTEST } from "./guidance.js";

const passphrase = byId("passphrase");
const again = byId("again");
const WHY = {
  missing: "This system has no keyring, so the Secret Key has no safe place of its own. Choose one.",
  locked: "The system's keyring is locked. Unlock it and open this window again, or choose a place here.",
};

open({
  command: "create_context",
  show({ label, organisation, person, keyring, words }) {
    byId("vault").textContent = label;
    byId("tile").textContent = [...person.trim()][0]?.toLocaleUpperCase("en") ?? "";
    byId("owner").textContent = `${person}, ${organisation}`;
    if (keyring !== "available") {
      byId("keep-why").textContent = WHY[keyring];
      byId("keep").hidden = false;
    }
    byId("words-note").dataset.rest = words ? "" : "off";
    byId("words-note").hidden = !words;
    passphrase.focus();
  },
});

watchCaps(passphrase, byId("caps"));
showWhileTyping(byId("show"), passphrase, again);
passphrase.addEventListener("input", guide);
again.addEventListener("input", compare);
byId("work").addEventListener("submit", submit);

function guide() {
  const { text, tone } = guidance(passphrase.value);
  byId("length").textContent = text;
  byId("length").className = `hint grow ${tone}`;
  compare();
}

/** Speaks up only once the second field is as long as the first: before that, every letter would be an error. */
function compare() {
  const same = again.value === passphrase.value;
  const ready = again.value.length > 0 && again.value.length >= passphrase.value.length;
  byId("same").textContent = !ready ? "" : same ? "The same." : "Not the same as above.";
  byId("same").className = `hint ${ready && same ? "good" : "weak"}`;
}

async function submit(event) {
  event.preventDefault();
  const keep = byId("keep").hidden ? "keyring" : document.querySelector("#keep input:checked")?.value;
  if ([...passphrase.value].length < SHORTEST) return complain(`A passphrase has at least ${SHORTEST} characters.`, passphrase);
  if (again.value !== passphrase.value) return complain("The two passphrases are not the same.", again);
  if (!keep) return complain("Choose where the Secret Key stays.", byId("keep-ask"));
  complain("");
  work(true, "Creating the vault");
  try {
    await invoke("create_submit", { passphrase: passphrase.value, keep });
    passphrase.value = again.value = "";
  } catch (error) {
    work(false);
    if (error.code === "keyringMissing" || error.code === "keyringBusy") {
      byId("keep-why").textContent = WHY[error.code === "keyringBusy" ? "locked" : "missing"];
      byId("keep").hidden = false;
    }
    complain(sentence(error), passphrase);
  }
}
