//! What crosses the border to the secure windows, and nowhere else.
//!
//! These are the only types of the shell that carry a secret. None of them is part of the generated
//! bindings, so the main window's bundle cannot even name them.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use strongroom_secret::SecretText;

use super::{EnvClass, KeyringState, Millis, Theme};

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

/// The unlock window.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnlockContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// The local label of the vault.
    pub label: String,
    /// Its server.
    pub server: String,
    /// The Secret Key is not on this computer and has to be typed.
    pub needs_secret_key: bool,
    /// It is the sample: its passphrase is printed in the window.
    pub sample_hint: bool,
}

/// The window in which a new vault gets its passphrase.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// The label chosen in the main window.
    pub label: String,
    /// The organisation's name chosen there.
    pub organisation: String,
    /// The person's name given there.
    pub person: String,
    /// Whether the keyring can keep the Secret Key.
    pub keyring: KeyringState,
}

/// Where the Secret Key stays between two starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeepSecretKey {
    /// In the system's keyring.
    Keyring,
    /// Nowhere: it is typed at each start.
    Ask,
    /// In a file that only this user can read.
    File,
}

/// The Emergency Kit window.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KitContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// The passphrase has to be typed before the kit is shown.
    pub needs_passphrase: bool,
    /// The kit.
    pub kit: Option<KitView>,
}

/// What the Emergency Kit says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KitView {
    /// The local label of the vault.
    pub label: String,
    /// The person.
    pub person: String,
    /// Their principal id.
    pub user_id: String,
    /// The organisation's name.
    pub organisation: String,
    /// Its id.
    pub org_id: String,
    /// Its server.
    pub server: String,
    /// The Secret Key in groups.
    pub secret_key: Shown,
    /// The same as a QR code.
    pub qr_svg: Shown,
    /// The code of the chain's head when the kit was made.
    pub head_code: String,
    /// The number of that link.
    pub link: u32,
    /// When the kit was made.
    pub made_at: Millis,
}

/// The window that shows one value for a few seconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevealContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// The name of the secret.
    pub name: String,
    /// Application and environment.
    pub path: String,
    /// What the environment is for.
    pub class: EnvClass,
    /// The version shown.
    pub version: u32,
    /// Who signed it.
    pub by: String,
    /// When.
    pub at: Millis,
    /// How long the window stays.
    pub seconds: u32,
    /// The value.
    pub value: Shown,
}

/// The window in which a value is typed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EditContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// There is no signed version yet.
    pub is_new: bool,
    /// The name of the secret; empty for a new one.
    pub name: String,
    /// Application and environment.
    pub path: String,
    /// What the environment is for.
    pub class: EnvClass,
    /// The version that the change becomes.
    pub next_version: u32,
    /// The note.
    pub note: String,
}

/// The window that asks before something is destroyed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfirmContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// The question.
    pub title: String,
    /// What it would do.
    pub text: String,
    /// What has to be typed.
    pub typed: String,
    /// The word on the button.
    pub action: String,
}
