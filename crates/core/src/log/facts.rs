//! What the log says about whom, in as few words as the windows need.

use std::collections::BTreeMap;

use strongroom_chain::OrgState;
use strongroom_format::event::{Event, EventKind, SignedAct};
use strongroom_format::id::{DeviceId, EnvId, Principal, SecretId};
use strongroom_format::statement::{Rights, Role};

/// Something that the server saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// By the server's clock, in milliseconds since 1970.
    pub at_ms: u64,
    /// Address and port that it came from, as the server saw it.
    pub peer: String,
}

/// What was done with an opened value, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// Opened on a device.
    Decrypted,
    /// Written to a file.
    Exported,
    /// Used through the broker.
    Brokered,
    /// Put into a process.
    Injected,
    /// Put on the clipboard.
    Copied,
    /// Shown in a secure window.
    Revealed,
}

impl Use {
    /// Every use, weakest first.
    pub const ALL: [Self; 6] = [
        Self::Decrypted,
        Self::Exported,
        Self::Brokered,
        Self::Injected,
        Self::Copied,
        Self::Revealed,
    ];

    /// The act that it is noted as.
    pub fn kind(self) -> EventKind {
        match self {
            Self::Decrypted => EventKind::Decrypted,
            Self::Exported => EventKind::Exported,
            Self::Brokered => EventKind::Brokered,
            Self::Injected => EventKind::Injected,
            Self::Copied => EventKind::Copied,
            Self::Revealed => EventKind::Revealed,
        }
    }

    /// The use that an act of this kind is.
    pub fn of(kind: EventKind) -> Option<Self> {
        match kind {
            EventKind::Decrypted => Some(Self::Decrypted),
            EventKind::Exported => Some(Self::Exported),
            EventKind::Brokered => Some(Self::Brokered),
            EventKind::Injected => Some(Self::Injected),
            EventKind::Copied => Some(Self::Copied),
            EventKind::Revealed => Some(Self::Revealed),
            _ => None,
        }
    }
}

/// When each use of one secret by one principal was last noted; 0 for never. Times are the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses(pub(super) [u64; 6]);

impl Uses {
    /// When it was last used so, in milliseconds since 1970.
    pub fn last(&self, what: Use) -> Option<u64> {
        Some(self.0[what as usize]).filter(|at| *at != 0)
    }

    /// The strongest use there was, and when it was last.
    pub fn strongest(&self) -> Option<(Use, u64)> {
        Use::ALL.into_iter().rev().find_map(|what| Some((what, self.last(what)?)))
    }
}

/// A holder's proof that it can open a data key; whether it holds, whoever has the key can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    /// Of which data key.
    pub epoch: u32,
    /// When, by the holder's clock, in milliseconds since 1970.
    pub at_ms: u64,
    /// The proof.
    pub proof: [u8; 16],
    /// The newest link that the holder had seen.
    pub org_seq: u64,
}

/// What the log says of one principal in one environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvFacts {
    /// When sealed values were last fetched.
    pub fetched: Option<Seen>,
    /// When a value was last opened, and on which device.
    pub decrypted: Option<(u64, DeviceId)>,
    /// The newest drill.
    pub drill: Option<Drill>,
    /// Uses, by secret.
    pub secrets: BTreeMap<SecretId, Uses>,
}

/// What the log says of one principal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrincipalFacts {
    /// Its newest entry of any kind.
    pub last: Option<Seen>,
    /// Devices that it signed acts on, and when each was last seen.
    pub devices: BTreeMap<DeviceId, u64>,
    /// By environment.
    pub envs: BTreeMap<EnvId, EnvFacts>,
}

/// Somebody's signed word that what a secret opens was replaced where it was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The signed act; its number is the time, or 0 where the word was taken back.
    pub signed: SignedAct,
}

impl From<SignedAct> for Replacement {
    fn from(signed: SignedAct) -> Self {
        Self { signed }
    }
}

impl Replacement {
    /// Who says so.
    pub fn by(&self) -> Option<Principal> {
        self.signed.act.actor
    }

    /// Since when, in milliseconds since 1970; `None` where it was taken back.
    pub fn since(&self) -> Option<u64> {
        Some(self.signed.act.detail.number).filter(|at| *at != 0)
    }
}

