//! Join: looks where a code leads, then makes the person's keys and asks to be admitted.

use strongroom_secret::SecretText;
use tauri::{AppHandle, WebviewWindow};

use super::{Managed, SecureWindow, done};
use crate::{
    desk::joining::Joining,
    dialogs,
    error::Answer,
    view::secure::{CodeRead, JoinContext, JoinLook, KeepSecretKey},
    windows::Secure,
};

/// Words, colours, and whether the keyring can keep the Secret Key.
#[tauri::command]
pub async fn join_context(shell: Managed<'_>) -> Answer<JoinContext> {
    Ok(JoinContext {
        frame: shell.vault.secure_frame().await?,
        keyring: shell.vault.app().await?.keyring,
    })
}

/// Where a code leads, by the code alone. Nothing is sent.
#[tauri::command]
pub async fn join_read(
    window: WebviewWindow,
    shell: Managed<'_>,
    code: SecretText,
) -> Answer<CodeRead> {
    let by = SecureWindow::of(&window, Secure::Join)?;
    shell.touch();
    shell.vault.read_code(&by, &code)
}

/// Where a code leads. Only the question for the organisation's history is sent.
#[tauri::command]
pub async fn join_look(
    window: WebviewWindow,
    shell: Managed<'_>,
    code: SecretText,
) -> Answer<JoinLook> {
    let by = SecureWindow::of(&window, Secure::Join)?;
    shell.touch();
    let (looked, view) = shell.vault.look_at_code(&by, code).await?;
    shell.keep_looked(looked);
    Ok(view)
}

/// The same for a code in a file. None when cancelled.
#[tauri::command]
pub async fn join_file(
    app: AppHandle,
    window: WebviewWindow,
    shell: Managed<'_>,
) -> Answer<Option<JoinLook>> {
    let by = SecureWindow::of(&window, Secure::Join)?;
    shell.touch();
    let Some(file) = dialogs::pick_invite_file(&app).await else { return Ok(None) };
    let code = shell.vault.code_in_file(&by, file).await?;
    let (looked, view) = shell.vault.look_at_code(&by, code).await?;
    shell.keep_looked(looked);
    Ok(Some(view))
}

/// Joins with the code that was looked at, then shows the Emergency Kit. With `reset` the account is
/// that of a member who lost every key.
#[tauri::command]
#[expect(clippy::too_many_arguments, reason = "one for each field of the page")]
pub async fn join_submit(
    app: AppHandle,
    window: WebviewWindow,
    shell: Managed<'_>,
    name: String,
    label: String,
    passphrase: SecretText,
    keep: KeepSecretKey,
    reset: bool,
    account: Option<String>,
) -> Answer<()> {
    let by = SecureWindow::of(&window, Secure::Join)?;
    shell.touch();
    let account = account.filter(|_| reset);
    let joining = Joining { name, label, passphrase, keep, account };
    shell.vault.join_with(&by, shell.looked()?, joining).await?;
    done(&app, &shell, Secure::Join).await?;
    shell.ask_kit().await
}
