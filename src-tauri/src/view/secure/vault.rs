//! Windows around a vault as a whole: unlock, create, Emergency Kit.

use serde::{Deserialize, Serialize};

use super::{SecureFrame, Shown};
use crate::view::{KeyringState, Millis};

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
    /// The team server that the vault is made on; none for one on this computer.
    pub server: Option<String>,
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
