//! The sample vault: an organisation made through the ordinary API with honest signatures, so that
//! a newcomer can look around. Everything in it is made up, and it is marked as a sample.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_core::details::EnvClass;
use strongroom_core::draft::{Staged, StagedChange};
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::id::{EnvId, SecretId};
use strongroom_secret::{Passphrase, SecretBytes, SecretText};

use super::create::Creation;
use super::error::VaultError;
use super::session::{Host, Notice, Session};
use crate::api::Api;
use crate::keyring::KeyringState;
use crate::profile::{KeepSecretKey, ServerPlace};

/// What opens the sample vault; printed in its unlock window.
pub const SAMPLE_PASSPHRASE: &str = "sample";

const APPS: &[(&str, &[(&str, EnvClass)])] = &[
    (
        "storefront",
        &[
            ("dev", EnvClass::Development),
            ("staging", EnvClass::Staging),
            ("prod", EnvClass::Production),
        ],
    ),
    (
        "payments",
        &[
            ("dev", EnvClass::Development),
            ("staging", EnvClass::Staging),
            ("prod", EnvClass::Production),
        ],
    ),
    ("edge-worker", &[("dev", EnvClass::Development), ("prod", EnvClass::Production)]),
];

/// Names, made-up values and notes; each application takes those whose first letter is its own.
const SECRETS: &[(&str, &str, &str, &str)] = &[
    ("s", "ALGOLIA_ADMIN_KEY", "algolia-example-0000", "Search index, write access."),
    ("s", "CDN_PURGE_TOKEN", "cdn-example-1111", ""),
    ("s", "DATABASE_READ_URL", "postgres://${DB_HOST}/shop?replica", "Read replica."),
    ("s", "DATABASE_URL", "postgres://app:example@${DB_HOST}/shop", ""),
    ("s", "DB_HOST", "db.example.internal", ""),
    ("s", "FEATURE_FLAG_SDK_KEY", "flag-example-2222", ""),
    ("s", "FRAUD_SCORE_TOKEN", "fraud-example-3333", ""),
    (
        "s",
        "JWT_PRIVATE_KEY",
        "-----BEGIN EXAMPLE KEY-----\nbm90IGEga2V5\n-----END EXAMPLE KEY-----\n",
        "Signs session tokens.",
    ),
    ("s", "MAPS_API_KEY", "maps-example-4444", ""),
    ("s", "OAUTH_CLIENT_SECRET", "oauth-example-5555", ""),
    ("s", "REDIS_URL", "redis://${DB_HOST}:6379/0", ""),
    ("s", "S3_ACCESS_KEY_ID", "EXAMPLEACCESSKEY", ""),
    ("s", "S3_SECRET_ACCESS_KEY", "s3-example-6666", "Bucket shop-media."),
    ("s", "SENTRY_DSN", "https://public@sentry.example/1", ""),
    ("s", "SESSION_SIGNING_KEY", "session-example-7777", ""),
    ("s", "SMTP_PASSWORD", "smtp-example-8888", ""),
    ("s", "STRIPE_SECRET_KEY", "stripe-example-9999", "Ask payments before changing it."),
    ("s", "STRIPE_WEBHOOK_SECRET", "hook-example-0001", ""),
    ("s", "WAREHOUSE_API_TOKEN", "warehouse-example-0002", ""),
    ("p", "DATABASE_URL", "postgres://pay:example@db.example.internal/pay", ""),
    ("p", "LEDGER_SIGNING_KEY", "ledger-example-0003", "Rotate with finance."),
    ("p", "PAYPAL_CLIENT_SECRET", "paypal-example-0004", ""),
    ("p", "RISK_MODEL_TOKEN", "risk-example-0005", ""),
    ("p", "STRIPE_PAYOUT_KEY", "payout-example-0006", "Live key."),
    ("p", "STRIPE_SECRET_KEY", "stripe-example-0007", ""),
    ("p", "WEBHOOK_SECRET", "hook-example-0008", ""),
    ("e", "EDGE_API_TOKEN", "edge-example-0009", ""),
    ("e", "KV_NAMESPACE_TOKEN", "kv-example-0010", ""),
    ("e", "ORIGIN_SHARED_SECRET", "origin-example-0011", "Known to the load balancer."),
];

/// Secrets that get a second version, so that there is a history to look at.
const CHANGED: &[&str] = &["DATABASE_URL", "SMTP_PASSWORD", "STRIPE_SECRET_KEY"];

/// Makes the sample vault on the embedded server and leaves it open.
pub async fn create_sample(api: Api, host: Host) -> Result<Arc<Session>, VaultError> {
    let ring = Arc::clone(&host.keyring);
    let state = tokio::task::spawn_blocking(move || ring.state()).await?;
    // The sample holds no secret, so where its key stays is no decision to ask anybody for.
    let keep = match state {
        KeyringState::Available => KeepSecretKey::Keyring,
        _ => KeepSecretKey::File,
    };
    let creation = Creation {
        label: "Sample vault".to_owned(),
        person: "Mara Lind".to_owned(),
        organisation: "Acme".to_owned(),
        sample: true,
        place: ServerPlace::Embedded,
        api,
        keep,
        cost: strongroom_crypto::safe::Profile::Standard,
        admission: None,
    };
    let text = SecretText::from_string(SAMPLE_PASSPHRASE.to_owned());
    let passphrase =
        Passphrase::new(text).map_err(|error| VaultError::System(error.to_string()))?;
    let session = creation.run(passphrase, host).await?;
    session.fill_sample().await?;
    Ok(session)
}

impl Session {
    async fn fill_sample(&self) -> Result<(), VaultError> {
        for (app, environments) in APPS {
            let envs = environments.iter().map(|(name, class)| ((*name).to_owned(), *class));
            let id = self.create_app(app, envs.collect()).await?;
            let now = self.now_ms();
            let envs = self.with(|org| Ok(org.environments(now)))?;
            for env in envs.into_iter().filter(|env| env.app == id) {
                self.fill_env(app, env.env, env.class).await?;
            }
        }
        self.fill_sample_team().await
    }

    async fn fill_env(&self, app: &str, env: EnvId, class: EnvClass) -> Result<(), VaultError> {
        let mut first = BTreeMap::new();
        let mut second = BTreeMap::new();
        let own = SECRETS.iter().filter(|secret| app.starts_with(secret.0));
        for (n, (_, name, value, note)) in own.enumerate() {
            // Environments that are not production lack a secret here and there.
            if class != EnvClass::Production && n % 9 == 7 {
                continue;
            }
            let id = SecretId(strongroom_crypto::safe::entropy::array(&mut OsEntropy)?);
            let value = format!("{value}-{}", suffix(class));
            first.insert(id, put(0, Some(name), &value, Some(note)));
            if CHANGED.contains(name) {
                second.insert(id, put(1, None, &format!("{value}-2"), None));
            }
        }
        for staged in [first, second] {
            self.write(None, move |pen| Ok(pen.commit_staged(env, &staged)?)).await?;
        }
        self.tell(Notice::Env(env));
        Ok(())
    }
}

fn suffix(class: EnvClass) -> &'static str {
    match class {
        EnvClass::Development => "dev",
        EnvClass::Staging => "staging",
        EnvClass::Production => "prod",
        EnvClass::Other => "other",
    }
}

fn put(base: u64, name: Option<&str>, value: &str, note: Option<&str>) -> Staged {
    let change = StagedChange::Put {
        name: name.map(str::to_owned),
        value: Some(Arc::new(SecretBytes::copy_of(value.as_bytes()))),
        note: note.map(str::to_owned),
    };
    Staged { base, change, at_ms: 0 }
}
