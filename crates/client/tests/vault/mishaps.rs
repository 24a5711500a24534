//! What goes wrong in a team without anybody meaning it: codes too late, clocks that are wrong, two
//! admins at once, people removed while away, programs that end in the middle. Each is answered in
//! words, and nothing is lost.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use strongroom_client::vault::{Note, Session, VaultError};
use strongroom_core::team::{Intent, NewInvite, NewToken};
use strongroom_format::id::EnvId;
use strongroom_format::statement::{EnvRight, Rights, Role};

use crate::team::{Team, WEEK, can_read, grant, invite, now, sign, team};
use crate::{stage_new, value_of};

const HOUR: u64 = 60 * 60 * 1000;
const YEAR: i64 = 365 * 24 * 60 * 60 * 1000;

fn refused<T: std::fmt::Debug>(result: Result<T, VaultError>) -> VaultError {
    result.expect_err("this must not happen silently")
}

fn both() -> Rights {
    Rights::READ.with(Rights::WRITE)
}

/// Lets somebody in, with a computer of their own.
async fn let_in(team: &Team, name: &str, role: Role, grants: Vec<EnvRight>) -> Arc<Session> {
    let (_, shown) = invite(&team.mara, role, grants).await;
    let joined = team.world.join(&shown.code, name, None).await.unwrap();
    team.mara.follow_up().await.unwrap();
    joined.follow_up().await.unwrap();
    team.mara.follow_up().await.unwrap();
    joined
}

fn right(env: EnvId, rights: Rights) -> EnvRight {
    EnvRight { env, rights, not_after: 0 }
}

fn rights_of(session: &Session, of: &Session, env: EnvId) -> Rights {
    let who = of.user().into();
    session
        .with(|org| {
            let state = org.replica().state();
            Ok(state.rights(&env, &who, state.time_ms()))
        })
        .unwrap()
}

