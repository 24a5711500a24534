//! `strongroom.lock`: what was verified when it was written, for machines that remember nothing.
//!
//! It stands beside the code and is reviewed like code. Whoever holds it takes nothing lower and
//! nothing else, so a server cannot show a build an older world or another one.
//!
//! ```text
//! # What was verified when this file was written. Raise it with: strongroom lock update
//! strongroom-lock 1
//! server https://vault.example
//! org org_…
//! link 412 <head, hexadecimal>
//! env env_… 17 <head, hexadecimal> 3
//! ```
//!
//! There is one spelling: environments rise by id, numbers have no leading zeros, and the file ends
//! with a newline. A carriage return before a newline is taken for what version control makes of it.

use std::fmt::Write as _;

use strongroom_chain::OrgState;
use strongroom_format::check::require;
use strongroom_format::hash::{Digest, ZERO};
use strongroom_format::id::{EnvId, OrgId};
use strongroom_format::pins::{EnvPin, MAX_ENVS};
use thiserror::Error;

use crate::env::EnvCopy;
use crate::replica::Replica;

/// What such a file is called.
pub const NAME: &str = "strongroom.lock";
/// The largest lock file that is read, in bytes.
pub const MAX_FILE: usize = 4 * 1024 * 1024;
const COMMENT: &str =
    "# What was verified when this file was written. Raise it with: strongroom lock update";
const VERSION: &str = "strongroom-lock 1";

/// Why a lock file stops a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LockError {
    /// Not the one spelling of a lock file.
    #[error("strongroom.lock is damaged at line {0}")]
    Malformed(usize),
    /// The server shows less than the file names.
    #[error("the server shows less than strongroom.lock names")]
    Lower,
    /// The server shows something else at a place that the file names.
    #[error("the server shows another history than strongroom.lock names")]
    Forked,
    /// The file is of another organisation.
    #[error("strongroom.lock belongs to another organisation")]
    OtherOrg,
    /// The file does not name the environment.
    #[error("strongroom.lock does not name this environment")]
    NotPinned,
}

/// The content of a lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The server's address.
    pub server: String,
    /// Which organisation.
    pub org: OrgId,
    /// The newest link that was verified ...
    pub link: u64,
    /// ... and its head.
    pub head: Digest,
    /// Environments, rising.
    pub envs: Vec<EnvPin>,
}

impl Lock {
    /// A file to begin with: of an organisation whose id is known, and nothing else. The id is the
    /// hash of the genesis, so it authenticates the chain; how long that is, it does not say.
    pub fn begin(server: &str, org: OrgId) -> Self {
        Self { server: server.to_owned(), org, link: 0, head: ZERO, envs: Vec::new() }
    }

    /// What a copy verified, of the environments that it holds.
    pub fn of(replica: &Replica, server: &str) -> Self {
        let state = replica.state();
        Self {
            server: server.to_owned(),
            org: state.org(),
            link: state.seq(),
            head: state.head(),
            envs: replica.pins(0).envs,
        }
    }

    /// Raised to what a copy verified that was held against it. Environments which that copy does
    /// not hold stay as they are.
    pub fn raise(&mut self, replica: &Replica) -> Result<(), LockError> {
        self.check(replica.state())?;
        for copy in replica.envs().values() {
            self.check_env(copy)?;
        }
        let newer = Self::of(replica, &self.server);
        let known = |env: &EnvPin| newer.envs.iter().any(|pin| pin.env == env.env);
        self.envs.retain(|env| !known(env));
        self.envs.extend(newer.envs);
        self.envs.sort_by_key(|pin| pin.env);
        (self.link, self.head) = (newer.link, newer.head);
        Ok(())
    }

    /// Whether a verified chain contains what the file names.
    pub fn check(&self, state: &OrgState) -> Result<(), LockError> {
        require(state.org() == self.org, LockError::OtherOrg)?;
        if self.link == 0 && self.head == ZERO {
            return Ok(());
        }
        let head = state.head_at(self.link).ok_or(LockError::Lower)?;
        require(head == self.head, LockError::Forked)
    }

    /// Whether a copy is not below what the file names. That a longer history goes through the named
    /// commit, whoever fetches it shows by the commits between.
    pub fn check_env(&self, copy: &EnvCopy) -> Result<(), LockError> {
        let (history, env) = (copy.history(), copy.history().env());
        let Some(pin) = self.env(&env) else { return Ok(()) };
        require(history.seq() >= pin.seq, LockError::Lower)?;
        require(history.seq() > pin.seq || history.head() == pin.head, LockError::Forked)
    }

    /// What the file names of an environment.
    pub fn env(&self, env: &EnvId) -> Option<&EnvPin> {
        self.envs.iter().find(|pin| pin.env == *env)
    }

