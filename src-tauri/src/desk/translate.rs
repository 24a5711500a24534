//! From what the client says to what the window shows.

use strongroom_client::{
    DiskError,
    api::ApiError,
    cache::CacheError,
    keyring::{KeyringError, KeyringState as Ring},
    pins::PinsError,
    profile::ProfileError,
    settings::{self, Settings, SettingsError},
    vault::{Missing, Progress, Stop, StopKind, TaskKind, VaultError},
};
use strongroom_core::{details, names::NameError};
use strongroom_format::{
    id::{IdError, Principal, UserId},
    statement::{self, Rights},
};

use crate::{
    error::{CodeProblem, CommandError},
    view::{
        EnvClass, KeyringState, Millis, PersonView, ProgressKind, ProgressView, Role, RowHeight,
        SettingsView, StopCode, StopView, Theme,
    },
};

/// A number for the window; what does not fit is cut to the largest that does.
pub(super) fn count<T: TryInto<u32>>(n: T) -> u32 {
    n.try_into().unwrap_or(u32::MAX)
}

pub(super) fn millis(ms: u64) -> Millis {
    Millis::try_from(ms).unwrap_or(Millis::MAX)
}

pub(super) fn class(class: details::EnvClass) -> EnvClass {
    match class {
        details::EnvClass::Development => EnvClass::Development,
        details::EnvClass::Staging => EnvClass::Staging,
        details::EnvClass::Production => EnvClass::Production,
        details::EnvClass::Other => EnvClass::Other,
    }
}

pub(super) fn class_in(class: EnvClass) -> details::EnvClass {
    match class {
        EnvClass::Development => details::EnvClass::Development,
        EnvClass::Staging => details::EnvClass::Staging,
        EnvClass::Production => details::EnvClass::Production,
        EnvClass::Other => details::EnvClass::Other,
    }
}

pub(super) fn role(role: statement::Role) -> Role {
    match role {
        statement::Role::Owner => Role::Owner,
        statement::Role::Admin => Role::Admin,
        statement::Role::Member => Role::Member,
        statement::Role::Reviewer => Role::Reviewer,
    }
}

/// `R`, `RW` or `RWG`.
pub(super) fn rights(rights: Rights) -> String {
    [(Rights::READ, 'R'), (Rights::WRITE, 'W'), (Rights::GRANT, 'G')]
        .into_iter()
        .filter(|(right, _)| rights.includes(*right))
        .map(|(_, letter)| letter)
        .collect()
}

pub(super) fn keyring(state: Ring) -> KeyringState {
    match state {
        Ring::Available => KeyringState::Available,
        Ring::Missing => KeyringState::Missing,
        Ring::Locked | Ring::Busy => KeyringState::Locked,
    }
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
            TaskKind::Rotate => ProgressKind::Rotate,
            TaskKind::Join => ProgressKind::Join,
            TaskKind::Restore => ProgressKind::Restore,
            TaskKind::SignIn => ProgressKind::SignIn,
            TaskKind::ReadLog => ProgressKind::ReadLog,
            TaskKind::VerifyLog => ProgressKind::VerifyLog,
            TaskKind::ExportLog => ProgressKind::ExportLog,
        },
        done: progress.done,
        total: progress.total,
        cancellable: progress.cancellable,
    }
}

pub(super) fn stop(stop: &Stop, evidence: Option<String>) -> StopView {
    StopView {
        code: match stop.kind {
            StopKind::Fork => StopCode::Fork,
            StopKind::Rollback => StopCode::Rollback,
            StopKind::Invalid => StopCode::Invalid,
        },
        what: stop.place.clone(),
        pinned: stop.pinned.clone(),
        shown: stop.shown.clone(),
        evidence,
        can_reset: false,
    }
}

/// A person with the first letters of their name.
pub(super) fn person(id: &UserId, name: String, you: &UserId) -> PersonView {
    PersonView { id: id.to_string(), initials: initials(&name), name, you: id == you }
}

