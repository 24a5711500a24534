import type { AccessRow } from "../../ipc/vault";
import { drawn, nameOf } from "./cells";
import { glyph } from "./glyph";
import type { Picture } from "./painter";

/** The node under the cursor has this id: a new one for every place, so that readers notice that it moved. */
export function cursorId(row: number, col: number): string {
  return `access-at-${row}-${col}`;
}

/** The nodes of one cell. They are made once and filled again and again. */
export type CellNode = { el: HTMLElement; name: HTMLElement; tile: HTMLElement; sign: Text; letters: Text; text: HTMLElement; words: Text; drawn: string; shape: string };

export function makeCell(): CellNode {
  const el = document.createElement("div");
  el.setAttribute("role", "gridcell");
  const [name, tile, text] = [document.createElement("span"), document.createElement("span"), document.createElement("span")];
  name.className = "hidden-text";
  const [sign, letters, words] = [document.createTextNode(""), document.createTextNode(""), document.createTextNode("")];
  const struck = document.createElement("span");
  struck.append(letters);
  tile.append(sign, struck);
  text.append(words);
  // The name says it all; letters and ages are for the eye.
  tile.setAttribute("aria-hidden", "true");
  text.setAttribute("aria-hidden", "true");
  el.append(name, tile, text);
  return { el, name, tile, sign, letters, text, words, drawn: "", shape: "" };
}

/** Fills a cell; one whose picture is the same is not touched. */
export function paintCell(cell: CellNode, row: number, col: number, principal: AccessRow, picture: Picture): void {
  const column = picture.column(col);
  if (!column) {
    cell.el.hidden = true;
    cell.drawn = "";
    return;
  }
  const value = picture.cell(row, col);
  const { ground, tile, sign, letters, icon, text, tone, clock } = drawn(value, picture.now);
  const hit = picture.hit(row, col);
  const name = `${nameOf(value, principal, column, picture.now)}${hit ? ", answers the question" : ""}`;
  const here = picture.cursor.row === row && picture.cursor.col === col;
  const selected = picture.selected(row, col);
  const first = col > 0 && picture.column(col - 1)?.appId !== column.appId;
  const full = tile !== "";
  const classes = `c ${ground}${full ? " full" : ""}${first ? " gs" : ""}${hit ? " hit" : ""}${selected ? " sel" : ""}${here ? " cur" : ""}`;
  const now = `${col}|${classes}|${tile}|${sign}${letters}|${text}|${name}`;
  if (cell.drawn === now) return;
  cell.drawn = now;
  const { el } = cell;
  el.hidden = false;
  el.className = classes;
  el.setAttribute("aria-colindex", String(col + 2));
  el.setAttribute("aria-selected", selected || here ? "true" : "false");
  el.setAttribute("data-cell", `${principal.principal.id} ${column.envId}`);
  mark(el, here ? cursorId(row, col) : "");
  cell.name.textContent = full ? name : "";
  if (full) el.removeAttribute("aria-label");
  else el.setAttribute("aria-label", name);
  cell.sign.data = sign;
  cell.letters.data = letters;
  cell.words.data = text;
  const shape = `${tile}|${tone}|${icon}|${clock}`;
  if (cell.shape === shape) return;
  cell.shape = shape;
  cell.tile.className = full ? `g ${tile}` : "";
  cell.text.className = `ld ${tone}`;
  glyph(cell.tile, icon === "" ? null : icon);
  glyph(cell.text, clock ? "clock" : null);
}

/** With an id readers are pointed at this node: the cursor is here. */
export function mark(el: HTMLElement, id: string): void {
  if (el.id === id) return;
  if (id === "") el.removeAttribute("id");
  else el.id = id;
}
