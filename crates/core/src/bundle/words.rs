//! What a bundle shows and what it does not, in plain words.

use std::collections::BTreeMap;

use strongroom_format::hash::Digest;
use strongroom_format::id::{OrgId, Principal, UserId};
use strongroom_format::note::Checkpoint;
use strongroom_format::statement::Role;

use super::line::Named;
use super::tally::Tally;
use super::tlog_proof::LogKey;
use crate::certificate::head_code;
use crate::utc;

/// A state of the log that the chain repeats, and that the log continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The link that repeats it.
    pub link: u64,
    /// How many entries the log had.
    pub size: u64,
    /// The time of the link, in milliseconds since 1970.
    pub at_ms: u64,
}

/// What a bundle that holds shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Which organisation.
    pub org: OrgId,
    /// The newest link of its chain ...
    pub org_seq: u64,
    /// ... and that link's head.
    pub org_head: Digest,
    /// The log and its key.
    pub log: LogKey,
    /// The link that named the key.
    pub key_link: u64,
    /// The signed state of the log.
    pub checkpoint: Checkpoint,
    /// The widest state that the chain repeats; `None` where it repeats none.
    pub anchor: Option<Anchor>,
    /// Which entries were chosen, in the exporter's words.
    pub filter: String,
    /// The same for programs.
    pub query: String,
    /// When it was made by the exporter's clock, in milliseconds since 1970.
    pub made_ms: u64,
    /// Who made it.
    pub by: UserId,
    /// The exporter's role.
    pub role: Option<Role>,
    /// What the entries are worth.
    pub tally: Tally,
    /// What the exporter calls those who occur.
    pub names: BTreeMap<Named, String>,
}

impl Judgement {
    /// What it shows, a sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let mut said = vec![
            format!(
                "Organisation {}. Its chain holds from its founding up to link {}, head {}.",
                self.org,
                self.org_seq,
                head_code(&self.org_head),
            ),
            format!(
                "The log's key is the one that link {} names. It signed a log of {} with the \
                 root {}.",
                self.key_link,
                entries(self.checkpoint.size),
                head_code(&self.checkpoint.root),
            ),
        ];
        said.push(match self.anchor {
            Some(anchor) => format!(
                "That log continues the one of {} which link {} repeats, of {}.",
                entries(anchor.size),
                anchor.link,
                utc::minutes(anchor.at_ms),
            ),
            None => "The chain repeats no state of the log so far.".to_owned(),
        });
        said.extend(self.of_entries());
        said.extend(self.of_signatures());
        said.push(format!(
            "Made on {} by {}{}, whose key signed the whole file.",
            utc::minutes(self.made_ms),
            self.called(Principal::User(self.by)),
            self.role.map_or(String::new(), |role| format!(" ({})", role_word(role))),
        ));
        said
    }

    fn of_entries(&self) -> Vec<String> {
        let tally = &self.tally;
        let Some(((first, first_ms), (last, last_ms))) = tally.range else {
            return vec!["It holds no entry.".to_owned()];
        };
        let each = if tally.entries == 1 { "which is" } else { "and each is" };
        let mut said = vec![format!(
            "It holds {}, {each} proven to stand where the file says in that log.",
            entries(tally.entries),
        )];
        let between = format!(
            "from entry {first} ({}) to entry {last} ({})",
            utc::minutes(first_ms),
            utc::minutes(last_ms),
        );
        said.push(if tally.is_contiguous() {
            format!("Nothing is left out {between}.")
        } else {
            format!("They are chosen, {between}.")
        });
        said.push(format!("The filter, in the exporter's words: {}", self.filter));
        said
    }

    fn of_signatures(&self) -> Vec<String> {
        let tally = &self.tally;
        let mut said = vec![format!(
            "{} signed by the client that acted, each by the key that the chain named for its \
             owner when it acted; {} the server's word; {} repeated from links and commits.",
            are(tally.signed),
            are(tally.seen),
            are(tally.derived),
        )];
        said.extend(
            tally.actors.iter().map(|(who, n)| format!("- {}: {n} signed", self.called(*who))),
        );
        if tally.doubtful > 0 {
            said.push(format!(
                "Believe nothing of {}: a signature does not hold, an act comes again, or a link \
                 is not there. {}.",
                entries(tally.doubtful),
                places(&tally.doubtful_at, tally.doubtful),
            ));
        }
        if tally.is_contiguous() {
            said.push(if tally.missing == 0 {
                "The acts of each person and device are counted without a gap.".to_owned()
            } else {
                format!("{} missing in the log, by their actors' own count:", are(tally.missing))
            });
            said.extend(tally.gaps.iter().map(|gap| {
                format!(
                    "- {} of {} on {}, before entry {}",
                    gap.missing,
                    self.called(gap.who),
                    gap.device,
                    gap.before,
                )
            }));
        }
        said
    }

    /// What it does not prove, a sentence each.
    pub fn limits(&self) -> Vec<String> {
        let size = self.checkpoint.size;
        let mut limits = Vec::new();
        match self.tally.range {
            Some(((first, _), (last, _))) if self.tally.is_contiguous() => {
                if first > 0 || last + 1 < size {
                    limits.push(format!(
                        "What stands in the log before entry {first} and behind entry {last}: the \
                         file holds a part of it.",
                    ));
                }
            }
            _ => limits.push(
                "That no other entry fits the filter: what was left out was chosen by whoever made \
                 the file."
                    .to_owned(),
            ),
        }
        let always = [
            "That what the server saw is true: times, addresses and the entries it wrote are its \
             word.",
            "That nothing happened outside the log: whoever can open a value may have opened it \
             elsewhere.",
            "That others see the same chain and the same log: compare the organisation's id, the \
             head and the root with somebody who does not depend on the file.",
        ];
        limits.extend(always.map(str::to_owned));
        limits.push(format!("What was written to the log after its first {}.", entries(size)));
        if !self.names.is_empty() {
            limits.push(
                "Names: they are the word of whoever made the file. The ids are proven.".to_owned(),
            );
        }
        limits
    }

    fn called(&self, who: Principal) -> String {
        match self.names.get(&Named::Who(who)) {
            Some(name) => format!("{who} ({name})"),
            None => who.to_string(),
        }
    }
}

fn entries(n: u64) -> String {
    if n == 1 { "1 entry".to_owned() } else { format!("{n} entries") }
}

fn are(n: u64) -> String {
    if n == 1 { "1 is".to_owned() } else { format!("{n} are") }
}

fn places(shown: &[u64], all: u64) -> String {
    let list: Vec<String> = shown.iter().map(u64::to_string).collect();
    let more = all - shown.len() as u64;
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("Entry {}{rest}", list.join(", "))
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Admin => "admin",
        Role::Member => "member",
        Role::Reviewer => "reviewer",
    }
}
