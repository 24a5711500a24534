//! A vault on a new computer, from its Emergency Kit and passphrase.

use std::sync::Arc;

use strongroom_crypto::safe::{LoginKey, SecretKey};
use strongroom_format::id::{OrgId, UserId};
use strongroom_format::wire::SignInKey;
use strongroom_secret::{Passphrase, SecretText};

use super::account::{give_up, settle};
use super::error::VaultError;
use super::session::{Host, Session, TaskKind};
use super::task::Task;
use super::unlock::open_keyset;
use crate::api::{Api, ApiError, CannotSign, SignIn};
use crate::profile::{KeepSecretKey, NewVault, ServerPlace};

/// A kit on paper does not know how often the passphrase was changed since; so many changes are
/// tried, a number of this program's own.
const KEYSETS: u32 = 8;

/// What the kit says, and where the vault goes.
#[derive(Debug)]
pub struct Restore {
    /// The account.
    pub user: UserId,
    /// The organisations.
    pub orgs: Vec<OrgId>,
    /// A link of the first of them and the code of the head there, without spaces, as the kit prints
    /// them.
    pub head: Option<(u64, String)>,
    /// The Secret Key as it is printed.
    pub secret_key: SecretText,
    /// The local label of the vault.
    pub label: String,
    /// Where the Secret Key stays.
    pub keep: KeepSecretKey,
}

impl Restore {
    /// Signs in with the Secret Key, fetches the sealed keyset, opens it, and takes in the
    /// organisations that the kit names, each checked from its genesis.
    pub async fn run(
        self,
        passphrase: Passphrase,
        api: Api,
        host: Host,
    ) -> Result<Arc<Session>, VaultError> {
        let task = Task::start(TaskKind::Restore, 4, false, &host.notices);
        let secret_key =
            self.secret_key.lend(SecretKey::parse).map_err(|_| VaultError::WrongPassphrase)?;
        sign_in(&api, &secret_key, self.user).await?;
        task.step(1)?;
        let account = api.account().await?;
        if account.user_id != self.user {
            return Err(ApiError::Garbage.into());
        }
        task.step(2)?;
        let (user, keyset) = (self.user, account.keyset.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let me = open_keyset(&passphrase, &secret_key, user, &keyset)?;
            Ok::<_, VaultError>((me, secret_key))
        });
        let (me, secret_key) = opened.await??;
        let new = NewVault {
            label: self.label,
            server: ServerPlace::Origin(api.origin().to_string()),
            user,
            keyset: account.keyset,
            keep: self.keep,
            sample: false,
            created_ms: host.clock.now_ms(),
        };
        let session = settle(new, me, api, host).await?;
        task.step(3)?;
        let (orgs, head) = (self.orgs, self.head);
        let taken = async {
            session.keep_secret_key(secret_key, false).await?;
            for (at, org) in orgs.into_iter().enumerate() {
                let head = head.as_ref().filter(|_| at == 0);
                session.take_in(org, None, head).await?;
                // The kit names the organisation by the hash of its genesis, so its founder is
                // vouched for, and through the founder whoever was let in since; by a head code, so
                // is everybody up to there.
                let vouched = head.map_or(0, |(seq, _)| *seq);
                session.write_book(org, |book| book.vouched = vouched)?;
            }
            Ok(())
        };
        if let Err(error) = taken.await {
            give_up(session).await;
            return Err(error);
        }
        Ok(session)
    }
}

async fn sign_in(api: &Api, secret_key: &SecretKey, user: UserId) -> Result<(), VaultError> {
    for epoch in 1..=KEYSETS {
        let login = LoginKey::derive(secret_key, &user, epoch);
        api.sign_in_as(Arc::new(Login { user, login })).await;
        match api.sign_in().await {
            Err(ApiError::Refused { status: 403, .. }) => {}
            other => return Ok(other?),
        }
    }
    Err(VaultError::WrongPassphrase)
}

/// Signs in with the key that comes from the Secret Key alone.
struct Login {
    user: UserId,
    login: LoginKey,
}

impl SignIn for Login {
    fn user(&self) -> UserId {
        self.user
    }

    fn key(&self) -> SignInKey {
        SignInKey::Login
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CannotSign> {
        Ok(self.login.sign(message))
    }
}
