//! Members, invites and roles. Whatever changes who can read only opens a secure window, which shows
//! Rust's own summary of the links and signs them.

use strongroom_core::team::Intent;
use strongroom_format::id::UserId;

use super::Managed;
use crate::{
    clock,
    desk::intents,
    error::{Answer, CommandError},
    view::{GrantSpec, MembersView, Role},
};

/// Opens the window that signs an invite and then shows its code.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn invite_new(
    shell: Managed<'_>,
    label: String,
    role: Role,
    grants: Vec<GrantSpec>,
    days: u32,
    resets: Option<String>,
) -> Answer<()> {
    let now = u64::try_from(clock::now()).unwrap_or(0);
    let new = intents::invite(role, &grants, days, now)?;
    let resets = resets.map(|user| user.parse::<UserId>()).transpose()?;
    shell.ask_sign_invite(new, label, resets).await
}

/// Opens the window that shows the code of an invite again.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn invite_show(shell: Managed<'_>, id: String) -> Answer<()> {
    shell.ask_invite_show(id).await
}

/// Opens the window that takes a code which another admin made.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn invite_take(shell: Managed<'_>) -> Answer<()> {
    shell.ask_take().await
}

/// Opens the window that signs another role.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn member_role(shell: Managed<'_>, user_id: String, role: Role) -> Answer<()> {
    shell.ask_sign(intents::role(&user_id, role)?).await
}

/// Opens the window in which this user leaves.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn member_leave(shell: Managed<'_>) -> Answer<()> {
    let user = shell.vault.user()?;
    shell.ask_sign(Intent::Remove { user }).await
}

/// Opens the window with six words.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn member_words(shell: Managed<'_>, user_id: String) -> Answer<()> {
    shell.ask_words(user_id).await
}

/// Opens the window that signs the policy. It can be tightened by one owner; to loosen it takes two.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn policy_set(shell: Managed<'_>, grants_to_unverified: bool) -> Answer<()> {
    if grants_to_unverified {
        let missing = "a second owner has to agree before this is loosened".to_owned();
        return Err(CommandError::NotReady { missing });
    }
    shell.ask_sign(Intent::OnlyVerified).await
}

/// Members, invites and everything that waits.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn members_view(shell: Managed<'_>) -> Answer<MembersView> {
    shell.vault.members().await
}

/// Forgets the code of an invite on this computer.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn invite_forget(shell: Managed<'_>, id: String) -> Answer<()> {
    shell.vault.invite_forget(&id).await
}

/// Opens the window that signs new keys for a member who lost theirs.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn reset_sign(shell: Managed<'_>, invite_id: String, user_id: String) -> Answer<()> {
    let intent = shell.vault.reset_intent(&invite_id, &user_id).await?;
    shell.ask_sign(intent).await
}

/// Remembers that the replaced keys of a member were seen.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn reset_acknowledge(shell: Managed<'_>, user_id: String) -> Answer<()> {
    shell.vault.reset_acknowledge(&user_id).await
}
