//! Vaults of this computer: make, select, open, lock, remove; and what their secure windows show.

use std::{path::PathBuf, sync::Arc};

use strongroom_client::{
    api::{Api, TimeLimits},
    keyring::VaultKeys,
    profile::{KeepSecretKey as Keep, Profile, ServerPlace, VaultId, VaultRecord},
    vault::{self, Creation, Kit, SecretKeySource, Session},
};
use strongroom_secret::{Passphrase, SecretText};

use super::{Desk, status, views};
use crate::{
    error::{Answer, CommandError},
    vault::NewVault,
    view::{
        AppView, LockReason, LockView, Phase, SettingsView, VaultView,
        secure::{KeepSecretKey, KitContext, KitView, SecureFrame, Shown, UnlockContext},
    },
};

/// The longest passphrase, in bytes; what is longer is no passphrase.
const LONGEST_PASSPHRASE: u32 = 1024;

/// The vault that was selected last, or else the oldest.
pub(super) fn first_selection(profile: &Profile) -> Answer<Option<VaultId>> {
    let selected = profile.selected()?;
    Ok(match selected {
        Some(vault) => Some(vault),
        None => profile.list()?.vaults.first().map(|vault| vault.id),
    })
}

impl Desk {
    pub(super) async fn app_view(&self) -> Answer<AppView> {
        let desk = self.clone();
        blocking(move || {
            let ring = views::keyring(desk.0.keyring.state());
            let listing = desk.0.profile.list()?;
            for broken in &listing.broken {
                tracing::warn!(vault = %broken, "the description of a vault cannot be read");
            }
            let mut state = desk.state();
            state.keyring = ring;
            let phase = match (&state.session, listing.vaults.is_empty()) {
                (Some(_), _) => Phase::Open,
                (None, true) => Phase::Welcome,
                (None, false) => Phase::Locked,
            };
            let folder = desk.0.profile.root().display().to_string();
            Ok(AppView {
                phase,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                vaults: listing.vaults.iter().map(vault_view).collect(),
                current: state.current.map(|vault| vault.to_string()),
                locked: (phase == Phase::Locked).then(|| state.locked.clone()),
                keyring: ring,
                settings: views::settings(&state.settings, ring, folder),
            })
        })
        .await
    }

    pub(super) async fn keep_settings(&self, view: SettingsView) -> Answer<SettingsView> {
        let chosen = views::chosen(&view);
        chosen.save(self.0.profile.root())?;
        let kept = {
            let mut state = self.state();
            state.settings = chosen.clone();
            views::settings(&chosen, state.keyring, self.0.profile.root().display().to_string())
        };
        self.tell_app().await;
        Ok(kept)
    }

    pub(super) async fn select_vault(&self, id: &str) -> Answer<AppView> {
        let vault: VaultId = views::id(id)?;
        self.0.profile.load(&vault)?;
        let open = self.state().session.as_ref().map(|session| session.record().id);
        if open.is_some_and(|open| open != vault) {
            self.lock_vault(LockReason::User).await?;
        }
        self.0.profile.select(vault)?;
        self.state().current = Some(vault);
        self.tell_app().await;
        self.app_view().await
    }

    pub(super) async fn create_vault(
        &self,
        new: NewVault,
        passphrase: SecretText,
        keep: KeepSecretKey,
    ) -> Answer<()> {
        let passphrase = checked(passphrase)?;
        let _gate = self.0.gate.lock().await;
        let creation = Creation {
            label: new.label,
            person: new.person,
            organisation: new.organisation,
            sample: false,
            place: ServerPlace::Embedded,
            api: self.api(&ServerPlace::Embedded).await?,
            keep: match keep {
                KeepSecretKey::Keyring => Keep::Keyring,
                KeepSecretKey::Ask => Keep::Ask,
                KeepSecretKey::File => Keep::File,
            },
            cost: Default::default(),
        };
        self.close_session(LockReason::User).await;
        let session = creation
            .run(
                passphrase,
                self.0.profile.clone(),
                Arc::clone(&self.0.keyring),
                Arc::clone(&self.0.clock),
                self.0.changes.clone(),
            )
            .await?;
        self.adopt(session).await
    }

