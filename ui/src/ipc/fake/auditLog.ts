import type { AuditAnswer, AuditKind, AuditLevel, AuditQuery, AuditTimeline, PrincipalView } from "../vault";
import { day, hour, minute, people } from "./data";
import type { World } from "./world";

/** A log in columns, as the real index keeps it, and the search over it. Rows are made up, once, from one seed. */

type Kind = { kind: AuditKind; verb: string; level: AuditLevel };

export const levels = ["signed", "seen", "derived", "doubtful"] as const satisfies readonly AuditLevel[];
export const kinds: readonly [Kind, ...Kind[]] = [
  { kind: "revealed", verb: "Revealed", level: "signed" },
  { kind: "copied", verb: "Copied", level: "signed" },
  { kind: "injected", verb: "Injected", level: "signed" },
  { kind: "brokered", verb: "Brokered", level: "signed" },
  { kind: "decrypted", verb: "Decrypted", level: "signed" },
  { kind: "exported", verb: "Exported", level: "signed" },
  { kind: "approved", verb: "Approved", level: "signed" },
  { kind: "linkSigned", verb: "Signed link", level: "signed" },
  { kind: "commitSigned", verb: "Signed commit", level: "signed" },
  { kind: "signedIn", verb: "Signed in", level: "seen" },
  { kind: "envFetched", verb: "Fetched", level: "seen" },
  { kind: "historyFetched", verb: "Fetched history", level: "seen" },
  { kind: "auditFetched", verb: "Read log", level: "seen" },
  { kind: "chainFetched", verb: "Fetched chain", level: "seen" },
  { kind: "linkAppended", verb: "Appended link", level: "derived" },
  { kind: "commitAppended", verb: "Appended commit", level: "derived" },
  { kind: "refused", verb: "Refused", level: "seen" },
  { kind: "rateLimited", verb: "Slowed down", level: "seen" },
];
const routine: ReadonlySet<AuditKind> = new Set<AuditKind>(["chainFetched", "auditFetched", "joinsFetched", "keysetFetched"]);
const peopleKinds = [0, 1, 1, 1, 4, 4, 4, 7, 8, 9, 10, 10, 11, 12, 13, 13, 14, 15];
const tokenKinds = [2, 2, 2, 2, 2, 10, 10, 10, 4, 4, 16];
const agentKinds = [3, 3, 3, 6, 17];

export type Actor = { view: PrincipalView; gone: boolean; device: string; peer: string };
export type Column = { at: number; kind: number; level: number; gap: boolean; who: number; env: number; secret: number; number: number };

const person = (one: (typeof people)[keyof typeof people], device: string, peer: string, gone = false): Actor => ({ view: { kind: "person", ...one }, gone, device, peer });
const machine = (kind: "token" | "agent", name: string, initials: string, device: string, peer: string): Actor => ({ view: { kind, id: `${kind === "token" ? "tok" : "agt"}_${name}`, name, initials, you: false }, gone: false, device, peer });

const actors: Actor[] = [
  person(people.mara, "mara-laptop", "10.4.2.17"),
  person(people.priya, "priya-desk", "10.4.2.31"),
  person(people.ines, "ines-mbp", "10.4.2.22"),
  person(people.teo, "teo-air", "10.4.2.40"),
  person(people.jun, "jun-linux", "10.4.3.8"),
  person(people.lena, "lena-mbp", "10.4.3.12"),
  person(people.ada, "ada-xps", "10.4.2.9"),
  person(people.oskar, "oskar-pc", "198.51.100.24", true),
  machine("token", "deploy-prod", "dp", "runner-7", "10.8.0.9"),
  machine("token", "ci-staging", "cs", "runner-3", "10.8.0.4"),
  machine("token", "edge-build", "eb", "runner-2", "10.8.0.5"),
  machine("agent", "refund-desk", "rd", "mara-laptop", "127.0.0.1"),
  machine("agent", "triage", "tr", "mara-laptop", "127.0.0.1"),
];
const nobody: Actor = { view: { kind: "person", id: "", name: "", initials: "", you: false }, gone: false, device: "", peer: "203.0.113.77" };
const none = 0xffff;

