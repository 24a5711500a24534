import type { ConflictRow, EnvClass, EnvView, PersonView, RowsQuery, RowsView, SecretDetail, SecretRow, StagedRow } from "../vault";
import { VaultError } from "../vault";
import { day, people } from "./data";
import type { FakeEnvSeed, FakeSecret } from "./data";

type Stored = Omit<FakeSecret, "before"> & { at: number };
type Change = { op: "add" | "change" | "delete"; name: string; note: string | null; what: ("name" | "value" | "note")[]; at: number };
type Staged = ReadonlyMap<string, Change>;

/** One environment in memory: what is signed, what is staged over it, and the way back. */
export class FakeEnvironment {
  readonly id: string;
  name: string;
  class: EnvClass;
  commit = 1847;
  conflicts: ConflictRow[] = [];
  due = false;
  lostAt: number | null = null;
  #secrets = new Map<string, Stored>();
  #staged: Staged = new Map();
  #undo: Staged[] = [];
  #redo: Staged[] = [];
  #next = 1;

  constructor(seed: FakeEnvSeed, readonly app: { id: string; name: string }, readonly me: PersonView, started: number) {
    this.id = seed.id;
    this.name = seed.name;
    this.class = seed.class;
    for (const { before, ...secret } of seed.secrets) this.#secrets.set(secret.id, { ...secret, at: started - before });
  }

  get count(): number {
    return this.#secrets.size;
  }

  get stagedCount(): number {
    return this.#staged.size;
  }

  view(): EnvView {
    const ops = [...this.#staged.values()].map((one) => one.op);
    return {
      id: this.id, appId: this.app.id, appName: this.app.name, name: this.name, class: this.class,
      epoch: 7, count: this.count, readable: this.lostAt === null, writable: this.lostAt === null && !this.due, commit: this.commit, historyVerified: true, readers: 3,
      due: this.due, lostAt: this.lostAt,
      staged: {
        added: ops.filter((op) => op === "add").length,
        changed: ops.filter((op) => op === "change").length,
        deleted: ops.filter((op) => op === "delete").length,
        canUndo: this.#undo.length > 0,
        canRedo: this.#redo.length > 0,
      },
    };
  }

  rows(query: RowsQuery): RowsView {
    const wanted = query.filter.toLowerCase();
    const all = this.#all();
    const kept = all.filter((row) => {
      if (query.stagedOnly && row.staged === null) return false;
      return wanted === "" || row.name.toLowerCase().includes(wanted) || (row.note ?? "").toLowerCase().includes(wanted);
    });
    const sign = query.descending ? -1 : 1;
    kept.sort((a, b) => {
      const by = query.sort === "name" ? 0 : query.sort === "version" ? a.version - b.version : a.changedAt - b.changedAt;
      return sign * (by || (a.name < b.name ? -1 : 1));
    });
    const rows = kept.slice(query.offset, query.offset + query.limit).map((row) => {
      const at = wanted === "" ? -1 : row.name.toLowerCase().indexOf(wanted);
      return { ...row, matches: at < 0 ? [] : ([[at, at + wanted.length]] as [number, number][]) };
    });
    return { total: all.length, matched: kept.length, offset: query.offset, rows };
  }

  detail(id: string): SecretDetail {
    const stored = this.#secrets.get(id);
    const change = this.#staged.get(id);
    if (!stored && !change) throw new VaultError({ code: "notFound" });
    const version = stored?.version ?? 0;
    return {
      id, name: change?.name ?? stored?.name ?? "", note: change ? change.note : (stored?.note ?? null), version, staged: change?.op ?? null,
      readers: [
        ...(this.lostAt === null ? [{ person: people.mara, link: 12, rights: "RWG", endsAt: null }] : []),
        { person: people.ines, link: 88, rights: "RW", endsAt: null },
        { person: people.teo, link: 301, rights: "R", endsAt: Date.now() + 3 * day },
      ],
      versions: Array.from({ length: version }, (_, index) => ({
        version: version - index,
        by: index % 2 === 0 ? (stored?.by ?? this.me) : people.ines,
        at: (stored?.at ?? 0) - index * 62 * day,
        commit: this.commit - index * 31,
        deleted: false,
      })),
    };
  }

  /** Ids and names of what is signed. */
  names(): { id: string; name: string }[] {
    return [...this.#secrets.values()].map(({ id, name }) => ({ id, name }));
  }

  nameOf(id: string): string {
    return this.#staged.get(id)?.name ?? this.#secrets.get(id)?.name ?? "";
  }

  has(name: string): boolean {
    return this.#all().some((row) => row.name === name && row.staged !== "delete");
  }

  stageAdd(name: string, note: string | null = null): void {
    this.#stage(`sec_new_${this.id}_${this.#next++}`, { op: "add", name, note, what: ["name", "value"], at: Date.now() });
  }

  stageAll(rows: { name: string; op: "add" | "change" }[]): void {
    for (const row of rows) {
      const known = [...this.#secrets.values()].find((one) => one.name === row.name);
      if (known) this.stageChange(known.id, "value");
      else this.stageAdd(row.name);
    }
  }

  stageChange(id: string, what: "name" | "value" | "note", change: { name?: string; note?: string | null } = {}): void {
    const stored = this.#secrets.get(id);
    const before = this.#staged.get(id);
    const op = before?.op === "add" || !stored ? "add" : "change";
    if (change.name !== undefined) {
      if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(change.name)) throw new VaultError({ code: "badName", reason: "a name begins with a letter and holds letters, digits and _" });
      if (change.name !== this.nameOf(id) && this.has(change.name)) throw new VaultError({ code: "nameTaken", name: change.name });
    }
    this.#stage(id, {
      op,
      name: change.name ?? before?.name ?? stored?.name ?? "",
      note: change.note !== undefined ? change.note : before ? before.note : (stored?.note ?? null),
      what: [...new Set([...(before?.what ?? []), what])],
      at: Date.now(),
    });
  }

