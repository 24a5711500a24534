//! The port to verified state: what a token of the older service stands for, and its values.

use std::{fmt, future::Future, pin::Pin};

use strongroom_format::id::EnvId;
use strongroom_legacy::{Recipient, TokenHash};
use strongroom_secret::SecretBytes;

use super::GatewayError;

/// What an answer takes its time for.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, GatewayError>> + Send + 'a>>;

/// Whoever holds verified state and knows which tokens were made for it.
pub trait LegacySource: Send + Sync + fmt::Debug + 'static {
    /// What a token stands for now, without any value. A token is found by its hash; one that is
    /// unknown, over or taken back is [`GatewayError::unauthorized`].
    fn look(&self, token: TokenHash) -> Answering<'_, Box<dyn Found>>;
}

/// What a token stands for.
pub trait Found: Send {
    /// Without values.
    fn outline(&self) -> &Outline;

    /// The values, in the order of [`Outline::layers`]. That each of them goes into a process is
    /// written down, signed, before it is opened.
    fn open(&mut self) -> Answering<'_, Vec<Vec<SecretBytes>>>;
}

/// An environment and the groups that it composes, as the signed composition says.
#[derive(Debug)]
pub struct Outline {
    /// Whom the answer is wrapped to: the token's public half, from when it was made.
    pub recipient: Recipient,
    /// The organisation, as clients show it.
    pub org: Label,
    /// The application.
    pub app: Label,
    /// The environment's layer is the last one; the groups come before it, lowest precedence first.
    pub layers: Vec<Layer>,
}

/// What something is called in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its id.
    pub id: String,
    /// Its short name.
    pub slug: String,
}

/// One environment of an answer.
#[derive(Debug)]
pub struct Layer {
    /// Which.
    pub env: EnvId,
    /// The environment's short name.
    pub slug: String,
    /// The group's short name; `None` for the environment itself.
    pub group: Option<String>,
    /// The names of its secrets.
    pub names: Vec<String>,
    /// For each layer, whether values of this one may refer to values there: true where everybody
    /// who writes this one may read that one.
    pub may_refer: Vec<bool>,
}
