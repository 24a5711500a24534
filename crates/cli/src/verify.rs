//! `strongroom verify`: a judge that needs neither server nor vault.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use strongroom_core::certificate::{self, Verdict};
use strongroom_core::evidence;

use crate::exit::Failure;

/// Judges a file by its own bytes.
pub(crate) fn verify(path: &Path) -> ExitCode {
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(failure) => return failure.tell(),
    };
    let mut page = Vec::new();
    let holds = if bytes.trim_ascii_start().starts_with(b"{") {
        of_evidence(&bytes, &mut page)
    } else {
        of_certificate(&bytes, &mut page)
    };
    let text = page.join("\n") + "\n";
    if std::io::stdout().write_all(text.as_bytes()).is_err() || !holds {
        return ExitCode::from(1);
    }
    ExitCode::SUCCESS
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = || Failure::usage(format!("{} cannot be read", path.display()));
    let size = std::fs::metadata(path).map_err(|_| unreadable())?.len();
    if size > certificate::MAX_FILE.max(evidence::MAX_FILE) as u64 {
        return Err(Failure::usage(format!("{} is too large", path.display())));
    }
    std::fs::read(path).map_err(|_| unreadable())
}

fn of_certificate(bytes: &[u8], page: &mut Vec<String>) -> bool {
    match certificate::judge(bytes) {
        Ok(verdict) => {
            page.push("The certificate holds.".to_owned());
            page.extend(verdict.sentences().into_iter().map(|line| plain(&line)));
            page.push("What it does not prove:".to_owned());
            page.extend(Verdict::LIMITS.iter().map(|line| format!("- {line}")));
            true
        }
        Err(refused) => {
            page.push(format!("Refused: {refused}."));
            false
        }
    }
}

fn of_evidence(bytes: &[u8], page: &mut Vec<String>) -> bool {
    match evidence::judge(bytes) {
        Ok(judgement) => {
            let shown = if judgement.proven { "Signatures show" } else { "No signature shows" };
            page.push(format!("{shown} a contradiction."));
            page.extend(judgement.sentences.iter().map(|line| plain(line)));
            judgement.proven
        }
        Err(unreadable) => {
            page.push(format!("Refused: {unreadable}."));
            false
        }
    }
}

/// Text of a file that somebody else made, without what moves a terminal.
fn plain(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
