//! Files that are either the old or the new version after a crash, and that only their owner reads.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read as _, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a file could not be read or written.
#[derive(Debug, Error)]
pub enum DiskError {
    /// There is no room, or a quota is used up. What was there before is untouched.
    #[error("the disk is full")]
    Full,
    /// Any other refusal of the operating system.
    #[error("a file could not be read or written ({0})")]
    Io(ErrorKind),
}

impl DiskError {
    /// Whether [`read`] met a file that is longer than anything this program writes there.
    pub(crate) fn is_oversized(&self) -> bool {
        matches!(self, Self::Io(ErrorKind::InvalidData))
    }
}

impl From<io::Error> for DiskError {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::Full
            }
            kind => Self::Io(kind),
        }
    }
}

/// What the half-written next version of `path` is called.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Replaces `path` by `bytes` (mode 0600): written beside it, flushed, renamed, folder flushed.
///
/// Two writers of one path must not run at once; the vault's lock sees to that.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let part = unfinished(path);
    let written = write_new(&part, bytes).and_then(|()| fs::rename(&part, path));
    if let Err(e) = written {
        // The error that matters is the first one; a left-over is overwritten by the next attempt.
        let _ = fs::remove_file(&part);
        return Err(e.into());
    }
    Ok(sync_folder_of(path)?)
}

/// Writes `path` from scratch and flushes it; an older file of this name goes first.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A new file that only its owner reads; an older one of this name goes first.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true); // follows no link that somebody left there
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// A file that is written piece by piece, and takes its name (mode 0600) only when it is whole.
/// Dropping it before leaves what was there.
#[derive(Debug)]
pub(crate) struct Draft {
    out: BufWriter<File>,
    path: PathBuf,
    part: PathBuf,
    is_whole: bool,
}

impl Draft {
    /// Begins the next version of `path`, beside it.
    pub(crate) fn begin(path: &Path) -> Result<Self, DiskError> {
        let part = unfinished(path);
        let out = BufWriter::with_capacity(1 << 16, create(&part)?);
        Ok(Self { out, path: path.to_owned(), part, is_whole: false })
    }

    /// What was written so far, from its beginning, and its length in bytes.
    pub(crate) fn read(&mut self) -> Result<(File, u64), DiskError> {
        self.out.flush()?;
        let file = File::open(&self.part)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }

    /// Puts it in the place of an older version.
    pub(crate) fn finish(mut self) -> Result<(), DiskError> {
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        rename(&self.part, &self.path)?;
        self.is_whole = true;
        Ok(())
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_whole {
            // A left-over is overwritten by the next attempt.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// Reads a file of at most `cap` bytes; `None` if there is none. A longer file is an error of kind
/// `InvalidData`.
pub(crate) fn read(path: &Path, cap: usize) -> Result<Option<Vec<u8>>, DiskError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let expected = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if expected > cap {
        return Err(DiskError::Io(ErrorKind::InvalidData));
    }
    let mut bytes = Vec::with_capacity(expected);
    file.take(cap as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > cap {
        return Err(DiskError::Io(ErrorKind::InvalidData));
    }
    Ok(Some(bytes))
}

/// Renames within one folder and makes it last.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), DiskError> {
    fs::rename(from, to)?;
    Ok(sync_folder_of(to)?)
}

/// Removes a file, if there is one, and makes it last.
pub(crate) fn remove(path: &Path) -> Result<(), DiskError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(sync_folder_of(path)?),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// Makes a folder, with its parents, that only its owner may enter; one that exists is closed to
/// others.
pub(crate) fn private_folder(path: &Path) -> Result<(), DiskError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        }
    }
    #[cfg(not(unix))]
    fs::create_dir_all(path)?;
    Ok(())
}

/// Makes names in the folder of `path` last through a power cut.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path; // a folder cannot be flushed there; NTFS journals names by itself
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(read(&path, 10).unwrap().is_none());
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(read(&path, 10).unwrap().unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_draft_takes_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        replace(&path, b"old").unwrap();
        let mut draft = Draft::begin(&path).unwrap();
        draft.write_all(b"new").unwrap();
        assert_eq!(draft.read().unwrap().1, 3);
        drop(draft);
        assert_eq!(read(&path, 10).unwrap().unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        let mut draft = Draft::begin(&path).unwrap();
        draft.write_all(b"new").unwrap();
        draft.finish().unwrap();
        assert_eq!(read(&path, 10).unwrap().unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = Draft::begin(&folder.path().join("no/such/place"));
        assert!(matches!(nowhere, Err(DiskError::Io(ErrorKind::NotFound))));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_draft_that_does_not_fit_says_that_the_disk_is_full() {
        let mut full = BufWriter::new(OpenOptions::new().write(true).open("/dev/full").unwrap());
        full.write_all(b"x").unwrap();
        let error = DiskError::from(full.flush().unwrap_err());
        assert!(matches!(error, DiskError::Full));
    }

    #[test]
    fn a_crash_before_the_rename_leaves_the_old_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        replace(&path, b"one").unwrap();
        write_new(&unfinished(&path), b"tw").unwrap();
        assert_eq!(read(&path, 10).unwrap().unwrap(), b"one");
        replace(&path, b"three").unwrap();
        assert_eq!(read(&path, 10).unwrap().unwrap(), b"three");
    }

    #[test]
    fn a_longer_file_than_allowed_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        replace(&path, b"12345").unwrap();
        assert!(matches!(read(&path, 4), Err(DiskError::Io(ErrorKind::InvalidData))));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said_as_such() {
        let full = io::Error::from_raw_os_error(28);
        assert!(matches!(DiskError::from(full), DiskError::Full));
    }

    #[cfg(unix)]
    #[test]
    fn files_and_folders_are_closed_to_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("x/y");
        private_folder(&folder).unwrap();
        assert_eq!(mode(&folder), 0o700);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        private_folder(&folder).unwrap();
        assert_eq!(mode(&folder), 0o700);
        replace(&folder.join("f"), b"").unwrap();
        assert_eq!(mode(&folder.join("f")), 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_laid_in_the_way_is_replaced_and_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let victim = root.path().join("victim");
        fs::write(&victim, b"mine").unwrap();
        let path = root.path().join("a");
        std::os::unix::fs::symlink(&victim, unfinished(&path)).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"mine");
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }
}
