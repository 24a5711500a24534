//! Import of a file. The window names neither the file nor its folder: both are chosen in a dialog
//! of Rust or dropped by the person, and the path stays here.

use tauri::AppHandle;

use super::Managed;
use crate::{
    dialogs,
    error::{Answer, CommandError},
    view::{CommitOutcome, ImportReport},
};

/// Lets the person choose a file and says what importing it would do. None when cancelled.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn import_choose(
    app: AppHandle,
    shell: Managed<'_>,
    env_id: String,
) -> Answer<Option<ImportReport>> {
    match dialogs::pick_env_file(&app).await {
        Some(file) => shell.vault.import_read(env_id, file).await.map(Some),
        None => Ok(None),
    }
}

/// Says what importing the file last dropped on the window would do.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn import_dropped(shell: Managed<'_>, env_id: String) -> Answer<ImportReport> {
    let file = shell.take_dropped().ok_or(CommandError::NotFound)?;
    shell.vault.import_read(env_id, file).await
}

/// Gives an entry another name.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn import_rename(
    shell: Managed<'_>,
    report_id: String,
    line: u32,
    name: String,
) -> Answer<ImportReport> {
    shell.vault.import_rename(report_id, line, name).await
}

/// Chooses which line of a duplicate counts.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn import_keep(
    shell: Managed<'_>,
    report_id: String,
    name: String,
    line: u32,
) -> Answer<ImportReport> {
    shell.vault.import_keep(report_id, name, line).await
}

/// Signs the import as one commit.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn import_apply(shell: Managed<'_>, report_id: String) -> Answer<CommitOutcome> {
    shell.touch();
    shell.vault.import_apply(report_id).await
}

/// Forgets the dry run.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn import_discard(shell: Managed<'_>, report_id: String) -> Answer<()> {
    shell.vault.import_discard(&report_id);
    Ok(())
}
