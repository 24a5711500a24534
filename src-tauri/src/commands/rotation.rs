//! Data keys that must be replaced.

use super::Managed;
use crate::{error::Answer, view::RotationsView};

/// The queue of data keys.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn rotations_view(shell: Managed<'_>) -> Answer<RotationsView> {
    shell.vault.rotations().await
}

/// Replaces data keys and answers when that is done. Nobody gains by it, so it needs no secure
/// window.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn rotation_start(shell: Managed<'_>, env_ids: Vec<String>) -> Answer<()> {
    shell.touch();
    shell.vault.rotate(&env_ids).await
}