/// The first letters of a name.
pub(super) fn initials(name: &str) -> String {
    name.split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2)
        .flat_map(char::to_uppercase)
        .collect()
}

/// Whoever is not known yet, because the past is not checked.
pub(super) fn nobody() -> PersonView {
    PersonView { id: String::new(), name: String::new(), initials: String::new(), you: false }
}

pub(super) fn user_of(principal: &Principal) -> Option<UserId> {
    match principal {
        Principal::User(user) => Some(*user),
        _ => None,
    }
}

pub(super) fn theme(theme: settings::Theme) -> Theme {
    match theme {
        settings::Theme::System => Theme::System,
        settings::Theme::Dark => Theme::Dark,
        settings::Theme::Light => Theme::Light,
    }
}

pub(super) fn settings_out(settings: &Settings, keyring: Ring, folder: String) -> SettingsView {
    SettingsView {
        auto_lock_minutes: settings.auto_lock_minutes,
        lock_on_screen_lock: settings.lock_on_screen_lock,
        lock_on_sleep: settings.lock_on_sleep,
        clipboard_seconds: settings.clipboard_seconds,
        reveal_seconds: settings.reveal_seconds,
        theme: theme(settings.theme),
        row_height: match settings.row_height {
            settings::RowHeight::Compact => RowHeight::Compact,
            settings::RowHeight::Roomy => RowHeight::Roomy,
        },
        single_keys: settings.single_keys,
        // The shell knows these two.
        screen_lock_signal: false,
        content_protection: false,
        keyring: self::keyring(keyring),
        data_folder: folder,
    }
}

pub(super) fn settings_in(view: &SettingsView) -> Settings {
    Settings {
        auto_lock_minutes: view.auto_lock_minutes,
        lock_on_screen_lock: view.lock_on_screen_lock,
        lock_on_sleep: view.lock_on_sleep,
        clipboard_seconds: view.clipboard_seconds,
        reveal_seconds: view.reveal_seconds,
        theme: match view.theme {
            Theme::System => settings::Theme::System,
            Theme::Dark => settings::Theme::Dark,
            Theme::Light => settings::Theme::Light,
        },
        row_height: match view.row_height {
            RowHeight::Compact => settings::RowHeight::Compact,
            RowHeight::Roomy => settings::RowHeight::Roomy,
        },
        single_keys: view.single_keys,
    }
}

impl From<IdError> for CommandError {
    fn from(_: IdError) -> Self {
        Self::NotFound
    }
}

impl From<NameError> for CommandError {
    fn from(error: NameError) -> Self {
        bad_name(&error)
    }
}

/// The window puts the reason behind a colon, so it is neither a sentence of its own nor ends one.
fn bad_name(error: &dyn std::fmt::Display) -> CommandError {
    let text = error.to_string();
    let mut letters = text.trim_end_matches('.').chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    CommandError::BadName { reason: first.chain(letters.as_str().chars()).collect() }
}

