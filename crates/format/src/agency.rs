//! What an agent did, as the act of whoever lent it a credential tells it (docs/protocol.md,
//! section 12).
//!
//! The agent's id is open to the server; method, host, path and process are sealed under the data
//! key of the directory, so that every member reads them and the server does not. Where no data key
//! is at hand, as on a machine with a service token, nothing is sealed and only the id is told.

use crate::encoding::{Codec, DecodeError, Reader, Writer};
use crate::id::AgentId;
use crate::statement::byte_enum;

/// The longest sealed part, in bytes: the longest [`AgentCall`], padded and sealed.
pub const MAX_SEALED: usize = 400;
/// The shortest: one step of padding (64) and what an envelope adds (73).
const MIN_SEALED: usize = 137;
/// The longest method, in bytes.
pub const MAX_METHOD: usize = 16;
/// The longest host, in bytes. Of a longer one its end is kept, which says whose it is.
pub const MAX_HOST: usize = 128;
/// The longest path, in bytes. Of a longer one its beginning is kept.
pub const MAX_PATH: usize = 96;
/// The longest process, in bytes. Of a longer one its end is kept, which is its name.
pub const MAX_PROCESS: usize = 48;
/// What stands where something was cut.
const CUT: &str = "\u{2026}";

/// Which agent an act is about, and the sealed words about what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agency {
    /// The agent.
    pub agent: AgentId,
    /// The words; `None` where the actor holds no data key of the directory.
    pub sealed: Option<SealedCall>,
}

/// An [`AgentCall`], sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCall {
    /// The epoch of the directory's data key, from 1.
    pub epoch: u32,
    /// The envelope.
    pub envelope: Vec<u8>,
}

impl Codec for Agency {
    fn write(&self, w: &mut Writer) {
        self.agent.write(w);
        match &self.sealed {
            Some(sealed) => w.u32(sealed.epoch).lp(&sealed.envelope),
            None => w.u32(0).lp(&[]),
        };
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let agent = AgentId::read(r)?;
        let epoch = r.u32()?;
        let envelope = r.lp(MAX_SEALED)?;
        let sealed = match (epoch, envelope.len()) {
            (0, 0) => None,
            (1.., MIN_SEALED..) => Some(SealedCall { epoch, envelope: envelope.to_vec() }),
            _ => return Err(DecodeError::NotCanonical),
        };
        Ok(Self { agent, sealed })
    }
}

byte_enum! {
    /// What became of an agent's request.
    CallOutcome {
        /// The credential was sent and an answer came back whole.
        Done = 1,
        /// The credential was sent and the exchange broke off.
        Broken = 2,
        /// The credential was sent; what came of it is not known, since the broker was ended.
        Unknown = 3,
        /// A person allowed it.
        Approved = 4,
        /// A person refused it.
        Refused = 5,
        /// Nobody answered in time.
        TimedOut = 6,
        /// The policy refused it.
        Forbidden = 7,
        /// A fake token was seen where it must never go.
        Alarm = 8,
    }
}

/// What an agent asked for, in words for people. Made by [`AgentCall::new`], which cuts what is too
/// long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCall {
    /// HTTP method.
    pub method: String,
    /// Host, with its port where that is not the usual one.
    pub host: String,
    /// Path without its query.
    pub path: String,
    /// The executable that asked; empty where unknown.
    pub process: String,
    /// What became of it.
    pub outcome: CallOutcome,
}

impl AgentCall {
    /// Cuts every text to its length and takes control characters out of it.
    pub fn new(method: &str, host: &str, path: &str, process: &str, outcome: CallOutcome) -> Self {
        Self {
            method: beginning(method, MAX_METHOD),
            host: end(host, MAX_HOST),
            path: beginning(path, MAX_PATH),
            process: end(process, MAX_PROCESS),
            outcome,
        }
    }
}

impl Codec for AgentCall {
    fn write(&self, w: &mut Writer) {
        for text in [&self.method, &self.host, &self.path, &self.process] {
            w.lp(text.as_bytes());
        }
        self.outcome.write(w);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut text = |cap| {
            let text = r.text(cap)?;
            if text.chars().any(char::is_control) {
                return Err(DecodeError::NotCanonical);
            }
            Ok(text.to_owned())
        };
        let (method, host) = (text(MAX_METHOD)?, text(MAX_HOST)?);
        let (path, process) = (text(MAX_PATH)?, text(MAX_PROCESS)?);
        Ok(Self { method, host, path, process, outcome: CallOutcome::read(r)? })
    }
}

/// In NFC and without control characters.
fn inert(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    text.nfc().filter(|c| !c.is_control()).nfc().collect()
}

fn beginning(text: &str, most: usize) -> String {
    let text = inert(text);
    if text.len() <= most {
        return text;
    }
    let kept = text.floor_char_boundary(most - CUT.len());
    inert(&format!("{}{CUT}", &text[..kept]))
}

fn end(text: &str, most: usize) -> String {
    let text = inert(text);
    if text.len() <= most {
        return text;
    }
    let from = text.ceil_char_boundary(text.len() - (most - CUT.len()));
    inert(&format!("{CUT}{}", &text[from..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(host: &str, path: &str) -> AgentCall {
        AgentCall::new("POST", host, path, "/usr/bin/node", CallOutcome::Done)
    }

    #[test]
    fn a_call_reads_back_and_long_texts_keep_their_telling_end() {
        let long = format!("{}.evil.example", "a".repeat(300));
        let call = call(&long, &format!("/v1/{}", "\u{e9}".repeat(200)));
        assert_eq!(AgentCall::decode(&call.encode()), Ok(call.clone()));
        assert!(call.host.ends_with(".evil.example") && call.host.starts_with(CUT));
        assert!(call.path.starts_with("/v1/\u{e9}") && call.path.ends_with(CUT));
        assert!(call.host.len() <= MAX_HOST && call.path.len() <= MAX_PATH);
    }

    #[test]
    fn the_longest_call_fits_when_it_is_sealed() {
        let long = "x".repeat(500);
        let longest = AgentCall::new(&long, &long, &long, &long, CallOutcome::Alarm);
        let padded = (4 + longest.encode().len()).next_multiple_of(64);
        assert!(padded + 73 <= MAX_SEALED, "{padded}");
    }

    #[test]
    fn a_call_is_inert_text() {
        let call = call("api.example\r\nX: 1", "/\u{1b}[31m");
        assert_eq!((call.host.as_str(), call.path.as_str()), ("api.exampleX: 1", "/[31m"));
        let mut bytes = call.encode();
        bytes[4] = b'\n';
        assert_eq!(AgentCall::decode(&bytes), Err(DecodeError::NotCanonical));
    }

    #[test]
    fn words_are_sealed_under_a_data_key_or_absent() {
        let agent = AgentId([3; 16]);
        let none = Agency { agent, sealed: None };
        assert_eq!(Agency::decode(&none.encode()), Ok(none));
        let sealed =
            |epoch, n| Agency { agent, sealed: Some(SealedCall { epoch, envelope: vec![1; n] }) };
        let good = sealed(2, MIN_SEALED);
        assert_eq!(Agency::decode(&good.encode()), Ok(good));
        for bad in [sealed(0, MIN_SEALED), sealed(2, MIN_SEALED - 1), sealed(2, 0)] {
            assert_eq!(Agency::decode(&bad.encode()), Err(DecodeError::NotCanonical));
        }
        let long = sealed(2, MAX_SEALED + 1);
        assert_eq!(Agency::decode(&long.encode()), Err(DecodeError::TooLong));
    }
}
