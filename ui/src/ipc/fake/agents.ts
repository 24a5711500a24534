import { VaultError } from "../vault";
import type { AccessAsk, AgentCommands, AgentRow, AgentsView, AlarmRow, BrokerState, FakeTokenRow, HeldRow, LiveRow, PolicySpec, ProviderView, SecretPolicySpec } from "../vault";
import { agentSeeds, builtInProviders, emptyPolicy, liveSeeds } from "./agentData";
import { day, minute, people } from "./data";
import { simulate } from "./simulate";
import type { World } from "./world";

const every = 2_500;

/** Agents in memory. They act where the scenario says so; every secure window says yes at once. */
export function fakeAgents(world: World): AgentCommands {
  const { alone, broker: begins, acts } = world.scenario;
  const at = (ago: number) => world.started - ago;
  let state: BrokerState = begins ?? (alone ? "off" : "running");
  let next = 1;
  let agents: AgentRow[] = alone ? [] : agentSeeds.map((seed) => ({
    id: seed.id, name: seed.name, responsible: seed.responsible, state: seed.running === null ? "idle" : "running", why: null,
    sessions: seed.running === null ? [] : [{ id: `ses_${seed.id}`, since: at(seed.running), process: seed.process, calls: seed.calls, bytes: seed.bytes, paused: false }],
    calls: seed.calls, callsLimit: seed.policy.requests, bytes: seed.bytes, bytesLimit: seed.policy.bytes, held: 0,
    endsAt: seed.ends === null ? null : world.started + seed.ends, issuedAt: at(seed.issued), link: seed.link, policy: seed.policy,
    tokens: seed.tokens.map(([provider, made, used], index) => ({ id: `ftk_${seed.name}_${index}`, provider, madeAt: at(made), lastUse: used === null ? null : at(used), endsAt: null })),
  }));
  let live: LiveRow[] = alone ? [] : [...liveSeeds].reverse().map(([before, agent, method, host, path, uses, decision, why, status, millis], index) => ({
    id: index + 1, at: at(before), agent, agentId: agents.find((one) => one.name === agent)?.id ?? "", method, host, path, uses, decision, why, status, millis, bytes: status === null ? null : 1_840 + index * 977, process: agentSeeds.find((one) => one.name === agent)?.process ?? null,
  }));
  let changes: number[] = live.map((row) => row.id);
  let held: HeldRow[] = alone || state === "stopped" ? [] : drawnHeld();
  let asks: AccessAsk[] = alone ? [] : [{ id: "ask_1", agentId: "agt_triage", agent: "triage", provider: "github", reason: "to open an issue in acme/web for the crash in checkout", at: at(4 * minute) }];
  const alarms: AlarmRow[] = world.scenario.alarm ? [{ id: "alm_1", at: at(3 * minute), agentId: "agt_docs", agent: "docs-writer", host: "paste.example.net", why: "A fake token for GitHub was sent to a host that it does not belong to." }] : [];
  const policies = new Map<string, SecretPolicySpec>(alone ? [] : [["env_sf_prod sec_sfp_s15", { hosts: ["api.stripe.com"], ports: [443], methods: ["GET", "POST"], paths: ["/v1/**"], auth: { kind: "bearer" }, private: false, approval: false, uses: null, notAfterMs: null, rate: null, mints: [], ca: null }]]);

  function drawnHeld(): HeldRow[] {
    const row = (agent: string) => live.findLast((one) => one.agent === agent && one.decision === "held")?.id ?? 0;
    return [
      {
        id: row("refund-desk"), agentId: "agt_refund", agent: "refund-desk", sentence: { parts: [{ text: "Refund ", strong: false }, { text: "€42.00", strong: true }, { text: " to customer cus_P8r2k", strong: false }] }, detail: "Order 10-88231, reason “duplicate charge”",
        method: "POST", host: "api.stripe.com", path: "/v1/refunds", uses: "STRIPE_SECRET_KEY", place: "storefront / prod", process: "/usr/bin/refund-desk, pid 48213", responsible: people.mara, rule: "refunds", askedAt: at(24_000), endsAt: world.started + 48_000, alike: { count: 3, last: at(352_000) },
      },
      {
        id: row("docs-writer"), agentId: "agt_docs", agent: "docs-writer", sentence: { parts: [{ text: "Write the file ", strong: false }, { text: "README.md", strong: true }, { text: " in acme/docs", strong: false }] }, detail: "“fix the broken link in the first paragraph”",
        method: "PUT", host: "api.github.com", path: "/repos/acme/docs/contents/README.md", uses: "CDN_PURGE_TOKEN", place: "storefront / dev", process: "/usr/bin/node, pid 51007", responsible: people.ines, rule: "write docs", askedAt: at(34_000), endsAt: world.started + 81_000, alike: { count: 0, last: null },
      },
    ];
  }

  function tell(rows = true): void {
    world.emit("agentsChanged", { live: rows, held: held.length });
  }

  function put(row: LiveRow): void {
    live = [...live.filter((one) => one.id !== row.id), row].slice(-5_000);
    changes = [...changes, row.id].slice(-5_000);
  }

  let changed = changes.length;
  function touch(row: LiveRow): void {
    put(row);
    changed += 1;
  }

  function settle(id: number, decision: LiveRow["decision"], why: string | null, millis: number | null): void {
    const row = live.find((one) => one.id === id);
    held = held.filter((one) => one.id !== id);
    if (row) touch({ ...row, decision, why, millis, status: millis === null ? null : 200, bytes: millis === null ? null : 2_210 });
    tell();
  }

  function find(id: string): AgentRow {
    const row = agents.find((one) => one.id === id);
    if (!row) throw new VaultError({ code: "notFound" });
    return row;
  }

  function change(id: string, part: Partial<AgentRow>): void {
    find(id);
    agents = agents.map((one) => (one.id === id ? { ...one, ...part } : one));
    tell(false);
  }

  /** One request of an agent that runs, and now and then one that waits. */
  function step(): void {
    const running = agents.filter((one) => one.state === "running" && one.policy.rules.length > 0);
    for (const one of held.filter((row) => row.endsAt <= Date.now())) settle(one.id, "denied", "nobody answered in time", null);
    const agent = running[next % Math.max(1, running.length)];
    if (!agent || state !== "running") return;
    next += 1;
    const drawn = liveSeeds.filter((seed) => seed[1] === agent.name && seed[6] !== "held");
    const seed = drawn[next % Math.max(1, drawn.length)];
    if (!seed) return;
    const id = live.reduce((most, row) => Math.max(most, row.id), 0) + 1;
    const asks = next % 16 === 0 ? drawnHeld().find((row) => row.agentId === agent.id) : undefined;
    const [, , method, host, path, uses, decision, why, status, millis] = seed;
    const row: LiveRow = { id, at: Date.now(), agent: agent.name, agentId: agent.id, method, host, path, uses, decision, why, status, millis: millis === null ? null : millis + (next * 37) % 90, bytes: status === null ? null : 900 + next * 131, process: agent.sessions[0]?.process ?? null };
    touch(asks ? { ...row, method: asks.method, host: asks.host, path: asks.path, uses: asks.uses, decision: "held", why: null, status: null, millis: null, bytes: null } : row);
    if (asks) held = [...held, { ...asks, id, askedAt: Date.now(), endsAt: Date.now() + 90_000 }];
    const [session] = agent.sessions;
    if (session) change(agent.id, { calls: agent.calls + 1, bytes: agent.bytes + 20_000, sessions: [{ ...session, calls: session.calls + 1, bytes: session.bytes + 20_000 }] });
    tell();
  }
  if (acts) setInterval(step, every);

  function view(): AgentsView {
    const stopped = state === "stopped";
    return {
      broker: { state, address: state === "running" || stopped ? "127.0.0.1:7411" : null, why: state === "failed" ? "The program strongroom-broker is not beside the app." : null },
      canManage: world.role() === "owner" || world.role() === "admin", me: world.me(),
      agents: agents.map((one) => ({ ...one, state: stopped && one.state !== "ended" ? "stopped" : one.state, sessions: stopped ? [] : one.sessions, held: held.filter((row) => row.agentId === one.id).length })),
      held: [...held].sort((one, other) => one.endsAt - other.endsAt), asks, alarms,
      people: [people.mara, people.ines, people.teo, people.jun, people.priya],
    };
  }

  function providers(): ProviderView[] {
    const own = new Map(agents.flatMap((agent) => agent.policy.providers.map((one) => [one.id, one] as const)));
    const by = (id: string) => agents.filter((agent) => agent.policy.rules.some((rule) => rule.provider === id)).map(({ id: agentId, name }) => ({ id: agentId, name }));
    return [...builtInProviders, ...[...own.values()].map((one): ProviderView => ({ ...one, builtIn: false, capabilities: [], agents: [] }))].map((one) => ({ ...one, agents: by(one.id) }));
  }

  function end(rows: AgentRow[], ended: AgentRow["state"]): void {
    const ids = new Set(rows.map((one) => one.id));
    for (const one of held.filter((row) => ids.has(row.agentId))) settle(one.id, "denied", "stopped by a person", null);
    agents = agents.map((one) => (ids.has(one.id) ? { ...one, state: ended, sessions: [], calls: 0, bytes: 0 } : one));
  }

  return {
    agentsView: async () => view(),
    async agentsLive(after) {
      const fresh = new Set(changes.slice(Math.max(0, changes.length - (changed - after))));
      return { rows: live.filter((row) => fresh.has(row.id)), next: changed };
    },
    async agentSave(id, name, responsible, policy, endsAt) {
      const person = view().people.find((one) => one.id === responsible) ?? world.me();
      if (agents.some((one) => one.name === name && one.id !== id)) throw new VaultError({ code: "nameTaken", name });
      const signed = { name, responsible: person, policy: named(policy), endsAt, callsLimit: policy.requests, bytesLimit: policy.bytes, issuedAt: Date.now(), link: world.link() + 1 };
      if (id === null) agents = [...agents, { id: `agt_new_${next++}`, state: "idle", why: null, sessions: [], calls: 0, bytes: 0, held: 0, tokens: [], ...signed }];
      else change(id, signed);
      if (state === "off") state = "running";
      world.sign("agent", 1, name);
      tell(false);
      return null;
    },
    async agentEnd(id) {
      const row = find(id);
      end([row], "ended");
      change(id, { why: `Ended by ${world.me().name}.`, tokens: [] });
      world.sign("agentEnd", 1, row.name);
      return null;
    },
    agentPolicy: async (id) => find(id).policy,
    async secretPolicyView(envId, secretId) {
      const spec = policies.get(`${envId} ${secretId}`);
      const by = agents.filter((agent) => agent.policy.rules.some((rule) => rule.secrets.some((one) => one.envId === envId && one.secretId === secretId)));
      return spec ? { spec, agents: by.map(({ id, name }) => ({ id, name })) } : null;
    },
    async secretPolicySave(envId, secretId, spec) {
      if (spec) policies.set(`${envId} ${secretId}`, spec);
      else policies.delete(`${envId} ${secretId}`);
      world.sign("secretPolicy", 1, world.environments().find((one) => one.id === envId)?.secrets.find((one) => one.id === secretId)?.name ?? null);
      world.emit("envChanged", { envId });
      return null;
    },
    policySimulate: async (agentId, policy, request) => simulate(policy ?? (agentId === null ? emptyPolicy : find(agentId).policy), request),
    providersView: async () => providers(),
    async fakeTokenNew(agentId, provider, replaces) {
      const made: FakeTokenRow = { id: `ftk_new_${next++}`, provider, madeAt: Date.now(), lastUse: null, endsAt: Date.now() + 90 * day };
      change(agentId, { tokens: [...find(agentId).tokens.filter((one) => one.id !== replaces), made] });
      return null;
    },
    async fakeTokenRevoke(id) {
      const owner = agents.find((agent) => agent.tokens.some((one) => one.id === id));
      if (owner) change(owner.id, { tokens: owner.tokens.filter((one) => one.id !== id) });
      return null;
    },
    async brokerStart() {
      state = "running";
      tell(false);
      return null;
    },
    async brokerStop(agentId) {
      if (agentId === null) {
        end(agents.filter((one) => one.state === "running"), "idle");
        state = "stopped";
      } else end([find(agentId)], "stopped");
      tell();
      return null;
    },
    async brokerResume(agentId) {
      if (agentId === null) state = "running";
      else change(agentId, { state: "idle" });
      tell(false);
      return null;
    },
    operatorShow: async () => null,
    async approvalOpen(heldId) {
      if (!held.some((one) => one.id === heldId)) throw new VaultError({ code: "notFound" });
      settle(heldId, "approved", null, 240);
      return null;
    },
    async accessAskDismiss(id) {
      asks = asks.filter((one) => one.id !== id);
      tell(false);
      return null;
    },
  };

  /** Names and places of secrets are the vault's, not the window's. */
  function named(policy: PolicySpec): PolicySpec {
    const environments = world.environments();
    return {
      ...policy,
      rules: policy.rules.map((rule) => ({
        ...rule,
        secrets: rule.secrets.map((one) => {
          const name = environments.find((env) => env.id === one.envId)?.secrets.find((secret) => secret.id === one.secretId)?.name ?? one.name;
          return { ...one, name, place: world.place(one.envId) };
        }),
      })),
    };
  }
}
