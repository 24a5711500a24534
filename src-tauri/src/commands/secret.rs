//! One secret. None of these commands takes or answers a value: values pass through secure windows
//! and the clipboard.

use super::Managed;
use crate::{
    error::Answer,
    shell::SecretAt,
    view::{CopyView, EnvView, SecretDetail},
};

/// Everything about a secret but its value.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn secret_detail(
    shell: Managed<'_>,
    env_id: String,
    secret_id: String,
) -> Answer<SecretDetail> {
    shell.vault.secret_detail(env_id, secret_id).await
}

/// Puts a value on the clipboard, for a limited time.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn secret_copy(
    shell: Managed<'_>,
    env_id: String,
    secret_id: String,
) -> Answer<CopyView> {
    shell.touch();
    shell.vault.secret_copy(env_id, secret_id).await
}

/// Opens the window that shows one value.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn secret_reveal(shell: Managed<'_>, env_id: String, secret_id: String) -> Answer<()> {
    shell.ask_reveal(SecretAt { env_id, secret_id: Some(secret_id) }).await
}

/// Opens the window that takes the value of a new secret.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn secret_new(shell: Managed<'_>, env_id: String) -> Answer<()> {
    shell.ask_edit(SecretAt { env_id, secret_id: None }).await
}

/// Opens the window that takes a new value.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn secret_edit(shell: Managed<'_>, env_id: String, secret_id: String) -> Answer<()> {
    shell.ask_edit(SecretAt { env_id, secret_id: Some(secret_id) }).await
}

/// Stages a note.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn secret_note_set(
    shell: Managed<'_>,
    env_id: String,
    secret_id: String,
    note: String,
) -> Answer<EnvView> {
    shell.vault.secret_note_set(env_id, secret_id, note).await
}

/// Stages a name.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn secret_rename(
    shell: Managed<'_>,
    env_id: String,
    secret_id: String,
    name: String,
) -> Answer<EnvView> {
    shell.vault.secret_rename(env_id, secret_id, name).await
}

/// Stages deletions.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn secret_delete(
    shell: Managed<'_>,
    env_id: String,
    secret_ids: Vec<String>,
) -> Answer<EnvView> {
    shell.vault.secret_delete(env_id, secret_ids).await
}
