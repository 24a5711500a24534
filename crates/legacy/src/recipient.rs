//! The public half of a token: to whom data keys are wrapped (`wd1`).

use std::fmt;

use hkdf::Hkdf;
use p256::elliptic_curve::ecdh::diffie_hellman;
use p256::elliptic_curve::sec1::{Coordinates, FromSec1Point as _, ToSec1Point as _};
use p256::{FieldBytes, PublicKey, Sec1Point, SecretKey};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use strongroom_secret::Key32;
use zeroize::Zeroizing;

use crate::dek::iv;
use crate::{Dek, LegacyError, aead, blob, random};

const PREFIX: &str = "wd1";
const INFO: &[u8] = b"seekrit/wrap-dek/v1";
/// Longer than a JWK of P-256 with every usual member.
const LONGEST_JWK: usize = 1024;

/// A point of P-256 that is on the curve and not its zero.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(PublicKey);

/// What matters of a JSON Web Key (RFC 7517, RFC 7518 section 6.2). Written in the order and with
/// the members of a browser's export, which clients compare as text.
#[derive(Serialize)]
struct JwkOut<'a> {
    key_ops: [&'a str; 0],
    ext: bool,
    kty: &'a str,
    x: &'a str,
    y: &'a str,
    crv: &'a str,
}

#[derive(Deserialize)]
struct JwkIn {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

impl Recipient {
    pub(crate) fn of(key: &SecretKey) -> Self {
        Self(key.public_key())
    }

    /// Reads a JSON Web Key. A point that is not on the curve is refused.
    pub fn from_jwk(text: &str) -> Result<Self, LegacyError> {
        if text.len() > LONGEST_JWK {
            return Err(LegacyError::Recipient);
        }
        let jwk: JwkIn = serde_json::from_str(text).map_err(|_| LegacyError::Recipient)?;
        if jwk.kty != "EC" || jwk.crv != "P-256" {
            return Err(LegacyError::Recipient);
        }
        let point =
            Sec1Point::from_affine_coordinates(&coordinate(&jwk.x)?, &coordinate(&jwk.y)?, false);
        let key = PublicKey::from_sec1_point(&point).into_option();
        key.map(Self).ok_or(LegacyError::Recipient)
    }

    /// The JSON Web Key, as a browser exports it.
    pub fn to_jwk(&self) -> String {
        let point = self.0.to_sec1_point(false);
        let (x, y) = match point.coordinates() {
            Coordinates::Uncompressed { x, y } => (blob::encode(x), blob::encode(y)),
            // Not of a key that is no zero and was asked for in full; a key of nobody otherwise.
            _ => (String::new(), String::new()),
        };
        let jwk = JwkOut { key_ops: [], ext: true, kty: "EC", x: &x, y: &y, crv: "P-256" };
        serde_json::to_string(&jwk).unwrap_or_default()
    }

    /// Wraps a data key: an ephemeral key, its secret with the recipient through HKDF, AES-GCM.
    pub fn wrap<E>(
        &self,
        dek: &Dek,
        fill: &mut impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<String, LegacyError> {
        let ephemeral = private_key(fill)?;
        let salt: [u8; 16] = random(fill)?;
        let iv = iv(fill)?;
        let kek = shared_key(&ephemeral, &self.0, &salt);
        let sealed = kek.lend(|kek| dek.lend(|dek| aead::seal(kek, iv, &[], dek)))?;
        let point = ephemeral.public_key().to_sec1_point(false);
        Ok(blob::join(PREFIX, &[point.as_bytes(), &salt, &iv, &sealed]))
    }
}

/// Opens a data key that was wrapped to `key`'s public half.
pub(crate) fn unwrap(key: &SecretKey, wrapped: &str) -> Result<Dek, LegacyError> {
    let [point, salt, iv, sealed] = blob::split(wrapped, PREFIX)?;
    if point.len() != 65 || point[0] != 4 {
        return Err(LegacyError::Malformed);
    }
    let sender = PublicKey::from_sec1_bytes(&point).map_err(|_| LegacyError::Closed)?;
    let kek = shared_key(key, &sender, &salt);
    let dek = kek.lend(|kek| aead::open(kek, &iv, &[], sealed))?;
    let key = Key32::try_write(|out| {
        dek.lend(|bytes| {
            let bytes: &[u8; 32] = bytes.try_into().map_err(|_| LegacyError::Closed)?;
            out.copy_from_slice(bytes);
            Ok(())
        })
    })?;
    Ok(Dek::from_key(key))
}

/// A random private key.
pub(crate) fn private_key<E>(
    fill: &mut impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<SecretKey, LegacyError> {
    let mut bytes = Zeroizing::new([0; 32]);
    // One in four thousand million draws is no scalar of the curve; a source that fails twice is
    // broken.
    for _ in 0..4 {
        fill(bytes.as_mut()).map_err(|_| LegacyError::Randomness)?;
        if let Ok(key) = SecretKey::from_slice(bytes.as_ref()) {
            return Ok(key);
        }
    }
    Err(LegacyError::Randomness)
}

fn shared_key(mine: &SecretKey, theirs: &PublicKey, salt: &[u8]) -> Key32 {
    let secret = diffie_hellman(mine.to_nonzero_scalar(), theirs.as_affine());
    let derived: Hkdf<Sha256> = Hkdf::new(Some(salt), secret.raw_secret_bytes());
    Key32::write(|out| {
        let done = derived.expand(INFO, out);
        debug_assert!(done.is_ok(), "32 bytes are never too many");
    })
}

fn coordinate(text: &str) -> Result<FieldBytes, LegacyError> {
    let bytes = blob::decode(text).map_err(|_| LegacyError::Recipient)?;
    FieldBytes::try_from(bytes.as_slice()).map_err(|_| LegacyError::Recipient)
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient(..)")
    }
}