    pub(super) async fn create_sample_vault(&self) -> Answer<()> {
        let known = self.0.profile.list()?.vaults.into_iter().find(|vault| vault.sample);
        if let Some(known) = known {
            self.select_vault(&known.id.to_string()).await?;
            let passphrase = SecretText::from_string(vault::SAMPLE_PASSPHRASE.to_owned());
            return self.unlock_vault(passphrase, None).await;
        }
        let _gate = self.0.gate.lock().await;
        let api = self.api(&ServerPlace::Embedded).await?;
        self.close_session(LockReason::User).await;
        let session = vault::create_sample(
            api,
            self.0.profile.clone(),
            Arc::clone(&self.0.keyring),
            Arc::clone(&self.0.clock),
            self.0.changes.clone(),
        )
        .await?;
        session.kit_put_away();
        self.adopt(session).await
    }

    pub(super) async fn unlock_vault(
        &self,
        passphrase: SecretText,
        secret_key: Option<SecretText>,
    ) -> Answer<()> {
        let passphrase = checked(passphrase)?;
        let _gate = self.0.gate.lock().await;
        if self.state().session.is_some() {
            return Ok(());
        }
        let record = self.current_record()?;
        let source = secret_key.map_or(SecretKeySource::Kept, SecretKeySource::Typed);
        let session = vault::unlock(
            record.id,
            passphrase,
            source,
            self.0.profile.clone(),
            self.api(&record.server).await?,
            Arc::clone(&self.0.keyring),
            Arc::clone(&self.0.clock),
            self.0.changes.clone(),
        )
        .await?;
        self.adopt(session).await
    }

    /// The vault is open: it is the selected one from now on, and its server is asked for news.
    async fn adopt(&self, session: Arc<Session>) -> Answer<()> {
        let vault = session.record().id;
        self.0.profile.select(vault)?;
        {
            let mut state = self.state();
            state.current = Some(vault);
            state.session = Some(Arc::clone(&session));
        }
        self.tell_app().await;
        self.tell_org().await;
        self.tell_status().await;
        let desk = self.clone();
        tauri::async_runtime::spawn(async move { desk.sync(&session).await });
        Ok(())
    }

    pub(super) async fn lock_vault(&self, reason: LockReason) -> Answer<()> {
        if self.close_session(reason).await {
            self.tell_app().await;
        }
        Ok(())
    }

    /// Drops the keys and everything opened with them. Says whether anything was open.
    async fn close_session(&self, reason: LockReason) -> bool {
        let desk = self.clone();
        let cleared = tokio::task::spawn_blocking(move || desk.0.clipboard.clear()).await;
        let clipboard_cleared =
            matches!(cleared, Ok(Ok(strongroom_client::clipboard::Cleared::Yes)));
        let session = {
            let mut state = self.state();
            state.palette.clear();
            state.imports.clear();
            state.kit = None;
            state.copied = None;
            let Some(session) = state.session.take() else { return false };
            state.locked = LockView {
                reason,
                at: views::millis(self.now_ms()),
                idle_minutes: (reason == LockReason::Idle)
                    .then_some(state.settings.auto_lock_minutes),
                staged_kept: views::number(session.staged_total()),
                clipboard_cleared,
            };
            session
        };
        session.close().await;
        true
    }

    pub(super) async fn remove_vault(&self, id: &str) -> Answer<()> {
        let vault: VaultId = views::id(id)?;
        let open = self.state().session.as_ref().map(|session| session.record().id);
        if open == Some(vault) {
            self.close_session(LockReason::User).await;
        }
        let desk = self.clone();
        blocking(move || {
            let record = desk.0.profile.load(&vault)?;
            let lock = desk.0.profile.lock(&vault)?;
            if record.keep == Keep::Keyring {
                // A keyring that is gone keeps nothing that could open the vault without its files.
                let keys = VaultKeys::new(Arc::clone(&desk.0.keyring), vault);
                if let Err(error) = keys.forget_all(&record.orgs) {
                    tracing::warn!(%error, "entries of a removed vault stay in the keyring");
                }
            }
            desk.0.profile.remove(lock)?;
            let next = first_selection(&desk.0.profile)?;
            desk.state().current = next;
            Ok(())
        })
        .await?;
        self.tell_app().await;
        Ok(())
    }

