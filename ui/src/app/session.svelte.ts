import type { AppView, AuditQuery, OrgView, ProgressView, SettingsView, StatusView, Vault } from "../ipc/vault";
import { notices } from "../shared/notices.svelte";
import { count } from "../shared/words";
import { told } from "./signed";

/** Where the content pane is. */
export type Place =
  | { at: "environment"; envId: string }
  | { at: "members"; tab?: "people" | "invites" | "left" }
  | { at: "offboard"; principalId: string }
  /** The log, with a filter, at an entry, or with a verification under way. */
  | { at: "audit"; tab?: "insights"; query?: AuditQuery; entry?: number; verify?: true }
  | { at: "agents"; tab?: "live" | "agents" | "policies" | "providers"; agentId?: string }
  | { at: "access" | "tokens" | "trust" | "start" }
  | { at: "settings"; section: string };

export type Screen = Place["at"];

/**
 * What the window knows of the vault: views that Rust sent, never a value. Locking drops every name
 * at once, whatever was open.
 */
export class Session {
  app = $state.raw<AppView | null>(null);
  org = $state.raw<OrgView | null>(null);
  status = $state.raw<StatusView | null>(null);
  progress = $state.raw<ProgressView[]>([]);
  place = $state.raw<Place>({ at: "start" });
  /** Requests of agents that wait for an answer. */
  held = $state(0);
  /** Welcome is wanted although a vault exists. */
  welcome = $state(false);
  failed = $state(false);

  constructor(readonly vault: Vault) {}

  /** Subscribes to the events and asks for the first view. Returns the way to stop. */
  start(): () => void {
    const { vault } = this;
    const stops = [
      vault.on("appChanged", (app) => void this.#take(app)),
      vault.on("orgChanged", (org) => this.takeOrg(org)),
      vault.on("statusChanged", (status) => this.takeStatus(status)),
      vault.on("progress", (progress) => this.#takeProgress(progress)),
      vault.on("agentsChanged", ({ held }) => this.#takeHeld(held)),
      vault.on("signed", (signed) => notices.show({ icon: "check", tone: "ok", text: told(signed) })),
    ];
    vault.appState().then(
      (app) => this.#take(app),
      (thrown: unknown) => {
        this.failed = true;
        notices.fail(thrown);
      },
    );
    return () => stops.forEach((stop) => stop());
  }

  async select(id: string): Promise<void> {
    const app = await notices.attempt(this.vault.vaultSelect(id));
    if (app) await this.#take(app);
  }

  async saveSettings(change: Partial<SettingsView>): Promise<void> {
    const { app } = this;
    if (!app) return;
    this.app = { ...app, settings: { ...app.settings, ...change } };
    const saved = await notices.attempt(this.vault.settingsSet(this.app.settings));
    if (this.app) this.app = { ...this.app, settings: saved ?? app.settings };
  }

  /** The person was active: the time until it locks begins anew. Rust counts; this only draws it. */
  touched(now: number): void {
    const minutes = this.app?.settings.autoLockMinutes ?? 0;
    if (this.status && this.status.locksAt !== null && minutes > 0) this.status = { ...this.status, locksAt: now + minutes * 60_000 };
  }

  takeOrg(org: OrgView): void {
    if (this.app?.phase !== "open") return;
    const moved = this.org !== null && this.org.id !== org.id;
    this.org = org;
    const { place } = this;
    const gone = place.at === "environment" && !org.apps.some((app) => app.environments.some((env) => env.id === place.envId));
    if (gone || place.at === "start" || (moved && place.at !== "settings")) this.place = firstPlace(org);
  }

  go(place: Place): void {
    this.place = place;
  }

  async #take(app: AppView): Promise<void> {
    const before = this.app?.phase;
    this.app = app;
    if (app.phase !== "open") {
      this.#forget();
      return;
    }
    this.welcome = false;
    if (app.waiting || (before === "open" && this.org)) return;
    const [org, status, agents] = await Promise.all([
      notices.attempt(this.vault.orgView()),
      notices.attempt(this.vault.statusView()),
      // Only the number beside the word in the side bar: without an answer it is missing, nothing else.
      this.vault.agentsView().catch(() => null),
    ]);
    if (agents) this.held = agents.held.length;
    if (org) this.takeOrg(org);
    if (status) this.takeStatus(status);
  }

  takeStatus(status: StatusView): void {
    if (this.app?.phase !== "open") return;
    if (status.state === "stopped" && this.status?.state !== "stopped") {
      notices.alarm("The server showed a history that contradicts what this computer saw. Nothing can be written.");
    }
    this.status = status;
  }

  #takeHeld(held: number): void {
    if (this.app?.phase !== "open") return;
    if (held > this.held) notices.alarm(held === 1 ? "An agent waits for your answer." : `${count(held)} agents wait for your answer.`);
    this.held = held;
  }

  #takeProgress(progress: ProgressView): void {
    const others = this.progress.filter((one) => one.task !== progress.task);
    this.progress = progress.done >= progress.total && progress.total > 0 ? others : [...others, progress];
  }

  #forget(): void {
    this.org = null;
    this.status = null;
    this.progress = this.progress.filter((one) => ["create", "sample", "unlock", "join", "restore", "signIn"].includes(one.kind));
    this.place = { at: "start" };
    this.held = 0;
    notices.forget();
  }
}

function firstPlace(org: OrgView): Place {
  const env = org.apps.flatMap((app) => app.environments)[0];
  return env ? { at: "environment", envId: env.id } : { at: "start" };
}
