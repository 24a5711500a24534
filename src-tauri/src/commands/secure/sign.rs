//! Sign: shows Rust's own summary of the very links, and signs them.

use tauri::{AppHandle, WebviewWindow};

use super::{Managed, SecureWindow, done};
use crate::{
    desk::signing::AfterSigning,
    error::Answer,
    events::{self, Signed},
    view::secure::SignContext,
    windows::Secure,
};

/// What is about to be signed. Asked again, it shows what would be signed now.
#[tauri::command]
pub async fn sign_context(window: WebviewWindow, shell: Managed<'_>) -> Answer<SignContext> {
    let by = SecureWindow::of(&window, Secure::Sign)?;
    let (number, wanted) = shell.asked_sign()?;
    let (proposal, context) = shell.vault.propose(&by, &wanted).await?;
    shell.show_sign(number, wanted, proposal)?;
    Ok(context)
}

/// Signs what was shown, and then shows what can be seen only once.
#[tauri::command]
pub async fn sign_submit(
    app: AppHandle,
    window: WebviewWindow,
    shell: Managed<'_>,
    typed: Option<String>,
    checked: bool,
) -> Answer<()> {
    let by = SecureWindow::of(&window, Secure::Sign)?;
    shell.touch();
    let (wanted, proposal) = shell.shown_sign()?;
    let (signed, after) = shell.vault.sign(&by, &wanted, proposal, typed, checked).await?;
    done(&app, &shell, Secure::Sign).await?;
    events::emit(&app, Signed(signed));
    match after {
        AfterSigning::Nothing => Ok(()),
        AfterSigning::Invite(id) => shell.ask_invite_show(id).await,
        AfterSigning::Token(token) => shell.show_token(*token).await,
    }
}
