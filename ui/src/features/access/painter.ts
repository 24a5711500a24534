import type { AccessCell, AccessColumn, AccessRow } from "../../ipc/vault";
import type { Range } from "../../shared/virtual";
import { cursorId, makeCell, paintCell } from "./cellNode";
import type { CellNode } from "./cellNode";
import { fillHead, makeHead } from "./rowHead";

/** What the matrix shows, by the places on screen; `row` and `col` count what the filters leave. */
export type Picture = {
  rows: number;
  cols: number;
  row: (at: number) => AccessRow | undefined;
  column: (at: number) => AccessColumn | undefined;
  cell: (row: number, col: number) => AccessCell | null | undefined;
  /** The cell answers the question that is asked. */
  hit: (row: number, col: number) => boolean;
  selected: (row: number, col: number) => boolean;
  /** The cell, or the head of a row (col -1) or of a column (row -1), that has the cursor. */
  cursor: { row: number; col: number };
  now: number;
};
export type View = { rows: Range; cols: Range; width: number };

type Line = { el: HTMLElement; head: HTMLElement | null; cells: CellNode[]; drawn: string };
/** `across` is -1 for the names of the rows. */
type Block = { el: HTMLElement; lines: Line[]; down: number; across: number };

export const rowHeight = 34;
/** Rows and columns of a block. */
export const tall = 8;
export const broad = 4;

/**
 * Draws the cells in view in blocks of eight rows by four columns.
 *
 * A block is a layer of its own that stands still while the page scrolls: only what comes into view
 * is painted. What left the view is used again, so scrolling makes no nodes. Blocks around the view
 * are painted ahead, one at a time.
 */
export class Painter {
  #live = new Map<number, Block>();
  #free: Block[] = [];

  constructor(
    readonly body: HTMLElement,
    readonly names: HTMLElement,
  ) {}

  /** Where a node belongs: the place on screen of its cell, col -1 for the head of a row. */
  placeOf(target: EventTarget | null): { row: number; col: number } | null {
    const el = target instanceof Element ? target.closest("[role=gridcell], [role=rowheader]") : null;
    if (!el) return null;
    for (const { lines, down, across } of this.#live.values()) {
      const at = lines.findIndex((line) => line.el === el.parentElement);
      const line = lines[at];
      if (!line) continue;
      const row = down * tall + at;
      return { row, col: across < 0 ? -1 : across * broad + line.cells.findIndex((cell) => cell.el === el) };
    }
    return null;
  }

  /** The node of a cell, or of the head of its row, where it is drawn. */
  nodeOf(row: number, col: number): HTMLElement | null {
    const line = this.#live.get(keyOf(Math.floor(row / tall), col < 0 ? -1 : Math.floor(col / broad)))?.lines[row % tall];
    return (col < 0 ? line?.head : line?.cells[col % broad]?.el) ?? null;
  }

