//! What was found, without names: those are looked up where it is shown.

use strongroom_format::hash::sha256;
use strongroom_format::id::{EnvId, Principal, SecretId, TokenId};

use crate::log::Use;

/// How much a finding asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something is to be done.
    Act,
    /// Somebody should look whether it was meant.
    Look,
    /// Good to know.
    Know,
}

/// Names a finding: the same for as long as it says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; 16]);

impl Key {
    pub(super) fn of(kind: &str, parts: &[&[u8]]) -> Self {
        let digest = strongroom_format::hash::h(kind, parts);
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self(key)
    }

    /// One key for several; that of a single one is itself.
    fn joined(keys: &[Self]) -> Self {
        if let [one] = keys {
            return *one;
        }
        let parts: Vec<&[u8]> = keys.iter().map(|key| &key.0[..]).collect();
        let digest = sha256(&parts);
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self(key)
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Secrets of an environment that nobody used for 90 days.
    Unused {
        /// Where.
        env: EnvId,
        /// Which, rising.
        secrets: Vec<SecretId>,
        /// How many of them were never used at all.
        never: usize,
        /// The newest use of any of them, or where none was used, when the newest was written.
        quiet_since_ms: u64,
    },
    /// Secrets in use whose value is older than 180 days.
    Stale {
        /// Where.
        env: EnvId,
        /// Which, rising.
        secrets: Vec<SecretId>,
        /// When the oldest value was written.
        since_ms: u64,
    },
    /// Secrets whose first value is older than 180 days and still the value.
    NeverRotated {
        /// Where.
        env: EnvId,
        /// Which, rising.
        secrets: Vec<SecretId>,
        /// When the oldest was written.
        since_ms: u64,
    },
    /// Somebody holds data keys for 30 days or more and never opened a value under them.
    OverGranted {
        /// Who.
        who: Principal,
        /// Where, rising.
        envs: Vec<EnvId>,
        /// From how many of them the server saw it fetch.
        fetched: usize,
        /// Since when it holds the oldest.
        since_ms: u64,
    },
    /// A token ends within 14 days.
    Expiring {
        /// Which.
        token: TokenId,
        /// When.
        ends_ms: u64,
    },
    /// A token that has ended still asks.
    Ended {
        /// Which.
        token: TokenId,
        /// Since when it is over.
        ended_ms: u64,
        /// How often it asked since.
        asked: u32,
        /// When it last did.
        last_ms: u64,
        /// From where.
        address: String,
    },
    /// Somebody's first use of secrets in production.
    FirstReader {
        /// Who.
        who: Principal,
        /// Where.
        env: EnvId,
        /// Which, rising.
        secrets: Vec<SecretId>,
        /// Whether it had never used anything there before.
        new_there: bool,
        /// When the first of them was.
        first_ms: u64,
    },
    /// Uses outside somebody's own usual hours.
    OffHours {
        /// Who.
        who: Principal,
        /// How many.
        uses: u32,
        /// The first.
        first_ms: u64,
        /// The last.
        last_ms: u64,
        /// Usual hours, each from and up to a full hour of the day; one may pass midnight.
        usual: Vec<(u8, u8)>,
        /// From how many earlier uses those were learnt.
        learnt_from: u32,
    },
    /// Many values shown, copied or written to files at once.
    MassReveal {
        /// Who.
        who: Principal,
        /// How many different secrets.
        secrets: usize,
        /// In which environments, rising.
        envs: Vec<EnvId>,
        /// An environment of which it was half or more, and how many secrets that has.
        half_of: Option<(EnvId, usize)>,
        /// The first.
        from_ms: u64,
        /// The last.
        to_ms: u64,
    },
    /// Many refusals from one address.
    RefusedByAddress {
        /// The address, without its port.
        address: String,
        /// How many.
        count: usize,
        /// The first.
        from_ms: u64,
        /// The last.
        to_ms: u64,
    },
    /// A decoy was used.
    DecoyTouched {
        /// Where.
        env: EnvId,
        /// Which.
        secret: SecretId,
        /// Who.
        who: Principal,
        /// The strongest use.
        what: Use,
        /// How many uses there were.
        uses: u32,
        /// The first.
        first_ms: u64,
        /// The last.
        last_ms: u64,
    },
    /// What somebody who left could read is not replaced yet.
    LeaverQueue(Queue),
}

/// An offboarding that is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// Who left.
    pub who: Principal,
    /// When it began.
    pub began_ms: u64,
    /// How many data keys it held are still in force, or still seal values.
    pub keys: usize,
    /// How many values it used are neither new nor replaced.
    pub values: usize,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Names it.
    pub key: Key,
    /// What a dismissal remembers: several where one finding stands for several things.
    pub covers: Vec<Key>,
    /// How much it asks for.
    pub severity: Severity,
    /// What was found.
    pub what: What,
}

impl Finding {
    pub(super) fn new(covers: Vec<Key>, severity: Severity, what: What) -> Self {
        Self { key: Key::joined(&covers), covers, severity, what }
    }

    /// The newest time that it speaks of, in milliseconds since 1970.
    pub fn at_ms(&self) -> u64 {
        match &self.what {
            What::Unused { quiet_since_ms, .. } => *quiet_since_ms,
            What::Stale { since_ms, .. }
            | What::NeverRotated { since_ms, .. }
            | What::OverGranted { since_ms, .. } => *since_ms,
            What::Expiring { ends_ms, .. } => *ends_ms,
            What::Ended { last_ms, .. }
            | What::OffHours { last_ms, .. }
            | What::DecoyTouched { last_ms, .. } => *last_ms,
            What::FirstReader { first_ms, .. } => *first_ms,
            What::MassReveal { to_ms, .. } | What::RefusedByAddress { to_ms, .. } => *to_ms,
            What::LeaverQueue(queue) => queue.began_ms,
        }
    }

    /// The order of kinds that ask for as much.
    pub(super) fn rank(&self) -> u8 {
        match &self.what {
            What::DecoyTouched { .. } => 0,
            What::MassReveal { .. } => 1,
            What::LeaverQueue(_) => 2,
            What::Ended { .. } => 3,
            What::Expiring { .. } => 4,
            What::FirstReader { .. } => 5,
            What::OffHours { .. } => 6,
            What::RefusedByAddress { .. } => 7,
            What::OverGranted { .. } => 8,
            What::Unused { .. } => 9,
            What::Stale { .. } => 10,
            What::NeverRotated { .. } => 11,
        }
    }
}
