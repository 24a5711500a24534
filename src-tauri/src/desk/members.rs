//! Members and invites: whose keys are checked, who waits, and for what.

use strongroom_client::vault::{self as client, InviteInfo, MemberInfo, OpenOrg, Session};
use strongroom_core::{log::Facts, team::Intent};
use strongroom_format::{
    id::{InviteId, Principal, UserId},
    statement::{EnvRight, Rights, Role},
};

use super::{
    Desk, offboard,
    people::{People, place},
    translate,
};
use crate::{
    error::Answer,
    view::{
        InviteRow, InviteState, KeyResetView, LeftRow, MemberRow, MembersView, PendingAction,
        PendingKind, PendingRow, Trust,
    },
};

impl Desk {
    /// The members page.
    pub async fn members(&self) -> Answer<MembersView> {
        let now = self.now();
        self.work(move |session, facts| {
            let log_read = session.facts(|_| ())?.is_some();
            let (members, invites) = (session.members()?, session.invites()?);
            let mut view = session.with(|org| {
                let names = &mut Names { people: People::seen_by(session), org };
                Ok(members_view(session, names, &members, &invites, now))
            })?;
            if log_read {
                for (row, member) in view.people.iter_mut().zip(living(&members)) {
                    add_facts(row, &member.user, facts);
                }
            }
            for (row, member) in view.left.iter_mut().zip(gone(&members)) {
                let info = session.offboard_view(Principal::User(member.user)).ok();
                row.offboard = info.map(|info| offboard::state(info.state));
            }
            Ok(view)
        })
        .await
    }

    /// New keys for a member who lost theirs, for the sign window.
    pub async fn reset_intent(&self, invite_id: &str, user_id: &str) -> Answer<Intent> {
        let (invite, user): (InviteId, UserId) = (invite_id.parse()?, user_id.parse()?);
        self.work(move |session, _| Ok(Intent::Reset(session.reset_of(invite, user)?))).await
    }

    /// Forgets the code of an invite: this computer does not finish the join any more.
    pub async fn invite_forget(&self, id: &str) -> Answer<()> {
        let invite: InviteId = id.parse()?;
        self.work(move |session, _| Ok(session.invite_forget(invite)?)).await
    }

    /// Remembers that replaced keys were seen.
    pub async fn reset_acknowledge(&self, user_id: &str) -> Answer<()> {
        let user: UserId = user_id.parse()?;
        self.work(move |session, _| Ok(session.acknowledge_reset(user)?)).await
    }
}

/// How much waits for somebody.
pub(super) fn waiting(session: &Session, now: u64) -> Answer<usize> {
    let (members, invites) = (session.members()?, session.invites()?);
    Ok(session.with(|org| {
        let names = &mut Names { people: People::seen_by(session), org };
        Ok(pending(names, &members, &invites, now).len())
    })?)
}

pub(super) fn trust(trust: client::Trust) -> Trust {
    match trust {
        client::Trust::You => Trust::You,
        client::Trust::Code => Trust::Code,
        client::Trust::Words => Trust::Words,
        client::Trust::Unverified => Trust::Unverified,
    }
}

/// The organisation, and the names of people in it.
struct Names<'a> {
    people: People,
    org: &'a mut OpenOrg,
}

impl Names<'_> {
    fn of(&mut self, user: &UserId) -> crate::view::PersonView {
        self.people.of(user, self.org)
    }

    fn of_link(&mut self, link: u64) -> crate::view::PersonView {
        self.people.of_link(link, self.org)
    }

    fn time(&mut self, link: u64) -> crate::view::Millis {
        translate::millis(self.org.replica().state().time_at(link).unwrap_or(0))
    }

    fn places(&mut self, envs: &[strongroom_format::id::EnvId]) -> Vec<String> {
        envs.iter().map(|env| place(env, self.org).text).collect()
    }

    fn grant(&mut self, right: &EnvRight) -> String {
        format!("{}: {}", place(&right.env, self.org).text, words(right.rights))
    }
}

fn living(members: &[MemberInfo]) -> impl Iterator<Item = &MemberInfo> {
    members.iter().filter(|member| member.removed.is_none())
}

