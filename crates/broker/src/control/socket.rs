//! The socket itself: a file of mode 0600 in a folder of mode 0700, for one broker.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use strongroom_control::dial::require_private;
use thiserror::Error;
use tokio::net::UnixListener;

/// Why there is no door.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DoorError {
    /// Another broker of this user listens there.
    #[error(
        "another broker listens at {}; stop that one, or name another socket",
        .0.display()
    )]
    Taken(PathBuf),
    /// The folder is another user's, or open to others.
    #[error("the folder of {} is not only yours; remove it", .0.display())]
    NotMine(PathBuf),
    /// The system refuses.
    #[error("the socket {} cannot be made: {source}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A socket that is bound; its file is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the file: one that somebody put in its place stays.
    file: (u64, u64),
    /// Held as long as the socket is: who has it may remove what a killed broker left.
    _lock: File,
}

impl Bound {
    /// Binds `path`; the socket of a broker that was killed is replaced.
    pub(super) fn bind(path: &Path) -> Result<Self, DoorError> {
        let folder = path.parent().ok_or_else(|| DoorError::NotMine(path.to_owned()))?;
        let io = |source| DoorError::Io { path: path.to_owned(), source };
        if let Some(above) = folder.parent() {
            fs::create_dir_all(above).map_err(io)?;
        }
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(io(error)),
            _ => {}
        }
        // Only now nobody else can put anything there.
        require_private(folder).map_err(|_| DoorError::NotMine(path.to_owned()))?;
        let lock = lock(&path.with_extension("lock"), path)?;
        sweep(folder);
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(io)?;
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(io)?;
        let file = identity(path).map_err(io)?;
        Ok(Self { listener, path: path.to_owned(), file, _lock: lock })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|file| file == self.file) {
            // What is left is replaced by the next broker.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn lock(path: &Path, socket: &Path) -> Result<File, DoorError> {
    let io = |source| DoorError::Io { path: path.to_owned(), source };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DoorError::Taken(socket.to_owned())),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

/// Removes the certificates of sessions that ended with their broker.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = |name: &str| {
            let number = name.strip_prefix("session-")?.strip_suffix(".pem")?;
            number.parse::<u64>().ok()
        };
        if name.to_str().and_then(number).is_some() {
            // They open nothing; one that stays is only in the way.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn only_its_owner_may_reach_the_socket_and_it_goes_with_the_broker() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("strongroom/broker.sock");
        let bound = Bound::bind(&path).unwrap();
        assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
        drop(bound);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_second_broker_does_not_take_the_door_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("strongroom/broker.sock");
        let first = Bound::bind(&path).unwrap();
        let second = Bound::bind(&path).map(drop);
        assert!(matches!(second, Err(DoorError::Taken(_))), "{second:?}");
        assert!(
            tokio::net::UnixStream::connect(&path).await.is_ok(),
            "the first one still listens"
        );
        drop(first);
        assert!(Bound::bind(&path).is_ok());
    }

    #[tokio::test]
    async fn what_a_killed_broker_left_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("strongroom/broker.sock");
        let first = Bound::bind(&path).unwrap();
        let (killed, file) = (path.with_extension("old"), first.file);
        fs::rename(&path, &killed).unwrap();
        drop(first);
        fs::rename(&killed, &path).unwrap();
        assert_eq!(identity(&path).unwrap(), file);
        let certificate = path.with_file_name("session-7.pem");
        fs::write(&certificate, "").unwrap();
        let second = Bound::bind(&path).unwrap();
        assert!(!certificate.exists());
        assert!(tokio::net::UnixStream::connect(&path).await.is_ok());
        drop(second);
    }

    #[tokio::test]
    async fn a_folder_that_others_may_enter_gets_no_socket() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("strongroom");
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, Permissions::from_mode(0o755)).unwrap();
        let path = place.join("broker.sock");
        assert!(matches!(Bound::bind(&path).map(drop), Err(DoorError::NotMine(_))));
        let elsewhere = folder.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::set_permissions(&elsewhere, Permissions::from_mode(0o700)).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        let bound = Bound::bind(&link.join("broker.sock")).map(drop);
        assert!(matches!(bound, Err(DoorError::NotMine(_))), "a link is no folder of mine");
    }
}
