//! Unlock: takes the passphrase of the selected vault.

use strongroom_secret::SecretText;
use tauri::AppHandle;

use super::{Managed, done};
use crate::{error::Answer, view::secure::UnlockContext, windows::Secure};

/// What the unlock window shows.
#[tauri::command]
pub async fn unlock_context(shell: Managed<'_>) -> Answer<UnlockContext> {
    shell.vault.unlock_context().await
}

/// Opens the selected vault.
#[tauri::command]
pub async fn unlock_submit(
    app: AppHandle,
    shell: Managed<'_>,
    passphrase: SecretText,
    secret_key: Option<SecretText>,
) -> Answer<()> {
    shell.touch();
    shell.vault.unlock(passphrase, secret_key).await?;
    done(&app, &shell, Secure::Unlock).await
}
