//! What stands behind the windows through which a person gets into an organisation: join with a
//! code, take over a code, hand one out, restore from an Emergency Kit.
//!
//! Invariant: every function asks for a [`SecureWindow`], which only a command of a secure window
//! can make; codes, passphrases and Secret Keys never come from the main window and never go there.

use std::{path::PathBuf, sync::Arc};

use strongroom_client::{
    api::{Api, Origin, TimeLimits},
    profile::{KeepSecretKey as Keep, ServerPlace},
    vault::{self as client, Cost, InviteShown},
};
use strongroom_core::team::role_name;
use strongroom_format::id::{InviteId, OrgId};
use strongroom_secret::SecretText;

use super::{
    Desk,
    handover::{copy_of, write_text},
    people::place,
    translate, vaults,
};
use crate::{
    commands::secure::SecureWindow,
    error::{Answer, CodeProblem, CommandError},
    view::{
        CopyView, LockReason,
        secure::{CodeRead, InviteContext, JoinLook, KeepSecretKey, Shown},
    },
};

/// The largest file that can hold a code, in bytes.
const MAX_CODE_FILE: u64 = 8 * 1024;

/// Letters of a head code without its spaces.
const HEAD_CODE: usize = 20;

/// A code that was looked at, as long as its window is open.
#[derive(Debug)]
pub struct Looked {
    code: SecretText,
    server: Origin,
}

/// What a person types to join.
#[derive(Debug)]
pub struct Joining {
    /// Their name.
    pub name: String,
    /// The local label of the new vault.
    pub label: String,
    /// The new passphrase.
    pub passphrase: SecretText,
    /// Where the Secret Key stays.
    pub keep: KeepSecretKey,
    /// The account whose keys were all lost; none for somebody new.
    pub account: Option<String>,
}

/// What a person types from an Emergency Kit.
#[derive(Debug)]
pub struct Restoring {
    /// The server's address.
    pub server: String,
    /// The account.
    pub account: String,
    /// The organisation.
    pub organisation: String,
    /// A link and the code of the head there, as the kit has them.
    pub head: Option<String>,
    /// The Secret Key.
    pub secret_key: SecretText,
    /// The passphrase.
    pub passphrase: SecretText,
    /// The local label of the vault.
    pub label: String,
    /// Where the Secret Key stays.
    pub keep: KeepSecretKey,
}

impl Desk {
    /// Where a code leads, by the code alone. Nothing is sent.
    pub fn read_code(&self, _by: &SecureWindow, code: &SecretText) -> Answer<CodeRead> {
        let (address, words) = client::read_code(code)?;
        let server: Origin = address.parse()?;
        Ok(CodeRead { server: server.to_string(), organisation_words: words.join(" ") })
    }

    /// Asks the server in the code for the history of the organisation, and checks it against the
    /// code. Nothing else is sent.
    pub async fn look_at_code(
        &self,
        _by: &SecureWindow,
        code: SecretText,
    ) -> Answer<(Looked, JoinLook)> {
        let (address, _) = client::read_code(&code)?;
        let server: Origin = address.parse()?;
        let look = client::look(&code, &api(server.clone())?).await?;
        let view = JoinLook {
            server: server.to_string(),
            organisation_words: look.organisation_words.join(" "),
            inviter_fingerprint: look.inviter_fingerprint,
            link: translate::count(look.link),
            role: role_name(look.role).to_owned(),
            expires: translate::millis(look.expires),
            known: self.knows(&look.org)?,
        };
        Ok((Looked { code, server }, view))
    }

    fn knows(&self, org: &OrgId) -> Answer<bool> {
        Ok(self.profile.list()?.vaults.iter().any(|vault| vault.orgs.contains(org)))
    }

    /// The code in a file that the person chose.
    pub async fn code_in_file(&self, _by: &SecureWindow, file: PathBuf) -> Answer<SecretText> {
        vaults::blocking(move || {
            let unreadable = |_| CommandError::FileUnreadable;
            if std::fs::metadata(&file).map_err(unreadable)?.len() > MAX_CODE_FILE {
                return Err(CommandError::FileUnreadable);
            }
            Ok(SecretText::from_string(std::fs::read_to_string(&file).map_err(unreadable)?))
        })
        .await
    }

    /// Makes the person's keys, asks to be admitted, and leaves the vault open.
    pub async fn join_with(
        &self,
        _by: &SecureWindow,
        looked: Arc<Looked>,
        joining: Joining,
    ) -> Answer<()> {
        let passphrase = vaults::checked(joining.passphrase)?;
        let lost = joining.account.map(|account| account.trim().parse()).transpose()?;
        let _gate = self.gate.lock().await;
        let asking = client::Joining {
            code: copy_of(&looked.code),
            person: joining.name,
            label: joining.label,
            lost,
            keep: kept(joining.keep),
            cost: Cost::default(),
        };
        self.close_session(LockReason::User).await;
        let session = asking.run(passphrase, api(looked.server.clone())?, self.host()).await?;
        self.adopt(session).await
    }

