import type { AuditAnswer, AuditRow } from "../../ipc/vault";

export const pageSize = 200;
/** Pages kept: 16,000 rows around where one has been. */
const keptPages = 80;
const atOnce = 2;

type Fetch = (id: number, from: number, count: number) => Promise<AuditRow[]>;

/**
 * The rows of one answer, in pages.
 *
 * Pages are counted from the oldest row, whichever way the list is shown: new rows then change no page
 * but the last, and turning the order round fetches nothing.
 */
export class LogRows {
  matched = $state(0);
  newestFirst = $state(true);
  #pages = $state.raw<ReadonlyMap<number, AuditRow[]>>(new Map());
  #answer = 0;
  #wanted: number[] = [];
  #underway = new Set<number>();

  constructor(
    readonly fetch: Fetch,
    readonly failed: (thrown: unknown) => void,
  ) {}

  at(index: number): AuditRow | undefined {
    const rank = this.rank(index);
    return this.#pages.get(Math.floor(rank / pageSize))?.[rank % pageSize];
  }

  rank(index: number): number {
    return this.newestFirst ? this.matched - 1 - index : index;
  }

  /** A later row than the one above it, on another day. Unknown until both are here. */
  opensDay(index: number): boolean {
    const row = index > 0 ? this.at(index) : undefined;
    const above = row && this.at(index - 1);
    return row !== undefined && above !== undefined && dayOf(row.at) !== dayOf(above.at);
  }

  /** Another answer. `grown`: to the same question, so that the rows before the new ones are the same. */
  take(answer: Pick<AuditAnswer, "id" | "matched">, grown: boolean): void {
    this.#answer = answer.id;
    this.#underway.clear();
    if (grown) {
      const partial = Math.floor(this.matched / pageSize);
      this.#pages = new Map([...this.#pages].filter(([page, rows]) => page !== partial || rows.length === pageSize));
    } else {
      this.#pages = new Map();
      this.#wanted = [];
    }
    this.matched = answer.matched;
    this.#next();
  }

  /** These rows are in view; those ahead of the way it moves come next. */
  look(from: number, to: number, ahead: 1 | -1): void {
    const page = (index: number) => Math.floor(this.rank(Math.max(0, Math.min(index, this.matched - 1))) / pageSize);
    const reach = to - from + pageSize;
    const further = ahead > 0 ? [page(to + reach), page(from - reach)] : [page(from - reach), page(to + reach)];
    this.#wanted = [...new Set([page(from), page(to - 1), ...further])];
    this.#next();
  }

  /** Where an entry stands, or -1; none when another answer came meanwhile. Entries rise with their rank, so it is found by halving. */
  async find(entry: number): Promise<number | null> {
    const answer = this.#answer;
    let low = 0;
    let high = this.matched - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const here = this.#pages.get(Math.floor(middle / pageSize))?.[middle % pageSize] ?? (await this.fetch(answer, middle, 1))[0];
      if (answer !== this.#answer) return null;
      if (!here) return -1;
      if (here.entry === entry) return this.newestFirst ? this.matched - 1 - middle : middle;
      if (here.entry < entry) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #next(): void {
    for (const page of this.#wanted) {
      if (this.#underway.size >= atOnce) return;
      if (page * pageSize < this.matched && !this.#pages.has(page) && !this.#underway.has(page)) void this.#ask(page);
    }
  }

  async #ask(page: number): Promise<void> {
    const answer = this.#answer;
    this.#underway.add(page);
    try {
      const rows = await this.fetch(answer, page * pageSize, pageSize);
      if (answer !== this.#answer) return;
      this.#keep(page, rows);
    } catch (thrown) {
      if (answer !== this.#answer) return;
      this.#wanted = this.#wanted.filter((one) => one !== page);
      this.failed(thrown);
    }
    this.#underway.delete(page);
    this.#next();
  }

  #keep(page: number, rows: AuditRow[]): void {
    const pages = new Map(this.#pages).set(page, rows);
    for (const [old] of pages) {
      if (pages.size <= keptPages) break;
      if (!this.#wanted.includes(old)) pages.delete(old);
    }
    this.#pages = pages;
  }
}

let from = 0;
let until = 0;

/** The beginning of the local day. Neighbours are mostly of one day, so the last answer is kept. */
function dayOf(at: number): number {
  if (at < from || at >= until) {
    from = new Date(at).setHours(0, 0, 0, 0);
    until = new Date(from).setHours(24, 0, 0, 0);
  }
  return from;
}
