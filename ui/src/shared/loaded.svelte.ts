/** One view that a screen shows: asked for again whenever something changed; late answers to older questions are dropped. */
export class Loaded<T> {
  value = $state.raw<T | null>(null);
  failed = $state.raw<unknown>(null);
  #asked = 0;

  constructor(readonly ask: () => Promise<T>) {}

  async reload(): Promise<void> {
    const mine = ++this.#asked;
    try {
      const value = await this.ask();
      if (mine !== this.#asked) return;
      this.value = value;
      this.failed = null;
    } catch (thrown) {
      if (mine === this.#asked) this.failed = thrown;
    }
  }
}
