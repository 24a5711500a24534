//! Approve: shows a request of an agent that waits, and takes a person's word on it.

use tauri::WebviewWindow;

use super::{Managed, SecureWindow};
use crate::{
    error::{Answer, CommandError},
    shell::Shell,
    view::secure::{AnsweredView, ApproveContext},
    windows::Secure,
};

/// The request, or if it waits no more, the next one that does. The page asks again and again.
#[tauri::command]
pub async fn approve_context(window: WebviewWindow, shell: Managed<'_>) -> Answer<ApproveContext> {
    let by = SecureWindow::of(&window, Secure::Approve)?;
    shown(&by, &shell).await
}

/// The request after the one that is shown, or before it.
#[tauri::command]
pub async fn approve_next(
    window: WebviewWindow,
    shell: Managed<'_>,
    forward: bool,
) -> Answer<ApproveContext> {
    let by = SecureWindow::of(&window, Secure::Approve)?;
    shell.touch();
    shell.show_approve(shell.vault.approve_turn(&by, shell.shown_approve(), forward));
    shown(&by, &shell).await
}

/// Allows it once.
#[tauri::command]
pub async fn approve_once(
    window: WebviewWindow,
    shell: Managed<'_>,
    id: u64,
) -> Answer<AnsweredView> {
    let by = SecureWindow::of(&window, Secure::Approve)?;
    is_shown(&shell, id)?;
    shell.vault.approve_once(&by, id).await
}

/// Allows it and ones like it, within three limits.
#[tauri::command]
pub async fn approve_task(
    window: WebviewWindow,
    shell: Managed<'_>,
    id: u64,
    minutes: u32,
    count: u32,
    path: String,
) -> Answer<AnsweredView> {
    let by = SecureWindow::of(&window, Secure::Approve)?;
    is_shown(&shell, id)?;
    shell.vault.approve_task(&by, id, minutes, count, path).await
}

/// Refuses it, and tells the agent why.
#[tauri::command]
pub async fn approve_deny(
    window: WebviewWindow,
    shell: Managed<'_>,
    id: u64,
    reason: String,
) -> Answer<AnsweredView> {
    let by = SecureWindow::of(&window, Secure::Approve)?;
    is_shown(&shell, id)?;
    shell.vault.approve_deny(&by, id, reason).await
}

async fn shown(by: &SecureWindow, shell: &Shell) -> Answer<ApproveContext> {
    let (id, context) = shell.vault.approve_shown(by, shell.shown_approve()).await?;
    shell.show_approve(id.or_else(|| shell.shown_approve()));
    Ok(context)
}

/// A word is about what was shown last.
fn is_shown(shell: &Shell, id: u64) -> Answer<()> {
    shell.touch();
    if shell.shown_approve() == Some(id) { Ok(()) } else { Err(CommandError::SummaryChanged) }
}
