import type { AccessExplain, AccessStaged } from "../../ipc/vault";
import { rightsWords } from "../../shared/people";
import { count, date, plural } from "../../shared/words";

/** "2 gain access, 1 loses access. 6 data keys will be replaced." Only the parts that are there. */
export function effect({ gains, loses, keysReplaced }: AccessStaged): string {
  const sides = [gains > 0 ? `${count(gains)} ${gains === 1 ? "gains" : "gain"}` : "", loses > 0 ? `${count(loses)} ${loses === 1 ? "loses" : "lose"}` : ""].filter((one) => one !== "");
  const who = sides.length > 0 ? `${sides.join(", ")} access. ` : "";
  return `${who}${keysReplaced > 0 ? `${plural(keysReplaced, "data key")} will be replaced.` : "No data key changes."}`;
}

/** What the cell of a principal holds, in words. */
export function holds({ state, epoch, holdsSince }: AccessExplain, now: number): string {
  switch (state) {
    case "key":
      return `yes${epoch === null ? "" : `, epoch ${count(epoch)}`}${holdsSince === null ? "" : `, since ${date(holdsSince, now)}`}`;
    case "waits":
      return "not yet: nobody wrapped it";
    case "use":
      return "no, through the broker only";
    case "never":
      return "never: reviewers hold no keys";
    default:
      return "no";
  }
}

export function roleWords({ role, principal, state }: AccessExplain): string {
  if (role === null) return principal.kind;
  if (role === "reviewer") return "reviewer, reads the audit log";
  if (role === "member") return "member, manages nothing";
  return `${role}, ${state === "key" ? "manages access" : "may manage here"}`;
}

export function rightsLine({ rights, state }: AccessExplain): string {
  return state === "use" ? "use, never read" : rightsWords(rights);
}
