//! Data keys that must be or are being replaced.

use serde::Serialize;

use super::{EnvClass, PersonView};

/// The queue of data keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct RotationsView {
    /// One row for each environment.
    pub rows: Vec<RotationRow>,
}

/// One environment of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct RotationRow {
    /// Which.
    pub env_id: String,
    /// Application and environment.
    pub place: String,
    /// What it is for.
    pub cls: EnvClass,
    /// How many secrets are sealed anew.
    pub secrets: u32,
    /// The epoch of the data key in use.
    pub epoch: u32,
    /// How far it is.
    pub state: RotationState,
    /// Why it must be replaced, in words.
    pub why: String,
    /// Living people who hold the data key and can replace it.
    pub holders: Vec<PersonView>,
}

/// How far a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum RotationState {
    /// It waits.
    Due,
    /// It is being done here.
    Running,
    /// It is done.
    Done,
    /// This user holds no key; one of the holders has to do it.
    NoKey,
}
