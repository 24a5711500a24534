import type { AccessRow } from "../../ipc/vault";
import { trusts } from "../../shared/people";
import { glyph } from "./glyph";

/** The first column: who it is, how their key was checked, and their role. */

export function makeHead(): HTMLElement {
  const head = document.createElement("div");
  head.className = "pc";
  head.setAttribute("role", "rowheader");
  head.setAttribute("aria-colindex", "1");
  const parts = ["av", "who cut grow", "tr", "rolech"].map((name) => {
    const part = document.createElement("span");
    part.className = name;
    return part;
  });
  parts[0]?.setAttribute("aria-hidden", "true");
  head.append(...parts);
  return head;
}

export function fillHead(head: HTMLElement, row: AccessRow, here: boolean): void {
  const [avatar, who, trust, role] = [...head.children];
  if (!(avatar instanceof HTMLElement && who instanceof HTMLElement && trust instanceof HTMLElement && role instanceof HTMLElement)) return;
  const { principal } = row;
  head.className = here ? "pc cur" : "pc";
  if (here) head.id = "access-cursor";
  else head.removeAttribute("id");
  head.dataset["principal"] = principal.id;
  avatar.className = principal.kind === "person" ? "av" : "av sq";
  avatar.textContent = principal.initials;
  who.className = principal.kind === "person" ? "who cut grow" : "who cut grow mono";
  who.textContent = principal.name;
  if (principal.you) {
    const you = document.createElement("span");
    you.className = "t3";
    you.textContent = ", you";
    who.append(you);
  }
  const shown = row.trust === null ? null : trusts[row.trust];
  trust.className = shown ? `tr c-${shown.tone}` : "tr";
  glyph(trust, shown ? shown.icon : null, 14);
  const kind = row.role ?? principal.kind;
  role.textContent = kind;
  head.title = [principal.name, kind, shown?.text, row.leaving ? "leaves" : ""].filter(Boolean).join(", ");
  head.setAttribute("aria-label", `${principal.name}${principal.you ? ", you" : ""}, ${kind}${shown ? `, ${shown.text.toLowerCase()}` : ""}${row.leaving ? ", leaves" : ""}`);
}
