//! `strongroom`: secrets for builds and scripts, agents without secrets, and a judge for
//! certificates, evidence and bundles.
//!
//! A service token comes in `STRONGROOM_TOKEN` and nowhere else: no argument, file or log holds a
//! secret. What the organisation is, and how far it had come, says `strongroom.lock`.

#![forbid(unsafe_code)]

#[cfg(unix)]
mod agent;
mod exit;
mod lock;
mod run;
mod session;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use strongroom_core::bundle::tlog_proof::LogKey;
use strongroom_format::id::{EnvId, OrgId};

use exit::Failure;

/// Secrets for builds and scripts, and agents without secrets.
#[derive(Debug, Parser)]
#[command(name = "strongroom", version, about, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge a certificate, an evidence file or a part of an audit log, without a server.
    Verify {
        /// `*.strongroom-certificate`, `evidence-*.json`, `*.strongroom-bundle` or `*.tlog-proof`.
        file: PathBuf,
        /// The key of the log that a `*.tlog-proof` should be from, as a bundle shows it
        /// (`strongroom/org_…/audit/0+…+…`).
        #[arg(long)]
        log_key: Option<LogKey>,
    },
    /// Run a command with the secrets of an environment in its environment variables.
    Run(Run),
    /// Write one secret to the standard output.
    Get {
        #[command(flatten)]
        from: From,
        /// The secret's name.
        name: String,
    },
    /// Look after strongroom.lock.
    #[command(subcommand)]
    Lock(Lock),
    /// Start agents that use credentials which they never see, and look after them.
    #[cfg(unix)]
    Agent(agent::Agent),
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    from: From,
    /// Hand over values that refer to others (`${NAME}`) as they are, instead of refusing.
    #[arg(long)]
    literal: bool,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<std::ffi::OsString>,
}

/// Where secrets come from.
#[derive(Debug, Args)]
struct From {
    /// The environment's id (`env_…`); may be left out where the token reads only one.
    #[arg(long)]
    env: Option<EnvId>,
    /// Refuse an environment that strongroom.lock does not name.
    #[arg(long)]
    locked: bool,
    /// Refuse when nothing newer than this was signed, `7d` for instance.
    #[arg(long, value_parser = session::age)]
    max_age: Option<u64>,
    #[command(flatten)]
    lock: LockPath,
}

#[derive(Debug, Args)]
struct LockPath {
    /// Where strongroom.lock is.
    #[arg(long, default_value = strongroom_core::lock_file::NAME)]
    lock: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Lock {
    /// Begin a lock file for an organisation whose id you know from a safe place.
    Init {
        /// The server's address.
        #[arg(long)]
        server: String,
        /// The organisation's id (`org_…`), from its window or an Emergency Kit.
        #[arg(long)]
        org: OrgId,
        #[command(flatten)]
        lock: LockPath,
    },
    /// Raise the lock file to what the token verifies now.
    Update {
        #[command(flatten)]
        lock: LockPath,
    },
    /// Hold the server against the lock file.
    Check {
        #[command(flatten)]
        lock: LockPath,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Verify { file, log_key } => return verify::verify(&file, log_key.as_ref()),
        Command::Run(run) => run::run(run),
        Command::Get { from, name } => run::get(&from, &name).map(|()| ExitCode::SUCCESS),
        Command::Lock(command) => lock::lock(command).map(|()| ExitCode::SUCCESS),
        #[cfg(unix)]
        Command::Agent(agent) => agent::agent(agent),
    };
    done.unwrap_or_else(|failure: Failure| failure.tell())
}
