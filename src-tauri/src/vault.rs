//! The port to everything behind the window: one method for each thing a command may ask.
//!
//! Invariants: a method that hands out a secret says so in its result type, which is one of
//! [`crate::view::secure`]; every other result is safe to show in the main window. The shell knows
//! nothing of keys, servers or files beyond this trait, so it can be driven in a test by a vault
//! that lives in memory.

use std::path::PathBuf;

use async_trait::async_trait;
use strongroom_secret::SecretText;
use tokio::sync::broadcast;

use crate::{
    error::Answer,
    view::{
        AppView, CommitOutcome, CopyView, EnvClass, EnvView, ImportReport, Keep, LockReason,
        NewEnvironment, OrgView, PaletteView, ProgressView, RowsQuery, RowsView, SecretDetail,
        SettingsView, StagedRow, StatusView,
        secure::{
            EditContext, KeepSecretKey, KitContext, RevealContext, SecureFrame, UnlockContext,
        },
    },
};

/// Something changed that the main window shows.
#[derive(Debug, Clone)]
pub enum Notice {
    /// Phase, selection or settings.
    App(Box<AppView>),
    /// The tree or a name in it.
    Org(Box<OrgView>),
    /// Rows of an environment, or what is staged in it.
    Env {
        /// The environment.
        env_id: String,
    },
    /// The status bar.
    Status(Box<StatusView>),
    /// Work in progress.
    Progress(ProgressView),
}

/// What the main window asked to create, before the passphrase is known.
#[derive(Debug, Clone)]
pub struct NewVault {
    /// The local label.
    pub label: String,
    /// The person's name.
    pub person: String,
    /// The organisation's name.
    pub organisation: String,
}

