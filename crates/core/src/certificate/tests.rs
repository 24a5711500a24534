use strongroom_crypto::safe::{InviteKey, Keyset};
use strongroom_format::commit::{Commit, SignedCommit};
use strongroom_format::event::{Act, Detail};
use strongroom_format::hash::ZERO;
use strongroom_format::id::{DeviceId, UserId};
use strongroom_format::statement::{Body, Role};

use super::*;
use crate::log::Replacement;
use crate::offboard::tests::Story;
use crate::offboard::{could_read, of};

fn finished() -> Story {
    let mut story = Story::begin();
    story.put(1, "one");
    story.put(2, "two");
    story.issue();
    story.revoke();
    story.rotate();
    story.put(1, "new");
    story
}

fn said(story: &Story, secret: u8, at_ms: u64) -> Replacement {
    let me = story.replica.me();
    let state = story.replica.state();
    let detail = Detail {
        env: story.env,
        secret: SecretId([secret; 16]),
        version: 0,
        number: at_ms,
        status: 0,
    };
    let act = Act {
        org: state.org(),
        kind: EventKind::Replaced,
        actor: Some(me.principal),
        device: DeviceId([1; 16]),
        actor_seq: 1,
        actor_prev: ZERO,
        org_head: state.head(),
        detail,
        agency: None,
    };
    let signature = me.keyset.isk.sign(&act.message());
    SignedAct { act, signature }.into()
}

/// The commit behind the rotation; a client fetches it.
fn resealing(story: &mut Story) -> Vec<u8> {
    let mut again = Story::begin();
    again.put(1, "one");
    again.put(2, "two");
    again.issue();
    again.revoke();
    again.rotate();
    let (seq, head) = (again.replica.state().seq(), again.replica.state().head());
    assert_eq!(story.replica.state().head_at(seq), Some(head), "the same story");
    again.replica.env(&again.env).unwrap().head().unwrap().as_bytes().to_vec()
}

fn certificate(story: &mut Story) -> Certificate {
    let commit = resealing(story);
    let offboarding = of(&story.replica, story.who(), story.now).unwrap();
    let (values, _) = could_read(&story.replica, &offboarding, None, &|_, _| None);
    let history = story.replica.env(&story.env).unwrap().history();
    let checkpoint = strongroom_format::note::Checkpoint {
        org: story.replica.state().org(),
        reset: 0,
        size: 9,
        root: [9; 32],
    };
    let signature = story.log.isk.sign(checkpoint.text().as_bytes());
    Certificate {
        who: story.who(),
        name: "ci".to_owned(),
        signed_ms: story.now,
        checkpoint: checkpoint.note(&story.log.isk.public(), &signature),
        envs: vec![CertifiedEnv {
            env: story.env,
            place: "storefront / <prod>".to_owned(),
            seq: history.seq(),
            head: history.head(),
            commit,
        }],
        values: values
            .into_iter()
            .map(|value| CertifiedValue { name: String::new(), value })
            .collect(),
    }
}

fn signed(story: &Story, certificate: Certificate) -> Vec<u8> {
    certificate.sign(&story.replica, story.replica.me())
}

#[test]
fn a_finished_offboarding_is_proven_by_the_file_alone() {
    let mut story = finished();
    let mut certificate = certificate(&mut story);
    certificate.values[1].value.strongest = Some((Use::Copied, 5));
    certificate.values[1].value.replaced = Some(said(&story, 2, story.now));
    let file = signed(&story, certificate);
    let verdict = judge(&file).unwrap();
    assert_eq!(verdict.org, story.replica.state().org());
    assert_eq!((verdict.envs.len(), verdict.audit_size), (1, Some(9)));
    assert_eq!(verdict.envs[0].commit.unwrap().0, 3);
    assert_eq!(verdict.certificate.values[0].value.new_value, Some(story.now));
    let page = page(&file, &verdict);
    assert!(page.contains("storefront / &lt;prod&gt;") && !page.contains("<prod>"));
    assert!(page.contains("Copied") && page.contains("New value since"));
    let words = verdict.sentences().join("\n");
    assert!(words.contains("commit 3 seals every value anew"), "{words}");
}

