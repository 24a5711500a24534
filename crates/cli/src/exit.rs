//! How the program ends, and what it says then.

use std::io::Write as _;
use std::process::ExitCode;

use strongroom_client::api::ApiError;
use strongroom_client::robot::RobotError;
#[cfg(unix)]
use strongroom_control::dial::DialError;
use strongroom_core::lock_file::LockError;
use strongroom_core::replica::{ReadError, ReplicaError};

/// The table of exit codes, for `--help`.
pub(crate) const HELP: &str = "Exit codes:
    0  done; verify: it holds
    1  verify: it does not hold, or proves nothing by itself; doctor: something is wrong
    2  wrong arguments, or a file that cannot be read
  118  no broker is running, or it is not yours
  119  the broker refuses
  120  STRONGROOM_TOKEN is missing, mistyped, ended or revoked
  121  the server shows something older or other than was verified; nothing was used
  122  the server cannot be reached
  123  no such environment or secret, or the token may not read it
  124  a secret's name or value may not go into an environment
  125  nothing new enough was signed (--max-age)
  126  the command cannot be run
  127  there is no such command
`run` and `agent run` otherwise end as their command does; 128 and a number is a signal.";

/// Why the program did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Wrong arguments, or a file that cannot be read.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// A token that is none.
    pub(crate) fn token(message: impl Into<String>) -> Self {
        Self { code: 120, message: message.into() }
    }

    /// Nothing of that name.
    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self { code: 123, message: message.into() }
    }

    /// A name or value that may not go into an environment.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { code: 124, message: message.into() }
    }

    /// Too old.
    pub(crate) fn old(message: impl Into<String>) -> Self {
        Self { code: 125, message: message.into() }
    }

    /// A command that does not start.
    pub(crate) fn command(error: &std::io::Error) -> Self {
        let code = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
        Self { code, message: format!("the command does not start: {}", error.kind()) }
    }

    /// What the broker does not do.
    #[cfg(unix)]
    pub(crate) fn by_broker(message: impl Into<String>) -> Self {
        Self { code: 119, message: message.into() }
    }

    /// Says what went wrong.
    pub(crate) fn tell(&self) -> ExitCode {
        say(&format!("strongroom: {}", self.message));
        ExitCode::from(self.code)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(unix)]
impl From<DialError> for Failure {
    fn from(error: DialError) -> Self {
        let code = if matches!(error, DialError::HungUp) { 119 } else { 118 };
        Self { code, message: error.to_string() }
    }
}

impl From<RobotError> for Failure {
    fn from(error: RobotError) -> Self {
        let code = match &error {
            RobotError::Api(ApiError::SignedOut | ApiError::Refused { status: 401 | 404, .. })
            | RobotError::Replica(ReplicaError::NotMine) => 120,
            RobotError::Api(ApiError::Garbage | ApiError::AnswerTooLarge { .. })
            | RobotError::Replica(_)
            | RobotError::Env(_)
            | RobotError::Lock(LockError::Lower | LockError::Forked | LockError::OtherOrg)
            | RobotError::Read(ReadError::Open(_)) => 121,
            RobotError::NoEnv | RobotError::Lock(LockError::NotPinned) | RobotError::Read(_) => 123,
            RobotError::Lock(LockError::Malformed(_)) => 2,
            _ => 122,
        };
        let message = if code == 120 {
            "the server does not take this token: it ended, was revoked, or is not of this \
             organisation"
                .to_owned()
        } else {
            error.to_string()
        };
        Self { code, message }
    }
}

/// Writes a line to the standard error. That nobody reads it is no reason to fail otherwise.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
