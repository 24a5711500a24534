//! The one error of all commands: a code with typed details, so that the web view words it and a new
//! code fails its build until it has its sentence.

use serde::Serialize;

use crate::view::{Millis, StopView};

/// What a command answers when it works.
pub type Answer<T> = Result<T, CommandError>;

/// Why nobody was signed in through the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum SignInProblem {
    /// The provider's address is not safe to open.
    Unsafe,
    /// The provider does not answer as it should.
    Provider,
    /// The provider or the person said no.
    Denied,
    /// Nobody came back in time.
    TimedOut,
    /// No browser could be opened.
    NoBrowser,
}

/// Why a command did not do what was asked. No variant can hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "code", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum CommandError {
    /// The vault's keys are not in memory.
    #[error("the vault is locked")]
    Locked,
    /// Passphrase and Secret Key together do not open the vault. Which of the two is wrong cannot
    /// be told apart.
    #[error("the passphrase does not open this vault")]
    WrongPassphrase,
    /// The system offers no keyring.
    #[error("there is no keyring")]
    KeyringMissing,
    /// The keyring waits for its user.
    #[error("the keyring does not answer")]
    KeyringBusy,
    /// The Secret Key is not on this computer.
    #[error("the Secret Key has to be typed")]
    SecretKeyNeeded,
    /// Nobody was signed in through the browser.
    #[error("nobody was signed in through the browser")]
    SignIn {
        /// Why.
        problem: SignInProblem,
    },
    /// The server cannot be reached.
    #[error("the server cannot be reached")]
    Offline {
        /// Since when.
        since: Option<Millis>,
    },
    /// The server answered with a refusal.
    #[error("the server refused with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's code for it.
        server: String,
    },
    /// The server's answer is not the protocol.
    #[error("the server's answer cannot be read")]
    Garbage,
    /// The server's history contradicts what this computer pinned.
    #[error("the server's history differs from the verified one")]
    Stopped {
        /// The evidence.
        stop: StopView,
    },
    /// A name is not allowed.
    #[error("the name is not allowed: {reason}")]
    BadName {
        /// Which rule it breaks.
        reason: String,
    },
    /// A name is in use.
    #[error("the name is taken")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// Longer than the protocol allows.
    #[error("larger than {limit}")]
    TooLarge {
        /// The limit, in bytes or entries.
        limit: u32,
    },
    /// A file cannot be read or written.
    #[error("the file cannot be read or written")]
    FileUnreadable,
    /// No room is left on the disk.
    #[error("the disk is full")]
    DiskFull,
    /// The local copy is damaged.
    #[error("the local copy is damaged")]
    CacheCorrupt,
    /// Its user cancelled the work.
    #[error("cancelled")]
    Cancelled,
    /// The chain gives this user no right to it.
    #[error("not allowed")]
    NotAllowed,
    /// There is no such thing, or it is not visible to this user.
    #[error("not found")]
    NotFound,
    /// The file holds no lines `NAME=value`.
    #[error("not an environment file")]
    NotAnEnvFile,
    /// Not the address of a server.
    #[error("not the address of a server")]
    BadAddress {
        /// It is one, but `http` to another computer.
        insecure: bool,
    },
    /// The server calls itself by another address, and sign-ins are bound to the address.
    #[error("the server calls itself {other}")]
    WrongAddress {
        /// What it calls itself, cut.
        other: String,
    },
    /// The server takes no new account from this person: it is closed, wants an invite, or its
    /// founder code.
    #[error("the server takes no new account")]
    RegistrationClosed,
    /// The browser did not come back with a sign-in.
    #[error("the sign-in in the browser did not succeed")]
    BrowserFailed,
    /// An invite code, a kit or a head code cannot be used.
    #[error("the code cannot be used: {problem:?}")]
    BadCode {
        /// Why.
        problem: CodeProblem,
    },
    /// This computer has that vault already.
    #[error("the vault is on this computer already")]
    AlreadyHere,
    /// What would be signed is not what was shown any more; it has to be read again.
    #[error("what would be signed has changed")]
    SummaryChanged,
    /// The last owner cannot leave or step down.
    #[error("an organisation keeps one owner")]
    LastOwner,
    /// The policy forbids it: the person's keys were not compared, or the person may not grant alone.
    #[error("the policy forbids it")]
    PolicyForbids,
    /// The data key of the environment must be replaced before anything else is signed there.
    #[error("the data key must be replaced first")]
    KeyDue,
    /// This user is no member any more.
    #[error("not a member any more")]
    Removed,
    /// Secrets that do not open under the data key; nothing was signed.
    #[error("{count} secrets do not open")]
    Unreadable {
        /// How many.
        count: u32,
    },
    /// A part of a policy says nothing that can be meant.
    #[error("{place}: {problem}")]
    BadPolicy {
        /// Which part.
        place: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The broker cannot be reached.
    #[error("no broker: {why}")]
    NoBroker {
        /// Why, in words.
        why: String,
    },
    /// Something else has to be done first.
    #[error("not ready: {missing}")]
    NotReady {
        /// What, in words.
        missing: String,
    },
    /// Something failed that should not. The log holds the same number.
    #[error("internal error {report_id}")]
    Internal {
        /// Eight letters that stand in the log too.
        report_id: String,
    },
}

/// Why a code cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum CodeProblem {
    /// A letter is wrong, or it is no such code.
    Mistyped,
    /// Somebody used it already.
    Used,
    /// Its time is over.
    Expired,
    /// It belongs to another organisation.
    Foreign,
    /// The server does not know it.
    Unknown,
}

impl CommandError {
    /// Writes `what` to the log under a number of its own and answers with that number. `what` must
    /// not come from a value of a secret.
    pub fn internal(what: &dyn std::fmt::Display) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let report_id = format!(
            "{:04x}-{:04x}",
            std::process::id() & 0xffff,
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        tracing::error!(report = report_id, "{what}");
        Self::Internal { report_id }
    }
}

impl From<tauri::Error> for CommandError {
    fn from(error: tauri::Error) -> Self {
        Self::internal(&error)
    }
}
