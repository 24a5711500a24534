//! An environment and its rows; the palette, which looks through all of them.

use super::Managed;
use crate::{
    error::{Answer, CommandError},
    view::{EnvView, PaletteView, RowsQuery, RowsView},
};

/// More rows than any window shows at once.
const MOST_ROWS: u32 = 1_000;

/// Opens an environment.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn env_open(shell: Managed<'_>, env_id: String) -> Answer<EnvView> {
    shell.vault.env_open(env_id).await
}

/// A window onto the rows of an environment.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn env_rows(shell: Managed<'_>, query: RowsQuery) -> Answer<RowsView> {
    if query.limit > MOST_ROWS {
        return Err(CommandError::TooLarge { limit: MOST_ROWS });
    }
    shell.vault.env_rows(query).await
}

/// Looks for secrets by name.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn palette_search(shell: Managed<'_>, query: String, limit: u32) -> Answer<PaletteView> {
    shell.vault.palette_search(query, limit.min(MOST_ROWS)).await
}
