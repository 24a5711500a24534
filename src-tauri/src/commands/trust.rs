//! What this computer verified, and comparing it with other people.

use tauri::AppHandle;

use super::Managed;
use crate::{
    dialogs,
    error::Answer,
    view::{HeadsCompared, TrustView},
};

/// The trust page.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn trust_view(shell: Managed<'_>) -> Answer<TrustView> {
    shell.vault.trust().await
}

/// Compares somebody else's code of a head with this computer's.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn heads_compare(shell: Managed<'_>, link: u32, code: String) -> Answer<HeadsCompared> {
    shell.vault.heads_compare(link, code).await
}

/// Signs that this user can open the data keys of these environments today. Nobody gains by it, so
/// it needs no secure window.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn drill_run(shell: Managed<'_>, env_ids: Vec<String>) -> Answer<u32> {
    shell.touch();
    shell.vault.drill_run(&env_ids).await
}

/// Saves `strongroom.lock`. None when cancelled, else the path.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn lock_file_save(app: AppHandle, shell: Managed<'_>) -> Answer<Option<String>> {
    let chosen = dialogs::save_file(&app, "Save the lock file", "strongroom.lock").await;
    let Some(file) = chosen else { return Ok(None) };
    let shown = file.display().to_string();
    shell.vault.lock_file_write(file).await?;
    Ok(Some(shown))
}