    /// The file.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{COMMENT}\n{VERSION}\nserver {}\norg {}\nlink {} {}\n",
            self.server,
            self.org,
            self.link,
            hex(&self.head)
        );
        for pin in &self.envs {
            let EnvPin { env, seq, head, epoch } = pin;
            let head = hex(head);
            // Writing to a text cannot fail.
            let _ = writeln!(text, "env {env} {seq} {head} {epoch}");
        }
        text
    }

    /// Reads a file.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let text = text.replace("\r\n", "\n");
        let mut lines = text.split('\n').skip(2);
        let mut word = |line: usize, name: &str| {
            let rest = lines.next().and_then(|text| text.strip_prefix(name)?.strip_prefix(' '));
            rest.map(str::to_owned).ok_or(LockError::Malformed(line))
        };
        let server = word(3, "server")?;
        let org = word(4, "org")?.parse().map_err(|_| LockError::Malformed(4))?;
        let (link, head) = two(&word(5, "link")?).ok_or(LockError::Malformed(5))?;
        let mut envs: Vec<EnvPin> = Vec::new();
        for (line, text) in (6..).zip(lines) {
            if text.is_empty() {
                break; // the end, or a second spelling: settled below
            }
            let pin = env(text).filter(|_| envs.len() < MAX_ENVS);
            let pin = pin.filter(|pin| envs.last().is_none_or(|last| last.env < pin.env));
            envs.push(pin.ok_or(LockError::Malformed(line))?);
        }
        let lock = Self { server, org, link, head, envs };
        // Whatever was lenient above is settled here: there is one spelling.
        let own = lock.text();
        if own == text {
            return Ok(lock);
        }
        let differs = own.split('\n').zip(text.split('\n')).position(|(own, read)| own != read);
        let end = own.split('\n').count().min(text.split('\n').count());
        Err(LockError::Malformed(differs.unwrap_or(end) + 1))
    }
}

fn two(text: &str) -> Option<(u64, Digest)> {
    let (number, head) = text.split_once(' ')?;
    Some((number.parse().ok()?, unhex(head)?))
}

fn env(text: &str) -> Option<EnvPin> {
    let mut words = text.strip_prefix("env ")?.split(' ');
    let env = words.next()?.parse().ok()?;
    let seq = words.next()?.parse().ok()?;
    let head = unhex(words.next()?)?;
    let epoch = words.next()?.parse().ok()?;
    words.next().is_none().then_some(EnvPin { env, seq, head, epoch })
}

/// A digest in lower-case hexadecimal.
pub(crate) fn hex(digest: &Digest) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unhex(text: &str) -> Option<Digest> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, at) in digest.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offboard::tests::Story;

    fn story() -> (Story, Lock) {
        let mut story = Story::begin();
        story.put(1, "one");
        let lock = Lock::of(&story.replica, "https://vault.example");
        (story, lock)
    }

    #[test]
    fn a_lock_file_reads_back_and_has_one_spelling() {
        let (_, lock) = story();
        let text = lock.text();
        assert_eq!(Lock::parse(&text), Ok(lock.clone()));
        assert_eq!(Lock::parse(&text.replace('\n', "\r\n")), Ok(lock.clone()));
        for (bad, line) in [
            (text.replace("lock 1", "lock 2"), 2),
            (text.replace("link ", "link 0"), 5),
            (text.replace("link ", "link +"), 5),
            (text.replace("env env_", "env ENV_"), 6),
            (text.to_uppercase(), 3),
            (format!("{text}\n"), text.lines().count() + 2),
            (format!("{text}env x\n"), text.lines().count() + 1),
            (text.trim_end().to_owned(), text.lines().count() + 1),
            (format!("{text}# a note\n"), text.lines().count() + 1),
            (text.replacen('#', "#!", 1), 1),
            (String::new(), 3),
        ] {
            assert_eq!(Lock::parse(&bad), Err(LockError::Malformed(line)), "{bad}");
        }
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let other = String::from_utf8(bytes).ok().and_then(|text| Lock::parse(&text).ok());
            assert_ne!(other, Some(lock.clone()), "byte {at}");
        }
    }

    #[test]
    fn lower_and_other_histories_are_refused_and_longer_ones_raise_it() {
        let (mut story, mut lock) = story();
        assert_eq!(lock.check(story.replica.state()), Ok(()));
        let below = lock.clone();
        story.issue();
        story.put(2, "two");
        let newer = Lock::of(&story.replica, "https://vault.example");
        let copy = story.replica.env(&story.env).unwrap();
        let mut later = newer.clone();
        later.link += 1;
        assert_eq!(later.check(story.replica.state()), Err(LockError::Lower));
        let mut other = newer.clone();
        other.head[0] ^= 1;
        assert_eq!(other.check(story.replica.state()), Err(LockError::Forked));
        let at = newer.envs.iter().position(|pin| pin.env == story.env).unwrap();
        let mut later = newer.clone();
        later.envs[at].seq += 1;
        assert_eq!(later.check_env(copy), Err(LockError::Lower));
        let mut other = newer.clone();
        other.envs[at].head[0] ^= 1;
        assert_eq!(other.check_env(copy), Err(LockError::Forked));
        lock.org = OrgId([1; 32]);
        assert_eq!(lock.check(story.replica.state()), Err(LockError::OtherOrg));

        let mut raised = below;
        let elsewhere = EnvPin { env: EnvId([255; 16]), seq: 3, head: [3; 32], epoch: 1 };
        raised.envs.push(elsewhere);
        raised.raise(&story.replica).unwrap();
        assert_eq!(raised.envs.pop(), Some(elsewhere), "not this copy's to change");
        assert_eq!(raised, newer);
    }
}
