//! Who signed what, and whether that is a contradiction.

use strongroom_chain::OrgState;
use strongroom_chain::org::verify;
use strongroom_chain::signature::{verifies, verifies_labelled};
use strongroom_format::commit::SignedCommit;
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, OrgId};
use strongroom_format::note::Checkpoint;
use strongroom_format::statement::{Body, Link, Signature};
use thiserror::Error;

use super::{Evidence, MAX_FILE, VERSION};
use crate::certificate::head_code;
use crate::utc;

/// Why a file is no evidence of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// Not an evidence file of this version.
    #[error("this is no evidence file, or it is damaged")]
    Malformed,
    /// The chain in it does not verify, so nobody's key is known.
    #[error("the organisation's chain in it does not verify, so it shows nothing")]
    Chain,
    /// What this computer claims to have verified does not verify.
    #[error("what the file says was verified does not verify, so it shows nothing")]
    Verified,
}

/// What an evidence file shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Whether signatures alone show a contradiction.
    pub proven: bool,
    /// Which organisation.
    pub org: OrgId,
    /// What it shows and what it does not, in plain words, a sentence each.
    pub sentences: Vec<String>,
}

/// A judgement in the making.
struct Judge {
    state: OrgState,
    links: Vec<Link>,
    sentences: Vec<String>,
}

const SAID: &str = "That the server showed it is the word of whoever holds this file: servers sign \
                    neither links nor commits.";

/// Judges an evidence file by nothing but its own bytes.
pub fn judge(file: &[u8]) -> Result<Judgement, Unreadable> {
    if file.len() > MAX_FILE {
        return Err(Unreadable::Malformed);
    }
    let evidence: Evidence = serde_json::from_slice(file).map_err(|_| Unreadable::Malformed)?;
    if evidence.version != VERSION || evidence.what.len() > 1_024 {
        return Err(Unreadable::Malformed);
    }
    let links = evidence.chain.iter().map(|link| Link::parse(&link.0));
    let links: Vec<Link> = links.collect::<Result<_, _>>().map_err(|_| Unreadable::Chain)?;
    let state = verify(&links, evidence.org, None).map_err(|_| Unreadable::Chain)?;
    let mut judge = Judge { state, links, sentences: Vec::new() };
    judge.say(format!(
        "Organisation {}, verified up to link {}, head {}.",
        evidence.org,
        judge.state.seq(),
        head_code(&judge.state.head()),
    ));
    judge.say(format!("Noticed on {}.", utc::minutes(evidence.noticed_ms)));
    let proven = match (evidence.env, note(&evidence.verified.0), note(&evidence.shown.0)) {
        (Some(env), _, _) => judge.commits(env, &evidence.verified.0, &evidence.shown.0)?,
        (None, None, None) => judge.links(&evidence.verified.0, &evidence.shown.0)?,
        (None, None, Some(shown)) if !evidence.verified.0.is_empty() => {
            judge.anchor(&evidence.verified.0, shown)?
        }
        (None, verified, shown) => judge.notes(verified.unwrap_or(""), shown.unwrap_or(""))?,
    };
    Ok(Judgement { proven, org: evidence.org, sentences: judge.sentences })
}

fn note(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok().filter(|text| text.starts_with("strongroom/"))
}

impl Judge {
    fn say(&mut self, sentence: impl Into<String>) {
        self.sentences.push(sentence.into());
    }

    /// Nothing was shown, or nothing that anybody signed.
    fn claim(&mut self, shown: &[u8], what: &str) -> bool {
        if shown.is_empty() {
            self.say(format!("The server showed no {what} where one had been verified."));
        } else {
            self.say(format!("What the server showed is no {what} of this organisation."));
        }
        self.say("Nobody signed that: it is the word of whoever holds this file.");
        false
    }

