//! Files that were changed after they were signed, and files whose maker signed what does not hold:
//! all of them for this implementation and for the one in Python.

use std::path::{Path, PathBuf};
use std::process::Command;

use strongroom_chain::tree::prove_inclusion;
use strongroom_format::hash::sha256;
use strongroom_format::id::OrgId;
use strongroom_format::wire::B64;

use super::super::line::{EntryLine, NodeLine, SignatureLine, write_line};
use super::*;

/// All lines before the last one, signed by somebody.
pub(super) fn sign(body: &[u8], by: &Keyset) -> Vec<u8> {
    let signature = by.isk.sign(&[label("bundle"), sha256(&[body]).to_vec()].concat());
    [body.to_vec(), write_line(&SignatureLine { signature: B64(signature.to_vec()) })].concat()
}

/// A file as the lines of a text, without the signature.
fn body(file: &[u8]) -> Vec<String> {
    let text = str::from_utf8(file).unwrap();
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    lines.pop();
    lines
}

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

/// Files by what was done to them, and whether they hold.
pub(super) type Files = Vec<(String, Vec<u8>, bool)>;

/// What somebody could sign who wants to deceive with the organisation's own key.
#[expect(clippy::too_many_lines, reason = "one row for each change")]
fn signed_changes(world: &World) -> Files {
    let me = &world.story.replica.me().keyset;
    let file = world.bundle(&[1, 5, 9, 10, 11, 22], true);
    let lines = body(&file);
    let at = |start: &str| lines.iter().position(|line| line.starts_with(start)).unwrap();
    let (links, entries) = (1, at("{\"entry\""));
    let (node, anchor, names) = (at("{\"node\""), at("{\"anchor\""), at("{\"id\""));
    let mut files = Files::new();
    let mut change = |what: &str, holds: bool, change: &dyn Fn(&mut Vec<String>)| {
        let mut changed = lines.clone();
        change(&mut changed);
        files.push((what.to_owned(), sign(changed.concat().as_bytes(), me), holds));
    };
    let replace = |line: usize, from: &'static str, to: &'static str| {
        move |lines: &mut Vec<String>| {
            let new = lines[line].replacen(from, to, 1);
            assert_ne!(new, lines[line], "{from}");
            lines[line] = new;
        }
    };
    change("nothing", true, &|_| ());
    for (what, holds, from, to) in [
        ("another filter", true, "Everything", "Nothing"),
        ("another query", true, "revealed", "copied"),
        ("a later time", true, "\"madeMs\":17900", "\"madeMs\":17909"),
        ("a time before the chain's", false, "\"madeMs\":17900", "\"madeMs\":16900"),
        ("a time of no computer", false, "\"madeMs\":17900", "\"madeMs\":9999999999917900"),
        ("another version", false, "\"version\":1", "\"version\":2"),
        ("a version that is no number", false, "\"version\":1", "\"version\":1.0"),
        ("a version that is true", false, "\"version\":1", "\"version\":true"),
        ("another kind", false, "audit-bundle", "audit-bungle"),
        ("another organisation", false, "\"org\":\"org_", "\"org\":\"org_a"),
        ("another person", false, "\"by\":\"usr_a4", "\"by\":\"usr_b4"),
        ("a token as its maker", false, "\"by\":\"usr_", "\"by\":\"tok_"),
        ("one entry less", false, "\"entries\":6", "\"entries\":5"),
        ("one entry more", false, "\"entries\":6", "\"entries\":7"),
        ("a negative count", false, "\"entries\":6", "\"entries\":-6"),
        ("a count beyond all bounds", false, "\"entries\":6", "\"entries\":100000001"),
        ("links beyond all bounds", false, "\"links\":", "\"links\":9999999999999999999999"),
        ("another size", false, "\\n23\\n", "\\n24\\n"),
        ("a size with a sign", false, "\\n23\\n", "\\n+23\\n"),
        ("another origin", false, "\"checkpoint\":\"strongroom", "\"checkpoint\":\"strongerroom"),
        ("another dash", false, "\u{2014} strongroom", "- strongroom"),
        ("an escaped letter", false, "Everything", "\\u0045verything"),
        ("an escaped dash", false, "did \u{2014}", "did \\u2014"),
        ("half of a pair", false, "did \u{2014}", "did \\ud800"),
        ("a slash that is escaped", false, "strongroom/org", "strongroom\\/org"),
        ("a space", false, "\"version\":1", "\"version\": 1"),
        ("a field more", false, "\"version\":1,", "\"version\":1,\"more\":0,"),
        ("a field twice", false, "\"version\":1,", "\"version\":1,\"version\":1,"),
        ("fields in another order", false, ",\"version\":1,\"org\"", ",\"org\""),
        ("a tab", false, "Everything", "Every\tthing"),
        ("a tab that is escaped", true, "Everything", "Every\\tthing"),
        ("a control character", true, "Everything", "Every\\u0001thing"),
        ("a control character in capitals", false, "Everything", "Every\\u001Fthing"),
        ("delete and a direction mark", true, "Everything", "Every\u{7f}\u{202e}thing"),
        ("a line separator", true, "Everything", "Every\u{2028}thing"),
        ("a carriage return", false, "}\n", "}\r\n"),
        ("a brace more", false, "}\n", "}}\n"),
    ] {
        change(what, holds, &replace(0, from, to));
    }
    change("the id of another organisation", false, &|lines| {
        let own = world.story.replica.state().org().to_string();
        lines[0] = lines[0].replacen(&own, &OrgId([1; 32]).to_string(), 1);
    });
    let long = "x".repeat(4_096 + 1);
    change("a filter that is too long", false, &|lines| {
        lines[0] = lines[0].replacen("Everything", &long, 1);
    });
    change("an empty first line", false, &|lines| lines[0] = "\n".to_owned());
    change("a first line that is a list", false, &|lines| lines[0] = "[]\n".to_owned());
    change("a deep first line", false, &|lines| lines[0] = "[".repeat(50_000) + "\n");
    change("nothing but a signature", false, &Vec::clear);

    let last_link = lines.iter().rposition(|line| line.starts_with("{\"link\"")).unwrap();
    for link in links..=last_link {
        change("a link left out", false, &|lines| drop(lines.remove(link)));
        change("a link twice", false, &|lines| lines.insert(link, lines[link].clone()));
        for byte in [20, 90, 200, 250] {
            change("another letter in a link", false, &|lines| {
                let mut bytes = lines[link].clone().into_bytes();
                bytes[byte] = if bytes[byte] == b'A' { b'B' } else { b'A' };
                lines[link] = String::from_utf8(bytes).unwrap();
            });
        }
    }
    change("two links the other way round", false, &|lines| lines.swap(links, links + 1));
    // What the missing links say is then nowhere: entries that rest on them are doubtful.
    change("a shorter chain without its anchor", true, &|lines| {
        lines[0] = lines[0].replacen(&format!("\"links\":{last_link}"), "\"links\":1", 1);
        lines.drain(links + 1..=last_link);
        lines.retain(|line| !line.starts_with("{\"anchor\""));
    });

    change("an entry left out", false, &|lines| drop(lines.remove(entries)));
    change("an entry twice", false, &|lines| lines.insert(entries, lines[entries].clone()));
    change("an entry of another place", false, &|lines| {
        lines[entries] = lines[entries].replacen(":1,", ":5,", 1);
    });
    let event = |n: usize| {
        let event = B64(world.events[n].clone());
        String::from_utf8(write_line(&EntryLine { entry: 1, event })).unwrap()
    };
    change("the entry itself", true, &|lines| lines[entries] = event(1));
    change("another entry in its place", false, &|lines| lines[entries] = event(2));
    let leaf = |n: usize, level: u8, index: u64| {
        let hash = B64(leaf_hash(&world.events[n]).to_vec());
        let line = NodeLine { node: (level, index), hash };
        String::from_utf8(write_line(&line)).unwrap()
    };
    let fewer = |lines: &mut Vec<String>| {
        lines[0] = lines[0].replacen("\"entries\":6", "\"entries\":5", 1);
    };
    let nine = lines.iter().position(|line| line.starts_with("{\"entry\":9")).unwrap();
    change("an entry behind its own leaf", false, &|lines| {
        fewer(lines);
        lines[nine] = leaf(9, 0, 9);
    });
    let twenty_two = lines.iter().position(|line| line.starts_with("{\"entry\":22")).unwrap();
    let shown = lines.iter().filter(|line| line.starts_with("{\"id\"")).count();
    change("the last entry behind its leaf", true, &|lines| {
        fewer(lines);
        lines[twenty_two] = leaf(22, 0, 22);
        assert!(shown > 0);
    });
    for (what, level, index) in
        [("a level too high", 64, 0), ("another level", 1, 22), ("another index", 0, 21)]
    {
        change(what, false, &|lines| {
            fewer(lines);
            lines[twenty_two] = leaf(22, level, index);
        });
    }
    for (what, from, to) in [
        ("three numbers for a node", "],\"hash\"", ",0],\"hash\""),
        ("a node that is no list", "\"node\":[", "\"node\":0,\"x\":["),
        ("a level that is no number", "\"node\":[0", "\"node\":[\"0\""),
        ("a fraction for a level", "\"node\":[0", "\"node\":[0.0"),
        ("a short hash", "\"hash\":\"", "\"hash\":\"AAAA"),
        ("padding", "\"}\n", "=\"}\n"),
        ("no base64", "\"hash\":\"", "\"hash\":\"*"),
        ("no text", "\"hash\":\"", "\"hash\":null,\"x\":\""),
    ] {
        change(what, false, &replace(node, from, to));
    }
    change("another node", false, &|lines| {
        let hash = B64(vec![9; 32]);
        let line = NodeLine { node: (0, 0), hash };
        lines[node] = String::from_utf8(write_line(&line)).unwrap();
    });
    change("two nodes for one", false, &|lines| {
        let eleven = lines.iter().position(|line| line.starts_with("{\"node\":[2,3")).unwrap();
        let half = |level: u8, index: u64| {
            let hash = B64(world.nodes[&(level, index)].to_vec());
            let line = NodeLine { node: (level, index), hash };
            String::from_utf8(write_line(&line)).unwrap()
        };
        lines[eleven] = half(1, 6) + &half(1, 7);
    });

    change("no anchor", false, &|lines| drop(lines.remove(anchor)));
    change("the anchor twice", false, &|lines| lines.insert(anchor, lines[anchor].clone()));
    change("no proof", false, &|lines| {
        let start = lines[anchor].find('[').unwrap();
        lines[anchor].replace_range(start.., "[]}\n");
    });
    for (what, from, to) in [
        ("the anchor of another link", "\"anchor\":", "\"anchor\":1"),
        ("a hash more in the proof", "[\"", "[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\""),
        ("a number in the proof", "[\"", "[1,\""),
        ("a proof that is no list", "\"proof\":[", "\"proof\":{},\"x\":["),
    ] {
        change(what, false, &replace(anchor, from, to));
    }

    change("no names", true, &|lines| lines.retain(|line| !line.starts_with("{\"id\"")));
    change("one name less", true, &|lines| drop(lines.remove(names)));
    change("a name twice", false, &|lines| lines.insert(names, lines[names].clone()));
    change("names in another order", false, &|lines| lines.swap(names, names + 1));
    change("another name", true, &replace(names, "N\u{e4}me", "=cmd\\\"\u{202e}"));
    change("an empty name", true, &|lines| {
        let start = lines[names].find("\"name\"").unwrap();
        lines[names].replace_range(start.., "\"name\":\"\"}\n");
    });
    change("a long name", false, &|lines| {
        lines[names] = lines[names].replacen("N\u{e4}me", &"\u{e4}".repeat(600), 1);
    });
    change("the name of nothing here", false, &|lines| {
        lines.push("{\"id\":\"usr_aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"name\":\"x\"}\n".to_owned());
        lines.sort_by_key(|line| !line.starts_with("{\"strong"));
    });
    change("an id in capitals", false, &replace(names, "{\"id\":\"env_", "{\"id\":\"ENV_"));
    change("an empty line", false, &|lines| lines.push("\n".to_owned()));
    change("a line that is too long", false, &|lines| lines.push("x".repeat(100_000) + "\n"));
    files
}

