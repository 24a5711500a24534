//! The real clipboard, read by another program.
//!
//! These tests write to the clipboard of the screen they run on, so they run only inside
//! `scripts/with-desktop`, which starts one for them: `cargo nextest run --run-ignored only`.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use strongroom_client::clipboard::{Cleared, SecretClipboard};
use strongroom_secret::SecretText;

const LONG: Duration = Duration::from_mins(10);
const WAIT: Duration = Duration::from_secs(20);

/// What another program pastes; `None` if there is nothing.
fn paste(target: &[&str]) -> Option<String> {
    let output = Command::new("timeout")
        .args(["5", "xclip", "-selection", "clipboard", "-o"])
        .args(target)
        .output()
        .unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

fn other_program_copies(text: &str) {
    let mut xclip = Command::new("xclip")
        .args(["-selection", "clipboard", "-i"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    xclip.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(xclip.wait().unwrap().success());
    // It goes to the background before the screen knows of its copy.
    let deadline = Instant::now() + WAIT;
    while paste(&[]).as_deref() != Some(text) {
        assert!(Instant::now() < deadline, "the other program never got the clipboard");
    }
}

fn secret(text: &str) -> SecretText {
    SecretText::from_string(text.into())
}

/// One story, because the clipboard of a screen is one.
#[test]
#[ignore = "writes to the clipboard of the screen; run by scripts/with-desktop"]
fn another_program_reads_the_secret_until_it_is_cleared() {
    let (told, hear) = mpsc::channel();
    let on_cleared = Box::new(move |c| told.send(c).unwrap_or(()));
    let clipboard = SecretClipboard::start(on_cleared).unwrap();

    // Marked for clipboard histories to leave out, and there for everybody else.
    clipboard.copy(secret("s3cret-ä"), Duration::from_secs(3)).unwrap();
    assert_eq!(paste(&[]).as_deref(), Some("s3cret-ä"));
    let mark = paste(&["-t", "x-kde-passwordManagerHint"]);
    assert_eq!(mark.as_deref(), Some("secret"));

    // Cleared by itself.
    assert_eq!(hear.recv_timeout(WAIT), Ok(Cleared::Yes));
    assert_eq!(paste(&[]), None);
    assert_eq!(clipboard.remaining(), None);

    // Cleared on lock.
    clipboard.copy(secret("s3cret-2"), LONG).unwrap();
    assert_eq!(paste(&[]).as_deref(), Some("s3cret-2"));
    assert_eq!(clipboard.clear(), Ok(Cleared::Yes));
    assert_eq!(paste(&[]), None);

    // What another program copied since stays, on time-out and on lock.
    clipboard.copy(secret("s3cret-3"), Duration::from_secs(3)).unwrap();
    other_program_copies("a shopping list");
    assert_eq!(hear.recv_timeout(WAIT), Ok(Cleared::ReplacedByOther));
    assert_eq!(paste(&[]).as_deref(), Some("a shopping list"));
    clipboard.copy(secret("s3cret-4"), LONG).unwrap();
    other_program_copies("another list");
    assert_eq!(clipboard.clear(), Ok(Cleared::ReplacedByOther));
    assert_eq!(paste(&[]).as_deref(), Some("another list"));

    // Gone when the program ends.
    clipboard.copy(secret("s3cret-5"), LONG).unwrap();
    assert_eq!(paste(&[]).as_deref(), Some("s3cret-5"));
    drop(clipboard);
    assert_eq!(paste(&[]), None);
}
