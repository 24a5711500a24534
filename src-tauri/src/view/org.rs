//! The organisation and its tree.

use serde::{Deserialize, Serialize};

use super::EnvRowView;

/// The open organisation as the side bar draws it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct OrgView {
    /// The organisation.
    pub id: String,
    /// Its name, opened on this computer.
    pub name: String,
    /// The role of this user.
    pub role: Role,
    /// A sample with invented people.
    pub sample: bool,
    /// This user.
    pub me: PersonView,
    /// All organisations of this vault.
    pub organisations: Vec<OrgRowView>,
    /// Applications with their environments, in display order.
    pub apps: Vec<AppRowView>,
    /// How many joins, resets and invites wait for somebody.
    pub waiting: u32,
    /// How many environments have a data key that must be replaced.
    pub due: u32,
}

/// One organisation in the switcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct OrgRowView {
    /// The organisation.
    pub id: String,
    /// Its name.
    pub name: String,
    /// It is the open one.
    pub current: bool,
}

/// One application of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AppRowView {
    /// The application.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its environments, in display order.
    pub environments: Vec<EnvRowView>,
}

/// A person, as far as the window names people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct PersonView {
    /// The principal.
    pub id: String,
    /// The name they gave themselves.
    pub name: String,
    /// One or two letters for the round picture.
    pub initials: String,
    /// It is this user.
    pub you: bool,
}

/// What a member may manage. It opens nothing: only a data key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Everything, other owners included.
    Owner,
    /// Members, applications, environments.
    Admin,
    /// What was granted to them.
    Member,
    /// The audit log; never a key.
    Reviewer,
}
