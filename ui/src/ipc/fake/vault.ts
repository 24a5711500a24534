import type {
  AccessCommands, AppView, CommitOutcome, CopyView, EnvClass, EnvView, EventPayload, ImportReport, LockView, OrgView, PaletteHit, PaletteView, ProgressKind,
  RowsQuery, RowsView, SecretDetail, SettingsView, SignedWhat, StagedRow, StatusView, TeamCommands, Vault, VaultEvent, VaultView,
} from "../vault";
import { VaultError } from "../vault";
import { FakeAccess } from "./access";
import { fakeAgents } from "./agents";
import { FakeAudit } from "./audit";
import { acme, day, hour, people } from "./data";
import { FakeEnvironment } from "./environment";
import { exampleFile, FakeImport } from "./import";
import { fakeInsights } from "./insights";
import { fakeOffboarding } from "./offboard";
import type { Scenario } from "./scenario";
import { fakeTeam } from "./team";
import { fakeTokens } from "./tokens";
import { fakeTrust } from "./trust";
import { fakeWelcome } from "./welcome";
import type { World } from "./world";

type App = { id: string; name: string; environments: FakeEnvironment[] };
type Org = { id: string; name: string; apps: App[] };

/** The commands of the matrix as properties, so that they stand beside those of the other parts. */
function accessOf(access: FakeAccess): AccessCommands {
  return {
    accessAxes: () => access.accessAxes(),
    accessTile: (version, row, col) => access.accessTile(version, row, col),
    accessStage: (changes) => access.accessStage(changes),
    accessUndo: () => access.accessUndo(),
    accessRedo: () => access.accessRedo(),
    accessDiscard: () => access.accessDiscard(),
    accessExplain: (principalId, envId) => access.accessExplain(principalId, envId),
    accessReview: () => access.accessReview(),
    accessSign: () => access.accessSign(),
    whoView: (subject) => access.whoView(subject),
  };
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** The commands of a team come from the fakes of its parts. */
export interface FakeVault extends TeamCommands {}

/** The whole vault in memory. Secure windows are played: what one would stage is staged at once. */
export class FakeVault implements Vault {
  readonly started = Date.now();
  #heard = new Map<VaultEvent, Set<(payload: never) => void>>();
  #phase: AppView["phase"];
  #vaults: VaultView[];
  #current: string | null;
  #locked: LockView | null = null;
  #settings: SettingsView = {
    autoLockMinutes: 10, lockOnScreenLock: true, lockOnSleep: true, clipboardSeconds: 30, revealSeconds: 15, theme: "system", rowHeight: "compact",
    singleKeys: true, screenLockSignal: true, contentProtection: false, keyring: "available", dataFolder: "/home/mara/.local/share/strongroom",
  };
  #orgs: Org[] = [];
  #org = 0;
  #clipboard: CopyView | null = null;
  #clearing: ReturnType<typeof setTimeout> | null = null;
  #imports = new Map<string, FakeImport>();
  #cancelled = new Set<string>();
  #next = 1;
  #link = 412;
  #team: ReturnType<typeof fakeTeam> | null = null;
  readonly audit: FakeAudit;

  constructor(readonly scenario: Scenario = {}) {
    this.#phase = scenario.phase ?? "open";
    if (scenario.theme) this.#settings = { ...this.#settings, theme: scenario.theme };
    const vault = { id: "vault_1", label: scenario.sample ? "Sample" : "Acme", server: "vault.acme.example", embedded: false, sample: scenario.sample ?? false, lastOpened: this.started - 2 * hour };
    this.#vaults = this.#phase === "welcome" ? [] : [vault, { id: "vault_2", label: "This computer", server: "127.0.0.1", embedded: true, sample: false, lastOpened: this.started - 9 * day }];
    this.#current = this.#vaults[0]?.id ?? null;
    if (this.#phase === "locked") this.#locked = { reason: "idle", at: new Date(this.started).setHours(2, 14, 0, 0), idleMinutes: 10, stagedKept: 3, clipboardCleared: true };
    if (this.#phase !== "welcome") this.#fill(scenario.empty ? [] : acme(scenario.big ?? 0), "Acme");
    if (scenario.staged) this.#stageExample();
    const staging = this.#envs().find((env) => env.id === "env_sf_stg");
    if (scenario.due && staging) staging.due = true;
    const lost = this.#envs().find((env) => env.id === "env_pay_prod");
    if (scenario.lost && lost) lost.lostAt = this.started - 2 * hour;
    const world = this.#world();
    const offboarding = fakeOffboarding(world, (envId) => this.#rotated(envId));
    this.#team = fakeTeam(world, offboarding.state);
    this.audit = new FakeAudit(world);
    Object.assign(this, this.#team.commands, fakeTokens(world), offboarding.commands, fakeTrust(world), accessOf(this.#access(scenario)), fakeWelcome(world, (label, server, organisation) => this.#arrive(label, server, organisation)), this.audit.commands(), fakeInsights(world), fakeAgents(world));
  }

  on<K extends VaultEvent>(event: K, heard: (payload: EventPayload<K>) => void): () => void {
    const all = this.#heard.get(event) ?? new Set();
    this.#heard.set(event, all.add(heard));
    return () => void all.delete(heard);
  }

  emit<K extends VaultEvent>(event: K, payload: EventPayload<K>): void {
    for (const heard of this.#heard.get(event) ?? []) heard(payload as never);
  }

  // ---- the computer's vaults

  async appState(): Promise<AppView> {
    return this.#app();
  }

  async activityPing(): Promise<null> {
    return null;
  }

  async vaultCreate(label: string, person: string, organisation: string): Promise<null> {
    await pause(this.scenario.slow ?? 0);
    const id = `vault_${this.#next++}_new`;
    this.#vaults = [...this.#vaults, { id, label, server: "127.0.0.1", embedded: true, sample: false, lastOpened: Date.now() }];
    this.#current = id;
    this.#me = { ...people.mara, name: person };
    this.#fill([], organisation);
    this.#open();
    return null;
  }

  async vaultCreateSample(): Promise<null> {
    await this.#work("sample", 40);
    const id = `vault_${this.#next++}_sample`;
    this.#vaults = [...this.#vaults, { id, label: "Sample", server: "127.0.0.1", embedded: true, sample: true, lastOpened: Date.now() }];
    this.#current = id;
    this.#fill(acme(0), "Acme");
    this.#open();
    return null;
  }

  async vaultSelect(id: string): Promise<AppView> {
    this.#current = id;
    return this.#app();
  }

  async vaultUnlock(): Promise<null> {
    this.#open();
    return null;
  }

  async vaultLock(): Promise<null> {
    this.#phase = "locked";
    this.#setClipboard(null);
    this.#locked = { reason: "user", at: Date.now(), idleMinutes: null, stagedKept: this.#envs().reduce((sum, env) => sum + env.stagedCount, 0), clipboardCleared: true };
    this.emit("appChanged", this.#app());
    return null;
  }

  async vaultRemove(id: string): Promise<null> {
    this.#vaults = this.#vaults.filter((one) => one.id !== id);
    this.emit("appChanged", this.#app());
    return null;
  }

  async kitOpen(): Promise<null> {
    return null;
  }

  // ---- the organisation

  async orgView(): Promise<OrgView> {
    return this.#orgView();
  }

  async orgCreate(name: string): Promise<OrgView> {
    this.#fill([], name, true);
    return this.#orgView();
  }

  async orgSelect(id: string): Promise<OrgView> {
    this.#org = Math.max(0, this.#orgs.findIndex((org) => org.id === id));
    return this.#orgView();
  }

  async orgRename(name: string): Promise<OrgView> {
    this.#currentOrg().name = name;
    return this.#orgView();
  }

  async appCreate(name: string, environments: { name: string; class: EnvClass }[]): Promise<OrgView> {
    const org = this.#currentOrg();
    if (org.apps.some((app) => app.name === name)) throw new VaultError({ code: "nameTaken", name });
    const app: App = { id: `app_${this.#next++}`, name, environments: [] };
    app.environments = environments.map((env) => new FakeEnvironment({ id: `env_${this.#next++}`, name: env.name, class: env.class, secrets: [] }, app, this.#me, this.started));
    org.apps.push(app);
    return this.#orgView();
  }

  async appRename(appId: string, name: string): Promise<OrgView> {
    const app = this.#currentOrg().apps.find((one) => one.id === appId);
    if (app) app.name = name;
    return this.#orgView();
  }

  async envCreate(appId: string, name: string, cls: EnvClass): Promise<OrgView> {
    const app = this.#currentOrg().apps.find((one) => one.id === appId);
    if (!app) throw new VaultError({ code: "notFound" });
    if (app.environments.some((env) => env.name === name)) throw new VaultError({ code: "nameTaken", name });
    app.environments.push(new FakeEnvironment({ id: `env_${this.#next++}`, name, class: cls, secrets: [] }, app, this.#me, this.started));
    return this.#orgView();
  }

  async envRename(envId: string, name: string, cls: EnvClass): Promise<OrgView> {
    Object.assign(this.#env(envId), { name, class: cls });
    this.emit("envChanged", { envId });
    return this.#orgView();
  }

  // ---- an environment

  async envOpen(envId: string): Promise<EnvView> {
    return this.#env(envId).view();
  }

  async envRows(query: RowsQuery): Promise<RowsView> {
    return this.#env(query.envId).rows(query);
  }

  async secretDetail(envId: string, secretId: string): Promise<SecretDetail> {
    return this.#env(envId).detail(secretId);
  }

  async secretCopy(envId: string, secretId: string): Promise<CopyView> {
    const view = { name: this.#env(envId).nameOf(secretId), clearsAt: Date.now() + this.#settings.clipboardSeconds * 1_000 };
    this.#setClipboard(view);
    return view;
  }

  async secretReveal(): Promise<null> {
    return null;
  }

  async secretNew(envId: string): Promise<null> {
    const env = this.#env(envId);
    env.stageAdd(env.has("TAX_API_KEY") ? `TAX_API_KEY_${this.#next++}` : "TAX_API_KEY");
    this.#changed(envId);
    return null;
  }

  async secretEdit(envId: string, secretId: string): Promise<null> {
    this.#env(envId).stageChange(secretId, "value");
    this.#changed(envId);
    return null;
  }

  async secretNoteSet(envId: string, secretId: string, note: string): Promise<EnvView> {
    this.#env(envId).stageChange(secretId, "note", { note: note || null });
    return this.#changed(envId);
  }

  async secretRename(envId: string, secretId: string, name: string): Promise<EnvView> {
    this.#env(envId).stageChange(secretId, "name", { name });
    return this.#changed(envId);
  }

  async secretDelete(envId: string, secretIds: string[]): Promise<EnvView> {
    this.#env(envId).stageDelete(secretIds);
    return this.#changed(envId);
  }

  async stagedList(envId: string): Promise<StagedRow[]> {
    return this.#env(envId).stagedList();
  }

  async stagedUndo(envId: string): Promise<EnvView> {
    this.#env(envId).undo();
    return this.#changed(envId);
  }

  async stagedRedo(envId: string): Promise<EnvView> {
    this.#env(envId).redo();
    return this.#changed(envId);
  }

  async stagedDrop(envId: string, secretId: string): Promise<EnvView> {
    this.#env(envId).drop(secretId);
    return this.#changed(envId);
  }

  async stagedDiscard(envId: string): Promise<EnvView> {
    this.#env(envId).discard();
    return this.#changed(envId);
  }

  async stagedCommit(envId: string): Promise<CommitOutcome> {
    return this.#sign(envId);
  }

  async conflictResolve(envId: string, secretId: string, keep: "theirs" | "mine"): Promise<EnvView> {
    this.#env(envId).resolve(secretId, keep);
    return this.#changed(envId);
  }

  // ---- import

  async importChoose(envId: string): Promise<ImportReport | null> {
    return this.#read(envId, "storefront.env");
  }

  async importDropped(envId: string): Promise<ImportReport> {
    return this.#read(envId, "dropped.env");
  }

  async importRename(reportId: string, line: number, name: string): Promise<ImportReport> {
    if (!/^[A-Za-z_]\w*$/.test(name)) throw new VaultError({ code: "badName", reason: "a name begins with a letter" });
    const report = this.#import(reportId);
    report.rename(line, name);
    return report.report();
  }

  async importKeep(reportId: string, name: string, line: number): Promise<ImportReport> {
    const report = this.#import(reportId);
    report.keep(name, line);
    return report.report();
  }

  async importApply(reportId: string): Promise<CommitOutcome> {
    const report = this.#import(reportId);
    await this.#work("import", report.rows().length, true);
    this.#env(report.envId).stageAll(report.rows().map((row) => ({ name: row.name, op: row.op === "same" ? "change" : row.op })));
    return this.#sign(report.envId);
  }

  async importDiscard(reportId: string): Promise<null> {
    this.#imports.delete(reportId);
    return null;
  }

  // ---- the rest

  async paletteSearch(query: string, limit: number): Promise<PaletteView> {
    const begun = performance.now();
    const wanted = query.toLowerCase();
    const hits: PaletteHit[] = [];
    let searched = 0;
    for (const app of this.#currentOrg().apps) {
      for (const env of [...app.environments].reverse()) {
        const found = env.rows({ envId: env.id, filter: "", sort: "name", descending: false, stagedOnly: false, offset: 0, limit: 1e9 });
        searched += found.rows.length;
        for (const row of found.rows) {
          const at = row.name.toLowerCase().indexOf(wanted);
          if (at < 0 || hits.length >= limit) continue;
          hits.push({ envId: env.id, secretId: row.id, name: row.name, appName: app.name, envName: env.name, class: env.class, readable: true, matches: wanted ? [[at, at + wanted.length]] : [] });
        }
      }
    }
    return { searched, tookMs: Math.ceil(performance.now() - begun), hits };
  }

  async statusView(): Promise<StatusView> {
    return this.#status();
  }

  async syncNow(): Promise<StatusView> {
    if (this.scenario.state === "behind") this.scenario.state = "verified";
    if (this.scenario.waiting) {
      this.scenario.waiting = false;
      this.emit("appChanged", this.#app());
    }
    const status = this.#status();
    this.emit("statusChanged", status);
    return status;
  }

  async evidenceSave(): Promise<string | null> {
    return "/home/mara/strongroom-evidence.json";
  }

  async settingsSet(settings: SettingsView): Promise<SettingsView> {
    this.#settings = settings;
    this.emit("appChanged", this.#app());
    return settings;
  }

  async taskCancel(task: string): Promise<null> {
    this.#cancelled.add(task);
    return null;
  }

  // ---- what the commands are made of

  #me: OrgView["me"] = people.mara;

  #fill(seeds: ReturnType<typeof acme>, name: string, keep = false): void {
    const apps = seeds.map((seed) => {
      const app: App = { id: seed.id, name: seed.name, environments: [] };
      app.environments = seed.environments.map((env) => new FakeEnvironment(env, app, this.#me, this.started));
      return app;
    });
    const org = { id: `org_${this.#next++}`, name, apps };
    this.#orgs = keep ? [...this.#orgs, org] : [org];
    this.#org = this.#orgs.length - 1;
  }

  #access(scenario: Scenario): FakeAccess {
    const { staged = false, due = false } = scenario;
    const size = scenario.matrix ? { size: [scenario.matrix, scenario.matrix] as const } : {};
    return new FakeAccess({ ...size, staged, due }, (event, payload) => this.emit(event, payload), this.started);
  }

  #world(): World {
    const place = (envId: string) => {
      const env = this.#envs().find((one) => one.id === envId);
      return env ? `${env.app.name} / ${env.name}` : envId;
    };
    return {
      scenario: this.scenario,
      started: this.started,
      me: () => this.#me,
      role: () => this.scenario.role ?? "owner",
      environments: () => this.#currentOrg().apps.flatMap((app) => app.environments.map((env) => ({ id: env.id, name: env.name, cls: env.class, appId: app.id, app: app.name, secrets: env.names() }))),
      place,
      link: () => this.#link,
      emit: (event, payload) => this.emit(event, payload),
      sign: (what, links, subject = null) => this.#signed(what, links, subject),
      changed: () => this.#teamChanged(),
      work: (kind, total, cancellable, step) => this.#work(kind, total, cancellable, step),
    };
  }

  #signed(what: SignedWhat, links: number, subject: string | null): void {
    const firstLink = this.#link + 1;
    this.#link += links;
    this.emit("signed", { what, links, firstLink, lastLink: this.#link, subject });
    this.#teamChanged();
    this.emit("statusChanged", this.#status());
  }

  #teamChanged(): void {
    this.emit("teamChanged", {});
    this.emit("orgChanged", this.#orgView());
  }

  #rotated(envId: string): void {
    const env = this.#envs().find((one) => one.id === envId);
    if (env) env.due = false;
    this.#teamChanged();
    this.emit("envChanged", { envId });
  }

  /** A vault on a team server, made or joined. */
  #arrive(label: string, server: string, organisation: string): void {
    const id = `vault_${this.#next++}_team`;
    this.#vaults = [...this.#vaults, { id, label, server, embedded: false, sample: false, lastOpened: Date.now() }];
    this.#current = id;
    this.#fill([], organisation);
    this.#open();
  }

  #stageExample(): void {
    const env = this.#env("env_sf_prod");
    const rows = env.rows({ envId: env.id, filter: "", sort: "name", descending: false, stagedOnly: false, offset: 0, limit: 1e9 }).rows;
    const idOf = (name: string) => rows.find((row) => row.name === name)?.id ?? "";
    env.stageDelete([idOf("MAPS_API_KEY")]);
    env.stageChange(idOf("SMTP_PASSWORD"), "value");
    env.stageAdd("TAX_API_KEY");
    if (this.scenario.conflict) env.conflicts = [{ secretId: idOf("SMTP_PASSWORD"), name: "SMTP_PASSWORD", theirVersion: 5, theirBy: people.ines, theirAt: this.started - 120_000, deleted: false }];
  }

  #app(): AppView {
    return { phase: this.#phase, version: "0.1.0", vaults: this.#vaults, current: this.#current, locked: this.#phase === "locked" ? this.#locked : null, keyring: "available", waiting: this.#phase === "open" && this.scenario.waiting ? this.#waiting() : null, settings: this.#settings };
  }

  #waiting(): NonNullable<AppView["waiting"]> {
    return { since: this.started - 4 * 60_000, server: "vault.acme.example", organisationWords: "harbor violin cedar planet", fingerprint: "m4xv-92qd-0tnh-6rwk-z8ca" };
  }

  #open(): void {
    this.#phase = "open";
    this.emit("appChanged", this.#app());
  }

  #currentOrg(): Org {
    const org = this.#orgs[this.#org];
    if (!org) throw new VaultError({ code: "locked" });
    return org;
  }

  #envs(): FakeEnvironment[] {
    return this.#orgs.flatMap((org) => org.apps.flatMap((app) => app.environments));
  }

  #env(id: string): FakeEnvironment {
    if (this.#phase === "locked") throw new VaultError({ code: "locked" });
    const env = this.#envs().find((one) => one.id === id);
    if (!env) throw new VaultError({ code: "notFound" });
    return env;
  }

  #orgView(): OrgView {
    const org = this.#currentOrg();
    const vault = this.#vaults.find((one) => one.id === this.#current);
    return {
      id: org.id, name: org.name, role: this.scenario.role ?? "owner", waiting: this.#team?.waiting() ?? 0, due: this.#envs().filter((env) => env.due).length, sample: vault?.sample ?? false, me: this.#me,
      organisations: this.#orgs.map((one) => ({ id: one.id, name: one.name, current: one === org })),
      apps: org.apps.map((app) => ({
        id: app.id, name: app.name,
        environments: app.environments.map((env) => ({ id: env.id, name: env.name, class: env.class, count: env.count, readable: env.lostAt === null, canRead: env.lostAt === null, due: env.due, staged: env.stagedCount })),
      })),
    };
  }

  #changed(envId: string): EnvView {
    this.emit("envChanged", { envId });
    this.emit("orgChanged", this.#orgView());
    return this.#env(envId).view();
  }

  #sign(envId: string): CommitOutcome {
    const env = this.#env(envId);
    const outcome = env.sign();
    if ("conflicts" in outcome) return { status: "conflict", conflicts: outcome.conflicts };
    this.#changed(envId);
    this.emit("statusChanged", this.#status());
    return { status: "signed", commit: env.commit, changes: outcome.changes };
  }

  #read(envId: string, fileName: string): ImportReport {
    const env = this.#env(envId);
    const names = env.rows({ envId, filter: "", sort: "name", descending: false, stagedOnly: false, offset: 0, limit: 1e9 }).rows.map((row) => row.name);
    const report = new FakeImport(`imp_${this.#next++}`, envId, fileName, exampleFile(), new Set(names));
    this.#imports.set(report.id, report);
    return report.report();
  }

  #import(id: string): FakeImport {
    const report = this.#imports.get(id);
    if (!report) throw new VaultError({ code: "notFound" });
    return report;
  }

  async #work(kind: ProgressKind, total: number, cancellable = false, onstep: (done: number) => void = () => undefined): Promise<void> {
    const task = `task_${this.#next++}`;
    const step = Math.max(1, Math.floor(total / 20));
    for (let done = 0; done < total; done += step) {
      this.emit("progress", { task, kind, done, total, cancellable });
      onstep(done);
      await pause(this.scenario.slow ?? 0);
      if (this.#cancelled.has(task)) {
        this.emit("progress", { task, kind, done: total, total, cancellable: false });
        throw new VaultError({ code: "cancelled" });
      }
    }
    this.emit("progress", { task, kind, done: total, total, cancellable: false });
  }

  #setClipboard(view: CopyView | null): void {
    this.#clipboard = view;
    if (this.#clearing) clearTimeout(this.#clearing);
    if (view) this.#clearing = setTimeout(() => this.#setClipboard(null), view.clearsAt - Date.now());
    this.emit("statusChanged", this.#status());
  }

  #status(): StatusView {
    const state = this.scenario.state ?? "verified";
    const vault = this.#vaults.find((one) => one.id === this.#current);
    return {
      server: vault?.server ?? "", embedded: vault?.embedded ?? true, state,
      lastSync: this.started - (state === "behind" ? 3 * hour : 12_000),
      device: "mara-laptop", link: this.#link, commit: 1847 + this.#envs().reduce((sum, env) => sum + env.commit - 1847, 0), audit: 1204911,
      checked: state === "checking" ? 312 : 0, toCheck: state === "checking" ? 840 : 0,
      clipboard: this.#clipboard, locksAt: this.started + 581_000, verifiedAt: this.started - 12_000,
      stop: state === "stopped" && this.scenario.log === "back" ? { code: "rollback", what: "The server's log ends at row 1,198,002; this computer has read 1,204,911.", pinned: "1,204,911 rows · 9f3c 71ae … 04d2", shown: "1,198,002 rows · 51c8 0be4 … 7a90", evidence: null, canReset: (this.scenario.role ?? "owner") === "owner" }
        : state === "stopped" ? { code: "fork", what: "Link 410 differs from the one pinned on 21 November.", pinned: "link 410 · 6be1 0c9f … a2d7", shown: "link 410 · e03d 55b8 … 91c4", evidence: null, canReset: false } : null,
    };
  }
}
