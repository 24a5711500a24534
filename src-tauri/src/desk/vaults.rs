//! Vaults of this computer: make, select, open, lock, remove; and what their secure windows show.

use std::sync::{Arc, atomic::Ordering};

use strongroom_client::{
    api::Admission,
    clipboard::Cleared,
    keyring::{KeyringState as Ring, VaultKeys},
    profile::{KeepSecretKey as Keep, ServerPlace, VaultId, VaultRecord},
    vault::{self as client, Cost, Creation, SecretKeySource, Session},
};
use strongroom_secret::{Passphrase, SecretText};

use super::{Desk, NewVault, hold, palette::Palette, status, translate};
use crate::{
    error::{Answer, CommandError},
    view::{
        AppView, LockReason, LockView, Phase, SettingsView, VaultView, WaitingView,
        secure::{KeepSecretKey, SecureFrame, UnlockContext},
    },
};

/// The longest passphrase, in bytes: what is longer was not typed.
const MAX_PASSPHRASE: u32 = 1024;

impl Desk {
    /// What the window shows first.
    pub async fn app(&self) -> Answer<AppView> {
        let ring = self.keyring_state().await?;
        let listing = self.profile.list()?;
        for broken in &listing.broken {
            tracing::warn!(vault = %broken, "the description of a vault cannot be read");
        }
        let open = hold(&self.session).is_some();
        let phase = match (open, listing.vaults.is_empty()) {
            (true, _) => Phase::Open,
            (false, true) => Phase::Welcome,
            (false, false) => Phase::Locked,
        };
        let locked = hold(&self.locked).clone().unwrap_or(LockView {
            reason: LockReason::Start,
            at: translate::millis(self.now()),
            idle_minutes: None,
            staged_kept: 0,
            clipboard_cleared: false,
        });
        let waiting = self.waiting()?;
        self.shown_waiting.store(waiting.is_some(), Ordering::Relaxed);
        Ok(AppView {
            phase,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            current: self.selected()?.map(|vault| vault.to_string()),
            vaults: listing.vaults.iter().map(vault_view).collect(),
            locked: (phase == Phase::Locked).then_some(locked),
            waiting,
            keyring: translate::keyring(ring),
            settings: translate::settings_out(&hold(&self.settings), ring, self.folder()),
        })
    }

    fn waiting(&self) -> Answer<Option<WaitingView>> {
        let Some(session) = hold(&self.session).clone() else { return Ok(None) };
        if session.org_count() > 0 {
            return Ok(None);
        }
        Ok(session.waiting()?.map(|waiting| WaitingView {
            organisation_words: waiting.organisation_words.join(" "),
            fingerprint: waiting.fingerprint,
            server: waiting.server,
            since: translate::millis(waiting.since_ms),
        }))
    }

    /// Saves the settings and answers with those in force.
    pub async fn settings_set(&self, settings: SettingsView) -> Answer<SettingsView> {
        let chosen = translate::settings_in(&settings);
        chosen.save(self.profile.root())?;
        *hold(&self.settings) = chosen.clone();
        self.tell_app().await;
        Ok(translate::settings_out(&chosen, self.keyring_state().await?, self.folder()))
    }

    /// Selects a vault; an open one is locked first.
    pub async fn select(&self, id: String) -> Answer<AppView> {
        let vault: VaultId = id.parse()?;
        self.profile.load(&vault)?;
        if self.open_vault().is_some_and(|open| open != vault) {
            self.close_session(LockReason::User).await;
        }
        self.profile.select(vault)?;
        self.tell_app().await;
        self.app().await
    }

    /// Makes a vault and leaves it open.
    pub async fn create(
        &self,
        new: NewVault,
        passphrase: SecretText,
        keep: KeepSecretKey,
    ) -> Answer<()> {
        let passphrase = checked(passphrase)?;
        let _gate = self.gate.lock().await;
        let creation = Creation {
            label: new.label,
            person: new.person,
            organisation: new.organisation,
            sample: false,
            api: self.server.api(&new.server).await?,
            admission: match new.founder_code.as_deref() {
                Some(code) => Some(Arc::new(founder(code))),
                None => self.admitted_to(&new.server),
            },
            place: new.server,
            keep: match keep {
                KeepSecretKey::Keyring => Keep::Keyring,
                KeepSecretKey::Ask => Keep::Ask,
                KeepSecretKey::File => Keep::File,
            },
            cost: Cost::default(),
        };
        self.close_session(LockReason::User).await;
        let session = creation.run(passphrase, self.host()).await?;
        self.adopt(session).await
    }

