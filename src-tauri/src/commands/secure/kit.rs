//! Kit: shows the Emergency Kit, prints and saves it.

use strongroom_secret::SecretText;
use tauri::{AppHandle, WebviewWindow};

use super::{Managed, done};
use crate::{dialogs, error::Answer, view::secure::KitContext, windows::Secure};

/// The Emergency Kit. Without a passphrase it is shown only right after the vault was made.
#[tauri::command]
pub async fn kit_context(shell: Managed<'_>, passphrase: Option<SecretText>) -> Answer<KitContext> {
    shell.vault.kit(passphrase).await
}

/// Prints the kit with the system's dialog.
#[tauri::command]
pub async fn kit_print(window: WebviewWindow) -> Answer<()> {
    Ok(window.print()?)
}

/// Saves the kit. None when cancelled, else the path.
#[tauri::command]
pub async fn kit_save(app: AppHandle, shell: Managed<'_>) -> Answer<Option<String>> {
    let name = "strongroom-emergency-kit.html";
    let chosen = dialogs::save_file(&app, "Save the Emergency Kit", name).await;
    let Some(file) = chosen else { return Ok(None) };
    let shown = file.display().to_string();
    shell.vault.kit_write(file).await?;
    Ok(Some(shown))
}

/// The kit is put away.
#[tauri::command]
pub async fn kit_done(app: AppHandle, shell: Managed<'_>) -> Answer<()> {
    shell.vault.kit_done();
    done(&app, &shell, Secure::Kit).await
}
