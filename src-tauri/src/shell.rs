//! What the shell remembers between two commands: the vault behind the window, what each secure
//! window was opened for, and when somebody was last there.
//!
//! Invariant: the main window can only *ask* for a secure window. What that window then shows or
//! signs is read from here and from the vault, never from what a web view sends.

mod asked;
mod opened;
mod to_sign;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tauri::AppHandle;

use crate::{
    clock::now,
    desk::Desk,
    error::Answer,
    follow::FollowClock,
    idle::IdleClock,
    view::{AppView, LockReason, Millis, Phase, SettingsView, StatusView},
    windows::{self, Secure},
};

use asked::Asked;
pub use asked::{Act, SecretAt};
pub use to_sign::{ToSign, Wish};

/// The state of the shell, managed by Tauri.
pub struct Shell {
    app: AppHandle,
    /// Everything behind the window.
    pub vault: Arc<Desk>,
    asked: Mutex<Asked>,
    dropped: Mutex<Option<PathBuf>>,
    opened: Mutex<Option<opened::Opened>>,
    idle: Mutex<IdleClock>,
    following: Mutex<FollowClock>,
    facts: Mutex<Facts>,
}

/// What only the shell knows about this computer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts {
    /// The desktop tells when its screen locks.
    pub screen_lock_signal: bool,
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shell").finish_non_exhaustive()
    }
}

impl Shell {
    /// The shell around `vault`.
    pub fn new(app: AppHandle, vault: Arc<Desk>) -> Self {
        Self {
            app,
            vault,
            asked: Mutex::default(),
            dropped: Mutex::default(),
            opened: Mutex::default(),
            following: Mutex::default(),
            idle: Mutex::new(IdleClock::started(now())),
            facts: Mutex::default(),
        }
    }

    /// The window's first view, with the facts that only the shell knows.
    pub async fn app_view(&self) -> Answer<AppView> {
        let view = self.vault.app().await?;
        Ok(self.complete_app(view))
    }

    /// Adds the shell's facts to a view of the vault, and learns from it how long to wait.
    pub fn complete_app(&self, mut view: AppView) -> AppView {
        view.settings = self.complete_settings(view.settings);
        hold(&self.idle).follow(view.settings.auto_lock_minutes, view.phase == Phase::Open, now());
        view
    }

    /// Adds the shell's facts to settings.
    pub fn complete_settings(&self, mut settings: SettingsView) -> SettingsView {
        settings.screen_lock_signal = hold(&self.facts).screen_lock_signal;
        settings.content_protection = cfg!(any(windows, target_os = "macos"));
        settings
    }

    /// Adds the time of the next lock to a view of the status bar.
    pub fn complete_status(&self, mut status: StatusView) -> StatusView {
        status.locks_at = self.locks_at();
        status
    }

    /// Somebody is there.
    pub fn touch(&self) {
        hold(&self.idle).touch(now());
    }

    /// When the vault locks if nobody touches it.
    pub fn locks_at(&self) -> Option<Millis> {
        hold(&self.idle).locks_at()
    }

    /// Whether nobody was there for as long as the settings allow.
    pub fn is_idle(&self) -> bool {
        hold(&self.idle).is_due(now())
    }

    /// What this computer can tell.
    pub fn set_facts(&self, facts: Facts) {
        *hold(&self.facts) = facts;
    }

    /// Drops the keys and closes every secure window, in this order.
    pub async fn lock(&self, reason: LockReason) -> Answer<()> {
        self.follow_log(false);
        let locked = self.vault.lock(reason).await;
        for which in Secure::ALL {
            self.forget(which);
        }
        windows::close_all_secure(&self.app).await;
        locked
    }

    /// The window shows new entries of the audit log, or does not any more.
    pub fn follow_log(&self, on: bool) {
        hold(&self.following).set(on);
    }

    /// The main window got the focus, or lost it.
    pub fn look(&self, seen: bool) {
        hold(&self.following).look(seen, now());
    }

    /// Asks for new entries of the audit log, if it is time to.
    pub async fn ask_log_if_due(&self) {
        let due = hold(&self.following).is_due(now());
        if due {
            let went_well = self.vault.audit_news().await;
            hold(&self.following).asked(went_well, now());
        }
    }

    /// Remembers a file that was dropped on the window.
    pub fn drop_file(&self, path: PathBuf) {
        *hold(&self.dropped) = Some(path);
    }

    /// The dropped file, once.
    pub fn take_dropped(&self) -> Option<PathBuf> {
        hold(&self.dropped).take()
    }
}

/// Locks a mutex. What it guards is replaced as a whole, so a thread that died left nothing half done.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
