import { explainThrown } from "../ipc/explain";
import { VaultError } from "../ipc/vault";
import type { IconName } from "./icons";

export type Notice = {
  id: number;
  icon: IconName;
  tone: "ok" | "staged" | "danger" | "plain";
  /** Plain words before and after `name`, which is drawn in mono. */
  text: string;
  name?: string | undefined;
  after?: string | undefined;
  /** Only for what is not signed yet. */
  undo?: (() => void) | undefined;
};

const visibleFor = 5_000;

/** At most one toast, and the two live regions that speak for the window. */
export class Notices {
  toast = $state.raw<Notice | null>(null);
  polite = $state("");
  assertive = $state("");
  #timer: ReturnType<typeof setTimeout> | null = null;
  #next = 1;

  show(notice: Omit<Notice, "id">): void {
    this.toast = { ...notice, id: this.#next++ };
    this.say([notice.text, notice.name, notice.after].filter(Boolean).join(" ").replace(" ,", ","));
    this.resume();
  }

  /** Says what went wrong, once. What the person called off themselves is no news. */
  fail(thrown: unknown): void {
    if (thrown instanceof VaultError && thrown.detail.code === "cancelled") return;
    this.show({ icon: "alert", tone: "danger", text: explainThrown(thrown) });
  }

  say(text: string): void {
    // A region that already holds these words would stay silent.
    this.polite = this.polite === text ? `${text}\u00a0` : text;
  }

  alarm(text: string): void {
    this.assertive = text;
  }

  /** While pointer or focus is on the toast it stays. */
  hold(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  resume(): void {
    this.hold();
    this.#timer = setTimeout(() => (this.toast = null), visibleFor);
  }

  dismiss(): void {
    this.hold();
    this.toast = null;
  }

  /** On lock nothing that names a secret may stay behind. */
  forget(): void {
    this.dismiss();
    this.polite = "";
    this.assertive = "";
  }

  /** Runs a command; a failure becomes a toast and `undefined`. */
  async attempt<T>(command: Promise<T>): Promise<T | undefined> {
    try {
      return await command;
    } catch (thrown) {
      this.fail(thrown);
      return undefined;
    }
  }
}

export const notices = new Notices();
