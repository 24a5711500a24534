//! `strongroom agent …`: commands that run with fake tokens, and a person's word from a terminal.
//!
//! Everything here is a question to the broker at its Unix socket. No credential comes to this
//! program; what it hands to a command works nowhere but at the broker, and only while this program
//! lives.

mod check;
mod doctor;
mod environment;
mod operate;
mod prompt;
mod start;
mod text;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use strongroom_control::dial::{self, DialError, Door};
use strongroom_control::door::{Ask, Reply};
use strongroom_secret::SecretBytes;

use crate::exit::Failure;
use crate::run::runtime;

/// Agents that use credentials which they never see.
#[derive(Debug, Args)]
pub(crate) struct Agent {
    /// The broker's socket, where it is not the usual one.
    #[arg(long, env = dial::VARIABLE, value_name = "SOCKET", global = true)]
    broker: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a command with fake tokens and none of your secrets.
    Run(Run),
    /// Say why a program fails behind the broker.
    Doctor {
        /// Look at this provider only, `openai` for instance.
        #[arg(long)]
        provider: Option<String>,
        /// Which agent, where this is not run inside a session.
        #[arg(long)]
        agent: Option<String>,
    },
    /// List the agents and their sessions.
    List,
    /// List the requests that wait for a person.
    Approvals,
    /// Allow a request that waits: once, or for a task with all three limits. Asks for the operator
    /// code.
    Approve {
        /// Its number, from `strongroom agent approvals`.
        id: u64,
        /// This request only. So it is without the other options too.
        #[arg(long, conflicts_with_all = ["minutes", "count", "path"])]
        once: bool,
        /// And like ones for so many minutes,
        #[arg(long, requires_all = ["count", "path"])]
        minutes: Option<u32>,
        /// for so many requests, this one included,
        #[arg(long, requires_all = ["minutes", "path"])]
        count: Option<u32>,
        /// to these paths: `/repos/acme/*`, or `/repos/acme/**` for all below.
        #[arg(long, requires_all = ["minutes", "count"])]
        path: Option<String>,
    },
    /// Refuse a request that waits. Asks for the operator code.
    Deny {
        /// Its number, from `strongroom agent approvals`.
        id: u64,
        /// Why; the agent receives it.
        #[arg(long)]
        reason: String,
    },
    /// End every session at once, open connections included. Asks for nothing.
    Stop {
        /// Only this agent's.
        #[arg(long)]
        agent: Option<String>,
    },
    /// Let sessions begin again. Asks for the operator code.
    Resume {
        /// Only this agent's.
        #[arg(long)]
        agent: Option<String>,
    },
    /// Ask a person for access to a provider.
    Ask {
        /// Its id, `notion` for instance.
        provider: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Which agent, where this is not run inside a session.
        #[arg(long)]
        agent: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Run {
    /// Which agent; may be left out where there is only one.
    #[arg(long)]
    agent: Option<String>,
    /// Only this provider; may be given several times.
    #[arg(long, value_name = "PROVIDER")]
    only: Vec<String>,
    /// End the session after so many minutes.
    #[arg(long)]
    minutes: Option<u32>,
    /// Hand over this variable of your environment too; may be given several times.
    #[arg(long, value_name = "NAME")]
    keep: Vec<String>,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Does what was asked.
pub(crate) fn agent(agent: Agent) -> Result<ExitCode, Failure> {
    let Agent { broker, command } = agent;
    let place = Place { named: broker };
    let done = |()| ExitCode::SUCCESS;
    runtime()?.block_on(async {
        match command {
            Command::Run(run) => start::run(&place, run).await,
            Command::Doctor { provider, agent } => {
                doctor::doctor(&place, provider.as_deref(), agent).await
            }
            Command::List => operate::list(&place).await.map(done),
            Command::Approvals => operate::approvals(&place).await.map(done),
            Command::Approve { id, once: _, minutes, count, path } => {
                let answer = operate::allowed(minutes, count, path);
                operate::answer(&place, id, answer).await.map(done)
            }
            Command::Deny { id, reason } => {
                operate::answer(&place, id, operate::denied(reason)).await.map(done)
            }
            Command::Stop { agent } => operate::stop(&place, agent).await.map(done),
            Command::Resume { agent } => operate::resume(&place, agent).await.map(done),
            Command::Ask { provider, reason, agent } => {
                operate::ask_access(&place, agent, provider, reason).await.map(done)
            }
        }
    })
}

/// Where the broker is.
#[derive(Debug)]
struct Place {
    named: Option<PathBuf>,
}

impl Place {
    fn path(&self) -> Result<PathBuf, DialError> {
        self.named.clone().map_or_else(dial::path, Ok)
    }

    async fn dial(&self) -> Result<Door, Failure> {
        Ok(Door::dial(&self.path()?).await?)
    }

    /// One question and its answer; a refusal is a failure.
    async fn ask(&self, ask: &Ask, code: Option<&SecretBytes>) -> Result<Reply, Failure> {
        granted(self.dial().await?.ask(ask, code).await?)
    }
}

fn granted(reply: Reply) -> Result<Reply, Failure> {
    match reply {
        Reply::Refused { message, .. } => Err(Failure::by_broker(text::inert(&message))),
        reply => Ok(reply),
    }
}

/// An answer to another question.
fn odd() -> Failure {
    Failure::by_broker("the broker answered something else; restart it, it may be an older one")
}
