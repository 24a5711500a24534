// What the screens of a team ask of Rust. Names are those of the commands; times are milliseconds since
// 1970, ids are text, rights travel as bits (read 1, write 2, grant 4). No answer holds a secret: codes,
// tokens, keys and words are shown and taken by secure windows alone.
import type { EnvClass, PersonView, Role, StopView } from "./bindings";
import type * as wire from "./bindings";

export type Millis = number;

/** How the key of a person was checked on this computer. */
export type Trust = "you" | "code" | "words" | "unverified";
export type PrincipalKind = "person" | "token" | "agent";
export interface PrincipalView { kind: PrincipalKind; id: string; name: string; initials: string; you: boolean }

// ---- views of the vault, as a team needs them

export type EnvRowView = wire.EnvRowView & { /** Its data key must be replaced. */ due: boolean; canRead: boolean };
export type AppRowView = Omit<wire.AppRowView, "environments"> & { environments: EnvRowView[] };
export type OrgView = Omit<wire.OrgView, "apps"> & {
  apps: AppRowView[];
  /** Joins, resets and invites that wait for somebody. */
  waiting: number;
  /** Environments whose data key must be replaced. */
  due: number;
};
export type EnvView = wire.EnvView & {
  due: boolean;
  /** This user could read it and no longer may, since then. */
  lostAt: Millis | null;
};
export type StatusView = wire.StatusView & { device: string };
export type ProgressKind = wire.ProgressKind | "rotate" | "sign" | "join" | "restore" | "signIn" | "log";
export type ProgressView = Omit<wire.ProgressView, "kind"> & { kind: ProgressKind };

export type SignedWhat = "access" | "invite" | "role" | "remove" | "leave" | "token" | "tokenRevoke" | "reset" | "policy" | "join";
/** A secure window signed something. */
export interface SignedView { what: SignedWhat; links: number; firstLink: number; lastLink: number; subject: string | null }

export interface TeamEvents {
  /** Members, invites, grants, tokens or due keys changed. */
  teamChanged: Record<string, never>;
  signed: SignedView;
}

// ---- welcome: team servers

/** Text from the server is inert: it is drawn as text and never acted on. */
export interface ServerView { address: string; version: string; registration: "open" | "invited" | "closed"; issuers: IssuerView[] }
export interface IssuerView { name: string; issuer: string }
export interface BrowserSignIn { /** This identity has an account there. */ known: boolean }

export interface WelcomeCommands {
  serverLook(address: string): Promise<ServerView>;
  /** Opens the system browser and waits until it came back; `taskCancel` ends the waiting. */
  serverSignIn(address: string, issuer: string): Promise<BrowserSignIn>;
  vaultCreateOn(address: string, label: string, person: string, organisation: string, founderCode: string | null): Promise<null>;
  vaultJoin(): Promise<null>;
  vaultRestore(address: string | null): Promise<null>;
}

// ---- members

export interface MembersView {
  /** This user is owner or admin. */
  canManage: boolean;
  /** This user is owner. */
  canOwn: boolean;
  people: MemberRow[];
  invites: InviteRow[];
  left: LeftRow[];
  pending: PendingRow[];
  /** The policy: keys may go to people whose own key nobody has checked. */
  grantsToUnverified: boolean;
}
export interface MemberRow {
  person: PersonView;
  role: Role;
  trust: Trust;
  /** Five groups of four characters. */
  fingerprint: string;
  environments: number;
  /** From the audit log; null if this user cannot know. */
  lastSeen: Millis | null;
  devices: number | null;
  joinedAt: Millis;
  joinedLink: number;
  /** Keys replaced by an admin and not acknowledged here yet. */
  reset: KeyResetView | null;
  /** Environments granted whose key nobody has wrapped yet. */
  waitsForKeys: string[];
}
export interface KeyResetView { link: number; at: Millis; by: PersonView }
export interface InviteRow {
  id: string;
  /** For whom; kept on the computer that made it, "" elsewhere. */
  label: string;
  role: Role;
  grants: string[];
  madeBy: PersonView;
  madeAt: Millis;
  link: number;
  expires: Millis;
  /** asked: somebody sent a join request. */
  state: "open" | "asked" | "used" | "ended";
  /** This computer holds the code and finishes the join by itself. */
  codeHere: boolean;
  resets: PersonView | null;
}
export interface PendingRow {
  kind: "join" | "reset" | "keys" | "confirm";
  subject: string;
  why: string;
  inviteId: string | null;
  userId: string | null;
  action: "finish" | "takeCode" | "signReset" | null;
}
export type OffboardState = "running" | "queue" | "done";
export interface LeftRow { person: PersonView; at: Millis; link: number; by: PersonView; offboard: OffboardState | null }
export interface GrantSpec { envId: string; rights: number; endsAt: Millis | null }

