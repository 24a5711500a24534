//! Accounts, sessions, and the way of a new member into an organisation.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::B64;
use crate::hash::ctx;
use crate::id::{InviteId, UserId};

/// What a service token's credential begins with: `srt.<token id>.<base64url of its bearer>`.
pub const TOKEN_CREDENTIAL: &str = "srt.";
/// What an invitation's credential begins with: `srj.<invite id>.<base64url of its bearer>`. It is
/// taken by `invite/chain`, `invite/join` and `POST /v1/accounts` alone.
pub const INVITE_CREDENTIAL: &str = "srj.";
/// What the founder code's credential begins with: `sro.<code>`. It is taken by `POST /v1/accounts`
/// alone, for the very first account of a server.
pub const FOUNDER_CREDENTIAL: &str = "sro.";

/// `POST /v1/accounts`: a person's public keys and sealed keyset. What admits the person travels
/// as `Authorization`: an invitation, the founder code, or a token of an issuer, whose identity is
/// bound to the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateAccount {
    /// Made by the client.
    pub user_id: UserId,
    /// The keyset, see [`Keyset`].
    pub keyset: Keyset,
    /// By the login key, over [`account_message`].
    pub login_sig: B64,
    /// By the identity key, over [`account_message`].
    pub identity_sig: B64,
}

/// A sealed keyset and the public keys that belong to it. Useless without passphrase and Secret Key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyset {
    /// Counts passphrase and Secret Key changes, from 1.
    pub epoch: u32,
    /// The passphrase profile, a compiled id.
    pub profile: u8,
    /// 16 bytes.
    pub salt: B64,
    /// Ed25519 public key of the login key.
    pub login_pub: B64,
    /// Ed25519 identity public key.
    pub isk: B64,
    /// X25519 encryption public key.
    pub iek: B64,
    /// The sealed private keys.
    pub blob: B64,
}

/// What both keys of a new account sign.
pub fn account_message(origin: &str, user: &UserId, keyset: &Keyset) -> Vec<u8> {
    ctx(
        "account",
        &[
            origin.as_bytes(),
            user.as_bytes(),
            &keyset.epoch.to_be_bytes(),
            &[keyset.profile],
            &keyset.salt.0,
            &keyset.login_pub.0,
            &keyset.isk.0,
            &keyset.iek.0,
            &keyset.blob.0,
        ],
    )
}

/// `POST /v1/session/challenge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// Who wants to sign in. Unknown ids get a challenge too.
    pub user_id: UserId,
}

/// The answer: what to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// 32 bytes, used once.
    pub nonce: B64,
    /// The server's clock, in milliseconds since 1970.
    pub time_ms: u64,
}

/// Which key answers a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignInKey {
    /// Derived from the Secret Key: a device that is not unlocked yet.
    Login,
    /// The identity key: a device that is unlocked.
    Identity,
}

/// `POST /v1/session`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// Who signs in.
    pub user_id: UserId,
    /// From the challenge.
    pub nonce: B64,
    /// From the challenge.
    pub time_ms: u64,
    /// Which key signed.
    pub key: SignInKey,
    /// Over [`challenge_message`].
    pub signature: B64,
}

/// `ctx("login-challenge", server_origin, user_id, nonce, time)`.
pub fn challenge_message(origin: &str, user: &UserId, nonce: &[u8], time_ms: u64) -> Vec<u8> {
    ctx("login-challenge", &[origin.as_bytes(), user.as_bytes(), nonce, &time_ms.to_be_bytes()])
}

/// A short session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// A JWT of the server's own issuer; send as `Authorization: Bearer`.
    pub token: String,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: u64,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session(until {})", self.expires_ms)
    }
}

/// `GET /v1/account`: the caller's own account. Whoever signed in elsewhere learns its id here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountAnswer {
    /// Who the caller is.
    pub user_id: UserId,
    /// The sealed keyset.
    pub keyset: Keyset,
}

/// `POST /v1/account/keyset`: a new passphrase, a new Secret Key or, after `KeyRotate` in every
/// organisation of the person, new keys. All three sign [`account_message`] of the new keyset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplaceKeyset {
    /// Its epoch is the old one and 1.
    pub keyset: Keyset,
    /// By the new login key.
    pub login_sig: B64,
    /// By the identity key in `keyset`.
    pub identity_sig: B64,
    /// By the identity key that the account has now.
    pub by_current: B64,
}

/// `POST /v1/account/identity`: binds an identity of an issuer to the caller's account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindIdentity {
    /// A JWT of a configured issuer.
    pub id_token: String,
}

impl fmt::Debug for BindIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BindIdentity(..)")
    }
}

/// `GET /v1/orgs/{org}/invite/chain?from=SEQ`, with an invitation: the chain from link `SEQ` on,
/// and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainAnswer {
    /// At most [`super::MAX_LINKS`] links, from `from` on.
    pub links: Vec<B64>,
    /// Whether more links follow.
    pub more: bool,
}

/// `POST /v1/orgs/{org}/invite/join`, with an invitation: asks a manager to admit these keys. The
/// server can check all of it but the MAC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// Who asks.
    pub user_id: UserId,
    /// Ed25519 identity public key.
    pub isk: B64,
    /// X25519 encryption public key.
    pub iek: B64,
    /// By `isk`: the proof of `MemberAdd`, or with `reset` that of `KeyReset`.
    pub pop: B64,
    /// By the key of the invitation (docs/protocol.md, section 7).
    pub mac: B64,
    /// Whether a present member who lost its keys asks for new ones.
    pub reset: bool,
}

/// A join that waits for a manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingJoin {
    /// The invitation it was sent with.
    pub invite_id: InviteId,
    /// What was sent.
    pub request: JoinRequest,
    /// When, by the server's clock, in milliseconds since 1970.
    pub time_ms: u64,
}

/// `GET /v1/orgs/{org}/joins`, for managers: the joins of invitations that are unused and have not
/// ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinList {
    /// By invitation, then by person; at most [`super::MAX_JOINS`] for each invitation.
    pub joins: Vec<PendingJoin>,
}
