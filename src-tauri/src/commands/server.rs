//! Team servers: who they are, and vaults on them.

use super::Managed;
use crate::{error::Answer, view::ServerView};

/// Asks a server who it is.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn server_look(shell: Managed<'_>, address: String) -> Answer<ServerView> {
    shell.vault.server_look(&address).await
}
