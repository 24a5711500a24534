//! Service tokens: what each may do, when it was last seen, and what about it should be looked at.

use std::collections::BTreeSet;

use strongroom_client::vault::{OpenOrg, Session};
use strongroom_core::log::Facts;
use strongroom_format::{
    id::{Principal, TokenId},
    statement::Rights,
};

use super::{
    Desk,
    people::{People, place},
    translate,
};
use crate::{
    error::Answer,
    view::{EnvClass, TokenFinding, TokenRow, TokenScope, TokensView},
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// A token that ends within this time is about to fail somebody's build.
const ENDS_SOON_MS: u64 = 14 * DAY_MS;
/// A token that nobody used for this long is likely forgotten.
const STALE_MS: u64 = 30 * DAY_MS;
/// How long a new token may take until its first use.
const FIRST_USE_MS: u64 = 7 * DAY_MS;
/// A job rarely needs more environments than this.
const BROAD: usize = 3;

impl Desk {
    /// All service tokens of the organisation.
    pub async fn tokens(&self) -> Answer<TokensView> {
        let now = self.now();
        self.look_with_log(move |session, org, facts| Ok(tokens_view(session, org, facts, now)))
            .await
    }
}

fn tokens_view(
    session: &Session,
    org: &mut OpenOrg,
    facts: Option<&Facts>,
    now: u64,
) -> TokensView {
    let state = org.replica().state();
    let time = now.max(state.time_ms());
    let can_manage =
        state.role(&session.user()).is_some_and(strongroom_format::statement::Role::manages);
    let ids: Vec<TokenId> = state.tokens().keys().copied().collect();
    let mut people = People::seen_by(session);
    let mut rows: Vec<(bool, TokenRow)> =
        ids.into_iter().filter_map(|id| token_row(&id, org, &mut people, facts, time)).collect();
    rows.sort_by_cached_key(|(_, row)| (row.name.to_lowercase(), row.link));
    let (living, ended): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(lives, _)| *lives);
    let plain = |rows: Vec<(bool, TokenRow)>| rows.into_iter().map(|(_, row)| row).collect();
    TokensView { living: plain(living), ended: plain(ended), can_manage }
}

/// One token, and whether it still works.
fn token_row(
    id: &TokenId,
    org: &mut OpenOrg,
    people: &mut People,
    facts: Option<&Facts>,
    time: u64,
) -> Option<(bool, TokenRow)> {
    let who = Principal::Token(*id);
    let state = org.replica().state();
    let token = state.token(id)?;
    let (issued, not_after, revoked) = (token.issued, token.not_after, token.revoked);
    let issued_ms = state.time_at(issued).unwrap_or(0);
    let revoked_ms = revoked.and_then(|link| state.time_at(link));
    let lives = revoked.is_none() && (not_after == 0 || not_after > time);
    let scopes = scopes(&who, lives, issued, org);
    let seen = facts.and_then(|facts| facts.of(&who)?.last.as_ref());
    let known = Known {
        issued_ms,
        not_after,
        last_use_ms: seen.map(|seen| seen.at_ms),
        log_read: facts.is_some(),
        environments: scopes.len(),
        broad: reaches_production_of_several(&scopes),
    };
    let named = people.principal(&who, org);
    let row = TokenRow {
        id: id.to_string(),
        name: named.name,
        ends_at: Some(not_after).filter(|end| *end != 0).map(translate::millis),
        revoked_at: revoked_ms.map(translate::millis),
        issued_by: people.of_link(issued, org),
        issued_at: translate::millis(issued_ms),
        link: translate::count(issued),
        last_use: seen.map(|seen| translate::millis(seen.at_ms)),
        from: seen.map(|seen| seen.peer.clone()),
        findings: if lives { findings(&known, time) } else { Vec::new() },
        scopes: scopes.into_iter().map(|scope| scope.view).collect(),
    };
    Some((lives, row))
}