fn epochs(session: &Session, env: EnvId) -> usize {
    session.with(|org| Ok(org.replica().state().env(&env).unwrap().epochs.len())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_whose_time_is_over_is_told_apart_and_a_new_one_works() {
    let team = team().await;
    let (_, shown) = invite(&team.mara, Role::Member, Vec::new()).await;
    let early = team.world.join(&shown.code, "Early", None).await.unwrap();
    let eight_days = 8 * 24 * 60 * 60 * 1000;
    for machine in ["server", "first", "Early", "Late"] {
        team.world.clock(machine).set(eight_days);
    }
    let late = refused(team.world.join(&shown.code, "Late", None).await);
    assert!(matches!(late, VaultError::EndedCode), "{late:?}");

    // Whoever asked in time and was not let in before the end hears it too.
    team.mara.follow_up().await.unwrap();
    assert_eq!(team.mara.members().unwrap().len(), 2);
    let waited = refused(early.follow_up().await);
    assert!(matches!(waited, VaultError::EndedCode), "{waited:?}");
    assert!(early.waiting().unwrap().is_some(), "nothing is thrown away");

    let new = NewInvite { role: Role::Member, grants: Vec::new(), expires_ms: now() + 2 * WEEK };
    sign(&team.mara, Intent::Invite(new)).await.unwrap();
    let id = team.mara.invites().unwrap()[0].invite;
    let again = team.mara.invite_code(id).unwrap();
    let late = team.world.join(&again.code, "Late", None).await.unwrap();
    team.mara.follow_up().await.unwrap();
    late.follow_up().await.unwrap();
    assert!(late.waiting().unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_second_with_a_code_is_told_and_does_not_wait_for_ever() {
    let team = team().await;
    let (_, shown) = invite(&team.mara, Role::Member, Vec::new()).await;
    let one = team.world.join(&shown.code, "One", None).await.unwrap();
    let other = team.world.join(&shown.code, "Other", None).await.unwrap();
    team.mara.follow_up().await.unwrap();
    assert_eq!(team.mara.members().unwrap().len(), 3, "one code lets one person in");
    let (one, other) = (one.follow_up().await, other.follow_up().await);
    let told = match (one, other) {
        (Ok(()), Err(error)) | (Err(error), Ok(())) => error,
        both => panic!("{both:?}"),
    };
    assert!(matches!(told, VaultError::UsedCode), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_removed_while_away_is_told_and_keeps_what_it_staged() {
    let Team { world, mara, teo, env } = team().await;
    stage_new(&teo, env, "DRAFTED", "mine");
    let signed = sign(&mara, Intent::Remove { user: teo.user() }).await.unwrap();
    for done in mara.rotate(&signed.due).await.unwrap() {
        done.result.unwrap();
    }
    let synced = refused(teo.sync().await);
    assert!(matches!(synced, VaultError::ShutOut), "{synced:?}");
    let committed = refused(teo.commit_staged(env).await);
    assert!(matches!(committed, VaultError::ShutOut), "{committed:?}");
    assert!(!can_read(&mara, env, "DRAFTED"), "nothing of it was written");

    let teo = world.reopen(teo, "Teo Varga").await;
    assert_eq!(teo.staged_total(), 1);
    assert_eq!(value_of(&teo, env, "DRAFTED"), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_and_a_revocation_of_one_cell_at_once_have_one_outcome_that_both_know() {
    let team = team().await;
    let Team { world: _, mara, teo, env } = &team;
    sign(mara, Intent::Role { user: teo.user(), role: Role::Admin }).await.unwrap();
    let ada = let_in(&team, "Ada Quill", Role::Member, vec![right(*env, Rights::READ)]).await;
    teo.follow_up().await.unwrap();

    let take = Intent::Access(vec![grant(*env, ada.user(), Rights::NONE)]);
    let give = Intent::Access(vec![grant(*env, ada.user(), both())]);
    let taking = mara.propose(take, Note::default()).await.unwrap();
    let giving = teo.propose(give, Note::default()).await.unwrap();
    let taken = mara.sign(taking).await.unwrap();
    assert_eq!(taken.due, [*env]);
    // Teo was shown that somebody who reads may now write, not that somebody without a right gets
    // one: so it is not signed.
    let error = refused(teo.sign(giving).await);
    assert!(matches!(error, VaultError::SummaryChanged), "{error:?}");
    for session in [mara, teo] {
        session.sync().await.unwrap();
        assert_eq!(rights_of(session, &ada, *env), Rights::NONE);
    }
    // Read anew, it can be signed.
    let give = Intent::Access(vec![grant(*env, ada.user(), both())]);
    sign(teo, give).await.unwrap();
    mara.sync().await.unwrap();
    assert_eq!(rights_of(mara, &ada, *env), both());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_joins_while_the_names_wait_for_a_new_key_is_named_afterwards() {
    let team = team().await;
    let Team { world, mara, teo, env: _ } = &team;
    let (_, shown) = invite(mara, Role::Member, Vec::new()).await;
    let due = sign(mara, Intent::Remove { user: teo.user() }).await.unwrap().due;
    let ada = world.join(&shown.code, "Ada Quill", None).await.unwrap();
    mara.follow_up().await.unwrap();
    ada.follow_up().await.unwrap();
    assert!(ada.waiting().unwrap().is_none());
    for done in mara.rotate(&due).await.unwrap() {
        done.result.unwrap();
    }
    let ada = world.reopen(ada, "Ada Quill").await;
    ada.follow_up().await.unwrap();
    ada.follow_up().await.unwrap();
    mara.follow_up().await.unwrap();
    let named = mara.with(|org| Ok(org.person(&ada.user()))).unwrap();
    assert_eq!(named, "Ada Quill");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_take_a_key_from_others_at_once_do_not_leave_one_holder_unseen() {
    let team = team().await;
    let Team { world: _, mara, teo, env } = &team;
    sign(mara, Intent::Role { user: teo.user(), role: Role::Admin }).await.unwrap();
    let ada = let_in(&team, "Ada Quill", Role::Member, vec![right(*env, both())]).await;
    teo.follow_up().await.unwrap();

    let without_ada = Intent::Access(vec![grant(*env, ada.user(), Rights::NONE)]);
    let without_me = Intent::Access(vec![grant(*env, teo.user(), Rights::NONE)]);
    let one = mara.propose(without_ada, Note::default()).await.unwrap();
    let other = teo.propose(without_me.clone(), Note::default()).await.unwrap();
    assert_eq!((&one.check, &other.check), (&None, &None), "each alone leaves two");
    mara.sign(one).await.unwrap();
    let error = refused(teo.sign(other).await);
    assert!(matches!(error, VaultError::SummaryChanged), "{error:?}");
    let again = teo.propose(without_me, Note::default()).await.unwrap();
    assert!(again.check.is_some(), "fewer than two would be left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_two_admins_change_at_once_is_changed_once() {
    let team = team().await;
    let Team { world: _, mara, teo, env: _ } = &team;
    sign(mara, Intent::Role { user: teo.user(), role: Role::Owner }).await.unwrap();
    let ada = let_in(&team, "Ada Quill", Role::Member, Vec::new()).await;
    teo.follow_up().await.unwrap();

    let role = |role| Intent::Role { user: ada.user(), role };
    let up = teo.propose(role(Role::Admin), Note::default()).await.unwrap();
    let down = mara.propose(role(Role::Reviewer), Note::default()).await.unwrap();
    mara.sign(down).await.unwrap();
    let error = refused(teo.sign(up).await);
    assert!(matches!(error, VaultError::SummaryChanged), "{error:?}");
    teo.sync().await.unwrap();
    let seen = teo.members().unwrap().into_iter().find(|m| m.user == ada.user()).unwrap();
    assert_eq!(seen.role, Some(Role::Reviewer));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_admins_who_replace_one_key_at_once_replace_it_once() {
    let team = team().await;
    let Team { world: _, mara, teo, env } = &team;
    let ada = let_in(&team, "Ada Quill", Role::Member, vec![right(*env, Rights::READ)]).await;
    teo.follow_up().await.unwrap();
    let gone = Intent::Access(vec![grant(*env, ada.user(), Rights::NONE)]);
    let due = sign(mara, gone).await.unwrap().due;
    teo.sync().await.unwrap();
    let before = epochs(mara, *env);

    let (one, other) = tokio::join!(mara.rotate(&due), teo.rotate(&due));
    for done in one.unwrap().into_iter().chain(other.unwrap()) {
        done.result.unwrap();
    }
    for session in [mara, teo] {
        session.sync().await.unwrap();
        assert_eq!(epochs(session, *env), before + 1);
        assert!(session.rotations().unwrap().is_empty());
        assert_eq!(value_of(session, *env, "DATABASE_URL"), "postgres://one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_admins_who_hold_one_code_let_its_bearer_in_once() {
    let team = team().await;
    let Team { world, mara, teo, env } = &team;
    sign(mara, Intent::Role { user: teo.user(), role: Role::Admin }).await.unwrap();
    teo.follow_up().await.unwrap();
    let (_, shown) = invite(mara, Role::Member, vec![right(*env, Rights::READ)]).await;
    teo.follow_up().await.unwrap();
    teo.invite_take(&shown.code).unwrap();
    let ada = world.join(&shown.code, "Ada Quill", None).await.unwrap();

    let (one, other) = tokio::join!(mara.follow_up(), teo.follow_up());
    one.unwrap();
    other.unwrap();
    ada.follow_up().await.unwrap();
    assert_eq!(value_of(&ada, *env, "DATABASE_URL"), "postgres://one");
    for session in [mara, teo] {
        session.follow_up().await.unwrap();
        assert_eq!(session.members().unwrap().len(), 3);
        assert!(!session.invites().unwrap()[0].code_here, "a used code is forgotten");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_a_year_ahead_is_named_and_costs_nothing() {
    let team = team().await;
    let Team { world, mara, teo, env } = &team;
    let month = now() + 4 * WEEK;
    let lasting =
        strongroom_core::access::CellChange { not_after: month, ..grant(*env, teo.user(), both()) };
    sign(mara, Intent::Access(vec![lasting])).await.unwrap();
    teo.follow_up().await.unwrap();

    stage_new(mara, *env, "STAGED", "one");
    world.clock("first").set(YEAR);
    mara.sync().await.unwrap();
    let error = refused(sign(mara, Intent::Role { user: teo.user(), role: Role::Admin }).await);
    assert!(matches!(error, VaultError::ClockAhead), "{error:?}");
    let new = NewInvite { role: Role::Member, grants: Vec::new(), expires_ms: now() + 60 * WEEK };
    let error = refused(sign(mara, Intent::Invite(new)).await);
    assert!(matches!(error, VaultError::ClockAhead), "{error:?}");
    // By that clock a grant has lapsed; nothing can be done about it but to set the clock right.
    let committed = refused(mara.commit_staged(*env).await);
    assert!(matches!(committed, VaultError::KeyDue | VaultError::ClockAhead), "{committed:?}");
    for done in mara.rotate(&[*env]).await.unwrap() {
        let error = refused(done.result);
        assert!(matches!(error, VaultError::ClockAhead), "{error:?}");
    }
    assert_eq!(mara.staged_total(), 1);

    world.clock("first").set(0);
    mara.commit_staged(*env).await.unwrap();
    assert!(mara.rotations().unwrap().is_empty());
    teo.sync().await.unwrap();
    assert_eq!(value_of(teo, *env, "STAGED"), "one");
    sign(mara, Intent::Role { user: teo.user(), role: Role::Admin }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_a_year_behind_writes_on_and_makes_nothing_that_has_ended_already() {
    let team = team().await;
    let Team { world, mara, teo, env } = &team;
    world.clock("first").set(-YEAR);
    stage_new(mara, *env, "LATE", "one");
    mara.commit_staged(*env).await.unwrap();
    teo.sync().await.unwrap();
    assert_eq!(value_of(teo, *env, "LATE"), "one");

    let week = world.clock("first").now() + WEEK;
    let new = NewInvite { role: Role::Member, grants: Vec::new(), expires_ms: week };
    let error = refused(mara.propose(Intent::Invite(new), Note::default()).await);
    assert!(matches!(error, VaultError::ClockBehind), "{error:?}");
    let new = NewToken { name: "ci".into(), rights: vec![right(*env, both())], not_after: week };
    let error = refused(mara.propose(Intent::TokenIssue(new), Note::default()).await);
    assert!(matches!(error, VaultError::ClockBehind), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_ended_by_the_servers_clock_alone_is_no_lie_of_the_server() {
    let team = team().await;
    let Team { world, mara, teo, env } = &team;
    let lasting = strongroom_core::access::CellChange {
        not_after: now() + HOUR,
        ..grant(*env, teo.user(), both())
    };
    sign(mara, Intent::Access(vec![lasting])).await.unwrap();
    teo.follow_up().await.unwrap();
    stage_new(teo, *env, "DRAFTED", "mine");

    let two_hours = 2 * i64::try_from(HOUR).unwrap();
    world.clock("server").set(two_hours);
    let error = refused(teo.sync().await);
    assert!(matches!(error, VaultError::ClockBehind), "{error:?}");
    let stopped = teo.with(|org| Ok(org.standing.stop.clone())).unwrap();
    assert_eq!(stopped, None, "a wrong clock accuses nobody");
    world.clock("Teo Varga").set(two_hours);
    teo.sync().await.unwrap();
    assert_eq!(teo.staged_total(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_lapses_makes_its_environment_due_and_the_new_key_is_for_others() {
    let team = team().await;
    let Team { world, mara, teo, env } = &team;
    let ada = let_in(&team, "Ada Quill", Role::Member, vec![right(*env, both())]).await;
    let lasting = strongroom_core::access::CellChange {
        not_after: now() + HOUR,
        ..grant(*env, teo.user(), both())
    };
    sign(mara, Intent::Access(vec![lasting])).await.unwrap();
    for session in [teo, &ada] {
        session.follow_up().await.unwrap();
        assert!(session.rotations().unwrap().is_empty());
    }

    let two_hours = 2 * i64::try_from(HOUR).unwrap();
    for machine in ["server", "first", "Teo Varga", "Ada Quill"] {
        world.clock(machine).set(two_hours);
    }
    for (session, mine) in [(mara, true), (&ada, true), (teo, false)] {
        session.sync().await.unwrap();
        let due = session.rotations().unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!((due[0].env, due[0].mine), (*env, mine));
    }
    stage_new(&ada, *env, "NEW", "two");
    let early = refused(ada.commit_staged(*env).await);
    assert!(matches!(early, VaultError::KeyDue), "{early:?}");
    for done in mara.rotate(&[*env]).await.unwrap() {
        done.result.unwrap();
    }
    ada.commit_staged(*env).await.unwrap();
    mara.sync().await.unwrap();
    assert_eq!(value_of(mara, *env, "NEW"), "two");
    teo.sync().await.unwrap();
    assert!(teo.rotations().unwrap().is_empty());
    assert!(!can_read(teo, *env, "NEW"));
    let holds = |user| {
        let members = mara.members().unwrap();
        members.into_iter().find(|member| member.user == user).unwrap().holds.contains(env)
    };
    assert!(holds(ada.user()) && !holds(teo.user()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_can_neither_leave_nor_step_down_and_is_told_why() {
    let team = team().await;
    let Team { world: _, mara, teo, env } = &team;
    let me = mara.user();
    for intent in [Intent::Remove { user: me }, Intent::Role { user: me, role: Role::Admin }] {
        let error = refused(sign(mara, intent).await);
        assert!(matches!(error, VaultError::LastOwner), "{error:?}");
    }
    sign(mara, Intent::Role { user: teo.user(), role: Role::Owner }).await.unwrap();
    let left = sign(mara, Intent::Remove { user: me }).await.unwrap();
    assert!(left.left);
    teo.sync().await.unwrap();
    for due in teo.rotations().unwrap() {
        for done in teo.rotate(&[due.env]).await.unwrap() {
            done.result.unwrap();
        }
    }
    assert_eq!(value_of(teo, *env, "DATABASE_URL"), "postgres://one");
}

/// Runs a future for at most `polls` polls and drops it then, as the end of a program would.
async fn cut_off<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_that_is_cut_off_anywhere_can_be_made_again() {
    let team = team().await;
    let Team { world, mara, teo: _, env } = &team;
    let mut interrupted = 0;
    for polls in 1.. {
        let (_, shown) = invite(mara, Role::Member, vec![right(*env, Rights::READ)]).await;
        let name = format!("Joiner {polls}");
        let cut = cut_off(polls, world.join(&shown.code, &name, None)).await;
        let whole = cut.is_some();
        let joined = if let Some(joined) = cut {
            joined.unwrap()
        } else {
            interrupted += 1;
            world.join(&shown.code, &name, None).await.unwrap()
        };
        mara.follow_up().await.unwrap();
        match joined.follow_up().await {
            Ok(()) => {
                assert!(joined.waiting().unwrap().is_none());
                assert_eq!(value_of(&joined, *env, "DATABASE_URL"), "postgres://one");
            }
            // The first try had asked already, and is the one that was let in: whoever tried again
            // hears that the code was used, and finds the first try among the vaults.
            Err(error) => assert!(matches!(error, VaultError::UsedCode), "{error:?}"),
        }
        if whole {
            break;
        }
    }
    assert!(interrupted > 4, "{interrupted} steps");
}
