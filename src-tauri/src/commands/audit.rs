//! The audit log: looking for entries, checking them, and writing them out. What an owner decides
//! about the log itself is only asked for here and signed in a secure window.

use tauri::AppHandle;

use super::Managed;
use crate::{
    clock,
    desk::{audit::file_name, intents},
    dialogs,
    error::Answer,
    view::{
        AuditAnswer, AuditCompared, AuditEntry, AuditFormat, AuditQuery, AuditRow, AuditState,
        AuditVerified, HeadsCompared, Millis, NewLogView, SavedView,
    },
};

/// How far the log is read.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_state(shell: Managed<'_>) -> Answer<AuditState> {
    shell.vault.audit_state().await
}

/// Looks for entries.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_ask(shell: Managed<'_>, query: AuditQuery) -> Answer<AuditAnswer> {
    shell.vault.audit_ask(query).await
}

/// A page of the rows that were found.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_rows(
    shell: Managed<'_>,
    id: u32,
    from: u32,
    count: u32,
    newest_first: bool,
) -> Answer<Vec<AuditRow>> {
    shell.vault.audit_rows(id, from, count, newest_first).await
}

/// One entry with its proof.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_entry(shell: Managed<'_>, entry: u64) -> Answer<AuditEntry> {
    shell.vault.audit_entry(entry).await
}

/// Checks the whole log.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_verify(shell: Managed<'_>) -> Answer<AuditVerified> {
    shell.touch();
    shell.vault.audit_verify().await
}

/// What the last check of this session came to.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_verified(shell: Managed<'_>) -> Answer<Option<AuditVerified>> {
    shell.vault.audit_verified()
}

/// A head of the log to compare with somebody: of this size, or the newest one.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_compare(shell: Managed<'_>, size: Option<u64>) -> Answer<AuditCompared> {
    shell.vault.audit_compare(size).await
}

/// Compares the line that somebody else's computer shows, a size and its code, with this one's.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_compare_with(shell: Managed<'_>, line: String) -> Answer<HeadsCompared> {
    shell.vault.audit_compare_with(line).await
}

/// Writes out what a query finds. None when cancelled in the dialog, else the path.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_export(
    app: AppHandle,
    shell: Managed<'_>,
    query: AuditQuery,
    format: AuditFormat,
    names: bool,
) -> Answer<Option<String>> {
    shell.touch();
    let title = match format {
        AuditFormat::Csv | AuditFormat::Jsonl | AuditFormat::Cef => "Save the audit log",
        AuditFormat::Bundle => "Save the evidence",
    };
    let chosen = dialogs::save_file(&app, title, &file_name(format)).await;
    let Some(file) = chosen else { return Ok(None) };
    let shown = file.display().to_string();
    shell.vault.audit_export(query, format, names, file).await?;
    Ok(Some(shown))
}

/// Saves the proof of one entry. None when cancelled, else the path.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_proof_save(
    app: AppHandle,
    shell: Managed<'_>,
    entry: u64,
) -> Answer<Option<String>> {
    let name = format!("entry-{entry}.tlog-proof");
    let chosen = dialogs::save_file(&app, "Save the proof", &name).await;
    let Some(file) = chosen else { return Ok(None) };
    let shown = file.display().to_string();
    shell.vault.audit_proof_save(entry, file).await?;
    Ok(Some(shown))
}

/// Looks for new entries every other second, as long as the window shows them.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_follow(shell: Managed<'_>, on: bool) -> Answer<()> {
    shell.follow_log(on);
    Ok(())
}

/// Somebody reads the log on this screen.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_seen(shell: Managed<'_>) -> Answer<()> {
    shell.touch();
    Ok(())
}

/// The filters that this computer keeps.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_views(shell: Managed<'_>) -> Answer<Vec<SavedView>> {
    shell.vault.audit_views().await
}

/// Keeps a filter under a name, in place of an older one of that name.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_view_save(
    shell: Managed<'_>,
    name: String,
    query: AuditQuery,
) -> Answer<Vec<SavedView>> {
    shell.touch();
    shell.vault.audit_view_save(name, query).await
}

/// Forgets a filter.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_view_delete(shell: Managed<'_>, id: String) -> Answer<Vec<SavedView>> {
    shell.touch();
    shell.vault.audit_view_delete(id).await
}

/// Opens the window in which an owner lets entries go that are older than `before`.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_retain(shell: Managed<'_>, before: Millis) -> Answer<()> {
    shell.ask_sign_retention(intents::retention(before, clock::now())?).await
}

/// Opens the window in which an owner accepts the log that the server has now, after a restore from
/// backup for instance.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_reset(shell: Managed<'_>) -> Answer<()> {
    shell.ask_sign_new_log().await
}

/// The new logs that took the place of one which this computer had verified, newest first.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_new_logs(shell: Managed<'_>) -> Answer<Vec<NewLogView>> {
    shell.vault.new_logs().await
}

/// Remembers that a new log was seen.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn audit_new_log_acknowledge(shell: Managed<'_>, link: u64) -> Answer<()> {
    shell.touch();
    shell.vault.new_log_acknowledge(link).await
}
