//! One row, with everything that a column can say.

use data_encoding::HEXLOWER;
use strongroom_format::agency::AgentCall;
use strongroom_format::event::{Event, EventKind};
use strongroom_format::hash::Digest;
use strongroom_format::id::{AgentId, DeviceId, EnvId, Principal, SecretId};

use crate::log::index::{Names, Outcome, verb};
use crate::log::{Level, Verdict};
use crate::utc;

/// The largest whole number that every reader of JSON keeps as it is.
const EXACT: u64 = 1 << 53;

/// The columns, in their order.
pub const COLUMNS: [&str; 26] = [
    "entry",
    "time",
    "level",
    "flaw",
    "kind",
    "verb",
    "outcome",
    "who_kind",
    "who_id",
    "who",
    "device",
    "environment_id",
    "environment",
    "secret_id",
    "secret",
    "version",
    "number",
    "status",
    "peer",
    "leaf",
    "agent_id",
    "agent",
    "method",
    "host",
    "path",
    "process",
];

/// What stands in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// It does not apply.
    Nothing,
    Number(u64),
    /// Text that this program made: ids, times, words.
    Plain(String),
    /// Text that somebody else chose.
    Foreign(String),
}

/// One row of the log. Fields that do not apply are empty or zero, as in the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the log.
    pub entry: u64,
    /// By the server's clock, in milliseconds since 1970.
    pub at_ms: u64,
    /// What checking it gave.
    pub verdict: Verdict,
    /// What happened.
    pub kind: EventKind,
    /// Who acted.
    pub who: Option<Principal>,
    /// And what that is called.
    pub who_name: Option<String>,
    /// On which device.
    pub device: DeviceId,
    /// The environment.
    pub env: EnvId,
    /// And what that is called, with its application.
    pub env_name: Option<String>,
    /// The secret.
    pub secret: SecretId,
    /// And what that is called.
    pub secret_name: Option<String>,
    /// The secret's version.
    pub version: u64,
    /// A link's or commit's position, or how many things were fetched.
    pub number: u64,
    /// HTTP status of the answer.
    pub status: u16,
    /// Where the request came from, as the server saw it.
    pub peer: String,
    /// The entry's hash in the tree.
    pub leaf: Digest,
    /// The agent that it was done for.
    pub agent: Option<AgentId>,
    /// And what that is called.
    pub agent_name: Option<String>,
    /// What the agent asked for.
    pub call: Option<AgentCall>,
}

impl Record {
    /// The row of an entry; without names there are only ids. `call` is what the entry tells of an
    /// agent, opened.
    pub fn of(
        entry: u64,
        verdict: Verdict,
        event: &Event,
        leaf: Digest,
        names: Option<&dyn Names>,
        call: Option<AgentCall>,
    ) -> Self {
        let (act, detail) = (&event.act, &event.act.detail);
        // A drill keeps its proof where other acts name a secret.
        let secret = if act.kind == EventKind::Drilled { SecretId::ZERO } else { detail.secret };
        let env = detail.env;
        let agent = act.agency.as_ref().map(|agency| agency.agent);
        let of_secret = |names: &dyn Names| {
            if secret.is_zero() { None } else { names.secret(&env, &secret) }
        };
        let of_env = |names: &dyn Names| if env.is_zero() { None } else { names.env(&env) };
        Self {
            entry,
            at_ms: event.server_time_ms,
            verdict,
            kind: act.kind,
            who: act.actor,
            who_name: names.and_then(|names| names.who(&act.actor?)),
            device: act.device,
            env,
            env_name: names.and_then(of_env),
            secret,
            secret_name: names.and_then(of_secret),
            version: detail.version,
            number: detail.number,
            status: detail.status,
            peer: event.peer.clone(),
            leaf,
            agent,
            agent_name: names.and_then(|names| names.who(&Principal::Agent(agent?))),
            call,
        }
    }

    /// What stands in each of [`COLUMNS`].
    pub(super) fn cells(&self) -> [Cell; 26] {
        let plain = |text: &str| Cell::Plain(text.to_owned());
        let id =
            |is_zero: bool, text: String| if is_zero { Cell::Nothing } else { Cell::Plain(text) };
        let count = |n: u64| if n == 0 { Cell::Nothing } else { exact(n) };
        let name = |name: &Option<String>| name.clone().map_or(Cell::Nothing, Cell::Foreign);
        let of_call = |part: fn(&AgentCall) -> &String| {
            let text = self.call.as_ref().map(part).filter(|text| !text.is_empty());
            text.map_or(Cell::Nothing, |text| Cell::Foreign(text.clone()))
        };
        [
            exact(self.entry),
            Cell::Plain(utc::rfc3339(self.at_ms)),
            plain(self.level_word()),
            self.flaw_word().map_or(Cell::Nothing, plain),
            plain(&kind_word(self.kind)),
            plain(verb(self.kind)),
            plain(self.outcome_word()),
            self.who.map_or(Cell::Nothing, |who| plain(who_word(&who))),
            self.who.map_or(Cell::Nothing, |who| Cell::Plain(who.to_string())),
            name(&self.who_name),
            id(self.device.is_zero(), self.device.to_string()),
            id(self.env.is_zero(), self.env.to_string()),
            name(&self.env_name),
            id(self.secret.is_zero(), self.secret.to_string()),
            name(&self.secret_name),
            count(self.version),
            exact(self.number),
            count(u64::from(self.status)),
            if self.peer.is_empty() { Cell::Nothing } else { Cell::Foreign(self.peer.clone()) },
            Cell::Plain(HEXLOWER.encode(&self.leaf)),
            self.agent.map_or(Cell::Nothing, |agent| Cell::Plain(agent.to_string())),
            name(&self.agent_name),
            of_call(|call| &call.method),
            of_call(|call| &call.host),
            of_call(|call| &call.path),
            of_call(|call| &call.process),
        ]
    }

    pub(super) fn level_word(&self) -> &'static str {
        match self.verdict.level() {
            Level::Signed => "signed",
            Level::Seen => "seen",
            Level::Derived => "derived",
            Level::Doubtful => "doubtful",
        }
    }

    pub(super) fn flaw_word(&self) -> Option<&'static str> {
        match self.verdict {
            Verdict::Gap => Some("gap"),
            Verdict::Doubtful => Some("doubtful"),
            _ => None,
        }
    }

    pub(super) fn outcome_word(&self) -> &'static str {
        match Outcome::of(self.kind, self.status) {
            Outcome::Done => "done",
            Outcome::Refused => "refused",
        }
    }
}

/// The name of a kind in files for programs: `revealed`, `envFetched`.
pub fn kind_word(kind: EventKind) -> String {
    let name = format!("{kind:?}");
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

fn who_word(who: &Principal) -> &'static str {
    match who {
        Principal::User(_) => "person",
        Principal::Token(_) => "token",
        Principal::Agent(_) => "agent",
    }
}

/// Numbers beyond what other programs keep exactly stand there as text.
fn exact(n: u64) -> Cell {
    if n <= EXACT { Cell::Number(n) } else { Cell::Plain(n.to_string()) }
}
