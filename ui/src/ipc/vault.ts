import type * as wire from "./bindings";
import type { EnvView, OrgView, ProgressView, StatusView, TeamCommands, TeamEvents } from "./contract";

export type {
  AppView, CommandError, CommitOutcome, ConflictRow, CopyView, EnvClass, ImportIssue, ImportReport, ImportRow, LockView,
  PaletteHit, PaletteView, PersonView, Role, RowsQuery, RowsView, SecretDetail, SecretRow, SettingsView, SortKey,
  StagedRow, StagedSummary, StopView, VaultView, WaitingView,
} from "./bindings";
export type * from "./contract";

type Commands = typeof wire.commands;
type Events = typeof wire.events;

/**
 * The commands that the main window may call. None of them takes or returns the value of a secret:
 * values pass through the secure windows and the clipboard, both of which belong to Rust.
 */
export const mainCommands = [
  "appState", "activityPing",
  "vaultCreate", "vaultCreateSample", "vaultSelect", "vaultUnlock", "vaultLock", "vaultRemove", "kitOpen",
  "orgView", "orgCreate", "orgSelect", "orgRename", "appCreate", "appRename", "envCreate", "envRename",
  "envOpen", "envRows",
  "secretDetail", "secretCopy", "secretReveal", "secretNew", "secretEdit", "secretNoteSet", "secretRename", "secretDelete",
  "stagedList", "stagedUndo", "stagedRedo", "stagedDrop", "stagedDiscard", "stagedCommit", "conflictResolve",
  "importChoose", "importDropped", "importRename", "importKeep", "importApply", "importDiscard",
  "paletteSearch", "statusView", "syncNow", "evidenceSave", "settingsSet", "taskCancel",
] as const satisfies readonly (keyof Commands)[];

export type MainCommand = (typeof mainCommands)[number];

/** The views that a team needs more of than a vault of one. */
type Whole<T> = T extends wire.OrgView ? OrgView : T extends wire.EnvView ? EnvView : T extends wire.StatusView ? StatusView : T extends wire.ProgressView ? ProgressView : T;
type Answer<K extends MainCommand> = Whole<Extract<Awaited<ReturnType<Commands[K]>>, { status: "ok" }>["data"]>;
type Heard = {
  [K in keyof Events]: Whole<Parameters<Parameters<Events[K]["listen"]>[0]>[0]["payload"]>;
} & TeamEvents;

export type VaultEvent = keyof Heard;
export type EventPayload<K extends VaultEvent> = Heard[K];

/** What the window may ask of the vault. Features depend on this type and never on Tauri. */
export type Vault = {
  [K in MainCommand]: (...args: Parameters<Commands[K]>) => Promise<Answer<K>>;
} & TeamCommands & {
  /** Calls `heard` for every event until the returned function is called. */
  on<K extends VaultEvent>(event: K, heard: (payload: EventPayload<K>) => void): () => void;
};

/** A command failed for a reason that the window can explain. */
export class VaultError extends Error {
  constructor(readonly detail: wire.CommandError) {
    super(detail.code);
    this.name = "VaultError";
  }
}
