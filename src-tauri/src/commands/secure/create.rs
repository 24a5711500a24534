//! Create: takes the passphrase of a new vault.

use strongroom_client::profile::ServerPlace;
use strongroom_secret::SecretText;
use tauri::AppHandle;

use super::{Managed, done};
use crate::{
    error::Answer,
    view::secure::{CreateContext, KeepSecretKey},
    windows::Secure,
};

/// What the create window shows.
#[tauri::command]
pub async fn create_context(shell: Managed<'_>) -> Answer<CreateContext> {
    let new = shell.asked_create()?;
    let is_remote = new.server != ServerPlace::Embedded;
    let server = is_remote.then(|| new.server_shown());
    Ok(CreateContext {
        frame: shell.vault.secure_frame().await?,
        server,
        label: new.label,
        organisation: new.organisation,
        person: new.person,
        keyring: shell.vault.app().await?.keyring,
    })
}

/// Makes the vault, then shows its Emergency Kit.
#[tauri::command]
pub async fn create_submit(
    app: AppHandle,
    shell: Managed<'_>,
    passphrase: SecretText,
    keep: KeepSecretKey,
) -> Answer<()> {
    shell.touch();
    shell.vault.create(shell.asked_create()?, passphrase, keep).await?;
    done(&app, &shell, Secure::Create).await?;
    shell.ask_kit().await
}
