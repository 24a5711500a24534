//! The sealed envelope: AES-256-GCM with a key and a nonce derived anew for each write, committing
//! to the key and to the context (docs/protocol.md, section 4).
//!
//! ```text
//! okm = HKDF-SHA256(salt = 24 random bytes, ikm = K, info = C, 76)
//! ek = okm[0..32]   commit = okm[32..64]   nonce = okm[64..76]
//! 0x01 || salt(24) || commit(32) || AES-256-GCM(ek, nonce, aad = C, pad(P)) || tag(16)
//! ```
//!
//! `pad(P)` is a u32 length, the data, and zeros. With n = 4 + length of the data, the padded
//! length is n rounded up to a multiple of 64 where n is at most 1,024, and otherwise to a multiple
//! of p / 8, where p is the largest power of two that is not above n. An envelope shows only that
//! padded length.

use strongroom_format::check::require;
use strongroom_secret::{Key32, SecretBytes};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use super::context::Context;
use super::entropy::{Entropy, EntropyError, array};
use crate::hazmat::{aes256gcm, hkdf_sha256};

const VERSION: u8 = 1;
const SALT: usize = 24;
const COMMIT: usize = 32;
const HEADER: usize = 1 + SALT + COMMIT;
const SMALLEST: usize = 64;

/// What an envelope is longer than its padded plaintext, in bytes.
pub const OVERHEAD: usize = HEADER + aes256gcm::TAG;
/// The most bytes that can be sealed: 64 KiB.
pub const MAX_PLAINTEXT: usize = 64 * 1024;
/// The longest envelope in bytes.
pub const MAX_ENVELOPE: usize = OVERHEAD + padded_len(MAX_PLAINTEXT);

/// The envelope does not open. There is one reason on purpose: a wrong key, a wrong context and a
/// changed byte must look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("cannot be opened with this key")]
pub struct OpenError;

/// Nothing was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// More than [`MAX_PLAINTEXT`] bytes.
    #[error("longer than 64 KiB")]
    TooLong,
    /// No salt could be made.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// A key that seals: a DEK, an AUK or a key for this device's own files. Each is its own type, and
/// no other type can be one.
pub trait SealKey: keyed::Keyed {}

pub(crate) mod keyed {
    //! Keeps [`super::SealKey`] from being implemented elsewhere.

    use strongroom_secret::Key32;

    /// A type around one symmetric key.
    pub trait Keyed {
        /// That key.
        fn key(&self) -> &Key32;
    }
}

/// Declares a symmetric key type with a constant `Debug`.
macro_rules! seal_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name(pub(crate) strongroom_secret::Key32);

        impl $crate::safe::seal::keyed::Keyed for $name {
            fn key(&self) -> &strongroom_secret::Key32 {
                &self.0
            }
        }

        impl $crate::safe::seal::SealKey for $name {}

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}
pub(crate) use seal_key;

/// Seals at most [`MAX_PLAINTEXT`] bytes under a fresh salt.
pub fn seal(
    key: &impl SealKey,
    context: &Context,
    plaintext: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    if plaintext.len() > MAX_PLAINTEXT {
        return Err(SealError::TooLong);
    }
    let salt = array::<SALT>(entropy)?;
    let derived = Derived::of(key.key(), &salt, context);
    // One allocation of the final size, so that no growth leaves plaintext behind.
    let mut envelope = Vec::with_capacity(OVERHEAD + padded_len(plaintext.len()));
    envelope.push(VERSION);
    envelope.extend_from_slice(&salt);
    envelope.extend_from_slice(&derived.commit);
    pad_onto(&mut envelope, plaintext);
    let sealed =
        aes256gcm::seal(&derived.key, &derived.nonce, context.as_bytes(), &mut envelope[HEADER..]);
    let Ok(tag) = sealed else {
        // Unreachable under the cap above; the plaintext must not leave all the same.
        envelope.zeroize();
        return Err(SealError::TooLong);
    };
    envelope.extend_from_slice(&tag);
    Ok(envelope)
}

/// Opens an envelope that was sealed under this key and context.
pub fn open(
    key: &impl SealKey,
    context: &Context,
    envelope: &[u8],
) -> Result<SecretBytes, OpenError> {
    let parts = Envelope::parse(envelope)?;
    let derived = Derived::of(key.key(), parts.salt, context);
    // Before any decryption: a ciphertext that decrypts under two keys passes GCM, not this.
    require(derived.commit.ct_eq(parts.commit).into(), OpenError)?;
    let mut padded = Zeroizing::new(parts.ciphertext.to_vec());
    aes256gcm::open(&derived.key, &derived.nonce, context.as_bytes(), &mut padded, parts.tag)
        .map_err(|_| OpenError)?;
    unpad(padded)
}

struct Envelope<'a> {
    salt: &'a [u8; SALT],
    commit: &'a [u8; COMMIT],
    ciphertext: &'a [u8],
    tag: &'a [u8; aes256gcm::TAG],
}

impl<'a> Envelope<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, OpenError> {
        // A bound on the work: the lengths inside are checked after decryption.
        if bytes.len() > MAX_ENVELOPE {
            return Err(OpenError);
        }
        let (version, rest) = bytes.split_first().ok_or(OpenError)?;
        let (salt, rest) = rest.split_first_chunk().ok_or(OpenError)?;
        let (commit, rest) = rest.split_first_chunk().ok_or(OpenError)?;
        let (ciphertext, tag) = rest.split_last_chunk().ok_or(OpenError)?;
        require(*version == VERSION, OpenError)?;
        Ok(Self { salt, commit, ciphertext, tag })
    }
}

/// What belongs to one envelope alone.
struct Derived {
    key: Zeroizing<[u8; 32]>,
    commit: [u8; COMMIT],
    nonce: [u8; 12],
}

impl Derived {
    fn of(key: &Key32, salt: &[u8; SALT], context: &Context) -> Self {
        let mut okm = Zeroizing::new([0; 32 + COMMIT + 12]);
        let done =
            key.lend(|ikm| hkdf_sha256::derive(Some(salt), ikm, context.as_bytes(), &mut *okm));
        debug_assert!(done.is_ok(), "76 bytes are under HKDF's limit of 8,160");
        let mut derived = Self { key: Zeroizing::default(), commit: [0; COMMIT], nonce: [0; 12] };
        derived.key.copy_from_slice(&okm[..32]);
        derived.commit.copy_from_slice(&okm[32..64]);
        derived.nonce.copy_from_slice(&okm[64..]);
        derived
    }
}

/// The padded length for `len` bytes of data.
pub const fn padded_len(len: usize) -> usize {
    let n = 4 + len;
    let step = if n <= 1024 { SMALLEST } else { (1 << n.ilog2()) / 8 };
    n.next_multiple_of(step)
}

fn pad_onto(out: &mut Vec<u8>, data: &[u8]) {
    let end = out.len() + padded_len(data.len());
    // The cap on plaintext is far under 4 GiB.
    out.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(data);
    out.resize(end, 0);
}

fn unpad(mut padded: Zeroizing<Vec<u8>>) -> Result<SecretBytes, OpenError> {
    let (length, rest) = padded.split_first_chunk::<4>().ok_or(OpenError)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| OpenError)?;
    // The one length this data pads to, and nothing but zeros behind it: one encoding per value.
    require(length <= MAX_PLAINTEXT && padded_len(length) == padded.len(), OpenError)?;
    require(rest[length..].iter().fold(0, |seen, byte| seen | byte) == 0, OpenError)?;
    Ok(SecretBytes::from_vec(std::mem::take(&mut *padded)).into_part(4..4 + length))
}
