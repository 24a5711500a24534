//! Compare, then clear: what is not ours any more stays.

use super::*;

/// A clipboard that other programs (the tests) can use too.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    content: Option<String>,
    failures: usize,
}

impl Shared {
    fn content(&self) -> Option<String> {
        self.0.lock().unwrap().content.clone()
    }

    fn other_program_copies(&self, text: &str) {
        self.0.lock().unwrap().content = Some(text.to_owned());
    }

    fn occupied_for(&self, calls: usize) {
        self.0.lock().unwrap().failures = calls;
    }

    fn state(&self) -> Result<std::sync::MutexGuard<'_, State>, ClipboardError> {
        let mut state = self.0.lock().unwrap();
        if state.failures == 0 {
            return Ok(state);
        }
        state.failures -= 1;
        Err(ClipboardError::Occupied)
    }
}

impl Port for Shared {
    fn put(&mut self, text: &str) -> Result<(), ClipboardError> {
        self.state()?.content = Some(text.to_owned());
        Ok(())
    }

    fn take_look(&mut self) -> Option<SecretText> {
        self.content().map(SecretText::from_string)
    }

    fn clear(&mut self) -> Result<(), ClipboardError> {
        self.state()?.content = None;
        Ok(())
    }
}

fn start() -> (SecretClipboard, Shared, Receiver<Cleared>) {
    let shared = Shared::default();
    let port = shared.clone();
    let (told, hear) = mpsc::channel();
    let on_cleared = Box::new(move |c| told.send(c).unwrap_or(()));
    let clipboard = SecretClipboard::start_with(move || port, on_cleared).unwrap();
    (clipboard, shared, hear)
}

fn text(t: &str) -> SecretText {
    SecretText::from_string(t.into())
}

const LONG: Duration = Duration::from_mins(10);
const SHORT: Duration = Duration::from_millis(60);
const WAIT: Duration = Duration::from_secs(10);

#[test]
fn a_copied_secret_is_cleared_after_its_time() {
    let (clipboard, shared, hear) = start();
    clipboard.copy(text("s3cret"), SHORT).unwrap();
    assert_eq!(shared.content().as_deref(), Some("s3cret"));
    assert!(clipboard.remaining().is_some_and(|r| r <= SHORT));
    assert_eq!(hear.recv_timeout(WAIT), Ok(Cleared::Yes));
    assert_eq!(shared.content(), None);
    assert_eq!(clipboard.remaining(), None);
}

#[test]
fn what_somebody_copied_since_is_left_alone() {
    let (clipboard, shared, hear) = start();
    clipboard.copy(text("s3cret"), SHORT).unwrap();
    shared.other_program_copies("a shopping list");
    assert_eq!(hear.recv_timeout(WAIT), Ok(Cleared::ReplacedByOther));
    assert_eq!(shared.content().as_deref(), Some("a shopping list"));
}

#[test]
fn a_second_copy_replaces_the_first_and_its_time() {
    let (clipboard, shared, hear) = start();
    clipboard.copy(text("one"), SHORT).unwrap();
    clipboard.copy(text("two"), LONG).unwrap();
    assert!(hear.recv_timeout(SHORT * 4).is_err());
    assert_eq!(shared.content().as_deref(), Some("two"));
    assert!(clipboard.remaining().is_some_and(|r| r > SHORT));
}

#[test]
fn locking_clears_at_once_and_says_whether_there_was_something() {
    let (clipboard, shared, _hear) = start();
    assert_eq!(clipboard.clear(), Ok(Cleared::NothingCopied));
    clipboard.copy(text("s3cret"), LONG).unwrap();
    assert_eq!(clipboard.clear(), Ok(Cleared::Yes));
    assert_eq!(shared.content(), None);
    clipboard.copy(text("s3cret"), LONG).unwrap();
    shared.other_program_copies("other");
    assert_eq!(clipboard.clear(), Ok(Cleared::ReplacedByOther));
    assert_eq!(shared.content().as_deref(), Some("other"));
}

#[test]
fn quitting_clears() {
    let (clipboard, shared, _hear) = start();
    clipboard.copy(text("s3cret"), LONG).unwrap();
    drop(clipboard);
    assert_eq!(shared.content(), None);
}

#[test]
fn a_clipboard_that_is_held_for_a_moment_is_asked_again() {
    let (clipboard, shared, _hear) = start();
    shared.occupied_for(3);
    clipboard.copy(text("s3cret"), LONG).unwrap();
    assert_eq!(shared.content().as_deref(), Some("s3cret"));
}

#[test]
fn a_clipboard_that_cannot_be_cleared_is_not_forgotten() {
    let (clipboard, shared, hear) = start();
    clipboard.copy(text("s3cret"), LONG).unwrap();
    shared.occupied_for(usize::MAX);
    assert_eq!(clipboard.clear(), Err(ClipboardError::Occupied));
    assert!(clipboard.remaining().is_some());
    shared.occupied_for(0);
    assert_eq!(hear.recv_timeout(WAIT), Ok(Cleared::Yes));
}
