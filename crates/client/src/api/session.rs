//! Signing in: a challenge, a signature over it, a short session (docs/protocol.md, section 3).

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::HeaderValue;
use strongroom_format::id::UserId;
use strongroom_format::wire::{
    Challenge, ChallengeRequest, Session, SessionRequest, SignInKey, challenge_message,
};
use thiserror::Error;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::error::ApiError;
use super::transport::{Call, Transport};

const NONCE: usize = 32;
const MAX_TOKEN: usize = 8 * 1024;
/// A session is renewed this long before its end, so that expiry is not a refused request.
const MARGIN: Duration = Duration::from_secs(20);
const LONGEST: Duration = Duration::from_hours(24);

/// The key cannot sign: the vault was locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the vault is locked")]
pub struct CannotSign;

/// Whoever can answer a challenge: the login key of a device that is not unlocked yet, or the
/// identity key of one that is.
pub trait SignIn: Send + Sync {
    /// Who signs in.
    fn user(&self) -> UserId;

    /// Which of the two keys signs.
    fn key(&self) -> SignInKey;

    /// The Ed25519 signature over `message`, which is `wire::challenge_message`.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CannotSign>;
}

/// The token of one session, ready to be sent; `serial` tells two sessions apart.
#[derive(Clone)]
pub(super) struct Token {
    serial: u64,
    pub(super) header: HeaderValue,
}

impl Token {
    /// A credential that is no session: there is nothing to renew.
    pub(super) fn fixed(header: HeaderValue) -> Self {
        Self { serial: 0, header }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.serial)
    }
}

#[derive(Default)]
pub(super) struct Sessions(Mutex<State>);

#[derive(Default)]
struct State {
    signer: Option<Arc<dyn SignIn>>,
    /// A credential that needs no signing in and cannot be renewed.
    fixed: Option<Token>,
    current: Option<(Token, Instant)>,
    serial: u64,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions(..)")
    }
}

impl Sessions {
    pub(super) async fn sign_in_as(&self, signer: Option<Arc<dyn SignIn>>) {
        let mut state = self.0.lock().await;
        state.signer = signer;
        state.fixed = None;
        state.current = None;
    }

    pub(super) async fn send_always(&self, credential: Token) {
        let mut state = self.0.lock().await;
        *state = State { fixed: Some(credential), serial: state.serial, ..State::default() };
    }

    /// The token of a session that is not `refused`. Many calls that are refused at once cause one
    /// sign-in.
    pub(super) async fn token(
        &self,
        transport: &Transport,
        refused: Option<&Token>,
    ) -> Result<Token, ApiError> {
        let mut state = self.0.lock().await;
        if let Some(fixed) = &state.fixed {
            // What was refused once is refused again.
            return if refused.is_none() { Ok(fixed.clone()) } else { Err(ApiError::SignedOut) };
        }
        let refused = refused.map(|token| token.serial);
        match &state.current {
            Some((token, until)) if Some(token.serial) != refused && Instant::now() < *until => {
                return Ok(token.clone());
            }
            _ => state.current = None,
        }
        let signer = state.signer.clone().ok_or(ApiError::SignedOut)?;
        state.serial += 1;
        let (token, until) = sign_in(transport, &*signer, state.serial).await?;
        state.current = Some((token.clone(), until));
        Ok(token)
    }
}

async fn sign_in(
    transport: &Transport,
    signer: &dyn SignIn,
    serial: u64,
) -> Result<(Token, Instant), ApiError> {
    let user_id = signer.user();
    let begun = Instant::now();
    let ask = ChallengeRequest { user_id };
    let challenge: Challenge =
        transport.json(Call::post_json("/v1/session/challenge", &ask)?).await?;
    if challenge.nonce.0.len() != NONCE {
        return Err(ApiError::Garbage);
    }
    // The address this client was given, never one that a server claims.
    let origin = transport.origin().as_str();
    let message = challenge_message(origin, &user_id, &challenge.nonce.0, challenge.time_ms);
    let signature = signer.sign(&message).map_err(|_| ApiError::SignedOut)?;
    let answer = SessionRequest {
        user_id,
        nonce: challenge.nonce,
        time_ms: challenge.time_ms,
        key: signer.key(),
        signature: signature.to_vec().into(),
    };
    let session: Session = transport.json(Call::post_json("/v1/session", &answer)?).await?;
    // Both times are the server's, so this computer's clock does not matter.
    let lifetime = Duration::from_millis(session.expires_ms.saturating_sub(challenge.time_ms));
    let until = begun + lifetime.min(LONGEST).saturating_sub(MARGIN);
    Ok((token(serial, session.token)?, until))
}

fn token(serial: u64, token: String) -> Result<Token, ApiError> {
    let token = Zeroizing::new(token);
    // The characters of a JWT; a header can then not be anything else.
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if token.is_empty() || token.len() > MAX_TOKEN || !token.bytes().all(plain) {
        return Err(ApiError::Garbage);
    }
    let bearer = Zeroizing::new(format!("Bearer {}", token.as_str()));
    let mut header = HeaderValue::from_str(&bearer).map_err(|_| ApiError::Garbage)?;
    header.set_sensitive(true);
    Ok(Token { serial, header })
}