/// Signatures that are none of the organisation's, and what follows or is missing.
fn unsigned_changes(world: &World) -> Files {
    let file = world.bundle(&[1, 5], false);
    let body = body(&file).concat().into_bytes();
    let other = |by: &Keyset| sign(&body, by);
    let me = &world.story.replica.me().keyset;
    let token = Me::token(&world.story.token);
    let (person, other_one) = (world.story.replica.principal(), token.principal);
    let by_token = String::from_utf8(body.clone()).unwrap();
    let by_token = by_token.replace(&person.to_string(), &other_one.to_string()).into_bytes();
    let plain = me.isk.sign(&sha256(&[&body]));
    let unlabelled = SignatureLine { signature: B64(plain.to_vec()) };
    let short = SignatureLine { signature: B64(plain[..63].to_vec()) };
    let cut = |n: usize| file[..file.len() - n].to_vec();
    let mut zeros = file.clone();
    let at = zeros.len() - 89;
    zeros[at..at + 86].fill(b'A');
    vec![
        ("nothing".into(), file.clone(), true),
        ("signed by the log".into(), other(&world.story.log), false),
        ("signed by a token".into(), other(&Me::token(&world.story.token).keyset), false),
        ("made by a token".into(), sign(&by_token, &token.keyset), false),
        ("signed without a label".into(), [body.clone(), write_line(&unlabelled)].concat(), false),
        ("half a signature".into(), [body.clone(), write_line(&short)].concat(), false),
        ("a signature of zeros".into(), zeros, false),
        ("no signature".into(), body.clone(), false),
        ("no end of line".into(), cut(1), false),
        ("half a line".into(), cut(40), false),
        ("an empty file".into(), Vec::new(), false),
        ("a byte more".into(), [&file[..], b"\n"].concat(), false),
        ("twice".into(), [&file[..], &file[..]].concat(), false),
        ("a mark of byte order".into(), [b"\xef\xbb\xbf", &file[..]].concat(), false),
    ]
}

