import type { AccessCell, AccessColumn, AccessRow } from "../../ipc/vault";
import type { Range } from "../../shared/virtual";
import { drawn, nameOf } from "./cells";
import { glyph } from "./glyph";
import { fillHead, makeHead } from "./rowHead";

/** What the matrix shows, by the places on screen; `row` and `col` count what the filters leave. */
export type Picture = {
  row: (at: number) => AccessRow | undefined;
  column: (at: number) => AccessColumn | undefined;
  cell: (row: number, col: number) => AccessCell | null | undefined;
  /** The cell answers the question that is asked. */
  hit: (row: number, col: number) => boolean;
  selected: (row: number, col: number) => boolean;
  /** The cell, head of a row (col -1) or head of a column (row -1) that has the cursor. */
  cursor: { row: number; col: number };
  now: number;
};

type Cell = { el: HTMLElement; name: HTMLElement; tile: HTMLElement; sign: Text; letters: HTMLElement; text: HTMLElement; drawn: string; col: number };
type Row = { el: HTMLElement; head: HTMLElement; pad: HTMLElement; cells: Cell[]; row: number; headDrawn: string };

export const rowHeight = 34;

/**
 * Draws the cells in view with nodes that are used again and again, in the order of the page.
 * Nothing is made while scrolling, and a cell whose picture is the same is not touched.
 */
export class Painter {
  #rows: Row[] = [];
  #cols: Range = { from: 0, to: 0 };
  #padded = -1;

  constructor(readonly body: HTMLElement) {}

  /** Where a node belongs: the place on screen of its cell, -1 for the head of a row. */
  placeOf(target: EventTarget | null): { row: number; col: number } | null {
    if (!(target instanceof Element)) return null;
    const el = target.closest("[role=gridcell], [role=rowheader]");
    const row = this.#rows.find((one) => one.el === el?.parentElement);
    if (!row || !el) return null;
    return { row: row.row, col: row.cells.find((one) => one.el === el)?.col ?? -1 };
  }

  /** The node of a cell, or of the head of its row, where it is drawn. */
  nodeOf(row: number, col: number): HTMLElement | null {
    const line = this.#rows.find((one) => one.row === row);
    return (col < 0 ? line?.head : line?.cells.find((one) => one.col === col)?.el) ?? null;
  }

  paint(rows: Range, cols: Range, width: number, picture: Picture): void {
    this.#moveColumns(cols);
    this.#moveRows(rows);
    this.body.style.paddingTop = `${rows.from * rowHeight}px`;
    if (this.#padded !== cols.from * width) {
      this.#padded = cols.from * width;
      this.body.style.setProperty("--pad", `${this.#padded}px`);
    }
    for (const row of this.#rows) this.#paintRow(row, picture);
  }

  /** Rows that left at one end come in again at the other. */
  #moveRows({ from, to }: Range): void {
    const wanted = to - from;
    while (this.#rows.length > wanted) this.#rows.pop()?.el.remove();
    const first = this.#rows[0]?.row ?? from;
    for (let left = overlapping(from - first, this.#rows.length); left > 0; left -= 1) {
      if (from > first) {
        const row = this.#rows.shift();
        if (row) this.#rows.push(row);
        if (row) this.body.append(row.el);
      } else {
        const row = this.#rows.pop();
        if (row) this.#rows.unshift(row);
        if (row) this.body.prepend(row.el);
      }
    }
    while (this.#rows.length < wanted) {
      const row = this.#makeRow();
      this.#rows.push(row);
      this.body.append(row.el);
    }
    this.#rows.forEach((row, at) => (row.row = from + at));
  }

  #moveColumns(cols: Range): void {
    const before = this.#cols;
    this.#cols = cols;
    if (before.from === cols.from && before.to === cols.to) return;
    for (const row of this.#rows) this.#fitColumns(row, before.from);
  }

  #fitColumns(row: Row, before: number): void {
    const { from, to } = this.#cols;
    const wanted = to - from;
    while (row.cells.length > wanted) row.cells.pop()?.el.remove();
    for (let left = overlapping(from - before, row.cells.length); left > 0; left -= 1) {
      if (from > before) {
        const cell = row.cells.shift();
        if (cell) row.cells.push(cell);
        if (cell) row.el.append(cell.el);
      } else {
        const cell = row.cells.pop();
        if (cell) row.cells.unshift(cell);
        if (cell) row.pad.after(cell.el);
      }
    }
    while (row.cells.length < wanted) {
      const cell = makeCell();
      row.cells.push(cell);
      row.el.append(cell.el);
    }
    row.cells.forEach((cell, at) => (cell.col = from + at));
  }

  #makeRow(): Row {
    const el = document.createElement("div");
    el.className = "r";
    el.setAttribute("role", "row");
    const head = makeHead();
    const pad = document.createElement("span");
    pad.className = "pad";
    pad.setAttribute("role", "presentation");
    el.append(head, pad);
    const row: Row = { el, head, pad, cells: [], row: -1, headDrawn: "" };
    this.#fitColumns(row, this.#cols.from);
    return row;
  }