  stageDelete(ids: string[]): void {
    const next = new Map(this.#staged);
    for (const id of ids) {
      if (this.#staged.get(id)?.op === "add") next.delete(id);
      else next.set(id, { op: "delete", name: this.nameOf(id), note: this.#secrets.get(id)?.note ?? null, what: [], at: Date.now() });
    }
    this.#replace(next);
  }

  stagedList(): StagedRow[] {
    return [...this.#staged]
      .map(([secretId, change]) => {
        const from = this.#secrets.get(secretId)?.version ?? null;
        return { secretId, name: change.name, op: change.op, fromVersion: from, toVersion: (from ?? 0) + 1, what: change.what, at: change.at };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  undo(): void {
    const last = this.#undo.pop();
    if (!last) return;
    this.#redo.push(this.#staged);
    this.#staged = last;
  }

  redo(): void {
    const next = this.#redo.pop();
    if (!next) return;
    this.#undo.push(this.#staged);
    this.#staged = next;
  }

  drop(id: string): void {
    const next = new Map(this.#staged);
    next.delete(id);
    this.#replace(next);
  }

  discard(): void {
    this.#replace(new Map());
  }

  /** Signs what is staged; the number of changes, or the conflicts in the way. */
  sign(): { changes: number } | { conflicts: ConflictRow[] } {
    const standing = this.conflicts.filter((one) => this.#staged.has(one.secretId));
    if (standing.length > 0) return { conflicts: standing };
    const changes = this.#staged.size;
    for (const [id, change] of this.#staged) {
      const stored = this.#secrets.get(id);
      if (change.op === "delete") this.#secrets.delete(id);
      else this.#secrets.set(id, { id, kind: stored?.kind ?? "text", name: change.name, note: change.note, version: (stored?.version ?? 0) + 1, by: this.me, at: Date.now() });
    }
    this.#staged = new Map();
    this.#undo = [];
    this.#redo = [];
    this.commit += 1;
    return { changes };
  }

  resolve(id: string, keep: "theirs" | "mine"): void {
    const conflict = this.conflicts.find((one) => one.secretId === id);
    const stored = this.#secrets.get(id);
    if (conflict && stored) this.#secrets.set(id, { ...stored, version: conflict.theirVersion, by: conflict.theirBy, at: conflict.theirAt });
    this.conflicts = this.conflicts.filter((one) => one.secretId !== id);
    if (keep === "theirs") this.drop(id);
  }

  #stage(id: string, change: Change): void {
    this.#replace(new Map(this.#staged).set(id, change));
  }

  #replace(next: Staged): void {
    this.#undo.push(this.#staged);
    this.#redo = [];
    this.#staged = next;
  }

  #all(): SecretRow[] {
    const rows: SecretRow[] = [];
    for (const one of this.#secrets.values()) {
      const change = this.#staged.get(one.id);
      rows.push({
        id: one.id, name: change?.name ?? one.name, version: one.version, changedBy: change ? this.me : one.by, changedAt: change?.at ?? one.at,
        note: change ? change.note : one.note, matches: [], kind: one.kind, staged: change?.op ?? null, nextVersion: change?.op === "change" ? one.version + 1 : null,
      });
    }
    for (const [id, change] of this.#staged) {
      if (change.op !== "add") continue;
      rows.push({ id, name: change.name, version: 0, changedBy: this.me, changedAt: change.at, note: change.note, matches: [], kind: "text", staged: "add", nextVersion: 1 });
    }
    return rows;
  }
}