    fn links(&mut self, verified: &[u8], shown: &[u8]) -> Result<bool, Unreadable> {
        if self.links.last().map(Link::as_bytes) != Some(verified) {
            return Err(Unreadable::Verified);
        }
        let Ok(link) = Link::parse(shown) else { return Ok(self.claim(shown, "link")) };
        let (statement, head) = (&link.statement, link.head());
        let seq = statement.seq;
        if self.state.head_at(seq) == Some(head) {
            self.say(format!("The server showed link {seq} as its newest, which is an older one."));
            self.say("That link is part of the verified chain, so no signature contradicts it.");
            self.say(SAID);
            return Ok(false);
        }
        let before = usize::try_from(seq).unwrap_or(usize::MAX).min(self.links.len());
        let before = self.links.get(..before).and_then(|links| verify_prefix(links, &self.state));
        let before = before.as_ref().unwrap_or(&self.state);
        let key = before.signing_key(&statement.author, before.seq(), statement.time_ms);
        let signed = key.is_some_and(|key| {
            verifies_labelled("stmt", &key, link.signed_bytes(), &link.signature())
        });
        let author = statement.author;
        if !signed {
            self.say(format!("The server showed another link {seq}, head {}.", head_code(&head)));
            self.say("Its signature is nobody's of this organisation: anybody could make it.");
            return Ok(false);
        }
        match (self.links.get(usize::try_from(seq).unwrap_or(usize::MAX)), seq.checked_sub(1)) {
            (Some(own), _) => {
                let by = own.statement.author;
                let own = head_code(&own.head());
                self.say(format!(
                    "Two different links stand at place {seq}: {own}, signed by {by}, and {}, \
                     signed by {author}.",
                    head_code(&head),
                ));
                self.say(
                    "Both signatures hold. Whoever loses a race for a place leaves such a link too; \
                     a server that showed both to people as their organisation keeps two histories.",
                );
            }
            (None, Some(last)) if self.state.head_at(last) == Some(statement.prev) => {
                self.say(format!(
                    "{author} signed link {seq}, which the rules do not allow there."
                ));
            }
            _ => {
                self.say(format!(
                    "{author} signed link {seq} upon another history than the verified one: it \
                     continues {}.",
                    head_code(&statement.prev),
                ));
                self.say(
                    "A client signs only upon what its server accepted, so the server keeps two \
                     histories.",
                );
            }
        }
        self.say(SAID);
        Ok(true)
    }

    fn commits(&mut self, env: EnvId, verified: &[u8], shown: &[u8]) -> Result<bool, Unreadable> {
        let own = if verified.is_empty() {
            None
        } else {
            let own = SignedCommit::parse(verified).map_err(|_| Unreadable::Verified)?;
            if own.commit.env != env || !self.is_signed(&own) {
                return Err(Unreadable::Verified);
            }
            Some(own)
        };
        let other = SignedCommit::parse(shown).ok().filter(|c| c.commit.env == env);
        let Some(other) = other else { return Ok(self.claim(shown, "commit")) };
        let (seq, author) = (other.commit.seq, other.commit.author);
        if !self.is_signed(&other) {
            self.say(format!("The server showed a commit {seq} of {env}."));
            self.say("Its signature is nobody's of this organisation: anybody could make it.");
            return Ok(false);
        }
        let proven = self.compare_commits(own.as_ref(), &other);
        if !proven {
            self.say(format!(
                "{author} signed commit {seq} of {env}; no signature contradicts it."
            ));
        }
        self.say(SAID);
        Ok(proven)
    }

    fn compare_commits(&mut self, own: Option<&SignedCommit>, other: &SignedCommit) -> bool {
        let commit = &other.commit;
        let (seq, author) = (commit.seq, commit.author);
        let seen = self.state.head_at(commit.org_seq);
        let mut proven = false;
        if seen.is_some_and(|head| head != commit.org_head) {
            self.say(format!(
                "{author} signed that link {} of the organisation has the head {}, and not the \
                 verified one: the server keeps two chains.",
                commit.org_seq,
                head_code(&commit.org_head),
            ));
            proven = true;
        }
        let Some(own) = own else { return proven };
        let (place, by) = (own.commit.seq, own.commit.author);
        if place == seq && own.head() != other.head() {
            self.say(format!(
                "Two different commits stand at place {seq}: one signed by {by}, one by {author}. \
                 Both signatures hold.",
            ));
            proven = true;
        } else if place + 1 == seq && commit.prev != own.head() {
            self.say(format!(
                "{author} signed commit {seq} upon another commit {place} than the verified one, \
                 which {by} signed: the server keeps two histories.",
            ));
            proven = true;
        } else if place > seq {
            self.say(format!(
                "Commit {place} was verified, signed by {by}; the server showed commit {seq} as the \
                 newest.",
            ));
        }
        proven
    }

