//! `strongroom agent run`: a command in a session of its own.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Child, Command, ExitCode};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};
use strongroom_control::dial::{self, Door};
use strongroom_control::door::{Ask, Reply};
use strongroom_secret::hardening;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, channel};

use super::{Place, Run, environment, granted, odd, text};
use crate::exit::{Failure, say};

/// What a session gives to its command.
struct Given {
    session: u64,
    variables: Vec<(String, String)>,
    ca: String,
    ca_variables: Vec<String>,
}

/// Begins a session, runs the command in it, ends as the command does.
pub(super) async fn run(place: &Place, run: Run) -> Result<ExitCode, Failure> {
    let Run { agent, only, minutes, keep, command } = run;
    let path = place.path()?;
    let mut door = Door::dial(&path).await?;
    let shown: Vec<_> = command.iter().map(|part| part.to_string_lossy()).collect();
    let given = open(&mut door, agent, only, minutes, shown.join(" ")).await?;
    // From here on no process of this user may take the session's connection out of this one.
    hardening::harden_process();
    let ca = CaFile::write(path.parent().unwrap_or(Path::new("/")), given.session, &given.ca)?;
    let own = std::env::vars_os();
    let mut variables =
        environment::build(own, &keep, given.variables, &given.ca_variables, &ca.path);
    // `strongroom agent doctor` and `ask` find the broker inside, where `XDG_RUNTIME_DIR` is missing.
    variables.push((dial::VARIABLE.into(), path.clone().into()));
    let signals = forwarded()?;
    let child = spawn(&command, variables)?;
    let code = attend(&child, signals, door).await;
    drop(ca);
    Ok(ExitCode::from(code))
}

async fn open(
    door: &mut Door,
    agent: Option<String>,
    only: Vec<String>,
    minutes: Option<u32>,
    command: String,
) -> Result<Given, Failure> {
    let ask = Ask::Open { agent, only, minutes, command };
    match granted(door.ask(&ask, None).await?)? {
        Reply::Opened { session, variables, ca, ca_variables, .. } => {
            Ok(Given { session, variables, ca, ca_variables })
        }
        _ => Err(odd()),
    }
}

/// The session's certificate in a file; it goes with the session. It is no secret, and its key never
/// leaves the broker.
struct CaFile {
    path: PathBuf,
}

impl CaFile {
    fn write(folder: &Path, session: u64, pem: &str) -> Result<Self, Failure> {
        let path = folder.join(format!("session-{session}.pem"));
        strongroom_client::write_private(&path, pem.as_bytes())
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        Ok(Self { path })
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        // The broker clears what is left when it starts.
        let _ = fs::remove_file(&self.path);
    }
}

fn spawn(command: &[OsString], variables: Vec<(OsString, OsString)>) -> Result<Child, Failure> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Failure::usage("no command"));
    };
    hardening::keep_files_from_children().map_err(|error| Failure::command(&error))?;
    // What the command leaves behind stays below this process, and so inside the session.
    nix::sys::prctl::set_child_subreaper(true).map_err(|error| Failure::command(&error.into()))?;
    let mut child = Command::new(program);
    child.args(arguments).env_clear().envs(variables);
    child.spawn().map_err(|error| Failure::command(&error))
}

/// Waits for the command; passes signals on to it, and says when the session ends before it.
async fn attend(child: &Child, mut signals: Receiver<Signal>, mut door: Door) -> u8 {
    let pid = Pid::from_raw(child.id().cast_signed());
    let mut ended = tokio::task::spawn_blocking(move || reap(pid));
    let mut closed = pin!(door.closed());
    let mut is_open = true;
    loop {
        tokio::select! {
            code = &mut ended => return code.unwrap_or(1),
            Some(signal) = signals.recv() => {
                // It may have ended in this moment.
                let _ = kill(pid, signal);
            }
            why = &mut closed, if is_open => {
                is_open = false;
                let why = why.unwrap_or_else(|| "the broker is gone".to_owned());
                say(&format!("strongroom: the session is over: {}", text::inert(&why)));
            }
        }
    }
}

/// Waits for a child, and for whatever was left to this process meanwhile. The exit code is the
/// child's own; a signal is told as shells do, 128 and its number.
fn reap(child: Pid) -> u8 {
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => {
                return u8::try_from(code & 0xff).unwrap_or(1);
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                return u8::try_from(128 + signal as i32).unwrap_or(1);
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return 1,
        }
    }
}

/// Signals that are meant for the command. Those of the keyboard reach it by themselves where both
/// are in the terminal's foreground; then they only must not end this process.
fn forwarded() -> Result<Receiver<Signal>, Failure> {
    let (send, signals) = channel(16);
    let all = [
        (SignalKind::interrupt(), Signal::SIGINT, true),
        (SignalKind::quit(), Signal::SIGQUIT, true),
        (SignalKind::terminate(), Signal::SIGTERM, false),
        (SignalKind::hangup(), Signal::SIGHUP, false),
        (SignalKind::user_defined1(), Signal::SIGUSR1, false),
        (SignalKind::user_defined2(), Signal::SIGUSR2, false),
    ];
    for (kind, name, is_keyboard) in all {
        let mut heard = signal(kind)
            .map_err(|error| Failure::usage(format!("the system refuses: {}", error.kind())))?;
        let send = send.clone();
        tokio::spawn(async move {
            while heard.recv().await.is_some() {
                if !(is_keyboard && is_in_foreground()) && send.send(name).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(signals)
}

fn is_in_foreground() -> bool {
    let terminal = fs::File::open("/dev/tty");
    terminal.is_ok_and(|terminal| tcgetpgrp(&terminal) == Ok(getpgrp()))
}
