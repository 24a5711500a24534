//! What this computer verified, up to where, and what that does not cover.

use strongroom_chain::org::EnvState;
use strongroom_core::drill::{self, Holders};
use strongroom_core::lock_file::Lock;
use strongroom_core::log::AuditCopy;
use strongroom_core::{team, utc};
use strongroom_crypto::safe::Fingerprint;
use strongroom_format::event::EventKind;
use strongroom_format::hash::Digest;
use strongroom_format::id::{DeviceId, EnvId, base32};
use strongroom_format::statement::EnvKind;

use super::error::{Stop, VaultError};
use super::org::OpenOrg;
use super::session::Session;
use crate::profile::KeepSecretKey;

/// How far one environment was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitTrust {
    /// Which.
    pub env: EnvId,
    /// Application and environment.
    pub place: String,
    /// Its newest verified commit.
    pub seq: u64,
    /// The code of that commit's head.
    pub code: String,
    /// Whether every commit from the first was checked here.
    pub complete: bool,
}

/// How far the audit log was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditTrust {
    /// Up to which entry it is known to have only grown.
    pub size: u64,
    /// The code of its root.
    pub code: String,
    /// Whether every entry up to some signed size was read and hashed here.
    pub complete: bool,
    /// Entries whose signature or count did not hold.
    pub doubtful: u64,
}

/// Everything the Trust page shows of the organisation in front.
#[derive(Debug, Clone)]
pub struct TrustFacts {
    /// This computer, as the audit log knows it.
    pub device: DeviceId,
    /// When the server last answered and everything verified, in milliseconds since 1970.
    pub verified_ms: Option<u64>,
    /// The server's address.
    pub server: String,
    /// The newest verified link ...
    pub link: u64,
    /// ... and its head's code, to be compared with somebody else's.
    pub head_code: String,
    /// This person's fingerprint.
    pub fingerprint: String,
    /// The environments that this person reads.
    pub commits: Vec<CommitTrust>,
    /// The audit log.
    pub audit: AuditTrust,
    /// What none of this covers, in plain words, a sentence each.
    pub not_covered: Vec<String>,
    /// What stopped the vault.
    pub stop: Option<Stop>,
    /// Who could open each environment today.
    pub holders: Vec<(Holders, String)>,
}

/// What a comparison of two heads says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadMatch {
    /// Both computers verified the same chain up to that link.
    Same,
    /// They verified two chains: somebody shows people different histories.
    Differs,
    /// This computer does not know that link yet.
    Unknown,
}

/// The first 80 bits of a head as 16 characters in groups of four.
pub fn short_code(head: &Digest) -> String {
    let text = base32().encode(&head[..10]);
    [&text[..4], &text[4..8], &text[8..12], &text[12..]].join(" ")
}

impl Session {
    /// What was verified of the organisation in front, and what that does not cover.
    pub fn trust_facts(&self) -> Result<TrustFacts, VaultError> {
        let (now, server) = (self.now_ms(), self.api.origin().to_string());
        let org = self.current()?;
        let device = self.look_at_acts(org, strongroom_core::log::Acts::device)?;
        let copy = self.audit_copy()?;
        let copy = copy.as_deref();
        let alone = self.record().keep == KeepSecretKey::Ask;
        self.with(|org| {
            let facts = copy.and_then(AuditCopy::facts);
            let holders = drill::holders(org.replica(), facts, now);
            let places = |holders: Holders| {
                let place = team::place(org.replica(), &holders.env);
                (holders, place)
            };
            let holders = holders.into_iter().map(places).collect();
            let commits = commits(org);
            let audit = audit(org, copy);
            let not_covered = not_covered(org, &commits, &audit, alone);
            let state = org.replica.state();
            let public = org.replica.me().keyset.public();
            Ok(TrustFacts {
                device,
                verified_ms: org.standing.synced_ms,
                server,
                link: state.seq(),
                head_code: short_code(&state.head()),
                fingerprint: Fingerprint::of(&self.user(), &public).groups(),
                commits,
                audit,
                not_covered,
                stop: org.standing.stop.clone(),
                holders,
            })
        })
    }

