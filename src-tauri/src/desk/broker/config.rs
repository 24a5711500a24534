//! What a broker is told: the agents that live, what they may do, and the names of what they use.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_client::vault::{AgentEntry, Session};
use strongroom_control::link::{AgentConfig, Config, SecretEntry, StandingToken};
use strongroom_format::id::AgentId;
use strongroom_policy::AgentPolicy;

use crate::{desk::people::People, error::Answer, view::PersonView};

/// What holds, and who answers for each agent.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) config: Config,
    pub(super) people: BTreeMap<AgentId, PersonView>,
}

/// Reads it from the verified state of the organisation in front.
pub(super) fn read(session: &Session) -> Answer<Held> {
    let mut held = Held::default();
    let mut names = BTreeSet::new();
    for entry in session.agents()? {
        let Ok(policy) = &entry.policy else { continue };
        if !entry.lives {
            continue;
        }
        let mut people = People::seen_by(session);
        let person = session.with(|org| Ok(people.of(&entry.responsible, org)))?;
        let name = unlike(&entry.name, &mut names);
        held.config.agents.push(agent(session, &entry, policy, name, &person)?);
        held.people.insert(entry.id, person);
    }
    let lives = |agent: &AgentId| held.people.contains_key(agent);
    held.config.tokens = session
        .fakes()?
        .into_iter()
        .filter(|fake| lives(&fake.agent))
        .map(|fake| StandingToken {
            id: fake.id,
            hash: fake.hash,
            agent: fake.agent,
            provider: fake.provider,
            not_after_ms: fake.not_after_ms,
        })
        .collect();
    Ok(held)
}

fn agent(
    session: &Session,
    entry: &AgentEntry,
    policy: &AgentPolicy,
    name: String,
    person: &PersonView,
) -> Answer<AgentConfig> {
    let secrets = session.agent_secrets(policy)?.into_iter().filter_map(|secret| {
        let policy = secret.policy?;
        let (at, version) = (secret.at, secret.version);
        Some(SecretEntry { at, name: secret.name, place: secret.place, version, policy })
    });
    Ok(AgentConfig {
        id: entry.id,
        name,
        responsible: person.name.clone(),
        policy: policy.clone(),
        not_after_ms: entry.not_after,
        secrets: secrets.collect(),
    })
}

/// A name that no other agent has: commands choose agents by it.
fn unlike(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut unlike = name.to_owned();
    let mut n = 1;
    while !taken.insert(unlike.clone()) {
        n += 1;
        unlike = format!("{name}-{n}");
    }
    unlike
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_agents_of_one_name_are_told_apart() {
        let mut taken = BTreeSet::new();
        let names = ["triage", "triage", "docs", "triage"];
        let told: Vec<_> = names.iter().map(|name| unlike(name, &mut taken)).collect();
        assert_eq!(told, ["triage", "triage-2", "docs", "triage-3"]);
    }
}
