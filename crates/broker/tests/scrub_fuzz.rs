//! Answers by the thousand: every spelling of a credential, in every coding, cut in every way. None
//! may show a run of a credential, and one without a credential passes byte for byte (rows J07 to
//! J11).
//!
//! `scripts/scrub-fuzz` makes a million of them. The numbers come from a seed: case 17 is always the
//! same answer.

#![expect(clippy::expect_used, reason = "what fails here is the test's own work")]

#[path = "../../scrub/tests/spellings/mod.rs"]
mod spellings;

use std::convert::Infallible;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use spellings::{Dice, SPELLINGS, Witness, contains, fake, filler, secrets, spell};
use strongroom_broker::back::scrubbed;
use strongroom_scrub::Scrubber;
use strongroom_secret::SecretBytes;

/// How many answers, unless `SCRUB_FUZZ` says another number.
const CASES: u64 = 20_000;
const CODINGS: [&str; 8] = ["", "", "", "gzip", "deflate", "deflate", "br", "zstd"];

struct World {
    secrets: Vec<Vec<u8>>,
    scrubber: Arc<Scrubber>,
    witness: Witness,
}

impl World {
    fn new() -> Self {
        let secrets = secrets();
        let kept: Vec<_> = secrets.iter().map(|secret| SecretBytes::copy_of(secret)).collect();
        let fakes: Vec<_> = (0..secrets.len()).map(fake).collect();
        let pairs: Vec<_> = kept.iter().zip(fakes.iter().map(String::as_str)).collect();
        let scrubber =
            Scrubber::new(&pairs).map(Arc::new).expect("credentials that can be scrubbed");
        let witness = Witness::new(secrets.iter().map(Vec::as_slice), &fakes);
        Self { secrets, scrubber, witness }
    }

    async fn case(&self, number: u64) -> Result<u64, String> {
        let mut dice = Dice(number.wrapping_mul(0xA076_1D64_78BD_642F));
        let mut plain = Vec::new();
        let mut tokens = Vec::new();
        let mut names = Vec::new();
        for _ in 0..dice.below(4) {
            let length = length(&mut dice);
            plain.extend(filler(&mut dice, length));
            let (index, which) = (dice.below(self.secrets.len()), dice.below(SPELLINGS.len()));
            if let Some(spelled) = spell(which, &self.secrets[index], &mut dice) {
                if !is_public(&spelled, &fake(index)) {
                    tokens.push(fake(index));
                }
                plain.extend_from_slice(b" ~");
                plain.extend(spelled);
                plain.extend_from_slice(b"~ ");
                names.push(SPELLINGS[which]);
            }
        }
        let length = length(&mut dice);
        plain.extend(filler(&mut dice, length));
        let coding = CODINGS[dice.below(CODINGS.len())];
        let coded = encode(coding, &plain, &mut dice);
        let shown = self
            .shown(coding, &coded, &mut dice)
            .await
            .map_err(|why| format!("{coding}: {why}"))?;
        let said = |what: &str| {
            let (before, after) =
                (String::from_utf8_lossy(&plain), String::from_utf8_lossy(&shown));
            format!("case {number}, {names:?}, {coding:?}: {what}\n{before}\nbecame\n{after}")
        };
        if let Some(how) = self.witness.sees(&shown) {
            return Err(said(&format!("shows a credential, read {how}")));
        }
        if names.is_empty() && shown != plain {
            return Err(said("has no credential, and was changed"));
        }
        let text: Vec<u8> = shown.iter().copied().filter(|byte| *byte != 0).collect();
        if let Some(token) = tokens.iter().find(|token| !contains(&text, token.as_bytes())) {
            return Err(said(&format!("lacks {token}")));
        }
        Ok(plain.len() as u64)
    }

    async fn shown(&self, coding: &str, coded: &[u8], dice: &mut Dice) -> Result<Vec<u8>, String> {
        let mut frames = Vec::new();
        let mut rest = coded;
        let most = [1 + coded.len() / 400, 40, 300, usize::MAX][dice.below(4)];
        let most = most.clamp(1, coded.len().max(1));
        while !rest.is_empty() {
            let (piece, later) = rest.split_at((1 + dice.below(most)).min(rest.len()));
            frames.push(Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(piece))));
            rest = later;
        }
        let body = StreamBody::new(futures_util::stream::iter(frames));
        let response = Response::builder().header("content-encoding", coding).body(body);
        let response = response.map_err(|error| error.to_string())?;
        let response = scrubbed(response, Some(Arc::clone(&self.scrubber)));
        let body = response.await.map_err(|error| error.to_string())?.into_body();
        Ok(body.collect().await.map_err(|error| error.to_string())?.to_bytes().to_vec())
    }
}

/// Whether the agent's own token shows as much, so that it may pass.
fn is_public(spelled: &[u8], fake: &str) -> bool {
    let coded = data_encoding::BASE64.encode(fake.as_bytes());
    contains(fake.as_bytes(), spelled) || contains(coded.as_bytes(), spelled)
}

/// Mostly short; one in two thousand is half a megabyte.
fn length(dice: &mut Dice) -> usize {
    let most = 1 << dice.below(12);
    if dice.below(2000) == 0 { 512 << 10 } else { dice.below(most) }
}

fn encode(coding: &str, plain: &[u8], dice: &mut Dice) -> Vec<u8> {
    let level = Compression::new(u32::from(dice.chance(70)));
    let done = match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), level);
            encoder.write_all(plain).and_then(|()| encoder.finish())
        }
        "deflate" if dice.chance(50) => {
            let mut encoder = ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(plain).and_then(|()| encoder.finish())
        }
        "deflate" => {
            let mut encoder = DeflateEncoder::new(Vec::new(), level);
            encoder.write_all(plain).and_then(|()| encoder.finish())
        }
        "br" => {
            let mut out = Vec::new();
            let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 1, 16);
            let written = encoder.write_all(plain);
            drop(encoder);
            written.map(|()| out)
        }
        "zstd" => {
            let level = ruzstd::encoding::CompressionLevel::Fastest;
            Ok(ruzstd::encoding::compress_to_vec(plain, level))
        }
        _ => Ok(plain.to_vec()),
    };
    done.expect("writing to memory cannot fail")
}

#[test]
fn no_answer_shows_a_credential_in_any_spelling_coding_or_cut() {
    let cases = std::env::var("SCRUB_FUZZ").map_or(CASES, |text| text.parse().expect("a number"));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let (world, next, bytes) = (World::new(), AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= cases {
                return Ok(());
            }
            bytes.fetch_add(runtime.block_on(world.case(number))?, Ordering::Relaxed);
        }
    };
    let told: Vec<Result<(), String>> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().map(|one| one.join().expect("no case panics")).collect()
    });
    for outcome in told {
        assert_eq!(outcome, Ok(()), "{}", outcome.as_ref().err().map_or("", String::as_str));
    }
    let bytes = bytes.into_inner();
    assert!(bytes > 100 * cases, "{bytes} bytes in {cases} answers");
}
