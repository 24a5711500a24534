import { VaultError } from "../vault";
import type { AuditCommands, AuditEntry, AuditRow, AuditState, AuditVerified, NewLogView, SavedView, WitnessView } from "../vault";
import { AuditLog, kinds, levels } from "./auditLog";
import { day, hour, minute, people } from "./data";
import type { World } from "./world";

const digits = "0123456789abcdef";
const hex = (seed: number, length: number) => Array.from({ length }, (_, at) => digits[(Math.imul(seed + at * 7 + 3, 0x9e3779b1) >>> (at % 24)) & 15]).join("");
const numbers = new Intl.NumberFormat("en");

/** The audit log in memory: every answer is made by looking at its rows. */
export class FakeAudit {
  #log: AuditLog | null = null;
  readonly #answers = new Map<number, Uint32Array>();
  #next = 1;
  #last: AuditVerified | null = null;
  #own: SavedView[] = [];
  #following: ReturnType<typeof setInterval> | null = null;
  #witness: WitnessView | null = null;
  #reading: { soFar: number; of: number } | null = null;
  #base = 0;

  #newLogs: NewLogView[];

  constructor(readonly world: World) {
    const { scenario, started } = world;
    this.#newLogs = scenario.log !== "anew" ? [] : [{ link: 411, by: { kind: "person", ...people.priya }, at: started - 2 * hour, size: 1_203_100, verifiedHere: 1_204_911, differs: false, newKey: false, acknowledged: false }];
  }

  /** Made when it is first looked at: most tests never do. */
  get log(): AuditLog {
    return (this.#log ??= this.#make());
  }

  #make(): AuditLog {
    const { log, audit = 50_000 } = this.world.scenario;
    const total = log === "empty" || log === "unread" ? 0 : audit;
    if (log === "reading") this.#reading = { soFar: Math.floor(total / 3), of: total };
    if (log === "retired") this.#base = Math.floor(total / 10);
    return new AuditLog(this.world, total);
  }

  /** Others acted: rows arrive, and the window hears of it. */
  grow(count: number): void {
    this.log.append(count);
    this.world.emit("auditChanged", this.state());
  }

  /** Goes on reading until everything is here. */
  read(soFar: number): void {
    if (this.#reading) this.#reading = soFar >= this.#reading.of ? null : { ...this.#reading, soFar };
    this.world.emit("auditChanged", this.state());
  }

  state(): AuditState {
    const { size } = this.log;
    const { world } = this;
    return { readable: world.scenario.log !== "hidden" && world.role() !== "member", size: this.#reading ? 0 : size, reading: this.#reading !== null, readSoFar: this.#reading?.soFar ?? size, toRead: this.#reading?.of ?? size, settledAt: world.scenario.log === "unread" ? null : world.started - 12_000, base: this.#base, indexBytes: size * 40 };
  }

  #row(row: number): AuditRow {
    const cell = this.log.row(row);
    const { kind, verb } = kinds[cell.kind] ?? kinds[0];
    const actor = this.log.actors[cell.who];
    const secret = this.log.secrets[cell.secret];
    const place = this.log.envs[cell.env]?.place ?? null;
    // An agent signs nothing: whoever answers for it does.
    const agent = actor?.view.kind === "agent" ? actor.view : null;
    const person = agent ? this.log.actors[0]?.view : actor?.view;
    const level = row === this.bad() ? "doubtful" : (levels[cell.level] ?? "seen");
    return {
      entry: row, at: cell.at, level, flaw: level === "doubtful" ? "doubtful" : cell.gap ? "gap" : null, who: person && person.id !== "" ? person : null, gone: actor?.gone ?? false, agent,
      kind, verb, refused: kind === "refused" || kind === "rateLimited", name: secret?.name ?? null, nameKnown: secret?.known ?? true,
      object: secret ? "" : objectOf(kind, cell.number), place, peer: actor?.peer ?? "", device: level === "signed" ? (actor?.device ?? "") : "",
    };
  }

  /** The row that does not hold, where the log was tampered with. */
  bad(): number | null {
    return this.world.scenario.log === "bad" ? Math.max(0, this.log.size - 400) : null;
  }

  #entry(row: number): AuditEntry {
    const shown = this.#row(row);
    const cell = this.log.row(row);
    const { size } = this.log;
    const who = shown.who?.name ?? "Nobody";
    const sentence = {
      signed: `${who}'s key signed this on ${shown.device}, and the server could not have made it up. It does not prove what was done with the value afterwards.`,
      seen: "The server says so. It could have left this row out or made it up; it cannot change it any more.",
      derived: "Follows from a signed link or commit that this computer has checked. The time is the server's word.",
      doubtful: "This row claims a signature that does not hold. Somebody wrote it who does not have the key.",
    }[shown.level];
    return {
      row: shown, sentence, before: this.log.neighbour(row, -1), after: this.log.neighbour(row, 1), link: `strongroom://vault.acme.example/org_1/audit/${row}`,
      proof: { size, root: hex(size, 64), hashes: Array.from({ length: Math.ceil(Math.log2(Math.max(2, size))) }, (_, at) => hex(row + at, 64)), verified: true, text: "c2sp.org/tlog-proof@v1\n" },
      fields: [
        { label: "Entry", text: numbers.format(row), mono: true },
        { label: "Leaf hash", text: hex(row, 64), mono: true },
        { label: "Time by the server", text: new Date(shown.at).toISOString(), mono: true },
        { label: "Kind", text: shown.kind, mono: true },
        ...(shown.who ? [{ label: "Actor", text: shown.who.id, mono: true }] : []),
        ...(shown.peer ? [{ label: "Seen from", text: shown.peer, mono: true }] : []),
        { label: "Chain seen", text: `link 412, ${hex(row + 5, 64)}`, mono: true },
        ...(cell.env < this.log.envs.length ? [{ label: "Environment", text: this.log.envs[cell.env]?.id ?? "", mono: true }] : []),
        ...(cell.secret < this.log.secrets.length ? [{ label: "Secret", text: this.log.secrets[cell.secret]?.id ?? "", mono: true }] : []),
        ...(shown.level === "signed" ? [{ label: "Actor's own count", text: numbers.format(1 + (row % 4_000)), mono: true }, { label: "Signature", text: hex(row + 11, 128), mono: true }] : []),
      ],
    };
  }