export interface MemberCommands {
  membersView(): Promise<MembersView>;
  // Each of these opens a secure window in which Rust's own summary is signed.
  inviteNew(label: string, role: Role, grants: GrantSpec[], days: number, resets: string | null): Promise<null>;
  memberRole(userId: string, role: Role): Promise<null>;
  memberLeave(): Promise<null>;
  resetSign(inviteId: string, userId: string): Promise<null>;
  policySet(grantsToUnverified: boolean): Promise<null>;
  // Secure windows that show or take something, and plain acts.
  inviteShow(id: string): Promise<null>;
  inviteForget(id: string): Promise<null>;
  inviteTake(): Promise<null>;
  memberWords(userId: string): Promise<null>;
  resetAcknowledge(userId: string): Promise<null>;
}

// ---- access

export interface AccessAxes {
  /** Tiles of another version are stale. */
  version: number;
  rows: AccessRow[];
  columns: AccessColumn[];
  staged: AccessStaged;
}
export interface AccessRow { principal: PrincipalView; role: Role | null; trust: Trust | null; leaving: boolean }
export interface AccessColumn {
  envId: string;
  name: string;
  cls: EnvClass;
  appId: string;
  app: string;
  group: boolean;
  secrets: number;
  /** Living people who hold the key. */
  people: number;
  due: boolean;
  /** This user may change this column. */
  canGrant: boolean;
}
export interface AccessStaged { count: number; gains: number; loses: number; keysReplaced: number; canUndo: boolean; canRedo: boolean }
/** The cells of rows `row * 32` to `row * 32 + 31` and columns likewise; empty cells are left out. */
export interface AccessTile { version: number; cells: AccessCell[] }
export interface AccessCell {
  row: number;
  col: number;
  /** key: holds it; waits: granted, not wrapped yet; role: may manage, no key; use: through the broker; never: reviewer. */
  state: "key" | "waits" | "role" | "use" | "never";
  rights: number;
  endsAt: Millis | null;
  /** null with state key: never. */
  lastDecrypt: Millis | null;
  /** Rights 0: revoke. */
  staged: { rights: number; endsAt: Millis | null } | null;
}
/** Rights 0 revokes; what equals the signed state stages nothing. */
export interface AccessChange { principalId: string; envId: string; rights: number; endsAt: Millis | null }
export interface AccessExplain {
  principal: PrincipalView;
  trust: Trust | null;
  place: string;
  cls: EnvClass;
  state: AccessCell["state"] | "none";
  rights: number;
  endsAt: Millis | null;
  epoch: number | null;
  holdsSince: Millis | null;
  because: { by: PersonView; link: number; at: Millis } | null;
  role: Role | null;
  lastFetched: { at: Millis; from: string } | null;
  lastDecrypted: { at: Millis; device: string } | null;
  couldRead: number;
  used: number;
  sentence: string;
}
export interface AccessReview {
  gains: ReviewPerson[];
  loses: ReviewPerson[];
  what: { kind: "sign" | "rotate" | "warn"; text: string; /** The user for "Compare words first". */ compareWith: string | null }[];
  /** The text of the one check box, if one is needed. */
  check: string | null;
  /** Policy forbids it, in words; then it cannot be signed. */
  blocked: string | null;
  links: number;
  keysReplaced: number;
  secretsResealed: number;
}
export interface ReviewPerson { principal: PrincipalView; trust: Trust | null; note: string | null; lines: { text: string; secrets: number }[] }
export type WhoSubject = { kind: "environment"; id: string } | { kind: "secret"; envId: string; id: string } | { kind: "principal"; id: string };
export interface WhoView { title: string; subtitle: string; rows: WhoRow[] }
export interface WhoRow {
  principal: PrincipalView;
  trust: Trust | null;
  place: string;
  envId: string;
  rights: number;
  endsAt: Millis | null;
  rule: string;
  link: number;
  fetched: Millis | null;
  decrypted: Millis | null;
  revealed: Millis | null;
  copied: Millis | null;
}

export interface AccessCommands {
  accessAxes(): Promise<AccessAxes>;
  accessTile(version: number, row: number, col: number): Promise<AccessTile>;
  accessStage(changes: AccessChange[]): Promise<AccessStaged>;
  accessUndo(): Promise<AccessStaged>;
  accessRedo(): Promise<AccessStaged>;
  accessDiscard(): Promise<AccessStaged>;
  accessExplain(principalId: string, envId: string): Promise<AccessExplain>;
  accessReview(): Promise<AccessReview>;
  /** Opens the secure window that signs exactly what is staged. */
  accessSign(): Promise<null>;
  whoView(subject: WhoSubject): Promise<WhoView>;
}

// ---- tokens

export interface TokensView { living: TokenRow[]; ended: TokenRow[]; canManage: boolean }
export type TokenFinding = "endsSoon" | "stale" | "neverUsed" | "broad" | "neverEnds";
export interface TokenRow {
  id: string;
  name: string;
  scopes: { envId: string; place: string; rights: number }[];
  endsAt: Millis | null;
  revokedAt: Millis | null;
  issuedBy: PersonView;
  issuedAt: Millis;
  link: number;
  lastUse: Millis | null;
  from: string | null;
  findings: TokenFinding[];
}
export interface TokenScope { envId: string; rights: number }

