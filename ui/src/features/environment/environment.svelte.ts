import type { ConflictRow, EnvView, ImportReport, SecretRow, StatusView, Vault } from "../../ipc/vault";
import type { Notices } from "../../shared/notices.svelte";
import { count, plural } from "../../shared/words";
import { Rows } from "./rows.svelte";

export type Sheet = "none" | "review" | "import" | "inspect";
type Copied = { secretId: string; name: string; at: number; clearsAt: number };

/** One environment on screen: its rows, what is selected, and what can be done with it. */
export class Environment {
  view = $state.raw<EnvView | null>(null);
  rows: Rows;
  /** Index of the row that has the focus and is shown in the inspector. */
  current = $state(0);
  /** Ids of the rows selected with X, for deleting several at once. */
  marked = $state.raw<ReadonlySet<string>>(new Set());
  sheet = $state<Sheet>("none");
  report = $state.raw<ImportReport | null>(null);
  conflicts = $state.raw<ConflictRow[]>([]);
  copied = $state.raw<Copied | null>(null);
  signing = $state(false);
  importing = $state(false);
  /** Counts up whenever something changed: what shows details asks again. */
  revision = $state(0);
  /** Verification stopped: reading goes on, nothing is staged or signed. */
  frozen = $state(false);
  writable = $derived(this.view?.writable === true && !this.frozen);
  row = $derived.by((): SecretRow | undefined => this.rows.row(this.current));
  #currentId: string | null = null;
  #anchor: number | null = null;

  constructor(
    readonly vault: Vault,
    readonly id: string,
    readonly notices: Notices,
  ) {
    this.rows = new Rows(
      (query) => vault.envRows({ ...query, envId: id }),
      (thrown) => notices.fail(thrown),
    );
  }

