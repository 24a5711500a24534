//! Text forms: a prefix and base64url segments between dots.

use data_encoding::BASE64URL_NOPAD;

use crate::LegacyError;

/// base64url without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// Refuses padding and bits after the last byte that are not zero.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, LegacyError> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| LegacyError::Malformed)
}

/// The `N` segments after `prefix`, none of them empty.
pub(crate) fn split<const N: usize>(blob: &str, prefix: &str) -> Result<[Vec<u8>; N], LegacyError> {
    let mut parts = blob.split('.');
    if parts.next() != Some(prefix) {
        return Err(LegacyError::Version);
    }
    let mut segments = Vec::with_capacity(N);
    for part in parts {
        if part.is_empty() || segments.len() == N {
            return Err(LegacyError::Malformed);
        }
        segments.push(decode(part)?);
    }
    segments.try_into().map_err(|_| LegacyError::Malformed)
}

/// Writes `prefix.segment.segment…`.
pub(crate) fn join(prefix: &str, segments: &[&[u8]]) -> String {
    let mut text = prefix.to_owned();
    for segment in segments {
        text.push('.');
        text.push_str(&encode(segment));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_count_of_canonical_segments_is_a_blob() {
        assert_eq!(split::<2>("sc1.AA.AQ", "sc1"), Ok([vec![0], vec![1]]));
        let wrong = [
            ("sc2.AA.AQ", LegacyError::Version),
            ("SC1.AA.AQ", LegacyError::Version),
            ("", LegacyError::Version),
            ("sc1", LegacyError::Malformed),
            ("sc1.AA", LegacyError::Malformed),
            ("sc1.AA.", LegacyError::Malformed),
            ("sc1..AQ", LegacyError::Malformed),
            ("sc1.AA.AQ.AQ", LegacyError::Malformed),
            ("sc1.AA.AQ=", LegacyError::Malformed),
            ("sc1.AA.AQ==", LegacyError::Malformed),
            ("sc1.AB.AQ", LegacyError::Malformed), // bits after the last byte
            ("sc1.A+.AQ", LegacyError::Malformed),
            ("sc1.AA.AQ\n", LegacyError::Malformed),
            ("sc1.AA .AQ", LegacyError::Malformed),
        ];
        for (blob, error) in wrong {
            assert_eq!(split::<2>(blob, "sc1"), Err(error), "{blob:?}");
        }
    }

    #[test]
    fn what_is_joined_splits_again() {
        let blob = join("wd1", &[&[0xfb, 0xff], &[0x3e]]);
        assert_eq!(blob, "wd1.-_8.Pg");
        assert_eq!(split::<2>(&blob, "wd1"), Ok([vec![0xfb, 0xff], vec![0x3e]]));
    }
}
