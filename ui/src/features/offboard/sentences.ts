import type { OffboardView, UseKind } from "../../ipc/vault";
import type { IconName } from "../../shared/icons";
import { count, plural } from "../../shared/words";

/** What somebody did with a value, who says so, and the glyph of that level. */
export const uses: Record<UseKind, { text: string; icon: IconName; tone: string; says: string }> = {
  revealed: { text: "Revealed", icon: "sign", tone: "c-ok", says: "Signed by their client" },
  copied: { text: "Copied", icon: "sign", tone: "c-ok", says: "Signed by their client" },
  injected: { text: "Injected", icon: "sign", tone: "c-ok", says: "Signed by their client" },
  brokered: { text: "Brokered", icon: "sign", tone: "c-ok", says: "Signed by their client" },
  exported: { text: "Exported", icon: "sign", tone: "c-ok", says: "Signed by their client" },
  decrypted: { text: "Decrypted", icon: "sign", tone: "c-ok", says: "Signed by their client" },
  fetched: { text: "Fetched", icon: "server", tone: "c-info", says: "Seen by the server; not necessarily read" },
};

export type Step = { id: string; title: string; text: string; state: "done" | "now" | "open" | "wait" };

/** The four steps of an offboarding and how far each is. */
export function steps(view: OffboardView): Step[] {
  const { revoke, rotations, counts, ticked, certificate } = view;
  const replaced = rotations.filter((row) => row.state === "done").length;
  const keysDone = replaced === rotations.length;
  const sourceDone = ticked >= counts.rotate;
  const links = revoke.firstLink === revoke.lastLink ? `link ${count(revoke.firstLink)}` : `link ${count(revoke.firstLink)} to ${count(revoke.lastLink)}`;
  return [
    { id: "revoke", title: "Revoke rights", text: `${plural(revoke.grants, "grant")}, ${links}`, state: "done" },
    { id: "keys", title: "Replace data keys", text: rotations.length === 0 ? "they held none" : `${count(replaced)} of ${plural(rotations.length, "environment")}`, state: keysDone ? "done" : "now" },
    { id: "source", title: "Rotate at the source", text: counts.rotate === 0 ? "nothing was read" : `${count(ticked)} of ${plural(counts.rotate, "value")}`, state: sourceDone ? "done" : keysDone ? "now" : "open" },
    { id: "certificate", title: "Certificate", text: certificate.ready ? "ready" : "after both", state: certificate.ready ? "now" : "wait" },
  ];
}