/// The vaults of this computer, one of them selected.
#[async_trait]
pub trait Vault: Send + Sync + 'static {
    /// Changes from now on.
    fn notices(&self) -> broadcast::Receiver<Notice>;
    /// What the window shows first.
    async fn app(&self) -> Answer<AppView>;
    /// Saves the settings and answers with those in force.
    async fn settings_set(&self, settings: SettingsView) -> Answer<SettingsView>;
    /// Selects a vault; an open one is locked first.
    async fn select(&self, id: String) -> Answer<AppView>;
    /// Makes a vault on the embedded server and leaves it open.
    async fn create(
        &self,
        new: NewVault,
        passphrase: SecretText,
        keep: KeepSecretKey,
    ) -> Answer<()>;
    /// Makes the sample, or opens the one there is.
    async fn create_sample(&self) -> Answer<()>;
    /// Opens the selected vault. `secret_key` is the text of the Emergency Kit.
    async fn unlock(&self, passphrase: SecretText, secret_key: Option<SecretText>) -> Answer<()>;
    /// Drops all keys, clears the clipboard. Locking a locked vault does nothing.
    async fn lock(&self, reason: LockReason) -> Answer<()>;
    /// Takes a vault off this computer. Its embedded server's data goes with it.
    async fn remove(&self, id: String) -> Answer<()>;

    /// The open organisation.
    async fn org(&self) -> Answer<OrgView>;
    /// Makes an organisation and opens it.
    async fn org_create(&self, name: String) -> Answer<OrgView>;
    /// Opens another organisation of this vault.
    async fn org_select(&self, id: String) -> Answer<OrgView>;
    /// Renames the open organisation.
    async fn org_rename(&self, name: String) -> Answer<OrgView>;
    /// Makes an application with its environments.
    async fn app_create(&self, name: String, environments: Vec<NewEnvironment>) -> Answer<OrgView>;
    /// Renames an application.
    async fn app_rename(&self, app_id: String, name: String) -> Answer<OrgView>;
    /// Makes an environment.
    async fn env_create(&self, app_id: String, name: String, class: EnvClass) -> Answer<OrgView>;
    /// Renames or reclassifies an environment.
    async fn env_rename(&self, env_id: String, name: String, class: EnvClass) -> Answer<OrgView>;
    /// Opens an environment.
    async fn env_open(&self, env_id: String) -> Answer<EnvView>;
    /// A window onto its rows.
    async fn env_rows(&self, query: RowsQuery) -> Answer<RowsView>;

    /// Everything about a secret but its value.
    async fn secret_detail(&self, env_id: String, secret_id: String) -> Answer<SecretDetail>;
    /// Puts a value on the clipboard.
    async fn secret_copy(&self, env_id: String, secret_id: String) -> Answer<CopyView>;
    /// Stages a note.
    async fn secret_note_set(
        &self,
        env_id: String,
        secret_id: String,
        note: String,
    ) -> Answer<EnvView>;
    /// Stages a name.
    async fn secret_rename(
        &self,
        env_id: String,
        secret_id: String,
        name: String,
    ) -> Answer<EnvView>;
    /// Stages deletions.
    async fn secret_delete(&self, env_id: String, secret_ids: Vec<String>) -> Answer<EnvView>;

    /// What waits to be signed.
    async fn staged_list(&self, env_id: String) -> Answer<Vec<StagedRow>>;
    /// Takes the last step back.
    async fn staged_undo(&self, env_id: String) -> Answer<EnvView>;
    /// Takes it again.
    async fn staged_redo(&self, env_id: String) -> Answer<EnvView>;
    /// Drops what is staged for one secret.
    async fn staged_drop(&self, env_id: String, secret_id: String) -> Answer<EnvView>;
    /// Drops everything staged in an environment.
    async fn staged_discard(&self, env_id: String) -> Answer<EnvView>;
    /// Signs what is staged, as one commit.
    async fn staged_commit(&self, env_id: String) -> Answer<CommitOutcome>;
    /// Decides one conflict.
    async fn conflict_resolve(
        &self,
        env_id: String,
        secret_id: String,
        keep: Keep,
    ) -> Answer<EnvView>;

    /// Reads a file and says what importing it would do.
    async fn import_read(&self, env_id: String, file: PathBuf) -> Answer<ImportReport>;
    /// Gives an entry another name.
    async fn import_rename(
        &self,
        report_id: String,
        line: u32,
        name: String,
    ) -> Answer<ImportReport>;
    /// Chooses which line of a duplicate counts.
    async fn import_keep(&self, report_id: String, name: String, line: u32)
    -> Answer<ImportReport>;
    /// Signs the import as one commit.
    async fn import_apply(&self, report_id: String) -> Answer<CommitOutcome>;
    /// Forgets the dry run and the values in it.
    async fn import_discard(&self, report_id: String) -> Answer<()>;

    /// Looks for secrets by name in everything this user can see.
    async fn palette_search(&self, query: String, limit: u32) -> Answer<PaletteView>;
    /// The status bar.
    async fn status(&self) -> Answer<StatusView>;
    /// Asks the server now.
    async fn sync_now(&self) -> Answer<StatusView>;
    /// Writes the evidence of a differing history to `file`.
    async fn evidence_save(&self, file: PathBuf) -> Answer<()>;
    /// Cancels work.
    async fn task_cancel(&self, task: String) -> Answer<()>;

    /// Words and colours of a secure window.
    async fn secure_frame(&self) -> Answer<SecureFrame>;
    /// What the unlock window shows.
    async fn unlock_context(&self) -> Answer<UnlockContext>;
    /// The kit. `fresh`: the vault was made a moment ago, so its passphrase need not be typed again.
    async fn kit(&self, passphrase: Option<SecretText>, fresh: bool) -> Answer<KitContext>;
    /// Writes the kit that was last shown to `file`, readable by this user only.
    async fn kit_write(&self, file: PathBuf) -> Answer<()>;
    /// Opens one value.
    async fn reveal(&self, env_id: String, secret_id: String) -> Answer<RevealContext>;
    /// What the edit window shows; no `secret_id` for a new secret. It never holds the old value.
    async fn edit_context(&self, env_id: String, secret_id: Option<String>) -> Answer<EditContext>;
    /// A random value of `length` characters.
    async fn generate(&self, length: u32, symbols: bool) -> Answer<crate::view::secure::Shown>;
    /// Stages a secret. `value` none: unchanged.
    async fn stage(
        &self,
        env_id: String,
        secret_id: Option<String>,
        name: String,
        value: Option<SecretText>,
        note: String,
    ) -> Answer<()>;
}
