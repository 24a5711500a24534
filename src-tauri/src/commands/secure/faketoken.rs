//! New fake token: makes it and shows it once.

use std::sync::Arc;

use tauri::WebviewWindow;

use super::{Managed, SecureWindow};
use crate::{
    error::Answer,
    view::{CopyView, secure::FakeTokenContext},
    windows::Secure,
};

/// The fake token, made when the window first asks.
#[tauri::command]
pub async fn faketoken_context(
    window: WebviewWindow,
    shell: Managed<'_>,
) -> Answer<FakeTokenContext> {
    let by = SecureWindow::of(&window, Secure::FakeToken)?;
    shell.touch();
    if let Some(wanted) = shell.take_fake_wanted() {
        shell.keep_fake(shell.vault.fake_make(&by, wanted).await?);
    }
    shell.vault.fake_shown(&by, Arc::clone(&shell.fake_made()?)).await
}

/// Copies it.
#[tauri::command]
pub async fn faketoken_copy(window: WebviewWindow, shell: Managed<'_>) -> Answer<CopyView> {
    let by = SecureWindow::of(&window, Secure::FakeToken)?;
    shell.touch();
    let made = shell.fake_made()?;
    shell.vault.fake_copy(&by, &made).await
}

/// Copies what the agent's environment needs.
#[tauri::command]
pub async fn faketoken_copy_variables(
    window: WebviewWindow,
    shell: Managed<'_>,
) -> Answer<CopyView> {
    let by = SecureWindow::of(&window, Secure::FakeToken)?;
    shell.touch();
    let made = shell.fake_made()?;
    shell.vault.fake_copy_variables(&by, &made).await
}