/** Numbers that look like chance and are always the same. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The last rows, oldest first: minutes before now, actor, kind, environment, name, number. */
const drawn: [number, number, string, string, string, number][] = [
  [133, 4, "copied", "env_sf_dev", "FEATURE_FLAG_SDK_KEY", 0], [118, 6, "auditFetched", "", "", 534], [106, 12, "rateLimited", "env_edge_dev", "", 60],
  [83, 0, "linkSigned", "env_edge_prod", "", 412], [83, 0, "linkAppended", "env_edge_prod", "", 412], [66, 8, "envFetched", "env_edge_prod", "", 11], [66, 8, "injected", "env_edge_prod", "", 11],
  [38, 2, "commitSigned", "env_sf_stg", "", 1847], [38, 2, "commitAppended", "env_sf_stg", "", 1847], [20, 1, "signedIn", "", "", 0], [20, 1, "decrypted", "env_pay_prod", "STRIPE_PAYOUT_KEY", 0],
  [19, 1, "revealed", "env_pay_prod", "STRIPE_PAYOUT_KEY", 0], [15, 9, "refused", "env_pay_prod", "", 403], [8, 0, "approved", "env_sf_prod", "", 0], [8, 11, "brokered", "env_sf_prod", "STRIPE_SECRET_KEY", 0],
  [4, 0, "envFetched", "env_sf_prod", "", 38], [3, 0, "copied", "env_sf_prod", "STRIPE_SECRET_KEY", 0],
];

type Group = "levels" | "kinds" | "who" | "envs" | "secrets" | "outcomes";
const groups: readonly Group[] = ["levels", "kinds", "who", "envs", "secrets", "outcomes"];

export class AuditLog {
  size = 0;
  readonly actors = [...actors, nobody];
  readonly envs: { id: string; place: string; gone: boolean }[];
  readonly secrets: { id: string; env: number; name: string; known: boolean }[] = [];
  #at: Float64Array;
  #cells: Uint16Array;
  #number: Uint32Array;
  readonly #roll = dice(7);
  readonly #firstSecret: number[] = [];

  constructor(world: World, total: number) {
    const room = total + 100_000;
    this.#at = new Float64Array(room);
    this.#cells = new Uint16Array(room * 5);
    this.#number = new Uint32Array(room);
    this.envs = [...world.environments().map((env) => ({ id: env.id, place: world.place(env.id), gone: false })), { id: "env_old", place: "legacy / prod", gone: true }];
    world.environments().forEach((env, at) => {
      this.#firstSecret[at] = this.secrets.length;
      for (const one of env.secrets) this.secrets.push({ id: one.id, env: at, name: one.name, known: true });
      this.secrets.push({ id: `sec_lost_${at}`, env: at, name: `7q${at}f…${at}c2e`, known: false });
    });
    this.#fill(world.started, total);
  }

  #fill(now: number, total: number): void {
    if (total === 0) return;
    const span = 14 * day;
    const made = Math.max(0, total - drawn.length);
    const weights = Array.from({ length: 14 * 8 }, (_, slot) => (0.55 + 0.45 * Math.sin((slot % 8) / 8 * 6.28 - 1.6)) * (slot === 83 || slot === 84 ? 2.4 : 1) + this.#roll() * 0.5);
    const sum = weights.reduce((all, one) => all + one, 0);
    const start = now - span;
    let row = 0;
    let due = 0;
    weights.forEach((weight, slot) => {
      due += (made * weight) / sum;
      const here = Math.round(due) - row;
      const length = slot === weights.length - 1 ? 3 * hour - 140 * minute : 3 * hour;
      for (let index = 0; index < here; index += 1) this.#put(start + slot * 3 * hour + Math.floor((length * index) / here), this.#chance());
      row += here;
    });
    for (const [before, who, kind, envId, name, number] of drawn.slice(-total)) {
      const env = envId === "" ? none : this.envs.findIndex((one) => one.id === envId);
      const secret = this.secrets.findIndex((one) => one.env === env && one.name === name);
      const kindAt = kinds.findIndex((one) => one.kind === kind);
      this.#put(now - before * minute + 8_000, { kind: kindAt, level: levels.indexOf(kinds[kindAt]?.level ?? "seen"), gap: false, who, env: Math.max(env, 0) === env ? env : none, secret: secret < 0 ? none : secret, number });
    }
  }

