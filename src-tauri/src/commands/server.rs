//! Team servers: who they are, and vaults on them.

use std::sync::Arc;

use strongroom_client::{api::Origin, profile::ServerPlace};
use strongroom_secret::SecretText;

use super::Managed;
use crate::{
    desk::NewVault,
    error::Answer,
    view::{BrowserSignIn, ServerView},
};

/// Asks a server who it is.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn server_look(shell: Managed<'_>, address: String) -> Answer<ServerView> {
    shell.vault.server_look(&address).await
}

/// Signs in at a provider of a server through the system's browser, and waits for the person there.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn server_sign_in(
    shell: Managed<'_>,
    address: String,
    issuer: String,
) -> Answer<BrowserSignIn> {
    shell.vault.server_sign_in(&address, &issuer).await
}

/// Opens the secure window in which a vault on a team server gets its passphrase.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn vault_create_on(
    shell: Managed<'_>,
    address: String,
    label: String,
    person: String,
    organisation: String,
    founder_code: Option<String>,
) -> Answer<()> {
    let origin: Origin = address.parse()?;
    let server = ServerPlace::Origin(origin.as_str().to_owned());
    let founder_code = founder_code.map(|code| Arc::new(SecretText::from_string(code)));
    shell.ask_create(NewVault { label, person, organisation, server, founder_code }).await
}

/// Opens the secure window in which somebody joins a vault.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn vault_join(shell: Managed<'_>) -> Answer<()> {
    shell.ask_join().await
}

/// Opens the secure window that takes an Emergency Kit.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn vault_restore(shell: Managed<'_>, address: Option<String>) -> Answer<()> {
    let address = address.map(|text| text.parse::<Origin>()).transpose()?;
    shell.ask_restore(address.map(|origin| origin.as_str().to_owned())).await
}
