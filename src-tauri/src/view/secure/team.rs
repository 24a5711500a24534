//! Windows around people and machines: sign, invite, take, join, restore, words, token.

use serde::Serialize;

use super::{SecureFrame, Shown};
use crate::view::{KeyringState, Millis};

/// The window in which everything is signed that changes who can read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// What is about to be signed, in one sentence.
    pub title: String,
    /// Who signs.
    pub person: String,
    /// The summary of the links, in their order.
    pub lines: Vec<SignLine>,
    /// How many links.
    pub links: u32,
    /// What has to be typed first.
    pub typed: Option<String>,
    /// The text of the box that has to be ticked first.
    pub check: Option<String>,
    /// The words on the button.
    pub action: String,
    /// What is said when it is done.
    pub done: String,
}

/// One line of the summary of what is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignLine {
    /// What kind of line.
    pub kind: LineKind,
    /// What happens.
    pub text: String,
    /// What else there is to know.
    pub detail: Option<String>,
    /// When it ends by itself.
    pub until: Option<Millis>,
}

/// What a line of the summary is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LineKind {
    /// Somebody gains.
    Gain,
    /// Somebody loses.
    Lose,
    /// A link as such.
    Link,
    /// A data key is replaced.
    Rotate,
    /// Look twice.
    Warn,
}

/// The window that shows an invitation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InviteContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// For whom, as written on this computer.
    pub label: String,
    /// The role that the person gets.
    pub role: String,
    /// The environments that the person gets, as `app / environment: rights`.
    pub grants: Vec<String>,
    /// When the code ends.
    pub expires: Millis,
    /// The code.
    pub code: Shown,
    /// The same as a QR code.
    pub qr_svg: Shown,
    /// The server that the code leads to.
    pub server: String,
    /// The fingerprint of whoever invites, which the joining person sees too.
    pub fingerprint: String,
}

/// The window that takes a code which another manager made.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TakeContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
}

/// The window in which somebody joins an organisation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JoinContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// Whether the keyring can keep the Secret Key.
    pub keyring: KeyringState,
}

/// Where a code leads, by the code alone: nothing was sent yet.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeRead {
    /// The server's address.
    pub server: String,
    /// The organisation's id in words.
    pub organisation_words: String,
}

/// Where a code leads, as verified against its pin, before anything about this person is sent.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JoinLook {
    /// The server's address.
    pub server: String,
    /// The organisation's id in words.
    pub organisation_words: String,
    /// The fingerprint of whoever invites.
    pub inviter_fingerprint: String,
    /// The newest link that was verified.
    pub link: u32,
    /// The role that the code promises.
    pub role: String,
    /// When the code ends.
    pub expires: Millis,
    /// This computer has a vault of this organisation already.
    pub known: bool,
}

/// The window in which a vault of a server is opened on a computer that never had it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// The server's address, if the main window named it.
    pub server: Option<String>,
    /// Whether the keyring can keep the Secret Key.
    pub keyring: KeyringState,
}

/// The window in which two people compare six words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WordsContext {
    /// Words and colours, flattened into fields of other names: `words` are the six.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// The other person.
    pub name: String,
    /// The six words of both keys.
    pub six: [String; 6],
    /// The other person's fingerprint.
    pub fingerprint: String,
}

/// The window that shows a new service token, once.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// Its name.
    pub name: String,
    /// The token.
    pub token: Shown,
    /// What it may do, as `app / environment: rights`.
    pub reads: Vec<String>,
    /// When it ends; none if it never does.
    pub ends: Option<Millis>,
    /// The link that issued it.
    pub link: u32,
    /// Who signed that.
    pub by: String,
}
