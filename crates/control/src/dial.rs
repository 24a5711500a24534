//! The command's side of the door: where it is, and one question at a time.
//!
//! Both sides check the other: the folder and the socket belong to this user and let nobody else
//! in, and the process behind them runs as this user.

use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use strongroom_secret::SecretBytes;
use thiserror::Error;
use tokio::net::UnixStream;

use crate::door::{Ask, Reply};
use crate::frame::{self, FrameError};

/// The variable that names another door than the usual one.
pub const VARIABLE: &str = "STRONGROOM_BROKER";

/// What the socket is called.
const SOCKET: &str = "broker.sock";

/// The longest path that a Unix socket takes, in bytes (unix(7), less the final zero).
const MAX_PATH: usize = 107;

/// Why there is no talking to a broker.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DialError {
    /// Nobody listens.
    #[error(
        "no broker is running (looked at {}); unlock Strongroom's window and start the broker \
         there, or run `strongroom-broker serve`",
        .0.display()
    )]
    NotRunning(PathBuf),
    /// The folder or the socket is another user's, or open to others.
    #[error(
        "{} is not only yours; remove it, and start the broker again",
        .0.display()
    )]
    NotMine(PathBuf),
    /// No folder for the socket is known, or its path is longer than the system takes.
    #[error("there is no place for the broker's socket; set XDG_RUNTIME_DIR or {VARIABLE}")]
    NoPlace,
    /// The broker hung up without an answer.
    #[error("the broker hung up; it was stopped, or does not let this process in")]
    HungUp,
    /// The connection.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Where the door is: what [`VARIABLE`] says, else `$XDG_RUNTIME_DIR/strongroom/broker.sock`, else
/// `run/broker.sock` in the folder of vaults.
pub fn path() -> Result<PathBuf, DialError> {
    place(|name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute()))
}

fn place(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, DialError> {
    let in_runtime = || Some(variable("XDG_RUNTIME_DIR")?.join("strongroom").join(SOCKET));
    let in_data = || {
        let home = || Some(variable("HOME")?.join(".local/share"));
        let data = variable("XDG_DATA_HOME").or_else(home)?;
        Some(data.join("strongroom/run").join(SOCKET))
    };
    let path = variable(VARIABLE).or_else(in_runtime).or_else(in_data);
    path.filter(|path| path.as_os_str().len() <= MAX_PATH).ok_or(DialError::NoPlace)
}

/// Whether the socket's folder is a real folder that only this user may enter.
pub fn require_private(folder: &Path) -> Result<(), DialError> {
    let is_private = std::fs::symlink_metadata(folder).is_ok_and(|found| {
        let for_others = found.permissions().mode() & 0o077;
        found.is_dir() && found.uid() == geteuid().as_raw() && for_others == 0
    });
    if is_private { Ok(()) } else { Err(DialError::NotMine(folder.to_owned())) }
}

/// A connection to the broker. A session that was opened on it ends when this is dropped, however
/// the process ends.
#[derive(Debug)]
pub struct Door {
    stream: UnixStream,
}

impl Door {
    /// Connects to the broker that listens at `path`.
    pub async fn dial(path: &Path) -> Result<Self, DialError> {
        let stream = UnixStream::connect(path).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                DialError::NotRunning(path.to_owned())
            }
            io::ErrorKind::PermissionDenied => DialError::NotMine(path.to_owned()),
            _ => FrameError::Io(error).into(),
        })?;
        if let Some(folder) = path.parent() {
            require_private(folder)?;
        }
        let listener = stream.peer_cred().map_err(FrameError::Io)?;
        if listener.uid() != geteuid().as_raw() {
            return Err(DialError::NotMine(path.to_owned()));
        }
        Ok(Self { stream })
    }

    /// Asks, with the operator code where one is needed, and waits for the answer.
    pub async fn ask(&mut self, ask: &Ask, code: Option<&SecretBytes>) -> Result<Reply, DialError> {
        frame::write(&mut self.stream, ask, code).await.map_err(hung_up)?;
        let reply = frame::read(&mut self.stream).await.map_err(hung_up)?;
        Ok(reply.ok_or(DialError::HungUp)?.0)
    }

    /// Returns once the broker ends the session of this connection, with what it says about it;
    /// `None` where it went without a word.
    pub async fn closed(&mut self) -> Option<String> {
        match frame::read(&mut self.stream).await {
            Ok(Some((Reply::Refused { message, .. }, _))) => Some(message),
            // Nothing else comes unasked, so whatever ends the waiting is an end.
            _ => None,
        }
    }
}

