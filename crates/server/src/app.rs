//! Everything a request may need, shared by all of them.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use strongroom_format::hash::Digest;
use strongroom_format::statement::PublicKey;
use strongroom_store::Store;

use crate::auth::{Challenges, Issuers, Sessions};
use crate::clock::Clock;
use crate::config::Registration;
use crate::journal::Journal;
use crate::limits::Limits;
use crate::metrics::Metrics;

/// One running server.
pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) journal: Journal,
    pub(crate) sessions: Sessions,
    pub(crate) issuers: Issuers,
    pub(crate) challenges: Challenges,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    /// What clients call the server.
    pub(crate) origin: String,
    pub(crate) audit_vkey: PublicKey,
    pub(crate) registration: Registration,
    /// SHA-256 of the founder code; none where there was an account at the start.
    pub(crate) founder: Option<Digest>,
    /// Where the founder code stands until it is used.
    pub(crate) founder_file: PathBuf,
    pub(crate) dev_auth: bool,
    pub(crate) trusted_proxies: Vec<IpAddr>,
}

impl App {
    /// The code is void by the account that it made; what is left of it goes.
    pub(crate) fn founder_code_used(&self) {
        if let Err(error) = std::fs::remove_file(&self.founder_file) {
            tracing::warn!(%error, "the file of the used founder code stays");
        }
    }
}

/// What every handler gets.
pub(crate) type Shared = Arc<App>;
