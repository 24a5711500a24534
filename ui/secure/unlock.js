// Unlock: the passphrase crosses one call to Rust and is never kept here.
import { byId, complain, invoke, open, sentence, watchCaps, work } from "./frame.js";

const passphrase = byId("passphrase");
const secretKey = byId("secret-key");
let keyNeeded = false;

open({
  command: "unlock_context",
  show({ label, server, needsSecretKey, sampleHint }) {
    byId("vault").textContent = label;
    byId("tile").textContent = initials(label);
    byId("server").textContent = server;
    if (sampleHint) byId("hint").textContent = "The sample vault opens with the word sample.";
    if (needsSecretKey) requireSecretKey();
    passphrase.focus();
  },
});

watchCaps(passphrase, byId("caps"));
byId("other").addEventListener("click", () => {
  askSecretKey();
  secretKey.focus();
});
byId("work").addEventListener("submit", submit);

function askSecretKey() {
  byId("other-way").hidden = false;
  byId("work").classList.add("compact");
  byId("other").hidden = true;
  byId("other").setAttribute("aria-expanded", "true");
}

function requireSecretKey() {
  keyNeeded = true;
  byId("key-hint").dataset.rest = "";
  byId("key-hint").hidden = false;
  askSecretKey();
}

async function submit(event) {
  event.preventDefault();
  const key = byId("other-way").hidden ? null : secretKey.value.trim() || null;
  if (!passphrase.value) return complain("Type your passphrase.", passphrase);
  if (!key && keyNeeded) return complain("Type the Secret Key from the Emergency Kit.", secretKey);
  complain("");
  work(true, "Unlocking");
  try {
    await invoke("unlock_submit", { passphrase: passphrase.value, secretKey: key });
    passphrase.value = secretKey.value = "";
  } catch (error) {
    work(false);
    refuse(error, key);
  }
}

function refuse(error, key) {
  if (error.code === "secretKeyNeeded") {
    requireSecretKey();
    return complain(sentence(error), secretKey);
  }
  if (error.code === "wrongPassphrase") passphrase.value = "";
  const both = error.code === "wrongPassphrase" && key;
  complain(both ? "That passphrase and Secret Key do not open this vault. Try again." : sentence(error), passphrase);
}

/** At most two letters for the round tile beside the title. */
function initials(label) {
  return label.split(/\s+/).filter(Boolean).slice(0, 2).map((word) => [...word][0].toLocaleUpperCase("en")).join("");
}
