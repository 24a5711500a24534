//! The code with which a person answers from a terminal.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use strongroom_secret::SecretBytes;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use tokio::time::Instant;

/// How many wrong codes are taken in [`WINDOW`].
const TRIES: usize = 5;

/// The time in which wrong codes are counted.
const WINDOW: Duration = Duration::from_mins(1);

/// Why a code does not open anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CodeError {
    /// None was set.
    #[error("no operator code is set; answer in Strongroom's window, or show a code there first")]
    NotSet,
    /// Another one.
    #[error("this is not the operator code")]
    Wrong,
    /// Too many were wrong.
    #[error("too many wrong codes; try again in {seconds} seconds")]
    TooMany {
        /// Until one more is looked at.
        seconds: u64,
    },
}

/// The operator code, and the wrong ones of the last minute. While there are too many of those, the
/// right one does not help either.
#[derive(Debug, Default)]
pub struct OperatorCode {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    code: Option<SecretBytes>,
    wrong: VecDeque<Instant>,
}

impl OperatorCode {
    /// Another code from now on; an empty one takes it away.
    pub fn set(&self, code: SecretBytes) {
        self.lock().code = Some(code).filter(|code| !code.is_empty());
    }

    /// Whether it is this one. Says nothing by the time it takes, not even the length.
    pub fn require(&self, presented: &SecretBytes) -> Result<(), CodeError> {
        let now = Instant::now();
        let mut state = self.lock();
        state.wrong.retain(|at| now.duration_since(*at) < WINDOW);
        let Some(code) = &state.code else { return Err(CodeError::NotSet) };
        if state.wrong.len() >= TRIES {
            let first = state.wrong.front().map_or(WINDOW, |at| now.duration_since(*at));
            let seconds = WINDOW.saturating_sub(first).as_secs() + 1;
            return Err(CodeError::TooMany { seconds });
        }
        if bool::from(digest(code).ct_eq(&digest(presented))) {
            return Ok(());
        }
        state.wrong.push_back(now);
        Err(CodeError::Wrong)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(code: &SecretBytes) -> [u8; 32] {
    code.lend(|code| Sha256::digest(code).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> SecretBytes {
        SecretBytes::copy_of(text.as_bytes())
    }

    #[tokio::test(start_paused = true)]
    async fn five_wrong_codes_in_a_minute_shut_out_the_right_one_too() {
        let operator = OperatorCode::default();
        assert_eq!(operator.require(&code("")), Err(CodeError::NotSet));
        operator.set(code("K7QW-M2XA"));
        assert_eq!(operator.require(&code("K7QW-M2XA")), Ok(()));
        for wrong in ["", "K7QW-M2X", "K7QW-M2XAA", "k7qw-m2xa", "x"] {
            assert_eq!(operator.require(&code(wrong)), Err(CodeError::Wrong), "{wrong}");
        }
        let shut = operator.require(&code("K7QW-M2XA"));
        assert!(matches!(shut, Err(CodeError::TooMany { seconds: 60..=61 })), "{shut:?}");
        tokio::time::advance(WINDOW).await;
        assert_eq!(operator.require(&code("K7QW-M2XA")), Ok(()));
    }

    #[test]
    fn a_code_that_was_taken_away_opens_nothing() {
        let operator = OperatorCode::default();
        operator.set(code("one"));
        operator.set(code("two"));
        assert_eq!(operator.require(&code("one")), Err(CodeError::Wrong));
        operator.set(code(""));
        assert_eq!(operator.require(&code("")), Err(CodeError::NotSet));
        assert_eq!(operator.require(&code("two")), Err(CodeError::NotSet));
        assert!(!format!("{operator:?}").contains("two"));
    }
}