  #verified(tookMs: number): AuditVerified {
    const entries = this.log.size - this.#base;
    const bad = this.bad();
    const holds = bad === null;
    const n = numbers.format;
    return {
      ok: holds, entries, at: Date.now(), tookMs,
      steps: [
        { id: "checkpoint", title: "Checkpoint signature", detail: "by the key named in link 0", ok: true },
        { id: "grew", title: "Nothing was cut or rewritten", detail: `grew from your pin at ${n(Math.max(0, entries - 534))}`, ok: true },
        { id: "included", title: "Every row is included", detail: holds ? `${n(entries)} hashes, one root` : "the root of these rows is not the signed one", ok: holds },
        { id: "signed", title: "Signed rows are signed", detail: `${n(Math.floor(entries * 0.51))} signatures, counted without a gap`, ok: holds ? true : null },
        { id: "own", title: "Your own rows are there", detail: "3,912 of 3,912 from mara-laptop", ok: holds ? true : null },
        { id: "others", title: "Others saw the same log", detail: this.world.scenario.alone ? "nobody else has countersigned yet" : "4 desktops, last one 6 min ago", ok: this.world.scenario.alone ? null : true },
      ],
      bad: bad === null ? null : { entry: bad, why: "Its hash is not the one that the tree was built from: the row was changed after it was written." },
      lastGood: holds ? null : `entry ${n(Math.max(0, entries - 534))}, countersigned by Ines Calder 2 h ago`,
      root: hex(entries, 64), anchor: { link: 409, at: this.world.started - day, size: entries - 2_000 }, clockAheadMs: 400,
      limits: ["That seen rows are true: only signed rows prove who acted, the others are the server's word.", "That nothing else happened: what no client signed and no server saw leaves no row.", "That the server's clock was right."],
    };
  }

  commands(): AuditCommands {
    return {
      auditAsk: async (query) => {
        const begun = performance.now();
        const state = this.state();
        const found = !state.readable || state.size === 0 ? null : this.log.ask(query, this.#base);
        const id = this.#next++;
        this.#answers.set(id, found?.rows ?? new Uint32Array());
        this.#answers.delete(id - 8);
        const facets = found?.facets ?? { levels: [], kinds: [], who: [], envs: [], secrets: [], outcomes: [] };
        return { id, total: found?.total ?? 0, matched: found?.matched ?? 0, tookMicros: Math.round((performance.now() - begun) * 1_000), facets, timeline: found?.timeline ?? { from: 0, to: 0, bars: [] }, state };
      },
      auditRows: async (id, from, count, newestFirst) => {
        const rows = this.#answers.get(id);
        if (!rows) throw new VaultError({ code: "notFound" });
        return Array.from({ length: Math.max(0, Math.min(count, 200, rows.length - from)) }, (_, at) => this.#row(rows[newestFirst ? rows.length - 1 - from - at : from + at] ?? 0));
      },
      auditEntry: async (entry) => {
        if (entry < this.#base || entry >= this.log.size) throw new VaultError({ code: "notFound" });
        return this.#entry(entry);
      },
      auditVerify: async () => {
        const begun = Date.now();
        await this.world.work("verifyLog", this.log.size, true);
        this.#last = this.#verified(Date.now() - begun || 8_400);
        return this.#last;
      },
      auditVerified: async () => this.#last,
      auditState: async () => this.state(),
      auditCompare: async (size) => {
        const at = size ?? this.log.size;
        if (at > this.log.size || at < 1) throw new VaultError({ code: "notFound" });
        return { size: at, code: codeOf(at), sentence: `Whoever reads the same code for ${numbers.format(at)} entries has read the same log up to there, entry by entry.` };
      },
      auditCompareWith: async (line) => {
        const [size = "", ...code] = line.trim().split(/\s+/);
        if (Number(size) > this.log.size) return "unknown";
        return code.join("").replaceAll("-", "").toLowerCase() === codeOf(Number(size)).replaceAll(" ", "") ? "same" : "differs";
      },
      auditExport: async (_query, format) => {
        await this.world.work("exportLog", 100, true);
        return `/home/mara/audit-2026-11-22.${format === "bundle" ? "strongroom-bundle" : format}`;
      },
      auditProofSave: async (entry) => `/home/mara/entry-${entry}.tlog-proof`,
      auditFollow: async (on) => {
        if (this.#following) clearInterval(this.#following);
        this.#following = on ? setInterval(() => this.grow(2), 2_000) : null;
        return null;
      },
      auditSeen: async () => null,
      auditViews: async () => this.#own,
      auditViewSave: async (name, query) => {
        const id = this.#own.find((one) => one.name === name)?.id ?? `view_${this.#next++}`;
        this.#own = [...this.#own.filter((one) => one.id !== id), { id, name, query, builtIn: false }].sort((one, other) => one.name.localeCompare(other.name));
        return this.#own;
      },
      auditViewDelete: async (id) => {
        this.#own = this.#own.filter((one) => one.id !== id);
        return this.#own;
      },
      auditRetain: async () => {
        this.#base = Math.floor(this.log.size / 10);
        this.world.sign("auditRetention", 1);
        this.world.emit("auditChanged", this.state());
        return null;
      },
      auditNewLogs: async () => this.#newLogs,
      auditNewLogAcknowledge: async (link) => {
        this.#newLogs = this.#newLogs.map((one) => (one.link === link ? { ...one, acknowledged: true } : one));
        return null;
      },
      auditReset: async () => {
        this.world.sign("auditReset", 1);
        return null;
      },
      witnessView: async () => this.#witness,
      witnessSet: async (url, vkey) => {
        this.#witness = { url, name: vkey.split("+")[0] ?? "", vkey, last: { at: Date.now() - 4 * minute, size: this.log.size }, problem: null };
        return this.#witness;
      },
      witnessRemove: async () => {
        this.#witness = null;
        return null;
      },
    };
  }
}

/** Eight groups of four letters and digits of base 32. */
export function codeOf(size: number): string {
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  return Array.from({ length: 32 }, (_, at) => letters[(Math.imul(size + at * 13, 0x85ebca6b) >>> 11) & 31]).join("").replace(/(.{4})(?=.)/g, "$1 ");
}

function objectOf(kind: string, number: number): string {
  const n = numbers.format(number);
  switch (kind) {
    case "envFetched":
      return `${n} ${number === 1 ? "envelope" : "envelopes"}`;
    case "injected":
      return `${n} ${number === 1 ? "secret" : "secrets"}`;
    case "historyFetched":
      return `${n} ${number === 1 ? "commit" : "commits"}`;
    case "auditFetched":
      return `${n} ${number === 1 ? "row" : "rows"}`;
    case "linkSigned":
    case "linkAppended":
      return `link ${n}, grant`;
    case "commitSigned":
    case "commitAppended":
      return `commit ${n}`;
    case "refused":
      return "no grant";
    case "rateLimited":
      return "60 per minute";
    case "signedIn":
      return "from a known device";
    case "approved":
      return "refund-desk, once";
    default:
      return "";
  }
}