    /// Makes the sample, or opens the one there is: its passphrase is no secret.
    pub async fn create_sample(&self) -> Answer<()> {
        let sample = self.profile.list()?.vaults.into_iter().find(|vault| vault.sample);
        if let Some(sample) = sample {
            self.select(sample.id.to_string()).await?;
            let passphrase = SecretText::from_string(client::SAMPLE_PASSPHRASE.to_owned());
            return self.unlock(passphrase, None).await;
        }
        let _gate = self.gate.lock().await;
        let api = self.server.api(&ServerPlace::Embedded).await?;
        self.close_session(LockReason::User).await;
        let session = client::create_sample(api, self.host()).await?;
        // Nobody puts away the kit of a sample.
        session.kit_put_away();
        self.adopt(session).await
    }

    pub(super) fn host(&self) -> client::Host {
        client::Host {
            profile: self.profile.clone(),
            keyring: Arc::clone(&self.keyring),
            clock: Arc::clone(&self.clock),
            notices: self.inner.clone(),
        }
    }

    /// Opens the selected vault. `secret_key` is the text of the Emergency Kit.
    pub async fn unlock(
        &self,
        passphrase: SecretText,
        secret_key: Option<SecretText>,
    ) -> Answer<()> {
        let passphrase = checked(passphrase)?;
        let _gate = self.gate.lock().await;
        if self.open_vault().is_some() {
            return Ok(());
        }
        let record = self.record()?;
        let source = secret_key.map_or(SecretKeySource::Kept, SecretKeySource::Typed);
        let session = client::unlock(
            record.id,
            passphrase,
            source,
            self.server.api(&record.server).await?,
            self.host(),
        )
        .await?;
        self.adopt(session).await
    }

    /// Drops all keys and clears the clipboard. Locking a locked vault only clears the clipboard.
    pub async fn lock(&self, reason: LockReason) -> Answer<()> {
        let _gate = self.gate.lock().await;
        if self.close_session(reason).await {
            self.tell_app().await;
        }
        Ok(())
    }

    /// Ends the broker and the embedded server, for the end of the program.
    pub async fn shut_down(&self) {
        self.end_broker().await;
        self.server.shut_down().await;
    }

    /// Takes a vault off this computer: its files, and its entries in the keyring.
    pub async fn remove(&self, id: String) -> Answer<()> {
        let vault: VaultId = id.parse()?;
        let _gate = self.gate.lock().await;
        if self.open_vault() == Some(vault) {
            self.close_session(LockReason::User).await;
        }
        let (profile, keyring) = (self.profile.clone(), Arc::clone(&self.keyring));
        blocking(move || {
            let record = profile.load(&vault)?;
            let lock = profile.lock(&vault)?;
            if record.keep == Keep::Keyring {
                // Without its files the entries open nothing, so this does not stop the removal.
                if let Err(error) = VaultKeys::new(keyring, vault).forget_all(&record.orgs) {
                    tracing::warn!(%error, "entries of a removed vault stay in the keyring");
                }
            }
            Ok(profile.remove(lock)?)
        })
        .await?;
        if !self.profile.list()?.vaults.iter().any(|vault| vault.server == ServerPlace::Embedded) {
            self.server.shut_down().await;
            self.profile.remove_server()?;
        }
        self.tell_app().await;
        Ok(())
    }