  /** Draws everything again that is in view or near it: what is shown changed. */
  paint(view: View, picture: Picture): void {
    const wanted = new Set([...this.#near(view, picture, 0), ...this.#near(view, picture, 1)]);
    for (const [key, block] of this.#live) {
      if (wanted.has(key)) paintBlock(block, view.width, picture);
      else this.#park(key, block);
    }
    this.follow(view, picture);
  }

  /** Draws what came into view by scrolling, and one block ahead. True if there is more to draw ahead. */
  follow(view: View, picture: Picture): boolean {
    const missing = this.#near(view, picture, 0).filter((key) => !this.#live.has(key));
    const ahead = this.#near(view, picture, 1).filter((key) => !this.#live.has(key) && !missing.includes(key));
    const next = ahead[0];
    const now = next !== undefined && missing.length === 0 ? [next] : missing;
    if (now.length > 0) this.#collect(view, picture);
    for (const key of now) this.#bring(key, view.width, picture);
    return ahead.length > (missing.length === 0 ? 1 : 0);
  }

  /** The blocks that the view touches, and `around` more on every side; the names of the rows first. */
  #near({ rows, cols }: View, { rows: allRows, cols: allCols }: Picture, around: number): number[] {
    const found: number[] = [];
    const [top, bottom] = within(rows, allRows, tall, around);
    const [left, right] = within(cols, allCols, broad, around);
    for (let down = top; down <= bottom; down += 1) {
      found.push(keyOf(down, -1));
      for (let across = left; across <= right; across += 1) found.push(keyOf(down, across));
    }
    return found;
  }

  /** Blocks that are far from the view can be used again. */
  #collect(view: View, picture: Picture): void {
    const near = new Set(this.#near(view, picture, 1));
    for (const [key, block] of this.#live) if (!near.has(key)) this.#park(key, block);
  }

  #park(key: number, block: Block): void {
    this.#live.delete(key);
    this.#free.push(block);
    block.el.style.transform = "translateX(-30000px)";
  }

  #bring(key: number, width: number, picture: Picture): void {
    const down = Math.floor(key / 0x10000);
    const across = (key % 0x10000) - 1;
    const at = this.#free.findIndex((one) => one.across < 0 === across < 0);
    const block = at >= 0 ? this.#free.splice(at, 1)[0] : undefined;
    const one = block ?? this.#make(across < 0);
    one.down = down;
    one.across = across;
    this.#live.set(key, one);
    paintBlock(one, width, picture);
  }

  #make(names: boolean): Block {
    const el = document.createElement("div");
    el.className = "b";
    el.setAttribute("role", "presentation");
    const lines = Array.from({ length: tall }, () => makeLine(names));
    el.append(...lines.map((line) => line.el));
    (names ? this.names : this.body).append(el);
    return { el, lines, down: 0, across: names ? -1 : 0 };
  }
}

function keyOf(down: number, across: number): number {
  return down * 0x10000 + across + 1;
}

function within({ from, to }: Range, all: number, size: number, around: number): [number, number] {
  const last = Math.max(0, Math.ceil(all / size) - 1);
  return [Math.max(0, Math.floor(from / size) - around), Math.min(last, Math.floor(Math.max(from, to - 1) / size) + around)];
}

function makeLine(names: boolean): Line {
  const el = document.createElement("div");
  el.className = "r";
  el.setAttribute("role", "row");
  const head = names ? makeHead() : null;
  const cells = names ? [] : Array.from({ length: broad }, makeCell);
  el.append(...(head ? [head] : cells.map((cell) => cell.el)));
  return { el, head, cells, drawn: "" };
}

function paintBlock(block: Block, width: number, picture: Picture): void {
  const left = block.across < 0 ? 0 : block.across * broad * width;
  const { style } = block.el;
  const place = `translate(${left}px, ${block.down * tall * rowHeight}px)`;
  if (style.transform !== place) style.transform = place;
  // The last blocks end with the last row and column, so that there is nothing behind them to scroll to.
  const height = `${Math.min(tall, picture.rows - block.down * tall) * rowHeight}px`;
  if (style.height !== height) style.height = height;
  const across = block.across < 0 ? "" : `${Math.min(broad, picture.cols - block.across * broad) * width}px`;
  if (style.width !== across) style.width = across;
  block.lines.forEach((line, at) => paintLine(line, block.down * tall + at, block.across, picture));
}

function paintLine(line: Line, row: number, across: number, picture: Picture): void {
  const principal = picture.row(row);
  line.el.hidden = principal === undefined;
  if (!principal) return;
  if (line.head) {
    const here = picture.cursor.row === row && picture.cursor.col === -1;
    fillHead(line.head, principal, here ? cursorId(row, -1) : "");
  }
  const now = String(row);
  if (line.drawn !== now) {
    line.drawn = now;
    line.el.setAttribute("aria-rowindex", String(row + 3));
  }
  line.cells.forEach((cell, at) => paintCell(cell, row, across * broad + at, principal, picture));
}
