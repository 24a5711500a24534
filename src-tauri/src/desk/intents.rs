//! From what the main window asks for to what a secure window signs. Everything here only names
//! things; whether it is allowed is decided by the chain when the links are made.

use strongroom_core::team::{Intent, NewInvite, NewToken};
use strongroom_format::{
    id::{EnvId, Principal, TokenId, UserId},
    statement::{self, EnvRight, Rights},
};

use crate::{
    error::{Answer, CommandError},
    view::{GrantSpec, Millis, Role, TokenScopeSpec},
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// The longest life of an invite, in days.
const MOST_DAYS: u32 = 90;
/// The longest name of a token, in characters.
const LONGEST_NAME: usize = 64;

/// An invite of `days` days from `now`.
pub fn invite(role: Role, grants: &[GrantSpec], days: u32, now: u64) -> Answer<NewInvite> {
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(CommandError::TooLarge { limit: MOST_DAYS });
    }
    let grants = grants
        .iter()
        .map(|grant| right(&grant.env_id, grant.rights, grant.ends_at))
        .collect::<Answer<Vec<_>>>()?;
    Ok(NewInvite {
        role: role_in(role),
        grants: in_order(grants),
        expires_ms: now + u64::from(days) * DAY_MS,
    })
}

/// A member's new role.
pub fn role(user_id: &str, role: Role) -> Answer<Intent> {
    let user: UserId = user_id.parse()?;
    Ok(Intent::Role { user, role: role_in(role) })
}

/// A new service token.
pub fn token(name: &str, scopes: &[TokenScopeSpec], ends_at: Option<Millis>) -> Answer<Intent> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        let reason = format!("a token is named by 1 to {LONGEST_NAME} characters");
        return Err(CommandError::BadName { reason });
    }
    let not_after = ms(ends_at)?;
    let rights = scopes
        .iter()
        .map(|scope| right(&scope.env_id, scope.rights, ends_at))
        .collect::<Answer<Vec<_>>>()?;
    if rights.is_empty() {
        let missing = "a token needs an environment".to_owned();
        return Err(CommandError::NotReady { missing });
    }
    Ok(Intent::TokenIssue(NewToken { name: name.to_owned(), rights: in_order(rights), not_after }))
}

/// The end of a service token.
pub fn token_end(token_id: &str) -> Answer<Intent> {
    let token: TokenId = token_id.parse()?;
    Ok(Intent::TokenRevoke { token })
}

/// The end of everything that somebody holds: a member is removed, a token revoked.
pub fn offboard(principal_id: &str) -> Answer<Intent> {
    match principal_id.parse()? {
        Principal::User(user) => Ok(Intent::Remove { user }),
        Principal::Token(token) => Ok(Intent::TokenRevoke { token }),
        Principal::Agent(_) => Err(CommandError::NotFound),
    }
}

/// Up to when the audit log may lose its entries; nothing was written before 1970, and nothing of
/// today goes.
pub fn retention(before: Millis, now: Millis) -> Answer<u64> {
    let before = u64::try_from(before).ok().filter(|before| *before > 0);
    let today = u64::try_from(now).unwrap_or(0).saturating_sub(DAY_MS);
    before.filter(|before| *before <= today).ok_or_else(|| CommandError::NotReady {
        missing: "entries of the last day stay, so choose an earlier time".to_owned(),
    })
}

/// Rights of a cell; none at all revokes.
pub(super) fn rights(bits: u8) -> Answer<Rights> {
    let all = [Rights::READ, Rights::WRITE, Rights::GRANT];
    if bits > Rights::ALL.bits() {
        return Err(CommandError::NotAllowed);
    }
    let held = all.into_iter().filter(|right| bits & right.bits() != 0);
    Ok(held.fold(Rights::NONE, Rights::with))
}

/// An end in the window's clock; none never ends.
pub(super) fn ms(ends_at: Option<Millis>) -> Answer<u64> {
    let Some(end) = ends_at else { return Ok(0) };
    u64::try_from(end).ok().filter(|end| *end != 0).ok_or(CommandError::NotAllowed)
}

