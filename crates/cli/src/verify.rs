//! `strongroom verify`: a judge that needs neither server nor vault.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use strongroom_core::bundle::tlog_proof::{self, LogKey, NoProof};
use strongroom_core::certificate::{self, Verdict};
use strongroom_core::export::text::is_hidden;
use strongroom_core::log::index::verb;
use strongroom_core::{bundle, evidence, utc};

use crate::exit::Failure;

/// What a file says, and whether it holds.
type Page = (Vec<String>, bool);

/// Judges a file by its own bytes, and one entry of a log by the log's key.
pub(crate) fn verify(path: &Path, log: Option<&LogKey>) -> ExitCode {
    let (page, holds) = match judge(path, log) {
        Ok(page) => page,
        Err(failure) => return failure.tell(),
    };
    let text: String = page.iter().map(|line| plain(line) + "\n").collect();
    if std::io::stdout().write_all(text.as_bytes()).is_err() || !holds {
        return ExitCode::from(1);
    }
    ExitCode::SUCCESS
}

fn judge(path: &Path, log: Option<&LogKey>) -> Result<Page, Failure> {
    let unreadable = |_| Failure::usage(format!("{} cannot be read", path.display()));
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
    let begin = file.fill_buf().map_err(unreadable)?;
    // However large a bundle is, it is judged line by line.
    if begin.starts_with(bundle::BEGIN) {
        return Ok(of_bundle(file));
    }
    let most = certificate::MAX_FILE.max(evidence::MAX_FILE);
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > most {
        return Err(Failure::usage(format!("{} is too large", path.display())));
    }
    Ok(if bytes.starts_with(tlog_proof::HEADER.as_bytes()) {
        of_entry(&bytes, log)
    } else if bytes.trim_ascii_start().starts_with(b"{") {
        of_evidence(&bytes)
    } else {
        of_certificate(&bytes)
    })
}

fn of_bundle(file: impl BufRead) -> Page {
    match bundle::judge(file) {
        Ok(judgement) => {
            let mut page = vec!["The bundle holds.".to_owned()];
            page.extend(judgement.sentences());
            page.push(format!("The log's key: {}", judgement.log));
            page.extend(limits(judgement.limits()));
            (page, true)
        }
        Err(refused) => refusal(refused),
    }
}

fn of_entry(bytes: &[u8], log: Option<&LogKey>) -> Page {
    let judged = str::from_utf8(bytes).map_err(|_| NoProof::Malformed);
    match judged.and_then(|file| tlog_proof::judge(file, log)) {
        Ok(proven) => {
            let act = &proven.event.act;
            let who = act.actor.map_or("nobody who proved it".to_owned(), |who| who.to_string());
            let page = vec![
                "The proof holds.".to_owned(),
                format!(
                    "Entry {} of a log of {} entries of organisation {}.",
                    proven.index, proven.checkpoint.size, proven.checkpoint.org
                ),
                format!(
                    "{}, by {who}, {} by the server's clock, from {}.",
                    verb(act.kind),
                    utc::rfc3339(proven.event.server_time_ms),
                    if proven.event.peer.is_empty() { "nowhere" } else { &proven.event.peer },
                ),
            ];
            let limits = limits(vec![
                "Whose signature the entry carries: the chain that names the keys is not in it. A \
                 bundle has it."
                    .to_owned(),
                "That the key is the log's: it was given beside the file.".to_owned(),
            ]);
            (page.into_iter().chain(limits).collect(), true)
        }
        Err(why) => refusal(why),
    }
}

fn of_certificate(bytes: &[u8]) -> Page {
    match certificate::judge(bytes) {
        Ok(verdict) => {
            let mut page = vec!["The certificate holds.".to_owned()];
            page.extend(verdict.sentences());
            page.extend(limits(Verdict::LIMITS.map(str::to_owned).to_vec()));
            (page, true)
        }
        Err(refused) => refusal(refused),
    }
}

fn of_evidence(bytes: &[u8]) -> Page {
    match evidence::judge(bytes) {
        Ok(judgement) => {
            let shown = if judgement.proven { "Signatures show" } else { "No signature shows" };
            let mut page = vec![format!("{shown} a contradiction.")];
            page.extend(judgement.sentences);
            (page, judgement.proven)
        }
        Err(unreadable) => refusal(unreadable),
    }
}

fn refusal(why: impl std::fmt::Display) -> Page {
    (vec![format!("Refused: {why}.")], false)
}

fn limits(lines: Vec<String>) -> impl Iterator<Item = String> {
    let title = "What it does not prove:".to_owned();
    std::iter::once(title).chain(lines.into_iter().map(|line| format!("- {line}")))
}

/// Text of a file that somebody else made, without what moves a terminal or turns text around.
fn plain(line: &str) -> String {
    line.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect()
}