    /// Words and colours. The words are kept for each vault; without one selected there are none.
    pub(super) async fn frame(&self) -> Answer<SecureFrame> {
        let desk = self.clone();
        blocking(move || {
            let (theme, current) = {
                let state = desk.state();
                (state.settings.theme.into(), state.current)
            };
            let words = current.and_then(|vault| {
                let record = desk.0.profile.load(&vault).ok()?;
                let keys = VaultKeys::new(Arc::clone(&desk.0.keyring), vault);
                (record.keep == Keep::Keyring).then(|| keys.words().ok())?
            });
            Ok(SecureFrame { words, theme })
        })
        .await
    }

    pub(super) async fn unlock_view(&self) -> Answer<UnlockContext> {
        let record = self.current_record()?;
        Ok(UnlockContext {
            frame: self.frame().await?,
            label: record.label,
            server: status::place(&record.server),
            needs_secret_key: record.keep == Keep::Ask,
            sample_hint: record.sample,
        })
    }

    pub(super) async fn kit_view(&self, passphrase: Option<SecretText>) -> Answer<KitContext> {
        let frame = self.frame().await?;
        let session = self.session()?;
        if passphrase.is_none() && !session.has_fresh_kit() {
            return Ok(KitContext { frame, needs_passphrase: true, kit: None });
        }
        let needs_passphrase = passphrase.is_some();
        let kit = session.kit(passphrase.map(checked).transpose()?).await?;
        let shown = kit_page(&kit);
        self.state().kit = Some(kit);
        Ok(KitContext { frame, needs_passphrase, kit: Some(shown) })
    }

    pub(super) fn put_kit_away(&self) {
        if let Ok(session) = self.session() {
            session.kit_put_away();
        }
        self.state().kit = None;
    }

    pub(super) async fn save_kit(&self, file: PathBuf) -> Answer<()> {
        let desk = self.clone();
        blocking(move || {
            let state = desk.state();
            let kit = state.kit.as_ref().ok_or(CommandError::NotFound)?;
            Ok(kit.write(&file)?)
        })
        .await
    }

    fn current_record(&self) -> Answer<VaultRecord> {
        let current = self.state().current.ok_or(CommandError::NotFound)?;
        Ok(self.0.profile.load(&current)?)
    }

    /// The way to a vault's server; the embedded one is started when it is first needed.
    async fn api(&self, place: &ServerPlace) -> Answer<Api> {
        let origin = match place {
            ServerPlace::Embedded => self.0.server.origin().await?,
            ServerPlace::Origin(origin) => origin.clone(),
        };
        let origin = origin.parse().map_err(|error| CommandError::internal(&error))?;
        Ok(Api::new(origin, TimeLimits::default())?)
    }
}

fn vault_view(record: &VaultRecord) -> VaultView {
    VaultView {
        id: record.id.to_string(),
        label: record.label.clone(),
        server: status::place(&record.server),
        embedded: record.server == ServerPlace::Embedded,
        sample: record.sample,
        last_opened: record.last_opened_ms.map(views::millis),
    }
}

fn kit_page(kit: &Kit) -> KitView {
    let copy =
        |text: &SecretText| Shown::new(text.lend(|text| SecretText::from_string(text.to_owned())));
    KitView {
        label: kit.label.clone(),
        person: kit.person.clone(),
        user_id: kit.user.to_string(),
        organisation: kit.organisation.clone(),
        org_id: kit.org.to_string(),
        server: kit.server.clone(),
        secret_key: copy(&kit.secret_key),
        qr_svg: copy(&kit.qr_svg),
        head_code: kit.head_code.clone(),
        link: views::number(kit.link),
        made_at: views::millis(kit.made_ms),
    }
}

fn checked(passphrase: SecretText) -> Answer<Passphrase> {
    Passphrase::new(passphrase).map_err(|_| CommandError::TooLarge { limit: LONGEST_PASSPHRASE })
}

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Answer<R> + Send + 'static,
) -> Answer<R> {
    tokio::task::spawn_blocking(work).await.map_err(|error| CommandError::internal(&error))?
}
