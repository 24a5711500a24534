/** Whether a media query holds, followed while watched. */
export class Media {
  matches = $state(false);
  readonly #query: MediaQueryList;

  constructor(query: string) {
    this.#query = window.matchMedia(query);
    this.matches = this.#query.matches;
  }

  watch(): () => void {
    const follow = () => (this.matches = this.#query.matches);
    this.#query.addEventListener("change", follow);
    follow();
    return () => this.#query.removeEventListener("change", follow);
  }
}
