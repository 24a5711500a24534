//! Reveal: shows one value for a few seconds.

use std::time::Duration;

use tauri::{AppHandle, Manager};

use super::{Managed, done};
use crate::{
    error::{Answer, CommandError},
    shell::Shell,
    view::{CopyView, secure::RevealContext},
    windows::Secure,
};

/// One value, for a few seconds. Rust closes the window on its own clock too, so a page that stands
/// still does not keep it on the screen.
#[tauri::command]
pub async fn reveal_context(app: AppHandle, shell: Managed<'_>) -> Answer<RevealContext> {
    let at = shell.asked_reveal()?;
    let secret_id = at.secret_id.ok_or(CommandError::NotFound)?;
    let context = shell.vault.reveal(at.env_id, secret_id).await?;
    // The page may pause once, by fifteen seconds, for a screen reader.
    let longest = Duration::from_secs(u64::from(context.seconds) + 16);
    let this = shell.reveals();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(longest).await;
        let shell = app.state::<Shell>();
        if shell.reveals() == this
            && let Err(error) = done(&app, &shell, Secure::Reveal).await
        {
            tracing::error!(%error, "the reveal window did not close");
        }
    });
    Ok(context)
}

/// Copies the value that the window shows.
#[tauri::command]
pub async fn reveal_copy(shell: Managed<'_>) -> Answer<CopyView> {
    let at = shell.asked_reveal()?;
    let secret_id = at.secret_id.ok_or(CommandError::NotFound)?;
    shell.touch();
    shell.vault.secret_copy(at.env_id, secret_id).await
}
