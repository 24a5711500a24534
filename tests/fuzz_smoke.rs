//! The fuzz targets for a few seconds each, on any compiler: valid objects and recorded texts, mutated
//! with a seeded generator. `scripts/fuzz` runs the same bodies under libFuzzer for longer.
//!
//! `FUZZ_SECONDS` sets the time for each target (default 2); `FUZZ_CORPUS` is a folder that gets the
//! seeds, as libFuzzer wants them.
#![expect(clippy::unwrap_used, reason = "a broken fixture should fail loudly")]

#[path = "../fuzz/src/lib.rs"]
#[expect(dead_code, unreachable_pub, reason = "the fuzz binaries use it as a crate")]
mod targets;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::Value;
use strongroom_chain::tree::{leaf_hash, node_hash};
use strongroom_core::bundle::tlog_proof::{self, LogKey};
use strongroom_core::cosign::{Cosignature, WitnessKey};
use strongroom_evil_server::{foreign_notes, signed};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Detail, Event, EventKind};
use strongroom_format::hash::{ZERO, sha256};
use strongroom_format::id::DeviceId;
use strongroom_format::note::Checkpoint;

/// Every string of every recorded vector, as it stands and as the bytes it is hex for; and texts.
fn seeds() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let mut seeds: Vec<Vec<u8>> = TEXTS.iter().map(|text| text.as_bytes().to_vec()).collect();
    seeds.extend(notes().into_iter().map(|(_, note)| note.into_bytes()));
    seeds.extend(proofs().into_iter().map(String::into_bytes));
    for folder in [root.clone(), root.join("chain")] {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|e| e == "json"));
        files.sort();
        for file in files.iter().filter(|path| !path.ends_with("random-objects.json")) {
            let vectors = std::fs::read(file).unwrap();
            strings(&serde_json::from_slice(&vectors).unwrap(), &mut seeds);
        }
    }
    seeds.sort();
    seeds.dedup();
    assert!(seeds.len() > 100, "the vectors were not found");
    seeds
}

const TEXTS: &[&str] = &[
    "",
    "A=b\nexport C=\"d\\n\"\r\nE='f\ng'\n# h\nI=-----BEGIN X-----\nab\n-----END X-----\n",
    "A=`b` # c\nA=d\n=e\nA B=c\n\u{feff}X=${Y}\n",
    "{\"links\":[],\"more\":false,\"wraps\":[],\"previous\":[],\"envs\":[],\"checkpoint\":\"\"}",
    "{\"error\":{\"code\":\"not-found\",\"message\":\"x\"}}",
    "\"AAEC\"",
    "{\"strongroom\":\"audit-bundle\",\"v\":1}\n{\"entry\":0}\n",
    "109482\n",
    "{\"v\":1,\"class\":\"production\",\"tags\":[\"a\"]}",
];

/// What those notes of the checkpoint target are called that are taken.
const TAKEN: &str = "the log's own";

/// Notes about the log of the checkpoint target: its own, and what others send.
fn notes() -> Vec<(&'static str, String)> {
    let (key, (org, _)) = (SigningKey::from_bytes(&[1; 32]), targets::LOG);
    let of = |size| Checkpoint { org, reset: 0, size, root: [9; 32] };
    let mut notes = foreign_notes(&of(42), &key);
    notes.extend([0, 42, u64::MAX].map(|size| (TAKEN, signed(&of(size), &key))));
    notes
}

/// A proof of an entry, the key of its log, and a checkpoint with a witness's cosignature.
fn proofs() -> Vec<String> {
    let (org, key) = targets::LOG;
    let act = Act {
        org,
        kind: EventKind::AuditFetched,
        actor: None,
        device: DeviceId::ZERO,
        actor_seq: 0,
        actor_prev: ZERO,
        org_head: ZERO,
        detail: Detail::status(200),
        agency: None,
    };
    let event = Event { act, signature: [0; 64], server_time_ms: 7, peer: "192.0.2.1:5".into() };
    let event = event.encode();
    let root = node_hash(&[5; 32], &leaf_hash(&event));
    let own = Checkpoint { org, reset: 0, size: 2, root };
    let note = signed(&own, &SigningKey::from_bytes(&[1; 32]));
    let proof = tlog_proof::write(1, &event, &[[5; 32]], &note);
    let log = LogKey { org, reset: 0, key };
    assert!(tlog_proof::judge(&proof, Some(&log)).is_ok(), "the seed proves something");
    let checkpoint = Checkpoint { org, reset: 0, size: 42, root: [9; 32] };
    let witness = SigningKey::from_bytes(&[2; 32]);
    let signature = witness.sign(Cosignature::message(1_700_000_000, &checkpoint).as_bytes());
    let name = targets::WITNESS.split('+').next().unwrap();
    let bytes = [b"\n\x04".as_slice(), witness.verifying_key().as_bytes()].concat();
    let id = sha256(&[name.as_bytes(), &bytes]);
    let line = [&id[..4], &1_700_000_000_u64.to_be_bytes(), &signature.to_bytes()].concat();
    let cosigned = format!("\u{2014} {name} {}\n", BASE64.encode(&line));
    let key = WitnessKey::parse(targets::WITNESS).unwrap();
    assert!(key.find(&cosigned, &checkpoint).is_some(), "the seed is a cosignature");
    vec![proof, log.to_string(), cosigned, targets::WITNESS.to_owned()]
}