struct Scope {
    view: TokenScope,
    class: EnvClass,
    app: [u8; 16],
}

/// What a token may do now, or for one that ended, what it came with.
fn scopes(who: &Principal, lives: bool, issued: u64, org: &mut OpenOrg) -> Vec<Scope> {
    let state = org.replica().state();
    let seq = if lives { state.seq() } else { issued };
    let granted: Vec<_> = state
        .envs()
        .iter()
        .filter_map(|(env, e)| {
            let (_, grant) = e.grants.get(who)?.at(seq)?;
            (grant.rights != Rights::NONE).then_some((*env, e.place, grant.rights))
        })
        .collect();
    granted
        .into_iter()
        .map(|(env, app, rights)| {
            let place = place(&env, org);
            let view =
                TokenScope { env_id: env.to_string(), place: place.text, rights: rights.bits() };
            Scope { view, class: place.class, app }
        })
        .collect()
}

/// Several applications, and something real among them.
fn reaches_production_of_several(scopes: &[Scope]) -> bool {
    let apps: BTreeSet<_> = scopes.iter().map(|scope| scope.app).collect();
    apps.len() > 1 && scopes.iter().any(|scope| scope.class == EnvClass::Production)
}

/// What findings are made from.
#[derive(Debug, Clone, Copy)]
struct Known {
    issued_ms: u64,
    not_after: u64,
    last_use_ms: Option<u64>,
    log_read: bool,
    environments: usize,
    broad: bool,
}

fn findings(known: &Known, time: u64) -> Vec<TokenFinding> {
    let mut found = Vec::new();
    if known.not_after == 0 {
        found.push(TokenFinding::NeverEnds);
    } else if known.not_after.saturating_sub(time) < ENDS_SOON_MS {
        found.push(TokenFinding::EndsSoon);
    }
    match known.last_use_ms {
        Some(used) if time.saturating_sub(used) > STALE_MS => found.push(TokenFinding::Stale),
        None if known.log_read && time.saturating_sub(known.issued_ms) > FIRST_USE_MS => {
            found.push(TokenFinding::NeverUsed);
        }
        _ => {}
    }
    if known.broad || known.environments > BROAD {
        found.push(TokenFinding::Broad);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000 * DAY_MS;

    fn quiet() -> Known {
        Known {
            issued_ms: NOW - 100 * DAY_MS,
            not_after: NOW + 60 * DAY_MS,
            last_use_ms: Some(NOW - DAY_MS),
            log_read: true,
            environments: 1,
            broad: false,
        }
    }

    #[test]
    fn a_token_that_is_used_and_ends_has_no_findings() {
        assert_eq!(findings(&quiet(), NOW), []);
    }

    #[test]
    fn each_finding_has_its_own_cause() {
        let cases = [
            (Known { not_after: 0, ..quiet() }, TokenFinding::NeverEnds),
            (Known { not_after: NOW + 13 * DAY_MS, ..quiet() }, TokenFinding::EndsSoon),
            (Known { last_use_ms: Some(NOW - 31 * DAY_MS), ..quiet() }, TokenFinding::Stale),
            (Known { last_use_ms: None, ..quiet() }, TokenFinding::NeverUsed),
            (Known { environments: 4, ..quiet() }, TokenFinding::Broad),
            (Known { broad: true, ..quiet() }, TokenFinding::Broad),
        ];
        for (known, finding) in cases {
            assert_eq!(findings(&known, NOW), [finding], "{known:?}");
        }
    }

    #[test]
    fn nobody_is_called_unused_by_a_computer_that_has_not_read_the_log() {
        let known = Known { last_use_ms: None, log_read: false, ..quiet() };
        assert_eq!(findings(&known, NOW), []);
    }

    #[test]
    fn a_token_of_yesterday_may_still_wait_for_its_first_use() {
        let known = Known { issued_ms: NOW - DAY_MS, last_use_ms: None, ..quiet() };
        assert_eq!(findings(&known, NOW), []);
    }
}
