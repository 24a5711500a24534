//! Small translations between the words of the crates below and those of the window.

use std::str::FromStr;

use strongroom_client::{
    keyring::KeyringState as Ring,
    settings::{RowHeight as Height, Settings, Theme as Colours},
    vault::{Progress, TaskKind},
};
use strongroom_core::{
    details::{EnvClass as Class, ValueKind},
    list::RowChange,
};
use strongroom_format::statement::Rights;

use crate::{
    error::{Answer, CommandError},
    view::{
        EnvClass, KeyringState, Millis, ProgressKind, ProgressView, RowHeight, SecretKind,
        SettingsView, StagedOp, Theme,
    },
};

/// An id that a window sent. What is none of ours is simply not found.
pub(super) fn id<T: FromStr>(text: &str) -> Answer<T> {
    text.parse().map_err(|_| CommandError::NotFound)
}

/// Milliseconds since 1970.
pub(super) fn millis(ms: u64) -> Millis {
    Millis::try_from(ms).unwrap_or(Millis::MAX)
}

/// A count or a position; windows show no more than four thousand millions of anything.
pub(super) fn number<T: TryInto<u32>>(count: T) -> u32 {
    count.try_into().unwrap_or(u32::MAX)
}

pub(super) fn progress(progress: Progress) -> ProgressView {
    ProgressView {
        task: progress.task,
        kind: match progress.kind {
            TaskKind::Unlock => ProgressKind::Unlock,
            TaskKind::Create => ProgressKind::Create,
            TaskKind::Sample => ProgressKind::Sample,
            TaskKind::Import => ProgressKind::Import,
            TaskKind::Commit => ProgressKind::Commit,
            TaskKind::Sync => ProgressKind::Sync,
            TaskKind::Verify => ProgressKind::Verify,
        },
        done: progress.done,
        total: progress.total,
        cancellable: progress.cancellable,
    }
}

pub(super) fn keyring(state: Ring) -> KeyringState {
    match state {
        Ring::Available => KeyringState::Available,
        Ring::Missing => KeyringState::Missing,
        Ring::Locked | Ring::Busy => KeyringState::Locked,
    }
}

pub(super) fn op(change: RowChange) -> StagedOp {
    match change {
        RowChange::Add => StagedOp::Add,
        RowChange::Change => StagedOp::Change,
        RowChange::Delete => StagedOp::Delete,
    }
}

pub(super) fn kind(kind: Option<ValueKind>) -> SecretKind {
    match kind {
        Some(ValueKind::Pem) => SecretKind::Pem,
        Some(ValueKind::Reference) => SecretKind::Reference,
        None => SecretKind::Text,
    }
}

/// `R`, `RW`, `RWG`, or nothing.
pub(super) fn rights(rights: Rights) -> String {
    [(Rights::READ, 'R'), (Rights::WRITE, 'W'), (Rights::GRANT, 'G')]
        .into_iter()
        .filter_map(|(right, letter)| rights.includes(right).then_some(letter))
        .collect()
}

impl From<Class> for EnvClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Development => Self::Development,
            Class::Staging => Self::Staging,
            Class::Production => Self::Production,
            Class::Other => Self::Other,
        }
    }
}

impl From<EnvClass> for Class {
    fn from(class: EnvClass) -> Self {
        match class {
            EnvClass::Development => Self::Development,
            EnvClass::Staging => Self::Staging,
            EnvClass::Production => Self::Production,
            EnvClass::Other => Self::Other,
        }
    }
}

impl From<Colours> for Theme {
    fn from(theme: Colours) -> Self {
        match theme {
            Colours::System => Self::System,
            Colours::Dark => Self::Dark,
            Colours::Light => Self::Light,
        }
    }
}

/// The settings as the window shows them. The facts that only the shell knows are false here.
pub(super) fn settings(kept: &Settings, keyring: KeyringState, data_folder: String) -> SettingsView {
    SettingsView {
        auto_lock_minutes: kept.auto_lock_minutes,
        lock_on_screen_lock: kept.lock_on_screen_lock,
        lock_on_sleep: kept.lock_on_sleep,
        clipboard_seconds: kept.clipboard_seconds,
        reveal_seconds: kept.reveal_seconds,
        theme: kept.theme.into(),
        row_height: match kept.row_height {
            Height::Compact => RowHeight::Compact,
            Height::Roomy => RowHeight::Roomy,
        },
        single_keys: kept.single_keys,
        screen_lock_signal: false,
        content_protection: false,
        keyring,
        data_folder,
    }
}

/// What the window may choose.
pub(super) fn chosen(view: &SettingsView) -> Settings {
    Settings {
        auto_lock_minutes: view.auto_lock_minutes,
        lock_on_screen_lock: view.lock_on_screen_lock,
        lock_on_sleep: view.lock_on_sleep,
        clipboard_seconds: view.clipboard_seconds,
        reveal_seconds: view.reveal_seconds,
        theme: match view.theme {
            Theme::System => Colours::System,
            Theme::Dark => Colours::Dark,
            Theme::Light => Colours::Light,
        },
        row_height: match view.row_height {
            RowHeight::Compact => Height::Compact,
            RowHeight::Roomy => Height::Roomy,
        },
        single_keys: view.single_keys,
    }
}
