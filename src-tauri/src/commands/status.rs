//! The status bar, and the server behind it.

use tauri::AppHandle;

use super::Managed;
use crate::{dialogs, error::Answer, view::StatusView};

/// The status bar.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn status_view(shell: Managed<'_>) -> Answer<StatusView> {
    let status = shell.vault.status().await?;
    Ok(shell.complete_status(status))
}

/// Asks the server now.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn sync_now(shell: Managed<'_>) -> Answer<StatusView> {
    let status = shell.vault.sync_now().await?;
    Ok(shell.complete_status(status))
}

/// Saves the evidence of a differing history. None when cancelled, else the path.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn evidence_save(app: AppHandle, shell: Managed<'_>) -> Answer<Option<String>> {
    let chosen = dialogs::save_file(&app, "Save the evidence", "strongroom-evidence.json").await;
    let Some(file) = chosen else { return Ok(None) };
    let shown = file.display().to_string();
    shell.vault.evidence_save(file).await?;
    Ok(Some(shown))
}
