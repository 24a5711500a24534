//! What deserves a look: names and words for what the client found.

mod action;
mod words;

use data_encoding::HEXLOWER;
use strongroom_client::vault::{InsightsShown, OpenOrg, Session};
use strongroom_core::insights::{self as core, Finding, Key, Severity, What, Zone};
use strongroom_core::log::index::Names;
use strongroom_format::id::{EnvId, Principal, SecretId, TokenId};

use super::{
    Desk,
    people::{People, place},
    translate,
    vaults::blocking,
};
use crate::{
    error::{Answer, CommandError},
    view::{
        DecoyView, Insight, InsightCharts, InsightDay, InsightKind, InsightSeverity,
        InsightsLooked, InsightsView, Millis, ReaderClock,
    },
};

/// How many names of secrets one finding shows.
const NAMES: usize = 6;

impl Desk {
    /// Everything that deserves a look now.
    pub async fn insights(&self, clock: ReaderClock) -> Answer<InsightsView> {
        let (session, now) = (self.session()?, self.now());
        self.open_log().await?;
        blocking(move || {
            let shown = session.insights(now, zone(clock))?;
            view(&session, &shown, now)
        })
        .await
    }

    /// Dismisses a finding until a time, or shows it again.
    pub async fn dismiss_insight(&self, id: &str, until: Millis, clock: ReaderClock) -> Answer<()> {
        let key = key(id).ok_or(CommandError::NotFound)?;
        let (session, now) = (self.session()?, self.now());
        let until = u64::try_from(until).unwrap_or(0);
        self.open_log().await?;
        blocking(move || Ok(session.dismiss_insight(key, until, now, zone(clock))?)).await
    }

    /// Marks a secret as a decoy on this computer, or ends that.
    pub async fn set_decoy(&self, env_id: &str, secret_id: &str, on: bool) -> Answer<()> {
        let (env, secret): (EnvId, SecretId) = (env_id.parse()?, secret_id.parse()?);
        let session = self.session()?;
        blocking(move || Ok(session.set_decoy(env, secret, on)?)).await
    }

    /// Whether a secret is a decoy on this computer.
    pub async fn decoy_view(&self, env_id: &str, secret_id: &str) -> Answer<DecoyView> {
        let (env, secret): (EnvId, SecretId) = (env_id.parse()?, secret_id.parse()?);
        let session = self.session()?;
        blocking(move || {
            let since = session.decoys()?.get(&(env, secret)).copied().map(translate::millis);
            Ok(DecoyView { since, told: session.log_standing()?.readable })
        })
        .await
    }
}

fn zone(clock: ReaderClock) -> Zone {
    Zone::minutes(clock.utc_offset)
}

fn key(id: &str) -> Option<Key> {
    let bytes = HEXLOWER.decode(id.as_bytes()).ok()?;
    Some(Key(bytes.try_into().ok()?))
}

fn view(session: &Session, shown: &InsightsShown, now: u64) -> Answer<InsightsView> {
    let core::Insights { findings, dismissed, charts, looked } = &shown.insights;
    let day = |day: &core::Day| InsightDay {
        day: translate::millis(day.from_ms),
        uses: day.uses,
        refused: day.refused,
    };
    let mut names = Named { session, people: People::seen_by(session) };
    Ok(InsightsView {
        at: translate::millis(now),
        complete: shown.log_read,
        readable: shown.log_readable,
        findings: names.all(findings, now)?,
        dismissed: names.all(dismissed, now)?,
        looked: InsightsLooked {
            entries: translate::count(looked.entries),
            doubtful: translate::count(looked.doubtful),
            from: looked.from_ms.map(translate::millis),
            secrets: translate::count(looked.secrets),
            holders: translate::count(looked.holders),
            tokens: translate::count(looked.tokens),
            unseen: translate::count(looked.unseen),
        },
        charts: InsightCharts {
            days: charts.days.iter().map(day).collect(),
            hours: charts.hours.iter().map(|day| day.to_vec()).collect(),
        },
    })
}

/// Names for findings.
struct Named<'a> {
    session: &'a Session,
    people: People,
}

