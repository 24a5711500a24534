// Restore: an Emergency Kit and its passphrase open a vault on a computer that never had it.
import { byId, complain, invoke, open, say, sentence, watchCaps, work } from "./frame.js";
import { offerPlaces, offerPlacesAfter, placeOfKey } from "./choose.js";
import { ONE_COMPUTER, readKit } from "./kittext.js";

const kit = byId("kit");
const server = byId("server");
const account = byId("account");
const organisation = byId("organisation");
const head = byId("head");
const secretKey = byId("secret-key");
const passphrase = byId("passphrase");
const label = byId("label");

/** What some errors mean in this window. */
const OWN = {
  wrongPassphrase: "That passphrase and Secret Key do not open this account. Try again.",
  stopped: "The history that this server shows is not the one that this kit was printed for. Nothing was kept on this computer.",
};

open({
  command: "restore_context",
  show({ server: address, keyring }) {
    if (address) server.value = address;
    offerPlaces(keyring);
    kit.focus();
  },
});

watchCaps(passphrase, byId("caps"));
kit.addEventListener("input", fill);
byId("work").addEventListener("submit", submit);

/** A whole kit in the first field goes into the others, so that its Secret Key is not left standing there. */
function fill() {
  const read = readKit(kit.value);
  complain("");
  if (!read) {
    byId("kit-hint").textContent = kit.value.trim() ? "Not the whole text of a kit yet." : "It fills the fields below. Or type them from the page.";
    return;
  }
  kit.value = "";
  server.value = read.server === ONE_COMPUTER ? "" : read.server;
  account.value = read.account;
  organisation.value = read.organisation;
  head.value = read.head;
  secretKey.value = read.secretKey;
  if (read.server === ONE_COMPUTER) {
    complain("This kit belongs to a vault that was kept on one computer. It opens only where a copy of that vault's data is.", server);
    return;
  }
  if (!label.value) label.value = read.server.replace(/^[a-z]+:\/\//, "").replace(/[:/].*$/, "");
  byId("kit-hint").textContent = "The fields below are filled.";
  say("The fields are filled from the kit.");
  passphrase.focus();
}

async function submit(event) {
  event.preventDefault();
  if (byId("submit").disabled) return;
  for (const [field, what] of [[server, "the server's address"], [account, "the account"], [organisation, "the organisation id"], [secretKey, "the Secret Key"]]) {
    if (!field.value.trim()) return complain(`Type ${what} from the Emergency Kit.`, field);
  }
  if (!passphrase.value) return complain("Type your passphrase.", passphrase);
  if (!label.value.trim()) return complain("Type a name for the vault.", label);
  const keep = placeOfKey();
  if (!keep) return;
  complain("");
  work(true, "Fetching and checking");
  try {
    await invoke("restore_submit", {
      server: server.value.trim(),
      account: account.value.trim(),
      organisation: organisation.value.trim(),
      head: head.value.trim() || null,
      secretKey: secretKey.value.trim(),
      passphrase: passphrase.value,
      label: label.value.trim(),
      keep,
    });
    passphrase.value = secretKey.value = kit.value = "";
  } catch (error) {
    work(false);
    offerPlacesAfter(error);
    if (error.code === "wrongPassphrase") passphrase.value = "";
    complain(OWN[error.code] ?? sentence(error), ["stopped", "badCode"].includes(error.code) ? head : passphrase);
  }
}
