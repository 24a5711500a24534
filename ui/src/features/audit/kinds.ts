import type { AuditAnswer, AuditLevel, AuditOutcome, AuditRow } from "../../ipc/vault";
import type { IconName } from "../../shared/icons";

/** How a level of truth is drawn and said. */
export const levelsOfTruth: Record<AuditLevel, { label: string; icon: IconName; tone: string; title: string }> = {
  signed: { label: "Signed", icon: "sign", tone: "c-ok", title: "Signed by the client" },
  seen: { label: "Seen", icon: "server", tone: "c-info", title: "Seen by the server" },
  derived: { label: "Derived", icon: "link", tone: "t3", title: "Derived from the chain" },
  doubtful: { label: "Doubtful", icon: "alert", tone: "c-danger", title: "Claims a signature that does not hold" },
};

export const outcomes: Record<AuditOutcome, string> = { done: "Done", refused: "Refused" };

/** What people ask for first stands first; the rest by how much of it there is. */
const order = ["revealed", "copied", "injected", "brokered", "decrypted", "exported", "envFetched", "refused", "approved", "denied", "commitSigned", "linkSigned", "signedIn"];

export function inOrder(kinds: AuditAnswer["facets"]["kinds"]): AuditAnswer["facets"]["kinds"] {
  const at = (kind: string) => (order.includes(kind) ? order.indexOf(kind) : order.length);
  return [...kinds].sort((one, other) => at(one.kind) - at(other.kind) || other.count - one.count);
}

/** Who acted, and for which agent. */
export function saidBy(row: AuditRow): string {
  const who = row.who?.name ?? "nobody proved who";
  return row.agent ? `${row.agent.name} for ${who}` : who;
}

/** The whole row as a reader hears it. */
export function spoken(row: AuditRow, time: string): string {
  const what = [row.name, row.object].filter(Boolean).join(" ");
  return [time, levelsOfTruth[row.level].title.toLowerCase(), saidBy(row), row.verb, what, row.place].filter(Boolean).join(", ");
}
