//! Changes on this computer, until they are signed.

use super::Managed;
use crate::{
    error::Answer,
    view::{CommitOutcome, EnvView, Keep, StagedRow},
};

/// What waits to be signed.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn staged_list(shell: Managed<'_>, env_id: String) -> Answer<Vec<StagedRow>> {
    shell.vault.staged_list(env_id).await
}

/// Takes the last step back.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn staged_undo(shell: Managed<'_>, env_id: String) -> Answer<EnvView> {
    shell.vault.staged_undo(env_id).await
}

/// Takes it again.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn staged_redo(shell: Managed<'_>, env_id: String) -> Answer<EnvView> {
    shell.vault.staged_redo(env_id).await
}

/// Drops what is staged for one secret.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn staged_drop(shell: Managed<'_>, env_id: String, secret_id: String) -> Answer<EnvView> {
    shell.vault.staged_drop(env_id, secret_id).await
}

/// Drops everything staged in an environment.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn staged_discard(shell: Managed<'_>, env_id: String) -> Answer<EnvView> {
    shell.vault.staged_discard(env_id).await
}

/// Signs what is staged. Values change by it, readers never do, so it needs no secure window.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn staged_commit(shell: Managed<'_>, env_id: String) -> Answer<CommitOutcome> {
    shell.touch();
    shell.vault.staged_commit(env_id).await
}

/// Decides one conflict.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn conflict_resolve(
    shell: Managed<'_>,
    env_id: String,
    secret_id: String,
    keep: Keep,
) -> Answer<EnvView> {
    shell.vault.conflict_resolve(env_id, secret_id, keep).await
}
