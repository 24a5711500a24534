import type { AccessAxes, AccessCell, AccessChange, AccessColumn, AccessRow, AccessStaged, Vault } from "../../ipc/vault";
import type { Notices } from "../../shared/notices.svelte";
import { rightsWords } from "../../shared/people";
import { count, plural } from "../../shared/words";
import type { Picture } from "./painter";
import { inColumns } from "./questions";
import type { Columns, Question } from "./questions";
import { Tiles } from "./tiles";

export type Place = { row: number; col: number };
export type Popover = { kind: "explain" | "end"; place: Place };
type Answer = { question: Question; cells: ReadonlySet<number>; rows: ReadonlySet<number>; cols: ReadonlySet<number> };

const noStaged: AccessStaged = { count: 0, gains: 0, loses: 0, keysReplaced: 0, canUndo: false, canRedo: false };

/** Principals and environments on screen: what is shown of them, where the cursor is, and what is staged. */
export class Access {
  axes = $state.raw<AccessAxes | null>(null);
  staged = $state.raw<AccessStaged>(noStaged);
  filter = $state("");
  columns = $state.raw<Columns | null>(null);
  question = $state.raw<Question | null>(null);
  /** Share of all cells that a question has looked at. */
  looked = $state(1);
  /** The cursor, by the places on screen: -1 is the head of a row or of a column. */
  cursor = $state.raw<Place>({ row: 0, col: 0 });
  /** The other corner of a selection. */
  anchor = $state.raw<Place | null>(null);
  review = $state(false);
  popover = $state.raw<Popover | null>(null);
  signing = $state(false);
  /** Counts up whenever cells arrive or change: the matrix is drawn again. */
  revision = $state(0);
  /** Verification stopped: reading goes on, nothing is staged or signed. */
  frozen = $state(false);

  readonly tiles: Tiles;
  #answer = $state.raw<Answer | null>(null);
  #drawing = 0;
  #asking: ReturnType<typeof setTimeout> | null = null;
  #loading = 0;

  /** The rows and columns that the filters leave, as places in the axes. */
  rows = $derived.by(() => {
    const wanted = this.filter.trim().toLowerCase();
    const answer = this.#answer;
    return places(this.axes?.rows, (row, at) => (wanted === "" || row.principal.name.toLowerCase().includes(wanted)) && (answer === null || answer.rows.has(at)));
  });
  cols = $derived.by(() => {
    const answer = this.#answer;
    return places(this.axes?.columns, (column, at) => inColumns(column, this.columns) && (answer === null || answer.cols.has(at)));
  });

  constructor(
    readonly vault: Vault,
    readonly notices: Notices,
  ) {
    this.tiles = new Tiles((version, row, col) => vault.accessTile(version, row, col), {
      arrived: () => this.#arrived(),
      stale: () => void this.load(),
      failed: (thrown) => notices.fail(thrown),
    });
  }