impl From<VaultError> for CommandError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::WrongPassphrase => Self::WrongPassphrase,
            VaultError::SecretKeyNeeded => Self::SecretKeyNeeded,
            VaultError::Keyring(error) | VaultError::Pins(PinsError::Keyring(error)) => {
                error.into()
            }
            VaultError::Api(error) => of_api(&error),
            VaultError::Stopped(found) => Self::Stopped { stop: stop(&found, None) },
            VaultError::Name(error) => error.into(),
            VaultError::NameTaken(name) => Self::NameTaken { name },
            VaultError::TooLarge(limit) => Self::TooLarge { limit: count(limit) },
            VaultError::FileUnreadable => Self::FileUnreadable,
            VaultError::NotDotenv => Self::NotAnEnvFile,
            VaultError::Cache(CacheError::Disk(error))
            | VaultError::Pins(PinsError::Disk(error))
            | VaultError::Profile(ProfileError::Disk(error)) => of_disk(&error),
            VaultError::Cache(CacheError::Broken | CacheError::Missing)
            | VaultError::Pins(PinsError::Broken | PinsError::Missing) => Self::CacheCorrupt,
            VaultError::Pins(PinsError::RolledBack(_)) => Self::Stopped {
                stop: StopView {
                    code: StopCode::Rollback,
                    what: "the pins of this computer".to_owned(),
                    pinned: "as the keyring knows them".to_owned(),
                    shown: "an older file".to_owned(),
                    evidence: None,
                    can_reset: false,
                },
            },
            VaultError::Profile(ProfileError::Missing) | VaultError::NotFound => Self::NotFound,
            VaultError::Profile(error @ ProfileError::BadLabel) => bad_name(&error),
            VaultError::Cancelled => Self::Cancelled,
            VaultError::NotAllowed => Self::NotAllowed,
            VaultError::KeyDue => Self::KeyDue,
            VaultError::Unreadable(secrets) => Self::Unreadable { count: count(secrets.len()) },
            VaultError::BadCode | VaultError::NotACode => {
                Self::BadCode { problem: CodeProblem::Mistyped }
            }
            VaultError::ForeignCode => Self::BadCode { problem: CodeProblem::Foreign },
            VaultError::UsedCode => Self::BadCode { problem: CodeProblem::Used },
            VaultError::EndedCode => Self::BadCode { problem: CodeProblem::Expired },
            VaultError::LastOwner => Self::LastOwner,
            VaultError::ShutOut => Self::NotReady {
                missing: "the server no longer shows you this organisation, so ask an admin                           whether you were removed; what is staged here stays"
                    .to_owned(),
            },
            VaultError::ClockAhead => Self::NotReady {
                missing: "the clock of this computer is ahead of the server's, so set it right"
                    .to_owned(),
            },
            VaultError::ClockBehind => Self::NotReady {
                missing: "the clock of this computer seems to be behind, so set it right: by the                           server's or the organisation's time something has ended that lasts by                           this clock"
                    .to_owned(),
            },
            VaultError::SummaryChanged => Self::SummaryChanged,
            VaultError::UnverifiedGains => Self::PolicyForbids,
            VaultError::NotOnlyTheLog => Self::NotReady {
                missing: "more than the audit log differs from what was verified, and nobody can \
                          sign that away"
                    .to_owned(),
            },
            VaultError::NothingToSign => {
                Self::NotReady { missing: "everything is so already".to_owned() }
            }
            VaultError::NotFinished(missing) => Self::NotReady { missing: sentences(&missing) },
            other => Self::internal(&other),
        }
    }
}

/// What is missing, one sentence after the other.
fn sentences(missing: &[Missing]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

impl From<KeyringError> for CommandError {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Missing => Self::KeyringMissing,
            _ => Self::KeyringBusy,
        }
    }
}

impl From<SettingsError> for CommandError {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Disk(error) => of_disk(&error),
            SettingsError::NotAChoice { .. } | SettingsError::Broken => Self::internal(&error),
        }
    }
}

impl From<ApiError> for CommandError {
    fn from(error: ApiError) -> Self {
        of_api(&error)
    }
}

impl From<ProfileError> for CommandError {
    fn from(error: ProfileError) -> Self {
        VaultError::Profile(error).into()
    }
}

fn of_api(error: &ApiError) -> CommandError {
    match error {
        ApiError::Offline | ApiError::Tls => CommandError::Offline { since: None },
        ApiError::Refused { status: 507, .. } => CommandError::DiskFull,
        ApiError::Refused { status, code } => {
            CommandError::Refused { status: *status, server: code.to_string() }
        }
        ApiError::Garbage | ApiError::AnswerTooLarge { .. } => CommandError::Garbage,
        ApiError::RequestTooLarge { limit } => CommandError::TooLarge { limit: count(*limit) },
        ApiError::SignedOut => CommandError::Locked,
        ApiError::Unsupported => CommandError::internal(error),
    }
}

fn of_disk(error: &DiskError) -> CommandError {
    match error {
        DiskError::Full => CommandError::DiskFull,
        DiskError::Io(_) => CommandError::FileUnreadable,
    }
}
