import type { AgentsView, LiveDecision, LiveRow, ProviderView, Vault } from "../../ipc/vault";
import { notices } from "../../shared/notices.svelte";
import { Loaded } from "../../shared/loaded.svelte";

/** Rows that the window keeps; the audit log has them all. */
const kept = 5_000;

/** What the window knows of agents: the view, the providers, and the strip of requests. */
export class Agents {
  readonly view: Loaded<AgentsView>;
  readonly providers: Loaded<ProviderView[]>;
  /** Newest first, as they are shown: while the view is paused, as they were then. */
  rows = $state.raw<LiveRow[]>([]);
  /** How many came while the view was paused. */
  missed = $state(0);
  paused = $state(false);
  /** How many rows came in before the first that was shown. */
  oncoming: (rows: number) => void = () => undefined;
  #live: LiveRow[] = [];
  #after = 0;
  #asking = false;
  #again = false;

  constructor(readonly vault: Vault) {
    this.view = new Loaded(() => vault.agentsView());
    this.providers = new Loaded(() => vault.providersView());
  }

  start(): () => void {
    const { vault } = this;
    void this.reload();
    void this.#follow();
    const stops = [
      vault.on("agentsChanged", ({ live }) => {
        void this.view.reload();
        if (live) void this.#follow();
      }),
      vault.on("teamChanged", () => void this.reload()),
    ];
    return () => stops.forEach((stop) => stop());
  }

  async reload(): Promise<void> {
    await Promise.all([this.view.reload(), this.providers.reload()]);
  }

  pause(paused: boolean): void {
    this.paused = paused;
    if (paused) return;
    this.missed = 0;
    this.#show();
  }

  /** Asks for what came since; while an answer is under way the next question waits. */
  async #follow(): Promise<void> {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    do {
      this.#again = false;
      try {
        const { rows, next } = await this.vault.agentsLive(this.#after);
        this.#after = next;
        this.#take(rows);
      } catch (thrown) {
        notices.fail(thrown);
      }
    } while (this.#again);
    this.#asking = false;
  }

  #take(rows: readonly LiveRow[]): void {
    if (rows.length === 0) return;
    const changed = new Map(rows.map((row) => [row.id, row]));
    const known = new Set(this.#live.map((row) => row.id));
    const came = rows.filter((row) => !known.has(row.id)).sort((one, other) => other.id - one.id);
    this.#live = [...came, ...this.#live.map((row) => changed.get(row.id) ?? row)].slice(0, kept);
    if (this.paused) {
      this.missed += came.length;
      // What is on the screen stays where it is, but says what became of it.
      this.rows = this.rows.map((row) => changed.get(row.id) ?? row);
    } else this.#show();
  }

  #show(): void {
    const before = this.rows[0]?.id;
    this.rows = this.#live;
    if (before === undefined) return;
    const came = this.rows.findIndex((row) => row.id === before);
    if (came > 0) this.oncoming(came);
  }
}

export type LiveFilter = { text: string; agentId: string | null; decision: LiveDecision | null };

export const everyRow: LiveFilter = { text: "", agentId: null, decision: null };

/** The rows that a filter leaves. Every word has to occur somewhere in a row. */
export function filtered(rows: readonly LiveRow[], { text, agentId, decision }: LiveFilter): readonly LiveRow[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && agentId === null && decision === null) return rows;
  return rows.filter((row) => {
    if (agentId !== null && row.agentId !== agentId) return false;
    if (decision !== null && row.decision !== decision) return false;
    const plain = `${row.agent} ${row.method} ${row.host}${row.path} ${row.uses ?? ""} ${row.why ?? ""} ${row.status ?? ""}`.toLowerCase();
    return words.every((word) => plain.includes(word));
  });
}