  start(): () => void {
    const stop = this.vault.on("teamChanged", () => void this.load());
    void this.load();
    return () => {
      stop();
      cancelAnimationFrame(this.#drawing);
      if (this.#asking) clearTimeout(this.#asking);
    };
  }

  async load(): Promise<void> {
    const mine = ++this.#loading;
    const axes = await this.notices.attempt(this.vault.accessAxes());
    if (!axes || mine !== this.#loading) return;
    const same = this.axes !== null && sameAxes(this.axes, axes);
    this.axes = axes;
    this.staged = axes.staged;
    if (axes.staged.count === 0) this.review = false;
    this.tiles.begin(axes.version, axes.rows.length, axes.columns.length, same);
    if (!same) this.move(this.cursor.row, this.cursor.col);
    this.revision += 1;
  }

  // ---- what is where, by the places on screen

  row(at: number): AccessRow | undefined {
    return this.axes?.rows[this.rows[at] ?? -1];
  }

  column(at: number): AccessColumn | undefined {
    return this.axes?.columns[this.cols[at] ?? -1];
  }

  cell(row: number, col: number): AccessCell | null | undefined {
    const r = this.rows[row];
    const c = this.cols[col];
    return r === undefined || c === undefined ? null : this.tiles.cell(r, c);
  }

  /** What is to be drawn, from plain lists: it is asked some hundred times for every frame. */
  picture(now: number): Picture {
    const { axes, rows, cols, cursor, anchor, tiles } = this;
    const hits = this.#answer?.cells;
    const [top, bottom] = anchor ? [Math.min(anchor.row, cursor.row), Math.max(anchor.row, cursor.row)] : [0, -1];
    const [left, right] = anchor ? [Math.min(anchor.col, cursor.col), Math.max(anchor.col, cursor.col)] : [0, -1];
    const total = axes?.columns.length ?? 0;
    return {
      rows: rows.length,
      cols: cols.length,
      row: (at) => axes?.rows[rows[at] ?? -1],
      column: (at) => axes?.columns[cols[at] ?? -1],
      cell: (row, col) => tiles.cell(rows[row] ?? -1, cols[col] ?? -1),
      hit: (row, col) => hits?.has((rows[row] ?? 0) * total + (cols[col] ?? 0)) ?? false,
      selected: (row, col) => row >= top && row <= bottom && col >= left && col <= right,
      cursor,
      now,
    };
  }

  /** The cursor goes somewhere; with `extend` a selection grows from where it was. Heads are -1. */
  move(row: number, col: number, extend = false): void {
    const least = extend ? 0 : -1;
    const next = {
      row: Math.max(least, Math.min(row, this.rows.length - 1)),
      col: Math.max(least, Math.min(col, this.cols.length - 1)),
    };
    if (next.row < 0 && next.col < 0) next.col = 0;
    if (!extend) this.anchor = null;
    else if (!this.anchor && this.cursor.row >= 0 && this.cursor.col >= 0) this.anchor = this.cursor;
    this.cursor = next;
  }

  // ---- filters

  setFilter(filter: string): void {
    this.filter = filter;
    this.#top();
  }

  setColumns(columns: Columns | null): void {
    this.columns = columns;
    this.#top();
  }

  ask(question: Question | null): void {
    this.question = question;
    this.#answer = null;
    this.tiles.everything = question !== null;
    if (question) this.#look();
    this.#top();
  }

  get filtered(): boolean {
    return this.filter.trim() !== "" || this.columns !== null || this.question !== null;
  }

  showAll(): void {
    this.filter = "";
    this.columns = null;
    this.ask(null);
  }

  // ---- staging

  /** Stages rights for every selected cell, keeping the ends they have. */
  async setRights(rights: number): Promise<void> {
    await this.#change((cell) => ({ rights, endsAt: cell?.staged && cell.staged.rights > 0 ? cell.staged.endsAt : (cell?.endsAt ?? null) }), `Staged: ${rightsWords(rights)}`);
  }

  async revoke(): Promise<void> {
    await this.#change((cell) => (cell && (cell.staged ? cell.staged.rights > 0 : cell.rights > 0) ? { rights: 0, endsAt: null } : null), "Staged: revoke");
  }

  /** Stages an end for every selected cell; where there is no right yet, the right to read. */
  async setEnd(endsAt: number | null): Promise<void> {
    await this.#change((cell) => ({ rights: (cell?.staged ? cell.staged.rights : (cell?.rights ?? 0)) || 1, endsAt }), endsAt === null ? "Staged: no end" : "Staged: an end");
  }

  async undo(): Promise<void> {
    if (this.staged.canUndo && !this.frozen && (await this.#step(this.vault.accessUndo()))) this.notices.say("Undone");
  }

  async redo(): Promise<void> {
    if (this.staged.canRedo && !this.frozen && (await this.#step(this.vault.accessRedo()))) this.notices.say("Done again");
  }

  async discard(): Promise<void> {
    const total = this.staged.count;
    if (total === 0 || !(await this.#step(this.vault.accessDiscard()))) return;
    this.review = false;
    this.notices.show({ icon: "undo", tone: "staged", text: `Discarded ${plural(total, "staged change")}`, undo: () => void this.undo() });
  }

  /** Opens the secure window; what it signs is Rust's own summary of what is staged. */
  async sign(): Promise<void> {
    if (this.signing || this.frozen || this.staged.count === 0) return;
    this.signing = true;
    await this.notices.attempt(this.vault.accessSign());
    this.signing = false;
    await this.load();
  }

  /** The cells that a key acts on: the selection, or the one under the cursor. */
  chosen(): Place[] {
    const { anchor, cursor } = this;
    if (cursor.row < 0 || cursor.col < 0) return [];
    const from = anchor ?? cursor;
    const found: Place[] = [];
    for (let row = Math.min(from.row, cursor.row); row <= Math.max(from.row, cursor.row); row += 1) {
      for (let col = Math.min(from.col, cursor.col); col <= Math.max(from.col, cursor.col); col += 1) found.push({ row, col });
    }
    return found;
  }

  /** Why this cell cannot be changed by this user, or null. */
  refusal(row: number, col: number): string | null {
    const principal = this.row(row);
    const column = this.column(col);
    const cell = this.cell(row, col);
    if (!principal || !column || cell === undefined) return "This cell is not loaded yet.";
    if (this.frozen) return "Nothing can be staged while the history differs.";
    if (cell?.state === "never") return `${principal.principal.name} is a reviewer and can never hold a key.`;
    if (principal.principal.kind === "agent") return `${principal.principal.name} is an agent and reads through the broker only.`;
    if (!column.canGrant) return `You may not change who can read ${placeOf(column)}.`;
    return null;
  }

  async #change(after: (cell: AccessCell | null) => { rights: number; endsAt: number | null } | null, said: string): Promise<void> {
    const changes: AccessChange[] = [];
    const chosen = this.chosen();
    let refused: string | null = null;
    let left = 0;
    if (chosen.some(({ row, col }) => this.cell(row, col) === undefined)) return this.#fetch(chosen);
    for (const { row, col } of chosen) {
      const reason = this.refusal(row, col);
      refused ??= reason;
      if (reason !== null) left += 1;
      const wanted = reason === null ? after(this.cell(row, col) ?? null) : null;
      const principal = this.row(row);
      const column = this.column(col);
      if (!wanted || !principal || !column) continue;
      changes.push({ principalId: principal.principal.id, envId: column.envId, ...wanted });
      this.#overlay(row, col, wanted);
    }
    if (changes.length === 0) {
      if (refused) this.notices.show({ icon: "alert", tone: "plain", text: refused });
      return;
    }
    this.revision += 1;
    if (await this.#step(this.vault.accessStage(changes))) {
      const last = changes.length === 1 ? this.row(this.cursor.row)?.principal.name : undefined;
      this.notices.say(`${said}, ${last ?? plural(changes.length, "cell")}. ${plural(this.staged.count, "staged change")}.`);
      if (left > 0) this.notices.show({ icon: "alert", tone: "plain", text: `${plural(left, "cell")} left out. ${refused ?? ""}` });
    }
  }

  /** A part of the selection is not here yet: nothing is staged by halves. */
  #fetch(chosen: readonly Place[]): void {
    const [rows, cols] = [new Set(chosen.map(({ row }) => row)), new Set(chosen.map(({ col }) => col))];
    this.tiles.look([...rows].flatMap((at) => this.rows[at] ?? []), [...cols].flatMap((at) => this.cols[at] ?? []));
    this.notices.show({ icon: "clock", tone: "plain", text: "Some of these cells are still on their way. Try again in a moment." });
  }

  /** Selects every cell that the filters leave. */
  chooseAll(): void {
    if (this.rows.length === 0 || this.cols.length === 0) return;
    this.anchor = { row: 0, col: 0 };
    this.cursor = { row: this.rows.length - 1, col: this.cols.length - 1 };
    this.notices.say(`${plural(this.rows.length * this.cols.length, "cell")} selected`);
  }

  /** Draws what is being staged at once; the tile that Rust sends then replaces it. */
  #overlay(row: number, col: number, grant: { rights: number; endsAt: number | null }): void {
    const r = this.rows[row];
    const c = this.cols[col];
    if (r === undefined || c === undefined) return;
    const before = this.tiles.cell(r, c);
    const signed = { rights: before?.rights ?? 0, endsAt: before?.endsAt ?? null };
    const same = signed.rights === grant.rights && (grant.rights === 0 || signed.endsAt === grant.endsAt);
    const bare = !before || (before.state === "key" && before.rights === 0);
    if (bare && same) return this.tiles.put(r, c, null);
    this.tiles.put(r, c, { ...(before ?? { row: r, col: c, state: "role", rights: 0, endsAt: null, lastDecrypt: null }), staged: same ? null : grant });
  }

  async #step(asked: Promise<AccessStaged>): Promise<boolean> {
    const staged = await this.notices.attempt(asked);
    if (staged) this.staged = staged;
    // Also after a failure: what was drawn at once is asked for again.
    this.tiles.refresh();
    this.revision += 1;
    return staged !== undefined;
  }

  #top(): void {
    this.anchor = null;
    this.popover = null;
    this.cursor = { row: 0, col: 0 };
  }

  /** However many tiles arrive within one frame, they are drawn once. */
  #arrived(): void {
    if (this.#drawing === 0) {
      this.#drawing = requestAnimationFrame(() => {
        this.#drawing = 0;
        this.revision += 1;
      });
    }
    if (this.question && this.#asking === null) this.#asking = setTimeout(() => this.#look(), this.tiles.share < 1 ? 120 : 0);
  }

  /** Goes through all cells that are here and keeps those that answer the question. */
  #look(): void {
    this.#asking = null;
    const { axes, question } = this;
    if (!axes || !question) return;
    const now = Date.now();
    const answer = { question, cells: new Set<number>(), rows: new Set<number>(), cols: new Set<number>() };
    axes.rows.forEach((row, r) =>
      axes.columns.forEach((column, c) => {
        const cell = this.tiles.cell(r, c);
        if (!cell || !question.hit(cell, row, column, now)) return;
        answer.cells.add(r * axes.columns.length + c);
        answer.rows.add(r);
        answer.cols.add(c);
      }),
    );
    this.looked = this.tiles.share;
    this.#answer = answer;
    this.revision += 1;
  }

  /** "4 of 16". */
  get counted(): string {
    const all = this.axes?.rows.length ?? 0;
    return this.rows.length === all ? count(all) : `${count(this.rows.length)} of ${count(all)}`;
  }
}

/** "storefront / prod", or the name of a group. */
export function placeOf(column: AccessColumn): string {
  return column.group ? column.name : `${column.app} / ${column.name}`;
}

function places<T>(all: readonly T[] | undefined, keep: (one: T, at: number) => boolean): number[] {
  const kept: number[] = [];
  all?.forEach((one, at) => keep(one, at) && kept.push(at));
  return kept;
}

function sameAxes(before: AccessAxes, after: AccessAxes): boolean {
  return (
    before.rows.length === after.rows.length &&
    before.columns.length === after.columns.length &&
    before.rows.every((row, at) => row.principal.id === after.rows[at]?.principal.id) &&
    before.columns.every((column, at) => column.envId === after.columns[at]?.envId)
  );
}
