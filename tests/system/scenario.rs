//! An attack, tried on every device, and the only two ways in which it may end.

use std::time::Duration;

use strongroom_client::vault::VaultError;
use strongroom_evil_server::{Answer, Exchange, Request, shape};
use strongroom_format::encoding::Codec as _;
use strongroom_format::wire::{ActPage, CommitPage, ItemPage, SyncAnswer};

use crate::world::{Device, House};

/// Something, and what to call it when it fails.
pub(crate) type Named<T> = (&'static str, T);

/// How an attack ended for one device.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The client says what is wrong.
    Refused(VaultError),
    /// The client opened everything and shows the honest state after this many steps of the story.
    Honest(usize),
}

impl Outcome {
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

/// How an attack ended for each device.
pub(crate) struct Outcomes {
    pub(crate) all: Vec<(&'static str, Outcome)>,
    last: usize,
}

impl Outcomes {
    pub(crate) fn of(&self, situation: &str) -> &Outcome {
        &self.all.iter().find(|(name, _)| *name == situation).unwrap().1
    }

    /// Every device refuses.
    pub(crate) fn refused_by_all(&self) {
        self.refused_by(&["fresh", "half-way", "half-way without a copy"]);
        self.refused_by(&["pinned", "pinned without a copy"]);
    }

    /// These devices refuse; the others do, or show an honest state.
    pub(crate) fn refused_by(&self, situations: &[&str]) {
        for situation in situations {
            let outcome = self.of(situation);
            assert!(outcome.is_refused(), "{situation}: {outcome:?}");
        }
    }

    /// The lie does nothing to anybody.
    pub(crate) fn without_effect(&self) {
        for (situation, outcome) in &self.all {
            let last = self.last;
            assert!(
                matches!(outcome, Outcome::Honest(n) if *n == last),
                "{situation}: {outcome:?}"
            );
        }
    }
}

impl House {
    /// Tells a lie to every device that opens its vault, fetches and checks everything. Whatever it
    /// is, each device must refuse it with a typed error or show an honest state, and must send
    /// nothing that an honest server would not have been sent.
    pub(crate) async fn tell(
        &self,
        lie: impl Fn(&Request, &mut Answer) + Send + Sync + 'static,
    ) -> Outcomes {
        self.evil.lie(lie);
        let outcomes = self.try_all().await;
        self.evil.be_honest();
        outcomes
    }

    /// As [`House::tell`], for whatever lie is set already.
    pub(crate) async fn try_all(&self) -> Outcomes {
        let mut all = Vec::new();
        for (situation, mut device) in self.devices() {
            self.evil.forget();
            let end = tokio::time::timeout(Duration::from_secs(20), self.try_one(&mut device));
            let Ok(outcome) = end.await else { panic!("{situation}: the client never ends") };
            sends_only_questions(situation, &self.evil.traffic());
            all.push((situation, outcome));
        }
        Outcomes { all, last: self.honest_views.len() - 1 }
    }

    /// Opens one device, whatever the server says.
    pub(crate) async fn try_one(&self, device: &mut Device) -> Outcome {
        if let Err(error) = device.open().await {
            return Outcome::Refused(error);
        }
        let seen = match device.try_to_see() {
            Ok(seen) => seen,
            Err(error) => return Outcome::Refused(error),
        };
        let step = self.honest_views.iter().rposition(|view| *view == seen);
        let names: Vec<_> = seen.values().flat_map(|env| env.keys()).collect();
        Outcome::Honest(step.unwrap_or_else(|| panic!("nobody wrote this: {names:?}")))
    }
}

/// Opening and fetching asks; it tells nothing but who asks, and what this computer did before and has
/// not told yet: its signed acts.
fn sends_only_questions(situation: &str, traffic: &[Exchange]) {
    for (exchange, shape) in traffic.iter().zip(shape(traffic)) {
        let request = &exchange.request;
        let signs_in = matches!(request.path.as_str(), "/v1/session/challenge" | "/v1/session");
        let asks = request.method == "GET" && request.body.is_empty();
        let tells = request.is("POST", "/events") && ActPage::decode(&request.body).is_ok();
        assert!(asks || signs_in || tells, "{situation}: {shape}");
        for (name, _) in &request.headers {
            let known =
                ["accept", "authorization", "content-length", "content-type", "host", "user-agent"];
            assert!(known.contains(&name.as_str()), "{situation}: {name}");
        }
    }
    assert!(traffic.len() < 200, "{situation}: {} requests", traffic.len());
}

/// A lie about items.
pub(crate) fn items(
    change: impl Fn(&mut ItemPage) + Send + Sync + 'static,
) -> impl Fn(&Request, &mut Answer) + Send + Sync + 'static {
    move |request, answer| {
        if request.is("GET", "/items") {
            answer.edit_page(&change);
        }
    }
}

/// A lie about commits.
pub(crate) fn commits(
    change: impl Fn(&mut CommitPage) + Send + Sync + 'static,
) -> impl Fn(&Request, &mut Answer) + Send + Sync + 'static {
    move |request, answer| {
        if request.is("GET", "/commits") {
            answer.edit_page(&change);
        }
    }
}

/// A lie about the chain, the wraps and the heads.
pub(crate) fn sync(
    change: impl Fn(&mut SyncAnswer) + Send + Sync + 'static,
) -> impl Fn(&Request, &mut Answer) + Send + Sync + 'static {
    move |request, answer| {
        if request.is("GET", "/sync") {
            answer.edit(&change);
        }
    }
}
