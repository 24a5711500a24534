//! Everything a request may need, shared by all of them.

use std::net::IpAddr;
use std::sync::Arc;

use strongroom_format::statement::PublicKey;
use strongroom_store::Store;

use crate::auth::{Challenges, Sessions};
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
    pub(crate) challenges: Challenges,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    /// What clients call the server.
    pub(crate) origin: String,
    pub(crate) audit_vkey: PublicKey,
    pub(crate) registration: Registration,
    pub(crate) dev_auth: bool,
    pub(crate) trusted_proxies: Vec<IpAddr>,
}

/// What every handler gets.
pub(crate) type Shared = Arc<App>;
