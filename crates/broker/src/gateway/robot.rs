//! Verified state by a service token, for a broker without a window.

use std::{fmt, future::Future, pin::Pin};

use serde::{Deserialize, Serialize};
use strongroom_client::{
    api::ApiError,
    robot::{Robot, RobotError},
};
use strongroom_core::log::Use;
use strongroom_format::id::{EnvId, SecretId};
use strongroom_legacy::{Minted, Recipient, TokenHash};
use strongroom_secret::SecretBytes;

use super::{Answering, Found, GatewayError, Label, Layer, LegacySource, Outline};
use crate::broker::now_ms;

/// A token of the older service that was made here. Nothing in it opens anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegacyToken {
    /// What it is called: `skt_…`, without its key.
    pub id: String,
    /// SHA-256 of the whole token, base64url: how it is found.
    pub hash: String,
    /// The public half, as a JSON Web Key: to whom answers are wrapped.
    pub key: String,
    /// The environment that it is bound to.
    pub env: EnvId,
    /// What clients show as the application.
    #[serde(default)]
    pub app: String,
    /// What clients show as the environment.
    #[serde(default)]
    pub slug: String,
    /// Its end, in milliseconds since 1970; zero for none.
    #[serde(default)]
    pub not_after_ms: u64,
}

impl LegacyToken {
    /// What is kept of a token that was just made, bound to an environment.
    pub fn of(minted: &Minted, env: EnvId) -> Self {
        Self {
            id: minted.id.to_string(),
            hash: minted.hash.to_string(),
            key: minted.recipient.to_jwk(),
            env,
            app: String::new(),
            slug: String::new(),
            not_after_ms: 0,
        }
    }
}

/// A robot that is being opened.
pub type Opening = Pin<Box<dyn Future<Output = Result<Robot, RobotError>> + Send>>;

/// Opens the newest verified state.
pub type OpenRobot = Box<dyn Fn() -> Opening + Send + Sync>;

/// Answers from what a service token may read. Every question is answered from the newest state of
/// the server, verified anew: a right that was taken away is gone with the next answer.
pub struct RobotSource {
    tokens: Vec<LegacyToken>,
    open: OpenRobot,
}

impl RobotSource {
    /// Answers for `tokens`.
    pub fn new(tokens: Vec<LegacyToken>, open: OpenRobot) -> Self {
        Self { tokens, open }
    }

    async fn find(&self, hash: TokenHash) -> Result<Box<dyn Found>, GatewayError> {
        let wanted = hash.to_string();
        let token = self.tokens.iter().find(|token| token.hash == wanted);
        let token = token.ok_or_else(GatewayError::unauthorized)?;
        if token.not_after_ms != 0 && token.not_after_ms <= now_ms() {
            return Err(GatewayError::unauthorized());
        }
        let recipient =
            Recipient::from_jwk(&token.key).map_err(|_| GatewayError::unauthorized())?;
        let robot = (self.open)().await.map_err(|error| refused(&error))?;
        Ok(Box::new(RobotFound::fetch(robot, token, recipient).await?))
    }
}

impl fmt::Debug for RobotSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RobotSource").field("tokens", &self.tokens.len()).finish_non_exhaustive()
    }
}

impl LegacySource for RobotSource {
    fn look(&self, token: TokenHash) -> Answering<'_, Box<dyn Found>> {
        Box::pin(self.find(token))
    }
}

struct RobotFound {
    robot: Robot,
    outline: Outline,
    /// The secrets of each layer, in the order of its names.
    secrets: Vec<Vec<SecretId>>,
}

impl RobotFound {
    async fn fetch(
        mut robot: Robot,
        token: &LegacyToken,
        recipient: Recipient,
    ) -> Result<Self, GatewayError> {
        let mut envs = robot.composed(&token.env);
        envs.push(token.env);
        let (mut layers, mut secrets) = (Vec::with_capacity(envs.len()), Vec::new());
        for env in &envs {
            // A group that the token may not read refuses the whole: half an environment would run.
            robot.fetch(*env).await.map_err(|error| refused(&error))?;
            let named = robot.names(*env).map_err(|error| refused(&error))?;
            let (ids, names): (Vec<_>, Vec<_>) =
                named.into_iter().map(|(id, named)| (id, named.name)).unzip();
            let is_own = *env == token.env;
            let own_slug = Some(&token.slug).filter(|slug| is_own && !slug.is_empty());
            layers.push(Layer {
                env: *env,
                slug: own_slug.cloned().unwrap_or_else(|| env.to_string()),
                // A service token reads no names of groups.
                group: (!is_own).then(|| env.to_string()),
                names,
                may_refer: envs
                    .iter()
                    .map(|other| other == env || robot.may_refer(env, other))
                    .collect(),
            });
            secrets.push(ids);
        }
        let org = robot.org().to_string();
        let short = org.chars().take(16).collect();
        // An environment knows its application by an id that says nothing to a client.
        let app = token.env.to_string().replacen(EnvId::PREFIX, "app_", 1);
        let outline = Outline {
            recipient,
            org: Label { id: org, slug: short },
            app: Label { id: app, slug: token.app.clone() },
            layers,
        };
        Ok(Self { robot, outline, secrets })
    }

    async fn values(&mut self) -> Result<Vec<Vec<SecretBytes>>, GatewayError> {
        let envs: Vec<EnvId> = self.outline.layers.iter().map(|layer| layer.env).collect();
        for (env, secrets) in envs.iter().zip(&self.secrets) {
            let noted = self.robot.note(Use::Injected, *env, secrets).await;
            noted.map_err(|error| refused(&error))?;
        }
        let mut values = Vec::with_capacity(envs.len());
        for (env, secrets) in envs.iter().zip(&self.secrets) {
            let opened = secrets.iter().map(|secret| self.robot.value(*env, secret));
            values.push(opened.collect::<Result<_, _>>().map_err(|error| refused(&error))?);
        }
        Ok(values)
    }
}

impl Found for RobotFound {
    fn outline(&self) -> &Outline {
        &self.outline
    }

    fn open(&mut self) -> Answering<'_, Vec<Vec<SecretBytes>>> {
        Box::pin(self.values())
    }
}

const NOT_READABLE: &str =
    "the broker's own service token may not read this environment, or one of its groups";

/// What of a failure is a refusal, and what only means "not now". Whatever does not verify is
/// refused: an old answer that a client kept must not stand in for it.
fn refused(error: &RobotError) -> GatewayError {
    match error {
        RobotError::NoEnv => GatewayError::forbidden(NOT_READABLE),
        RobotError::Api(ApiError::Refused { status: 401 | 403 | 404, .. }) => {
            GatewayError::forbidden(NOT_READABLE)
        }
        RobotError::Api(_) | RobotError::Entropy(_) => {
            GatewayError::unavailable(format!("the vault's server: {error}"))
        }
        _ => GatewayError::forbidden(format!(
            "what the vault's server shows does not verify, so nothing is handed out: {error}"
        )),
    }
}
