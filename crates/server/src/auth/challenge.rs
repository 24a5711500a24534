//! Login challenges (docs/protocol.md, section 3).
//!
//! A challenge carries its own proof, so none is stored until it is answered: asking for many costs
//! the server nothing, and nobody can push out somebody else's. What is stored is the answered
//! ones, so that each works once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use strongroom_format::hash::ctx;
use strongroom_format::id::UserId;
use zeroize::Zeroizing;

/// How long a challenge may be answered.
const LIFE_MS: u64 = 2 * 60 * 1000;
/// The most answered challenges that are remembered; sign-ins wait beyond that.
const MAX_ANSWERED: usize = 100_000;

/// 16 random bytes, then their proof.
pub(crate) type Nonce = [u8; 32];

/// Makes challenges and takes each back once.
pub(crate) struct Challenges {
    key: Zeroizing<[u8; 32]>,
    answered: Mutex<HashMap<Nonce, u64>>,
}

impl Challenges {
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice())?;
        Ok(Self { key, answered: Mutex::default() })
    }

    /// A challenge for whoever claims to be `user`.
    pub(crate) fn make(&self, user: &UserId, now_ms: u64) -> Result<Nonce, getrandom::Error> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce[..16])?;
        let proof = self.mac(user, &nonce, now_ms).finalize().into_bytes();
        nonce[16..].copy_from_slice(&proof[..16]);
        Ok(nonce)
    }

    /// Whether this server made `nonce` for `user` at `time_ms`, not long ago.
    pub(crate) fn is_open(&self, user: &UserId, nonce: &Nonce, time_ms: u64, now_ms: u64) -> bool {
        let young = time_ms <= now_ms && now_ms - time_ms <= LIFE_MS;
        let own = self.mac(user, nonce, time_ms).verify_truncated_left(&nonce[16..]).is_ok();
        young && own
    }

    /// Uses the challenge up; false if it was used before.
    pub(crate) fn take(&self, nonce: &Nonce, now_ms: u64) -> bool {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if answered.len() >= MAX_ANSWERED {
            answered.retain(|_, until| *until >= now_ms);
        }
        if answered.len() >= MAX_ANSWERED || answered.contains_key(nonce) {
            return false;
        }
        answered.insert(*nonce, now_ms.saturating_add(LIFE_MS));
        true
    }

    fn mac(&self, user: &UserId, nonce: &Nonce, time_ms: u64) -> Hmac<Sha256> {
        // HMAC takes keys of any length; the fallback cannot be reached.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_slice())
            .unwrap_or_else(|_| Hmac::<Sha256>::new(&hmac::digest::Key::<Hmac<Sha256>>::default()));
        let fields = [user.as_bytes(), &nonce[..16], &time_ms.to_be_bytes()];
        mac.update(&ctx("server-challenge", &fields));
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_works_once_for_its_user_and_not_for_long() {
        let challenges = Challenges::new().unwrap();
        let (user, now) = (UserId([1; 16]), 1_000_000);
        let nonce = challenges.make(&user, now).unwrap();
        assert!(challenges.is_open(&user, &nonce, now, now + LIFE_MS));
        assert!(!challenges.is_open(&user, &nonce, now, now + LIFE_MS + 1));
        assert!(!challenges.is_open(&user, &nonce, now, now - 1));
        assert!(!challenges.is_open(&user, &nonce, now + 1, now + 1));
        assert!(!challenges.is_open(&UserId([2; 16]), &nonce, now, now));
        assert!(!challenges.is_open(&user, &[0; 32], now, now));
        assert!(challenges.take(&nonce, now));
        assert!(!challenges.take(&nonce, now));
    }
}