  #chance(): Omit<Column, "at"> {
    const roll = this.#roll;
    const machineActed = roll() < 0.62;
    const who = roll() < 0.0006 ? this.actors.length - 1 : machineActed ? 8 + Math.floor(roll() ** 2 * 5) : Math.floor(roll() ** 1.5 * 8);
    const choice = who === this.actors.length - 1 ? [16] : who >= 11 ? agentKinds : who >= 8 ? tokenKinds : peopleKinds;
    let kind = choice[Math.floor(roll() * choice.length)] ?? 10;
    if (kind === 16 && roll() > 0.03) kind = 10;
    const level = roll() < 0.000003 ? 3 : levels.indexOf(kinds[kind]?.level ?? "seen");
    const inEnv = ![9, 12, 13].includes(kind) && who !== this.actors.length - 1;
    const env = !inEnv ? none : roll() < 0.004 ? this.envs.length - 1 : [2, 2, 2, 5, 5, 1, 0, 3, 4, 6, 8][Math.floor(roll() * 11)] ?? 0;
    const valued = kind <= 5 && env !== none && env < this.envs.length - 1;
    const first = this.#firstSecret[env] ?? 0;
    const many = (this.#firstSecret[env + 1] ?? this.secrets.length) - first;
    return { kind, level, gap: roll() < 0.00001, who, env, secret: valued && kind !== 2 && many > 0 ? first + Math.floor(roll() ** 2 * many) : none, number: kind === 16 ? 403 : kind === 7 || kind === 14 ? 1 + Math.floor(roll() * 411) : 1 + Math.floor(roll() * 40) };
  }

