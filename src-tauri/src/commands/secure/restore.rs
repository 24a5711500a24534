//! Restore: an Emergency Kit and its passphrase open a vault on a computer that never had it.

use strongroom_secret::SecretText;
use tauri::{AppHandle, WebviewWindow};

use super::{Managed, SecureWindow, done};
use crate::{
    desk::joining::Restoring,
    error::Answer,
    view::secure::{KeepSecretKey, RestoreContext},
    windows::Secure,
};

/// What the restore window begins with.
#[tauri::command]
pub async fn restore_context(shell: Managed<'_>) -> Answer<RestoreContext> {
    Ok(RestoreContext {
        frame: shell.vault.secure_frame().await?,
        server: shell.asked_restore(),
        keyring: shell.vault.app().await?.keyring,
    })
}

/// Opens the vault and leaves it open. `head` is the line of the kit with a link and its code.
#[tauri::command]
#[expect(clippy::too_many_arguments, reason = "one for each field of the page")]
pub async fn restore_submit(
    app: AppHandle,
    window: WebviewWindow,
    shell: Managed<'_>,
    server: String,
    account: String,
    organisation: String,
    head: Option<String>,
    secret_key: SecretText,
    passphrase: SecretText,
    label: String,
    keep: KeepSecretKey,
) -> Answer<()> {
    let by = SecureWindow::of(&window, Secure::Restore)?;
    shell.touch();
    let restoring =
        Restoring { server, account, organisation, head, secret_key, passphrase, label, keep };
    shell.vault.restore_from(&by, restoring).await?;
    done(&app, &shell, Secure::Restore).await
}
