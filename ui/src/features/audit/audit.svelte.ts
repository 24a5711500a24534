import { VaultError } from "../../ipc/vault";
import type { AuditAnswer, AuditEntry, AuditQuery, AuditState, AuditVerified, ProgressView, SavedView, Vault } from "../../ipc/vault";
import type { Notices } from "../../shared/notices.svelte";
import { LogRows } from "./logRows.svelte";
import { levelsOfTruth, outcomes } from "./kinds";
import { choose, chosen, everything, groups, rangeWords, same, secretKey, several, whatPeopleDid } from "./query";
import type { Group } from "./query";

/** Facets answer while rows arrive, but not more often than this. */
const breath = 400;
/** How long a row is selected before the panel beside it follows. */
const dwell = 60;

/** One filter, as it stands in the search field. */
export type FilterChip = { id: string; label: string; mono: boolean; without: AuditQuery };

export type Panel = "none" | "row" | "verify";

/** The state of the audit screen: one question, its answer, and what is looked at. */
export class Audit {
  query = $state.raw<AuditQuery>(whatPeopleDid);
  answer = $state.raw<AuditAnswer | null>(null);
  /** What the log is, as last heard. */
  log = $state.raw<AuditState | null>(null);
  failed = $state.raw<unknown>(null);
  views = $state.raw<SavedView[]>([]);
  live = $state(false);
  /** The selected row's place in the list, or -1. */
  current = $state(-1);
  panel = $state<Panel>("none");
  entry = $state.raw<AuditEntry | null>(null);
  entryFailed = $state.raw<unknown>(null);
  verified = $state.raw<AuditVerified | null>(null);
  verifyFailed = $state.raw<unknown>(null);
  verifying = $state(false);
  /** Work on the log that goes on, by its kind. */
  progress = $state.raw<ReadonlyMap<string, ProgressView>>(new Map());
  /** Rows that arrived above the view and were not looked at yet. */
  fresh = $state(0);
  readonly rows: LogRows;
  /** The list grew at its newer end by so many rows. */
  ongrow: (count: number) => void = () => undefined;
  /** Another question was answered: the list begins anew. */
  onanew: () => void = () => undefined;
  /** This row has to come into view. */
  onshow: (index: number) => void = () => undefined;

  /** What chosen values are called; kept, because a value whose count is 0 is in no answer. */
  #names = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** People or places may be called otherwise since the rows were read. */
  #renamed = false;
  /** The answer whose rows could not be read. */
  #gaveUp = 0;
  #asking = false;
  #again = false;
  #asked: AuditQuery | null = null;
  #shown: AuditQuery | null = null;
  #wantedEntry: number | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #opening: ReturnType<typeof setTimeout> | null = null;

  constructor(
    readonly vault: Vault,
    readonly notices: Notices,
  ) {
    this.rows = new LogRows((id, from, count) => vault.auditRows(id, from, count, false), (thrown) => this.#lost(thrown));
  }

  start(query: AuditQuery | null, entry: number | null): () => void {
    const stops = [
      this.vault.on("auditChanged", (log) => this.#heard(log)),
      this.vault.on("teamChanged", () => {
        this.#renamed = true;
        void this.reload();
      }),
      this.vault.on("progress", (progress) => this.#work(progress)),
    ];
    if (query) this.query = query;
    void this.#open(entry);
    return () => {
      stops.forEach((stop) => stop());
      if (this.#timer) clearTimeout(this.#timer);
      if (this.live) void this.vault.auditFollow(false).catch(() => undefined);
    };
  }

  async #open(entry: number | null): Promise<void> {
    void this.vault.auditSeen().catch(() => undefined);
    this.vault.auditViews().then((views) => (this.views = views), () => undefined);
    this.vault.auditVerified().then((verified) => (this.verified ??= verified), () => undefined);
    await this.reload();
    if (entry !== null) await this.goTo(entry);
  }

  // ---- the question

  set(query: AuditQuery): void {
    if (same(query, this.query)) {
      this.query = query;
      return;
    }
    this.query = query;
    void this.reload();
  }

  /** Asks again; only the newest question is answered. */
  async reload(): Promise<void> {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    do {
      this.#again = false;
      this.#asked = this.query;
      try {
        const answer = await this.vault.auditAsk(this.query);
        if (!this.#again || same(this.#asked, this.query)) this.#take(answer);
        this.failed = null;
      } catch (thrown) {
        this.failed = thrown;
      }
    } while (this.#again);
    this.#asking = false;
  }

  #take(answer: AuditAnswer): void {
    const question = this.#asked ?? this.query;
    const before = this.rows.matched;
    const grew = answer.matched - before;
    const again = this.#shown !== null && same(this.#shown, question) && grew >= 0 && answer.state.base === this.answer?.state.base;
    this.answer = answer;
    this.log = answer.state;
    this.#shown = question;
    this.#learn(answer);
    if (again) {
      // Other names may change what a text finds among the older rows too.
      this.rows.take(answer, question.text.trim() === "" && !this.#renamed);
      this.#renamed = false;
      if (grew > 0) this.ongrow(grew);
      return;
    }
    this.rows.take(answer, false);
    this.fresh = 0;
    this.current = -1;
    this.onanew();
    if (this.panel === "row" && this.entry) void this.#keep(this.entry.row.entry);
  }

  /** The opened row stays open where the new answer has it. */
  async #keep(entry: number): Promise<void> {
    const index = await this.rows.find(entry).catch(() => -1);
    if (index === null || this.panel !== "row") return;
    this.current = index;
    if (index >= 0) this.onshow(index);
    else this.close();
  }

  /** The shell forgot an answer when the log began anew: it is asked again, once. */
  #lost(thrown: unknown): void {
    const id = this.answer?.id ?? 0;
    if (thrown instanceof VaultError && thrown.detail.code === "notFound" && id !== this.#gaveUp) {
      this.#gaveUp = id;
      this.#shown = null;
      void this.reload();
    } else this.notices.fail(thrown);
  }

  #heard(log: AuditState): void {
    const grew = log.size !== this.log?.size || log.reading !== this.log.reading || log.readable !== this.log.readable || log.base !== this.log.base;
    this.log = log;
    if (!grew || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.reload();
    }, breath);
  }

  #work(progress: ProgressView): void {
    const kind: string = progress.kind;
    const next = new Map(this.progress);
    if (progress.done >= progress.total && progress.total > 0) next.delete(kind);
    else next.set(kind, progress);
    this.progress = next;
  }