    /// Whether a commit is signed by its author's key, as far as the verified chain knows it.
    fn is_signed(&self, signed: &SignedCommit) -> bool {
        let commit = &signed.commit;
        let seq = commit.org_seq.min(self.state.seq());
        let key = self.state.signing_key(&commit.author, seq, commit.time_ms);
        commit.org == self.state.org()
            && key.is_some_and(|key| {
                verifies_labelled("commit", &key, signed.signed_bytes(), &signed.signature())
            })
    }

    fn notes(&mut self, verified: &str, shown: &str) -> Result<bool, Unreadable> {
        let own = match self.checkpoint(verified) {
            Some(own) => Some(own),
            None if verified.is_empty() => None,
            None => return Err(Unreadable::Verified),
        };
        let Some(other) = self.checkpoint(shown) else {
            self.say("What the server showed as its checkpoint is not signed by the log's key.");
            self.say("Nobody signed that: it is the word of whoever holds this file.");
            return Ok(false);
        };
        let code = |root: &Digest| head_code(root);
        self.say(format!(
            "The log's own key signed a log of {} entries with the root {}.",
            other.size,
            code(&other.root)
        ));
        let Some(own) = own else {
            self.say("No earlier signed checkpoint is in this file, so nothing contradicts it.");
            return Ok(false);
        };
        if own.size == other.size && own.root != other.root {
            self.say(format!(
                "The same key signed another log of {} entries with the root {}. A log has one: \
                 this proves that whoever holds the log's key keeps two.",
                own.size,
                code(&own.root)
            ));
            return Ok(true);
        }
        self.say(format!("It had signed a log of {} entries before.", own.size));
        self.say(
            "Whether the one continues the other only the entries could show, which are not in this \
             file. So this file alone does not prove it.",
        );
        Ok(false)
    }

    /// A member signed one state of the audit log into the chain, and the log shows another.
    fn anchor(&mut self, verified: &[u8], shown: &str) -> Result<bool, Unreadable> {
        let link = Link::parse(verified).map_err(|_| Unreadable::Verified)?;
        let seq = link.statement.seq;
        let is_own = self.state.head_at(seq) == Some(link.head());
        let Body::AuditAnchor { reset, size, root } = link.statement.body else {
            return Err(Unreadable::Verified);
        };
        if !is_own {
            return Err(Unreadable::Verified);
        }
        let by = link.statement.author;
        self.say(format!(
            "{by} signed, as link {seq}, that the audit log of {size} entries has the root {}.",
            head_code(&root),
        ));
        let other = self.checkpoint(shown).filter(|other| other.reset == reset);
        let Some(other) = other else {
            self.say("What the server showed as its checkpoint is not signed by the log's key.");
            self.say("Nobody signed that: it is the word of whoever holds this file.");
            return Ok(false);
        };
        self.say(format!(
            "The log's own key signed a log of {} entries with the root {}.",
            other.size,
            head_code(&other.root)
        ));
        let differs = other.size == size && other.root != root;
        self.say(if differs {
            "A log has one root for each size, and both signatures hold: whoever holds the log's key \
             showed that person another log, or that person signed what was never shown."
        } else {
            "Whether the one continues the other only the entries could show, which are not in this \
             file. So this file alone does not prove it."
        });
        Ok(differs)
    }

    fn checkpoint(&self, note: &str) -> Option<Checkpoint> {
        let (org, reset, vkey) =
            (self.state.org(), self.state.audit_reset(), self.state.audit_vkey());
        let (checkpoint, signature): (Checkpoint, Signature) =
            Checkpoint::parse(note, &org, reset, vkey).ok()?;
        verifies(vkey, checkpoint.text().as_bytes(), &signature).then_some(checkpoint)
    }
}

fn verify_prefix(links: &[Link], whole: &OrgState) -> Option<OrgState> {
    if links.is_empty() { None } else { verify(links, whole.org(), None).ok() }
}
