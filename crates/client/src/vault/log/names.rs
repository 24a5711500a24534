//! Names for the ids in the log: what the directory and the environments say now, and what they
//! said of things that are gone since.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_core::env::EnvCopy;
use strongroom_core::log::index::Names;
use strongroom_core::team;
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::encoding::{Codec as _, DecodeError, Reader, Writer};
use strongroom_format::id::{EnvId, OrgId, Principal, SecretId};

use super::super::error::VaultError;
use super::super::org::OpenOrg;
use super::super::session::{Session, hold};
use crate::cache::CacheError;

const VERSION: u8 = 1;
/// No name is longer, in bytes.
const MAX_NAME: usize = 1024;

/// The names as this computer knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogNames {
    /// What the names were made from: when it changes they are made anew.
    stamp: Vec<u64>,
    who: BTreeMap<Principal, String>,
    envs: BTreeMap<EnvId, String>,
    /// Where the organisation's names are: it labels secrets for who cannot open their environment.
    directory: Option<EnvId>,
    /// Those of deleted ones too, from when this computer last saw them.
    secrets: BTreeMap<(EnvId, SecretId), String>,
}

impl Names for LogNames {
    fn who(&self, who: &Principal) -> Option<String> {
        self.who.get(who).cloned()
    }

    fn env(&self, env: &EnvId) -> Option<String> {
        self.envs.get(env).cloned()
    }

    fn secret(&self, env: &EnvId, secret: &SecretId) -> Option<String> {
        let label = || self.secrets.get(&(self.directory?, *secret));
        self.secrets.get(&(*env, *secret)).or_else(label).cloned()
    }
}

impl LogNames {
    fn stamp(org: &OpenOrg) -> Vec<u64> {
        let envs = org.replica.envs().values().map(EnvCopy::generation);
        std::iter::once(org.replica.state().seq()).chain(envs).collect()
    }

    /// Adds what the organisation says now.
    fn refresh(&mut self, org: &mut OpenOrg) {
        self.stamp = Self::stamp(org);
        let state = org.replica.state();
        self.directory = state.directory();
        let people = state.members().keys().copied().map(Principal::User);
        let tokens = state.tokens().keys().copied().map(Principal::Token);
        let agents = state.agents().keys().copied().map(Principal::Agent);
        let all: Vec<Principal> = people.chain(tokens).chain(agents).collect();
        let envs: Vec<EnvId> = state.envs().keys().copied().collect();
        for who in all {
            let name = team::who(&mut org.replica, &who);
            self.who.insert(who, name);
        }
        for env in envs {
            let place = team::place(&mut org.replica, &env);
            self.envs.insert(env, place);
            // Of an environment without a key here nothing is known, or what was known stays.
            let Ok(list) = org.list(env) else { continue };
            for row in list.rows() {
                self.secrets.insert((env, row.secret), row.name.clone());
            }
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(VERSION).count(self.secrets.len());
        for ((env, secret), name) in &self.secrets {
            env.write(&mut w);
            secret.write(&mut w);
            w.lp(name.as_bytes());
        }
        w.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        let mut names = Self::default();
        for _ in 0..r.count(usize::MAX)? {
            let place = (EnvId::read(&mut r)?, SecretId::read(&mut r)?);
            names.secrets.insert(place, r.text(MAX_NAME)?.to_owned());
        }
        r.finish()?;
        Ok(names)
    }
}

impl Session {
    /// The names for the log of an organisation, made anew where something changed since.
    pub(super) fn log_names(&self, org: OrgId) -> Result<Arc<LogNames>, VaultError> {
        let held = hold(&self.audits).get(&org).and_then(|audit| audit.kept.names.clone());
        let held = match held {
            Some(held) => held,
            None => Arc::new(self.remembered_names(org)?),
        };
        let fresh = {
            let mut orgs = hold(&self.orgs);
            let opened = orgs.all.get_mut(&org).ok_or(VaultError::NotFound)?;
            if held.stamp == LogNames::stamp(opened) {
                return Ok(held);
            }
            let mut fresh = LogNames::clone(&held);
            fresh.refresh(opened);
            fresh
        };
        if fresh.secrets != held.secrets {
            self.cache.put(&names_name(org), &fresh.encode(), &mut OsEntropy)?;
        }
        let fresh = Arc::new(fresh);
        hold(&self.audits).entry(org).or_default().kept.names = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    fn remembered_names(&self, org: OrgId) -> Result<LogNames, VaultError> {
        match self.cache.get(&names_name(org)) {
            Ok(bytes) => Ok(bytes.lend(LogNames::decode).unwrap_or_default()),
            Err(CacheError::Missing | CacheError::Broken) => Ok(LogNames::default()),
            Err(error) => Err(error.into()),
        }
    }
}

fn names_name(org: OrgId) -> String {
    format!("names-{org}")
}
