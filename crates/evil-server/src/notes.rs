//! Checkpoints that no log of this organisation ever wrote, all of them signed.

use data_encoding::BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use strongroom_format::id::OrgId;
use strongroom_format::note::{Checkpoint, key_id};

/// A checkpoint's note, signed.
pub fn signed(checkpoint: &Checkpoint, key: &SigningKey) -> String {
    let signature = key.sign(checkpoint.text().as_bytes());
    checkpoint.note(&key.verifying_key().to_bytes(), &signature.to_bytes())
}

/// Notes about `checkpoint` that must be taken for nothing, each with its name. Wherever the text
/// itself is another one it is signed with `key` all the same: only the reader's strictness is left.
pub fn foreign_notes(checkpoint: &Checkpoint, key: &SigningKey) -> Vec<(&'static str, String)> {
    let (good, origin) = (signed(checkpoint, key), checkpoint.origin());
    let (size, root) = (checkpoint.size.to_string(), BASE64.encode(&checkpoint.root));
    let of = |change: Checkpoint| signed(&change, key);
    let text = |text: String| signed_text(&text, &origin, key);
    let with_size = |size: &str| text(format!("{origin}\n{size}\n{root}\n"));
    let with_root = |root: &str| text(format!("{origin}\n{size}\n{root}\n"));
    let with_origin = |other: &str| signed_text(&format!("{other}\n{size}\n{root}\n"), other, key);
    let in_place = |from: &str, to: &str| good.replacen(from, to, 1);
    let last_line = good.lines().last().unwrap_or_default();
    vec![
        // Another log's.
        ("another organisation", of(Checkpoint { org: OrgId([8; 32]), ..*checkpoint })),
        ("the log after a reset", of(Checkpoint { reset: checkpoint.reset + 1, ..*checkpoint })),
        ("another key", signed(checkpoint, &SigningKey::from_bytes(&[66; 32]))),
        ("another operator", with_origin("example.com/behind-the-sofa")),
        ("no organisation", with_origin(&format!("strongroom//audit/{}", checkpoint.reset))),
        ("a reset with a zero before it", with_origin(&in_origin(&origin, "/audit/", "/audit/0"))),
        ("a space behind the origin", with_origin(&format!("{origin} "))),
        ("a capital letter", with_origin(&in_origin(&origin, "strongroom", "Strongroom"))),
        ("no origin", text(format!("{size}\n{root}\n"))),
        ("an empty origin", with_origin("")),
        // An origin that brings lines of its own.
        ("an origin of two lines", with_origin("evil\n999")),
        ("an origin of three lines", with_origin("evil\n999\n")),
        ("a size before the size", text(format!("{origin}\n999\n{size}\n{root}\n"))),
        ("another origin before it", text(format!("evil\n999\n{origin}\n{size}\n{root}\n"))),
        ("another text before it", format!("evil\n999\n{root}\n\n{good}")),
        // Extra lines.
        ("an extension line", text(format!("{origin}\n{size}\n{root}\nextra\n"))),
        ("an empty line in the text", text(format!("{origin}\n{size}\n\n{root}\n"))),
        ("an empty line more", in_place("\n\n", "\n\n\n")),
        ("an empty line first", format!("\n{good}")),
        ("an empty line last", format!("{good}\n")),
        ("no last end of line", good.trim_end().to_owned()),
        ("the signature twice", format!("{good}{last_line}\n")),
        ("a signature of somebody else", format!("{good}\u{2014} witness.example mJirIklj\n")),
        ("no signature", good.replacen(&format!("{last_line}\n"), "", 1)),
        // Numbers in other spellings.
        ("a zero before the size", with_size(&format!("0{size}"))),
        ("a plus", with_size(&format!("+{size}"))),
        ("a minus", with_size(&format!("-{size}"))),
        ("a space behind the size", with_size(&format!("{size} "))),
        ("a size in hexadecimal", with_size("0x2a")),
        ("a size with an underscore", with_size("4_2")),
        ("digits of another script", with_size("\u{664}\u{662}")),
        ("a size of 65 bits", with_size("18446744073709551616")),
        ("no size", with_size("")),
        // Other bytes for the same.
        ("ends of lines with a carriage return", good.replace('\n', "\r\n")),
        ("carriage returns alone", good.replace('\n', "\r")),
        ("a hyphen", good.replace('\u{2014}', "-")),
        ("a no-break space", in_place("\u{2014} ", "\u{2014}\u{a0}")),
        ("a root without padding", with_root(root.trim_end_matches('='))),
        ("a root with bits behind its end", with_root(&with_loose_bits(&root))),
        ("a root of 33 bytes", with_root(&BASE64.encode(&[9; 33]))),
        ("a root in other base64", with_root(&format!("-{}", root.get(1..).unwrap_or_default()))),
        ("another key's id", with_key_id(&good, [0; 4])),
        ("a byte order mark", format!("\u{feff}{good}")),
        ("longer than any", format!("{good}{}", "x".repeat(2_000))),
        ("nothing", String::new()),
    ]
}

/// Any text as a signed note of `name`.
fn signed_text(text: &str, name: &str, key: &SigningKey) -> String {
    let mut signature = key_id(name, &key.verifying_key().to_bytes()).to_vec();
    signature.extend_from_slice(&key.sign(text.as_bytes()).to_bytes());
    format!("{text}\n\u{2014} {name} {}\n", BASE64.encode(&signature))
}

fn in_origin(origin: &str, from: &str, to: &str) -> String {
    origin.replacen(from, to, 1)
}

/// The same 32 bytes with the unused bits of the last letter set.
fn with_loose_bits(root: &str) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut loose = root.as_bytes().to_vec();
    let last = loose.len().saturating_sub(2);
    let at = loose.get(last).and_then(|l| letters.iter().position(|letter| letter == l));
    if let (Some(letter), Some(at)) = (loose.get_mut(last), at) {
        *letter = letters[at | 1];
    }
    String::from_utf8(loose).unwrap_or_default()
}

/// The note with another key id before the signature.
fn with_key_id(note: &str, id: [u8; 4]) -> String {
    let Some((before, encoded)) = note.trim_end().rsplit_once(' ') else { return String::new() };
    let mut signature = BASE64.decode(encoded.as_bytes()).unwrap_or_default();
    if let Some(place) = signature.get_mut(..4) {
        place.copy_from_slice(&id);
    }
    format!("{before} {}\n", BASE64.encode(&signature))
}