/// Whoever left, the last one first.
fn gone(members: &[MemberInfo]) -> Vec<&MemberInfo> {
    let mut gone: Vec<_> = members.iter().filter(|member| member.removed.is_some()).collect();
    gone.sort_by_key(|member| std::cmp::Reverse(member.removed));
    gone
}

fn members_view(
    session: &Session,
    names: &mut Names<'_>,
    members: &[MemberInfo],
    invites: &[InviteInfo],
    now: u64,
) -> MembersView {
    let state = names.org.replica().state();
    let role = state.role(&session.user());
    let grants_to_unverified = state.policy().grants_to_unverified;
    let now = now.max(state.time_ms());
    let left = gone(members).into_iter().filter_map(|member| left_row(names, member)).collect();
    MembersView {
        can_manage: role.is_some_and(Role::manages),
        can_own: role == Some(Role::Owner),
        people: living(members).map(|member| member_row(names, member)).collect(),
        invites: invites.iter().map(|invite| invite_row(names, invite, now)).collect(),
        left,
        pending: pending(names, members, invites, now),
        grants_to_unverified,
    }
}

fn member_row(names: &mut Names<'_>, member: &MemberInfo) -> MemberRow {
    MemberRow {
        person: names.of(&member.user),
        role: translate::role(member.role.unwrap_or(Role::Member)),
        trust: trust(member.trust),
        fingerprint: member.fingerprint.clone(),
        environments: translate::count(member.holds.len()),
        last_seen: None,
        devices: None,
        joined_at: names.time(member.added),
        joined_link: translate::count(member.added),
        reset: member.reset.map(|link| KeyResetView {
            link: translate::count(link),
            at: names.time(link),
            by: names.of_link(link),
        }),
        waits_for_keys: names.places(&member.waits_for),
    }
}

/// What only the audit log knows.
fn add_facts(row: &mut MemberRow, user: &UserId, facts: &Facts) {
    let known = facts.of(&Principal::User(*user));
    let seen = known.and_then(|known| known.last.as_ref());
    row.last_seen = seen.map(|seen| translate::millis(seen.at_ms));
    // Only whoever signed acts did so on a device that the log names.
    let devices = known.map_or(0, |known| known.devices.len());
    row.devices = Some(devices).filter(|n| *n > 0).map(translate::count);
}

fn left_row(names: &mut Names<'_>, member: &MemberInfo) -> Option<LeftRow> {
    let link = member.removed?;
    Some(LeftRow {
        person: names.of(&member.user),
        at: names.time(link),
        link: translate::count(link),
        by: names.of_link(link),
        offboard: None,
    })
}

fn invite_row(names: &mut Names<'_>, invite: &InviteInfo, now: u64) -> InviteRow {
    InviteRow {
        id: invite.invite.to_string(),
        label: invite.label.clone(),
        role: translate::role(invite.role),
        grants: invite.grants.iter().map(|right| names.grant(right)).collect(),
        made_by: names.of_link(invite.link),
        made_at: names.time(invite.link),
        link: translate::count(invite.link),
        expires: translate::millis(invite.expires),
        state: invite_state(invite, now),
        code_here: invite.code_here,
        resets: invite.resets.map(|user| names.of(&user)),
    }
}

fn invite_state(invite: &InviteInfo, now: u64) -> InviteState {
    match (invite.used, invite.expires <= now, invite.asked.is_empty()) {
        (Some(_), _, _) => InviteState::Used,
        (None, true, _) => InviteState::Ended,
        (None, false, false) => InviteState::Asked,
        (None, false, true) => InviteState::Open,
    }
}

/// Everything that waits, for whom and why.
fn pending(
    names: &mut Names<'_>,
    members: &[MemberInfo],
    invites: &[InviteInfo],
    now: u64,
) -> Vec<PendingRow> {
    let mut rows = Vec::new();
    for invite in invites.iter().filter(|i| invite_state(i, now) == InviteState::Asked) {
        for join in &invite.asked {
            rows.push(if join.request.reset {
                reset_row(names, invite, &join.request.user_id)
            } else {
                join_row(invite)
            });
        }
    }
    for member in living(members) {
        if !member.waits_for.is_empty() {
            rows.push(keys_row(names, member));
        }
        if member.reset.is_some() {
            rows.push(confirm_row(names, member));
        }
    }
    rows
}

