import type { RowsQuery, RowsView, SecretRow, SortKey } from "../../ipc/vault";

export const pageSize = 128;

type Query = Omit<RowsQuery, "envId">;
type Fetch = (query: Query) => Promise<RowsView>;

/**
 * The rows of one environment, fetched in pages around what is in view.
 *
 * Every change of the question starts a new generation. Its answers replace the old rows in one go;
 * an answer to an older question is dropped, however late it comes, and until the first answer the
 * old rows stay where they are.
 */
export class Rows {
  filter = $state("");
  sort = $state<SortKey>("name");
  descending = $state(false);
  stagedOnly = $state(false);
  /** All names of the environment, and those that the filter leaves. */
  total = $state(0);
  matched = $state(0);
  /** How many answers were taken: 0 until the first rows are here. */
  answers = $state(0);

  #pages = $state.raw<ReadonlyMap<number, SecretRow[]>>(new Map());
  #asked = 0;
  #shown = -1;
  #wanted = { first: 0, last: 0 };
  #underway = new Set<number>();

  constructor(
    readonly fetch: Fetch,
    readonly failed: (thrown: unknown) => void,
  ) {}

  get loaded(): boolean {
    return this.answers > 0;
  }

  row(index: number): SecretRow | undefined {
    return this.#pages.get(Math.floor(index / pageSize))?.[index % pageSize];
  }

  /** Where a secret is among the rows that are here, or -1. */
  indexOf(id: string): number {
    for (const [page, rows] of this.#pages) {
      const at = rows.findIndex((row) => row.id === id);
      if (at >= 0) return page * pageSize + at;
    }
    return -1;
  }

  /** Sees to it that the rows `from` up to `to` are here or on their way. */
  look(from: number, to: number): void {
    this.#wanted = { first: Math.floor(from / pageSize), last: Math.max(0, Math.floor((to - 1) / pageSize)) };
    if (this.#shown !== this.#asked) return;
    let first = this.#wanted.first;
    let last = this.#wanted.last;
    while (first <= last && this.#has(first)) first += 1;
    while (last > first && this.#has(last)) last -= 1;
    if (first <= last) void this.#ask(first, last);
  }

  setFilter(filter: string): void {
    if (filter === this.filter) return;
    this.filter = filter;
    this.#begin(true);
  }

  setStagedOnly(on: boolean): void {
    this.stagedOnly = on;
    this.#begin(true);
  }

  /** Sorts by a column; the same column again turns the order round. Times begin with the latest. */
  sortBy(key: SortKey): void {
    this.descending = this.sort === key ? !this.descending : key !== "name";
    this.sort = key;
    this.#begin(true);
  }

  /** Asks again for what is in view: something changed. */
  refresh(): void {
    this.#begin(false);
  }

  /** The rows `from` up to and with `to`: at once when they are here, else on their way. */
  between(from: number, to: number): SecretRow[] | Promise<SecretRow[]> {
    const near = Array.from({ length: to - from + 1 }, (_, at) => this.row(from + at)).filter((row) => row !== undefined);
    if (near.length === to - from + 1) return near;
    return this.fetch(this.#query(from, to - from + 1)).then((view) => view.rows);
  }

  /** All rows of the present question: for selecting everything that is filtered. */
  async all(): Promise<SecretRow[]> {
    const rows: SecretRow[] = [];
    const asked = this.#asked;
    while (rows.length < this.matched && asked === this.#asked) {
      const view = await this.fetch(this.#query(rows.length, 4_096));
      rows.push(...view.rows);
      if (view.rows.length === 0) break;
    }
    return rows;
  }

  #begin(fromTop: boolean): void {
    this.#asked += 1;
    this.#underway.clear();
    if (fromTop) this.#wanted = { first: 0, last: 0 };
    void this.#ask(this.#wanted.first, this.#wanted.last);
  }

  #has(page: number): boolean {
    return this.#pages.has(page) || this.#underway.has(page) || page * pageSize >= this.matched;
  }

  #query(offset: number, limit: number): Query {
    const { filter, sort, descending, stagedOnly } = this;
    return { filter, sort, descending, stagedOnly, offset, limit };
  }

  async #ask(first: number, last: number): Promise<void> {
    const asked = this.#asked;
    for (let page = first; page <= last; page += 1) this.#underway.add(page);
    try {
      const view = await this.fetch(this.#query(first * pageSize, (last - first + 1) * pageSize));
      if (asked !== this.#asked) return;
      this.#take(view, first, last);
    } catch (thrown) {
      if (asked !== this.#asked) return;
      for (let page = first; page <= last; page += 1) this.#underway.delete(page);
      this.failed(thrown);
    }
  }

  #take(view: RowsView, first: number, last: number): void {
    const pages = new Map(this.#shown === this.#asked ? this.#pages : []);
    for (let page = first; page <= last; page += 1) {
      const at = (page - first) * pageSize;
      pages.set(page, view.rows.slice(at, at + pageSize));
      this.#underway.delete(page);
    }
    this.#shown = this.#asked;
    this.#pages = pages;
    this.total = view.total;
    this.matched = view.matched;
    this.answers += 1;
    this.look(this.#wanted.first * pageSize, (this.#wanted.last + 1) * pageSize);
  }
}
