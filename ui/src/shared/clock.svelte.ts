/** One clock for every countdown and every "8 s ago". It stands still while the window is hidden. */
class Clock {
  now = $state(Date.now());
  #timer: ReturnType<typeof setInterval> | null = null;

  start(): () => void {
    const tick = () => (this.now = Date.now());
    const follow = () => {
      if (this.#timer) clearInterval(this.#timer);
      this.#timer = document.hidden ? null : setInterval(tick, 1_000);
      tick();
    };
    document.addEventListener("visibilitychange", follow);
    follow();
    return () => {
      document.removeEventListener("visibilitychange", follow);
      if (this.#timer) clearInterval(this.#timer);
      this.#timer = null;
    };
  }
}

export const clock = new Clock();