#[test]
fn one_changed_byte_anywhere_is_refused() {
    let mut story = finished();
    let certificate = certificate(&mut story);
    let file = signed(&story, certificate);
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(judge(&changed).is_err(), "byte {at} of {}", file.len());
    }
    for length in [0, 1, 63, 64, file.len() - 1] {
        assert!(judge(&file[..length]).is_err());
    }
    let longer: Vec<u8> = file.iter().copied().chain([0]).collect();
    assert!(judge(&longer).is_err());
}

#[test]
fn what_is_not_finished_cannot_be_certified() {
    let refused = |story: &Story, certificate: Certificate| judge(&signed(story, certificate));
    let mut story = finished();
    let good = certificate(&mut story);
    assert!(refused(&story, good.clone()).is_ok());

    let mut used = good.clone();
    used.values[1].value.strongest = Some((Use::Decrypted, 5));
    assert_eq!(refused(&story, used.clone()), Err(Refused::Open));
    used.values[1].value.replaced = Some(said(&story, 2, 1));
    assert_eq!(refused(&story, used.clone()), Err(Refused::Word), "said before it was lost");
    used.values[1].value.replaced = Some(said(&story, 1, story.now));
    assert_eq!(refused(&story, used.clone()), Err(Refused::Word), "about another secret");
    let mut forged = said(&story, 2, story.now);
    forged.signed.act.detail.version = 1;
    used.values[1].value.replaced = Some(forged);
    assert_eq!(refused(&story, used), Err(Refused::Word));

    let mut fewer = good.clone();
    fewer.envs.clear();
    fewer.values.clear();
    assert_eq!(refused(&story, fewer), Err(Refused::Environments));
    let mut other = good.clone();
    other.envs[0].commit =
        story.replica.env(&story.env).unwrap().head().unwrap().as_bytes().to_vec();
    assert_eq!(refused(&story, other), Err(Refused::Commit));
    let mut stays = good.clone();
    stays.who = story.replica.principal();
    assert_eq!(refused(&story, stays), Err(Refused::NotLeft));
    let mut note = good;
    note.checkpoint = note.checkpoint.replace("\n9\n", "\n8\n");
    assert_eq!(refused(&story, note), Err(Refused::Checkpoint));
}

#[test]
fn a_data_key_that_was_not_replaced_is_seen() {
    let mut story = Story::begin();
    story.put(1, "one");
    story.issue();
    story.revoke();
    let certificate = Certificate {
        who: story.who(),
        name: String::new(),
        signed_ms: story.now,
        checkpoint: String::new(),
        envs: vec![CertifiedEnv {
            env: story.env,
            place: String::new(),
            seq: 1,
            head: ZERO,
            commit: Vec::new(),
        }],
        values: Vec::new(),
    };
    assert_eq!(judge(&signed(&story, certificate)), Err(Refused::Due));
}

#[test]
fn whoever_does_not_manage_certifies_nothing() {
    let mut story = finished();
    let (member, keyset) = joined(&mut story);
    let certificate = certificate(&mut story);
    let by_token = Me::token(&story.token);
    let file = certificate.clone().sign(&story.replica, &by_token);
    assert_eq!(judge(&file), Err(Refused::Signer));
    let file = certificate.clone().sign(&story.replica, &Me::person(member, keyset));
    assert_eq!(judge(&file), Err(Refused::Signer));
    let nobody = Me::person(UserId([99; 16]), Keyset::make(&mut story.entropy).unwrap());
    assert_eq!(judge(&certificate.sign(&story.replica, &nobody)), Err(Refused::Signer));
}

