//! The door: what a person's commands say to a broker.

use serde::{Deserialize, Serialize};
use strongroom_format::id::AgentId;

use crate::held::{Answer, Answered, Held};
use crate::link::SessionState;

/// From a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ask", deny_unknown_fields)]
pub enum Ask {
    /// Begin a session. It ends when this connection does; the process that asks is its root.
    Open {
        /// Which agent, by name; `None` where there is only one.
        agent: Option<String>,
        /// Only these providers; empty for all of the agent's.
        only: Vec<String>,
        /// For at most so many minutes.
        minutes: Option<u32>,
        /// The command that will run, for people to see.
        command: String,
    },
    /// What is going on.
    Status,
    /// What waits for a person.
    Waiting,
    /// A person's word; the operator code is in the tail.
    Answer {
        /// On which request.
        held: u64,
        /// The word.
        answer: Answer,
    },
    /// End every session, of one agent or of all.
    Stop {
        /// By name; `None` for all.
        agent: Option<String>,
    },
    /// Let sessions begin again; the operator code is in the tail.
    Resume {
        /// By name; `None` for all.
        agent: Option<String>,
    },
    /// Ask a person for access to a provider.
    Access {
        /// Which agent, by name; `None` where there is only one.
        agent: Option<String>,
        /// Its id.
        provider: String,
        /// Why.
        reason: String,
    },
    /// Would this request be allowed? Nothing is sent.
    Try {
        /// Which agent, by name; `None` where there is only one.
        agent: Option<String>,
        /// The method.
        method: String,
        /// The whole URL.
        url: String,
    },
}

/// To a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", deny_unknown_fields)]
pub enum Reply {
    /// A session began.
    Opened {
        /// Its number.
        session: u64,
        /// Which agent.
        agent: String,
        /// The broker's port on 127.0.0.1.
        port: u16,
        /// Variables of the child: fake tokens, addresses, the proxy. They open nothing elsewhere.
        variables: Vec<(String, String)>,
        /// The certificate of the session's own authority, PEM.
        ca: String,
        /// Which variables are to name a file with that certificate.
        ca_variables: Vec<String>,
    },
    /// What is going on.
    Status {
        /// The broker's port on 127.0.0.1.
        port: u16,
        /// All agents.
        agents: Vec<AgentLine>,
        /// All sessions.
        sessions: Vec<SessionState>,
        /// The vault is locked.
        locked: bool,
        /// Everything is stopped.
        stopped: bool,
    },
    /// What waits for a person.
    Waiting {
        /// The oldest first.
        held: Vec<Held>,
    },
    /// What became of an answer.
    Answered {
        /// What.
        what: Answered,
    },
    /// Whether a request would be allowed.
    Tried {
        /// `allow`, `ask` or `deny`.
        decision: String,
        /// The rule that decides; empty for none.
        rule: String,
        /// Why, in a sentence.
        why: String,
    },
    /// Done.
    Done,
    /// Not done.
    Refused {
        /// In kebab case, for programs.
        code: String,
        /// For people.
        message: String,
    },
}

/// An agent in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentLine {
    /// Which.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// The person who answers for it.
    pub responsible: String,
    /// The providers that its rules name.
    pub providers: Vec<String>,
    /// It is stopped.
    pub stopped: bool,
}
