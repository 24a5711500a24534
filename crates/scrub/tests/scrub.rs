//! What the scrubber finds, whatever the spelling, the size and the cuts (rows J07, J08, J10, J11).

mod spellings;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use spellings::{Dice, SPELLINGS, Witness, contains, fake, filler, secrets, spell};
use strongroom_scrub::{ScrubError, Scrubber, Stream};
use strongroom_secret::SecretBytes;

#[expect(clippy::expect_used, reason = "the credentials are those of the test")]
fn scrubber(secrets: &[Vec<u8>]) -> Arc<Scrubber> {
    let kept: Vec<_> = secrets.iter().map(|s| SecretBytes::copy_of(s)).collect();
    let fakes: Vec<_> = (0..secrets.len()).map(fake).collect();
    let pairs: Vec<_> = kept.iter().zip(fakes.iter().map(String::as_str)).collect();
    Arc::new(Scrubber::new(&pairs).expect("credentials that can be scrubbed"))
}

fn witness(secrets: &[Vec<u8>]) -> Witness {
    let fakes: Vec<_> = (0..secrets.len()).map(fake).collect();
    Witness::new(secrets.iter().map(Vec::as_slice), &fakes)
}

fn in_chunks(scrubber: &Arc<Scrubber>, text: &[u8], mut length: impl FnMut() -> usize) -> Vec<u8> {
    let mut stream = scrubber.stream();
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at(length().clamp(1, rest.len()));
        stream.push(chunk, &mut out);
        rest = later;
    }
    stream.finish(&mut out);
    out
}

/// A scrubber of all credentials, and who sees what it lets through.
static ALL: LazyLock<(Arc<Scrubber>, Witness)> = LazyLock::new(|| {
    let secrets = secrets();
    (scrubber(&secrets), witness(&secrets))
});

