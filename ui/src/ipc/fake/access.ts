import type {
  AccessAxes, AccessCell, AccessChange, AccessCommands, AccessExplain, AccessReview, AccessStaged, AccessTile, EventPayload,
  ReviewPerson, VaultEvent, WhoRow, WhoSubject, WhoView,
} from "../vault";
import { VaultError } from "../vault";
import { acmeTeam, manyTeam } from "./accessData";
import type { Held, Team } from "./accessData";
import { day, hour, people } from "./data";

export type AccessScenario = {
  /** Principals and environments; without them those that are drawn. */
  size?: readonly [number, number];
  /** Begins with eight changes staged. */
  staged?: boolean;
  /** The data key of storefront / staging must be replaced. */
  due?: boolean;
};

type Emit = <K extends VaultEvent>(event: K, payload: EventPayload<K>) => void;
type Grant = { rights: number; endsAt: number | null };
type Staged = ReadonlyMap<number, Grant>;

const side = 32;
const words: Record<number, string> = { 1: "Read", 3: "Read and write", 7: "Read, write and grant" };
const dated = (at: number) => new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short" });

/** Who holds which key, in memory; the secure window that signs is played: everything staged is signed at once. */
export class FakeAccess implements AccessCommands {
  #version = 1;
  #team: Team;
  #signed = new Map<number, Held | null>();
  #staged: Staged = new Map();
  #undo: Staged[] = [];
  #redo: Staged[] = [];
  #link = 412;

  constructor(readonly scenario: AccessScenario = {}, readonly emit: Emit = () => undefined, readonly started = Date.now()) {
    this.#team = scenario.size ? manyTeam(...scenario.size) : acmeTeam();
    if (scenario.staged) this.#stageExample();
  }

