//! HPKE in base mode, one message a context: DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256
//! 0x0001, AES-256-GCM 0x0002 (RFC 9180). Keys of low order are refused by the KEM.

use std::convert::Infallible;

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use zeroize::Zeroizing;

use super::Refused;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

/// Length of the encapsulated key in bytes.
pub(crate) const ENC: usize = 32;

/// Seals `plaintext` to `recipient`: encapsulated key, ciphertext, tag. `ikm_e` is the input of
/// `DeriveKeyPair` for the ephemeral key, fresh for each call.
pub(crate) fn seal(
    recipient: &[u8; 32],
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    ikm_e: &[u8; 32],
) -> Result<Vec<u8>, Refused> {
    let recipient = PublicKey::from_bytes(recipient).map_err(|_| Refused)?;
    let mut once = Once { bytes: Zeroizing::new(*ikm_e), drawn: 0 };
    let (enc, ciphertext) = hpke::single_shot_seal_with_rng::<
        AesGcm256,
        HkdfSha256,
        X25519HkdfSha256,
    >(&OpModeS::Base, &recipient, info, plaintext, aad, &mut once)
    .map_err(|_| Refused)?;
    // One key pair, and nothing else, was made from the entropy.
    if once.drawn != ikm_e.len() {
        return Err(Refused);
    }
    let mut sealed = Vec::with_capacity(ENC + ciphertext.len());
    sealed.extend_from_slice(&enc.to_bytes());
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed)
}

/// Opens what [`seal`] made.
pub(crate) fn open(
    private: &[u8; 32],
    info: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let (enc, ciphertext) = sealed.split_first_chunk::<ENC>().ok_or(Refused)?;
    let private = PrivateKey::from_bytes(private).map_err(|_| Refused)?;
    let enc = EncappedKey::from_bytes(enc).map_err(|_| Refused)?;
    hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private,
        &enc,
        info,
        ciphertext,
        aad,
    )
    .map(Zeroizing::new)
    .map_err(|_| Refused)
}

/// A generator that yields the entropy its caller drew, so that a failure of the system's source
/// is an error before HPKE begins and not a panic inside it.
struct Once {
    bytes: Zeroizing<[u8; 32]>,
    drawn: usize,
}

impl TryRng for Once {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut word = [0; 4];
        self.try_fill_bytes(&mut word)?;
        Ok(u32::from_be_bytes(word))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut word = [0; 8];
        self.try_fill_bytes(&mut word)?;
        Ok(u64::from_be_bytes(word))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let left = self.bytes.get(self.drawn..).unwrap_or_default();
        let n = left.len().min(out.len());
        out[..n].copy_from_slice(&left[..n]);
        // Counts what was asked for, also past the end: the caller of HPKE refuses such a run.
        self.drawn += out.len();
        Ok(())
    }
}

impl TryCryptoRng for Once {}
