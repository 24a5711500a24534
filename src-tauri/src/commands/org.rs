//! The organisation, its applications and their environments.

use super::Managed;
use crate::{
    error::Answer,
    view::{EnvClass, NewEnvironment, OrgView},
};

/// The open organisation.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn org_view(shell: Managed<'_>) -> Answer<OrgView> {
    shell.vault.org().await
}

/// Makes an organisation and opens it.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn org_create(shell: Managed<'_>, name: String) -> Answer<OrgView> {
    shell.vault.org_create(name).await
}

/// Opens another organisation of this vault.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn org_select(shell: Managed<'_>, id: String) -> Answer<OrgView> {
    shell.vault.org_select(id).await
}

/// Renames the open organisation.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn org_rename(shell: Managed<'_>, name: String) -> Answer<OrgView> {
    shell.vault.org_rename(name).await
}

/// Makes an application with its environments.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn app_create(
    shell: Managed<'_>,
    name: String,
    environments: Vec<NewEnvironment>,
) -> Answer<OrgView> {
    shell.vault.app_create(name, environments).await
}

/// Renames an application.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn app_rename(shell: Managed<'_>, app_id: String, name: String) -> Answer<OrgView> {
    shell.vault.app_rename(app_id, name).await
}

/// Makes an environment.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn env_create(
    shell: Managed<'_>,
    app_id: String,
    name: String,
    cls: EnvClass,
) -> Answer<OrgView> {
    shell.vault.env_create(app_id, name, cls).await
}

/// Renames or reclassifies an environment.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn env_rename(
    shell: Managed<'_>,
    env_id: String,
    name: String,
    cls: EnvClass,
) -> Answer<OrgView> {
    shell.vault.env_rename(env_id, name, cls).await
}
