//! New standing fake tokens of agents: made in a secure window and shown there once.
//!
//! Invariant: what shows or copies one asks for a [`SecureWindow`], which only a command of a secure
//! window can make.

use std::sync::Arc;

use strongroom_client::vault::Session;
use strongroom_policy::{FakeToken, Provider, provider::EnvVar};
use strongroom_secret::SecretText;

use super::{Desk, agents::FakeWanted, handover::copy_of, vaults::blocking};
use crate::{
    commands::secure::SecureWindow,
    error::{Answer, CommandError},
    view::{
        CopyView,
        secure::{FakeTokenContext, Shown},
    },
};

/// What stands in variables while no broker runs; it listens there unless something else does.
const USUAL_ADDRESS: &str = "127.0.0.1:7417";

/// A new fake token, as long as its window is open.
#[derive(Debug)]
pub struct FakeMade {
    agent: String,
    provider: String,
    text: SecretText,
    variables: SecretText,
    replaced: bool,
}

impl Desk {
    /// Makes a fake token. The broker knows it from now on.
    pub async fn fake_make(&self, _by: &SecureWindow, wanted: FakeWanted) -> Answer<FakeMade> {
        let session = self.session()?;
        let address = self.broker.address();
        let base = format!("http://{}", address.as_deref().unwrap_or(USUAL_ADDRESS));
        let made = blocking(move || make(&session, &wanted, &base)).await?;
        self.broker.poke();
        Ok(made)
    }

    /// What its window shows.
    pub async fn fake_shown(
        &self,
        _by: &SecureWindow,
        made: Arc<FakeMade>,
    ) -> Answer<FakeTokenContext> {
        self.session()?;
        Ok(FakeTokenContext {
            frame: self.secure_frame().await?,
            agent: made.agent.clone(),
            provider: made.provider.clone(),
            fake: Shown::new(copy_of(&made.text)),
            variables: Shown::new(copy_of(&made.variables)),
            replaced: made.replaced,
        })
    }

    /// Copies it.
    pub async fn fake_copy(&self, _by: &SecureWindow, made: &FakeMade) -> Answer<CopyView> {
        self.copy_once(format!("Fake token of {}", made.agent), copy_of(&made.text)).await
    }

    /// Copies what the agent's environment needs.
    pub async fn fake_copy_variables(
        &self,
        _by: &SecureWindow,
        made: &FakeMade,
    ) -> Answer<CopyView> {
        self.copy_once(format!("Variables of {}", made.agent), copy_of(&made.variables)).await
    }
}

fn make(session: &Session, wanted: &FakeWanted, base: &str) -> Answer<FakeMade> {
    let found = session.agents()?.into_iter().find(|entry| entry.id == wanted.agent);
    let agent = found.filter(|entry| entry.lives).ok_or(CommandError::NotFound)?;
    let policy = agent.policy.map_err(|broken| CommandError::BadPolicy {
        place: "the agent".to_owned(),
        problem: broken.to_string(),
    })?;
    let provider = policy.provider(&wanted.provider).ok_or(CommandError::NotFound)?;
    let token = session.make_fake(wanted.agent, provider, agent.not_after, wanted.replaces)?;
    Ok(FakeMade {
        agent: agent.name,
        provider: provider.name.clone(),
        variables: variables(&token, provider, base),
        text: SecretText::from_string(token.text().to_owned()),
        replaced: wanted.replaces.is_some(),
    })
}

/// A line for each variable.
fn variables(token: &FakeToken, provider: &Provider, base: &str) -> SecretText {
    let line = |var: &EnvVar| format!("{}={}", var.name, token.env_value(provider, var, base));
    SecretText::from_string(provider.env.iter().map(line).collect::<Vec<_>>().join("\n"))
}
