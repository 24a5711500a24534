//! Sealed files of one vault: what was verified, kept so that the vault opens offline, and what a
//! person has not saved yet.
//!
//! ```text
//! file  = "SRC" || 0x01 || generation(16) || chunk..
//! chunk = u32 length || Seal(key, ctx("local", user, kind, place), at most 65,532 bytes)
//! place = vault(16) || lp(name) || generation(16) || u32 index || u8 last
//! ```
//!
//! `generation` is random for each write, so no chunk of an older file, of another file or of
//! another vault fits in, and none can be left out. A file is either the old or the new one after a
//! crash. What cannot be opened is [`CacheError::Broken`]: for a cache the caller fetches again,
//! because everything in it is checked against the pins anyway.

use std::path::{Path, PathBuf};

use strongroom_crypto::safe::context::Context;
use strongroom_crypto::safe::seal::MAX_ENVELOPE;
use strongroom_crypto::safe::{CacheKey, Entropy, EntropyError, SealError, SealKey, open, seal};
use strongroom_format::encoding::{Reader, Writer};
use strongroom_format::id::UserId;
use strongroom_secret::SecretBytes;
use thiserror::Error;

use crate::disk::{self, DiskError};
use crate::profile::VaultId;

const MAGIC: [u8; 4] = *b"SRC\x01";
const GENERATION: usize = 16;
/// A chunk's data: with its length prefix just what pads to 64 KiB.
const CHUNK: usize = 64 * 1024 - 4;
/// The most bytes that one file holds.
pub const MAX_CONTENT: usize = 256 * 1024 * 1024;
const MAX_FILE: usize = MAX_CONTENT + MAX_CONTENT / 256;
const MAX_NAME: usize = 100;
const ENDING: &str = ".sealed";

/// Why a sealed file could not be used.
#[derive(Debug, Error)]
pub enum CacheError {
    /// There is no file of this name.
    #[error("nothing is stored under this name")]
    Missing,
    /// It is damaged, from another vault, or sealed by another key.
    #[error("the stored copy is damaged")]
    Broken,
    /// More than [`MAX_CONTENT`] bytes.
    #[error("too large to be stored")]
    TooLarge,
    /// A name is 1 to 100 of `a-z 0-9 _ -`.
    #[error("not a name of a stored copy")]
    BadName,
    /// No salt could be made.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The disk refused; [`DiskError::Full`] leaves the old file.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// A folder of sealed files under one key.
#[derive(Debug)]
pub struct Cache<K: SealKey = CacheKey> {
    folder: PathBuf,
    kind: &'static str,
    vault: VaultId,
    user: UserId,
    key: K,
}

impl<K: SealKey> Cache<K> {
    /// Opens a folder, and makes it if it is not there. `kind` says what it is for (`"cache"`,
    /// `"drafts"`): files of one kind do not open as another.
    pub fn open(
        folder: PathBuf,
        kind: &'static str,
        vault: VaultId,
        user: UserId,
        key: K,
    ) -> Result<Self, CacheError> {
        disk::private_folder(&folder)?;
        Ok(Self { folder, kind, vault, user, key })
    }

    /// Seals `content` as `name`, in place of an older file of that name.
    pub fn put(
        &self,
        name: &str,
        content: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<(), CacheError> {
        let path = self.path(name)?;
        if content.len() > MAX_CONTENT {
            return Err(CacheError::TooLarge);
        }
        let mut generation = [0; GENERATION];
        entropy.fill(&mut generation)?;
        let mut file = Writer::new();
        file.fixed(&MAGIC).fixed(&generation);
        let mut rest = content;
        for index in 0u32.. {
            let (chunk, after) = rest.split_at(rest.len().min(CHUNK));
            let place = self.place(name, &generation, index, after.is_empty());
            file.lp(&seal(&self.key, &place, chunk, entropy).map_err(|e| match e {
                SealError::TooLong => CacheError::TooLarge,
                SealError::Entropy(e) => CacheError::Entropy(e),
            })?);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        Ok(disk::replace(&path, &file.finish())?)
    }

    /// The content of `name`.
    pub fn get(&self, name: &str) -> Result<SecretBytes, CacheError> {
        let file = match disk::read(&self.path(name)?, MAX_FILE) {
            Ok(file) => file.ok_or(CacheError::Missing)?,
            Err(e) if e.is_oversized() => return Err(CacheError::Broken),
            Err(e) => return Err(e.into()),
        };
        self.unseal(name, &file).ok_or(CacheError::Broken)
    }

    fn unseal(&self, name: &str, file: &[u8]) -> Option<SecretBytes> {
        let mut r = Reader::new(file);
        if r.array::<4>().ok()? != MAGIC {
            return None;
        }
        let generation = r.array().ok()?;
        // Never grows: what it holds is shorter than the file, and no copy stays behind.
        let mut content = zeroize::Zeroizing::new(Vec::with_capacity(file.len()));
        for index in 0u32.. {
            let envelope = r.lp(MAX_ENVELOPE).ok()?;
            let last = r.rest().is_empty();
            let place = self.place(name, &generation, index, last);
            let chunk = open(&self.key, &place, envelope).ok()?;
            if !last && chunk.len() != CHUNK {
                return None;
            }
            chunk.lend(|bytes| content.extend_from_slice(bytes));
            if last {
                break;
            }
        }
        Some(SecretBytes::from_vec(std::mem::take(&mut *content)))
    }

    /// Removes `name`, if it is there.
    pub fn remove(&self, name: &str) -> Result<(), CacheError> {
        Ok(disk::remove(&self.path(name)?)?)
    }

    /// The names of all files, in order.
    pub fn names(&self) -> Result<Vec<String>, CacheError> {
        let mut names: Vec<String> = std::fs::read_dir(&self.folder)
            .map_err(DiskError::from)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|file| file.strip_suffix(ENDING).map(str::to_owned))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Removes every file.
    pub fn clear(&self) -> Result<(), CacheError> {
        self.names()?.iter().try_for_each(|name| self.remove(name))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, name: &str) -> Result<PathBuf, CacheError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
            return Err(CacheError::BadName);
        }
        Ok(self.folder.join(format!("{name}{ENDING}")))
    }

    fn place(&self, name: &str, generation: &[u8; GENERATION], index: u32, last: bool) -> Context {
        let mut w = Writer::new();
        w.fixed(self.vault.as_bytes())
            .lp(name.as_bytes())
            .fixed(generation)
            .u32(index)
            .u8(u8::from(last));
        Context::local(&self.user, self.kind, &w.finish())
    }
}

#[cfg(test)]
mod tests;
