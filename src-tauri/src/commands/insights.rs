//! What deserves a look, and what this computer alone knows about it.

use super::Managed;
use crate::{
    error::Answer,
    view::{DecoyView, InsightsView, Millis, ReaderClock},
};

/// Everything that deserves a look now.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn insights_view(shell: Managed<'_>, clock: ReaderClock) -> Answer<InsightsView> {
    shell.vault.insights(clock).await
}

/// Dismisses a finding until a time; one that is over shows it again.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn insight_dismiss(
    shell: Managed<'_>,
    id: String,
    until: Millis,
    clock: ReaderClock,
) -> Answer<()> {
    shell.vault.dismiss_insight(&id, until, clock).await
}

/// Marks a secret as a decoy, on this computer only, or ends that.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn decoy_set(
    shell: Managed<'_>,
    env_id: String,
    secret_id: String,
    on: bool,
) -> Answer<()> {
    shell.vault.set_decoy(&env_id, &secret_id, on).await
}

/// Whether a secret is a decoy on this computer.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn decoy_view(
    shell: Managed<'_>,
    env_id: String,
    secret_id: String,
) -> Answer<DecoyView> {
    shell.vault.decoy_view(&env_id, &secret_id).await
}
