import type { AccessCell, AccessColumn, AccessRow } from "../../ipc/vault";
import { rightsLetters, rightsWords } from "../../shared/people";
import { plural } from "../../shared/words";

/** How a cell is drawn and what it is called. Letters carry the meaning; colour only helps. */

export const day = 86_400_000;
const hour = 3_600_000;
const minute = 60_000;

/** Under this an end is drawn in place of the last decrypt. */
export const soon = 30 * day;
/** A key that nobody used for so long is worth a question. */
export const idle = 60 * day;

export type Drawn = {
  /** Classes of the cell: its ground. */
  ground: string;
  /** Classes of the tile, "" for none. */
  tile: string;
  sign: string;
  letters: string;
  icon: "" | "agent";
  /** What stands beside the tile, its classes, and whether a clock goes before it. */
  text: string;
  tone: string;
  clock: boolean;
};

const nothing: Drawn = { ground: "none", tile: "", sign: "", letters: "", icon: "", text: "·", tone: "", clock: false };
const unknown: Drawn = { ...nothing, ground: "", text: "" };
const never: Drawn = { ...nothing, ground: "never", text: "" };

/** Holds the key, or will as soon as somebody wraps it. */
export function granted(cell: AccessCell): boolean {
  return (cell.state === "key" || cell.state === "waits") && cell.rights > 0;
}

export function drawn(cell: AccessCell | null | undefined, now: number): Drawn {
  if (cell === undefined) return unknown;
  if (cell === null) return nothing;
  if (cell.staged) return drawnStaged(cell, cell.staged, now);
  switch (cell.state) {
    case "never":
      return never;
    case "role":
      return { ...nothing, ground: "", tile: "role", letters: "role", text: "" };
    case "use":
      return { ...nothing, ground: "", tile: "use", letters: "use", icon: "agent", ...used(cell, now) };
    case "waits":
      return { ...nothing, ground: "", tile: "waits", letters: rightsLetters(cell.rights), text: "waits", tone: "nvr" };
    case "key":
      return { ...nothing, ground: "", tile: cell.endsAt === null ? "has" : "has exp", letters: rightsLetters(cell.rights), ...beside(cell, now) };
  }
}

function drawnStaged(cell: AccessCell, staged: NonNullable<AccessCell["staged"]>, now: number): Drawn {
  const held = granted(cell);
  if (staged.rights === 0) return { ...nothing, ground: "stc", tile: "rem", sign: "− ", letters: rightsLetters(cell.rights), ...used(cell, now) };
  const after = { ...nothing, ground: "stc", tile: "add", sign: held ? "→ " : "+ ", letters: rightsLetters(staged.rights) };
  if (staged.endsAt !== null) return { ...after, text: untilShort(staged.endsAt, now), tone: "ex", clock: true };
  // Beside two letters or more there is no room for a word, and the sign says it.
  return { ...after, text: held ? (cell.endsAt === null ? "" : "no end") : after.letters.length === 1 ? "new" : "" };
}

function beside(cell: AccessCell, now: number): Partial<Drawn> {
  if (cell.endsAt !== null && cell.endsAt - now < soon) return { text: untilShort(cell.endsAt, now), tone: "ex", clock: true };
  return used(cell, now);
}

function used({ state, lastDecrypt }: AccessCell, now: number): Partial<Drawn> {
  if (lastDecrypt === null) return state === "key" ? { text: "never", tone: "nvr" } : { text: "" };
  const text = ageShort(now - lastDecrypt);
  // The tile of an agent is wide.
  if (state === "use") return { text: text.replace(" ", "") };
  return { text, tone: now - lastDecrypt > idle ? "old" : "" };
}

function ageShort(span: number): string {
  if (span < minute) return `${Math.max(0, Math.floor(span / 1_000))} s`;
  if (span < hour) return `${Math.floor(span / minute)} m`;
  if (span < day) return `${Math.floor(span / hour)} h`;
  return `${Math.floor(span / day)} d`;
}

function untilShort(end: number, now: number): string {
  const left = end - now;
  if (left <= 0) return "ended";
  if (left < hour) return `${Math.ceil(left / minute)}m`;
  if (left < day) return `${Math.round(left / hour)}h`;
  return `${Math.round(left / day)}d`;
}

function spanInWords(span: number): string {
  if (span < minute) return plural(Math.max(0, Math.floor(span / 1_000)), "second");
  if (span < hour) return plural(Math.floor(span / minute), "minute");
  if (span < day) return plural(Math.floor(span / hour), "hour");
  return plural(Math.floor(span / day), "day");
}

/** "in 3 days", for readers. */
export function inWords(end: number, now: number): string {
  const left = end - now;
  return spanInWords(left < day ? left : left + day / 2);
}

/** "Teo Varga, storefront prod, read, ends in 3 days, last decrypt 9 hours ago". */
export function nameOf(cell: AccessCell | null | undefined, row: AccessRow, column: AccessColumn, now: number): string {
  const place = column.group ? column.name : `${column.app} ${column.name}`;
  const said = cell === undefined ? "not loaded yet" : cell === null ? "no access" : saidOf(cell, now);
  return `${row.principal.name}, ${place}, ${said}`;
}

function saidOf(cell: AccessCell, now: number): string {
  const before = signedWords(cell, now);
  if (!cell.staged) return before;
  const { rights, endsAt } = cell.staged;
  if (rights === 0) return `staged: revoke ${rightsWords(cell.rights)}`;
  const held = granted(cell);
  const end = endsAt === null ? (cell.endsAt === null ? "" : ", without end") : `, ends in ${inWords(endsAt, now)}`;
  return `staged: ${rightsWords(rights)}${end}${held ? `, now ${rightsWords(cell.rights)}` : ""}`;
}

function signedWords(cell: AccessCell, now: number): string {
  switch (cell.state) {
    case "never":
      return "reviewer, can never hold a key";
    case "role":
      return cell.rights > 0 ? `may ${rightsWords(cell.rights)}, holds no key` : "may manage, holds no key";
    case "use":
      return `through the broker only${cell.lastDecrypt === null ? "" : `, last use ${spanInWords(now - cell.lastDecrypt)} ago`}`;
    case "waits":
      return `${rightsWords(cell.rights)}, granted, waits for the key${endWords(cell.endsAt, now)}`;
    case "key":
      return `${rightsWords(cell.rights)}${endWords(cell.endsAt, now)}, ${cell.lastDecrypt === null ? "never decrypted" : `last decrypt ${spanInWords(now - cell.lastDecrypt)} ago`}`;
  }
}

function endWords(endsAt: number | null, now: number): string {
  if (endsAt === null) return "";
  return endsAt <= now ? ", ended" : `, ends in ${inWords(endsAt, now)}`;
}