fn strings(value: &Value, into: &mut Vec<Vec<u8>>) {
    match value {
        Value::String(text) => {
            into.push(text.as_bytes().to_vec());
            if text.len() % 2 == 0 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
                let byte = |i| u8::from_str_radix(&text[i..i + 2], 16).unwrap();
                into.push((0..text.len()).step_by(2).map(byte).collect());
            }
        }
        Value::Array(values) => values.iter().for_each(|value| strings(value, into)),
        Value::Object(fields) => fields.values().for_each(|value| strings(value, into)),
        _ => {}
    }
}

/// xorshift64*: the same run every time.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % (n.max(1) as u64)).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}

fn mutate(draw: &mut Draw, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut data = seeds[draw.below(seeds.len())].clone();
    for _ in 0..draw.below(4) {
        let at = draw.below(data.len());
        match draw.below(8) {
            0 if !data.is_empty() => data[at] ^= 1 << draw.below(8),
            1 if !data.is_empty() => data[at] = draw.byte(),
            2 => data.insert(at, draw.byte()),
            3 if !data.is_empty() => {
                data.remove(at);
            }
            4 => data.truncate(at),
            5 => {
                let end = at + draw.below(data.len() - at);
                let part = data[at..end].to_vec();
                data.splice(at..at, part);
            }
            6 if data.len() >= at + 4 => {
                let lengths = [0u32, 1, 64, 1 << 16, 1 << 24, u32::MAX];
                let length = lengths[draw.below(lengths.len())];
                data[at..at + 4].copy_from_slice(&length.to_be_bytes());
            }
            _ => {
                let other = &seeds[draw.below(seeds.len())];
                data.truncate(at);
                data.extend_from_slice(&other[draw.below(other.len())..]);
            }
        }
    }
    data
}

fn run(name: &str) {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(2);
    let (_, body) = targets::TARGETS.iter().find(|(target, _)| *target == name).unwrap();
    let seeds = seeds();
    for seed in &seeds {
        body(seed);
    }
    if let Some(corpus) = std::env::var_os("FUZZ_CORPUS") {
        let corpus = Path::new(&corpus).join(name);
        std::fs::create_dir_all(&corpus).unwrap();
        for (n, seed) in seeds.iter().enumerate() {
            std::fs::write(corpus.join(format!("seed-{n}")), seed).unwrap();
        }
    }
    let mut draw = Draw(0x5eed ^ name.len() as u64);
    let start = Instant::now();
    let mut runs = 0u64;
    while start.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..64 {
            let data = mutate(&mut draw, &seeds);
            let one = Instant::now();
            body(&data);
            assert!(one.elapsed() < Duration::from_secs(1), "{name} hangs on {data:02x?}");
        }
        runs += 64;
    }
    assert!(runs >= 64);
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name));
            }
        )*

        #[test]
        fn every_target_runs_here_and_has_its_binary() {
            let here = [$(stringify!($name)),*];
            let declared: Vec<&str> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(here.as_slice(), declared.as_slice());
            let manifest = include_str!("../fuzz/Cargo.toml");
            for name in declared {
                assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} has no binary");
            }
        }
    };
}

targets! {
    link commit event pins write_batch pages checkpoint id json envelope token invite_code
    secret_key details dotenv tlog_proof bundle witness
}

#[test]
fn of_the_notes_only_those_of_the_log_in_their_one_spelling_are_taken() {
    let (org, vkey) = targets::LOG;
    assert_eq!(SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes(), vkey);
    for (name, note) in notes() {
        let taken = Checkpoint::parse(&note, &org, 0, &vkey).is_ok();
        assert_eq!(taken, name == TAKEN, "{name}: {note:?}");
    }
}
