//! The bare cost: the same number of the same operations of the same crates over bytes of the same
//! lengths, laid out beforehand. Nothing is read, looked up, compared or kept.

use std::hint::black_box;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};
use strongroom_crypto::safe::{OsEntropy, entropy};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::Failure;

const SALT: usize = 24;
const OKM: usize = 76;
/// What an envelope is longer than its padded plaintext.
const OVERHEAD: usize = 1 + SALT + 32 + 16;

/// One envelope that opens, in its parts.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    salt: [u8; SALT],
    context: Vec<u8>,
    padded: Vec<u8>,
    tag: [u8; 16],
}

/// Many envelopes under one key.
#[derive(Debug, Clone)]
pub(crate) struct Envelopes {
    key: [u8; 32],
    all: Vec<Sealed>,
}

impl Envelopes {
    /// Envelopes with these contexts, and as long as these lengths say.
    pub(crate) fn like(
        shapes: impl IntoIterator<Item = (Vec<u8>, usize)>,
    ) -> Result<Self, Failure> {
        let key = entropy::array(&mut OsEntropy)?;
        let seal = |(context, length): (Vec<u8>, usize)| {
            let mut sealed = Sealed {
                salt: entropy::array(&mut OsEntropy)?,
                context,
                padded: vec![0; length.checked_sub(OVERHEAD).ok_or("too short an envelope")?],
                tag: [0; 16],
            };
            seal(&key, &mut sealed)?;
            Ok(sealed)
        };
        let all = shapes.into_iter().map(seal).collect::<Result<_, Failure>>()?;
        Ok(Self { key, all })
    }

    /// Opens all in place.
    pub(crate) fn open(&mut self) -> Result<(), Failure> {
        for sealed in &mut self.all {
            let (cipher, nonce) = derive(&self.key, sealed)?;
            let tag = Tag::from(sealed.tag);
            let buffer = sealed.padded.as_mut_slice().into();
            cipher
                .decrypt_inout_detached(&nonce, &sealed.context, buffer, &tag)
                .map_err(|_| "a bare envelope does not open")?;
        }
        Ok(())
    }

    /// Seals all in place.
    pub(crate) fn seal(&mut self) -> Result<(), Failure> {
        self.all.iter_mut().try_for_each(|sealed| seal(&self.key, sealed))
    }
}

fn seal(key: &[u8; 32], sealed: &mut Sealed) -> Result<(), Failure> {
    let (cipher, nonce) = derive(key, sealed)?;
    let buffer = sealed.padded.as_mut_slice().into();
    sealed.tag = cipher
        .encrypt_inout_detached(&nonce, &sealed.context, buffer)
        .map_err(|_| "a bare envelope is not sealed")?
        .into();
    Ok(())
}

fn derive(
    key: &[u8; 32],
    sealed: &Sealed,
) -> Result<(Aes256Gcm, Nonce<aes_gcm::aead::consts::U12>), Failure> {
    let mut okm = [0; OKM];
    Hkdf::<Sha256>::new(Some(&sealed.salt), key)
        .expand(&sealed.context, &mut okm)
        .map_err(|_| "too much output for HKDF")?;
    let key: [u8; 32] = *okm.first_chunk().ok_or("no key")?;
    let nonce: [u8; 12] = *okm.last_chunk().ok_or("no nonce")?;
    Ok((Aes256Gcm::new(&key.into()), Nonce::from(nonce)))
}

/// As much of curve and hash as one wrap of a data key takes in HPKE: a key pair, a shared secret,
/// and the key schedule.
pub(crate) fn wrap(reader: &[u8; 32]) -> Result<(), Failure> {
    const SCHEDULE: usize = 6;
    let ephemeral = StaticSecret::from(entropy::array::<32>(&mut OsEntropy)?);
    black_box(PublicKey::from(&ephemeral));
    let shared = ephemeral.diffie_hellman(&PublicKey::from(*reader));
    let mut key = [0; 32];
    for _ in 0..SCHEDULE {
        Hkdf::<Sha256>::new(Some(&key.clone()), shared.as_bytes())
            .expand(b"schedule", &mut key)
            .map_err(|_| "too much output for HKDF")?;
    }
    black_box(key);
    Ok(())
}

/// SHA-256 over as many bytes as each length says.
pub(crate) fn hash(lengths: &[usize], bytes: &[u8]) {
    for length in lengths {
        black_box(Sha256::digest(&bytes[..*length]));
    }
}

/// One signature.
pub(crate) fn sign(message: &[u8]) -> Result<[u8; 64], Failure> {
    let key = SigningKey::from_bytes(&entropy::array(&mut OsEntropy)?);
    Ok(black_box(key.sign(message).to_bytes()))
}

/// One strict verification.
pub(crate) fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Result<(), Failure> {
    let key = VerifyingKey::from_bytes(key)?;
    Ok(key.verify_strict(message, &Signature::from_bytes(signature))?)
}
