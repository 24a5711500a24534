//! Long work that says how far it is and can be cancelled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::error::VaultError;
use super::session::{Notice, Progress, TaskKind};
use tokio::sync::broadcast;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// One piece of long work. Dropping it ends its progress for whoever watches.
#[derive(Debug)]
pub struct Task {
    id: String,
    kind: TaskKind,
    total: u32,
    cancellable: bool,
    cancelled: Arc<AtomicBool>,
    notices: broadcast::Sender<Notice>,
}

impl Task {
    /// Begins work of `total` steps.
    pub fn start(
        kind: TaskKind,
        total: u32,
        cancellable: bool,
        notices: &broadcast::Sender<Notice>,
    ) -> Self {
        let id = format!("task-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let cancelled = Arc::new(AtomicBool::new(false));
        let total = total.max(1);
        let task = Self { id, kind, total, cancellable, cancelled, notices: notices.clone() };
        task.tell(0);
        task
    }

    /// Its name, for [`super::Session::cancel`].
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The switch that cancels it.
    pub fn switch(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }

    /// Says how far it is. An error if somebody cancelled.
    pub fn step(&self, done: u32) -> Result<(), VaultError> {
        if self.cancellable && self.cancelled.load(Ordering::Relaxed) {
            return Err(VaultError::Cancelled);
        }
        // The end is told once, when the task is dropped.
        self.tell(done.min(self.total - 1));
        Ok(())
    }

    /// Says how far it is, where the number of steps is known only now.
    pub fn part(&self, done: usize, of: usize) -> Result<(), VaultError> {
        let share = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        if self.cancellable && self.cancelled.load(Ordering::Relaxed) {
            return Err(VaultError::Cancelled);
        }
        self.tell_of(share(done), share(of).max(1));
        Ok(())
    }

    fn tell(&self, done: u32) {
        self.tell_of(done, self.total);
    }

    fn tell_of(&self, done: u32, total: u32) {
        let progress = Progress {
            task: self.id.clone(),
            kind: self.kind,
            done,
            total,
            cancellable: self.cancellable,
        };
        // Nobody watching is no error.
        let _ = self.notices.send(Notice::Progress(progress));
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.tell(self.total);
    }
}
