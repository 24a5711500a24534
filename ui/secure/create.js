// Create: the passphrase of a new vault, and, where the system has no keyring, a deliberate place for the Secret Key.
import { byId, complain, invoke, open, sentence, work } from "./frame.js";
import { guidePassphrase, isChosen, offerPlaces, offerPlacesAfter, placeOfKey } from "./choose.js";

const passphrase = byId("passphrase");
const again = byId("again");

open({
  command: "create_context",
  show({ label, organisation, person, server, keyring, words }) {
    byId("vault").textContent = label;
    byId("tile").textContent = [...person.trim()][0]?.toLocaleUpperCase("en") ?? "";
    byId("owner").textContent = `${person}, ${organisation}`;
    byId("server").textContent = server ?? "";
    byId("place").hidden = !server;
    offerPlaces(keyring);
    byId("words-note").dataset.rest = words ? "" : "off";
    byId("words-note").hidden = !words;
    passphrase.focus();
  },
});

guidePassphrase(passphrase, again);
byId("work").addEventListener("submit", submit);

async function submit(event) {
  event.preventDefault();
  if (!isChosen(passphrase, again)) return;
  const keep = placeOfKey();
  if (!keep) return;
  complain("");
  work(true, "Creating the vault");
  try {
    await invoke("create_submit", { passphrase: passphrase.value, keep });
    passphrase.value = again.value = "";
  } catch (error) {
    work(false);
    offerPlacesAfter(error);
    complain(sentence(error), passphrase);
  }
}
