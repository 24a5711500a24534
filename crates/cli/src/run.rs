//! `strongroom run` and `strongroom get`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::{Command, ExitCode};

use strongroom_client::robot::Robot;
use strongroom_core::details::ValueKind;
use strongroom_core::log::Use;
use strongroom_core::variable::{Refusal, TOKEN, refusal};
use strongroom_format::id::{EnvId, SecretId};
use strongroom_secret::SecretBytes;

use crate::exit::Failure;
use crate::session::fetch;
use crate::{From, Run};

/// What a command needs to talk to the server.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("the system refuses: {}", error.kind())))
}

/// Where a variable comes from.
#[derive(Debug, Clone, Copy)]
struct Source {
    env: EnvId,
    secret: SecretId,
    is_reference: bool,
}

/// Runs a command with the secrets of an environment.
pub(crate) fn run(run: Run) -> Result<ExitCode, Failure> {
    let Run { from, literal, command } = run;
    let variables = runtime()?.block_on(async {
        let (mut robot, env) = fetch(&from).await?;
        let sources = sources(&mut robot, env).await?;
        check(&sources, literal)?;
        open_all(&mut robot, &sources).await
    })?;
    start(&command, &variables)
}

/// Writes one secret to the standard output, as it is.
pub(crate) fn get(from: &From, name: &str) -> Result<(), Failure> {
    let value = runtime()?.block_on(async {
        let (mut robot, env) = fetch(from).await?;
        let sources = sources(&mut robot, env).await?;
        let missing = || Failure::missing(format!("there is no secret {name}"));
        let source = *sources.get(name).ok_or_else(missing)?;
        robot.note(Use::Exported, source.env, &[source.secret]).await?;
        Ok::<_, Failure>(robot.value(source.env, &source.secret)?)
    })?;
    let mut out = std::io::stdout().lock();
    let written = value.lend(|bytes| out.write_all(bytes)).and_then(|()| out.flush());
    written.map_err(|error| Failure::usage(format!("standard output: {}", error.kind())))
}

/// The environment's own names, and those of the groups it composes. Its own win; a name that two
/// groups have is nobody's to choose.
async fn sources(robot: &mut Robot, env: EnvId) -> Result<BTreeMap<String, Source>, Failure> {
    let mut all: BTreeMap<String, Source> = BTreeMap::new();
    for group in robot.composed(&env) {
        robot.fetch(group).await?;
        for (name, source) in named(robot, group)? {
            if all.insert(name.clone(), source).is_some() {
                return Err(Failure::refused(format!("two groups have a secret {name}")));
            }
        }
    }
    all.extend(named(robot, env)?);
    Ok(all)
}

fn named(robot: &mut Robot, env: EnvId) -> Result<Vec<(String, Source)>, Failure> {
    let all = robot.names(env)?;
    let source = |(secret, named): (SecretId, strongroom_core::replica::Named)| {
        let is_reference = named.details.kind == Some(ValueKind::Reference);
        (named.name, Source { env, secret, is_reference })
    };
    Ok(all.into_iter().map(source).collect())
}

/// Everything that stands against a run is said at once, before any value is opened.
fn check(sources: &BTreeMap<String, Source>, literal: bool) -> Result<(), Failure> {
    let mut against: Vec<String> = Vec::new();
    for (name, source) in sources {
        match refusal(name) {
            Some(Refusal::Control) => {
                against.push(format!("{name} changes what a program loads or runs"));
            }
            Some(Refusal::NoName) => against.push(format!("{name:?} is no name of a variable")),
            Some(Refusal::Own) => against.push(format!("{name} is this program's own")),
            None if source.is_reference && !literal => {
                against.push(format!("{name} refers to other values; see --literal"));
            }
            None => {}
        }
    }
    if against.is_empty() { Ok(()) } else { Err(Failure::refused(against.join("; "))) }
}

async fn open_all(
    robot: &mut Robot,
    sources: &BTreeMap<String, Source>,
) -> Result<Vec<(String, SecretBytes)>, Failure> {
    let mut by_env: BTreeMap<EnvId, Vec<SecretId>> = BTreeMap::new();
    for source in sources.values() {
        by_env.entry(source.env).or_default().push(source.secret);
    }
    for (env, secrets) in &by_env {
        robot.note(Use::Injected, *env, secrets).await?;
    }
    let mut variables = Vec::with_capacity(sources.len());
    for (name, source) in sources {
        let value = robot.value(source.env, &source.secret)?;
        if value.lend(|bytes| bytes.contains(&0) || str::from_utf8(bytes).is_err()) {
            return Err(Failure::refused(format!("the value of {name} is no text")));
        }
        variables.push((name.clone(), value));
    }
    Ok(variables)
}

/// Starts the command; the token does not go on to it.
fn start(command: &[OsString], variables: &[(String, SecretBytes)]) -> Result<ExitCode, Failure> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Failure::usage("no command"));
    };
    let mut child = Command::new(program);
    child.args(arguments).env_remove(TOKEN);
    for (name, value) in variables {
        value.lend(|bytes| child.env(name, String::from_utf8_lossy(bytes).as_ref()));
    }
    become_child(child)
}

/// Takes this process's place, so that signals and the exit code are the command's own.
#[cfg(unix)]
fn become_child(mut child: Command) -> Result<ExitCode, Failure> {
    use std::os::unix::process::CommandExt as _;
    Err(Failure::command(&child.exec()))
}

#[cfg(not(unix))]
fn become_child(mut child: Command) -> Result<ExitCode, Failure> {
    let status = child.status().map_err(|error| Failure::command(&error))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}