  #put(at: number, { kind, level, gap, who, env, secret, number }: Omit<Column, "at">): void {
    this.#at[this.size] = at;
    this.#cells.set([kind, level + (gap ? 8 : 0), who, env, secret], this.size * 5);
    this.#number[this.size] = number;
    this.size += 1;
  }

  /** New rows, as if others had just acted. */
  append(count: number, now = Date.now()): void {
    for (let index = 0; index < count; index += 1) this.#put(Math.max(now, this.#at[this.size - 1] ?? 0), { ...this.#chance(), kind: 1, level: 0, gap: false, who: index % 7, env: 2, secret: this.#firstSecret[2] ?? 0 });
  }

  row(row: number): Column {
    const at = row * 5;
    const level = this.#cells[at + 1] ?? 0;
    return { at: this.#at[row] ?? 0, kind: this.#cells[at] ?? 0, level: level & 7, gap: level >= 8, who: this.#cells[at + 2] ?? 0, env: this.#cells[at + 3] ?? none, secret: this.#cells[at + 4] ?? none, number: this.#number[row] ?? 0 };
  }

  /** The nearest row of the same actor, in one direction. */
  neighbour(row: number, step: 1 | -1): number | null {
    const { who } = this.row(row);
    for (let at = row + step; at >= 0 && at < this.size; at += step) if (this.#cells[at * 5 + 2] === who) return at;
    return null;
  }

  /** Filters, counts and draws in one pass, as the real index does. */
  ask(query: AuditQuery, base: number): Omit<AuditAnswer, "id" | "tookMicros" | "state"> & { rows: Uint32Array } {
    const named: ReadonlySet<AuditKind> = new Set(query.kinds);
    const left = kinds.map(({ kind }) => query.quiet && routine.has(kind) && !named.has(kind));
    const passes = this.#passes(query);
    const text = this.#text(query.text);
    const counts = groups.map(() => new Uint32Array(none + 1));
    const rows = new Uint32Array(this.size - base);
    const timed = new Uint32Array(this.size - base);
    const from = query.from ?? -Infinity;
    const to = query.to ?? Infinity;
    const values = new Uint16Array(groups.length);
    let matched = 0;
    let drawn = 0;
    for (let row = base; row < this.size; row += 1) {
      const cell = row * 5;
      const kind = this.#cells[cell] ?? 0;
      if (left[kind] || (text && !text(row))) continue;
      values[0] = (this.#cells[cell + 1] ?? 0) & 7;
      values[1] = kind;
      values[2] = this.#cells[cell + 2] ?? 0;
      values[3] = this.#cells[cell + 3] ?? 0;
      values[4] = this.#cells[cell + 4] ?? 0;
      values[5] = kind >= 16 ? 1 : 0;
      let failing = -1;
      let fails = 0;
      for (let group = 0; group < 6; group += 1) {
        if (passes[group]?.[values[group] ?? 0] === 0) {
          fails += 1;
          failing = group;
        }
      }
      if (fails > 1) continue;
      if (fails === 0) timed[drawn++] = row;
      const at = this.#at[row] ?? 0;
      if (at < from || at >= to) continue;
      if (fails === 0) rows[matched++] = row;
      for (let group = fails === 0 ? 0 : failing; group <= (fails === 0 ? 5 : failing); group += 1) {
        const all = counts[group];
        const value = values[group] ?? 0;
        if (all) all[value] = (all[value] ?? 0) + 1;
      }
    }
    const found = counts.map((all) => [...all.entries()].filter(([value, count]) => count > 0 && value !== none));
    return { total: this.size - base, matched, rows: rows.subarray(0, matched), facets: this.#facets(found), timeline: this.#timeline(timed.subarray(0, drawn)) };
  }

  /** For each group that is filtered: 1 where a value passes. */
  #passes(query: AuditQuery): (Uint8Array | undefined)[] {
    const make = (values: number[]) => {
      if (values.length === 0) return undefined;
      const table = new Uint8Array(none + 1);
      for (const value of values) if (value >= 0) table[value] = 1;
      return table;
    };
    return [
      make(query.levels.map((one) => levels.indexOf(one))),
      make(query.kinds.map((one) => kinds.findIndex(({ kind }) => kind === one))),
      make(query.who.map((id) => this.actors.findIndex((one) => one.view.id === id))),
      make(query.envs.map((id) => this.envs.findIndex((one) => one.id === id))),
      make(query.secrets.map(({ secretId }) => this.secrets.findIndex((one) => one.id === secretId))),
      make(query.outcomes.map((one) => (one === "refused" ? 1 : 0))),
    ];
  }

  #text(text: string): ((row: number) => boolean) | null {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return null;
    const tables = words.map((word) => {
      const hits = (texts: readonly string[]) => texts.map((one) => one.toLowerCase().includes(word));
      return { kinds: hits(kinds.map((one) => one.verb)), who: hits(this.actors.map((one) => `${one.view.name} ${one.peer} ${one.device}`)), envs: hits(this.envs.map((one) => one.place)), secrets: hits(this.secrets.map((one) => one.name)), number: /^\d+$/.test(word) ? Number(word) : -1 };
    });
    return (row) => tables.every((table) => {
      const { kind, who, env, secret, number } = this.row(row);
      return table.kinds[kind] || table.who[who] || table.envs[env] || table.secrets[secret] || table.number === number;
    });
  }

  #facets(counts: [number, number][][]): AuditAnswer["facets"] {
    const most = (group: Group) => [...(counts[groups.indexOf(group)] ?? [])].sort((one, other) => other[1] - one[1]);
    return {
      levels: most("levels").map(([at, count]) => ({ level: levels[at] ?? "seen", count })),
      kinds: most("kinds").map(([at, count]) => ({ ...(kinds[at] ?? kinds[0]), count })),
      who: most("who").map(([at, count]) => {
        const actor = this.actors[at] ?? nobody;
        return { who: actor === nobody ? null : actor.view, gone: actor.gone, count };
      }),
      envs: most("envs").map(([at, count]) => ({ envId: this.envs[at]?.id ?? "", place: this.envs[at]?.place ?? "", gone: this.envs[at]?.gone ?? false, count })),
      secrets: most("secrets").slice(0, 50).map(([at, count]) => {
        const secret = this.secrets[at];
        return { envId: this.envs[secret?.env ?? 0]?.id ?? "", secretId: secret?.id ?? "", name: secret?.name ?? "", known: secret?.known ?? false, count };
      }),
      outcomes: most("outcomes").map(([at, count]) => ({ outcome: at === 1 ? "refused" : "done", count })),
    };
  }

  #timeline(rows: Uint32Array): AuditTimeline {
    const first = rows[0];
    const last = rows[rows.length - 1];
    if (first === undefined || last === undefined) return { from: 0, to: 0, bars: [] };
    const from = this.#at[first] ?? 0;
    const width = Math.max(1, Math.ceil(((this.#at[last] ?? 0) + 1 - from) / 60));
    const bars = Array.from({ length: 60 }, (_, at) => ({ from: from + at * width, signed: 0, seen: 0, derived: 0, doubtful: 0 }));
    for (const row of rows) {
      const bar = bars[Math.min(59, Math.floor(((this.#at[row] ?? 0) - from) / width))];
      if (bar) bar[levels[(this.#cells[row * 5 + 1] ?? 0) & 7] ?? "seen"] += 1;
    }
    return { from, to: from + 60 * width, bars };
  }
}
