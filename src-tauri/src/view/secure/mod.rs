//! What crosses the border to the secure windows, and nowhere else.
//!
//! These are the only types of the shell that carry a secret. None of them is part of the generated
//! bindings, so the main window's bundle cannot even name them.

use std::fmt;

use serde::{Serialize, Serializer};
use strongroom_secret::SecretText;

use super::Theme;

mod agents;
mod secret;
mod team;
mod vault;

pub use agents::{AnsweredView, ApproveContext, FakeTokenContext, OperatorContext};
pub use secret::{ConfirmContext, EditContext, RevealContext};
pub use team::{
    CodeRead, InviteContext, JoinContext, JoinLook, LineKind, RestoreContext, SignContext,
    SignLine, TakeContext, TokenContext, WordsContext,
};
pub use vault::{CreateContext, KeepSecretKey, KitContext, KitView, UnlockContext};

/// A secret on its way out to the one window that shows it.
pub struct Shown(SecretText);

impl Shown {
    /// Marks `text` as meant for a secure window.
    pub fn new(text: SecretText) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown(redacted)")
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.lend(|text| serializer.serialize_str(text))
    }
}

/// What every secure window shows in its frame.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecureFrame {
    /// The two words that only this computer's secure windows know; none without a keyring.
    pub words: Option<(String, String)>,
    /// The colours.
    pub theme: Theme,
}
