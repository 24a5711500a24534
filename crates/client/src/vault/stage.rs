//! Staging: what a person changes is checked here and waits, sealed on this computer, until it is
//! signed. Nothing in this file talks to the server.

use std::sync::Arc;

use strongroom_core::draft::{Draft, Edit, StagedChange};
use strongroom_core::generate;
use strongroom_core::names::{self, secret_name};
use strongroom_crypto::safe::{OsEntropy, entropy, seal::MAX_PLAINTEXT};
use strongroom_format::id::{EnvId, SecretId};
use strongroom_secret::{SecretBytes, SecretText};

use super::error::VaultError;
use super::org::{OpenOrg, Resolution};
use super::session::Session;

/// A random value of `length` characters for the edit window.
pub fn generate_value(length: u32, symbols: bool) -> Result<SecretText, VaultError> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let value = generate::value(length, symbols, &mut OsEntropy).map_err(|error| match error {
        generate::GenerateError::Length => VaultError::TooLarge(generate::MAX_LENGTH),
        generate::GenerateError::Entropy(error) => error.into(),
    })?;
    value.into_text().map_err(|_| VaultError::System("a generated value is no text".to_owned()))
}

impl Session {
    /// Stages a secret; `secret` none for a new one. `value` none leaves the value as it is, which
    /// a new secret cannot. What equals the state so far is not staged.
    pub fn stage_put(
        &self,
        env: EnvId,
        secret: Option<SecretId>,
        name: &str,
        value: Option<SecretText>,
        note: &str,
    ) -> Result<(), VaultError> {
        let name = secret_name(name)?;
        let note = names::note(note)?;
        let value = value.map(checked_value).transpose()?;
        self.require_write(env)?;
        let now = self.now_ms();
        let Some(secret) = secret else {
            let value = value.ok_or(VaultError::NotFound)?;
            let secret = SecretId(entropy::array(&mut OsEntropy)?);
            let note = Some(note).filter(|note| !note.is_empty());
            let put =
                Edit::Put { secret, base: 0, name: Some(name.clone()), value: Some(value), note };
            return self.stage(env, |org| {
                require_free_name(org, env, &secret, &name)?;
                org.edit(env, |draft| draft.push(put, now));
                Ok(())
            });
        };
        self.stage(env, |org| {
            require_free_name(org, env, &secret, &name)?;
            let list = org.list(env)?;
            let row = list.lookup(&secret).ok_or(VaultError::NotFound)?;
            let name = Some(name).filter(|name| *name != row.name);
            let note = Some(note).filter(|note| note != row.note.as_deref().unwrap_or(""));
            if name.is_some() || note.is_some() || value.is_some() {
                let base = org.base(env, &secret);
                org.edit(env, |draft| {
                    draft.push(Edit::Put { secret, base, name, value, note }, now);
                });
            }
            Ok(())
        })
    }

    /// Stages a note; an empty one takes the note away.
    pub fn stage_note(&self, env: EnvId, secret: SecretId, note: &str) -> Result<(), VaultError> {
        let name = self.staged_name(env, secret)?;
        self.stage_put(env, Some(secret), &name, None, note)
    }

    /// Stages a name.
    pub fn stage_name(&self, env: EnvId, secret: SecretId, name: &str) -> Result<(), VaultError> {
        let note = self.with(|org| {
            let list = org.list(env)?;
            let row = list.lookup(&secret).ok_or(VaultError::NotFound)?;
            Ok(row.note.clone().unwrap_or_default())
        })?;
        self.stage_put(env, Some(secret), name, None, &note)
    }

    /// Stages deletions, as one step.
    pub fn stage_delete(&self, env: EnvId, secrets: &[SecretId]) -> Result<(), VaultError> {
        self.require_write(env)?;
        let now = self.now_ms();
        self.stage(env, |org| {
            let list = org.list(env)?;
            if secrets.iter().any(|secret| list.lookup(secret).is_none()) {
                return Err(VaultError::NotFound);
            }
            let secrets: Vec<(SecretId, u64)> =
                secrets.iter().map(|secret| (*secret, org.base(env, secret))).collect();
            if !secrets.is_empty() {
                org.edit(env, |draft| draft.push(Edit::Delete { secrets }, now));
            }
            Ok(())
        })
    }

    /// Takes the last step back; nothing if there is none.
    pub fn undo(&self, env: EnvId) -> Result<(), VaultError> {
        self.step(env, |draft| {
            draft.undo();
        })
    }

    /// Takes a step again; nothing if there is none.
    pub fn redo(&self, env: EnvId) -> Result<(), VaultError> {
        self.step(env, |draft| {
            draft.redo();
        })
    }

    /// Drops what is staged for some secrets, as one step that can be undone.
    pub fn drop_staged(&self, env: EnvId, secrets: &[SecretId]) -> Result<(), VaultError> {
        let now = self.now_ms();
        self.step(env, |draft| draft.push(Edit::Drop { secrets: secrets.to_vec() }, now))
    }

    /// Drops everything staged in an environment, as one step that can be undone.
    pub fn discard_staged(&self, env: EnvId) -> Result<(), VaultError> {
        let now = self.now_ms();
        self.step(env, |draft| draft.push(Edit::DropAll, now))
    }

    /// Decides one conflict: what is staged goes, or becomes the version after theirs.
    pub fn resolve(
        &self,
        env: EnvId,
        secret: SecretId,
        resolution: Resolution,
    ) -> Result<(), VaultError> {
        let now = self.now_ms();
        self.stage(env, |org| {
            let staged = org.staged(env).remove(&secret).ok_or(VaultError::NotFound)?;
            let edit = match (resolution, staged.change) {
                (Resolution::Theirs, _) => Edit::Drop { secrets: vec![secret] },
                (Resolution::Mine, StagedChange::Delete) => {
                    Edit::Delete { secrets: vec![(secret, org.base(env, &secret))] }
                }
                (Resolution::Mine, StagedChange::Put { name, value, note }) => {
                    let base = org.base(env, &secret);
                    Edit::Put { secret, base, name, value, note }
                }
            };
            org.edit(env, |draft| draft.push(edit, now));
            Ok(())
        })
    }

    fn step(&self, env: EnvId, step: impl FnOnce(&mut Draft)) -> Result<(), VaultError> {
        self.stage(env, |org| {
            org.edit(env, step);
            Ok(())
        })
    }

    fn staged_name(&self, env: EnvId, secret: SecretId) -> Result<String, VaultError> {
        self.with(|org| {
            let list = org.list(env)?;
            Ok(list.lookup(&secret).ok_or(VaultError::NotFound)?.name.clone())
        })
    }

    fn require_write(&self, env: EnvId) -> Result<(), VaultError> {
        let now = self.now_ms();
        let rights = self.with(|org| Ok(org.environment(env, now)?.rights))?;
        let write = strongroom_format::statement::Rights::WRITE;
        if rights.includes(write) { Ok(()) } else { Err(VaultError::NotAllowed) }
    }
}

fn require_free_name(
    org: &mut OpenOrg,
    env: EnvId,
    secret: &SecretId,
    name: &str,
) -> Result<(), VaultError> {
    match org.list(env)?.by_name(name) {
        Some(other) if other.secret != *secret => Err(VaultError::NameTaken(name.to_owned())),
        _ => Ok(()),
    }
}

fn checked_value(value: SecretText) -> Result<Arc<SecretBytes>, VaultError> {
    if value.len() > MAX_PLAINTEXT {
        return Err(VaultError::TooLarge(MAX_PLAINTEXT));
    }
    Ok(Arc::new(value.into_bytes()))
}
