//! Take over: takes the code of an invitation that another manager made.

use strongroom_secret::SecretText;
use tauri::{AppHandle, WebviewWindow};

use super::{Managed, SecureWindow, done};
use crate::{error::Answer, view::secure::TakeContext, windows::Secure};

/// Words and colours.
#[tauri::command]
pub async fn take_context(shell: Managed<'_>) -> Answer<TakeContext> {
    Ok(TakeContext { frame: shell.vault.secure_frame().await? })
}

/// Keeps the code, so that this computer finishes the join by itself.
#[tauri::command]
pub async fn take_submit(
    app: AppHandle,
    window: WebviewWindow,
    shell: Managed<'_>,
    code: SecretText,
) -> Answer<()> {
    let by = SecureWindow::of(&window, Secure::Take)?;
    shell.touch();
    shell.vault.take_invite(&by, code).await?;
    done(&app, &shell, Secure::Take).await
}
