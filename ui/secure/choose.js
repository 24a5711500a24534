// A new passphrase typed twice, and, where the system has no keyring, a deliberate place for the Secret Key.
import { byId, complain, showWhileTyping, watchCaps } from "./frame.js";
import { guidance, SHORTEST } from "./guidance.js";

const NO_KEYRING = {
  missing: "This system has no keyring, so the Secret Key has no safe place of its own. Choose one.",
  locked: "The system's keyring is locked. Unlock it and open this window again, or choose a place here.",
};

/** Guides while a passphrase is typed into `first` and again into `second`. */
export function guidePassphrase(first, second) {
  watchCaps(first, byId("caps"));
  showWhileTyping(byId("show"), first, second);
  first.addEventListener("input", () => {
    const { text, tone } = guidance(first.value);
    byId("length").textContent = text;
    byId("length").className = `hint grow ${tone}`;
    compareBoth(first, second);
  });
  second.addEventListener("input", () => compareBoth(first, second));
}

/** Speaks up only once the second field is as long as the first: before that, every letter would be an error. */
function compareBoth(first, second) {
  const same = second.value === first.value;
  const ready = second.value.length > 0 && second.value.length >= first.value.length;
  byId("same").textContent = !ready ? "" : same ? "The same." : "Not the same as above.";
  byId("same").className = `hint ${ready && same ? "good" : "weak"}`;
}

/** Whether the two fields hold a passphrase; if not, says why. */
export function isChosen(first, second) {
  if ([...first.value].length < SHORTEST) complain(`A passphrase has at least ${SHORTEST} characters.`, first);
  else if (second.value !== first.value) complain("The two passphrases are not the same.", second);
  else return true;
  return false;
}

/** Offers other places if the keyring is not `available`. */
export function offerPlaces(keyring) {
  if (!NO_KEYRING[keyring]) return;
  byId("keep-why").textContent = NO_KEYRING[keyring];
  byId("keep").hidden = false;
}

/** Offers them after an error of the keyring too. */
export function offerPlacesAfter(error) {
  if (error.code === "keyringMissing") offerPlaces("missing");
  if (error.code === "keyringBusy") offerPlaces("locked");
}

/** Where the Secret Key stays: the keyring, or what was chosen; if nothing was, says so and answers `undefined`. */
export function placeOfKey() {
  if (byId("keep").hidden) return "keyring";
  const chosen = document.querySelector("#keep input:checked")?.value;
  if (!chosen) complain("Choose where the Secret Key stays.", byId("keep-ask"));
  return chosen;
}