fn right(env_id: &str, bits: u8, ends_at: Option<Millis>) -> Answer<EnvRight> {
    let env: EnvId = env_id.parse()?;
    let rights = rights(bits)?;
    if rights == Rights::NONE {
        return Err(CommandError::NotAllowed);
    }
    Ok(EnvRight { env, rights, not_after: ms(ends_at)? })
}

/// As statements want them: rising, each environment once; the last of two counts.
fn in_order(rights: Vec<EnvRight>) -> Vec<EnvRight> {
    let by_env: std::collections::BTreeMap<EnvId, EnvRight> =
        rights.into_iter().map(|right| (right.env, right)).collect();
    by_env.into_values().collect()
}

fn role_in(role: Role) -> statement::Role {
    match role {
        Role::Owner => statement::Role::Owner,
        Role::Admin => statement::Role::Admin,
        Role::Member => statement::Role::Member,
        Role::Reviewer => statement::Role::Reviewer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(n: u8) -> String {
        EnvId([n; 16]).to_string()
    }

    #[test]
    fn an_invite_promises_each_environment_once_and_ends() {
        let grants = [(2, 1), (1, 3), (2, 7)].map(|(n, rights)| GrantSpec {
            env_id: env(n),
            rights,
            ends_at: Some(5),
        });
        let new = invite(Role::Member, &grants, 7, 1_000).unwrap();
        assert_eq!(new.expires_ms, 1_000 + 7 * DAY_MS);
        let shown: Vec<_> = new.grants.iter().map(|g| (g.env.0[0], g.rights.bits())).collect();
        assert_eq!(shown, [(1, 3), (2, 7)]);
        assert!(new.grants.iter().all(|grant| grant.not_after == 5));
    }

    #[test]
    fn an_invite_lives_a_day_at_least_and_three_months_at_most() {
        for days in [0, MOST_DAYS + 1] {
            assert!(invite(Role::Member, &[], days, 0).is_err(), "{days}");
        }
    }

    #[test]
    fn rights_that_do_not_exist_are_refused_and_a_promise_of_nothing_is_too() {
        assert_eq!(rights(8), Err(CommandError::NotAllowed));
        assert_eq!(rights(0), Ok(Rights::NONE));
        assert_eq!(rights(5), Ok(Rights::READ.with(Rights::GRANT)));
        let nothing = [GrantSpec { env_id: env(1), rights: 0, ends_at: None }];
        assert!(invite(Role::Member, &nothing, 7, 0).is_err());
    }

    #[test]
    fn a_token_without_a_name_or_a_place_is_not_made() {
        let scope = [TokenScopeSpec { env_id: env(1), rights: 1 }];
        assert!(token("  ", &scope, None).is_err());
        assert!(token("ci", &[], None).is_err());
        assert!(token("ci", &scope, Some(-1)).is_err());
        let Ok(Intent::TokenIssue(new)) = token(" ci ", &scope, Some(9)) else {
            unreachable!("a name, a place and an end make a token")
        };
        assert_eq!((new.name.as_str(), new.not_after, new.rights.len()), ("ci", 9, 1));
    }

    #[test]
    fn the_newest_day_of_the_log_is_never_let_go() {
        let now = 1_763_800_000_000;
        let day = Millis::try_from(DAY_MS).unwrap();
        assert_eq!(retention(now - day, now), Ok(1_763_800_000_000 - DAY_MS));
        for before in [0, -1, Millis::MIN, now - day + 1, now, Millis::MAX] {
            assert!(retention(before, now).is_err(), "{before}");
        }
    }

    #[test]
    fn a_person_is_removed_and_a_token_is_revoked() {
        let user = UserId([1; 16]);
        let token = TokenId([2; 16]);
        assert!(matches!(offboard(&user.to_string()), Ok(Intent::Remove { user: u }) if u == user));
        let ended = offboard(&token.to_string());
        assert!(matches!(ended, Ok(Intent::TokenRevoke { token: t }) if t == token));
        assert!(offboard("somebody").is_err());
    }
}
