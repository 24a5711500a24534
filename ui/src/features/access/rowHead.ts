import type { AccessRow } from "../../ipc/vault";
import { trusts } from "../../shared/people";
import { mark } from "./cellNode";
import { glyph } from "./glyph";

/** The first column: who it is, how their key was checked, and their role. */
export function makeHead(): HTMLElement {
  const head = document.createElement("div");
  head.className = "pc";
  head.setAttribute("role", "rowheader");
  head.setAttribute("aria-colindex", "1");
  head.append(
    ...["av", "who cut grow", "how", "rolech"].map((name) => {
      const part = document.createElement("span");
      part.className = name;
      return part;
    }),
  );
  head.firstElementChild?.setAttribute("aria-hidden", "true");
  return head;
}

export function fillHead(head: HTMLElement, row: AccessRow, id: string): void {
  head.className = id === "" ? "pc" : "pc cur";
  mark(head, id);
  const name = headName(row);
  if (head.title === name && head.dataset["principal"] === row.principal.id) return;
  const [avatar, who, trust, role] = [...head.children];
  if (!(avatar instanceof HTMLElement && who instanceof HTMLElement && trust instanceof HTMLElement && role instanceof HTMLElement)) return;
  const { principal } = row;
  const person = principal.kind === "person";
  const shown = row.trust === null ? null : trusts[row.trust];
  head.dataset["principal"] = principal.id;
  head.title = name;
  avatar.className = person ? "av" : "av sq";
  avatar.textContent = principal.initials;
  who.className = person ? "who cut grow" : "who cut grow mono";
  who.textContent = principal.name;
  if (principal.you) {
    const you = document.createElement("span");
    you.className = "t3";
    you.textContent = ", you";
    who.append(you);
  }
  trust.className = shown ? `how c-${shown.tone}` : "how";
  trust.textContent = "";
  if (shown) {
    const words = document.createElement("span");
    words.className = "hidden-text";
    words.textContent = shown.text;
    trust.append(words);
    glyph(trust, shown.icon, 14);
  }
  role.textContent = row.role ?? principal.kind;
}

/** "Teo Varga, member, verified by words". */
function headName({ principal, role, trust }: AccessRow): string {
  return `${principal.name}${principal.you ? ", you" : ""}, ${role ?? principal.kind}${trust === null || trust === "you" ? "" : `, ${trusts[trust].text.toLowerCase()}`}`;
}
