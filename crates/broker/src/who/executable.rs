//! The executable of a process: where it is, and what is in it.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

/// How many hashes are remembered.
const CACHED: usize = 256;

/// Larger files are not hashed: no interpreter or tool is that large.
const MAX_FILE: u64 = 1 << 30;

/// A file and the state of its content. The time of change is the kernel's own: nobody sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

/// SHA-256 of executables, so that each is read once.
#[derive(Debug, Default)]
pub(super) struct Executables {
    hashes: Mutex<HashMap<Identity, [u8; 32]>>,
}

impl Executables {
    /// The SHA-256 of the file that a process runs, also when it was replaced or removed since.
    pub(super) fn sha256(&self, pid: u32) -> Option<[u8; 32]> {
        let file = File::open(link(pid)).ok()?;
        let identity = Identity::of(&file.metadata().ok()?);
        if let Some(known) = self.lock().get(&identity) {
            return Some(*known);
        }
        let hash = hash(&file)?;
        // Somebody may have written while it was read.
        let unchanged = Identity::of(&file.metadata().ok()?) == identity;
        let mut hashes = self.lock();
        if unchanged && hashes.len() < CACHED {
            hashes.insert(identity, hash);
        } else if unchanged {
            hashes.clear();
            hashes.insert(identity, hash);
        }
        unchanged.then_some(hash)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Identity, [u8; 32]>> {
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the executable of a process is. A path that leads elsewhere for this process than for that
/// one (a file that was replaced, a mount that only it sees) is marked, so that no rule matches it.
pub(super) fn path(pid: u32) -> Option<String> {
    let path = fs::read_link(link(pid)).ok()?;
    let runs = fs::metadata(link(pid)).ok()?;
    let is_there = fs::metadata(&path)
        .is_ok_and(|there| (there.dev(), there.ino()) == (runs.dev(), runs.ino()));
    let path = path.to_string_lossy();
    Some(if is_there { path.into_owned() } else { format!("{path} (another file now)") })
}

fn link(pid: u32) -> String {
    format!("/proc/{pid}/exe")
}

fn hash(mut file: &File) -> Option<[u8; 32]> {
    let mut sha = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut read = 0;
    loop {
        let count = file.read(&mut buffer).ok()?;
        if count == 0 {
            return Some(sha.finalize().into());
        }
        read += count as u64;
        if read > MAX_FILE {
            return None;
        }
        sha.update(buffer.get(..count)?);
    }
}