  start(): () => void {
    const stop = this.vault.on("envChanged", ({ envId }) => envId === this.id && void this.reload());
    const quiet = this.vault.on("statusChanged", (status) => this.#follow(status));
    void this.reload();
    return () => {
      stop();
      quiet();
      if (this.report) void this.vault.importDiscard(this.report.id).catch(() => undefined);
    };
  }

  async reload(): Promise<void> {
    const before = this.view ? stagedTotal(this.view) : null;
    this.rows.refresh();
    const view = await this.notices.attempt(this.vault.envOpen(this.id));
    if (!view) return;
    this.view = view;
    this.revision += 1;
    const now = stagedTotal(view);
    if (before !== null && now > before) this.notices.say(`${plural(now, "staged change")}. Nothing is sent until you sign.`);
  }

  // ---- moving and selecting

  move(index: number): void {
    this.current = Math.max(0, Math.min(index, this.rows.matched - 1));
    this.#currentId = this.rows.row(this.current)?.id ?? null;
  }

  /** Another filter or order begins at its first row. */
  top(): void {
    this.current = 0;
    this.#currentId = null;
  }

  /** After the rows changed: the same secret stays current if it is still near. */
  settle(): void {
    const at = this.#currentId === null ? -1 : this.rows.indexOf(this.#currentId);
    this.move(at >= 0 ? at : this.current);
  }

  /** Selects a row or gives it back; as a range, everything from the last such row on. */
  mark(index: number, range: boolean): void {
    const start = range ? (this.#anchor ?? index) : index;
    this.#anchor = index;
    const rows = this.rows.between(Math.min(start, index), Math.max(start, index));
    if (Array.isArray(rows)) this.#mark(rows, range);
    else void this.notices.attempt(rows).then((late) => late && this.#mark(late, range));
  }

  #mark(rows: SecretRow[], range: boolean): void {
    const marked = new Set(this.marked);
    for (const { id } of rows) {
      if (range || !marked.delete(id)) marked.add(id);
    }
    this.marked = marked;
    this.notices.say(`${plural(marked.size, "name")} selected`);
  }

  async markAll(): Promise<void> {
    const rows = await this.notices.attempt(this.rows.all());
    if (!rows) return;
    this.marked = new Set(rows.map((row) => row.id));
    this.notices.say(`${plural(rows.length, "name")} selected`);
  }

  unmark(): void {
    this.marked = new Set();
    this.#anchor = null;
  }

  // ---- one secret

  async copy(secretId: string): Promise<void> {
    const copied = await this.notices.attempt(this.vault.secretCopy(this.id, secretId));
    if (!copied) return;
    this.copied = { secretId, name: copied.name, at: Date.now(), clearsAt: copied.clearsAt };
    this.notices.say(`Copied ${copied.name}, clears in ${plural(Math.round((copied.clearsAt - Date.now()) / 1_000), "second")}`);
  }

  async reveal(secretId: string): Promise<void> {
    await this.notices.attempt(this.vault.secretReveal(this.id, secretId));
  }

  async edit(secretId: string): Promise<void> {
    if (this.writable) await this.notices.attempt(this.vault.secretEdit(this.id, secretId));
  }

  async add(): Promise<void> {
    if (this.writable) await this.notices.attempt(this.vault.secretNew(this.id));
  }

  async setNote(secretId: string, note: string): Promise<boolean> {
    return this.#stage(this.vault.secretNoteSet(this.id, secretId, note));
  }

  async rename(secretId: string, name: string): Promise<void> {
    this.#took(await this.vault.secretRename(this.id, secretId, name));
  }

  /** Stages the deletion of what is selected, or of one row. */
  async remove(row: SecretRow | undefined): Promise<void> {
    const ids = this.marked.size > 0 ? [...this.marked] : row && row.staged !== "delete" ? [row.id] : [];
    if (ids.length === 0 || !this.writable) return;
    const name = ids.length === 1 ? this.#nameOf(ids[0], row) : undefined;
    if (!(await this.#stage(this.vault.secretDelete(this.id, ids)))) return;
    this.unmark();
    this.notices.show({
      icon: "minus", tone: "staged", text: name ? "Staged: delete" : `Staged: delete ${plural(ids.length, "name")}`, name, undo: () => void this.undo(),
    });
  }

  async drop(secretId: string): Promise<void> {
    await this.#stage(this.vault.stagedDrop(this.id, secretId));
  }

  // ---- what is staged

  async undo(): Promise<void> {
    if (this.view?.staged.canUndo && (await this.#stage(this.vault.stagedUndo(this.id)))) this.notices.say("Undone");
  }

  async redo(): Promise<void> {
    if (this.view?.staged.canRedo && (await this.#stage(this.vault.stagedRedo(this.id)))) this.notices.say("Done again");
  }

  async discard(): Promise<void> {
    const total = this.view ? stagedTotal(this.view) : 0;
    if (total === 0 || !(await this.#stage(this.vault.stagedDiscard(this.id)))) return;
    this.conflicts = [];
    if (this.sheet === "review") this.sheet = "none";
    this.notices.show({ icon: "undo", tone: "staged", text: `Discarded ${plural(total, "staged change")}`, undo: () => void this.undo() });
  }

  async sign(): Promise<void> {
    if (this.signing || this.frozen) return;
    this.signing = true;
    const outcome = await this.notices.attempt(this.vault.stagedCommit(this.id));
    this.signing = false;
    if (outcome) this.#settled(outcome);
  }

  async resolve(conflict: ConflictRow, keep: "theirs" | "mine"): Promise<void> {
    if (await this.#stage(this.vault.conflictResolve(this.id, conflict.secretId, keep))) {
      this.conflicts = this.conflicts.filter((one) => one.secretId !== conflict.secretId);
    }
  }

  // ---- import

  async openImport(dropped: boolean): Promise<void> {
    if (!this.writable || this.importing) return;
    const asked = dropped ? this.vault.importDropped(this.id) : this.vault.importChoose(this.id);
    const report = await this.notices.attempt(asked);
    if (!report) return;
    await this.#forgetReport();
    this.report = report;
    this.sheet = "import";
  }

  /** Renames or chooses in the dry run. A refused name is thrown: the field that asked shows it. */
  async mend(asked: Promise<ImportReport>): Promise<void> {
    this.report = await asked;
  }

  async applyImport(): Promise<void> {
    const { report } = this;
    if (!report || this.importing) return;
    this.importing = true;
    this.sheet = "none";
    const outcome = await this.notices.attempt(this.vault.importApply(report.id));
    this.importing = false;
    if (!outcome) {
      // Cancelled or refused: nothing was written, and the dry run is as it was.
      this.sheet = "import";
      return;
    }
    this.report = null;
    this.#settled(outcome);
  }

  async closeSheet(): Promise<void> {
    if (this.sheet === "import") await this.#forgetReport();
    this.sheet = "none";
  }

  async #forgetReport(): Promise<void> {
    const { report } = this;
    this.report = null;
    if (report) await this.notices.attempt(this.vault.importDiscard(report.id));
  }

  #settled(outcome: Awaited<ReturnType<Vault["stagedCommit"]>>): void {
    this.sheet = "none";
    if (outcome.status === "signed") {
      this.conflicts = [];
      this.notices.show({ icon: "check", tone: "ok", text: `Signed commit ${count(outcome.commit)}` });
    } else {
      this.conflicts = outcome.conflicts;
      this.notices.alarm(`Not signed: ${plural(outcome.conflicts.length, "name")} changed meanwhile.`);
    }
    void this.reload();
  }

  async #stage(asked: Promise<EnvView>): Promise<boolean> {
    const view = await this.notices.attempt(asked);
    if (view) this.#took(view);
    return view !== undefined;
  }

  #took(view: EnvView): void {
    this.view = view;
    this.rows.refresh();
    this.revision += 1;
  }

  #nameOf(id: string | undefined, row: SecretRow | undefined): string | undefined {
    if (row && row.id === id) return row.name;
    return id === undefined ? undefined : this.rows.row(this.rows.indexOf(id))?.name;
  }

  #follow(status: StatusView): void {
    const { copied } = this;
    if (copied && (status.clipboard === null || status.clipboard.name !== copied.name)) this.copied = null;
  }
}

export function stagedTotal(view: EnvView): number {
  return view.staged.added + view.staged.changed + view.staged.deleted;
}