  #learn({ facets }: AuditAnswer): void {
    const names = new Map(this.#names);
    for (const one of facets.who) if (one.who) names.set(`who ${one.who.id}`, one.who.name);
    for (const one of facets.envs) names.set(`envs ${one.envId}`, one.place);
    for (const one of facets.secrets) names.set(`secrets ${secretKey(one.envId, one.secretId)}`, one.name);
    for (const one of facets.kinds) names.set(`kinds ${one.kind}`, one.verb);
    this.#names = names;
  }

  nameOf(group: Group, value: string): string {
    if (group === "levels") return levelsOfTruth[value as keyof typeof levelsOfTruth].label;
    if (group === "outcomes") return outcomes[value as keyof typeof outcomes];
    if (group === "who" && value === "") return "nobody proved who";
    return this.#names.get(`${group} ${value}`) ?? value;
  }

  /** The filters that stand, each with the question without it. */
  get chips(): FilterChip[] {
    const { query } = this;
    const chips: FilterChip[] = [];
    const span = rangeWords(query.from, query.to);
    if (span) chips.push({ id: "time", label: span, mono: false, without: { ...query, from: null, to: null } });
    for (const group of groups) {
      const values = chosen(query, group);
      const [first] = values;
      if (first === undefined) continue;
      chips.push({ id: group, label: values.length === 1 ? this.nameOf(group, first) : several(group, values.length), mono: group === "secrets" && values.length === 1, without: choose(query, group, []) });
    }
    return chips;
  }


  async follow(on: boolean): Promise<void> {
    this.live = on;
    const done = await this.notices.attempt(this.vault.auditFollow(on));
    if (done === undefined) this.live = !on;
  }

  // ---- one row

  select(index: number): void {
    this.current = Math.max(-1, Math.min(index, this.rows.matched - 1));
    if (this.panel !== "row") return;
    // Held keys pass many rows; the one where they stop is opened.
    if (this.#opening) clearTimeout(this.#opening);
    this.#opening = setTimeout(() => {
      const row = this.rows.at(this.current);
      if (this.panel === "row" && row) void this.open(row.entry);
    }, dwell);
  }

  /** Opens the selected row. */
  async inspect(): Promise<void> {
    const row = this.rows.at(this.current);
    if (row) await this.open(row.entry);
  }

  async open(entry: number): Promise<void> {
    this.panel = "row";
    this.#wantedEntry = entry;
    try {
      const answer = await this.vault.auditEntry(entry);
      if (this.#wantedEntry !== entry) return;
      this.entry = answer;
      this.entryFailed = null;
    } catch (thrown) {
      if (this.#wantedEntry !== entry) return;
      this.entry = null;
      this.entryFailed = thrown;
    }
  }

  /** Opens a row wherever it is, and selects it where the present filter shows it. */
  async goTo(entry: number, show = true): Promise<void> {
    if (show) await this.open(entry);
    const index = await this.rows.find(entry).catch(() => -1);
    if (index === null) return;
    this.current = index;
    if (index >= 0) this.onshow(index);
  }

  close(): void {
    this.panel = "none";
    this.entry = null;
    this.#wantedEntry = null;
  }

  // ---- verify

  /** What was verified is shown again while nothing is new; else it is verified. */
  showVerified(): void {
    const { size = 0, base = 0 } = this.log ?? {};
    if (this.panel === "verify" || !this.verified?.ok || this.verified.entries !== size - base) void this.verify();
    else this.panel = "verify";
  }

  async verify(): Promise<void> {
    this.panel = "verify";
    if (this.verifying) return;
    this.verifying = true;
    this.verifyFailed = null;
    try {
      const verified = await this.vault.auditVerify();
      this.verified = verified;
      this.notices.say(verified.ok ? "The log was verified" : "The log does not hold");
      if (verified.bad && verified.bad.entry !== null) await this.#showBad(verified.bad.entry);
    } catch (thrown) {
      this.verifyFailed = thrown;
    } finally {
      this.verifying = false;
    }
  }

  /** The first bad row is selected and marked, and the filter goes where it would hide it. */
  async #showBad(entry: number): Promise<void> {
    await this.goTo(entry, false);
    if (this.current < 0) {
      this.query = everything;
      await this.reload();
      await this.goTo(entry, false);
    }
    if (this.verified?.bad?.entry === entry) this.panel = "verify";
  }

  get bad(): number | null {
    return this.verified?.bad?.entry ?? null;
  }
}