/// Any byte of any line, signed anew. What the organisation and the log did not sign may change.
fn random_changes(world: &World, n: usize) -> Vec<(String, Vec<u8>)> {
    let me = &world.story.replica.me().keyset;
    let mut dice = Dice(7);
    let file = world.bundle(&[0, 1, 2, 3, 10, 20], true);
    let body = body(&file).concat().into_bytes();
    let mut changed = |n: usize| {
        let mut bytes = body.clone();
        let at = dice.below(bytes.len());
        let what = match n % 4 {
            0 => {
                bytes[at] ^= 1 << dice.below(8);
                "a bit"
            }
            1 => {
                bytes[at] = b"AZaz09-_\"\\{}[],:"[dice.below(16)];
                "a letter"
            }
            2 => {
                bytes.remove(at);
                "a byte less"
            }
            _ => {
                bytes.insert(at, b"A0\" ,\\"[dice.below(6)]);
                "a byte more"
            }
        };
        (format!("{what} at {at}"), sign(&bytes, me))
    };
    (0..n).map(&mut changed).collect()
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors")
}

/// What the second implementation says of each file, in their order.
fn second(paths: &[PathBuf]) -> Vec<String> {
    // The system's Python has the packages that scripts/test installs; another one may not.
    let system = Path::new("/usr/bin/python3");
    let python = if system.exists() { system } else { Path::new("python3") };
    let script = vectors().join("verify_bundle.py");
    let output = Command::new(python).arg(script).args(paths).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let verdicts: Vec<String> =
        said.lines().filter(|line| !line.starts_with(' ')).map(str::to_owned).collect();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert_eq!(verdicts.len(), paths.len(), "python3-cryptography is needed\n{complaints}");
    verdicts
}

