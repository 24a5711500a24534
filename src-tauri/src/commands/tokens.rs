//! Service tokens. What makes or ends one only opens a secure window.

use super::Managed;
use crate::{
    desk::intents,
    error::Answer,
    view::{Millis, TokenScopeSpec, TokensView},
};

/// All service tokens of the organisation.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn tokens_view(shell: Managed<'_>) -> Answer<TokensView> {
    shell.vault.tokens().await
}

/// Opens the window that signs a new token and then shows it once.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn token_new(
    shell: Managed<'_>,
    name: String,
    scopes: Vec<TokenScopeSpec>,
    ends_at: Option<Millis>,
) -> Answer<()> {
    shell.ask_sign(intents::token(&name, &scopes, ends_at)?).await
}

/// Opens the window that ends a token.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn token_revoke(shell: Managed<'_>, id: String) -> Answer<()> {
    shell.ask_sign(intents::token_end(&id)?).await
}
