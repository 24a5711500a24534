//! Invites: how two people who share no secret yet find out that they talk about one organisation
//! and about each other (docs/protocol.md, section 7).
//!
//! The code travels between the people, never through the server. It tells the joiner which chain
//! is the right one, and its key lets the inviter recognise the joiner's keys.

use std::fmt;

use strongroom_format::encoding::Reader;
use strongroom_format::hash::{Digest, ctx, h};
use strongroom_format::id::{InviteId, OrgId, UserId, base32};
use strongroom_format::statement::MemberKeys;
use strongroom_secret::{Key32, SecretText};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::entropy::{Entropy, EntropyError, key};
use super::text::{self, TextError};
use super::token::Bearer;
use crate::hazmat::{hkdf_sha256, hmac_sha256};

const VERSION: u8 = 1;
/// The longest server address in a code, in bytes.
pub const MAX_SERVER_URL: usize = 512;
const FIXED: usize = 1 + 32 + 8 + 32 + 32 + 4 + text::CRC;
/// The longest code in characters.
const MAX_SYMBOLS: usize = ((FIXED + MAX_SERVER_URL) * 8).div_ceil(5);

/// The key of one invitation (`K_inv`): 32 random bytes made by the inviter.
pub struct InviteKey(Key32);

impl InviteKey {
    /// A new random key.
    pub fn make(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        key(entropy).map(Self)
    }

    /// `H("invite-id", K_inv)[..16]`.
    pub fn id(&self) -> InviteId {
        let digest = self.0.lend(|k| h("invite-id", &[k]));
        InviteId(digest.first_chunk().copied().unwrap_or_default())
    }

    /// `H("invite", K_inv)`: what the `Invite` link commits to.
    pub fn commitment(&self) -> Digest {
        self.0.lend(|k| h("invite", &[k]))
    }

    /// `HKDF-SHA256(no salt, K_inv, ctx("invite-auth", invite_id), 32)`: shows the server that a
    /// request comes from somebody who holds the code. It recognises nobody's keys.
    pub fn bearer(&self) -> Bearer {
        let id = self.id();
        let info = ctx("invite-auth", &[id.as_bytes()]);
        Bearer(Key32::write(|out| {
            self.0.lend(|k| hkdf_sha256::derive32(None, k, &info, out));
        }))
    }

    /// `HMAC-SHA256(HKDF-SHA256(no salt, K_inv, ctx("join-mac"), 32), ctx("join", org_id,
    /// invite_id, user_id, isk, iek))`: the joiner shows that these keys are of the person who was
    /// given the code.
    pub fn join_mac(&self, org: &OrgId, user: &UserId, keys: &MemberKeys) -> [u8; 32] {
        let mac_key = Key32::write(|out| {
            self.0.lend(|k| hkdf_sha256::derive32(None, k, &ctx("join-mac", &[]), out));
        });
        let invite = self.id();
        let message = ctx(
            "join",
            &[org.as_bytes(), invite.as_bytes(), user.as_bytes(), &keys.isk, &keys.iek],
        );
        mac_key.lend(|k| hmac_sha256::tag(k, &[&message]))
    }

    /// Whether `mac` was made by somebody who holds the code, compared in constant time.
    pub fn verify_join_mac(
        &self,
        org: &OrgId,
        user: &UserId,
        keys: &MemberKeys,
        mac: &[u8; 32],
    ) -> bool {
        self.join_mac(org, user, keys).ct_eq(mac).into()
    }
}

impl fmt::Debug for InviteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteKey(..)")
    }
}

/// What the inviter hands over.
#[derive(Debug)]
pub struct InviteCode {
    /// The organisation.
    pub org: OrgId,
    /// The newest link the inviter saw: the joiner accepts no chain that is behind it.
    pub head_seq: u64,
    /// That link's head.
    pub head: Digest,
    /// The key of the invitation.
    pub key: InviteKey,
    /// Where the organisation's server is, at most [`MAX_SERVER_URL`] bytes of NFC text.
    pub server_url: String,
}

impl InviteCode {
    /// The text of this code; see [`InviteCode::text_of`].
    pub fn to_text(&self) -> Result<SecretText, TextError> {
        Self::text_of(&self.key, self.org, self.head_seq, self.head, &self.server_url)
    }

    /// `base32(0x01 || org_id || u64 head_seq || head || K_inv || lp(server_url) || crc32)`: lower
    /// case, no padding; the checksum is over all bytes before it. Refuses an address that is too
    /// long or not in NFC, because such a code would not read back.
    pub fn text_of(
        key: &InviteKey,
        org: OrgId,
        head_seq: u64,
        head: Digest,
        server_url: &str,
    ) -> Result<SecretText, TextError> {
        let url = server_url.as_bytes();
        let mut payload = Zeroizing::new(Vec::with_capacity(FIXED + url.len()));
        payload.push(VERSION);
        payload.extend_from_slice(org.as_bytes());
        payload.extend_from_slice(&head_seq.to_be_bytes());
        payload.extend_from_slice(&head);
        key.0.lend(|k| payload.extend_from_slice(k));
        let url_len = u32::try_from(url.len()).map_err(|_| TextError::Malformed)?;
        payload.extend_from_slice(&url_len.to_be_bytes());
        payload.extend_from_slice(url);
        read(&payload)?;
        text::push_crc(&mut payload);
        Ok(SecretText::from_string(base32().encode(&payload)))
    }

    /// Reads a code; case, white space and dashes do not matter.
    pub fn parse(typed: &str) -> Result<Self, TextError> {
        let digits = text::squeeze(typed, MAX_SYMBOLS)?;
        let payload = text::decode_base32(&digits)?;
        read(text::check_crc(&payload)?)
    }
}

fn read(body: &[u8]) -> Result<InviteCode, TextError> {
    match body.first() {
        Some(&VERSION) => fields(body).ok_or(TextError::Malformed),
        Some(_) => Err(TextError::UnknownVersion),
        None => Err(TextError::Malformed),
    }
}

fn fields(body: &[u8]) -> Option<InviteCode> {
    let mut r = Reader::new(body);
    r.u8().ok()?;
    let code = InviteCode {
        org: OrgId(r.array().ok()?),
        head_seq: r.u64().ok()?,
        head: r.array().ok()?,
        key: InviteKey(Key32::copy_of(r.fixed(32).ok()?.try_into().ok()?)),
        server_url: r.text(MAX_SERVER_URL).ok()?.to_owned(),
    };
    r.finish().ok()?;
    Some(code)
}
