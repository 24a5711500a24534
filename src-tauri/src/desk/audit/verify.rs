//! What checking the whole log came to, in the window's words.

use strongroom_client::vault::{LogVerified, Step, StepKind};

use super::words::{grouped, hex};
use crate::{
    desk::{Desk, hold, translate},
    error::Answer,
    view::{AnchorView, AuditBad, AuditStep, AuditStepId, AuditVerified},
};

impl Desk {
    /// Checks every entry, after asking the server for what is new.
    pub async fn audit_verify(&self) -> Answer<AuditVerified> {
        let session = self.session()?;
        let org = session.current()?;
        let verified = view(&session.verify_log().await?);
        hold(&self.auditing).verified = Some((org, verified.clone()));
        Ok(verified)
    }

    /// What the last check of this session came to, of the organisation in front.
    pub fn audit_verified(&self) -> Answer<Option<AuditVerified>> {
        let org = self.session()?.current()?;
        let last = hold(&self.auditing).verified.clone();
        Ok(last.filter(|(of, _)| *of == org).map(|(_, verified)| verified))
    }
}

fn view(verified: &LogVerified) -> AuditVerified {
    let first_bad = verified.bad.as_ref();
    AuditVerified {
        ok: verified.ok,
        entries: verified.entries,
        at: translate::millis(verified.at_ms),
        took_ms: translate::count(verified.took.as_millis()),
        steps: verified.steps.iter().map(step).collect(),
        bad: first_bad.map(|bad| AuditBad { entry: bad.entry, why: bad.why.clone() }),
        last_good: (!verified.ok).then(|| last_good(verified)),
        root: hex(&verified.root),
        anchor: verified.anchor.map(|anchor| AnchorView {
            link: anchor.link,
            at: translate::millis(anchor.at_ms),
            size: anchor.size,
        }),
        clock_ahead_ms: verified.clock_ahead_ms,
        limits: verified.limits.clone(),
    }
}

fn step(step: &Step) -> AuditStep {
    let (id, title) = match step.kind {
        StepKind::Checkpoint => (AuditStepId::Checkpoint, "Checkpoint signature"),
        StepKind::Grew => (AuditStepId::Grew, "Nothing was cut or rewritten"),
        StepKind::Included => (AuditStepId::Included, "Every row is included"),
        StepKind::Signed => (AuditStepId::Signed, "Signed rows are signed"),
        StepKind::Own => (AuditStepId::Own, "Your own rows are there"),
        StepKind::Others => (AuditStepId::Others, "Others saw the same log"),
    };
    AuditStep { id, title: title.to_owned(), detail: step.detail.clone(), ok: step.ok }
}

/// The newest head that does not rest on this check alone.
fn last_good(verified: &LogVerified) -> String {
    match verified.anchor {
        Some(anchor) => format!(
            "Link {} of the chain repeats the root of {} entries.",
            grouped(anchor.link),
            grouped(anchor.size)
        ),
        None => "No link of the chain repeats a root of this log.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use strongroom_client::vault::BadEntry;

    use super::*;

    fn failed() -> LogVerified {
        LogVerified {
            ok: false,
            entries: 1_000,
            size: 1_000,
            root: [0xab; 32],
            at_ms: 5,
            took: Duration::from_millis(1_250),
            steps: vec![Step {
                kind: StepKind::Own,
                detail: "3 of 4 from this computer".to_owned(),
                ok: Some(false),
            }],
            bad: Some(BadEntry { entry: Some(412), why: "its signature".to_owned() }),
            anchor: None,
            clock_ahead_ms: Some(-400),
            limits: Vec::new(),
        }
    }

    #[test]
    fn a_check_that_fails_names_the_row_and_the_last_good_head() {
        let shown = view(&failed());
        assert_eq!(shown.bad.unwrap().entry, Some(412));
        assert_eq!(shown.took_ms, 1_250);
        assert!(shown.root.starts_with("abab") && shown.root.len() == 64);
        assert_eq!(shown.steps[0].title, "Your own rows are there");
        assert_eq!(shown.last_good.unwrap(), "No link of the chain repeats a root of this log.");
    }

    #[test]
    fn a_check_that_holds_speaks_of_no_last_good_head() {
        let good = LogVerified { ok: true, bad: None, ..failed() };
        let shown = view(&good);
        assert_eq!((shown.bad, shown.last_good), (None, None));
    }
}
