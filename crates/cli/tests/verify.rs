//! Recorded parts of an audit log, judged by the real program: without a server, a vault or a token.
#![expect(clippy::unwrap_used, reason = "a broken fixture should fail loudly")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/bundle").join(name)
}

fn verify(path: &Path, more: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    program.env_clear().arg("verify").arg(path).args(more).output().unwrap()
}

fn said(output: &Output) -> (i32, String) {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn a_bundle_is_told_in_plain_words() {
    let (code, text) = said(&verify(&recorded("whole.strongroom-bundle"), &[]));
    assert_eq!(code, 0, "{text}");
    for line in [
        "The bundle holds.\n",
        "It holds 23 entries, and each is proven to stand where the file says in that log.\n",
        "Nothing is left out from entry 0 (2026-09-21 14:13 UTC)",
        "12 are signed by the client that acted",
        "What it does not prove:\n- That what the server saw is true",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    let (code, text) = said(&verify(&recorded("chosen.strongroom-bundle"), &[]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("- That no other entry fits the filter"), "{text}");
}

#[test]
fn one_changed_byte_ends_with_another_code_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.strongroom-bundle");
    let file = std::fs::read(recorded("chosen.strongroom-bundle")).unwrap();
    for at in (0..file.len()).step_by(97).chain([file.len() - 1]) {
        let mut changed = file.clone();
        changed[at] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        let (code, text) = said(&verify(&path, &[]));
        assert_eq!((code, text.starts_with("Refused: ")), (1, true), "byte {at}: {text}");
    }
    let middle = file.len() / 2;
    std::fs::write(&path, [&file[..middle], b"!", &file[middle..]].concat()).unwrap();
    assert!(said(&verify(&path, &[])).1.starts_with("Refused: line "));
    assert_eq!(verify(&folder.path().join("nothing"), &[]).status.code(), Some(2));
}

#[test]
fn one_entry_is_judged_by_the_key_that_a_bundle_of_its_log_shows() {
    let (_, text) = said(&verify(&recorded("whole.strongroom-bundle"), &[]));
    let key = text.lines().find_map(|line| line.strip_prefix("The log's key: ")).unwrap();
    let proof = recorded("entry.tlog-proof");
    let (code, text) = said(&verify(&proof, &["--log-key", key]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("Entry 13 of a log of 23 entries of organisation org_"), "{text}");
    assert!(text.contains("\nRevealed, by usr_"), "{text}");

    let (code, text) = said(&verify(&proof, &[]));
    assert_eq!(code, 1);
    assert!(text.contains("give it with --log-key"), "{text}");
    let other = key.replace("/audit/0+", "/audit/1+");
    assert_eq!(verify(&proof, &["--log-key", &other]).status.code(), Some(2), "no such key");
}