    /// Keeps a code that another manager made, so that this computer finishes the join.
    pub async fn take_invite(&self, _by: &SecureWindow, code: SecretText) -> Answer<()> {
        let session = self.session()?;
        vaults::blocking(move || {
            session.invite_take(&code)?;
            Ok(())
        })
        .await
    }

    /// The code of an invitation that this computer holds.
    pub async fn invite_shown(&self, _by: &SecureWindow, id: String) -> Answer<InviteContext> {
        let frame = self.secure_frame().await?;
        let shown = self.invite(&id)?;
        self.look(move |_, org| {
            let right = |right: &strongroom_format::statement::EnvRight| {
                let names = strongroom_core::team::right_names(right.rights);
                format!("{}: {names}", place(&right.env, org).text)
            };
            Ok(InviteContext {
                frame,
                label: shown.label,
                role: role_name(shown.role).to_owned(),
                grants: shown.grants.iter().map(right).collect(),
                expires: translate::millis(shown.expires),
                code: Shown::new(shown.code),
                qr_svg: Shown::new(shown.qr_svg),
                server: shown.server,
                fingerprint: shown.fingerprint,
            })
        })
        .await
    }

    /// Copies that code.
    pub async fn invite_copy(&self, _by: &SecureWindow, id: String) -> Answer<CopyView> {
        let shown = self.invite(&id)?;
        let name = if shown.label.is_empty() {
            "The invite code".to_owned()
        } else {
            format!("The invite code for {}", shown.label)
        };
        self.copy_once(name, shown.code).await
    }

    /// Writes that code to `file`, readable by this user only.
    pub async fn invite_write(&self, _by: &SecureWindow, id: String, file: PathBuf) -> Answer<()> {
        write_text(self.invite(&id)?.code, file).await
    }

    fn invite(&self, id: &str) -> Answer<InviteShown> {
        let id: InviteId = id.parse()?;
        Ok(self.session()?.invite_code(id)?)
    }

    /// Opens a vault of a server on this computer with its kit, and leaves it open.
    pub async fn restore_from(&self, _by: &SecureWindow, restoring: Restoring) -> Answer<()> {
        let passphrase = vaults::checked(restoring.passphrase)?;
        let server: Origin = restoring.server.parse()?;
        let restore = client::Restore {
            user: restoring.account.parse()?,
            orgs: vec![restoring.organisation.parse()?],
            head: restoring.head.as_deref().map(head_line).transpose()?,
            secret_key: restoring.secret_key,
            label: restoring.label,
            keep: kept(restoring.keep),
        };
        let _gate = self.gate.lock().await;
        let here = self.profile.list()?.vaults.iter().any(|vault| {
            vault.user == restore.user && vault.server == ServerPlace::Origin(server.to_string())
        });
        if here {
            return Err(CommandError::AlreadyHere);
        }
        self.close_session(LockReason::User).await;
        let session = restore.run(passphrase, api(server)?, self.host()).await?;
        self.adopt(session).await
    }
}

fn api(server: Origin) -> Answer<Api> {
    Ok(Api::new(server, TimeLimits::default())?)
}

/// A link and the code of its head, as a kit prints them: `412 abcd efgh ijkl mnop qrst`.
fn head_line(text: &str) -> Answer<(u64, String)> {
    let mistyped = CommandError::BadCode { problem: CodeProblem::Mistyped };
    let (link, code) = text.trim().split_once(char::is_whitespace).ok_or(mistyped.clone())?;
    let link = link.parse().map_err(|_| mistyped.clone())?;
    let keep = |letter: &char| !letter.is_whitespace() && *letter != '-';
    let code: String = code.to_lowercase().chars().filter(keep).collect();
    let whole = code.len() == HEAD_CODE && code.bytes().all(|b| b.is_ascii_alphanumeric());
    if whole { Ok((link, code)) } else { Err(mistyped) }
}

fn kept(keep: KeepSecretKey) -> Keep {
    match keep {
        KeepSecretKey::Keyring => Keep::Keyring,
        KeepSecretKey::Ask => Keep::Ask,
        KeepSecretKey::File => Keep::File,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_line_of_a_kit_is_read_as_it_is_printed_or_scanned() {
        let read = (412, "abcdefghijklmnopqrst".to_owned());
        for text in ["412 abcd efgh ijkl mnop qrst", " 412 ABCDEFGHIJKLMNOPQRST\n"] {
            assert_eq!(head_line(text), Ok(read.clone()));
        }
    }

    #[test]
    fn half_a_head_line_is_no_head_line() {
        for text in ["", "412", "abcd efgh ijkl mnop qrst", "412 abcd", "-1 abcdefghijklmnopqrst"] {
            assert!(head_line(text).is_err(), "{text}");
        }
    }
}
