//! Strict signatures and the keys that may be admitted.
//!
//! `verify_strict` only: the ordinary check of ed25519-dalek accepts the identity key, under which
//! anything verifies (attack F06).

use ed25519_dalek::{Signature, VerifyingKey};
use strongroom_format::check::holds;
use strongroom_format::hash::label;
use strongroom_format::statement::{MemberKeys, PublicKey};

/// Whether `signature` is `key`'s over `message`, strictly (RFC 8032 with canonical encodings and
/// no small-order points).
pub fn verifies(key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key)
        .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}

/// As [`verifies`], over `label(kind) || message`.
pub fn verifies_labelled(
    kind: &str,
    key: &PublicKey,
    message: &[u8],
    signature: &[u8; 64],
) -> bool {
    let mut labelled = label(kind);
    labelled.extend_from_slice(message);
    verifies(key, &labelled, signature)
}

/// Whether both keys are safe to admit: points of full order in their only encoding.
pub fn are_strong(keys: &MemberKeys) -> bool {
    holds(is_strong_signing_key(&keys.isk)) && holds(is_strong_encryption_key(&keys.iek))
}

/// An Ed25519 key that is a canonical point outside the small subgroup.
pub fn is_strong_signing_key(key: &PublicKey) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|point| {
        holds(!point.is_weak()) && holds(point.to_edwards().compress().0 == *key)
    })
}

/// An X25519 key with which a shared secret depends on both sides (RFC 7748, section 6.1): any
/// clamped scalar maps a point of small order to zero. The coordinate must be below 2^255 - 19, so
/// that a key has one encoding.
pub fn is_strong_encryption_key(key: &PublicKey) -> bool {
    let mut prime = [0xff; 32];
    (prime[0], prime[31]) = (0xed, 0x7f);
    let reduced = key.iter().rev().lt(prime.iter().rev());
    holds(reduced) && holds(x25519_dalek::x25519([0x42; 32], *key) != [0; 32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_key_signs_nothing() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert!(!is_strong_signing_key(&identity));
        // R = identity, S = 0 satisfies the cofactored equation for every message.
        let mut forged = [0; 64];
        forged[0] = 1;
        assert!(!verifies(&identity, b"anything", &forged));
    }

    #[test]
    fn low_order_encryption_keys_are_refused() {
        let mut low = vec![[0u8; 32]];
        let mut one = [0; 32];
        one[0] = 1;
        low.push(one);
        // p - 1, p and p + 1 in little-endian: the remaining small-order and non-canonical zeros.
        for last in [0xec, 0xed, 0xee] {
            let mut point = [0xff; 32];
            point[0] = last;
            point[31] = 0x7f;
            low.push(point);
        }
        for point in low {
            assert!(!is_strong_encryption_key(&point), "{point:?}");
        }
        assert!(is_strong_encryption_key(&x25519_dalek::x25519([7; 32], BASE)));
    }

    #[test]
    fn a_signing_key_has_one_encoding() {
        let mut admitted = 0;
        for (y, sign) in (0..19).flat_map(|y| [(y, 0), (y, 0x80)]) {
            // The coordinate plus the prime: what a lenient decoder takes for the same point.
            let mut key = [0xff; 32];
            (key[0], key[31]) = (0xed + y, 0x7f | sign);
            let lenient = VerifyingKey::from_bytes(&key).is_ok_and(|point| !point.is_weak());
            admitted += u32::from(lenient);
            assert!(!is_strong_signing_key(&key), "{y} {sign}");
        }
        assert!(admitted > 0, "a lenient check would admit some of them");
    }

    const BASE: PublicKey = {
        let mut base = [0; 32];
        base[0] = 9;
        base
    };

    #[test]
    fn an_encryption_key_has_one_encoding() {
        assert!(is_strong_encryption_key(&BASE));
        // The same coordinate plus the prime, and with the unused top bit.
        let mut above = [0xff; 32];
        (above[0], above[31]) = (0xed + 9, 0x7f);
        let mut masked = BASE;
        masked[31] |= 0x80;
        for other in [above, masked] {
            let shared = |key| x25519_dalek::x25519([7; 32], key);
            assert_eq!(shared(other), shared(BASE));
            assert!(!is_strong_encryption_key(&other));
        }
    }
}