fn show(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[test]
fn every_spelling_of_every_credential_is_replaced_and_nothing_else_is_touched() {
    let secrets = secrets();
    let (scrubber, witness) = (scrubber(&secrets), witness(&secrets));
    let mut dice = Dice(1);
    for (index, secret) in secrets.iter().enumerate() {
        for (which, name) in SPELLINGS.iter().enumerate() {
            for _ in 0..20 {
                let Some(spelled) = spell(which, secret, &mut dice) else { continue };
                let (before, behind) = (b"{\"echo\": ~".as_slice(), b"~ \"} ".as_slice());
                let text = [before, &spelled, behind].concat();
                let out = scrubber.once(&text);
                let said = || format!("{name} of {index}: {} became {}", show(&text), show(&out));
                let token: Vec<u8> = fake(index).into_bytes();
                let plain: Vec<u8> = out.iter().copied().filter(|b| *b != 0).collect();
                assert!(contains(&plain, &token), "{}", said());
                assert!(out.starts_with(before) && out.ends_with(behind), "{}", said());
                assert_eq!(witness.sees(&out), None, "{}", said());
                assert!(scrubber.is_in(&text) && !scrubber.is_in(&out), "{}", said());
                // Beside the token at most what base64 mixes with its neighbours remains.
                let left = out.len() - before.len() - behind.len();
                let whole = match *name {
                    _ if name.starts_with("UTF-16") => 2 * token.len() + 1,
                    _ if name.contains("base64 of")
                        || name.contains("of more")
                        || *name == "base64 in JSON" =>
                    {
                        token.len() + 64
                    }
                    _ => token.len(),
                };
                assert!(left <= whole, "{}", said());
            }
        }
    }
}

#[test]
fn the_cuts_of_the_stream_do_not_show_in_the_output() {
    let secrets = secrets();
    let scrubber = scrubber(&secrets);
    let mut dice = Dice(2);
    for secret in secrets.iter().filter(|secret| secret.len() < 1000) {
        for (which, name) in SPELLINGS.iter().enumerate() {
            let Some(spelled) = spell(which, secret, &mut dice) else { continue };
            let text = [b"x\\n=\"".as_slice(), &spelled, b"\" %20y"].concat();
            let whole = scrubber.once(&text).into_owned();
            for cut in 1..text.len() {
                let mut lengths = [cut, usize::MAX].into_iter();
                let out = in_chunks(&scrubber, &text, || lengths.next().unwrap());
                assert_eq!(show(&out), show(&whole), "{name} cut at {cut}");
            }
            for length in 1..20 {
                let out = in_chunks(&scrubber, &text, || length);
                assert_eq!(show(&out), show(&whole), "{name} in pieces of {length}");
            }
        }
    }
}

#[test]
fn a_prefix_of_any_length_shows_at_most_eleven_bytes() {
    let secrets = secrets();
    let (scrubber, witness) = (scrubber(&secrets), witness(&secrets));
    for secret in secrets.iter().filter(|secret| secret.len() < 1000) {
        for end in 0..=secret.len() {
            let out = in_chunks(&scrubber, &secret[..end], || 5);
            assert_eq!(witness.sees(&out), None, "{}", show(&out));
        }
    }
}

#[test]
fn an_event_leaves_at_once_and_only_a_possible_beginning_waits() {
    // Not the key in PEM: it has a line's end with more behind it.
    let scrubber = scrubber(&secrets()[..8]);
    let mut stream = scrubber.stream();
    let mut out = Vec::new();
    for event in ["data: {\"content\":\"hello\"}\n\n", "data: [DONE]\n\n", ": ping\n\n"] {
        out.clear();
        stream.push(event.as_bytes(), &mut out);
        assert_eq!(show(&out), event);
    }
    for (text, waits) in [
        ("data: sk-proj-", 8),
        ("data: sk-proj-!", 0),
        ("a \\u00", 5),
        ("a \\u0074w", 7),
        ("a & b", 2),
    ] {
        let mut stream = scrubber.stream();
        out.clear();
        stream.push(text.as_bytes(), &mut out);
        assert!(text.len() - out.len() <= waits, "{text}: {} wait", text.len() - out.len());
        stream.finish(&mut out);
        assert_eq!(show(&out), text);
    }
}

#[test]
fn credentials_side_by_side_are_replaced_one_by_one() {
    let secrets = secrets();
    let scrubber = scrubber(&secrets);
    let text = [&secrets[0][..], &secrets[2], &secrets[2], b"-", &secrets[0]].concat();
    let expected = [fake(0), fake(2), fake(2), "-".to_owned(), fake(0)].concat();
    assert_eq!(show(&scrubber.once(&text)), expected);
}

#[test]
fn what_the_fake_token_shows_passes_alone_and_goes_with_the_credential() {
    let secrets = secrets();
    let scrubber = scrubber(&secrets);
    for harmless in [fake(1), "keys look like sk-ant-api03-...".to_owned(), fake(1).repeat(3)] {
        for length in 1..30 {
            assert_eq!(show(&in_chunks(&scrubber, harmless.as_bytes(), || length)), harmless);
        }
    }
    let text = [b"key=".as_slice(), &secrets[1], b";"].concat();
    for length in 1..30 {
        assert_eq!(show(&in_chunks(&scrubber, &text, || length)), format!("key={};", fake(1)));
    }
}

#[test]
fn utf16_stays_utf16() {
    let secrets = secrets();
    let scrubber = scrubber(&secrets);
    for secret in [&secrets[0], &secrets[10]] {
        let text = format!("<{}>", str::from_utf8(secret).unwrap());
        for swap in [u16::to_le_bytes, u16::to_be_bytes] {
            let wide: Vec<u8> = text.encode_utf16().flat_map(swap).collect();
            let out = scrubber.once(&wide);
            let units: Vec<u16> = out
                .chunks_exact(2)
                .map(|pair| u16::from_ne_bytes(swap(u16::from_ne_bytes([pair[0], pair[1]]))))
                .collect();
            let text = String::from_utf16(&units).unwrap();
            assert!(text.starts_with("<srf_") && text.ends_with('>'), "{text}");
        }
    }
}

#[test]
fn the_place_in_a_large_body_makes_no_difference() {
    let secrets = secrets();
    let scrubber = scrubber(&secrets);
    for size in [0, 1, 1 << 10, (1 << 16) - 7, (1 << 20) + 1, 6 << 20] {
        let text = [vec![b'.'; size], secrets[0].clone(), vec![b'.'; 100]].concat();
        let out = in_chunks(&scrubber, &text, || 16 * 1024 - 3);
        let expected = [vec![b'.'; size], fake(0).into_bytes(), vec![b'.'; 100]].concat();
        assert!(out == expected, "{size}");
    }
}

#[test]
fn a_credential_that_cannot_be_told_from_text_is_refused() {
    let made =
        |secret: &[u8]| Scrubber::new(&[(&SecretBytes::copy_of(secret), "srf_x")]).map(|_| ());
    assert_eq!(made(b"seven77"), Err(ScrubError::TooShort));
    assert_eq!(made(b"%41%42%43%44"), Err(ScrubError::TooShort));
    assert_eq!(made(&vec![b'x'; 16 * 1024 + 1]), Err(ScrubError::TooLong));
    assert_eq!(made(b"eight888"), Ok(()));
    let secret = SecretBytes::copy_of(b"eight888");
    assert_eq!(Scrubber::new(&vec![(&secret, "x"); 1025]).map(|_| ()), Err(ScrubError::TooMany));
}

#[test]
fn the_name_of_a_header_shows_a_credential_in_any_case() {
    let secrets = secrets();
    let scrubber = scrubber(&secrets);
    for secret in [&secrets[0], &secrets[2], &secrets[9]] {
        let name = format!("x-{}-y", str::from_utf8(secret).unwrap());
        assert!(scrubber.is_in_name(&name) && scrubber.is_in_name(&name.to_lowercase()), "{name}");
    }
    assert!(!scrubber.is_in_name("access-control-allow-credentials"));
}

#[test]
fn any_text_may_be_the_replacement() {
    let secret = SecretBytes::copy_of(b"a-credential-of-some-length");
    for fake in ["", "x", "short", "[removed]", "ä"] {
        let scrubber = Scrubber::new(&[(&secret, fake)]).unwrap();
        let shown = scrubber.once(b"<a-credential-of-some-length>");
        assert_eq!(show(&shown), format!("<{fake}>"));
    }
}

#[test]
fn without_credentials_everything_passes() {
    let scrubber = Arc::new(Scrubber::new(&[]).unwrap());
    assert_eq!(in_chunks(&scrubber, b"a%20b\\", || 1), b"a%20b\\");
}

#[test]
fn nothing_printed_shows_a_credential() {
    let secrets = secrets();
    let scrubber = scrubber(&secrets);
    let mut stream: Stream = scrubber.stream();
    stream.push(b"sk-proj-", &mut Vec::new());
    let printed = format!("{scrubber:?} {stream:?}");
    assert!(!printed.contains("sk-p") && printed.contains("held"), "{printed}");
}

proptest! {
    #[test]
    fn text_without_a_credential_passes_byte_for_byte(seed: u64, size in 0usize..3000, length in 1usize..300) {
        let (scrubber, _) = &*ALL;
        let text = filler(&mut Dice(seed), size);
        prop_assert_eq!(in_chunks(scrubber, &text, || length), text);
    }

    #[test]
    fn any_text_with_credentials_is_scrubbed_the_same_however_it_is_cut(seed: u64) {
        let secrets = secrets();
        let (scrubber, witness) = &*ALL;
        let mut dice = Dice(seed);
        let mut text = Vec::new();
        for _ in 0..dice.below(6) {
            let length = dice.below(80);
            text.extend(filler(&mut dice, length));
            let secret = &secrets[dice.below(secrets.len() - 1)];
            let which = dice.below(SPELLINGS.len());
            text.extend(spell(which, secret, &mut dice).unwrap_or_default());
        }
        let whole = scrubber.once(&text).into_owned();
        prop_assert_eq!(witness.sees(&whole), None, "{}\n{}", show(&text), show(&whole));
        let out = in_chunks(scrubber, &text, || 1 + dice.below(30));
        prop_assert_eq!(show(&out), show(&whole));
    }

    #[test]
    fn escapes_of_all_kinds_in_any_order_are_cut_the_same(text in "[a%\\\\&;#ux0-9{}\"amp s]{0,120}", length in 1usize..20) {
        let secret = SecretBytes::copy_of(br"a%0a\u00&amp;#");
        let scrubber = Arc::new(Scrubber::new(&[(&secret, "srf_x_y")]).unwrap());
        let whole = scrubber.once(text.as_bytes()).into_owned();
        let out = in_chunks(&scrubber, text.as_bytes(), || length);
        prop_assert_eq!(show(&out), show(&whole));
    }
}