/// What a whole log says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    pub(super) principals: BTreeMap<Principal, PrincipalFacts>,
    pub(super) replaced: BTreeMap<(EnvId, SecretId), Replacement>,
    pub(super) doubtful: u64,
    pub(super) gaps: u64,
}

impl Facts {
    /// What is known of a principal; `None` if it has no entry.
    pub fn of(&self, who: &Principal) -> Option<&PrincipalFacts> {
        self.principals.get(who)
    }

    /// What is known of a principal in an environment.
    pub fn in_env(&self, who: &Principal, env: &EnvId) -> Option<&EnvFacts> {
        self.principals.get(who)?.envs.get(env)
    }

    /// What a principal did with a secret.
    pub fn uses(&self, who: &Principal, env: &EnvId, secret: &SecretId) -> Uses {
        let found = self.in_env(who, env).and_then(|facts| facts.secrets.get(secret));
        found.copied().unwrap_or_default()
    }

    /// Every principal with an entry, rising.
    pub fn principals(&self) -> impl Iterator<Item = (&Principal, &PrincipalFacts)> {
        self.principals.iter()
    }

    /// The newest word on whether a secret was replaced at its source.
    pub fn replaced(&self, env: &EnvId, secret: &SecretId) -> Option<&Replacement> {
        self.replaced.get(&(*env, *secret))
    }

    /// Entries that claim to be signed and whose signature or count does not hold. They are hashed
    /// like all others and tell nothing.
    pub fn doubtful(&self) -> u64 {
        self.doubtful
    }

    /// Acts whose actor signed others before them on the same device that are not there, or others
    /// than those.
    pub fn gaps(&self) -> u64 {
        self.gaps
    }

    pub(super) fn note_gap(&mut self) {
        self.gaps += 1;
    }

    pub(super) fn note_doubt(&mut self) {
        self.doubtful += 1;
    }

    /// What the server saw.
    pub(super) fn note_seen(&mut self, event: &Event) {
        let Some(actor) = event.act.actor else { return };
        let facts = self.principals.entry(actor).or_default();
        let seen = seen(event);
        let fetched = matches!(event.act.kind, EventKind::EnvFetched | EventKind::HistoryFetched);
        if fetched && event.act.detail.status < 400 {
            facts.envs.entry(event.act.detail.env).or_default().fetched = Some(seen.clone());
        }
        if !matches!(event.act.kind, EventKind::Refused | EventKind::RateLimited) {
            facts.last = Some(seen);
        }
    }

    /// What an actor signed; `seq` is the newest link that it had seen.
    pub(super) fn note_act(&mut self, state: &OrgState, seq: u64, event: &Event) {
        let (act, at_ms) = (&event.act, event.server_time_ms);
        let Some(actor) = act.actor else { return };
        let detail = &act.detail;
        let facts = self.principals.entry(actor).or_default();
        facts.last = Some(seen(event));
        // A person has a few; of a token, each run of a build is one.
        if let Principal::User(_) = actor {
            facts.devices.insert(act.device, at_ms);
        }
        if let Some(what) = Use::of(act.kind) {
            let env = facts.envs.entry(detail.env).or_default();
            env.secrets.entry(detail.secret).or_default().0[what as usize] = at_ms;
            env.decrypted = Some((at_ms, act.device));
        }
        match act.kind {
            EventKind::Drilled => {
                let Ok(epoch) = u32::try_from(detail.version) else { return };
                let (proof, at_ms) = (detail.secret.0, detail.number);
                let drill = Drill { epoch, at_ms, proof, org_seq: seq };
                facts.envs.entry(detail.env).or_default().drill = Some(drill);
            }
            EventKind::Replaced if may_say_replaced(state, &actor, &detail.env, seq) => {
                let signed = SignedAct { act: act.clone(), signature: event.signature };
                self.replaced.insert((detail.env, detail.secret), Replacement { signed });
            }
            _ => {}
        }
    }
}

/// Whoever manages, and whoever writes there: a reviewer's or a reader's word ends no work.
pub fn may_say_replaced(state: &OrgState, who: &Principal, env: &EnvId, seq: u64) -> bool {
    let role = match who {
        Principal::User(user) => state.member(user).and_then(|member| member.role_at(seq)),
        _ => None,
    };
    role.is_some_and(Role::manages) || state.rights_at(env, who, seq, 0).includes(Rights::WRITE)
}

fn seen(event: &Event) -> Seen {
    Seen { at_ms: event.server_time_ms, peer: event.peer.clone() }
}
