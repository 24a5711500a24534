//! `strongroom-broker`: lets agents use credentials that they never see.
//!
//! Two ways to run: as the child of the window, whose vault is at the other end of standard input
//! (`--link`), or by itself with a service token (`serve`). No argument and no file holds a secret.

#![forbid(unsafe_code)]

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use strongroom_broker::gateway::LegacyToken;
use strongroom_broker::headless::{self, Settings};
use strongroom_broker::link::{self, LinkOwner};
use strongroom_broker::running::{PORT, Running};
use strongroom_client::robot::ServiceToken;
use strongroom_control::dial;
use strongroom_control::link::ToOwner;
use strongroom_crypto::safe::{Entropy as _, OsEntropy};
use strongroom_format::id::EnvId;
use strongroom_legacy::Token;
use strongroom_secret::{SecretText, hardening};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};

/// The variable that holds the service token.
const TOKEN: &str = "STRONGROOM_TOKEN";

type Ended = Result<ExitCode, Box<dyn std::error::Error>>;

/// Lets agents use credentials that they never see.
#[derive(Debug, Parser)]
#[command(name = "strongroom-broker", version, about, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// The vault is at the other end of standard input. For Strongroom's window.
    #[arg(long, requires = "journal")]
    link: bool,
    /// Where what agents do is written down before it is in the audit log.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// The port of 127.0.0.1.
    #[arg(long, default_value_t = PORT)]
    port: u16,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run by itself, with the service token in `STRONGROOM_TOKEN`.
    Serve {
        /// The file that names the organisation and the agents (docs/command-line.md).
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Make a token for published clients of an older secrets service. It is written to standard
    /// output, once; what broker.toml needs to know of it, to standard error.
    Mint {
        /// The environment that it reads.
        #[arg(long)]
        env: EnvId,
        /// What clients show as the application.
        #[arg(long, default_value = "")]
        app: String,
        /// What clients show as the environment.
        #[arg(long, default_value = "")]
        slug: String,
    },
}

fn main() -> ExitCode {
    // Before anything is read: from here on nobody looks into this process.
    let hardened = hardening::harden_process();
    let filter = tracing_subscriber::EnvFilter::try_from_env("STRONGROOM_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,strongroom_broker=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    tracing::debug!(?hardened, "process");
    let arguments = Arguments::parse();
    match start(arguments) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn start(arguments: Arguments) -> Ended {
    match arguments {
        Arguments { command: Some(Command::Serve { config }), .. } => serve(&config).await,
        Arguments { command: Some(Command::Mint { env, app, slug }), .. } => mint(env, app, slug),
        Arguments { link: true, journal: Some(journal), port, .. } => linked(journal, port).await,
        _ => Err("say `serve --config broker.toml`; --link is for Strongroom's window".into()),
    }
}

/// Runs for the window until it closes the link or ends.
async fn linked(journal: PathBuf, port: u16) -> Ended {
    let theirs = std::io::stdin().as_fd().try_clone_to_owned()?;
    let stream = std::os::unix::net::UnixStream::from(theirs);
    stream.set_nonblocking(true)?;
    let (owner, line) = LinkOwner::new(UnixStream::from_std(stream)?);
    let mut running = Running::start(port, journal, std::sync::Arc::clone(&owner) as _)?;
    let broker = std::sync::Arc::clone(running.broker());
    // Without a door the window still works; only commands do not.
    match dial::path() {
        Ok(path) => {
            if let Err(error) = running.open_door(&path) {
                tracing::warn!(%error, "commands cannot reach this broker");
            }
        }
        Err(error) => tracing::warn!(%error, "commands cannot reach this broker"),
    }
    running.serve();
    let ready = ToOwner::Ready { port: broker.address().port(), door: broker.door().to_owned() };
    strongroom_broker::owner::Owner::tell(owner.as_ref(), ready);
    let mut terminate = signal(SignalKind::terminate())?;
    // A keyboard's interrupt is meant for the window, which closes the link when it ends.
    let _interrupt = signal(SignalKind::interrupt())?;
    let code = tokio::select! {
        ended = link::serve(broker, owner, line) => match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(%error, "the link");
                ExitCode::FAILURE
            }
        },
        _ = terminate.recv() => ExitCode::SUCCESS,
        () = running.failed() => ExitCode::FAILURE,
    };
    running.end().await;
    Ok(code)
}

/// Makes a token for clients of the older service. Only its hash and its public half stay.
fn mint(env: EnvId, app: String, slug: String) -> Ended {
    let minted = Token::mint(|out| OsEntropy.fill(out))?;
    let kept = LegacyToken { app, slug, ..LegacyToken::of(&minted, env) };
    let block = toml::to_string(&kept)?;
    minted.token.lend(|token| writeln!(std::io::stdout(), "{token}"))?;
    writeln!(std::io::stderr(), "# For broker.toml:\n[[legacy]]\n{block}")?;
    Ok(ExitCode::SUCCESS)
}

/// Runs with a service token until it is asked to end.
async fn serve(config: &std::path::Path) -> Ended {
    let token = std::env::var(TOKEN)
        .map(SecretText::from_string)
        .map_err(|_| format!("{TOKEN} is not set, or is not text"))?;
    let token = token
        .lend(|text| ServiceToken::parse(text.trim()))
        .map_err(|error| format!("{TOKEN} holds no token: {error}"))?;
    let settings = Settings::read(config)?;
    let is_well = headless::run(settings, token, asked_to_end()).await?;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns when somebody asks the process to end.
async fn asked_to_end() {
    let heard = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()]
        .map(|kind| signal(kind).ok());
    let waiting = heard.into_iter().flatten().map(|mut heard| {
        Box::pin(async move {
            heard.recv().await;
        })
    });
    futures_util::future::select_all(waiting).await;
}
