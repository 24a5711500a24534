//! The clipboard: a secret goes in, is marked for clipboard histories to leave out, and goes again.
//!
//! Invariants: it is cleared only while it still holds what was put there; on time-out, on lock and
//! on quit; no function returns what the clipboard holds. The system's clipboard object lives on one
//! thread for as long as the program runs, because on X11 the content ends with its owner.
//!
//! What is on a clipboard is readable by every program of the session, and the system keeps copies
//! of its own that nobody wipes. This module bounds the time, not the audience.

use std::fmt;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use strongroom_secret::SecretText;
use subtle::ConstantTimeEq as _;
use thiserror::Error;

/// How long a clipboard that another program holds is asked again.
const PATIENCE: Duration = Duration::from_millis(400);
const PAUSE: Duration = Duration::from_millis(20);
/// How long [`SecretClipboard::copy`] and [`SecretClipboard::clear`] wait for the system.
const ANSWER: Duration = Duration::from_secs(5);

/// Why nothing was copied or cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClipboardError {
    /// The system has no clipboard, or none that this program can reach.
    #[error("the clipboard of this system cannot be reached")]
    Unavailable,
    /// Another program holds it.
    #[error("another program holds the clipboard")]
    Occupied,
    /// The system did not answer in time.
    #[error("the clipboard did not answer in time")]
    Busy,
}

/// What became of a secret on the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleared {
    /// It was still there, and is gone.
    Yes,
    /// Something else had been copied since; that was left alone.
    ReplacedByOther,
    /// There was none.
    NothingCopied,
}

/// The system's clipboard as this module needs it; a fake one in tests.
pub(crate) trait Port {
    /// Replaces the content, marked as a secret for the histories of every system that has them.
    fn put(&mut self, text: &str) -> Result<(), ClipboardError>;
    /// The content, if it is text.
    fn take_look(&mut self) -> Option<SecretText>;
    /// Empties it.
    fn clear(&mut self) -> Result<(), ClipboardError>;
}

enum Command {
    Copy(SecretText, Duration, SyncSender<Result<(), ClipboardError>>),
    Clear(SyncSender<Result<Cleared, ClipboardError>>),
    Quit,
}

/// Called from the clipboard's own thread whenever a copied secret is gone by itself.
pub type OnCleared = Box<dyn Fn(Cleared) + Send>;

/// The only way of this program to the clipboard.
pub struct SecretClipboard {
    commands: mpsc::Sender<Command>,
    clears_at: Arc<Mutex<Option<Instant>>>,
    thread: Option<JoinHandle<()>>,
}

impl SecretClipboard {
    /// Starts the thread. The system's clipboard is opened on the first copy.
    pub fn start(on_cleared: OnCleared) -> Result<Self, ClipboardError> {
        Self::start_with(|| SystemClipboard(None), on_cleared)
    }

    pub(crate) fn start_with<P: Port>(
        open: impl FnOnce() -> P + Send + 'static,
        on_cleared: OnCleared,
    ) -> Result<Self, ClipboardError> {
        let (commands, inbox) = mpsc::channel();
        let clears_at = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&clears_at);
        let thread = thread::Builder::new()
            .name("clipboard".into())
            .spawn(move || {
                Holder { port: open(), held: None, clears_at: shared, on_cleared }.run(&inbox);
            })
            .map_err(|_| ClipboardError::Unavailable)?;
        Ok(Self { commands, clears_at, thread: Some(thread) })
    }

    /// Puts `text` on the clipboard and clears it after `keep_for`, if it is still there. A secret
    /// that was copied before is replaced.
    pub fn copy(&self, text: SecretText, keep_for: Duration) -> Result<(), ClipboardError> {
        self.ask(|answer| Command::Copy(text, keep_for, answer))
    }

    /// Clears the clipboard now, if it still holds what was copied last. For lock and quit.
    pub fn clear(&self) -> Result<Cleared, ClipboardError> {
        self.ask(Command::Clear)
    }

    /// How long the copied secret still stays; `None` if there is none.
    pub fn remaining(&self) -> Option<Duration> {
        self.clears_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .map(|at| at.saturating_duration_since(Instant::now()))
    }

    fn ask<T>(
        &self,
        command: impl FnOnce(SyncSender<Result<T, ClipboardError>>) -> Command,
    ) -> Result<T, ClipboardError> {
        let (answer, wait) = mpsc::sync_channel(1);
        self.commands.send(command(answer)).map_err(|_| ClipboardError::Unavailable)?;
        wait.recv_timeout(ANSWER).map_err(|_| ClipboardError::Busy)?
    }
}