/// A broker that closes while it is spoken to has hung up; everything else is as it was said.
fn hung_up(error: FrameError) -> DialError {
    let closed = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
    };
    match error {
        FrameError::Io(error) if closed(&error) => DialError::HungUp,
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::net::UnixListener;

    use super::*;

    fn private(folder: &Path, mode: u32) {
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn place_of(variables: &[(&str, &str)]) -> Option<String> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| PathBuf::from(value))
        };
        place(lookup).ok().map(|path| path.display().to_string())
    }

    #[test]
    fn the_door_is_where_the_system_wants_it() {
        let home = ("HOME", "/home/a");
        assert_eq!(
            place_of(&[home]).as_deref(),
            Some("/home/a/.local/share/strongroom/run/broker.sock")
        );
        let data = ("XDG_DATA_HOME", "/data");
        assert_eq!(place_of(&[home, data]).as_deref(), Some("/data/strongroom/run/broker.sock"));
        let run = ("XDG_RUNTIME_DIR", "/run/user/7");
        assert_eq!(
            place_of(&[home, data, run]).as_deref(),
            Some("/run/user/7/strongroom/broker.sock")
        );
        let named = (VARIABLE, "/x/y.sock");
        assert_eq!(place_of(&[home, data, run, named]).as_deref(), Some("/x/y.sock"));
        assert_eq!(place_of(&[]), None);
        assert_eq!(place_of(&[("HOME", &format!("/{}", "x".repeat(100)))]), None, "too long");
    }

    #[tokio::test]
    async fn nobody_listening_is_said_as_such() {
        let folder = tempfile::tempdir().unwrap();
        private(folder.path(), 0o700);
        let path = folder.path().join(SOCKET);
        assert!(matches!(Door::dial(&path).await, Err(DialError::NotRunning(_))));
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a broker that was killed leaves its socket");
        assert!(matches!(Door::dial(&path).await, Err(DialError::NotRunning(_))));
    }

    #[tokio::test]
    async fn a_socket_in_a_folder_that_others_may_enter_is_not_spoken_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SOCKET);
        let _listener = UnixListener::bind(&path).unwrap();
        for mode in [0o755, 0o701, 0o710] {
            private(folder.path(), mode);
            assert!(matches!(Door::dial(&path).await, Err(DialError::NotMine(_))), "{mode:o}");
        }
        private(folder.path(), 0o700);
        assert!(Door::dial(&path).await.is_ok());
    }

    #[tokio::test]
    async fn a_question_gets_its_answer_and_a_closed_door_says_so() {
        let folder = tempfile::tempdir().unwrap();
        private(folder.path(), 0o700);
        let path = folder.path().join(SOCKET);
        let listener = UnixListener::bind(&path).unwrap();
        let broker = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (ask, code) = frame::read::<Ask>(&mut stream).await.unwrap().unwrap();
            assert_eq!(ask, Ask::Status);
            assert!(code.lend(|code| code == b"1234"));
            frame::write(&mut stream, &Reply::Done, None).await.unwrap();
            let last = Reply::Refused { code: "stopped".into(), message: "a person".into() };
            frame::write(&mut stream, &last, None).await.unwrap();
        });
        let mut door = Door::dial(&path).await.unwrap();
        let code = SecretBytes::copy_of(b"1234");
        assert_eq!(door.ask(&Ask::Status, Some(&code)).await.unwrap(), Reply::Done);
        assert_eq!(door.closed().await.as_deref(), Some("a person"));
        assert_eq!(door.closed().await, None);
        broker.await.unwrap();
        assert!(matches!(door.ask(&Ask::Status, None).await, Err(DialError::HungUp)));
    }
}
