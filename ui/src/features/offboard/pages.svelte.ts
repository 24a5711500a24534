import type { OffboardRows, OffboardSecret } from "../../ipc/vault";

const size = 128;

/** One tab of what a leaver could read, fetched in pages around what is in view. */
export class Pages {
  total = $state(0);
  loaded = $state(false);
  #rows = $state.raw<ReadonlyMap<number, OffboardSecret[]>>(new Map());
  #underway = new Set<number>();
  #generation = 0;
  #wanted = { first: 0, last: 0 };

  constructor(
    readonly fetch: (offset: number, limit: number) => Promise<OffboardRows>,
    readonly failed: (thrown: unknown) => void,
  ) {}

  at(index: number): OffboardSecret | undefined {
    return this.#rows.get(Math.floor(index / size))?.[index % size];
  }

  look(from: number, to: number): void {
    this.#wanted = { first: Math.floor(from / size), last: Math.floor(Math.max(from, to - 1) / size) };
    for (let page = this.#wanted.first; page <= this.#wanted.last; page += 1) {
      if (this.#rows.has(page) || this.#underway.has(page) || (this.loaded && page * size >= this.total)) continue;
      void this.#ask(page);
    }
  }

  /** Something changed: what is in view is asked again, and stays until the answer is here. */
  refresh(): void {
    this.#generation += 1;
    this.#underway.clear();
    for (let page = this.#wanted.first; page <= this.#wanted.last; page += 1) void this.#ask(page);
  }

  async #ask(page: number): Promise<void> {
    const mine = this.#generation;
    this.#underway.add(page);
    try {
      const answer = await this.fetch(page * size, size);
      if (mine !== this.#generation) return;
      const kept = [...this.#rows].filter(([at]) => at >= this.#wanted.first && at <= this.#wanted.last);
      this.#rows = new Map([...kept, [page, answer.rows] as const]);
      this.total = answer.total;
      this.loaded = true;
    } catch (thrown) {
      if (mine === this.#generation) this.failed(thrown);
    } finally {
      if (mine === this.#generation) this.#underway.delete(page);
    }
  }
}
