//! Several people on one vault, each with a computer of their own and one server between them.

use std::sync::Arc;

use strongroom_client::clock::{Clock as _, SystemClock};
use strongroom_client::profile::KeepSecretKey;
use strongroom_client::vault::{
    InviteShown, Note, Once, Session, Signed, StopKind, Trust, VaultError, look,
};
use strongroom_core::access::CellChange;
use strongroom_core::team::{Intent, NewInvite, NewToken};
use strongroom_format::id::{EnvId, InviteId, Principal, UserId};
use strongroom_format::statement::{EnvRight, Rights, Role};
use strongroom_secret::SecretText;

use crate::world::World;
use crate::{app, stage_new, value_of};

pub(crate) const WEEK: u64 = 7 * 24 * 60 * 60 * 1000;

pub(crate) fn now() -> u64 {
    SystemClock.now_ms()
}

pub(crate) async fn sign(session: &Session, intent: Intent) -> Result<Signed, VaultError> {
    let proposal = session.propose(intent, Note::default()).await?;
    assert!(!proposal.lines.is_empty(), "a summary says what is signed");
    session.sign(proposal).await
}

pub(crate) async fn invite(
    session: &Session,
    role: Role,
    grants: Vec<EnvRight>,
) -> (InviteId, InviteShown) {
    let new = NewInvite { role, grants, expires_ms: now() + WEEK };
    let proposal =
        session.propose(Intent::Invite(new), Note { label: "Teo".into(), resets: None }).await;
    let signed = session.sign(proposal.unwrap()).await.unwrap();
    let Some(Once::Invite(invite)) = signed.once else { panic!("an invitation shows its code") };
    (invite, session.invite_code(invite).unwrap())
}

pub(crate) fn grant(env: EnvId, user: UserId, rights: Rights) -> CellChange {
    CellChange { principal: Principal::User(user), env, rights, not_after: 0 }
}

pub(crate) fn can_read(session: &Session, env: EnvId, name: &str) -> bool {
    session
        .with(|org| Ok(org.list(env)?.rows().iter().any(|row| row.name == name)))
        .unwrap_or(false)
}

pub(crate) struct Team {
    pub(crate) world: World,
    pub(crate) mara: Arc<Session>,
    pub(crate) teo: Arc<Session>,
    pub(crate) env: EnvId,
}

