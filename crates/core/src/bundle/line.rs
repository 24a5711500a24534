//! The lines of a bundle. Each has one spelling: compact JSON, its fields in one order.

use std::io::{BufRead, Read as _};
use std::str::FromStr;
use std::{fmt, mem};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use strongroom_format::event::{Act, EventKind};
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, IdError, OrgId, Principal, SecretId, UserId};
use strongroom_format::statement::MAX_LINK;
use strongroom_format::wire::B64;

use super::judge::Why;

/// What the first line says that the file is.
pub(super) const KIND: &str = "audit-bundle";
/// The version of this format.
pub(super) const VERSION: u32 = 1;
/// The longest line, in bytes: a link and its name in base64 fit.
pub(super) const MAX_LINE: usize = MAX_LINK * 4 / 3 + 1_024;
/// The longest filter, in words or for programs, in bytes.
pub(super) const MAX_FILTER: usize = 4_096;
/// The longest name, in bytes.
pub(super) const MAX_NAME: usize = 1_024;
/// The most links, entries or names.
pub(super) const MAX_COUNT: u64 = 100_000_000;

pub(super) const ENTRY: &[u8] = b"{\"entry\":";
pub(super) const NAME: &[u8] = b"{\"id\":";

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Heading {
    pub(super) strongroom: String,
    pub(super) version: u32,
    pub(super) org: OrgId,
    pub(super) made_ms: u64,
    pub(super) by: UserId,
    pub(super) filter: String,
    pub(super) query: String,
    pub(super) checkpoint: String,
    pub(super) links: u64,
    pub(super) entries: u64,
}

/// A link of the chain.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkLine {
    pub(super) link: B64,
}

/// An entry of the log.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryLine {
    pub(super) entry: u64,
    pub(super) event: B64,
}

/// A node that stands for entries that are left out: level and index.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeLine {
    pub(super) node: (u8, u64),
    pub(super) hash: B64,
}

/// That the log continues the state which a link repeats.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnchorLine {
    pub(super) anchor: u64,
    pub(super) proof: Vec<B64>,
}

/// What the exporter calls something.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NameLine {
    pub(super) id: String,
    pub(super) name: String,
}

/// The last line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignatureLine {
    pub(super) signature: B64,
}

/// Something that an entry is about and that may have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Named {
    /// Who acted.
    Who(Principal),
    /// Where.
    Env(EnvId),
    /// On which secret.
    Secret(EnvId, SecretId),
}

impl Named {
    /// What an entry names.
    pub(super) fn of(act: &Act) -> impl Iterator<Item = Self> + use<> {
        let (env, secret) = (act.detail.env, act.detail.secret);
        // A drill keeps its proof where other acts name a secret.
        let is_secret = !secret.is_zero() && act.kind != EventKind::Drilled;
        let env_of = (!env.is_zero()).then_some(Self::Env(env));
        let secret_of = is_secret.then_some(Self::Secret(env, secret));
        let agent = act.agency.as_ref().map(|agency| Principal::Agent(agency.agent));
        let who = act.actor.into_iter().chain(agent).map(Self::Who);
        who.chain(env_of).chain(secret_of)
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Who(who) => who.fmt(f),
            Self::Env(env) => env.fmt(f),
            Self::Secret(env, secret) => write!(f, "{env}/{secret}"),
        }
    }
}

impl FromStr for Named {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if let Some((env, secret)) = text.split_once('/') {
            return Ok(Self::Secret(env.parse()?, secret.parse()?));
        }
        if text.starts_with(EnvId::PREFIX) {
            return text.parse().map(Self::Env);
        }
        text.parse().map(Self::Who)
    }
}

/// A line in its one spelling, with its end.
pub(super) fn write_line(line: &impl Serialize) -> Vec<u8> {
    // No key and no value of these lines can fail to be written.
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The lines of a file, one after the other.
pub(super) struct Lines<R> {
    file: R,
    hash: Sha256,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(file: R) -> Self {
        Self { file, hash: Sha256::new(), line: Vec::new(), number: 0 }
    }

    /// Which line was read last, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Reads the next line. At the end of the file there is none.
    pub(super) fn next(&mut self) -> Result<(), Why> {
        self.hash.update(&self.line);
        self.line.clear();
        self.number += 1;
        let most = MAX_LINE as u64 + 1;
        let read = self.file.by_ref().take(most).read_until(b'\n', &mut self.line);
        match (read, self.line.last()) {
            (Err(_), _) => Err(Why::Unreadable),
            (Ok(0), _) => Err(Why::Ends),
            (Ok(_), Some(b'\n')) => Ok(()),
            _ => Err(Why::Malformed),
        }
    }

    /// Whether the line begins so.
    pub(super) fn begins_with(&self, start: &[u8]) -> bool {
        self.line.starts_with(start)
    }

    /// What the line says, if that is its one spelling.
    pub(super) fn parse<T: DeserializeOwned + Serialize>(&self) -> Result<T, Why> {
        let line = serde_json::from_slice(&self.line).map_err(|_| Why::Malformed)?;
        if write_line(&line) == self.line { Ok(line) } else { Err(Why::Malformed) }
    }

    /// SHA-256 of everything before the line.
    pub(super) fn hash_before(&mut self) -> Digest {
        mem::take(&mut self.hash).finalize().into()
    }

    /// Nothing may follow.
    pub(super) fn end(mut self) -> Result<(), Why> {
        self.number += 1;
        match self.file.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(Why::Malformed),
            Err(_) => Err(Why::Unreadable),
        }
    }
}