  #paintRow(row: Row, picture: Picture): void {
    const principal = picture.row(row.row);
    if (!principal) return;
    const { cursor } = picture;
    const here = cursor.row === row.row && cursor.col === -1;
    const head = `${row.row} ${here} ${principal.principal.id} ${principal.principal.name} ${principal.trust} ${principal.role} ${principal.leaving}`;
    if (row.headDrawn !== head) {
      row.headDrawn = head;
      row.el.setAttribute("aria-rowindex", String(row.row + 3));
      fillHead(row.head, principal, here);
    }
    for (const cell of row.cells) {
      const column = picture.column(cell.col);
      if (column) paintCell(cell, row.row, principal, column, picture);
    }
  }
}

/** How many of `total` nodes change ends; none where old and new have nothing in common. */
function overlapping(shift: number, total: number): number {
  return Math.abs(shift) < total ? Math.abs(shift) : 0;
}

function makeCell(): Cell {
  const el = document.createElement("div");
  el.setAttribute("role", "gridcell");
  const name = document.createElement("span");
  name.className = "hidden-text";
  const tile = document.createElement("span");
  const sign = document.createTextNode("");
  const letters = document.createElement("span");
  const text = document.createElement("span");
  // The name says it all; letters and ages are for the eye.
  tile.setAttribute("aria-hidden", "true");
  text.setAttribute("aria-hidden", "true");
  tile.append(sign, letters);
  el.append(name, tile, text);
  return { el, name, tile, sign, letters, text, drawn: "", col: -1 };
}

function paintCell(cell: Cell, row: number, principal: AccessRow, column: AccessColumn, picture: Picture): void {
  const value = picture.cell(row, cell.col);
  const { ground, tile, sign, letters, icon, text, tone, clock } = drawn(value, picture.now);
  const name = nameOf(value, principal, column, picture.now);
  const here = picture.cursor.row === row && picture.cursor.col === cell.col;
  const selected = picture.selected(row, cell.col);
  const first = cell.col > 0 && picture.column(cell.col - 1)?.appId !== column.appId;
  const full = tile !== "";
  const classes = `c ${ground}${full ? " full" : ""}${first ? " gs" : ""}${picture.hit(row, cell.col) ? " hit" : ""}${selected ? " sel" : ""}${here ? " cur" : ""}`;
  const now = `${cell.col}|${classes}|${tile}|${sign}${letters}|${text}|${tone}|${name}`;
  if (cell.drawn === now) return;
  cell.drawn = now;
  cell.el.className = classes;
  cell.el.setAttribute("aria-colindex", String(cell.col + 2));
  cell.name.textContent = full ? name : "";
  if (full) cell.el.removeAttribute("aria-label");
  else cell.el.setAttribute("aria-label", name);
  cell.el.setAttribute("aria-selected", String(selected || here));
  cell.el.dataset["cell"] = `${principal.principal.id} ${column.envId}`;
  if (here) cell.el.id = "access-cursor";
  else cell.el.removeAttribute("id");
  cell.tile.className = tile === "" ? "" : `g ${tile}`;
  cell.sign.data = sign;
  cell.letters.textContent = letters;
  glyph(cell.tile, icon === "" ? null : "agent");
  cell.text.className = `ld ${tone}`;
  cell.text.textContent = text;
  if (clock) glyph(cell.text, "clock");
}