  async accessAxes(): Promise<AccessAxes> {
    const { rows, columns } = this.#team;
    return {
      version: this.#version,
      rows,
      columns: columns.map((column, col) => ({ ...column, people: this.#people(col), due: this.scenario.due === true && column.envId === "env_sf_stg" })),
      staged: this.#summary(),
    };
  }

  async accessTile(_version: number, row: number, col: number): Promise<AccessTile> {
    const cells: AccessCell[] = [];
    const { rows, columns } = this.#team;
    for (let r = row * side; r < Math.min(rows.length, (row + 1) * side); r += 1) {
      for (let c = col * side; c < Math.min(columns.length, (col + 1) * side); c += 1) {
        const held = this.#held(r, c);
        const staged = this.#staged.get(this.#key(r, c)) ?? null;
        if (!held && !staged) continue;
        cells.push({ row: r, col: c, state: held?.state ?? "key", rights: held?.rights ?? 0, endsAt: this.#end(held), lastDecrypt: held?.decrypted == null ? null : this.started - held.decrypted, staged });
      }
    }
    return { version: this.#version, cells };
  }

  async accessStage(changes: AccessChange[]): Promise<AccessStaged> {
    const next = new Map(this.#staged);
    for (const change of changes) {
      const [row, col] = this.#place(change.principalId, change.envId);
      const held = this.#held(row, col);
      if (held?.state === "never" || this.#team.rows[row]?.principal.kind === "agent") throw new VaultError({ code: "notAllowed" });
      const same = (held?.rights ?? 0) === change.rights && (change.rights === 0 || this.#end(held) === change.endsAt);
      if (same) next.delete(this.#key(row, col));
      else next.set(this.#key(row, col), { rights: change.rights, endsAt: change.endsAt });
    }
    this.#undo.push(this.#staged);
    this.#redo = [];
    this.#staged = next;
    return this.#summary();
  }

  async accessUndo(): Promise<AccessStaged> {
    return this.#back(this.#undo, this.#redo);
  }

  async accessRedo(): Promise<AccessStaged> {
    return this.#back(this.#redo, this.#undo);
  }

  async accessDiscard(): Promise<AccessStaged> {
    this.#undo.push(this.#staged);
    this.#redo = [];
    this.#staged = new Map();
    return this.#summary();
  }

  async accessExplain(principalId: string, envId: string): Promise<AccessExplain> {
    const [row, col] = this.#place(principalId, envId);
    const held = this.#held(row, col);
    const who = this.#team.rows[row];
    const column = this.#team.columns[col];
    if (!who || !column) throw new VaultError({ code: "notFound" });
    const key = held?.state === "key";
    const since = this.started - 87 * day;
    const used = held?.decrypted == null ? null : this.started - held.decrypted;
    const rights = held?.rights ?? 0;
    return {
      principal: who.principal, trust: who.trust, place: this.#placeName(col), cls: column.cls, state: held?.state ?? "none", rights, endsAt: this.#end(held),
      epoch: key ? 7 : null, holdsSince: key ? since : null,
      because: rights > 0 ? { by: people.mara, link: 318, at: since } : null,
      role: who.role,
      lastFetched: used === null ? null : { at: used, from: "203.0.113.7" }, lastDecrypted: used === null ? null : { at: used, device: `${who.principal.name.split(" ")[0]?.toLowerCase() ?? ""}-air` },
      couldRead: key ? column.secrets : 0, used: key && used !== null ? Math.ceil(column.secrets * 0.28) : 0,
      sentence: this.#sentence(who.principal.name, held, rights),
    };
  }

  async accessReview(): Promise<AccessReview> {
    const gains = this.#sides((before, after) => after.rights > before.rights || (after.rights === before.rights && after.rights > 0));
    const loses = this.#sides((before, after) => after.rights < before.rights);
    const summary = this.#summary();
    const resealed = this.#losing().reduce((sum, col) => sum + (this.#team.columns[col]?.secrets ?? 0), 0);
    const unverified = gains.filter((one) => one.trust === "unverified");
    const what: AccessReview["what"] = [{ kind: "sign", text: `You sign ${summary.count} organisation links as Mara Lind, on this computer.`, compareWith: null }];
    if (summary.keysReplaced > 0) what.push({ kind: "rotate", text: `${summary.keysReplaced} data keys are replaced and ${resealed} secrets sealed again. About 20 s; it resumes if interrupted.`, compareWith: null });
    for (const one of loses) what.push({ kind: "warn", text: `${one.principal.name} decrypted 41 values and may still have them. They go to the queue “rotate at the source”.`, compareWith: null });
    for (const one of unverified) what.push({ kind: "warn", text: `${one.principal.name}’s key was never compared.`, compareWith: one.principal.id });
    return {
      gains, loses, what,
      check: unverified.length > 0 ? "I checked that an unverified person gains access to prod." : null,
      blocked: null, links: summary.count, keysReplaced: summary.keysReplaced, secretsResealed: resealed,
    };
  }

  async accessSign(): Promise<null> {
    const links = this.#staged.size;
    for (const [key, grant] of this.#staged) {
      const held = this.#signed.get(key) ?? this.#team.held(...this.#pair(key));
      this.#signed.set(key, grant.rights === 0 ? null : { state: "key", rights: grant.rights, endsIn: grant.endsAt === null ? null : grant.endsAt - this.started, decrypted: held?.decrypted ?? null });
    }
    this.#staged = new Map();
    this.#undo = [];
    this.#redo = [];
    this.#version += 1;
    this.#link += links;
    this.emit("signed", { what: "access", links, firstLink: this.#link - links + 1, lastLink: this.#link, subject: null });
    this.emit("teamChanged", {});
    return null;
  }

  async whoView(subject: WhoSubject): Promise<WhoView> {
    const { rows, columns } = this.#team;
    const all = rows.flatMap((_, row) => columns.flatMap((_, col) => this.#who(row, col, subject.kind === "secret")));
    if (subject.kind === "principal") {
      const who = rows.find((one) => one.principal.id === subject.id)?.principal;
      const mine = all.filter((one) => one.principal.id === subject.id);
      return { title: `What ${who?.name ?? "this principal"} can read`, subtitle: `${mine.length} environments`, rows: mine };
    }
    const envId = subject.kind === "environment" ? subject.id : subject.envId;
    const there = all.filter((one) => one.envId === envId);
    const col = columns.findIndex((one) => one.envId === envId);
    return { title: "Who can read this", subtitle: this.#placeName(col), rows: there };
  }

  /** Somebody else changed the organisation: tiles of the version before are stale. */
  changedElsewhere(principalId: string, envId: string, rights: number): void {
    const [row, col] = this.#place(principalId, envId);
    this.#signed.set(this.#key(row, col), rights === 0 ? null : { state: "key", rights, endsIn: null, decrypted: null });
    this.#version += 1;
  }

  // ---- what the commands are made of

  #key(row: number, col: number): number {
    return row * this.#team.columns.length + col;
  }

  #pair(key: number): [number, number] {
    return [Math.floor(key / this.#team.columns.length), key % this.#team.columns.length];
  }

  #place(principalId: string, envId: string): [number, number] {
    const row = this.#team.rows.findIndex((one) => one.principal.id === principalId);
    const col = this.#team.columns.findIndex((one) => one.envId === envId);
    if (row < 0 || col < 0) throw new VaultError({ code: "notFound" });
    return [row, col];
  }

  #placeName(col: number): string {
    const column = this.#team.columns[col];
    return column ? (column.group ? column.name : `${column.app} / ${column.name}`) : "";
  }

  #held(row: number, col: number): Held | null {
    const key = this.#key(row, col);
    const signed = this.#signed.get(key);
    return signed === undefined ? this.#team.held(row, col) : signed;
  }

  #end(held: Held | null): number | null {
    return held?.endsIn == null ? null : this.started + held.endsIn;
  }

  #people(col: number): number {
    return this.#team.rows.filter((row, at) => row.principal.kind === "person" && this.#held(at, col)?.state === "key").length;
  }

  #losing(): number[] {
    const columns = [...this.#staged].filter(([key, grant]) => grant.rights === 0 && this.#held(...this.#pair(key))?.state === "key").map(([key]) => this.#pair(key)[1]);
    return [...new Set(columns)];
  }

  #summary(): AccessStaged {
    const rowsWhere = (test: (grant: Grant) => boolean) => new Set([...this.#staged].filter(([, grant]) => test(grant)).map(([key]) => this.#pair(key)[0])).size;
    return {
      count: this.#staged.size, gains: rowsWhere((grant) => grant.rights > 0), loses: rowsWhere((grant) => grant.rights === 0),
      keysReplaced: this.#losing().length, canUndo: this.#undo.length > 0, canRedo: this.#redo.length > 0,
    };
  }

  #back(from: Staged[], to: Staged[]): AccessStaged {
    const last = from.pop();
    if (last) {
      to.push(this.#staged);
      this.#staged = last;
    }
    return this.#summary();
  }

  #sides(counts: (before: Grant, after: Grant) => boolean): ReviewPerson[] {
    const found = new Map<number, ReviewPerson>();
    for (const [key, after] of this.#staged) {
      const [row, col] = this.#pair(key);
      const who = this.#team.rows[row];
      const held = this.#held(row, col);
      if (!who || !counts({ rights: held?.rights ?? 0, endsAt: null }, after)) continue;
      const until = after.endsAt === null ? "" : `, until ${dated(after.endsAt)}`;
      const text = after.rights === 0 ? this.#placeName(col) : `${words[after.rights] ?? ""} ${this.#placeName(col)}${until}`;
      const one = found.get(row) ?? { principal: who.principal, trust: who.trust, note: who.leaving ? "leaves 30 Nov" : null, lines: [] };
      one.lines.push({ text, secrets: this.#team.columns[col]?.secrets ?? 0 });
      found.set(row, one);
    }
    return [...found.values()];
  }

  #sentence(name: string, held: Held | null, rights: number): string {
    if (!held) return `${name} holds no key here and may not read.`;
    if (held.state === "never") return `${name} is a reviewer and can never hold a key.`;
    if (held.state === "role") return `${name} may manage here and holds no key.`;
    if (held.state === "use") return `${name} uses values through the broker and never holds the key.`;
    return `May ${(words[rights] ?? "read").toLowerCase()} because Mara Lind granted it in link 318, wrapped in epoch 7.`;
  }

  #who(row: number, col: number, secret: boolean): WhoRow[] {
    const held = this.#held(row, col);
    const who = this.#team.rows[row];
    const column = this.#team.columns[col];
    if (!held || held.state !== "key" || !who || !column) return [];
    const used = held.decrypted === null ? null : this.started - held.decrypted;
    return [{
      principal: who.principal, trust: who.trust, place: this.#placeName(col), envId: column.envId, rights: held.rights, endsAt: this.#end(held),
      rule: "granted by Mara Lind", link: 300 + row, fetched: used, decrypted: used, revealed: secret && row % 3 === 0 ? used : null, copied: secret && row % 2 === 0 && used !== null ? used - hour : null,
    }];
  }

  #stageExample(): void {
    const at = (principal: string, env: string) => this.#key(...this.#place(principal, env));
    const gone: Grant = { rights: 0, endsAt: null };
    const staged = new Map<number, Grant>();
    for (const env of ["env_sf_dev", "env_sf_stg", "env_sf_prod", "env_pay_dev", "env_pay_stg", "env_grp_cloud"]) staged.set(at("usr_oskar", env), gone);
    staged.set(at("usr_noor", "env_sf_prod"), { rights: 1, endsAt: null });
    staged.set(at("usr_sam", "env_pay_prod"), { rights: 1, endsAt: this.started + 14 * day });
    this.#undo.push(this.#staged);
    this.#staged = staged;
  }
}
