//! What scrubbing costs: mebibytes a second of one core, with twenty credentials, by processor time.
//!
//! `cargo bench -p strongroom-scrub`. The bar is 150 MiB/s for each body.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a program that prints figures"
)]

#[path = "../tests/spellings/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod spellings;

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use spellings::{Dice, SPELLINGS, fake, filler, spell};
use strongroom_scrub::Scrubber;
use strongroom_secret::SecretBytes;

const SECRETS: usize = 20;
const SIZE: usize = 8 << 20;
const CHUNK: usize = 16 << 10;
const BAR: f64 = 150.0;

fn main() {
    let mut dice = Dice(11);
    let secrets: Vec<Vec<u8>> =
        (0..SECRETS).map(|_| format!("sk-proj-{}", dice.text(56)).into_bytes()).collect();
    let (made, scrubber) = best(|| scrubber(&secrets));
    println!("made for {SECRETS} credentials of 64 bytes: {made:?}");
    let (one, ()) = best(|| {
        for _ in 0..100 {
            black_box(self::scrubber(&secrets[..1]));
        }
    });
    println!("made for one: {:?}", one / 100);
    let scrubber = Arc::new(scrubber);
    let bodies: [(&str, Vec<u8>); 6] = [
        ("JSON of sentences, few escapes", sentences(&mut dice)),
        ("base64", dice.text(SIZE).into_bytes()),
        ("mixed: JSON, HTML, escapes, UTF-8", filler(&mut dice, SIZE)),
        ("source code in JSON, an escape every 12 bytes", code(&mut dice)),
        ("percent-encoded, every byte", percent(&mut dice)),
        ("mixed, a credential every kilobyte in every spelling", echoes(&secrets, &mut dice)),
    ];
    println!("{:54} {:>8}   bar {BAR}", "body", "MiB/s");
    for (name, body) in bodies {
        let (taken, _) = best(|| through(&scrubber, &body));
        let rate = body.len() as f64 / f64::from(1 << 20) / taken.as_secs_f64();
        println!("{name:54} {rate:>8.0}   {}", if rate < BAR { "OVER" } else { "" });
    }
    let header = b"Bearer something-that-is-no-credential; charset=utf-8";
    let (header, ()) = best(|| {
        for _ in 0..100_000 {
            black_box(scrubber.once(black_box(header)));
        }
    });
    println!("one value of a header: {:?}", header / 100_000);
}

fn scrubber(secrets: &[Vec<u8>]) -> Scrubber {
    let kept: Vec<_> = secrets.iter().map(|secret| SecretBytes::copy_of(secret)).collect();
    let fakes: Vec<_> = (0..secrets.len()).map(fake).collect();
    let pairs: Vec<_> = kept.iter().zip(fakes.iter().map(String::as_str)).collect();
    Scrubber::new(&pairs).expect("credentials that can be scrubbed")
}

fn through(scrubber: &Arc<Scrubber>, body: &[u8]) -> usize {
    let mut stream = scrubber.stream();
    let mut out = Vec::with_capacity(2 * CHUNK);
    let mut length = 0;
    for chunk in body.chunks(CHUNK) {
        out.clear();
        stream.push(chunk, &mut out);
        length += black_box(&out).len();
    }
    length
}

fn sentences(dice: &mut Dice) -> Vec<u8> {
    let mut body = Vec::with_capacity(SIZE + 400);
    while body.len() < SIZE {
        body.extend_from_slice(b"data: {\"id\":\"chatcmpl-");
        body.extend(dice.text(20).into_bytes());
        body.extend_from_slice(
            b"\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,",
        );
        body.extend_from_slice(
            b"\"delta\":{\"content\":\"The keys of a provider stay where they are.\\n\"}}]}\n\n",
        );
    }
    body
}

fn code(dice: &mut Dice) -> Vec<u8> {
    let mut body = Vec::with_capacity(SIZE + 40);
    while body.len() < SIZE {
        body.extend_from_slice(
            dice.one(&["let x = \\\"", "a && b;\\n", "\\tif (x) {\\n", "print(\\\"%d\\\\n\\\")"])
                .as_bytes(),
        );
    }
    body
}

fn percent(dice: &mut Dice) -> Vec<u8> {
    (0..SIZE / 3).flat_map(|_| format!("%{:02X}", dice.below(256)).into_bytes()).collect()
}

fn echoes(secrets: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut body = Vec::with_capacity(SIZE + 4096);
    while body.len() < SIZE {
        body.extend(filler(dice, 1000));
        let (index, which) = (dice.below(secrets.len()), dice.below(SPELLINGS.len()));
        body.extend(spell(which, &secrets[index], dice).unwrap_or_default());
    }
    body
}

/// The least processor time of five rounds.
fn best<T>(mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut round = || {
        let begun = on_processor();
        let done = work();
        (on_processor().saturating_sub(begun), done)
    };
    let first = round();
    (1..5).map(|_| round()).fold(first, |best, next| if next.0 < best.0 { next } else { best })
}

/// How long this thread has been on a processor.
fn on_processor() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}
