//! Operator code: shows what a person types in a terminal to answer agents.

use tauri::WebviewWindow;

use super::{Managed, SecureWindow};
use crate::{error::Answer, view::secure::OperatorContext, windows::Secure};

/// The code of this run of the broker.
#[tauri::command]
pub async fn operator_context(
    window: WebviewWindow,
    shell: Managed<'_>,
) -> Answer<OperatorContext> {
    let by = SecureWindow::of(&window, Secure::Operator)?;
    shell.touch();
    shell.vault.operator_shown(&by).await
}
