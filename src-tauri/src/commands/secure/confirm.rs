//! Confirm: asks before something is destroyed.

use tauri::AppHandle;

use super::{Managed, done};
use crate::{
    error::{Answer, CommandError},
    shell::Act,
    view::secure::ConfirmContext,
    windows::Secure,
};

/// What the confirm window asks.
#[tauri::command]
pub async fn confirm_context(shell: Managed<'_>) -> Answer<ConfirmContext> {
    let frame = shell.vault.secure_frame().await?;
    Ok(match shell.asked_confirm()? {
        Act::RemoveVault { label, embedded, .. } => ConfirmContext {
            frame,
            title: format!("Remove \u{201c}{label}\u{201d} from this computer?"),
            text: if embedded {
                "Everything in this vault is kept on this computer only. It is deleted and cannot \
                 be opened again, not even with the Emergency Kit."
            } else {
                "The copy on this computer and its keys are deleted. The vault stays on its server \
                 and can be opened again with the Emergency Kit."
            }
            .to_owned(),
            typed: label,
            action: "Remove".to_owned(),
        },
    })
}

/// Does it, if what was typed is what was asked for.
#[tauri::command]
pub async fn confirm_submit(app: AppHandle, shell: Managed<'_>, typed: String) -> Answer<()> {
    match shell.asked_confirm()? {
        Act::RemoveVault { label, .. } if label != typed => return Err(CommandError::NotAllowed),
        Act::RemoveVault { id, .. } => shell.vault.remove(id).await?,
    }
    done(&app, &shell, Secure::Confirm).await
}
