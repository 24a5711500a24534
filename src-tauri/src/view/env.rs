//! One environment.

use serde::{Deserialize, Serialize};

use super::{Millis, StagedSummary};

/// An environment in the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct EnvRowView {
    /// The environment.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for; decides its mark.
    pub class: EnvClass,
    /// How many secrets it holds, as far as this computer knows.
    pub count: u32,
    /// This user holds its data key.
    pub readable: bool,
    /// How many changes wait to be signed.
    pub staged: u32,
    /// Its data key must be replaced before anything else is signed.
    pub due: bool,
    /// The newest data key is wrapped for this user, so its values open here.
    pub can_read: bool,
}

/// An environment, opened.
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct EnvView {
    /// The environment.
    pub id: String,
    /// Its application.
    pub app_id: String,
    /// The name of its application.
    pub app_name: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub class: EnvClass,
    /// The epoch of the data key in use, from 1.
    pub epoch: u32,
    /// How many secrets it holds.
    pub count: u32,
    /// This user holds its data key.
    pub readable: bool,
    /// This user may commit to it.
    pub writable: bool,
    /// The number of its newest commit that this computer verified.
    pub commit: u32,
    /// Every commit since the pin was checked here.
    pub history_verified: bool,
    /// How many principals hold its data key.
    pub readers: u32,
    /// Somebody who could read it left: its key has to be replaced before the next write.
    pub due: bool,
    /// Since when this user may no longer read it, having held its data key.
    pub lost_at: Option<Millis>,
    /// What waits to be signed.
    pub staged: StagedSummary,
}

/// What an environment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum EnvClass {
    /// A developer's own.
    Development,
    /// Rehearsal.
    Staging,
    /// The real thing.
    Production,
    /// None of these.
    Other,
}

/// An environment to be made together with its application.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewEnvironment {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub class: EnvClass,
}