/// A plain member, who may read names and nothing else.
fn joined(story: &mut Story) -> (UserId, Keyset) {
    let keyset = Keyset::make(&mut story.entropy).unwrap();
    let (user, org) = (UserId([44; 16]), story.replica.state().org());
    let key = InviteKey::make(&mut story.entropy).unwrap();
    let (invite, keys) = (key.id(), keyset.public());
    let pop = keyset.prove_possession(&org, &invite, &user);
    let expires = story.now + 1_000_000;
    story.write(|pen, _| {
        let (role, grants) = (Role::Member, Vec::new());
        let key_hash = key.commitment();
        pen.link(Body::Invite { invite, key_hash, role, grants, expires }).unwrap();
        pen.link(Body::MemberAdd { user, keys, role, invite, pop }).unwrap();
    });
    (user, keyset)
}

#[test]
fn a_word_counts_from_whoever_has_a_say_and_is_signed() {
    let mut story = finished();
    let (member, keyset) = joined(&mut story);
    let mut good = certificate(&mut story);
    good.values[1].value.strongest = Some((Use::Copied, 5));
    let with = |word: Replacement| {
        let mut certificate = good.clone();
        certificate.values[1].value.replaced = Some(word);
        certificate
    };
    let word = said(&story, 2, story.now);
    assert!(judge(&signed(&story, with(word.clone()))).is_ok());
    let mut act = word.signed.act.clone();
    act.actor = Some(Principal::User(member));
    let signature = keyset.isk.sign(&act.message());
    let reader = SignedAct { act: act.clone(), signature };
    assert_eq!(judge(&signed(&story, with(reader.into()))), Err(Refused::Word));
    let mut other = word.signed.act.clone();
    other.kind = EventKind::Copied;
    let signature = story.replica.me().keyset.isk.sign(&other.message());
    let copied = SignedAct { act: other, signature };
    assert_eq!(judge(&signed(&story, with(copied.into()))), Err(Refused::Word));
}

#[test]
fn the_commit_must_be_the_signed_one_behind_the_cut() {
    let mut story = finished();
    let good = certificate(&mut story);
    let commit = SignedCommit::parse(&good.envs[0].commit).unwrap().commit;
    let me = story.replica.me();
    let with = |change: &dyn Fn(&mut Commit)| {
        let mut commit = commit.clone();
        change(&mut commit);
        let mut certificate = good.clone();
        certificate.envs[0].commit = me.keyset.isk.sign_commit(commit).as_bytes().to_vec();
        judge(&signed(&story, certificate))
    };
    assert!(with(&|_| {}).is_ok());
    let refused: [&dyn Fn(&mut Commit); 7] = [
        &|commit| commit.org.0[0] ^= 1,
        &|commit| commit.env.0[0] ^= 1,
        &|commit| commit.seq += 1,
        &|commit| commit.prev[0] ^= 1,
        &|commit| commit.org_head[0] ^= 1,
        &|commit| commit.dek_epoch -= 1,
        &|commit| commit.author = Principal::User(UserId([99; 16])),
    ];
    for change in refused {
        assert_eq!(with(change), Err(Refused::Commit));
    }
    let mut forged = good.clone();
    *forged.envs[0].commit.last_mut().unwrap() ^= 1;
    assert_eq!(judge(&signed(&story, forged)), Err(Refused::Commit));
}

#[test]
fn a_commit_is_left_out_only_by_a_head_that_has_none() {
    let mut story = finished();
    let mut without = certificate(&mut story);
    without.envs[0].commit.clear();
    assert_eq!(judge(&signed(&story, without.clone())), Err(Refused::Commit));
    // Whoever claims that nothing came after the cut signs the very head that the chain names.
    without.envs[0].seq = 2;
    assert_eq!(judge(&signed(&story, without)), Err(Refused::Commit));
    let mut below = certificate(&mut story);
    below.envs[0].seq = 1;
    assert_eq!(judge(&signed(&story, below)), Err(Refused::Commit));
}
