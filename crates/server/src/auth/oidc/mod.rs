//! Tokens of other issuers (`OpenID` Connect), checked here against the keys that they publish.
//!
//! What is trusted is decided by the configuration alone: the issuer, the algorithm, the audience
//! and where the keys are. A token chooses among configured issuers by its `iss` and among their
//! keys by its `kid`, and nothing else. Who somebody is, is issuer and subject together, never an
//! address of e-mail.

mod keys;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_format::hash::{Digest, sha256};
use strongroom_format::wire::IssuerInfo;
use strongroom_store::Identity;

use self::keys::{Keys, Known};
use self::token::Token;
use crate::config::IssuerConfig;
use crate::error::ApiError;

/// The most tokens that are remembered.
const MAX_CACHED: usize = 10_000;

/// The configured issuers, their keys, and the tokens that were verified.
pub(crate) struct Issuers {
    issuers: Vec<Issuer>,
    /// By the hash of the whole token: two that begin alike are two.
    verified: Mutex<HashMap<Digest, Verified>>,
}

struct Issuer {
    config: IssuerConfig,
    keys: Arc<Keys>,
}

struct Verified {
    issuer: usize,
    kid: String,
    identity: Identity,
    /// In seconds since 1970.
    ends: u64,
    /// Whether the sign-in stands in the log.
    recorded: bool,
}

/// Somebody as an issuer knows them, proven by a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Foreign {
    pub(crate) identity: Identity,
    /// Whether people of this issuer may make an account.
    pub(crate) admit: bool,
    /// Names the token for [`Issuers::set_recorded`], if its sign-in is not in the log yet.
    pub(crate) unrecorded: Option<Digest>,
}

impl Issuers {
    pub(crate) fn new(configs: &[IssuerConfig]) -> Result<Self, reqwest::Error> {
        let issuer = |config: &IssuerConfig| {
            let keys = Arc::new(Keys::new(&config.jwks_url, config.algorithm)?);
            Ok(Issuer { config: config.clone(), keys })
        };
        let issuers = configs.iter().map(issuer).collect::<Result<_, reqwest::Error>>()?;
        Ok(Self { issuers, verified: Mutex::default() })
    }

    /// What anybody may know, to begin a sign-in with.
    pub(crate) fn info(&self) -> Vec<IssuerInfo> {
        let info = |issuer: &Issuer| IssuerInfo {
            name: issuer.config.name.clone(),
            issuer: issuer.config.issuer.clone(),
            client_id: issuer.config.client_id.clone(),
            scopes: issuer.config.scopes.clone(),
        };
        self.issuers.iter().map(info).collect()
    }

    /// Whose token this is; `None` for anything but a running token of a configured issuer.
    pub(crate) async fn verify(
        &self,
        text: &str,
        now_ms: u64,
    ) -> Result<Option<Foreign>, ApiError> {
        let hash = sha256(&[text.as_bytes()]);
        if let Some(known) = self.remembered(&hash, now_ms).await? {
            return Ok(Some(known));
        }
        let Some(token) = Token::parse(text) else { return Ok(None) };
        let of_token = |(_, issuer): &(usize, &Issuer)| issuer.config.issuer == token.issuer();
        let Some((at, issuer)) = self.issuers.iter().enumerate().find(of_token) else {
            return Ok(None);
        };
        let Some(identity) = token.check(&issuer.config, now_ms / 1000) else { return Ok(None) };
        let key = find(issuer, token.kid(), now_ms).await?;
        if !key.is_some_and(|key| token.is_signed_by(&key)) {
            return Ok(None);
        }
        let verified = Verified {
            issuer: at,
            kid: token.kid().to_owned(),
            identity: identity.clone(),
            ends: token.ends(),
            recorded: false,
        };
        self.remember(hash, verified, now_ms / 1000);
        Ok(Some(Foreign { identity, admit: issuer.config.admit, unrecorded: Some(hash) }))
    }

    /// The sign-in of this token stands in the log.
    pub(crate) fn set_recorded(&self, token: &Digest) {
        if let Some(verified) = self.lock().get_mut(token) {
            verified.recorded = true;
        }
    }

    /// A token that was verified, has not ended, and whose key the issuer has not taken back.
    async fn remembered(&self, hash: &Digest, now_ms: u64) -> Result<Option<Foreign>, ApiError> {
        let (at, kid, found) = {
            let verified = self.lock();
            let Some(known) = verified.get(hash).filter(|known| now_ms / 1000 <= known.ends) else {
                return Ok(None);
            };
            let admit = self.issuers.get(known.issuer).is_some_and(|issuer| issuer.config.admit);
            let unrecorded = (!known.recorded).then_some(*hash);
            let found = Foreign { identity: known.identity.clone(), admit, unrecorded };
            (known.issuer, known.kid.clone(), found)
        };
        let Some(issuer) = self.issuers.get(at) else { return Ok(None) };
        if find(issuer, &kid, now_ms).await?.is_none() {
            self.lock().remove(hash);
            return Ok(None);
        }
        Ok(Some(found))
    }

    fn remember(&self, hash: Digest, token: Verified, now: u64) {
        let mut verified = self.lock();
        if verified.len() >= MAX_CACHED {
            verified.retain(|_, token| now <= token.ends);
        }
        if verified.len() < MAX_CACHED {
            verified.insert(hash, token);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, Verified>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn find(issuer: &Issuer, kid: &str, now_ms: u64) -> Result<Option<Arc<keys::Key>>, ApiError> {
    match Arc::clone(&issuer.keys).find(kid, now_ms).await {
        Known::Key(key) => Ok(Some(key)),
        Known::No => Ok(None),
        Known::Unavailable => {
            let message = "the keys of the issuer of this sign-in cannot be fetched; try again";
            Err(ApiError::unavailable("issuer-unavailable", message))
        }
    }
}
