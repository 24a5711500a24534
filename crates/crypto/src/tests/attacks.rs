//! A ciphertext that opens under two keys: possible with AES-GCM alone, refused by the envelope
//! (the "invisible salamander" of Dodis, Grubbs, Ristenpart and Woodage).

use strongroom_secret::Key32;

use super::{context, dek};
use crate::hazmat::{aes256gcm, hkdf_sha256};
use crate::safe::context::Context;
use crate::safe::{OpenError, open};

const SALT: [u8; 24] = [9; 24];
/// Sixteen-byte blocks of ciphertext: the smallest envelope has four.
const BLOCKS: usize = 4;

/// What one key makes of the salt and the context, and of GCM on top.
struct Side {
    ek: [u8; 32],
    commit: [u8; 32],
    nonce: [u8; 12],
    hash_key: u128,
    mask: u128,
}

impl Side {
    fn of(key: &Key32, context: &Context) -> Self {
        let mut okm = [0; 76];
        key.lend(|k| hkdf_sha256::derive(Some(&SALT), k, context.as_bytes(), &mut okm)).unwrap();
        let (ek, nonce) = (okm[..32].try_into().unwrap(), okm[64..].try_into().unwrap());
        let tag =
            |aad: &[u8]| u128::from_be_bytes(aes256gcm::seal(&ek, &nonce, aad, &mut []).unwrap());
        // The tag of nothing is E(J0); the tag of one zero block is E(J0) + lengths * H.
        let mask = tag(b"");
        let hash_key = multiply(tag(&[0; 16]) ^ mask, invert(128 << 64));
        Self { ek, commit: okm[32..64].try_into().unwrap(), nonce, hash_key, mask }
    }

    fn power(&self, n: usize) -> u128 {
        (0..n).fold(ONE, |power, _| multiply(power, self.hash_key))
    }

    fn tag(&self, blocks: &[u128]) -> u128 {
        blocks.iter().fold(0, |hash, block| multiply(hash ^ block, self.hash_key)) ^ self.mask
    }

    fn opens(&self, context: &Context, ciphertext: &[u8], tag: &[u8; 16]) -> bool {
        let mut buffer = ciphertext.to_vec();
        aes256gcm::open(&self.ek, &self.nonce, context.as_bytes(), &mut buffer, tag).is_ok()
    }
}

const ONE: u128 = 1 << 127;

/// Multiplication in GCM's field (SP 800-38D, 6.3).
fn multiply(x: u128, y: u128) -> u128 {
    let (mut z, mut v) = (0, y);
    for bit in (0..128).rev() {
        if x >> bit & 1 == 1 {
            z ^= v;
        }
        v = if v & 1 == 1 { v >> 1 ^ 0xe1 << 120 } else { v >> 1 };
    }
    z
}

/// x^(2^128 - 2).
fn invert(x: u128) -> u128 {
    (0..127)
        .fold((ONE, x), |(result, power), _| {
            let power = multiply(power, power);
            (multiply(result, power), power)
        })
        .0
}

fn blocks_of(bytes: &[u8]) -> Vec<u128> {
    bytes
        .chunks(16)
        .map(|chunk| {
            let mut block = [0; 16];
            block[..chunk.len()].copy_from_slice(chunk);
            u128::from_be_bytes(block)
        })
        .collect()
}

/// Ciphertext and tag that GCM accepts under both keys. Under the first, the plaintext is a
/// well-padded value, so that nothing but the commitment can tell.
fn collide(a: &Side, b: &Side, context: &Context) -> (Vec<u8>, [u8; 16]) {
    let mut ciphertext = [0x5a; BLOCKS * 16];
    ciphertext[..4].copy_from_slice(&60u32.to_be_bytes());
    aes256gcm::seal(&a.ek, &a.nonce, b"", &mut ciphertext).unwrap();
    let lengths = (context.as_bytes().len() as u128 * 8) << 64 | (ciphertext.len() as u128 * 8);
    let mut blocks = blocks_of(context.as_bytes());
    let first = blocks.len();
    let free = first + 1;
    blocks.extend(blocks_of(&ciphertext));
    blocks.push(lengths);
    blocks[free] = 0;
    // The free block enters both hashes times a power of the key; solve for equal tags.
    let difference = a.tag(&blocks) ^ b.tag(&blocks);
    let exponent = blocks.len() - free;
    let factor = a.power(exponent) ^ b.power(exponent);
    blocks[free] = multiply(difference, invert(factor));
    let tag = a.tag(&blocks);
    assert_eq!(tag, b.tag(&blocks));
    let ciphertext =
        blocks[first..first + BLOCKS].iter().flat_map(|block| block.to_be_bytes()).collect();
    (ciphertext, tag.to_be_bytes())
}

#[test]
fn a_ciphertext_that_gcm_opens_under_two_keys_opens_under_one_of_ours() {
    let context = context();
    let keys = [dek(1), dek(2)];
    let [a, b] = [Side::of(&keys[0].0, &context), Side::of(&keys[1].0, &context)];
    let (ciphertext, tag) = collide(&a, &b, &context);

    assert!(a.opens(&context, &ciphertext, &tag), "the collision is real under the first key");
    assert!(b.opens(&context, &ciphertext, &tag), "the collision is real under the second key");

    let with = |commit: &[u8]| [&[1], &SALT[..], commit, &ciphertext, &tag].concat();
    let committed = with(&a.commit);
    assert!(open(&keys[0], &context, &committed).is_ok(), "the first key is the committed one");
    assert_eq!(open(&keys[1], &context, &committed).map(|_| ()), Err(OpenError));
    // The same bytes with the other key's commitment: neither key opens them.
    for key in &keys {
        assert_eq!(open(key, &context, &with(&b.commit)).map(|_| ()), Err(OpenError));
    }
}
