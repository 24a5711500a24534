//! What the layers below say, as the codes that the window words.

use strongroom_client::{
    api::ApiError,
    cache::CacheError,
    keyring::KeyringError,
    pins::PinsError,
    profile::ProfileError,
    settings::SettingsError,
    vault::{Stop, StopKind, VaultError},
    DiskError,
};

use crate::{
    error::CommandError,
    view::{StopCode, StopView},
};

impl From<VaultError> for CommandError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::WrongPassphrase => Self::WrongPassphrase,
            VaultError::SecretKeyNeeded => Self::SecretKeyNeeded,
            VaultError::Keyring(error) => error.into(),
            VaultError::Api(error) => error.into(),
            VaultError::Stopped(stop) => Self::Stopped { stop: stop_view(&stop, None) },
            VaultError::Name(error) => Self::BadName { reason: error.code().to_owned() },
            VaultError::NameTaken(name) => Self::NameTaken { name },
            VaultError::TooLarge(limit) => too_large(limit),
            VaultError::FileUnreadable => Self::FileUnreadable,
            VaultError::NotDotenv => Self::NotAnEnvFile,
            VaultError::Cache(error) => error.into(),
            VaultError::Pins(error) => error.into(),
            VaultError::Profile(error) => error.into(),
            VaultError::Cancelled => Self::Cancelled,
            VaultError::NotAllowed => Self::NotAllowed,
            VaultError::NotFound => Self::NotFound,
            other => Self::internal(&other),
        }
    }
}

impl From<KeyringError> for CommandError {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Missing => Self::KeyringMissing,
            KeyringError::Locked | KeyringError::Busy => Self::KeyringBusy,
            KeyringError::Absent | KeyringError::Broken => Self::SecretKeyNeeded,
            KeyringError::Failed => Self::internal(&error),
        }
    }
}

impl From<ApiError> for CommandError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Offline | ApiError::Tls => Self::Offline { since: None },
            ApiError::Refused { status, code } => {
                Self::Refused { status, server: code.as_str().to_owned() }
            }
            ApiError::Garbage | ApiError::AnswerTooLarge { .. } => Self::Garbage,
            ApiError::RequestTooLarge { limit } => too_large(limit),
            ApiError::SignedOut => Self::Locked,
            ApiError::Unsupported => Self::internal(&error),
        }
    }
}

impl From<CacheError> for CommandError {
    fn from(error: CacheError) -> Self {
        match error {
            CacheError::Missing | CacheError::Broken => Self::CacheCorrupt,
            CacheError::TooLarge => too_large(strongroom_client::cache::MAX_CONTENT),
            CacheError::Disk(error) => error.into(),
            CacheError::BadName | CacheError::Entropy(_) => Self::internal(&error),
        }
    }
}

impl From<PinsError> for CommandError {
    fn from(error: PinsError) -> Self {
        match error {
            PinsError::RolledBack(_) => Self::Stopped {
                stop: StopView {
                    code: StopCode::Rollback,
                    what: "This computer's own record of what it verified was replaced by an older one.".to_owned(),
                    pinned: "a newer record".to_owned(),
                    shown: "an older record".to_owned(),
                    evidence: None,
                },
            },
            PinsError::Missing | PinsError::Broken => Self::CacheCorrupt,
            PinsError::Keyring(error) => error.into(),
            PinsError::Disk(error) => error.into(),
            PinsError::Exists | PinsError::Stale | PinsError::Entropy(_) => Self::internal(&error),
        }
    }
}

impl From<ProfileError> for CommandError {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Missing => Self::NotFound,
            ProfileError::BadLabel => Self::BadName { reason: "tooLong".to_owned() },
            ProfileError::Disk(error) => error.into(),
            ProfileError::Broken => Self::CacheCorrupt,
            ProfileError::InUse | ProfileError::NoHome | ProfileError::Entropy(_) => {
                Self::internal(&error)
            }
        }
    }
}

impl From<SettingsError> for CommandError {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Disk(error) => error.into(),
            SettingsError::NotAChoice { .. } | SettingsError::Broken => Self::internal(&error),
        }
    }
}

impl From<DiskError> for CommandError {
    fn from(error: DiskError) -> Self {
        match error {
            DiskError::Full => Self::DiskFull,
            DiskError::Io(_) => Self::FileUnreadable,
        }
    }
}

/// A limit above four thousand millions is no limit that anybody reads.
fn too_large(limit: usize) -> CommandError {
    CommandError::TooLarge { limit: u32::try_from(limit).unwrap_or(u32::MAX) }
}

/// What stopped a vault, in words.
pub(super) fn stop_view(stop: &Stop, evidence: Option<String>) -> StopView {
    let (code, what) = match stop.kind {
        StopKind::Fork => (StopCode::Fork, "shows another history than the one this computer verified"),
        StopKind::Rollback => (StopCode::Rollback, "shows less than this computer verified already"),
        StopKind::Invalid => (StopCode::Invalid, "shows something that does not verify"),
    };
    StopView {
        code,
        what: format!("At {} the server {what}.", stop.place),
        pinned: stop.pinned.clone(),
        shown: stop.shown.clone(),
        evidence,
    }
}