impl Drop for SecretClipboard {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Quit);
        let Some(thread) = self.thread.take() else {
            return;
        };
        // A system that hangs must not keep the program from ending.
        let deadline = Instant::now() + ANSWER;
        while !thread.is_finished() && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
        if thread.is_finished() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for SecretClipboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretClipboard(..)")
    }
}

struct Held {
    text: SecretText,
    until: Instant,
}

struct Holder<P> {
    port: P,
    held: Option<Held>,
    clears_at: Arc<Mutex<Option<Instant>>>,
    on_cleared: OnCleared,
}

impl<P: Port> Holder<P> {
    fn run(mut self, inbox: &Receiver<Command>) {
        loop {
            match self.next(inbox) {
                Ok(Command::Copy(text, keep_for, answer)) => {
                    let _ = answer.send(self.copy(text, keep_for)); // the asker may have given up
                }
                Ok(Command::Clear(answer)) => {
                    let _ = answer.send(self.clear());
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Ok(cleared) = self.clear() {
                        (self.on_cleared)(cleared);
                    }
                }
                Ok(Command::Quit) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let _ = self.clear(); // the program ends: there is nobody left to tell
    }

    fn next(&self, inbox: &Receiver<Command>) -> Result<Command, RecvTimeoutError> {
        match &self.held {
            Some(held) => inbox.recv_timeout(held.until.saturating_duration_since(Instant::now())),
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn copy(&mut self, text: SecretText, keep_for: Duration) -> Result<(), ClipboardError> {
        text.lend(|t| patiently(|| self.port.put(t)))?;
        // No promise lasts for ever: a span the clock cannot hold counts from now.
        let now = Instant::now();
        let until = now.checked_add(keep_for).unwrap_or(now);
        self.hold(Some(Held { text, until }));
        Ok(())
    }

    fn clear(&mut self) -> Result<Cleared, ClipboardError> {
        let Some(held) = self.held.take() else {
            return Ok(Cleared::NothingCopied);
        };
        let ours = self.port.take_look().is_some_and(|now| bool::from(now.ct_eq(&held.text)));
        if !ours {
            self.hold(None);
            return Ok(Cleared::ReplacedByOther);
        }
        match patiently(|| self.port.clear()) {
            Ok(()) => {
                self.hold(None);
                Ok(Cleared::Yes)
            }
            Err(e) => {
                // Still there: try again soon rather than forget about it.
                let until = Instant::now() + Duration::from_secs(1);
                self.hold(Some(Held { until, ..held }));
                Err(e)
            }
        }
    }

    fn hold(&mut self, held: Option<Held>) {
        *self.clears_at.lock().unwrap_or_else(PoisonError::into_inner) =
            held.as_ref().map(|h| h.until);
        self.held = held;
    }
}

fn patiently(mut work: impl FnMut() -> Result<(), ClipboardError>) -> Result<(), ClipboardError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match work() {
            Err(ClipboardError::Occupied) if Instant::now() < deadline => thread::sleep(PAUSE),
            done => return done,
        }
    }
}

/// The clipboard of the system, opened when first needed and kept from then on.
struct SystemClipboard(Option<arboard::Clipboard>);

impl SystemClipboard {
    fn open(&mut self) -> Result<&mut arboard::Clipboard, ClipboardError> {
        if self.0.is_none() {
            self.0 = Some(arboard::Clipboard::new().map_err(|e| error(&e))?);
        }
        self.0.as_mut().ok_or(ClipboardError::Unavailable)
    }
}

impl Port for SystemClipboard {
    fn put(&mut self, text: &str) -> Result<(), ClipboardError> {
        #[cfg(target_os = "macos")]
        use arboard::SetExtApple as _;
        #[cfg(all(unix, not(target_os = "macos")))]
        use arboard::SetExtLinux as _;
        #[cfg(windows)]
        use arboard::SetExtWindows as _;

        let set = self.open()?.set();
        #[cfg(unix)]
        let set = set.exclude_from_history();
        #[cfg(windows)]
        let set = set.exclude_from_monitoring(); // history and cloud are kept out by it as well
        set.text(text.to_owned()).map_err(|e| error(&e))
    }

    fn take_look(&mut self) -> Option<SecretText> {
        let text = self.open().ok()?.get_text().ok()?;
        Some(SecretText::from_string(text))
    }

    fn clear(&mut self) -> Result<(), ClipboardError> {
        self.open()?.clear().map_err(|e| error(&e))
    }
}

/// What arboard says, without its own text.
fn error(e: &arboard::Error) -> ClipboardError {
    match e {
        arboard::Error::ClipboardOccupied => ClipboardError::Occupied,
        _ => ClipboardError::Unavailable,
    }
}

#[cfg(test)]
mod tests;