/// What this implementation says, in the words of the other one.
fn first(path: &Path, file: &[u8]) -> String {
    let path = path.display();
    match judge(file) {
        Ok(judgement) => {
            let t = &judgement.tally;
            format!(
                "holds: {path}: entries {} signed {} seen {} derived {} doubtful {} missing {}",
                t.entries, t.signed, t.seen, t.derived, t.doubtful, t.missing
            )
        }
        Err(_) => format!("refused: {path}, "),
    }
}

#[test]
fn two_implementations_come_to_the_same_verdict_on_every_file() {
    let world = World::usual();
    let known = signed_changes(&world).into_iter().chain(unsigned_changes(&world));
    let known = known.chain(rich::lies());
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (what, file, holds) in known {
        let judged = judge(file.as_slice());
        assert_eq!(judged.is_ok(), holds, "{what}: {:?}", judged.err());
        files.push((what, file));
    }
    let named = files.len();
    files.extend(random_changes(&world, 400));
    let rich = ["whole", "chosen"].into_iter().zip([rich::bundle(0..0), rich::bundle(3..1_000)]);
    files.extend(rich.map(|(what, file)| (what.to_owned(), file)));
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (n, (_, file)) in files.iter().enumerate() {
        let path = folder.path().join(format!("{n}.{ENDING}"));
        std::fs::write(&path, file).unwrap();
        paths.push(path);
    }
    let mut held = 0;
    for (((what, file), path), second) in files.iter().zip(&paths).zip(second(&paths)) {
        let first = first(path, file);
        let same = if first.starts_with("holds") {
            held += 1;
            first == second
        } else {
            second.starts_with(&first)
        };
        assert!(same, "{what}:\n{first}\n{second}");
    }
    assert!(named > 160 && held > 15, "{named} named changes, {held} files that hold");
}

