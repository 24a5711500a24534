//! Why something a person asked for did not happen.

use strongroom_core::names::NameError;
use strongroom_core::pen::WriteError;
use strongroom_core::replica::{ReadError, ReplicaError};
use strongroom_core::team::PlanError;
use strongroom_crypto::safe::{EntropyError, OutOfMemory, UnknownProfile};
use thiserror::Error;

use crate::api::ApiError;
use crate::cache::CacheError;
use crate::keyring::KeyringError;
use crate::pins::PinsError;
use crate::profile::ProfileError;

/// The server's history contradicts what this computer verified; nothing is written any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// In what way.
    pub kind: StopKind,
    /// Where, in words: `link 410`, `commit 12` or `audit entry 9`.
    pub place: String,
    /// What this computer verified there, shortened.
    pub pinned: String,
    /// What the server shows there, shortened.
    pub shown: String,
}

impl Stop {
    /// Whether it is the audit log that contradicts, and not the chain or an environment.
    pub fn is_of_the_log(&self) -> bool {
        self.place.starts_with("audit ")
    }
}

/// In what way the server contradicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopKind {
    /// Another history.
    Fork,
    /// An older history.
    Rollback,
    /// Something that does not verify.
    Invalid,
}

/// Why something a person asked for did not happen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VaultError {
    /// Passphrase, Secret Key or keyset do not belong together; which one is not said.
    #[error("the passphrase does not open this vault")]
    WrongPassphrase,
    /// The Secret Key is kept nowhere and was not typed.
    #[error("the Secret Key has to be typed")]
    SecretKeyNeeded,
    /// The keyring.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The server.
    #[error(transparent)]
    Api(ApiError),
    /// The server knows the organisation no more, or not to this person.
    #[error("the server no longer shows you this organisation")]
    ShutOut,
    /// This computer's clock is ahead of the server's, so that the server takes no signature.
    #[error("the clock of this computer is ahead")]
    ClockAhead,
    /// By this computer's clock something still lasts that has ended by the server's or the
    /// organisation's.
    #[error("the clock of this computer is behind")]
    ClockBehind,
    /// The server's history contradicts what this computer verified.
    #[error("the server's history contradicts what this computer verified")]
    Stopped(Box<Stop>),
    /// A name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The name is taken.
    #[error("the name is taken")]
    NameTaken(String),
    /// A value is too long.
    #[error("longer than {0} bytes")]
    TooLarge(usize),
    /// A file could not be read.
    #[error("the file cannot be read")]
    FileUnreadable,
    /// A file is not a `.env` file.
    #[error("this is not a .env file")]
    NotDotenv,
    /// The local copy.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The pins.
    #[error(transparent)]
    Pins(#[from] PinsError),
    /// The files of the vault.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The person cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The rights do not allow it.
    #[error("your rights do not allow this")]
    NotAllowed,
    /// The data key has to be replaced before anything else is signed there.
    #[error("the data key has to be replaced first")]
    KeyDue,
    /// Secrets that do not open; nothing was signed.
    #[error("{} secrets do not open", .0.len())]
    Unreadable(Vec<strongroom_format::id::SecretId>),
    /// Somebody else wrote secrets that are staged here.
    #[error("{} staged secrets were changed by somebody else", .0.len())]
    Conflict(Vec<strongroom_core::apply::Conflict>),
    /// What was typed is not the code of a head.
    #[error("this is not the code of a head: 16 characters in groups of four")]
    NotACode,
    /// An offboarding is not finished.
    #[error("the offboarding is not finished")]
    NotFinished(Vec<super::offboard::Missing>),
    /// An invite code is mistyped, damaged, or not of this program.
    #[error("this is not an invite code")]
    BadCode,
    /// An invite code of another organisation.
    #[error("the code belongs to another organisation")]
    ForeignCode,
    /// An invite code that was used, or that the server does not know.
    #[error("the code was used already")]
    UsedCode,
    /// An invite code whose time is over.
    #[error("the time of the code is over")]
    EndedCode,
    /// The last owner cannot leave or step down.
    #[error("an organisation needs an owner")]
    LastOwner,
    /// What was shown is not what would be signed any more.
    #[error("what would be signed has changed since it was shown")]
    SummaryChanged,
    /// The policy forbids it: a person whose keys nobody checked would gain access.
    #[error("the policy forbids access for people whose keys are unverified")]
    UnverifiedGains,
    /// More than the audit log contradicts what was verified: an owner can accept a new audit log,
    /// and nobody can accept an older chain.
    #[error("not only the audit log contradicts what this computer verified")]
    NotOnlyTheLog,
    /// A broker policy that would say nothing, with what to change about it.
    #[error(transparent)]
    Policy(#[from] strongroom_policy::PolicyError),
    /// Everything is already so.
    #[error("there is nothing to sign")]
    NothingToSign,
    /// There is no such thing.
    #[error("there is no such thing")]
    NotFound,
    /// What was read does not open.
    #[error(transparent)]
    Read(ReadError),
    /// Something that this program made does not verify: a defect of the program.
    #[error("what this program wrote does not verify: {0}")]
    Write(String),
    /// No random bytes, no memory, or a stopped worker.
    #[error("the system failed: {0}")]
    System(String),
}

impl From<ApiError> for VaultError {
    fn from(error: ApiError) -> Self {
        if error.is("clock-ahead") { Self::ClockAhead } else { Self::Api(error) }
    }
}

impl From<ReadError> for VaultError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Missing => Self::NotFound,
            ReadError::NoKey => Self::NotAllowed,
            ReadError::Open(_) => Self::Read(error),
        }
    }
}

impl From<WriteError> for VaultError {
    fn from(error: WriteError) -> Self {
        use strongroom_chain::{ChainError, CommitError};
        use strongroom_core::env::TakeError;
        use strongroom_crypto::safe::SealError;
        match error {
            WriteError::Read(error) => error.into(),
            WriteError::Seal(SealError::TooLong) => {
                Self::TooLarge(strongroom_crypto::safe::seal::MAX_PLAINTEXT)
            }
            WriteError::Replica(ReplicaError::Chain { error: ChainError::LastOwner, .. }) => {
                Self::LastOwner
            }
            WriteError::Replica(ReplicaError::Chain { error: ChainError::NotAllowed, .. })
            | WriteError::Take(TakeError::Commit(CommitError::NoRight))
            | WriteError::Refused(_) => Self::NotAllowed,
            WriteError::Take(TakeError::Commit(CommitError::Due | CommitError::NotResealed)) => {
                Self::KeyDue
            }
            WriteError::Policy(error) => Self::Policy(error),
            WriteError::Cancelled => Self::Cancelled,
            WriteError::Unreadable(secrets) => Self::Unreadable(secrets),
            WriteError::Take(TakeError::Commit(CommitError::TooManyItems)) => {
                Self::TooLarge(strongroom_format::commit::MAX_ITEMS)
            }
            other => Self::Write(other.to_string()),
        }
    }
}

impl From<PlanError> for VaultError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Changed => Self::SummaryChanged,
            PlanError::Write(error) => error.into(),
        }
    }
}

impl From<EntropyError> for VaultError {
    fn from(error: EntropyError) -> Self {
        Self::System(error.to_string())
    }
}

impl From<OutOfMemory> for VaultError {
    fn from(error: OutOfMemory) -> Self {
        Self::System(error.to_string())
    }
}

impl From<UnknownProfile> for VaultError {
    fn from(_: UnknownProfile) -> Self {
        // A cost this program does not know was never chosen by it.
        Self::WrongPassphrase
    }
}

impl From<tokio::task::JoinError> for VaultError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::System(error.to_string())
    }
}