    /// Words and colours of a secure window. A vault without a keyring has no words.
    pub async fn secure_frame(&self) -> Answer<SecureFrame> {
        let theme = translate::theme(hold(&self.settings).theme);
        let (profile, keyring) = (self.profile.clone(), Arc::clone(&self.keyring));
        let current = self.selected()?;
        let words = blocking(move || {
            Ok(current.and_then(|vault| {
                let record = profile.load(&vault).ok()?;
                let keys = VaultKeys::new(keyring, vault);
                (record.keep == Keep::Keyring).then(|| keys.words().ok()).flatten()
            }))
        });
        Ok(SecureFrame { words: words.await?, theme })
    }

    /// What the unlock window shows.
    pub async fn unlock_context(&self) -> Answer<UnlockContext> {
        let record = self.record()?;
        Ok(UnlockContext {
            frame: self.secure_frame().await?,
            label: record.label,
            server: status::place(&record.server),
            needs_secret_key: record.keep == Keep::Ask,
            sample_hint: record.sample,
        })
    }

    /// The vault is open: it is the selected one from now on, and its server is asked for news.
    pub(super) async fn adopt(&self, session: Arc<Session>) -> Answer<()> {
        self.profile.select(session.record().id)?;
        *hold(&self.session) = Some(Arc::clone(&session));
        *hold(&self.locked) = None;
        self.shut_out.store(false, Ordering::Relaxed);
        self.broker.poke();
        self.tell_app().await;
        self.tell_org().await;
        self.tell_status().await;
        tokio::spawn(async move {
            status::sync(&session).await;
        });
        Ok(())
    }

    /// Drops the keys and everything opened with them. Says whether a vault was open.
    pub(super) async fn close_session(&self, reason: LockReason) -> bool {
        // Before the keys go: what the broker was lent goes first.
        self.broker.lock();
        let clipboard_cleared = matches!(self.clipboard.clear(), Ok(Cleared::Yes));
        *hold(&self.copied) = None;
        hold(&self.imports).clear();
        *hold(&self.palette) = Palette::default();
        *hold(&self.kit_shown) = None;
        hold(&self.auditing).forget();
        let Some(session) = hold(&self.session).take() else { return false };
        *hold(&self.locked) = Some(LockView {
            reason,
            at: translate::millis(self.now()),
            idle_minutes: (reason == LockReason::Idle)
                .then(|| hold(&self.settings).auto_lock_minutes),
            staged_kept: translate::count(session.staged_total()),
            clipboard_cleared,
        });
        session.close().await;
        true
    }

    /// The vault that was selected last, or else the oldest.
    fn selected(&self) -> Answer<Option<VaultId>> {
        Ok(match self.profile.selected()? {
            Some(vault) => Some(vault),
            None => self.profile.list()?.vaults.first().map(|vault| vault.id),
        })
    }

    fn record(&self) -> Answer<VaultRecord> {
        let selected = self.selected()?.ok_or(CommandError::NotFound)?;
        Ok(self.profile.load(&selected)?)
    }

    fn open_vault(&self) -> Option<VaultId> {
        hold(&self.session).as_ref().map(|session| session.record().id)
    }

    fn folder(&self) -> String {
        self.profile.root().display().to_string()
    }

    /// The keyring may take its time, so it is asked on a thread that may wait.
    async fn keyring_state(&self) -> Answer<Ring> {
        let keyring = Arc::clone(&self.keyring);
        blocking(move || Ok(keyring.state())).await
    }
}

/// The founder code, as the server wants it.
fn founder(code: &SecretText) -> Admission {
    Admission::Founder(code.lend(|code| SecretText::from_string(code.to_owned())))
}

fn vault_view(record: &VaultRecord) -> VaultView {
    VaultView {
        id: record.id.to_string(),
        label: record.label.clone(),
        server: status::place(&record.server),
        embedded: record.server == ServerPlace::Embedded,
        sample: record.sample,
        last_opened: record.last_opened_ms.map(translate::millis),
    }
}

/// A passphrase in the form that keys are derived from.
pub(super) fn checked(passphrase: SecretText) -> Answer<Passphrase> {
    Passphrase::new(passphrase).map_err(|_| CommandError::TooLarge { limit: MAX_PASSPHRASE })
}

pub(super) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Answer<R> + Send + 'static,
) -> Answer<R> {
    tokio::task::spawn_blocking(work).await.map_err(|error| CommandError::internal(&error))?
}