#[test]
fn any_one_changed_bit_of_a_signed_file_is_refused() {
    let mut world = World::new();
    world.seen(EventKind::SignedIn);
    world.acts(EventKind::Revealed);
    world.anchor();
    world.acts(EventKind::Copied);
    let file = world.bundle(&[1, 2], true);
    let mut dice = Dice(1);
    let refused = |at: usize, bit: u32| {
        let mut changed = file.clone();
        changed[at] ^= 1 << bit;
        assert!(judge(changed.as_slice()).is_err(), "byte {at}, bit {bit}");
    };
    for at in 0..file.len() {
        refused(at, u32::try_from(dice.below(8)).unwrap());
    }
    for at in (0..file.len()).step_by(97) {
        (0..8).for_each(|bit| refused(at, bit));
    }
    for length in (0..file.len()).step_by(211) {
        assert!(judge(&file[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_refusal_names_the_line_and_the_entry() {
    let world = World::usual();
    let me = &world.story.replica.me().keyset;
    let file = world.bundle(&world.all(), false);
    let mut lines = body(&file);
    let entry = lines.iter().position(|line| line.starts_with("{\"entry\":6,")).unwrap();
    let mut event = world.events[6].clone();
    // A letter of the signature, which only the tree and the signature itself protect.
    let at = event.len() - 40;
    event[at] ^= 1;
    let line = EntryLine { entry: 6, event: B64(event.clone()) };
    lines[entry] = String::from_utf8(write_line(&line)).unwrap();
    let refused = judge(sign(lines.concat().as_bytes(), me).as_slice()).unwrap_err();
    assert_eq!(refused.why, Why::RootAndEntry(6));
    assert!(refused.to_string().contains("entry 6 does not hold by itself"), "{refused}");
    event[0] = 9;
    let line = EntryLine { entry: 6, event: B64(event) };
    lines[entry] = String::from_utf8(write_line(&line)).unwrap();
    let refused = judge(sign(lines.concat().as_bytes(), me).as_slice()).unwrap_err();
    assert_eq!((refused.line, refused.entry), (entry as u64 + 1, Some(6)));
    let refused = judge(&file[..file.len() - 100]).unwrap_err();
    assert_eq!(refused.why, Why::Malformed);
    let refused = judge([&file[..], b"x"].concat().as_slice()).unwrap_err();
    assert_eq!(refused.line, lines.len() as u64 + 2);
}

const RECORDED: [&str; 3] = ["whole", "chosen", "keys"];

fn recorded(name: &str) -> PathBuf {
    vectors().join("bundle").join(format!("{name}.{ENDING}"))
}

fn recorded_proof() -> PathBuf {
    vectors().join("bundle").join(format!("entry.{}", tlog_proof::ENDING))
}

#[test]
fn recorded_bundles_still_hold_in_both_implementations() {
    let paths: Vec<PathBuf> = RECORDED.iter().map(|name| recorded(name)).collect();
    for (path, second) in paths.iter().zip(second(&paths)) {
        let file = std::fs::read(path).unwrap();
        let first = first(path, &file);
        assert!(first.starts_with("holds"), "{first}");
        assert_eq!(first, second);
    }
}

#[test]
fn a_recorded_proof_of_one_entry_holds_for_the_log_of_the_recorded_bundle() {
    let log = judged(&std::fs::read(recorded(RECORDED[0])).unwrap()).log;
    let file = std::fs::read_to_string(recorded_proof()).unwrap();
    let proven = tlog_proof::judge(&file, Some(&log)).unwrap();
    assert_eq!((proven.index, proven.checkpoint.size), (13, 23));
    assert_eq!(proven.event.act.kind, EventKind::Revealed);
}

/// Records the files that do not exist yet; never touches one that does.
#[test]
#[ignore = "writes files: run it by name after adding one"]
fn record_new_bundles() {
    let world = World::usual();
    let files = [
        world.bundle(&world.all(), true),
        world.bundle(&[1, 5, 9, 10, 11, 22], false),
        rich::bundle(9..1_020),
    ];
    std::fs::create_dir_all(vectors().join("bundle")).unwrap();
    for (name, file) in RECORDED.iter().zip(files) {
        if !recorded(name).exists() {
            std::fs::write(recorded(name), file).unwrap();
        }
    }
    if !recorded_proof().exists() {
        let node = |level, index| world.nodes.get(&(level, index)).copied();
        let proof = prove_inclusion(13, 23, node).unwrap();
        let text = tlog_proof::write(13, &world.events[13], &proof, &world.note());
        std::fs::write(recorded_proof(), text).unwrap();
    }
}
