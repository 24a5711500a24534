//! Vaults of this computer: make, select, open, lock, remove.

use strongroom_client::profile::ServerPlace;

use super::Managed;
use crate::{
    desk::NewVault,
    error::{Answer, CommandError},
    shell::Act,
    view::{AppView, LockReason},
};

/// Opens the secure window in which a new vault gets its passphrase.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn vault_create(
    shell: Managed<'_>,
    label: String,
    person: String,
    organisation: String,
) -> Answer<()> {
    let server = ServerPlace::Embedded;
    shell.ask_create(NewVault { label, person, organisation, server, founder_code: None }).await
}

/// Makes the sample vault and opens it.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn vault_create_sample(shell: Managed<'_>) -> Answer<()> {
    shell.touch();
    shell.vault.create_sample().await
}

/// Selects a vault.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn vault_select(shell: Managed<'_>, id: String) -> Answer<AppView> {
    let view = shell.vault.select(id).await?;
    Ok(shell.complete_app(view))
}

/// Opens the unlock window.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn vault_unlock(shell: Managed<'_>) -> Answer<()> {
    shell.ask_unlock().await
}

/// Locks.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn vault_lock(shell: Managed<'_>) -> Answer<()> {
    shell.lock(LockReason::User).await
}

/// Opens the secure window that asks before a vault is taken off this computer.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn vault_remove(shell: Managed<'_>, id: String) -> Answer<()> {
    let vaults = shell.vault.app().await?.vaults;
    let vault = vaults.into_iter().find(|vault| vault.id == id).ok_or(CommandError::NotFound)?;
    shell.ask_confirm(Act::RemoveVault { id, label: vault.label, embedded: vault.embedded }).await
}

/// Opens the Emergency Kit, which asks for the passphrase first.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn kit_open(shell: Managed<'_>) -> Answer<()> {
    shell.ask_kit().await
}
