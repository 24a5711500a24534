//! The server's only questions about rights, answered by the chain.

use strongroom_chain::OrgState;
use strongroom_chain::org::Invite;
use strongroom_format::id::{EnvId, InviteId, Principal, UserId};
use strongroom_format::statement::{MemberKeys, Rights, Role};

use crate::error::ApiError;

/// A present member, or a token that is neither revoked nor ended. Everybody else learns nothing.
pub(crate) fn require_insider(
    state: &OrgState,
    who: &Principal,
    now_ms: u64,
    members_only: bool,
) -> Result<(), ApiError> {
    if state.signing_key(who, state.seq(), now_ms).is_none() {
        return Err(ApiError::not_found());
    }
    if members_only && !matches!(who, Principal::User(_)) {
        return Err(ApiError::forbidden("members-only", "only members may do this"));
    }
    Ok(())
}

/// Somebody who may hold the data key of `env` right now.
pub(crate) fn require_reader(
    state: &OrgState,
    env: &EnvId,
    who: &Principal,
    now_ms: u64,
) -> Result<(), ApiError> {
    if state.env(env).is_none() {
        return Err(ApiError::not_found());
    }
    if state.rights(env, who, now_ms).includes(Rights::READ) {
        Ok(())
    } else {
        Err(ApiError::forbidden("no-right", "you may not read this environment"))
    }
}

/// An owner or admin.
pub(crate) fn require_manager(
    state: &OrgState,
    who: &Principal,
    now_ms: u64,
) -> Result<(), ApiError> {
    require_insider(state, who, now_ms, true)?;
    let Principal::User(user) = who else { return Err(ApiError::not_found()) };
    if state.role(user).is_some_and(Role::manages) {
        Ok(())
    } else {
        Err(ApiError::forbidden("managers-only", "only an owner or an admin may do this"))
    }
}

/// An invitation that may still be used. `spent` says that it was, for a reset of keys.
pub(crate) fn require_open<'a>(
    state: &'a OrgState,
    invite: &InviteId,
    spent: bool,
    now_ms: u64,
) -> Result<&'a Invite, ApiError> {
    let invite = state.invites().get(invite).ok_or_else(ApiError::not_found)?;
    if spent || invite.used.is_some() {
        return Err(ApiError::forbidden("invite-used", "this invitation was used"));
    }
    if now_ms > invite.expires {
        return Err(ApiError::forbidden("invite-ended", "this invitation has ended"));
    }
    Ok(invite)
}

/// Whether the organisation names exactly these keys as those of a present member.
pub(crate) fn names(state: &OrgState, user: &UserId, keys: &MemberKeys) -> bool {
    let member = state.member(user).filter(|member| member.is_active_at(state.seq()));
    member.and_then(|member| member.keys.at(state.seq())).is_some_and(|(_, now)| now == keys)
}
