//! Closing: the one command that all secure windows share.

use tauri::{AppHandle, WebviewWindow};

use super::{Managed, done};
use crate::{
    error::{Answer, CommandError},
    windows::Secure,
};

/// Closes the window that asks, whichever secure window it is.
#[tauri::command]
pub async fn secure_close(app: AppHandle, window: WebviewWindow, shell: Managed<'_>) -> Answer<()> {
    let which = Secure::ALL.into_iter().find(|which| which.label() == window.label());
    done(&app, &shell, which.ok_or(CommandError::NotAllowed)?).await
}
