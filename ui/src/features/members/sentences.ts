import type { InviteRow, MemberRow, OffboardState, PendingRow } from "../../ipc/vault";
import { ago, plural } from "../../shared/words";

/** What the column of keys says of a person. */
export function holds(row: MemberRow): string {
  return row.role === "reviewer" ? "names and log only" : row.environments === 0 ? "none yet" : plural(row.environments, "environment");
}

export function seen(row: MemberRow, now: number): string {
  if (row.person.you) return "now";
  return row.lastSeen === null ? "not known" : ago(row.lastSeen, now);
}

/** Who waits for what: "Kit Marlow has accepted and waits for access." */
export function waits(row: PendingRow): string {
  switch (row.kind) {
    case "join":
      return `${row.subject} has accepted and waits for access.`;
    case "reset":
      return `${row.subject} asks for new keys.`;
    case "keys":
      return `${row.subject} waits for data keys.`;
    case "confirm":
      return `${row.subject} has to be confirmed.`;
  }
}

export const inviteStates: Record<InviteRow["state"], { text: string; tone: string }> = {
  open: { text: "Open", tone: "accent" },
  asked: { text: "Asked to join", tone: "warn" },
  used: { text: "Used", tone: "" },
  ended: { text: "Ended", tone: "" },
};

export const offboardStates: Record<OffboardState, { text: string; tone: string }> = {
  running: { text: "Replacing data keys", tone: "accent" },
  queue: { text: "To rotate at the source", tone: "warn" },
  done: { text: "Finished", tone: "ok" },
};

/** Letters of a name, whatever their case. */
export function finds(query: string, ...texts: string[]): boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const all = texts.join(" ").toLowerCase();
  return words.every((word) => all.includes(word));
}
