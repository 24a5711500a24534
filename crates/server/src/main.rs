//! `strongroom-server`: the server for a team, configured by one TOML file.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use strongroom_server::{Config, start};

/// A zero-knowledge server for Strongroom vaults.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// The configuration file (see docs/operations.md).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("STRONGROOM_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let config = Config::read(&arguments.config)?;
    let server = start(config).await?;
    tracing::info!(address = %server.address(), origin = server.origin(), "listening");
    let code = tokio::select! {
        () = asked_to_end() => ExitCode::SUCCESS,
        () = server.failed() => ExitCode::FAILURE,
    };
    server.shut_down().await;
    Ok(code)
}

#[cfg(unix)]
async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}

#[cfg(not(unix))]
async fn asked_to_end() {
    let _ = tokio::signal::ctrl_c().await;
}
