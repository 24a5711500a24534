import type * as wire from "./bindings";

export type * from "./bindings";

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
  "serverLook", "serverSignIn", "vaultCreateOn", "vaultJoin", "vaultRestore",
  "membersView", "inviteNew", "inviteShow", "inviteForget", "inviteTake", "memberRole", "memberLeave", "memberWords", "resetSign", "resetAcknowledge", "policySet",
  "accessAxes", "accessTile", "accessStage", "accessUndo", "accessRedo", "accessDiscard", "accessExplain", "accessReview", "accessSign", "whoView",
  "tokensView", "tokenNew", "tokenRevoke",
  "rotationsView", "rotationStart",
  "offboardBegin", "offboardList", "offboardView", "offboardRows", "offboardTick", "offboardExport", "offboardCertificate",
  "auditState", "auditAsk", "auditRows", "auditEntry", "auditVerify", "auditVerified", "auditCompare", "auditCompareWith", "auditProofSave", "auditFollow", "auditSeen",
  "auditViews", "auditViewSave", "auditViewDelete", "auditExport", "auditRetain", "auditReset", "auditNewLogs", "auditNewLogAcknowledge",
  "witnessView", "witnessSet", "witnessRemove",
  "insightsView", "insightDismiss", "decoySet", "decoyView",
  "trustView", "headsCompare", "drillRun", "lockFileSave",
  "agentsView", "agentsLive", "agentSave", "agentEnd", "agentPolicy", "secretPolicyView", "secretPolicySave", "policySimulate", "providersView",
  "fakeTokenNew", "fakeTokenRevoke", "brokerStart", "brokerStop", "brokerResume", "operatorShow", "approvalOpen", "accessAskDismiss",
] as const satisfies readonly (keyof Commands)[];

export type MainCommand = (typeof mainCommands)[number];
type Answer<K extends MainCommand> = Extract<Awaited<ReturnType<Commands[K]>>, { status: "ok" }>["data"];

export type VaultEvent = keyof Events;
export type EventPayload<K extends VaultEvent> = Parameters<Parameters<Events[K]["listen"]>[0]>[0]["payload"];

/** What the window may ask of the vault. Features depend on this type and never on Tauri. */
export type Vault = {
  [K in MainCommand]: (...args: Parameters<Commands[K]>) => Promise<Answer<K>>;
} & {
  /** Calls `heard` for every event until the returned function is called. */
  on<K extends VaultEvent>(event: K, heard: (payload: EventPayload<K>) => void): () => void;
};

/** The commands of one part of a team's screens, each of which has its own stand-in for tests. */
type Part<Prefix extends string> = Pick<Vault, Extract<MainCommand, `${Prefix}${string}`>>;
export type WelcomeCommands = Part<"server"> & Pick<Vault, "vaultCreateOn" | "vaultJoin" | "vaultRestore">;
export type MemberCommands = Part<"member" | "invite" | "reset"> & Pick<Vault, "policySet">;
export type AccessCommands = Pick<Vault, "accessAxes" | "accessTile" | "accessStage" | "accessUndo" | "accessRedo" | "accessDiscard" | "accessExplain" | "accessReview" | "accessSign" | "whoView">;
export type TokenCommands = Part<"token">;
export type RotationCommands = Part<"rotation">;
export type OffboardCommands = Part<"offboard">;
export type TrustCommands = Part<"trust" | "heads" | "drill" | "lockFile">;
export type AuditCommands = Part<"audit" | "witness">;
export type InsightCommands = Part<"insight"> & Part<"decoy">;
export type AgentCommands = Part<"agent" | "secretPolicy" | "policySimulate" | "providers" | "fakeToken" | "broker" | "operator" | "approval" | "accessAsk">;
export type TeamCommands = AgentCommands & WelcomeCommands & MemberCommands & AccessCommands & TokenCommands & RotationCommands & OffboardCommands & TrustCommands & AuditCommands & InsightCommands;

/** A command failed for a reason that the window can explain. */
export class VaultError extends Error {
  constructor(readonly detail: wire.CommandError) {
    super(detail.code);
    this.name = "VaultError";
  }
}