export interface TokenCommands {
  tokensView(): Promise<TokensView>;
  /** Signed in a secure window; another shows the token, once. */
  tokenNew(name: string, scopes: TokenScope[], endsAt: Millis | null): Promise<null>;
  tokenRevoke(id: string): Promise<null>;
}

// ---- replacing data keys

export interface RotationsView { rows: RotationRow[] }
export interface RotationRow {
  envId: string;
  place: string;
  cls: EnvClass;
  secrets: number;
  epoch: number;
  state: "due" | "running" | "done" | "noKey";
  why: string;
  holders: PersonView[];
}

export interface RotationCommands {
  rotationsView(): Promise<RotationsView>;
  /** Resolves when all are done; `taskCancel` stops between two environments. */
  rotationStart(envIds: string[]): Promise<null>;
}

// ---- offboarding

export interface OffboardRow { principal: PrincipalView; startedAt: Millis; state: OffboardState; toRotate: number; rotated: number }
export interface OffboardView {
  principal: PrincipalView;
  startedAt: Millis;
  by: PersonView;
  revoke: { grants: number; firstLink: number; lastLink: number };
  rotations: RotationRow[];
  couldRead: number;
  counts: { rotate: number; fetched: number; never: number };
  ticked: number;
  certificate: { ready: boolean; missing: string[] };
  /** The audit log was read up to now. */
  logComplete: boolean;
}
export type OffboardTab = "rotate" | "fetched" | "never";
export interface OffboardRows { total: number; offset: number; rows: OffboardSecret[] }
export type Use = "revealed" | "copied" | "injected" | "brokered" | "exported" | "decrypted" | "fetched";
export interface OffboardSecret {
  envId: string;
  secretId: string;
  name: string;
  place: string;
  strongest: Use | null;
  last: Millis | null;
  /** Whoever wrote the newest version. */
  owner: PersonView | null;
  newValueSince: Millis | null;
  ticked: Millis | null;
}
export interface SecretRef { envId: string; secretId: string }

export interface OffboardCommands {
  /** Signed in a secure window: rights revoked, member removed or token revoked; the rotation then starts by itself. */
  offboardBegin(principalId: string): Promise<null>;
  offboardList(): Promise<OffboardRow[]>;
  offboardView(principalId: string): Promise<OffboardView>;
  offboardRows(principalId: string, tab: OffboardTab, offset: number, limit: number): Promise<OffboardRows>;
  offboardTick(principalId: string, secrets: SecretRef[], done: boolean): Promise<null>;
  /** The path of the saved list; null when cancelled. */
  offboardExport(principalId: string): Promise<string | null>;
  /** The path of the saved certificate; null when cancelled. */
  offboardCertificate(principalId: string): Promise<string | null>;
}

// ---- trust

export interface TrustView {
  device: string;
  verifiedAt: Millis | null;
  server: string;
  link: number;
  /** 80 bits of the head of the chain, 16 characters in four groups. */
  headCode: string;
  commits: { envId: string; place: string; seq: number; code: string; complete: boolean }[];
  /** complete: every entry was read and hashed here, not only its proof. */
  audit: { size: number; code: string; complete: boolean };
  notCovered: string[];
  stop: StopView | null;
  holders: HolderRow[];
}
export interface HolderRow {
  envId: string;
  place: string;
  cls: EnvClass;
  people: number;
  drills: { person: PersonView; at: Millis; valid: boolean }[];
  you: boolean;
}
/** unknown: this computer does not know that link yet. */
export type HeadsAnswer = "same" | "differs" | "unknown";

export interface TrustCommands {
  trustView(): Promise<TrustView>;
  headsCompare(link: number, code: string): Promise<HeadsAnswer>;
  /** The number of environments proven: signed, dated, sent. */
  drillRun(envIds: string[]): Promise<number>;
  /** The path of strongroom.lock; null when cancelled. */
  lockFileSave(): Promise<string | null>;
}

export type TeamCommands = WelcomeCommands & MemberCommands & AccessCommands & TokenCommands & RotationCommands & OffboardCommands & TrustCommands;

/** Every name of `TeamCommands`, so that the real vault can be made from them. */
export const teamCommands = [
  "serverLook", "serverSignIn", "vaultCreateOn", "vaultJoin", "vaultRestore",
  "membersView", "inviteNew", "memberRole", "memberLeave", "resetSign", "policySet", "inviteShow", "inviteForget", "inviteTake", "memberWords", "resetAcknowledge",
  "accessAxes", "accessTile", "accessStage", "accessUndo", "accessRedo", "accessDiscard", "accessExplain", "accessReview", "accessSign", "whoView",
  "tokensView", "tokenNew", "tokenRevoke",
  "rotationsView", "rotationStart",
  "offboardBegin", "offboardList", "offboardView", "offboardRows", "offboardTick", "offboardExport", "offboardCertificate",
  "trustView", "headsCompare", "drillRun", "lockFileSave",
] as const satisfies readonly (keyof TeamCommands)[];

/** Fails to compile when a command is missing from the list above. */
export type EveryTeamCommand = Exclude<keyof TeamCommands, (typeof teamCommands)[number]> extends never ? true : never;
export const everyTeamCommand: EveryTeamCommand = true;