fn join_row(invite: &InviteInfo) -> PendingRow {
    let subject = match invite.label.as_str() {
        "" => "Somebody".to_owned(),
        label => label.to_owned(),
    };
    let (why, action) = if invite.code_here {
        let why = "Asks to join. This computer holds the code and finishes the join by itself.";
        (why, PendingAction::Finish)
    } else {
        let why = "Asks to join. The computer that holds the code has to be online, or you paste \
                   the code here.";
        (why, PendingAction::TakeCode)
    };
    PendingRow {
        kind: PendingKind::Join,
        subject,
        why: why.to_owned(),
        invite_id: Some(invite.invite.to_string()),
        user_id: None,
        action: Some(action),
    }
}

fn reset_row(names: &mut Names<'_>, invite: &InviteInfo, user: &UserId) -> PendingRow {
    let (why, action) = if invite.code_here {
        ("Lost all keys and asks for new ones. You sign the replacement.", PendingAction::SignReset)
    } else {
        let why = "Lost all keys and asks for new ones. Whoever holds the code signs the \
                   replacement, or you paste the code here.";
        (why, PendingAction::TakeCode)
    };
    PendingRow {
        kind: PendingKind::Reset,
        subject: names.of(user).name,
        why: why.to_owned(),
        invite_id: Some(invite.invite.to_string()),
        user_id: Some(user.to_string()),
        action: Some(action),
    }
}

fn keys_row(names: &mut Names<'_>, member: &MemberInfo) -> PendingRow {
    let places = names.places(&member.waits_for).join(", ");
    PendingRow {
        kind: PendingKind::Keys,
        subject: names.of(&member.user).name,
        why: format!(
            "May read {places} and waits for the data key: somebody who holds it has to be online."
        ),
        invite_id: None,
        user_id: Some(member.user.to_string()),
        action: None,
    }
}

fn confirm_row(names: &mut Names<'_>, member: &MemberInfo) -> PendingRow {
    PendingRow {
        kind: PendingKind::Confirm,
        subject: names.of(&member.user).name,
        why: "Has new keys that an admin signed. Compare words before you trust them.".to_owned(),
        invite_id: None,
        user_id: Some(member.user.to_string()),
        action: None,
    }
}

/// `read`, `read and write` or `read, write and grant`.
fn words(rights: Rights) -> String {
    let all = [(Rights::READ, "read"), (Rights::WRITE, "write"), (Rights::GRANT, "grant")];
    let held: Vec<&str> =
        all.iter().filter(|(right, _)| rights.includes(*right)).map(|(_, word)| *word).collect();
    match held.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000;

    fn open() -> InviteInfo {
        InviteInfo {
            invite: InviteId([1; 16]),
            label: "Kit".to_owned(),
            role: Role::Member,
            grants: Vec::new(),
            link: 3,
            expires: NOW + 1,
            used: None,
            code_here: true,
            resets: None,
            asked: Vec::new(),
        }
    }

    #[test]
    fn an_invite_is_used_before_it_is_ended_and_ended_before_it_is_asked() {
        assert_eq!(invite_state(&open(), NOW), InviteState::Open);
        assert_eq!(invite_state(&open(), NOW + 1), InviteState::Ended);
        let used = InviteInfo { used: Some(4), ..open() };
        assert_eq!(invite_state(&used, NOW + 1), InviteState::Used);
    }

    #[test]
    fn whoever_holds_the_code_finishes_and_others_are_told_how() {
        assert_eq!(join_row(&open()).action, Some(PendingAction::Finish));
        let elsewhere = InviteInfo { code_here: false, label: String::new(), ..open() };
        let row = join_row(&elsewhere);
        assert_eq!((row.action, row.subject.as_str()), (Some(PendingAction::TakeCode), "Somebody"));
    }

    #[test]
    fn rights_are_words_that_read_aloud() {
        assert_eq!(words(Rights::READ), "read");
        assert_eq!(words(Rights::READ.with(Rights::WRITE)), "read and write");
        assert_eq!(words(Rights::ALL), "read, write and grant");
    }
}
