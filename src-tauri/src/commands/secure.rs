//! The secure windows. Each command is granted to one window, and what it works on was fixed when
//! that window was opened.

use std::time::Duration;

use strongroom_secret::SecretText;
use tauri::{AppHandle, Manager, WebviewWindow};

use super::Managed;
use crate::{
    dialogs,
    error::{Answer, CommandError},
    shell::{Act, Shell},
    view::{
        CopyView,
        secure::{
            ConfirmContext, CreateContext, EditContext, KeepSecretKey, KitContext, RevealContext,
            Shown, UnlockContext,
        },
    },
    windows::{Secure, close_secure},
};

/// Closes the window that asks, whichever secure window it is.
#[tauri::command]
pub async fn secure_close(app: AppHandle, window: WebviewWindow, shell: Managed<'_>) -> Answer<()> {
    let which = Secure::ALL.into_iter().find(|which| which.label() == window.label());
    done(&app, &shell, which.ok_or(CommandError::NotAllowed)?).await
}

/// What the unlock window shows.
#[tauri::command]
pub async fn unlock_context(shell: Managed<'_>) -> Answer<UnlockContext> {
    shell.vault.unlock_context().await
}

/// Opens the selected vault.
#[tauri::command]
pub async fn unlock_submit(
    app: AppHandle,
    shell: Managed<'_>,
    passphrase: SecretText,
    secret_key: Option<SecretText>,
) -> Answer<()> {
    shell.touch();
    shell.vault.unlock(passphrase, secret_key).await?;
    done(&app, &shell, Secure::Unlock).await
}

/// What the create window shows.
#[tauri::command]
pub async fn create_context(shell: Managed<'_>) -> Answer<CreateContext> {
    let new = shell.asked_create()?;
    Ok(CreateContext {
        frame: shell.vault.secure_frame().await?,
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

/// The Emergency Kit. Without a passphrase it is shown only right after the vault was made.
#[tauri::command]
pub async fn kit_context(shell: Managed<'_>, passphrase: Option<SecretText>) -> Answer<KitContext> {
    shell.vault.kit(passphrase).await
}

/// Prints the kit with the system's dialog.
#[tauri::command]
pub async fn kit_print(window: WebviewWindow) -> Answer<()> {
    Ok(window.print()?)
}

/// Saves the kit. None when cancelled, else the path.
#[tauri::command]
pub async fn kit_save(app: AppHandle, shell: Managed<'_>) -> Answer<Option<String>> {
    let name = "strongroom-emergency-kit.html";
    let chosen = dialogs::save_file(&app, "Save the Emergency Kit", name).await;
    let Some(file) = chosen else { return Ok(None) };
    let shown = file.display().to_string();
    shell.vault.kit_write(file).await?;
    Ok(Some(shown))
}

/// The kit is put away.
#[tauri::command]
pub async fn kit_done(app: AppHandle, shell: Managed<'_>) -> Answer<()> {
    shell.vault.kit_done();
    done(&app, &shell, Secure::Kit).await
}

/// One value, for a few seconds. Rust closes the window on its own clock too, so a page that stands
/// still does not keep it on the screen.
#[tauri::command]
pub async fn reveal_context(app: AppHandle, shell: Managed<'_>) -> Answer<RevealContext> {
    let at = shell.asked_reveal()?;
    let secret_id = at.secret_id.ok_or(CommandError::NotFound)?;
    let context = shell.vault.reveal(at.env_id, secret_id).await?;
    // The page may pause once, by fifteen seconds, for a screen reader.
    let longest = Duration::from_secs(u64::from(context.seconds) + 16);
    let this = shell.reveals();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(longest).await;
        let shell = app.state::<Shell>();
        if shell.reveals() == this
            && let Err(error) = done(&app, &shell, Secure::Reveal).await
        {
            tracing::error!(%error, "the reveal window did not close");
        }
    });
    Ok(context)
}

/// Copies the value that the window shows.
#[tauri::command]
pub async fn reveal_copy(shell: Managed<'_>) -> Answer<CopyView> {
    let at = shell.asked_reveal()?;
    let secret_id = at.secret_id.ok_or(CommandError::NotFound)?;
    shell.touch();
    shell.vault.secret_copy(at.env_id, secret_id).await
}

/// What the edit window shows. It never holds the value so far.
#[tauri::command]
pub async fn edit_context(shell: Managed<'_>) -> Answer<EditContext> {
    let at = shell.asked_edit()?;
    shell.vault.edit_context(at.env_id, at.secret_id).await
}

/// A random value for the field.
#[tauri::command]
pub async fn edit_generate(shell: Managed<'_>, length: u32, symbols: bool) -> Answer<Shown> {
    shell.vault.generate(length, symbols)
}

/// Stages what was typed. Without a value the signed one stays.
#[tauri::command]
pub async fn edit_submit(
    app: AppHandle,
    shell: Managed<'_>,
    name: String,
    value: Option<SecretText>,
    note: String,
) -> Answer<()> {
    let at = shell.asked_edit()?;
    shell.touch();
    shell.vault.stage(at.env_id, at.secret_id, name, value, note).await?;
    done(&app, &shell, Secure::Edit).await
}

/// What the confirm window asks.
#[tauri::command]
pub async fn confirm_context(shell: Managed<'_>) -> Answer<ConfirmContext> {
    let frame = shell.vault.secure_frame().await?;
    Ok(match shell.asked_confirm()? {
        Act::RemoveVault { label, embedded, .. } => ConfirmContext {
            frame,
            title: format!("Remove \u{201c}{label}\u{201d} from this computer?"),
            text: if embedded {
                "Everything in this vault is kept on this computer only. It is deleted and cannot \
                 be opened again, not even with the Emergency Kit."
            } else {
                "The copy on this computer and its keys are deleted. The vault stays on its server \
                 and can be opened again with the Emergency Kit."
            }
            .to_owned(),
            typed: label,
            action: "Remove".to_owned(),
        },
    })
}

/// Does it, if what was typed is what was asked for.
#[tauri::command]
pub async fn confirm_submit(app: AppHandle, shell: Managed<'_>, typed: String) -> Answer<()> {
    match shell.asked_confirm()? {
        Act::RemoveVault { label, .. } if label != typed => return Err(CommandError::NotAllowed),
        Act::RemoveVault { id, .. } => shell.vault.remove(id).await?,
    }
    done(&app, &shell, Secure::Confirm).await
}

/// Forgets what a window was for, and closes it.
async fn done(app: &AppHandle, shell: &Shell, which: Secure) -> Answer<()> {
    shell.forget(which);
    close_secure(app, which).await
}
