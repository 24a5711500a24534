import { SvelteMap } from "svelte/reactivity";
import type { AgentRow, PolicySpec } from "../../ipc/vault";
import { same } from "./policy";

/** Policies that were changed and not signed yet. Leaving the screen keeps them, locking drops them. */
export class PolicyDrafts {
  #drafts = new SvelteMap<string, PolicySpec>();

  /** What is drawn: the draft, or what is signed. */
  of(agent: AgentRow): PolicySpec {
    return this.#drafts.get(agent.id) ?? agent.policy;
  }

  has(agentId: string): boolean {
    return this.#drafts.has(agentId);
  }

  change(agent: AgentRow, change: Partial<PolicySpec>): void {
    const next = { ...this.of(agent), ...change };
    if (same(next, agent.policy)) this.#drafts.delete(agent.id);
    else this.#drafts.set(agent.id, next);
  }

  discard(agentId: string): void {
    this.#drafts.delete(agentId);
  }

  /** What was signed meanwhile is no draft any more. */
  settle(agents: readonly AgentRow[]): void {
    for (const agent of agents) {
      const draft = this.#drafts.get(agent.id);
      if (draft && same(draft, agent.policy)) this.#drafts.delete(agent.id);
    }
  }
}
