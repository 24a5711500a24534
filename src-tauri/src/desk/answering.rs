//! A person's word on a request of an agent that waits, and the code that stands for that person in
//! a terminal.
//!
//! Invariant: every function that others may call asks for a [`SecureWindow`], which only a command
//! of a secure window can make. The main window can open that window and answer nothing.

use std::time::Duration;

use strongroom_client::vault::generate_value;
use strongroom_control::{
    held::{self, Answered},
    link::ToBroker,
};
use strongroom_secret::SecretText;
use tokio::time::timeout;

use super::Desk;
use crate::{
    commands::secure::SecureWindow,
    error::{Answer, CommandError},
    view::secure::{AnsweredView, ApproveContext, OperatorContext, Shown},
};

/// How long the broker may take to say what became of a word.
const PATIENCE: Duration = Duration::from_secs(5);
/// For how many minutes a task is allowed, unless a person says otherwise.
const TASK_MINUTES: u32 = 15;
/// For how many requests.
const TASK_REQUESTS: u32 = 10;
/// The longest reason that an agent is told, in characters.
const LONGEST_REASON: usize = 500;
/// The letters of an operator code: with five tries a minute nobody guesses it.
const CODE_LETTERS: u32 = 12;

impl Desk {
    /// The request that the window is for, or if that one waits no more, the next that does. Answers
    /// with its number beside what the window shows.
    pub async fn approve_shown(
        &self,
        _by: &SecureWindow,
        wanted: Option<u64>,
    ) -> Answer<(Option<u64>, ApproveContext)> {
        let frame = self.secure_frame().await?;
        // Locked meanwhile: nothing of the vault is shown.
        self.session()?;
        let waiting = self.broker.held_ids();
        let place = |id: &u64| waiting.iter().position(|one| one == id);
        let at = wanted.and_then(|id| place(&id)).unwrap_or(0);
        let id = waiting.get(at).copied();
        let row = id.and_then(|id| self.held_row(id));
        let how = match (&row, wanted) {
            (None, Some(wanted)) => {
                Some(self.broker.how_over(wanted).unwrap_or_else(|| "withdrawn".to_owned()))
            }
            _ => None,
        };
        let pattern = row.as_ref().map_or_else(String::new, |row| pattern_of(&row.path));
        let context = ApproveContext {
            frame,
            held: row,
            how: how.map(|how| said(&how)),
            at: super::translate::count(at + 1),
            of: super::translate::count(waiting.len()),
            minutes: TASK_MINUTES,
            count: TASK_REQUESTS,
            pattern,
        };
        Ok((id, context))
    }

    /// The request before or after the one that is shown, in a circle.
    pub fn approve_turn(
        &self,
        _by: &SecureWindow,
        from: Option<u64>,
        forward: bool,
    ) -> Option<u64> {
        let waiting = self.broker.held_ids();
        let count = waiting.len();
        let at = from.and_then(|id| waiting.iter().position(|one| *one == id)).unwrap_or(0);
        let next = if forward { at + 1 } else { at + count.saturating_sub(1) };
        waiting.get(next.checked_rem(count)?).copied()
    }

    /// Allows a request once.
    pub async fn approve_once(&self, by: &SecureWindow, id: u64) -> Answer<AnsweredView> {
        self.answer_held(by, id, held::Answer::Once).await
    }

    /// Allows it and ones like it, until the first of the limits is reached.
    pub async fn approve_task(
        &self,
        by: &SecureWindow,
        id: u64,
        minutes: u32,
        count: u32,
        path: String,
    ) -> Answer<AnsweredView> {
        self.answer_held(by, id, held::Answer::Task { minutes, count, path }).await
    }

    /// Refuses it, and tells the agent why.
    pub async fn approve_deny(
        &self,
        by: &SecureWindow,
        id: u64,
        reason: String,
    ) -> Answer<AnsweredView> {
        let reason = reason.chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect();
        self.answer_held(by, id, held::Answer::Deny { reason }).await
    }

    async fn answer_held(
        &self,
        _by: &SecureWindow,
        id: u64,
        word: held::Answer,
    ) -> Answer<AnsweredView> {
        // Whoever locked the vault is not there to answer.
        self.session()?;
        let waits = self.broker.ask_answered(id, ToBroker::Answer { held: id, answer: word });
        let answered = match waits {
            None => Answered::Unknown,
            Some(waits) => match timeout(PATIENCE, waits).await {
                Ok(Ok(what)) => what,
                Ok(Err(_)) => Answered::Unknown,
                Err(_) => return Err(CommandError::NoBroker { why: SILENT.to_owned() }),
            },
        };
        let (what, seconds) = match answered {
            Answered::Taken => ("taken", 0),
            Answered::TooLate { seconds } => ("tooLate", seconds),
            Answered::Unknown => ("unknown", 0),
            Answered::BadTask => ("badTask", 0),
        };
        Ok(AnsweredView { what, seconds })
    }

    /// The code with which a person answers from a terminal, made when it is first looked at.
    pub async fn operator_shown(&self, _by: &SecureWindow) -> Answer<OperatorContext> {
        self.session()?;
        let frame = self.secure_frame().await?;
        let code = self.broker.operator_code(|| {
            let code = generate_value(CODE_LETTERS, false)?;
            Ok(code.into_bytes())
        })?;
        let text = code.lend(|code| String::from_utf8_lossy(code).into_owned());
        Ok(OperatorContext { frame, code: Shown::new(SecretText::from_string(text)) })
    }
}

const SILENT: &str = "the broker does not answer";

/// Other ways of being over than a person's word in this window.
fn said(how: &str) -> String {
    match how {
        "once" | "task" | "denied" => "answered".to_owned(),
        other => other.to_owned(),
    }
}

/// A task is first offered for this very path.
fn pattern_of(path: &str) -> String {
    path.split('?').next().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_offered_for_the_path_alone() {
        assert_eq!(pattern_of("/v1/refunds?limit=1"), "/v1/refunds");
        assert_eq!(pattern_of("/"), "/");
    }
}
