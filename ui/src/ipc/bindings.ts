// Written from the commands of the Rust side. Do not edit.

import { invoke as TAURI_INVOKE } from "@tauri-apps/api/core";
import * as TAURI_API_EVENT from "@tauri-apps/api/event";

/** user-defined commands **/

export const commands = {
  async appState(): Promise<Result<AppView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("app_state") };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async activityPing(): Promise<Result<null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("activity_ping") };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async vaultCreate(label: string, person: string, organisation: string): Promise<Result<null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("vault_create", { label, person, organisation }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async vaultCreateSample(): Promise<Result<null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("vault_create_sample") };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async vaultSelect(id: string): Promise<Result<AppView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("vault_select", { id }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async vaultUnlock(): Promise<Result<null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("vault_unlock") };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async vaultLock(): Promise<Result<null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("vault_lock") };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async vaultRemove(id: string): Promise<Result<null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("vault_remove", { id }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async kitOpen(): Promise<Result<null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("kit_open") };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async orgView(): Promise<Result<OrgView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("org_view") };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async orgCreate(name: string): Promise<Result<OrgView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("org_create", { name }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async orgSelect(id: string): Promise<Result<OrgView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("org_select", { id }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async orgRename(name: string): Promise<Result<OrgView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("org_rename", { name }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async appCreate(name: string, environments: { name: string; class: EnvClass }[]): Promise<Result<OrgView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("app_create", { name, environments }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async appRename(appId: string, name: string): Promise<Result<OrgView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("app_rename", { appId, name }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async envCreate(appId: string, name: string, cls: EnvClass): Promise<Result<OrgView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("env_create", { appId, name, cls }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async envRename(envId: string, name: string, cls: EnvClass): Promise<Result<OrgView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("env_rename", { envId, name, cls }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async envOpen(envId: string): Promise<Result<EnvView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("env_open", { envId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async envRows(query: RowsQuery): Promise<Result<RowsView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("env_rows", { query }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async secretDetail(envId: string, secretId: string): Promise<Result<SecretDetail, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("secret_detail", { envId, secretId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async secretCopy(envId: string, secretId: string): Promise<Result<CopyView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("secret_copy", { envId, secretId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async secretReveal(envId: string, secretId: string): Promise<Result<null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("secret_reveal", { envId, secretId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async secretNew(envId: string): Promise<Result<null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("secret_new", { envId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async secretEdit(envId: string, secretId: string): Promise<Result<null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("secret_edit", { envId, secretId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async secretNoteSet(envId: string, secretId: string, note: string): Promise<Result<EnvView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("secret_note_set", { envId, secretId, note }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async secretRename(envId: string, secretId: string, name: string): Promise<Result<EnvView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("secret_rename", { envId, secretId, name }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async secretDelete(envId: string, secretIds: string[]): Promise<Result<EnvView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("secret_delete", { envId, secretIds }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async stagedList(envId: string): Promise<Result<StagedRow[], CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("staged_list", { envId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async stagedUndo(envId: string): Promise<Result<EnvView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("staged_undo", { envId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async stagedRedo(envId: string): Promise<Result<EnvView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("staged_redo", { envId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async stagedDrop(envId: string, secretId: string): Promise<Result<EnvView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("staged_drop", { envId, secretId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async stagedDiscard(envId: string): Promise<Result<EnvView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("staged_discard", { envId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async stagedCommit(envId: string): Promise<Result<CommitOutcome, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("staged_commit", { envId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async conflictResolve(envId: string, secretId: string, keep: "theirs" | "mine"): Promise<Result<EnvView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("conflict_resolve", { envId, secretId, keep }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async importChoose(envId: string): Promise<Result<ImportReport | null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("import_choose", { envId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async importDropped(envId: string): Promise<Result<ImportReport, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("import_dropped", { envId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async importRename(reportId: string, line: number, name: string): Promise<Result<ImportReport, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("import_rename", { reportId, line, name }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async importKeep(reportId: string, name: string, line: number): Promise<Result<ImportReport, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("import_keep", { reportId, name, line }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async importApply(reportId: string): Promise<Result<CommitOutcome, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("import_apply", { reportId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async importDiscard(reportId: string): Promise<Result<null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("import_discard", { reportId }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async paletteSearch(query: string, limit: number): Promise<Result<PaletteView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("palette_search", { query, limit }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async statusView(): Promise<Result<StatusView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("status_view") };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async syncNow(): Promise<Result<StatusView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("sync_now") };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async evidenceSave(): Promise<Result<string | null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("evidence_save") };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async settingsSet(settings: SettingsView): Promise<Result<SettingsView, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("settings_set", { settings }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
  async taskCancel(task: string): Promise<Result<null, CommandError>> {
    try {
      return { status: "ok", data: await TAURI_INVOKE("task_cancel", { task }) };
    } catch (e) {
      if (e instanceof Error) throw e;
      return { status: "error", error: e as CommandError };
    }
  },
};

/** user-defined events **/

export const events = __makeEvents__<{
  appChanged: AppChanged;
  orgChanged: OrgChanged;
  envChanged: EnvChanged;
  statusChanged: StatusChanged;
  progress: Progress;
  fileDropped: FileDropped;
  dragOver: DragOver;
}>({
  appChanged: "app-changed",
  orgChanged: "org-changed",
  envChanged: "env-changed",
  statusChanged: "status-changed",
  progress: "progress",
  fileDropped: "file-dropped",
  dragOver: "drag-over",
});

/** user-defined types **/

export type AppChanged = AppView;
export type OrgChanged = OrgView;
export type EnvChanged = { envId: string };
export type StatusChanged = StatusView;
export type Progress = ProgressView;
export type FileDropped = { fileName: string };
export type DragOver = { over: boolean };
export type AppView = {
  phase: "welcome" | "locked" | "open";
  version: string;
  vaults: VaultView[];              // vaults on this computer
  current: string | null;           // id of the selected vault
  locked: LockView | null;          // why and when, when phase is locked
  keyring: "available" | "missing" | "locked"; // OS keyring state
  settings: SettingsView;           // theme must be known before unlock
};
export type VaultView = { id: string; label: string; server: string; embedded: boolean; sample: boolean; lastOpened: number | null };
export type LockView = { reason: "start" | "user" | "idle" | "screen" | "sleep" | "quit"; at: number; idleMinutes: number | null; stagedKept: number; clipboardCleared: boolean };

export type PersonView = { id: string; name: string; initials: string; you: boolean };
export type EnvClass = "development" | "staging" | "production" | "other";
export type OrgView = {
  id: string; name: string; role: "owner" | "admin" | "member" | "reviewer"; sample: boolean; me: PersonView;
  organisations: { id: string; name: string; current: boolean }[];
  apps: { id: string; name: string; environments: EnvRowView[] }[];
};
export type EnvRowView = { id: string; name: string; class: EnvClass; count: number; readable: boolean; staged: number };

export type EnvView = {
  id: string; appId: string; appName: string; name: string; class: EnvClass;
  epoch: number; count: number; readable: boolean; writable: boolean;
  commit: number;                    // environment's commit number
  historyVerified: boolean;          // false: "history not yet verified"
  readers: number;
  due: boolean;                      // must be rotated before anything else is written
  staged: StagedSummary;
};
export type StagedSummary = { added: number; changed: number; deleted: number; canUndo: boolean; canRedo: boolean };
export type SortKey = "name" | "changedAt" | "version";
export type RowsQuery = { envId: string; filter: string; sort: SortKey; descending: boolean; stagedOnly: boolean; offset: number; limit: number };
export type RowsView = { total: number; matched: number; offset: number; rows: SecretRow[] };
export type SecretRow = {
  id: string; name: string; version: number; changedBy: PersonView; changedAt: number;
  note: string | null;               // first line, cut
  matches: [number, number][];       // ranges [from, to) of the filter in the name, in UTF-16 units
  kind: "text" | "pem" | "reference";// from the details field, not from decrypting the value
  staged: null | "add" | "change" | "delete";
  nextVersion: number | null;        // of a staged change
};
export type SecretDetail = {
  id: string; name: string; note: string | null; version: number; staged: SecretRow["staged"];
  readers: { person: PersonView; link: number; rights: string; endsAt: number | null }[];  // rights "R" | "RW" | "RWG"
  versions: { version: number; by: PersonView; at: number; commit: number; deleted: boolean }[]; // newest first, known to this computer
};
export type StagedRow = { secretId: string; name: string; op: "add" | "change" | "delete"; fromVersion: number | null; toVersion: number; what: ("name" | "value" | "note")[]; at: number };
export type CommitOutcome =
  | { status: "signed"; commit: number; changes: number }
  | { status: "conflict"; conflicts: ConflictRow[] };
export type ConflictRow = { secretId: string; name: string; theirVersion: number; theirBy: PersonView; theirAt: number; deleted: boolean };

export type ImportReport = {
  id: string; envId: string; fileName: string;
  read: number; added: number; changed: number; same: number; skipped: number;
  rows: ImportRow[];                 // at most 500 shown; the counts cover all
  issues: ImportIssue[];             // at most 500
};
export type ImportRow = { line: number; name: string; op: "add" | "change" | "same" };
export type ImportIssue = {
  line: number; otherLine: number | null; name: string | null;
  kind: "badName" | "duplicate" | "unterminatedQuote" | "noEquals" | "tooLong" | "notText";
  canRename: boolean; canChoose: boolean;
};

export type CopyView = { name: string; clearsAt: number };
export type StatusView = {
  server: string; embedded: boolean; lastSync: number | null;
  state: "verified" | "checking" | "behind" | "stopped";
  link: number; commit: number; audit: number;    // up to where this computer verified
  checked: number; toCheck: number;               // while checking
  clipboard: CopyView | null;
  locksAt: number | null;
  verifiedAt: number | null;
  stop: StopView | null;
};
export type StopView = { code: "fork" | "rollback" | "invalid"; what: string; pinned: string; shown: string; evidence: string | null };
export type SettingsView = {
  autoLockMinutes: number;           // 0 = never; choices 1 5 10 15 30 60
  lockOnScreenLock: boolean; lockOnSleep: boolean;
  clipboardSeconds: number;          // choices 10 30 60 90
  revealSeconds: number;             // choices 10 15 30
  theme: "system" | "dark" | "light";
  rowHeight: "compact" | "roomy";
  singleKeys: boolean;               // single-letter keys in lists
  screenLockSignal: boolean;         // read-only: the desktop offers the signal
  contentProtection: boolean;        // read-only: this system can hide secure windows from capture
  keyring: "available" | "missing" | "locked"; // read-only
  dataFolder: string;                // read-only
};
export type PaletteView = { searched: number; tookMs: number; hits: PaletteHit[] };
export type PaletteHit = { envId: string; secretId: string; name: string; appName: string; envName: string; class: EnvClass; readable: boolean; matches: [number, number][] };
export type ProgressView = { task: string; kind: "unlock" | "create" | "sample" | "import" | "commit" | "sync" | "verify"; done: number; total: number; cancellable: boolean };

export type CommandError =
  | { code: "locked" } | { code: "wrongPassphrase" } | { code: "keyringMissing" } | { code: "keyringBusy" }
  | { code: "secretKeyNeeded" } | { code: "offline"; since: number | null } | { code: "refused"; status: number; server: string }
  | { code: "garbage" }                                   // the server answered something that is not the protocol
  | { code: "stopped"; stop: StopView } | { code: "badName"; reason: string } | { code: "nameTaken"; name: string }
  | { code: "tooLarge"; limit: number } | { code: "fileUnreadable" } | { code: "diskFull" } | { code: "cacheCorrupt" }
  | { code: "cancelled" } | { code: "notAllowed" } | { code: "notFound" } | { code: "notAnEnvFile" } | { code: "internal"; reportId: string };

/** tauri-specta globals **/

type EventObj<T> = {
  listen: (cb: TAURI_API_EVENT.EventCallback<T>) => ReturnType<typeof TAURI_API_EVENT.listen<T>>;
  once: (cb: TAURI_API_EVENT.EventCallback<T>) => ReturnType<typeof TAURI_API_EVENT.once<T>>;
};

export type Result<T, E> = { status: "ok"; data: T } | { status: "error"; error: E };

function __makeEvents__<T extends Record<string, unknown>>(mappings: Record<keyof T, string>) {
  return new Proxy({} as { [K in keyof T]: EventObj<T[K]> }, {
    get: (_, event: string) => {
      const name = mappings[event as keyof T];
      return {
        listen: (cb: TAURI_API_EVENT.EventCallback<unknown>) => TAURI_API_EVENT.listen(name, cb),
        once: (cb: TAURI_API_EVENT.EventCallback<unknown>) => TAURI_API_EVENT.once(name, cb),
      };
    },
  });
}
