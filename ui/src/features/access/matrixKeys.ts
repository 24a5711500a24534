import { bare, inText, withMod } from "../../shared/keys";
import type { Access } from "./access.svelte";

type Around = {
  access: Access;
  perPage: number;
  /** Single letters are switched on and mean the matrix. */
  letters: boolean;
  show: () => void;
  explain: () => void;
  end: () => void;
};

/** What a key does while the matrix has the focus. True if it did something. */
export function matrixKey(event: KeyboardEvent, around: Around): boolean {
  if (inText(event)) return false;
  if (withMod(event) && !event.shiftKey && event.key.toLowerCase() === "a") {
    around.access.chooseAll();
    return true;
  }
  return moved(event, around) || (bare(event) && (opened(event, around) || cleared(event, around) || (around.letters && letter(event, around))));
}

function moved(event: KeyboardEvent, { access, perPage, show }: Around): boolean {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
  if (altKey) return false;
  const { row, col } = access.cursor;
  const corner = ctrlKey || metaKey;
  const to: Record<string, [number, number]> = corner
    ? { Home: [0, 0], End: [access.rows.length - 1, access.cols.length - 1], ArrowUp: [0, col], ArrowDown: [access.rows.length - 1, col], ArrowLeft: [row, 0], ArrowRight: [row, access.cols.length - 1] }
    : { ArrowUp: [row - 1, col], ArrowDown: [row + 1, col], ArrowLeft: [row, col - 1], ArrowRight: [row, col + 1], Home: [row, 0], End: [row, access.cols.length - 1], PageUp: [Math.max(0, row - perPage), col], PageDown: [row + perPage, col] };
  const place = to[key];
  if (!place) return false;
  access.move(place[0], place[1], shiftKey);
  show();
  return true;
}

function opened({ key }: KeyboardEvent, { explain }: Around): boolean {
  if (key !== "Enter" && key !== " ") return false;
  explain();
  return true;
}

function letter({ key }: KeyboardEvent, { access, end }: Around): boolean {
  const rights = { "1": 1, "2": 3, "3": 7 }[key];
  if (rights !== undefined) void access.setRights(rights);
  else if (key === "t" || key === "T") end();
  else if (key === "d") void access.revoke();
  else return false;
  return true;
}

function cleared({ key }: KeyboardEvent, { access }: Around): boolean {
  if (key === "Delete" || key === "Backspace") {
    void access.revoke();
    return true;
  }
  if (key !== "Escape") return false;
  if (access.filtered) access.showAll();
  else if (access.anchor) access.anchor = null;
  else return false;
  return true;
}
