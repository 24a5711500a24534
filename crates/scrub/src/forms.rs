//! The spellings of a credential that are looked for as they stand; escapes are undone beforehand.

use data_encoding::{BASE64, BASE64URL, Encoding, HEXLOWER};
use zeroize::Zeroizing;

use crate::unescape::normal;

type Text = Zeroizing<Vec<u8>>;

/// The shortest run of text or base64 that may not be shown.
pub(crate) const RUN: usize = 12;
/// The same for hex and UTF-16, where it stands for eight characters.
const WIDE_RUN: usize = 16;

/// What the bytes of a form are, and so how a replacement among them is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Plain,
    /// Lower-case hex, to be compared without regard to case.
    Hex,
    /// UTF-16 of characters below 256, without its first or last zero: both byte orders have it.
    Interleaved,
    Utf16Le,
    Utf16Be,
}

/// Calls `take` with each form of `secret` and the length of the runs of it that may not be shown.
pub(crate) fn each(secret: &[u8], mut take: impl FnMut(Kind, &[u8], usize)) {
    let mut plain = |text: &[u8], sure: usize| take(Kind::Plain, text, sure.min(RUN));
    plain(secret, secret.len());
    let unescaped = normal(secret);
    if *unescaped != secret {
        plain(&unescaped, unescaped.len());
    }
    for text in [None, json(secret), percent(secret)] {
        let text = text.as_deref().map_or(secret, Vec::as_slice);
        each_base64(text, |form, sure| plain(form, sure));
    }
    each_base64(secret, |inner, sure| {
        // Its padding may be missing, and then the last characters of the outer text are others.
        for inner in [inner, &inner[..sure]] {
            each_base64(inner, |form, sure| plain(form, sure));
        }
    });
    let hex = Zeroizing::new(HEXLOWER.encode(secret));
    take(Kind::Hex, hex.as_bytes(), WIDE_RUN);
    each_utf16(secret, |kind, form| take(kind, form, form.len().min(WIDE_RUN)));
}

/// Each base64 form of `text`, in every alignment, with how many of its characters do not depend on
/// what stands behind it.
fn each_base64(text: &[u8], mut take: impl FnMut(&[u8], usize)) {
    for before in 0..3 {
        let mut shifted = Zeroizing::new(vec![0; before]);
        shifted.extend_from_slice(text);
        // The characters that depend on what stands before are left out: none, two or three.
        let from = if before == 0 { 0 } else { before + 1 };
        let sure = shifted.len() * 8 / 6 - from;
        let standard = base64(&BASE64, &shifted);
        let for_urls = base64(&BASE64URL, &shifted);
        take(&standard[from..], sure);
        if standard != for_urls {
            take(&for_urls[from..], sure);
        }
    }
}

fn base64(alphabet: &Encoding, bytes: &[u8]) -> Text {
    let mut text = Zeroizing::new(vec![0; alphabet.encode_len(bytes.len())]);
    alphabet.encode_mut(bytes, &mut text);
    text
}

/// The text within a JSON string, as most writers have it; `None` if it is the text itself.
fn json(text: &[u8]) -> Option<Text> {
    // Six bytes for each is the most it can take: it never grows, which would leave a copy behind.
    let mut out = Zeroizing::new(Vec::with_capacity(6 * text.len()));
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0..32 => out.extend(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(*byte),
        }
    }
    (out.len() > text.len()).then_some(out)
}

/// Percent-encoded but for the unreserved characters of RFC 3986; `None` if it is the text itself.
fn percent(text: &[u8]) -> Option<Text> {
    let mut out = Zeroizing::new(Vec::with_capacity(3 * text.len()));
    for byte in text {
        match byte {
            b'-' | b'.' | b'_' | b'~' => out.push(*byte),
            byte if byte.is_ascii_alphanumeric() => out.push(*byte),
            byte => out.extend(format!("%{byte:02X}").as_bytes()),
        }
    }
    (out.len() > text.len()).then_some(out)
}

fn each_utf16(secret: &[u8], mut take: impl FnMut(Kind, &[u8])) {
    let Ok(text) = str::from_utf8(secret) else { return };
    let mut little = Zeroizing::new(Vec::with_capacity(2 * text.len()));
    let mut big = Zeroizing::new(Vec::with_capacity(2 * text.len()));
    for unit in text.encode_utf16() {
        little.extend(unit.to_le_bytes());
        big.extend(unit.to_be_bytes());
    }
    if text.chars().all(|character| u32::from(character) < 256) {
        take(Kind::Interleaved, &little[..little.len().saturating_sub(1)]);
    } else {
        take(Kind::Utf16Le, &little);
        take(Kind::Utf16Be, &big);
    }
}

/// The fake token as it is written where a form of this kind stood.
pub(crate) fn written(kind: Kind, fake: &str, out: &mut Vec<u8>) {
    match kind {
        Kind::Plain | Kind::Hex => out.extend_from_slice(fake.as_bytes()),
        Kind::Utf16Le => out.extend(fake.encode_utf16().flat_map(u16::to_le_bytes)),
        Kind::Utf16Be => out.extend(fake.encode_utf16().flat_map(u16::to_be_bytes)),
        Kind::Interleaved => {
            out.extend(fake.bytes().flat_map(|byte| [byte, 0]));
            if !fake.is_empty() {
                out.pop();
            }
        }
    }
}
