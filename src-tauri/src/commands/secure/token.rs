//! New service token: shows it once.

use tauri::{AppHandle, WebviewWindow};

use super::{Managed, SecureWindow};
use crate::{
    dialogs,
    error::Answer,
    view::{CopyView, secure::TokenContext},
    windows::Secure,
};

/// The token, and what it may do.
#[tauri::command]
pub async fn token_context(window: WebviewWindow, shell: Managed<'_>) -> Answer<TokenContext> {
    let by = SecureWindow::of(&window, Secure::Token)?;
    let token = shell.shown_token()?;
    shell.vault.token_shown(&by, &token).await
}

/// Copies the token.
#[tauri::command]
pub async fn token_copy(window: WebviewWindow, shell: Managed<'_>) -> Answer<CopyView> {
    let by = SecureWindow::of(&window, Secure::Token)?;
    shell.touch();
    let token = shell.shown_token()?;
    shell.vault.token_copy(&by, &token, "").await
}

/// Copies the token as the variable that the command line and CI read.
#[tauri::command]
pub async fn token_copy_ci(window: WebviewWindow, shell: Managed<'_>) -> Answer<CopyView> {
    let by = SecureWindow::of(&window, Secure::Token)?;
    shell.touch();
    let token = shell.shown_token()?;
    shell.vault.token_copy(&by, &token, "STRONGROOM_TOKEN=").await
}

/// Saves the token. None when cancelled, else the path.
#[tauri::command]
pub async fn token_save(
    app: AppHandle,
    window: WebviewWindow,
    shell: Managed<'_>,
) -> Answer<Option<String>> {
    let by = SecureWindow::of(&window, Secure::Token)?;
    shell.touch();
    let token = shell.shown_token()?;
    let chosen = dialogs::save_file(&app, "Save the token", "token.strongroom-token").await;
    let Some(file) = chosen else { return Ok(None) };
    let shown = file.display().to_string();
    shell.vault.token_write(&by, &token, file).await?;
    Ok(Some(shown))
}
