import { clockTime, counted } from "../shared/words";
import { VaultError } from "./vault";
import type { CommandError } from "./vault";

const badCodes: Record<Extract<CommandError, { code: "badCode" }>["problem"], string> = {
  mistyped: "That code has a letter wrong, or it is no such code. Check it against the original.",
  used: "Somebody has used this code already. If it was not you, tell whoever gave it to you.",
  expired: "The time of this code is over. Ask for a new one.",
  foreign: "This code belongs to another organisation.",
  unknown: "The server does not know this code. Ask whoever gave it to you.",
};

const signIns: Record<Extract<CommandError, { code: "signIn" }>["problem"], string> = {
  unsafe: "The sign-in address of this server is not safe to open. Tell whoever runs the server.",
  provider: "The sign-in service does not answer as it should. Try again, or tell whoever runs the server.",
  denied: "The sign-in was refused. Nothing was changed.",
  timedOut: "Nobody came back from the browser in time. Try again.",
  noBrowser: "No browser could be opened on this computer.",
};

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
    case "signIn":
      return signIns[error.problem];
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
    case "badAddress":
      return error.insecure ? "A server on another computer is reached by https only. Check the address." : "That is not the address of a server. It looks like https://vault.example.org.";
    case "wrongAddress":
      return `That server calls itself “${quoted(error.other)}”. Use the address it gives, or ask whoever runs it.`;
    case "registrationClosed":
      return "This server takes no new account like this. Ask whoever runs it for a founder code, or your team for an invite code.";
    case "browserFailed":
      return "The browser did not come back with a sign-in. Nothing was changed. Try again.";
    case "badCode":
      return badCodes[error.problem];
    case "alreadyHere":
      return "This computer has that vault already. Choose it on the locked screen.";
    case "summaryChanged":
      return "What would be signed has changed meanwhile. Read it again before you sign.";
    case "lastOwner":
      return "The organisation needs an owner. Make somebody else an owner first.";
    case "policyForbids":
      return "The organisation's policy forbids this: keys go only to people whose own key was checked. Compare words first.";
    case "keyDue":
      return "The data key of this environment must be replaced before anything else is signed in it.";
    case "removed":
      return "You are no member of this organisation any more. What was synced before stays on this computer.";
    case "unreadable":
      return `${counted(error.count)} ${error.count === 1 ? "secret does" : "secrets do"} not open under this data key, so the key was not replaced. Nothing was signed. Write ${error.count === 1 ? "it" : "them"} anew, then try again.`;
    case "notReady":
      return `Something else comes first: ${quoted(error.missing).replace(/\.$/, "")}.`;
    case "badPolicy":
      return `This policy cannot be used. ${quoted(error.place)}: ${quoted(error.problem).replace(/\.$/, "")}.`;
    case "noBroker":
      return `The broker cannot be reached: ${quoted(error.why).replace(/\.$/, "")}.`;
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
