//! Domain separation: every hash, signature and derived key names what it is for
//! (docs/protocol.md, section 1).

use sha2::{Digest as _, Sha256};

use crate::encoding::Writer;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// 32 zero bytes: "nothing yet" wherever a digest is expected.
pub const ZERO: Digest = [0; 32];

/// What every label begins with.
const FAMILY: &[u8] = b"strongroom/1/";

/// `label(k)`: what is signed or hashed, in words, ended by a zero byte so that no label is the
/// beginning of another.
pub fn label(kind: &str) -> Vec<u8> {
    ctx(kind, &[])
}

/// `ctx(k, f1..fn)`: the label and each field with its length. Injective: two different lists of
/// fields never give the same bytes.
pub fn ctx(kind: &str, fields: &[&[u8]]) -> Vec<u8> {
    let room = fields.iter().map(|field| 4 + field.len()).sum::<usize>();
    let mut w = Writer::with_room(FAMILY.len() + kind.len() + 1 + room);
    w.fixed(FAMILY).fixed(kind.as_bytes()).u8(0);
    for field in fields {
        w.lp(field);
    }
    w.finish()
}

/// `H(k, f1..fn)` = SHA-256(ctx(k, f1..fn)).
pub fn h(kind: &str, fields: &[&[u8]]) -> Digest {
    sha256(&[&ctx(kind, fields)])
}

/// Plain SHA-256 over the concatenation of `parts`.
pub fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 0..4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn ctx_is_injective(a in fields(), b in fields(), ka in "[a-z]{1,3}", kb in "[a-z]{1,3}") {
            let fa: Vec<&[u8]> = a.iter().map(Vec::as_slice).collect();
            let fb: Vec<&[u8]> = b.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(ctx(&ka, &fa) == ctx(&kb, &fb), a == b && ka == kb);
        }
    }

    #[test]
    fn moving_a_byte_between_two_fields_changes_the_context() {
        assert_ne!(ctx("k", &[b"ab", b"c"]), ctx("k", &[b"a", b"bc"]));
        assert_ne!(ctx("k", &[b"ab"]), ctx("ka", &[b"b"]));
        assert_eq!(ctx("k", &[b"x"]), b"strongroom/1/k\0\0\0\0\x01x");
    }
}
