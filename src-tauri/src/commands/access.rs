//! The matrix of who may read what. Changes are staged here and signed in a secure window, which
//! takes them from the vault: script in the main window can stage and never sign.

use super::Managed;
use crate::{
    error::{Answer, CommandError},
    view::{
        AccessAxes, AccessChange, AccessExplain, AccessReview, AccessStaged, AccessTile,
        WhoSubject, WhoView,
    },
};

/// Rows and columns of the matrix.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn access_axes(shell: Managed<'_>) -> Answer<AccessAxes> {
    shell.vault.access_axes().await
}

/// One square of cells of these axes.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn access_tile(
    shell: Managed<'_>,
    version: u32,
    row: u32,
    col: u32,
) -> Answer<AccessTile> {
    let tile = shell.vault.access_tile(row, col).await?;
    // Cells of other axes would be drawn at the wrong place.
    if tile.version == version {
        Ok(tile)
    } else {
        Ok(AccessTile { version: tile.version, cells: Vec::new() })
    }
}

/// Stages changes as one step.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn access_stage(shell: Managed<'_>, changes: Vec<AccessChange>) -> Answer<AccessStaged> {
    shell.vault.access_stage(changes).await
}

/// Takes the last step back.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn access_undo(shell: Managed<'_>) -> Answer<AccessStaged> {
    shell.vault.access_undo().await
}

/// Takes it again.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn access_redo(shell: Managed<'_>) -> Answer<AccessStaged> {
    shell.vault.access_redo().await
}

/// Drops everything staged.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn access_discard(shell: Managed<'_>) -> Answer<AccessStaged> {
    shell.vault.access_discard().await
}

/// Why a cell is as it is.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn access_explain(
    shell: Managed<'_>,
    principal_id: String,
    env_id: String,
) -> Answer<AccessExplain> {
    shell.vault.access_explain(&principal_id, &env_id).await
}

/// What signing the staged changes would do.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn access_review(shell: Managed<'_>) -> Answer<AccessReview> {
    shell.vault.access_review().await
}

/// Opens the window that signs exactly what is staged.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn access_sign(shell: Managed<'_>) -> Answer<()> {
    let review = shell.vault.access_review().await?;
    if let Some(missing) = review.blocked {
        return Err(CommandError::NotReady { missing });
    }
    let intent = shell.vault.access_intent().await?;
    shell.ask_sign(intent).await
}

/// Who can read something, by which rule, and who did.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn who_view(shell: Managed<'_>, subject: WhoSubject) -> Answer<WhoView> {
    shell.vault.who(&subject).await
}
