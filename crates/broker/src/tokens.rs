//! Fake tokens that work, by their hashes.
//!
//! Invariant: no text of a token is kept; a token that is not in the book works nowhere.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use strongroom_control::link::StandingToken;
use strongroom_format::id::AgentId;

/// SHA-256 of a token's text.
pub type TokenHash = [u8; 32];

/// What a fake token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFor {
    /// Whose.
    pub agent: AgentId,
    /// At which provider, and nowhere else.
    pub provider: String,
    /// In which session; `None` for the standing session of its agent.
    pub session: Option<u64>,
    /// Its number in the owner's list; 0 for a session's.
    pub standing: u64,
    /// Its end, in milliseconds since 1970; zero for none.
    pub not_after_ms: u64,
}

/// The book.
#[derive(Debug, Default)]
pub struct TokenBook {
    all: RwLock<HashMap<TokenHash, TokenFor>>,
}

impl TokenBook {
    /// What a token stands for.
    pub fn lookup(&self, hash: &TokenHash) -> Option<TokenFor> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }

    /// A session's token begins to work.
    pub fn add(&self, hash: TokenHash, stands: TokenFor) {
        self.all.write().unwrap_or_else(PoisonError::into_inner).insert(hash, stands);
    }

    /// The tokens of an ended session work no more.
    pub fn end_session(&self, session: u64) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, stands| stands.session != Some(session));
    }

    /// The standing tokens are these and no others.
    pub fn set_standing(&self, tokens: &[StandingToken]) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, stands| stands.session.is_some());
        for token in tokens {
            let stands = TokenFor {
                agent: token.agent,
                provider: token.provider.clone(),
                session: None,
                standing: token.id,
                not_after_ms: token.not_after_ms,
            };
            all.insert(token.hash, stands);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(session: Option<u64>) -> TokenFor {
        TokenFor {
            agent: AgentId([1; 16]),
            provider: "openai".to_owned(),
            session,
            standing: session.map_or(1, |_| 0),
            not_after_ms: 0,
        }
    }

    #[test]
    fn the_tokens_of_a_session_end_with_it_and_no_others() {
        let book = TokenBook::default();
        book.add([1; 32], stands(Some(1)));
        book.add([2; 32], stands(Some(2)));
        book.end_session(1);
        assert_eq!(book.lookup(&[1; 32]), None);
        assert_eq!(book.lookup(&[2; 32]), Some(stands(Some(2))));
    }

    #[test]
    fn a_standing_token_that_is_not_listed_any_more_stops_working_at_once() {
        let book = TokenBook::default();
        book.add([9; 32], stands(Some(1)));
        let token = StandingToken {
            id: 1,
            hash: [3; 32],
            agent: AgentId([1; 16]),
            provider: "openai".to_owned(),
            not_after_ms: 0,
        };
        book.set_standing(std::slice::from_ref(&token));
        assert_eq!(book.lookup(&[3; 32]), Some(stands(None)));
        book.set_standing(&[]);
        assert_eq!(book.lookup(&[3; 32]), None);
        assert!(book.lookup(&[9; 32]).is_some(), "a session's token is nobody else's business");
    }
}
