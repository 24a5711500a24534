//! The window as a whole: its first view, signs of a person, settings, cancelling.

use super::Managed;
use crate::{
    error::Answer,
    view::{AppView, SettingsView},
};

/// What the window shows first.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn app_state(shell: Managed<'_>) -> Answer<AppView> {
    shell.app_view().await
}

/// Somebody pressed a key or moved the pointer.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn activity_ping(shell: Managed<'_>) -> Answer<()> {
    shell.touch();
    Ok(())
}

/// Saves the settings.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn settings_set(shell: Managed<'_>, settings: SettingsView) -> Answer<SettingsView> {
    let saved = shell.vault.settings_set(settings).await?;
    Ok(shell.complete_settings(saved))
}

/// Cancels work in progress.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn task_cancel(shell: Managed<'_>, task: String) -> Answer<()> {
    shell.vault.task_cancel(&task)
}
