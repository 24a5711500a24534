import { clockTime } from "../shared/words";
import { VaultError } from "./vault";
import type { CommandError } from "./vault";

/** The one place where an error code becomes a sentence: what happened, then what to do. */
export function explain(error: CommandError): string {
  switch (error.code) {
    case "locked":
      return "The vault is locked. Unlock it to continue.";
    case "wrongPassphrase":
      return "That passphrase does not open this vault. Try again.";
    case "keyringMissing":
      return "This system offers no keyring. Choose another way to keep the Secret Key.";
    case "keyringBusy":
      return "The system's keyring is locked. Unlock it and try again.";
    case "secretKeyNeeded":
      return "This computer does not hold the Secret Key. Type it from your Emergency Kit.";
    case "offline":
      return error.since === null
        ? "No connection to the server. Nothing was changed. Try again when you are back."
        : `No connection to the server since ${clockTime(error.since)}. Nothing was changed. Try again when you are back.`;
    case "refused":
      return `The server refused this (status ${error.status}, “${quoted(error.server)}”). Nothing was changed.`;
    case "garbage":
      return "The server answered something that is not the protocol. Nothing of it was used.";
    case "stopped":
      return "The server showed a history that contradicts what this computer saw. Nothing can be written.";
    case "badName":
      return `That name cannot be used: ${error.reason}.`;
    case "nameTaken":
      return `“${quoted(error.name)}” exists already. Choose another name.`;
    case "tooLarge":
      return `That is too large. The limit is ${bytes(error.limit)}.`;
    case "fileUnreadable":
      return "This file cannot be read. Check that it exists and that you may open it.";
    case "diskFull":
      return "The disk is full. Nothing was changed. Free some space and try again.";
    case "cacheCorrupt":
      return "The copy on this computer was damaged, so it was set aside. Sync to fetch it again.";
    case "cancelled":
      return "Cancelled. Nothing was changed.";
    case "notAllowed":
      return "Your role does not allow this. Ask an admin of the organisation.";
    case "notFound":
      return "This leads to nothing you can open.";
    case "notAnEnvFile":
      return "This file holds no lines of the form NAME=value.";
    case "internal":
      return `Something went wrong inside Strongroom. Nothing is known to be lost. Report ${error.reportId}.`;
    default:
      return error satisfies never;
  }
}

/** The sentence for anything that a command may throw. */
export function explainThrown(thrown: unknown): string {
  if (thrown instanceof VaultError) return explain(thrown.detail);
  return explain({ code: "internal", reportId: "window" });
}

/** Text from a server or a file is cut, so that it cannot fill the window. */
function quoted(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

function bytes(count: number): string {
  return count >= 1024 ? `${Math.floor(count / 1024)} KiB` : `${count} bytes`;
}