/// Mara founds, writes one secret, and lets Teo in with the right to read and write it.
pub(crate) async fn team() -> Team {
    let world = World::start().await;
    let mara = world.create(KeepSecretKey::Keyring).await;
    let env = app(&mara).await;
    stage_new(&mara, env, "DATABASE_URL", "postgres://one");
    mara.commit_staged(env).await.unwrap();
    let right = EnvRight { env, rights: Rights::READ.with(Rights::WRITE), not_after: 0 };
    let (_, shown) = invite(&mara, Role::Member, vec![right]).await;
    let teo = world.join(&shown.code, "Teo Varga", None).await.unwrap();
    mara.follow_up().await.unwrap();
    teo.follow_up().await.unwrap();
    mara.follow_up().await.unwrap();
    Team { world, mara, teo, env }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_invited_joins_and_reads_what_was_promised() {
    let world = World::start().await;
    let mara = world.create(KeepSecretKey::Keyring).await;
    let env = app(&mara).await;
    stage_new(&mara, env, "DATABASE_URL", "postgres://one");
    mara.commit_staged(env).await.unwrap();
    let right = EnvRight { env, rights: Rights::READ, not_after: 0 };
    let (id, shown) = invite(&mara, Role::Member, vec![right]).await;

    let seen = look(&shown.code, &world.api()).await.unwrap();
    assert_eq!(seen.inviter_fingerprint, shown.fingerprint);
    assert_eq!((seen.role, seen.invite), (Role::Member, id));

    let teo = world.join(&shown.code, "Teo Varga", None).await.unwrap();
    let waiting = teo.waiting().unwrap().unwrap();
    assert_eq!(waiting.organisation_words, seen.organisation_words);
    let kit = teo.kit(None).await.unwrap();
    assert_eq!((kit.org, kit.user, kit.person.as_str()), (seen.org, teo.user(), "Teo Varga"));
    teo.follow_up().await.unwrap();
    assert!(teo.waiting().unwrap().is_some(), "nobody let him in yet");

    mara.follow_up().await.unwrap();
    assert!(mara.invites().unwrap()[0].used.is_some());
    teo.follow_up().await.unwrap();
    assert!(teo.waiting().unwrap().is_none());
    assert_eq!(value_of(&teo, env, "DATABASE_URL"), "postgres://one");

    mara.follow_up().await.unwrap();
    let people = mara.members().unwrap();
    assert_eq!(people.len(), 2);
    assert_eq!(people[1].trust, Trust::Code);
    assert_eq!(people[1].fingerprint, waiting.fingerprint);
    let name = mara.with(|org| Ok(org.person(&people[1].user))).unwrap();
    assert_eq!(name, "Teo Varga");
    let (ours, _) = mara.words_with(people[1].user).await.unwrap();
    let (theirs, _) = teo.words_with(mara.user()).await.unwrap();
    assert_eq!(ours, theirs);
    assert_eq!(teo.members().unwrap()[0].trust, Trust::Code);
    mara.mark_words(people[1].user, true, &people[1].fingerprint).unwrap();
    assert_eq!(mara.members().unwrap()[1].trust, Trust::Words);

    let again = world.join(&shown.code, "Eve", None).await;
    assert!(matches!(again, Err(VaultError::UsedCode)), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_loses_the_right_reads_nothing_new_once_the_key_is_replaced() {
    let Team { mara, teo, env, world: _world } = team().await;
    assert_eq!(value_of(&teo, env, "DATABASE_URL"), "postgres://one");
    let signed =
        sign(&mara, Intent::Access(vec![grant(env, teo.user(), Rights::NONE)])).await.unwrap();
    assert_eq!(signed.due, [env]);

    stage_new(&mara, env, "NEW", "two");
    let refused = mara.commit_staged(env).await;
    assert!(matches!(refused, Err(VaultError::KeyDue)), "{refused:?}");
    for done in mara.rotate(&signed.due).await.unwrap() {
        done.result.unwrap();
    }
    mara.commit_staged(env).await.unwrap();
    assert_eq!(value_of(&mara, env, "NEW"), "two");
    assert_eq!(value_of(&mara, env, "DATABASE_URL"), "postgres://one");

    teo.follow_up().await.unwrap();
    assert!(!can_read(&teo, env, "NEW"));
    let mine = SecretText::from_string("three".to_owned());
    let refused = teo.stage_put(env, None, "MINE", Some(mine), "");
    assert!(matches!(refused, Err(VaultError::NotAllowed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_leaves_is_cut_and_everything_it_read_is_due() {
    let Team { mara, teo, env, world: _world } = team().await;
    let left = teo.user();
    let signed = sign(&mara, Intent::Remove { user: left }).await.unwrap();
    assert_eq!(signed.due.len(), 2, "the environment and the names");
    for done in mara.rotate(&signed.due).await.unwrap() {
        done.result.unwrap();
    }
    assert!(mara.rotations().unwrap().is_empty());
    stage_new(&mara, env, "NEW", "two");
    mara.commit_staged(env).await.unwrap();
    let _ = teo.follow_up().await;
    assert!(!can_read(&teo, env, "NEW"));
    let last = sign(&mara, Intent::Remove { user: mara.user() }).await;
    assert!(last.is_err(), "one owner at least remains");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_after_joining_reaches_the_reader_by_itself() {
    let Team { mara, teo, world: _world, .. } = team().await;
    let second = app_named(&mara, "second").await;
    stage_new(&mara, second, "KEY", "value");
    mara.commit_staged(second).await.unwrap();
    sign(&mara, Intent::Access(vec![grant(second, teo.user(), Rights::READ)])).await.unwrap();
    teo.follow_up().await.unwrap();
    assert_eq!(value_of(&teo, second, "KEY"), "value");
    assert!(mara.members().unwrap()[1].waits_for.is_empty());
}

async fn app_named(session: &Session, name: &str) -> EnvId {
    let class = strongroom_core::details::EnvClass::Production;
    let app = session.create_app(name, vec![("prod".to_owned(), class)]).await.unwrap();
    let now = now();
    let all = session.with(|org| Ok(org.environments(now))).unwrap();
    all.into_iter().find(|env| env.app == app).unwrap().env
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_ends_when_it_is_revoked() {
    let Team { mara, env, world: _world, .. } = team().await;
    let new = NewToken {
        name: "deploy-eu".to_owned(),
        rights: vec![EnvRight { env, rights: Rights::READ, not_after: 0 }],
        not_after: now() + WEEK,
    };
    let signed = sign(&mara, Intent::TokenIssue(new)).await.unwrap();
    let Some(Once::Token(token)) = signed.once else { panic!("a token is shown once") };
    assert!(token.text.lend(|text| text.starts_with("srs_")));
    let id = mara.with(|org| Ok(*org.replica().state().tokens().keys().next().unwrap())).unwrap();
    let signed = sign(&mara, Intent::TokenRevoke { token: id }).await.unwrap();
    assert_eq!(signed.due, [env]);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_lost_everything_gets_new_keys_and_everybody_is_told() {
    let Team { world, mara, teo, env } = team().await;
    let lost = teo.user();
    let new = NewInvite { role: Role::Member, grants: Vec::new(), expires_ms: now() + WEEK };
    let note = Note { label: "Teo again".into(), resets: Some(lost) };
    let proposal = mara.propose(Intent::Invite(new), note).await.unwrap();
    let signed = mara.sign(proposal).await.unwrap();
    let Some(Once::Invite(invite)) = signed.once else { panic!("a code") };
    let shown = mara.invite_code(invite).unwrap();
    let again = world.join(&shown.code, "Teo again", Some(lost)).await.unwrap();
    mara.follow_up().await.unwrap();
    assert_eq!(mara.members().unwrap().len(), 2, "keys are not replaced without a person");
    let joiner = mara.reset_of(invite, lost).unwrap();
    let signed = sign(&mara, Intent::Reset(joiner)).await.unwrap();
    for done in mara.rotate(&signed.due).await.unwrap() {
        done.result.unwrap();
    }
    again.follow_up().await.unwrap();
    assert_eq!(value_of(&again, env, "DATABASE_URL"), "postgres://one");
    assert_eq!(mara.members().unwrap()[1].reset, None, "whoever signed it knows");
    assert!(teo.sync().await.is_err(), "the old keys are dead");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_computer_opens_from_the_kit_alone() {
    let Team { world, mara, env, .. } = team().await;
    let kit = mara.kit(None).await.unwrap();
    let second = world.restore(kit.user, kit.org, None, &kit.secret_key).await.unwrap();
    assert_eq!(value_of(&second, env, "DATABASE_URL"), "postgres://one");
    assert_eq!(second.members().unwrap()[1].trust, Trust::Code);
    let wrong = SecretText::from_string(kit.secret_key.lend(|key| key.replace('-', "")));
    let other = world.restore(UserId([9; 16]), kit.org, None, &wrong).await;
    assert!(matches!(other, Err(VaultError::WrongPassphrase)), "{other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_code_of_a_kit_is_held_against_the_server() {
    let Team { world, mara, .. } = team().await;
    let kit = mara.kit(None).await.unwrap();
    let code = kit.head_code.replace(' ', "");
    let other = (kit.link, code.chars().rev().collect::<String>());
    let later = (kit.link + 1, code.clone());
    for (head, kind) in [(other, StopKind::Fork), (later, StopKind::Rollback)] {
        let refused = world.restore(kit.user, kit.org, Some(head), &kit.secret_key).await;
        let Err(VaultError::Stopped(stop)) = refused else { panic!("{refused:?}") };
        assert_eq!(stop.kind, kind);
    }
    let head = Some((kit.link, code));
    let second = world.restore(kit.user, kit.org, head, &kit.secret_key).await.unwrap();
    assert_eq!(second.members().unwrap()[1].trust, Trust::Code);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_admin_finishes_a_join_with_the_code_in_hand() {
    let Team { world, mara, teo, .. } = team().await;
    sign(&mara, Intent::Role { user: teo.user(), role: Role::Admin }).await.unwrap();
    teo.follow_up().await.unwrap();
    let (id, shown) = invite(&mara, Role::Reviewer, Vec::new()).await;
    teo.follow_up().await.unwrap();
    let ada = world.join(&shown.code, "Ada Quill", None).await.unwrap();
    teo.follow_up().await.unwrap();
    assert!(teo.invites().unwrap().iter().any(|i| i.invite == id && i.asked.len() == 1));
    assert_eq!(teo.members().unwrap().len(), 2, "without the code nobody is let in");
    assert_eq!(teo.invite_take(&shown.code).unwrap(), id);
    teo.follow_up().await.unwrap();
    ada.follow_up().await.unwrap();
    assert_eq!(ada.members().unwrap().len(), 3);
    mara.follow_up().await.unwrap();
    let (seen, by) = {
        let people = mara.members().unwrap();
        (people[2].trust, people[2].trusted_by)
    };
    assert_eq!((seen, by), (Trust::Code, Some(teo.user())));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_codes_say_what_is_wrong_and_leave_nothing() {
    let Team { world, mara, .. } = team().await;
    let (_, shown) = invite(&mara, Role::Member, Vec::new()).await;
    let mistyped = shown.code.lend(|code| {
        let last = if code.ends_with('a') { "b" } else { "a" };
        SecretText::from_string(format!("{}{last}", &code[..code.len() - 1]))
    });
    assert!(matches!(world.join(&mistyped, "Eve", None).await, Err(VaultError::BadCode)));
    let other = World::start().await;
    let stranger = other.create(KeepSecretKey::Keyring).await;
    let (_, foreign) = invite(&stranger, Role::Member, Vec::new()).await;
    assert!(matches!(mara.invite_take(&foreign.code), Err(VaultError::ForeignCode)));
    let elsewhere = world.join(&foreign.code, "Eve", None).await;
    assert!(matches!(elsewhere, Err(VaultError::UsedCode)), "{elsewhere:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_has_people_and_tokens_that_hold_what_they_were_granted() {
    let world = World::start().await;
    let sample = world.sample().await;
    let people = sample.members().unwrap();
    assert_eq!(people.len(), 7);
    assert!(people.iter().all(|member| member.waits_for.is_empty()));
    let trusts: Vec<Trust> = people.iter().map(|member| member.trust).collect();
    assert!(trusts.contains(&Trust::Words) && trusts.contains(&Trust::Code));
    let (names, tokens) = sample
        .with(|org| {
            let names: Vec<String> = people.iter().map(|member| org.person(&member.user)).collect();
            Ok((names, org.replica().state().tokens().len()))
        })
        .unwrap();
    assert!(names.iter().all(|name| !name.is_empty()), "{names:?}");
    assert_eq!(tokens, 3);
    assert!(sample.rotations().unwrap().is_empty());
    sample.follow_up().await.unwrap();
}
