//! Service tokens. What makes or ends one only opens a secure window.

use super::Managed;
use crate::{error::Answer, view::TokensView};

/// All service tokens of the organisation.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn tokens_view(shell: Managed<'_>) -> Answer<TokensView> {
    shell.vault.tokens().await
}
