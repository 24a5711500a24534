//! Members, invites, and everything that waits for somebody.

use serde::{Deserialize, Serialize};

use super::{Millis, PersonView, Role};

/// How the keys of a person were checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum Trust {
    /// It is this user.
    You,
    /// By the invite code, which people carry themselves.
    Code,
    /// By six words, compared aloud.
    Words,
    /// By nobody: the keys are what the chain says they are.
    Unverified,
}

/// What kind of principal holds a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum PrincipalKind {
    /// A member.
    Person,
    /// A service token.
    Token,
    /// An agent.
    Agent,
}

/// Whoever holds rights: a person, a token or an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct PrincipalView {
    /// Which kind.
    pub kind: PrincipalKind,
    /// The principal.
    pub id: String,
    /// Its name in the directory.
    pub name: String,
    /// One or two letters for the round picture.
    pub initials: String,
    /// It is this user.
    pub you: bool,
}

/// The members page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct MembersView {
    /// This user is an owner or an admin.
    pub can_manage: bool,
    /// This user is an owner.
    pub can_own: bool,
    /// The living members.
    pub people: Vec<MemberRow>,
    /// Invites, the newest first.
    pub invites: Vec<InviteRow>,
    /// Whoever left or was removed.
    pub left: Vec<LeftRow>,
    /// Everything that waits, for whom and why.
    pub pending: Vec<PendingRow>,
    /// The policy allows grants to people whose keys nobody compared.
    pub grants_to_unverified: bool,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct MemberRow {
    /// Who.
    pub person: PersonView,
    /// What they may manage.
    pub role: Role,
    /// How their keys were checked.
    pub trust: Trust,
    /// Their keys, as 20 characters in groups of four.
    pub fingerprint: String,
    /// How many environments they hold the data key of.
    pub environments: u32,
    /// When the audit log last heard of them; none if this user cannot know.
    pub last_seen: Option<Millis>,
    /// How many devices they used; none if this user cannot know.
    pub devices: Option<u32>,
    /// When they joined.
    pub joined_at: Millis,
    /// The link that admitted them.
    pub joined_link: u32,
    /// Their keys were replaced by somebody else, and nobody here has acknowledged it.
    pub reset: Option<KeyResetView>,
    /// Environments they were granted and nobody has wrapped the data key of yet, in words.
    pub waits_for_keys: Vec<String>,
}

/// Keys that somebody else replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct KeyResetView {
    /// By which link.
    pub link: u32,
    /// When.
    pub at: Millis,
    /// Who signed it.
    pub by: PersonView,
}

/// One invite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct InviteRow {
    /// The invite.
    pub id: String,
    /// For whom, as noted on the computer that made it; empty elsewhere.
    pub label: String,
    /// The role it promises.
    pub role: Role,
    /// The rights it promises, in words.
    pub grants: Vec<String>,
    /// Who signed it.
    pub made_by: PersonView,
    /// When.
    pub made_at: Millis,
    /// The link that carries it.
    pub link: u32,
    /// When it ends.
    pub expires: Millis,
    /// How far it is.
    pub state: InviteState,
    /// This computer holds the code and finishes the join by itself.
    pub code_here: bool,
    /// It gives this member new keys instead of admitting somebody.
    pub resets: Option<PersonView>,
}

/// How far an invite is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum InviteState {
    /// Nobody used it yet.
    Open,
    /// Somebody sent a join request.
    Asked,
    /// It admitted somebody.
    Used,
    /// Its time is over.
    Ended,
}

/// Something that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct PendingRow {
    /// What.
    pub kind: PendingKind,
    /// For whom or what, by name.
    pub subject: String,
    /// Why it waits, in one sentence.
    pub why: String,
    /// The invite it belongs to.
    pub invite_id: Option<String>,
    /// The person it is about.
    pub user_id: Option<String>,
    /// What this user can do about it.
    pub action: Option<PendingAction>,
}

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum PendingKind {
    /// A join request.
    Join,
    /// A request for new keys.
    Reset,
    /// Data keys that nobody wrapped yet.
    Keys,
    /// Replaced keys that want to be acknowledged.
    Confirm,
}

/// What this user can do about something that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum PendingAction {
    /// Finish the join: this computer holds the code.
    Finish,
    /// Paste the code that another admin made.
    TakeCode,
    /// Sign the new keys.
    SignReset,
}

/// Whoever left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct LeftRow {
    /// Who.
    pub person: PersonView,
    /// When.
    pub at: Millis,
    /// The link that removed them.
    pub link: u32,
    /// Who signed it.
    pub by: PersonView,
    /// How far their offboarding is; none if nobody began it here.
    pub offboard: Option<OffboardState>,
}

/// How far an offboarding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum OffboardState {
    /// Data keys are being replaced.
    Running,
    /// Values wait to be replaced.
    Queue,
    /// Everything is replaced.
    Done,
}

/// A right that an invite promises.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantSpec {
    /// Where.
    pub env_id: String,
    /// Bits: read 1, write 2, grant 4.
    pub rights: u8,
    /// When it lapses.
    pub ends_at: Option<Millis>,
}

/// What a secure window signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SignedView {
    /// What it was.
    pub what: SignedWhat,
    /// How many links.
    pub links: u32,
    /// The first of them.
    pub first_link: u32,
    /// The last of them.
    pub last_link: u32,
    /// Whom or what it was about, by name.
    pub subject: Option<String>,
}

/// What a secure window signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum SignedWhat {
    /// Staged changes of access.
    Access,
    /// An invite.
    Invite,
    /// A role.
    Role,
    /// The removal of a member.
    Remove,
    /// Leaving.
    Leave,
    /// A service token.
    Token,
    /// The end of a service token.
    TokenRevoke,
    /// New keys for a member who lost theirs.
    Reset,
    /// The policy.
    Policy,
    /// A member.
    Join,
    /// A new audit log after a restore.
    AuditReset,
    /// Old entries of the audit log, which may be retired.
    AuditRetention,
    /// An agent, new or with other terms.
    Agent,
    /// The end of an agent.
    AgentEnd,
    /// Where a secret may go.
    SecretPolicy,
}
