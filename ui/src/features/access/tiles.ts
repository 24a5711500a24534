import type { AccessCell, AccessTile } from "../../ipc/vault";

export const side = 32;

type Fetch = (version: number, row: number, col: number) => Promise<AccessTile>;
type Tile = { round: number; cells: (AccessCell | undefined)[] };
type Hooks = {
  /** New cells are here. */
  arrived: () => void;
  /** An answer is of another version than the axes: they have to be asked for again. */
  stale: () => void;
  failed: (thrown: unknown) => void;
};

const atOnce = 6;

/**
 * The cells of the matrix, fetched in squares of 32 around what is in view and kept by version.
 *
 * Whenever something changed a new round begins: every tile in view is asked for again, and until
 * its answer is here the old cells stay where they are. Answers of an older round are dropped.
 */
export class Tiles {
  #version = 0;
  #rows = 0;
  #cols = 0;
  #round = 0;
  #tiles = new Map<number, Tile>();
  #underway = new Set<number>();
  #wanted: number[] = [];
  #running = 0;
  /** A question looks at all cells. */
  #everything = false;
  /** An answer was of another version: nothing is asked until the axes are new. */
  #halted = false;

  constructor(
    readonly fetch: Fetch,
    readonly hooks: Hooks,
  ) {}

  get tilesDown(): number {
    return Math.ceil(this.#rows / side);
  }

  get tilesAcross(): number {
    return Math.ceil(this.#cols / side);
  }

  /** Share of all tiles that are here and current, from 0 to 1. */
  get share(): number {
    const all = this.tilesDown * this.tilesAcross;
    if (all === 0) return 1;
    let here = 0;
    for (const tile of this.#tiles.values()) if (tile.round === this.#round) here += 1;
    return here / all;
  }

  /** Begins a new round. `same`: rows and columns are those of before, so old cells may stay in view. */
  begin(version: number, rows: number, cols: number, same: boolean): void {
    this.#version = version;
    this.#rows = rows;
    this.#cols = cols;
    this.#round += 1;
    this.#underway.clear();
    this.#halted = false;
    if (!same) this.#tiles.clear();
    this.#add();
  }

  /** The same axes, other cells: what is staged changed. */
  refresh(): void {
    this.begin(this.#version, this.#rows, this.#cols, true);
  }

  /** The cell, null where there is nothing, undefined where it is not known yet. */
  cell(row: number, col: number): AccessCell | null | undefined {
    const tile = this.#tiles.get(this.#key(row >> 5, col >> 5));
    return tile ? (tile.cells[((row & 31) << 5) | (col & 31)] ?? null) : undefined;
  }

  /** Puts a cell in place until its tile is asked for again: what was staged is drawn at once. */
  put(row: number, col: number, cell: AccessCell | null): void {
    const tile = this.#tiles.get(this.#key(row >> 5, col >> 5));
    if (tile) tile.cells[((row & 31) << 5) | (col & 31)] = cell ?? undefined;
  }

  /** Sees to it that the cells of these rows and columns are here or on their way, then their neighbours. */
  look(rows: readonly number[], cols: readonly number[]): void {
    const down = squares(rows);
    const across = squares(cols);
    const near = product(around(down, this.tilesDown), around(across, this.tilesAcross));
    const seen = product([...down], [...across]);
    this.#wanted = [...new Set([...seen, ...near].map(([row, col]) => this.#key(row, col)))];
    this.#add();
  }

  /** Whether everything is to be here, for a question that looks at all cells. What is in view comes first. */
  set everything(on: boolean) {
    this.#everything = on;
    this.#add();
  }

  #key(row: number, col: number): number {
    return row * 0x10000 + col;
  }

  #add(): void {
    if (this.#everything) {
      const wanted = new Set(this.#wanted);
      for (let row = 0; row < this.tilesDown; row += 1) for (let col = 0; col < this.tilesAcross; col += 1) wanted.add(this.#key(row, col));
      this.#wanted = [...wanted];
    }
    this.#fill();
  }

  /** Asks for what is wanted, neither here nor on its way, in the order of the wish. What left the view meanwhile is not asked for. */
  #fill(): void {
    if (this.#halted) return;
    for (const key of this.#wanted) {
      if (this.#running >= atOnce) return;
      if (this.#tiles.get(key)?.round !== this.#round && !this.#underway.has(key)) void this.#ask(key);
    }
  }

  async #ask(key: number): Promise<void> {
    const round = this.#round;
    this.#underway.add(key);
    this.#running += 1;
    try {
      const tile = await this.fetch(this.#version, Math.floor(key / 0x10000), key % 0x10000);
      if (round === this.#round) this.#take(key, tile);
    } catch (thrown) {
      if (round !== this.#round) return;
      // It is asked for again when it comes into view again, not at once.
      this.#wanted = this.#wanted.filter((one) => one !== key);
      this.hooks.failed(thrown);
    } finally {
      this.#running -= 1;
      if (round === this.#round) this.#underway.delete(key);
      this.#fill();
    }
  }

  #take(key: number, { version, cells }: AccessTile): void {
    if (version !== this.#version) {
      if (!this.#halted) this.hooks.stale();
      this.#halted = true;
      return;
    }
    const places: (AccessCell | undefined)[] = new Array(side * side);
    for (const cell of cells) places[((cell.row & 31) << 5) | (cell.col & 31)] = cell;
    this.#tiles.set(key, { round: this.#round, cells: places });
    this.hooks.arrived();
  }
}

function squares(places: readonly number[]): Set<number> {
  const found = new Set<number>();
  for (const place of places) found.add(place >> 5);
  return found;
}

function around(found: ReadonlySet<number>, total: number): number[] {
  const near = new Set<number>();
  for (const one of found) for (const at of [one - 1, one, one + 1]) if (at >= 0 && at < total) near.add(at);
  return [...near];
}

function product(rows: readonly number[], cols: readonly number[]): [number, number][] {
  return rows.flatMap((row) => cols.map((col): [number, number] => [row, col]));
}
