//! Edit: takes one value.

use strongroom_secret::SecretText;
use tauri::AppHandle;

use super::{Managed, done};
use crate::{
    error::Answer,
    view::secure::{EditContext, Shown},
    windows::Secure,
};

/// What the edit window shows. It never holds the value so far.
#[tauri::command]
pub async fn edit_context(shell: Managed<'_>) -> Answer<EditContext> {
    let at = shell.asked_edit()?;
    shell.vault.edit_context(at.env_id, at.secret_id).await
}

/// A random value for the field.
#[tauri::command]
pub async fn edit_generate(shell: Managed<'_>, length: u32, symbols: bool) -> Answer<Shown> {
    shell.vault.generate(length, symbols)
}

/// Stages what was typed. Without a value the signed one stays.
#[tauri::command]
pub async fn edit_submit(
    app: AppHandle,
    shell: Managed<'_>,
    name: String,
    value: Option<SecretText>,
    note: String,
) -> Answer<()> {
    let at = shell.asked_edit()?;
    shell.touch();
    shell.vault.stage(at.env_id, at.secret_id, name, value, note).await?;
    done(&app, &shell, Secure::Edit).await
}
