//! Offboarding, from the revocation to the certificate.

use tauri::AppHandle;

use super::Managed;
use crate::{
    desk::intents,
    dialogs,
    error::Answer,
    view::{OffboardRow, OffboardRows, OffboardTab, OffboardView, SecretRef},
};

/// Opens the window that takes everything from a member or a token.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn offboard_begin(shell: Managed<'_>, principal_id: String) -> Answer<()> {
    shell.ask_sign(intents::offboard(&principal_id)?).await
}

/// Every offboarding, newest first.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn offboard_list(shell: Managed<'_>) -> Answer<Vec<OffboardRow>> {
    shell.vault.offboard_list().await
}

/// One offboarding.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn offboard_view(shell: Managed<'_>, principal_id: String) -> Answer<OffboardView> {
    shell.vault.offboard(&principal_id).await
}

/// A window onto one of its lists.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn offboard_rows(
    shell: Managed<'_>,
    principal_id: String,
    tab: OffboardTab,
    offset: u32,
    limit: u32,
) -> Answer<OffboardRows> {
    shell.vault.offboard_rows(&principal_id, tab, offset, limit).await
}

/// Signs that values were replaced where they were issued, or takes that back. It changes nobody's
/// rights, so it needs no secure window.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn offboard_tick(
    shell: Managed<'_>,
    principal_id: String,
    secrets: Vec<SecretRef>,
    done: bool,
) -> Answer<()> {
    shell.touch();
    shell.vault.offboard_tick(&principal_id, &secrets, done).await
}

/// Saves the whole list. None when cancelled, else the path.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn offboard_export(
    app: AppHandle,
    shell: Managed<'_>,
    principal_id: String,
) -> Answer<Option<String>> {
    let chosen = dialogs::save_file(&app, "Save the list", "strongroom-offboarding.csv").await;
    let Some(file) = chosen else { return Ok(None) };
    let shown = file.display().to_string();
    shell.vault.offboard_export(&principal_id, file).await?;
    Ok(Some(shown))
}

/// Signs and saves the certificate, with a page to print beside it. None when cancelled, else the
/// path.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn offboard_certificate(
    app: AppHandle,
    shell: Managed<'_>,
    principal_id: String,
) -> Answer<Option<String>> {
    let name = "offboarding.strongroom-certificate";
    let chosen = dialogs::save_file(&app, "Save the certificate", name).await;
    let Some(file) = chosen else { return Ok(None) };
    let shown = file.display().to_string();
    shell.vault.offboard_certificate(&principal_id, file).await?;
    Ok(Some(shown))
}
