//! The witness that signs the heads of the log too, if there is one.

use super::Managed;
use crate::{error::Answer, view::WitnessView};

/// The witness.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn witness_view(shell: Managed<'_>) -> Answer<Option<WitnessView>> {
    shell.vault.witness().await
}

/// Asks this witness from now on.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn witness_set(shell: Managed<'_>, url: String, vkey: String) -> Answer<WitnessView> {
    shell.touch();
    shell.vault.witness_set(url, vkey).await
}

/// Asks no witness any more.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn witness_remove(shell: Managed<'_>) -> Answer<()> {
    shell.touch();
    shell.vault.witness_remove().await
}
