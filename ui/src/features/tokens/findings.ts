import type { TokenFinding, TokenRow } from "../../ipc/vault";
import type { IconName } from "../../shared/icons";

type Finding = { text: string; icon: IconName; tone: "warn" | "danger"; why: string; act: "replace" | "revoke" };

/** The one chip of a token: what is worst about it, and what to do. */
export function finding(row: TokenRow): Finding | null {
  const has = (one: TokenFinding) => row.findings.includes(one);
  if (has("broad") && has("neverUsed")) return { text: "Broad, never used", icon: "alert", tone: "danger", why: "It may read several environments and was never used.", act: "revoke" };
  if (has("stale")) return { text: "Stale", icon: "history", tone: "warn", why: "It was not used for a long time.", act: "revoke" };
  if (has("neverUsed")) return { text: "Never used", icon: "history", tone: "warn", why: "It was issued and never used.", act: "revoke" };
  if (has("endsSoon")) return { text: "Ends soon", icon: "clock", tone: "warn", why: "Whoever uses it needs another one before it ends.", act: "replace" };
  if (has("broad")) return { text: "Broad", icon: "alert", tone: "warn", why: "It may read more environments than it used.", act: "replace" };
  if (has("neverEnds")) return { text: "Never ends", icon: "alert", tone: "warn", why: "A token without an end stays good in every copy of it.", act: "replace" };
  return null;
}

/** "storefront / prod, payments / prod (write)" */
export function reads(row: TokenRow): string {
  return row.scopes.map((one) => (one.rights & 2 ? `${one.place} (write)` : one.place)).join(", ");
}
