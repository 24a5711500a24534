//! What a person sees and says from a terminal.

use std::fmt::Write as _;
use std::io::Write as _;

use strongroom_client::clock::{Clock as _, SystemClock};
use strongroom_control::door::{AgentLine, Ask, Reply};
use strongroom_control::held::{Answer, Answered, Held};
use strongroom_control::link::SessionState;

use super::text::inert;
use super::{Place, odd, prompt};
use crate::exit::Failure;

/// Every agent, and its sessions below it.
pub(super) async fn list(place: &Place) -> Result<(), Failure> {
    let Reply::Status { port, agents, sessions, locked, stopped } =
        place.ask(&Ask::Status, None).await?
    else {
        return Err(odd());
    };
    let mut out = format!("The broker is at http://127.0.0.1:{port}.\n");
    if locked {
        out.push_str("The vault is locked: sessions wait for it.\n");
    }
    if stopped {
        out.push_str("Everything is stopped: `strongroom agent resume` lets it begin again.\n");
    }
    if agents.is_empty() {
        out.push_str("There is no agent. Make one on the Agents page.\n");
    }
    for agent in &agents {
        show_agent(&mut out, agent, &sessions);
    }
    print(&out)
}

fn show_agent(out: &mut String, agent: &AgentLine, sessions: &[SessionState]) {
    let state = if agent.stopped { ", stopped" } else { "" };
    let (name, responsible) = (inert(&agent.name), inert(&agent.responsible));
    let providers = inert(&agent.providers.join(", "));
    // Writing to a String does not fail.
    let _ = writeln!(out, "\n{name} ({responsible}{state}): {providers}");
    for session in sessions.iter().filter(|session| session.agent == agent.id) {
        let what = match session.command.as_str() {
            "" => "standing tokens".to_owned(),
            command => inert(command),
        };
        let paused = if session.paused { ", waits for the vault" } else { "" };
        let (calls, kib) = (session.calls, session.bytes.div_ceil(1024));
        let _ =
            writeln!(out, "  session {}: {what} ({calls} requests, {kib} KiB{paused})", session.id);
    }
}

/// What waits, the oldest first.
pub(super) async fn approvals(place: &Place) -> Result<(), Failure> {
    let held = waiting(place).await?;
    let mut out = String::new();
    if held.is_empty() {
        out.push_str("Nothing waits.\n");
    }
    for held in &held {
        show(&mut out, held);
    }
    print(&out)
}

async fn waiting(place: &Place) -> Result<Vec<Held>, Failure> {
    match place.ask(&Ask::Waiting, None).await? {
        Reply::Waiting { held } => Ok(held),
        _ => Err(odd()),
    }
}

fn show(out: &mut String, held: &Held) {
    let left = held.ends_ms.saturating_sub(SystemClock.now_ms()) / 1000;
    let sentence = inert(&held.sentence.to_string());
    let _ = writeln!(
        out,
        "{:>5}  {} ({}): {sentence}",
        held.id,
        inert(&held.agent_name),
        inert(&held.responsible)
    );
    let _ =
        writeln!(out, "       {} {}{}", inert(&held.method), inert(&held.host), inert(&held.path));
    if !held.secret_name.is_empty() {
        let (name, place) = (inert(&held.secret_name), inert(&held.place));
        let _ = writeln!(out, "       with {name} of {place}, by the rule {:?}", inert(&held.rule));
    }
    if !held.reason.is_empty() {
        let _ = writeln!(out, "       it says: {}", inert(&held.reason));
    }
    let process = if held.process.is_empty() { "an unknown process" } else { &held.process };
    let _ = writeln!(
        out,
        "       from {}; like it allowed today: {}; {left} s left",
        inert(process),
        held.alike
    );
}

/// A yes: once, or with all three limits.
pub(super) fn allowed(minutes: Option<u32>, count: Option<u32>, path: Option<String>) -> Answer {
    match (minutes, count, path) {
        (Some(minutes), Some(count), Some(path)) => Answer::Task { minutes, count, path },
        _ => Answer::Once,
    }
}

/// A no.
pub(super) fn denied(reason: String) -> Answer {
    Answer::Deny { reason }
}

/// Shows the request, asks for the code, and says the word.
pub(super) async fn answer(place: &Place, id: u64, answer: Answer) -> Result<(), Failure> {
    if let Some(held) = waiting(place).await?.iter().find(|held| held.id == id) {
        let mut out = String::new();
        show(&mut out, held);
        print(&out)?;
    }
    let said = match &answer {
        Answer::Once => "allowed once",
        Answer::Task { .. } => "allowed for this task",
        Answer::Deny { .. } => "refused; the agent is told why",
    };
    let code = prompt::operator_code()?;
    let ask = Ask::Answer { held: id, answer };
    let Reply::Answered { what } = place.ask(&ask, Some(&code)).await? else { return Err(odd()) };
    match what {
        Answered::Taken => print(&format!("Request {id} is {said}.\n")),
        Answered::TooLate { seconds } => Err(Failure::by_broker(format!(
            "too late: request {id} was over {seconds} s ago, and nothing was allowed by this"
        ))),
        Answered::Unknown => Err(Failure::by_broker(format!("there is no request {id}"))),
        Answered::BadTask => Err(Failure::by_broker(
            "a task needs 1 to 1440 minutes, 1 to 10000 requests, and a path that covers the \
             request and is not just /**",
        )),
    }
}

/// Ends every session at once.
pub(super) async fn stop(place: &Place, agent: Option<String>) -> Result<(), Failure> {
    done(&place.ask(&Ask::Stop { agent }, None).await?, "Stopped.\n")
}

/// Lets sessions begin again.
pub(super) async fn resume(place: &Place, agent: Option<String>) -> Result<(), Failure> {
    let code = prompt::operator_code()?;
    done(&place.ask(&Ask::Resume { agent }, Some(&code)).await?, "Sessions may begin again.\n")
}

/// Asks a person for access to a provider.
pub(super) async fn ask_access(
    place: &Place,
    agent: Option<String>,
    provider: String,
    reason: String,
) -> Result<(), Failure> {
    let reply = place.ask(&Ask::Access { agent, provider, reason }, None).await?;
    done(&reply, "A person sees it on the Agents page; go on with something else meanwhile.\n")
}

fn done(reply: &Reply, said: &str) -> Result<(), Failure> {
    match reply {
        Reply::Done => print(said),
        _ => Err(odd()),
    }
}

pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::usage(format!("standard output: {}", error.kind())))
}
