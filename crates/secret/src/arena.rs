//! The arena: slots of 32 bytes in pages that are locked in RAM and left out of core files.
//!
//! A slot is four atomic words, so that a shared reference can write it without `unsafe` and
//! without a lock; ownership of the slot (one [`Slot`] per key) is what keeps readers and writers
//! apart. Chunks are never given back: a key that is dropped frees its slot for the next one.

use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::{Zeroize as _, Zeroizing};

use crate::hardening::{LockedPages, lock_pages};

/// Slots in one chunk: 2,048 x 32 bytes = 64 KiB, whole pages on every system we know.
const SLOTS_PER_CHUNK: usize = 2048;

type Words = [AtomicU64; 4];

/// One chunk. The alignment keeps anything else off its pages.
#[repr(C, align(65536))]
struct Chunk([Words; SLOTS_PER_CHUNK]);

struct Arena {
    free: Vec<&'static Words>,
    chunks: Vec<LockedPages>,
}

static ARENA: Mutex<Arena> = Mutex::new(Arena { free: Vec::new(), chunks: Vec::new() });

/// The state of the arena that holds all 32-byte keys of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArenaState {
    /// Keys that are alive now.
    pub slots_in_use: usize,
    /// Slots that exist, used or not.
    pub slots_total: usize,
    /// Whether every page of the arena is locked in RAM. The usual reason for `false` is a low
    /// limit for locked memory (`ulimit -l`).
    pub locked: bool,
    /// Whether every page of the arena is left out of core files.
    pub left_out_of_dumps: bool,
}

/// How many keys are alive, and whether their pages are locked. Makes the first chunk if there is
/// none yet, so that the answer about locking is one that was tried.
pub fn arena_state() -> ArenaState {
    let mut arena = arena();
    if arena.chunks.is_empty() {
        arena.grow();
    }
    let slots_total = arena.chunks.len() * SLOTS_PER_CHUNK;
    ArenaState {
        slots_in_use: slots_total - arena.free.len(),
        slots_total,
        locked: arena.chunks.iter().all(LockedPages::locked),
        left_out_of_dumps: arena.chunks.iter().all(LockedPages::left_out_of_dumps),
    }
}

fn arena() -> MutexGuard<'static, Arena> {
    // No code that holds the lock can leave the lists half changed, so a poisoned lock is sound.
    ARENA.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Arena {
    fn take(&mut self) -> &'static Words {
        loop {
            if let Some(words) = self.free.pop() {
                return words;
            }
            self.grow();
        }
    }

    fn grow(&mut self) {
        let zero = || std::array::from_fn(|_| AtomicU64::new(0));
        let chunk: &'static Chunk = Box::leak(Box::new(Chunk(std::array::from_fn(|_| zero()))));
        self.chunks.push(lock_pages(chunk));
        // Reserved once and for all, so that freeing a slot never allocates.
        self.free.reserve_exact(self.chunks.len() * SLOTS_PER_CHUNK);
        self.free.extend(chunk.0.iter());
    }
}

/// One slot, owned: nobody else reads or writes it. Wiped when dropped.
pub(crate) struct Slot(&'static Words);

impl Slot {
    /// A free slot, all zero.
    pub(crate) fn take() -> Self {
        Self(arena().take())
    }

    /// Replaces the 32 bytes.
    pub(crate) fn write(&mut self, bytes: &[u8; 32]) {
        let (parts, _) = bytes.as_chunks::<8>();
        for (word, part) in self.0.iter().zip(parts) {
            let mut value = u64::from_ne_bytes(*part);
            word.store(value, Ordering::Relaxed);
            value.zeroize();
        }
    }

    /// A copy on the stack that wipes itself.
    pub(crate) fn copy(&self) -> Zeroizing<[u8; 32]> {
        let mut bytes = Zeroizing::new([0; 32]);
        let (parts, _) = bytes.as_chunks_mut::<8>();
        for (part, word) in parts.iter_mut().zip(self.0) {
            *part = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        bytes
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        for word in self.0 {
            // A store to memory that other threads can reach is never optimised away.
            word.store(0, Ordering::Relaxed);
        }
        fence(Ordering::SeqCst);
        arena().free.push(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_wiped_before_it_is_free_again() {
        let mut slot = Slot::take();
        slot.write(&[7; 32]);
        let words = slot.0;
        // While this test holds the arena, the dropped slot cannot reach the free list; its words
        // must become zero all the same.
        let held = arena();
        let dropping = std::thread::spawn(move || drop(slot));
        let wiped = (0..5000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            words.iter().all(|word| word.load(Ordering::Relaxed) == 0)
        });
        drop(held);
        dropping.join().unwrap();
        assert!(wiped);
    }

    #[test]
    fn a_chunk_fills_whole_pages() {
        assert_eq!(size_of::<Chunk>(), 65_536);
        assert_eq!(align_of::<Chunk>(), 65_536);
    }
}
