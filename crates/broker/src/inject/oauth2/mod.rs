//! OAuth 2 refresh tokens (RFC 6749, section 6): the provider's token endpoint alone sees them, and
//! requests carry the access token that it gives.
//!
//! Invariants: one refresh at a time of one credential, however many requests wait for it, since a
//! provider that replaces refresh tokens takes a second use of the old one for theft; a refresh that
//! began is finished whoever goes away meanwhile, since its answer may hold the only refresh token
//! that still works; a refresh token that replaces another goes to the owner before the access token
//! beside it is used.
//!
//! Deliberately not here: the connection, and the record that comes before it (the
//! [`TokenEndpoint`]).

mod grant;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use http::HeaderValue;
use strongroom_policy::SecretAt;
use strongroom_secret::{SecretBytes, SecretText};

use super::InjectError;
use crate::leases::IDLE;

pub use grant::Grant;
use grant::Granted;

/// How long before its end an access token is no longer used.
const MARGIN: Duration = Duration::from_mins(1);
/// How long after a refusal the endpoint is not asked again.
const PAUSE: Duration = Duration::from_secs(5);

/// What goes to a token endpoint, as `application/x-www-form-urlencoded`.
#[derive(Debug)]
pub struct Form {
    /// The client's own credential, where it goes in a header.
    pub authorization: Option<HeaderValue>,
    /// The body.
    pub body: SecretBytes,
}

/// What a token endpoint answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, at most [`Answer::MAX`] bytes.
    pub body: SecretBytes,
}

impl Answer {
    /// The longest answer that is read.
    pub const MAX: usize = 64 * 1024;
}

/// What [`TokenEndpoint::post`] answers.
pub type Posting<'a> = Pin<Box<dyn Future<Output = Result<Answer, InjectError>> + Send + 'a>>;

/// The token endpoint that a secret's policy names.
pub trait TokenEndpoint: Send + Sync + 'static {
    /// Writes down that the refresh token leaves, and sends it.
    fn post(&self, form: Form) -> Posting<'_>;

    /// The provider replaced the refresh token: this is the secret's new value.
    fn captured(&self, value: SecretBytes);
}

/// Access tokens that providers gave, until they end.
#[derive(Debug, Default)]
pub struct Refreshed {
    slots: Mutex<BTreeMap<(SecretAt, u64), Arc<Slot>>>,
}

type Slot = tokio::sync::Mutex<State>;

#[derive(Debug, Default)]
struct State {
    fresh: Option<Fresh>,
    /// The refresh token that took the place of the one in the vault, until the vault has it.
    replaced: Option<SecretText>,
    refused: Option<(Instant, InjectError)>,
}

#[derive(Debug)]
struct Fresh {
    access: Arc<SecretBytes>,
    until: Instant,
    used: Instant,
}

impl Refreshed {
    /// All of them go.
    pub fn clear(&self) {
        self.hold().clear();
    }

    /// What belongs to no credential in use goes.
    pub fn retain(&self, in_use: impl Fn(SecretAt, u64) -> bool) {
        self.hold().retain(|(at, version), _| in_use(*at, *version));
    }

    /// Access tokens that nobody used for a while go. To be called now and then.
    pub fn sweep(&self, now: Instant) {
        for slot in self.hold().values() {
            // One that is being refreshed is in use.
            let Ok(mut state) = slot.try_lock() else { continue };
            if state.fresh.as_ref().is_some_and(|fresh| now.duration_since(fresh.used) >= IDLE) {
                state.fresh = None;
            }
        }
    }

    /// An access token for the credential `at` in `version`, whose value is `value`.
    pub async fn access(
        &self,
        (at, version): (SecretAt, u64),
        value: &SecretBytes,
        scopes: &[String],
        endpoint: impl TokenEndpoint,
        now: Instant,
    ) -> Result<Arc<SecretBytes>, InjectError> {
        let grant = Grant::parse(value)?;
        let slot = Arc::clone(self.hold().entry((at, version)).or_default());
        let mut state = slot.lock_owned().await;
        if let Some(fresh) = state.fresh.as_mut().filter(|fresh| now < fresh.until) {
            fresh.used = now;
            return Ok(Arc::clone(&fresh.access));
        }
        if let Some((_, error)) = state.refused.as_ref().filter(|(until, _)| now < *until) {
            return Err(error.clone());
        }
        let scopes = scopes.to_vec();
        // In a task of its own: whoever waits for it may go.
        let refresh = tokio::spawn(async move {
            let done = refresh(&mut state, &grant, &scopes, &endpoint, now).await;
            state.refused = done.as_ref().err().map(|error| (now + PAUSE, error.clone()));
            done
        });
        let ended = |_| Err(InjectError::Refresh("the broker is ending".to_owned()));
        refresh.await.unwrap_or_else(ended)
    }

    fn hold(&self) -> MutexGuard<'_, BTreeMap<(SecretAt, u64), Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn refresh(
    state: &mut State,
    grant: &Grant,
    scopes: &[String],
    endpoint: &impl TokenEndpoint,
    now: Instant,
) -> Result<Arc<SecretBytes>, InjectError> {
    state.fresh = None;
    let token = state.replaced.as_ref().unwrap_or(grant.refresh_token());
    let mut answer = endpoint.post(grant.form(token, scopes, true)?).await?;
    if grant.has_secret() && grant::is_invalid_client(&answer) {
        // The client was not recognised by its header, so the refresh token was not looked at. Some
        // providers want the client's credential in the body.
        answer = endpoint.post(grant.form(token, scopes, false)?).await?;
    }
    let Granted { access, seconds, replaced } = grant::read(&answer)?;
    if let Some(new) = replaced.filter(|new| new.lend(|new| token.lend(|old| new != old))) {
        endpoint.captured(grant.with(&new));
        state.replaced = Some(new);
    }
    let lasts = Duration::from_secs(seconds);
    let until = now + lasts.saturating_sub(MARGIN).max(lasts / 2);
    let access = Arc::new(access);
    state.fresh = Some(Fresh { access: Arc::clone(&access), until, used: now });
    Ok(access)
}