    /// Compares the code that somebody else's computer shows for a link with this one's. Case,
    /// spaces and dashes do not matter; [`VaultError::NotACode`] for what is no code.
    pub fn heads_compare(&self, link: u64, code: &str) -> Result<HeadMatch, VaultError> {
        let typed: String = code
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let plain = |b: u8| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b);
        if typed.len() != 16 || !typed.bytes().all(plain) {
            return Err(VaultError::NotACode);
        }
        self.with(|org| {
            Ok(match org.replica.state().head_at(link) {
                None => HeadMatch::Unknown,
                Some(head) if short_code(&head).replace(' ', "") == typed => HeadMatch::Same,
                Some(_) => HeadMatch::Differs,
            })
        })
    }

    /// Shows, signed and dated, that this person can open the newest data keys of `envs` today.
    /// Answers how many. Others see it after the next sync.
    pub fn drill_run(&self, envs: &[EnvId]) -> Result<usize, VaultError> {
        let now = self.now_ms();
        let details = self.with(|org| {
            let one = |env: &EnvId| drill::prove(org.replica(), *env, now);
            Ok(envs.iter().map(one).collect::<Result<Vec<_>, _>>()?)
        })?;
        self.note_acts(EventKind::Drilled, &details)?;
        Ok(details.len())
    }

    /// `strongroom.lock` for this organisation: everything that this computer verified.
    pub fn lock_file(&self) -> Result<String, VaultError> {
        let server = self.api.origin().to_string();
        self.with(|org| Ok(Lock::of(&org.replica, &server).text()))
    }
}

fn commits(org: &mut OpenOrg) -> Vec<CommitTrust> {
    let replica = org.replica();
    let known = |(env, copy): (&EnvId, &strongroom_core::env::EnvCopy)| {
        let history = copy.history();
        (*env, history.seq(), history.head(), history.is_complete())
    };
    let all: Vec<_> = replica.envs().iter().map(known).collect();
    all.into_iter()
        .map(|(env, seq, head, complete)| CommitTrust {
            env,
            place: team::place(replica, &env),
            seq,
            code: short_code(&head),
            complete,
        })
        .collect()
}

fn audit(org: &OpenOrg, copy: Option<&AuditCopy>) -> AuditTrust {
    let pin = org.replica.audit();
    let facts = copy.and_then(AuditCopy::facts);
    AuditTrust {
        size: pin.size,
        code: short_code(&pin.root),
        complete: facts.is_some(),
        doubtful: facts.map_or(0, strongroom_core::log::Facts::doubtful),
    }
}

fn not_covered(
    org: &OpenOrg,
    commits: &[CommitTrust],
    audit: &AuditTrust,
    alone: bool,
) -> Vec<String> {
    let state = org.replica.state();
    let mut all = vec![
        format!(
            "Changes that the server holds back. The newest one shown here was signed on {}.",
            utc::minutes(org.replica.pins(0).newest_ms)
        ),
        "Two groups of people who are shown different histories. Compare the head with somebody \
         to rule that out."
            .to_owned(),
        "What somebody did with a value outside this program. The audit log knows what programs \
         noted."
            .to_owned(),
    ];
    for env in commits.iter().filter(|env| !env.complete) {
        all.push(format!(
            "The past of {}: it is still being checked. What it holds now is verified.",
            env.place
        ));
    }
    let read: Vec<EnvId> = commits.iter().map(|env| env.env).collect();
    // An environment without a commit is not read, and there is nothing in it to cover.
    let me = org.replica.principal();
    let holds = |known: &EnvState| {
        let newest = known.epochs.last();
        newest.is_some_and(|epoch| epoch.wraps.iter().any(|wrap| wrap.recipient == me))
    };
    let closed = state.envs().iter().filter(|(env, known)| {
        known.kind != EnvKind::Directory && !holds(known) && !read.contains(env)
    });
    match closed.count() {
        0 => {}
        1 => all.push("One environment that you hold no key for.".to_owned()),
        n => all.push(format!("{n} environments that you hold no key for.")),
    }
    if !audit.complete {
        all.push(
            "The entries of the audit log: only that it grew and never shrank is proven, until it \
             is read."
                .to_owned(),
        );
    }
    if audit.doubtful > 0 {
        all.push(format!(
            "{} entries of the audit log that claim a signature which does not hold.",
            audit.doubtful
        ));
    }
    if alone {
        all.push(
            "An older record of this computer, put back by somebody who can write its disk: \
             without a keyring nothing remembers the newest one."
                .to_owned(),
        );
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_sixteen_characters_in_groups_of_four() {
        let code = short_code(&[0xff; 32]);
        assert_eq!(code, "7777 7777 7777 7777");
        assert_ne!(short_code(&[0; 32]), code);
    }
}
