import type { SignedView } from "../ipc/vault";
import { count } from "../shared/words";

const acts: Record<SignedView["what"], string> = {
  access: "Access changed",
  invite: "Invited",
  role: "Role changed",
  remove: "Removed",
  leave: "You left the organisation",
  token: "Issued",
  tokenRevoke: "Revoked",
  reset: "Keys replaced",
  policy: "Policy changed",
  join: "Joined",
  agent: "Agent signed",
  agentEnd: "Agent ended",
  secretPolicy: "Policy of a secret changed",
  auditReset: "New audit log accepted",
  auditRetention: "Old entries retired",
};

/** What a secure window signed, with its links: "Role changed: Teo Varga. Signed link 413". */
export function told({ what, links, firstLink, lastLink, subject }: SignedView): string {
  const act = subject ? `${acts[what]}: ${subject}` : acts[what];
  if (links < 1) return `${act}.`;
  return `${act}. Signed link ${links === 1 ? count(lastLink) : `${count(firstLink)} to ${count(lastLink)}`}`;
}
