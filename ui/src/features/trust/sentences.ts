import type { HolderRow, TrustView } from "../../ipc/vault";
import { count, plural } from "../../shared/words";

export type Claim = { id: string; title: string; to: string; text: string; code: string | null; whole: boolean };

/** What this computer checked itself: one claim a line, with its number. What was not checked is not claimed. */
export function claims(view: TrustView, organisation: string): Claim[] {
  const all: Claim[] = [
    { id: "chain", title: "Members and rights", to: `to link ${count(view.link)}`, code: view.headCode, whole: true, text: `Who belongs to ${organisation}, who holds which key, and who may change that: every signature from the first link on.` },
  ];
  const commits = view.commits.filter((one) => one.seq > 0);
  const open = commits.filter((one) => !one.complete).length;
  if (commits.length > 0) {
    all.push({
      id: "commits", title: "Secrets", to: `${plural(commits.length, "environment")}`, code: null, whole: open === 0,
      text: open === 0 ? "Every version was signed by somebody who had the right to write it, and none is missing." : `Every value shown was checked against its signature. Of ${plural(open, "environment")} the older commits are still being fetched.`,
    });
  }
  if (view.audit.size > 0) {
    all.push({
      id: "audit", title: "Audit log", to: `to entry ${count(view.audit.size)}`, code: view.audit.code, whole: view.audit.complete,
      text: view.audit.complete ? "Every entry was read and hashed here: the log only grew, and nothing in it changed." : "The server proved that the log only grew since this computer last saw it. Its entries were not all read here.",
    });
  }
  return all;
}

/** Fewer than two people: when they are gone, so is the environment. */
export function thin(row: HolderRow): boolean {
  return row.people < 2;
}

/** Sixteen characters in groups of four, whatever was typed between them. */
export function grouped(code: string): string {
  return code.toLowerCase().replace(/[^0-9a-z]/g, "").slice(0, 16).replace(/(.{4})(?=.)/g, "$1 ");
}
