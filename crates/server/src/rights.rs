//! The server's only questions about rights, answered by the chain.

use strongroom_chain::OrgState;
use strongroom_format::id::{EnvId, Principal};
use strongroom_format::statement::Rights;

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
