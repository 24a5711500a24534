//! The names that some entries need, gathered once: what the log remembers, and what the verified
//! chain says of it now.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_client::vault::{OpenOrg, Session};
use strongroom_core::log::index::{Facets, Names, Row};
use strongroom_format::{
    agency::AgentCall,
    id::{EnvId, Principal, SecretId, UserId},
    statement::Body,
};

use super::{
    rows::{self, Around, LinkTold, is_about_link},
    words,
};
use crate::error::Answer;

/// Whatever wants to be named.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    who: BTreeSet<Principal>,
    envs: BTreeSet<EnvId>,
    secrets: BTreeSet<(EnvId, SecretId)>,
    links: BTreeSet<u64>,
    calls: Vec<u64>,
}

impl Wanted {
    /// Of the rows of an index that begins with the entry `base`.
    pub(super) fn of_rows(base: u64, rows: &[Row]) -> Self {
        let mut wanted = Self::default();
        for row in rows {
            wanted.who.extend(row.who);
            if let Some(agent) = row.agent {
                wanted.who.insert(Principal::Agent(agent));
                wanted.calls.push(base + u64::from(row.row));
            }
            wanted.envs.insert(row.env);
            wanted.secrets.insert((row.env, row.secret));
            if is_about_link(row.kind) {
                wanted.links.insert(row.number);
            }
        }
        wanted
    }

    pub(super) fn of_facets(facets: &Facets) -> Self {
        Self {
            who: facets.who.iter().filter_map(|(who, _)| *who).collect(),
            envs: facets.envs.iter().map(|(env, _)| *env).collect(),
            secrets: facets.secrets.iter().map(|(secret, _)| *secret).collect(),
            links: BTreeSet::new(),
            calls: Vec::new(),
        }
    }
}

/// What is known of it.
#[derive(Debug)]
pub(super) struct Told {
    you: UserId,
    who: BTreeMap<Principal, String>,
    places: BTreeMap<EnvId, String>,
    secrets: BTreeMap<(EnvId, SecretId), String>,
    gone: BTreeSet<Principal>,
    envs: BTreeSet<EnvId>,
    links: BTreeMap<u64, LinkTold>,
    calls: BTreeMap<u64, AgentCall>,
}

impl Told {
    /// Everything that this computer knows of `wanted`, as of `now_ms`.
    pub(super) fn gather(session: &Session, mut wanted: Wanted, now_ms: u64) -> Answer<Self> {
        let bodies = session.with(|org| {
            let replica = org.replica();
            let body = |seq: &u64| Some((*seq, replica.link(*seq)?.statement.body.clone()));
            Ok(wanted.links.iter().filter_map(body).collect::<BTreeMap<u64, Body>>())
        })?;
        wanted.who.extend(bodies.values().filter_map(words::subject_of));
        wanted.envs.extend(bodies.values().filter_map(words::place_of));
        let mut told = Self::names_of(session, &wanted)?;
        session.with(|org| {
            let gone = wanted.who.iter().filter(|who| !lives(org, who, now_ms));
            told.gone = gone.copied().collect();
            let state = org.replica().state();
            let known = wanted.envs.iter().filter(|env| state.env(env).is_some());
            told.envs = known.copied().collect();
            Ok(())
        })?;
        let link = |(seq, body): (u64, Body)| {
            let does = words::of_link(&body, |who| rows::name_of(who, &told));
            (seq, LinkTold { does, env: words::place_of(&body) })
        };
        told.links = bodies.into_iter().map(link).collect();
        told.calls = session.log_calls(&wanted.calls)?;
        Ok(told)
    }

    fn names_of(session: &Session, wanted: &Wanted) -> Answer<Self> {
        let mut told = Self {
            you: session.user(),
            who: BTreeMap::new(),
            places: BTreeMap::new(),
            secrets: BTreeMap::new(),
            gone: BTreeSet::new(),
            envs: BTreeSet::new(),
            links: BTreeMap::new(),
            calls: BTreeMap::new(),
        };
        session.with_log(|log| {
            let names = log.names;
            told.who = named(&wanted.who, |who| names.who(who));
            told.places = named(&wanted.envs, |env| names.env(env));
            told.secrets = named(&wanted.secrets, |(env, secret)| names.secret(env, secret));
        })?;
        Ok(told)
    }
}

fn named<T: Copy + Ord>(
    wanted: &BTreeSet<T>,
    name: impl Fn(&T) -> Option<String>,
) -> BTreeMap<T, String> {
    wanted.iter().filter_map(|one| Some((*one, name(one)?))).collect()
}

/// Whether the chain still lets it sign.
fn lives(org: &mut OpenOrg, who: &Principal, now_ms: u64) -> bool {
    let state = org.replica().state();
    let now_ms = now_ms.max(state.time_ms());
    match who {
        Principal::User(user) => state.is_member(user),
        Principal::Token(_) => state.signing_key(who, state.seq(), now_ms).is_some(),
        Principal::Agent(agent) => state.agent_lives(agent, now_ms),
    }
}

impl Names for Told {
    fn who(&self, who: &Principal) -> Option<String> {
        self.who.get(who).cloned()
    }

    fn env(&self, env: &EnvId) -> Option<String> {
        self.places.get(env).cloned()
    }

    fn secret(&self, env: &EnvId, secret: &SecretId) -> Option<String> {
        self.secrets.get(&(*env, *secret)).cloned()
    }
}

impl Around for Told {
    fn you(&self) -> UserId {
        self.you
    }

    fn is_gone(&self, who: &Principal) -> bool {
        self.gone.contains(who)
    }

    fn has_env(&self, env: &EnvId) -> bool {
        self.envs.contains(env)
    }

    fn link(&self, seq: u64) -> Option<&LinkTold> {
        self.links.get(&seq)
    }

    fn call(&self, entry: u64) -> Option<&AgentCall> {
        self.calls.get(&entry)
    }
}