impl Named<'_> {
    fn all(&mut self, findings: &[Finding], now: u64) -> Answer<Vec<Insight>> {
        findings.iter().map(|finding| self.one(finding, now)).collect()
    }

    fn one(&mut self, finding: &Finding, now: u64) -> Answer<Insight> {
        let Subject { who, envs, secrets } = subject(&finding.what);
        let known = secrets.iter().take(NAMES);
        let remembered = self.session.with_log(|log| {
            let name = |(env, secret): &(EnvId, SecretId)| log.names.secret(env, secret);
            known.clone().map(name).collect::<Vec<_>>()
        })?;
        let mut remembered = remembered.unwrap_or_default().into_iter();
        let people = &mut self.people;
        let (who, places, names) = self.session.with(|org| {
            let names = known.map(|(env, secret)| {
                let named = remembered.next().flatten();
                named.or_else(|| label(org, *env, *secret)).unwrap_or_else(|| short(secret))
            });
            let names: Vec<String> = names.collect();
            let places: Vec<String> = envs.iter().map(|env| place(env, org).text).collect();
            Ok((who.map(|who| people.principal(&who, org)), places, names))
        })?;
        Ok(Insight {
            id: HEXLOWER.encode(&finding.key.0),
            kind: kind(&finding.what),
            severity: severity(finding.severity),
            title: words::title(&finding.what, now),
            detail: words::detail(&finding.what, &places, now),
            who,
            place: if let [place] = &places[..] { Some(place.clone()) } else { None },
            more: translate::count(secrets.len() - names.len()),
            names,
            address: address(&finding.what).map(words::plain),
            at: Some(translate::millis(finding.at_ms())),
            action: action::of(&finding.what),
        })
    }
}

/// What a finding is about, to be named.
struct Subject {
    who: Option<Principal>,
    envs: Vec<EnvId>,
    secrets: Vec<(EnvId, SecretId)>,
}

fn subject(what: &What) -> Subject {
    let token = |token: &TokenId| Some(Principal::Token(*token));
    let several = |env: &EnvId, secrets: &[SecretId]| {
        secrets.iter().map(|secret| (*env, *secret)).collect::<Vec<_>>()
    };
    let (who, envs, secrets) = match what {
        What::Unused { env, secrets, .. }
        | What::Stale { env, secrets, .. }
        | What::NeverRotated { env, secrets, .. } => (None, vec![*env], several(env, secrets)),
        What::FirstReader { who, env, secrets, .. } => {
            (Some(*who), vec![*env], several(env, secrets))
        }
        What::DecoyTouched { who, env, secret, .. } => {
            (Some(*who), vec![*env], vec![(*env, *secret)])
        }
        What::OverGranted { who, envs, .. } | What::MassReveal { who, envs, .. } => {
            (Some(*who), envs.clone(), Vec::new())
        }
        What::OffHours { who, .. } => (Some(*who), Vec::new(), Vec::new()),
        What::LeaverQueue(queue) => (Some(queue.who), Vec::new(), Vec::new()),
        What::Expiring { token: id, .. } | What::Ended { token: id, .. } => {
            (token(id), Vec::new(), Vec::new())
        }
        What::RefusedByAddress { .. } => (None, Vec::new(), Vec::new()),
    };
    Subject { who, envs, secrets }
}

fn address(what: &What) -> Option<&str> {
    match what {
        What::RefusedByAddress { address, .. } | What::Ended { address, .. } => Some(address),
        _ => None,
    }
}

/// The name of a secret where it opens, or by its label in the directory.
fn label(org: &mut OpenOrg, env: EnvId, secret: SecretId) -> Option<String> {
    let listed = org.list(env).ok().and_then(|list| Some(list.lookup(&secret)?.name.clone()));
    let label = || org.replica().directory_name(secret).map(|named| named.name.clone());
    listed.or_else(label).filter(|name| !name.is_empty())
}

fn short(secret: &SecretId) -> String {
    secret.to_string().chars().take(12).collect()
}

fn kind(what: &What) -> InsightKind {
    match what {
        What::Unused { .. } => InsightKind::Unused,
        What::Stale { .. } => InsightKind::Stale,
        What::NeverRotated { .. } => InsightKind::NeverRotated,
        What::OverGranted { .. } => InsightKind::OverGranted,
        What::Expiring { .. } | What::Ended { .. } => InsightKind::Expiring,
        What::FirstReader { .. } => InsightKind::FirstReader,
        What::OffHours { .. } => InsightKind::OffHours,
        What::MassReveal { .. } => InsightKind::MassReveal,
        What::RefusedByAddress { .. } => InsightKind::RefusedByAddress,
        What::DecoyTouched { .. } => InsightKind::DecoyTouched,
        What::LeaverQueue(_) => InsightKind::LeaverQueue,
    }
}

fn severity(severity: Severity) -> InsightSeverity {
    match severity {
        Severity::Act => InsightSeverity::Act,
        Severity::Look => InsightSeverity::Look,
        Severity::Know => InsightSeverity::Know,
    }
}
