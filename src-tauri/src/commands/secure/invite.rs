//! Invitation: shows the code of one invitation, for a person to hand over.

use tauri::{AppHandle, WebviewWindow};

use super::{Managed, SecureWindow};
use crate::{
    dialogs,
    error::Answer,
    view::{CopyView, secure::InviteContext},
    windows::Secure,
};

/// The code, and what it promises.
#[tauri::command]
pub async fn invite_context(window: WebviewWindow, shell: Managed<'_>) -> Answer<InviteContext> {
    let by = SecureWindow::of(&window, Secure::Invite)?;
    shell.vault.invite_shown(&by, shell.asked_invite()?).await
}

/// Copies the code.
#[tauri::command]
pub async fn invite_copy(window: WebviewWindow, shell: Managed<'_>) -> Answer<CopyView> {
    let by = SecureWindow::of(&window, Secure::Invite)?;
    shell.touch();
    shell.vault.invite_copy(&by, shell.asked_invite()?).await
}

/// Saves the code. None when cancelled, else the path.
#[tauri::command]
pub async fn invite_save(
    app: AppHandle,
    window: WebviewWindow,
    shell: Managed<'_>,
) -> Answer<Option<String>> {
    let by = SecureWindow::of(&window, Secure::Invite)?;
    shell.touch();
    let id = shell.asked_invite()?;
    let name = "invitation.strongroom-invite";
    let chosen = dialogs::save_file(&app, "Save the invitation", name).await;
    let Some(file) = chosen else { return Ok(None) };
    let shown = file.display().to_string();
    shell.vault.invite_write(&by, id, file).await?;
    Ok(Some(shown))
}
