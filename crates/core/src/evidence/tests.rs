use strongroom_format::id::SecretId;

use super::*;
use crate::offboard::tests::Story;
use crate::pen::Pen;
use strongroom_format::statement::Body;
use strongroom_format::wire::WriteBatch;

fn chain(story: &Story) -> Vec<B64> {
    let replica = &story.replica;
    let links = (0..=replica.state().seq()).filter_map(|seq| replica.link(seq));
    links.map(|link| B64(link.as_bytes().to_vec())).collect()
}

fn evidence(story: &Story, env: Option<EnvId>, verified: &[u8], shown: &[u8]) -> Vec<u8> {
    let evidence = Evidence {
        version: VERSION,
        org: story.replica.state().org(),
        env,
        what: "Fork".to_owned(),
        noticed_ms: story.now,
        verified: B64(verified.to_vec()),
        shown: B64(shown.to_vec()),
        chain: chain(story),
    };
    serde_json::to_vec_pretty(&evidence).unwrap()
}

/// What somebody writes on another copy, which the story never takes in.
fn aside(story: &mut Story, write: impl FnOnce(&mut Pen<'_>, EnvId)) -> WriteBatch {
    let mut pen = Pen::new(&story.replica, &mut story.entropy, story.now + 5);
    write(&mut pen, story.env);
    pen.finish().1
}

fn rotation(pen: &mut Pen<'_>, env: EnvId) {
    pen.new_epoch(env, strongroom_format::statement::EpochReason::ReaderAdded).unwrap();
}

#[test]
fn two_links_at_one_place_are_a_contradiction() {
    let mut story = Story::begin();
    let other = aside(&mut story, rotation);
    story.issue();
    let own = story.replica.newest_link().unwrap().as_bytes().to_vec();
    let judged = judge(&evidence(&story, None, &own, &other.links[0])).unwrap();
    assert!(judged.proven);
    assert!(judged.sentences.iter().any(|s| s.starts_with("Two different links")), "{judged:?}");

    let mut forged = other.links[0].clone();
    *forged.last_mut().unwrap() ^= 1;
    let judged = judge(&evidence(&story, None, &own, &forged)).unwrap();
    assert!(!judged.proven);
    assert!(judged.sentences.iter().any(|s| s.contains("anybody could make it")));
}

#[test]
fn what_nobody_signed_is_only_a_claim() {
    let mut story = Story::begin();
    story.put(1, "one");
    let link = story.replica.newest_link().unwrap().as_bytes().to_vec();
    let commit = story.replica.env(&story.env).unwrap().head().unwrap().as_bytes().to_vec();
    let older = story.replica.link(1).unwrap().as_bytes().to_vec();
    for (env, verified, shown) in [
        (None, &link, Vec::new()),
        (None, &link, older),
        (None, &link, b"no link".to_vec()),
        (Some(story.env), &commit, Vec::new()),
        (Some(story.env), &commit, commit.clone()),
    ] {
        assert!(!judge(&evidence(&story, env, verified, &shown)).unwrap().proven);
    }
}

#[test]
fn two_commits_at_one_place_and_a_commit_upon_another_are_contradictions() {
    let mut story = Story::begin();
    let put = |value: &str| crate::pen::Put {
        secret: SecretId([9; 16]),
        name: "OTHER".into(),
        value: Some(std::sync::Arc::new(strongroom_secret::SecretBytes::copy_of(value.as_bytes()))),
        details: crate::details::Details::default(),
    };
    let other = aside(&mut story, |pen, env| {
        pen.commit(env, vec![put("a")], &[]).unwrap();
        pen.commit(env, vec![put("b")], &[]).unwrap();
    });
    story.put(1, "one");
    let own = story.replica.env(&story.env).unwrap().head().unwrap().as_bytes().to_vec();
    for shown in &other.commits {
        let judged = judge(&evidence(&story, Some(story.env), &own, shown)).unwrap();
        assert!(judged.proven, "{judged:?}");
    }
}

#[test]
fn a_commit_that_names_another_head_shows_two_chains() {
    let mut story = Story::begin();
    let other = aside(&mut story, |pen, env| {
        rotation(pen, env);
        let put = crate::pen::name(SecretId([9; 16]), "X", crate::details::Details::default());
        pen.commit(env, vec![put], &[]).unwrap();
    });
    story.issue();
    let judged = judge(&evidence(&story, Some(story.env), &[], &other.commits[0])).unwrap();
    assert!(judged.proven);
    assert!(judged.sentences.iter().any(|s| s.contains("two chains")));
}

fn note_of(story: &Story, size: u64, root: u8) -> Vec<u8> {
    let org = story.replica.state().org();
    let checkpoint = strongroom_format::note::Checkpoint { org, reset: 0, size, root: [root; 32] };
    let signature = story.log.isk.sign(checkpoint.text().as_bytes());
    checkpoint.note(&story.log.isk.public(), &signature).into_bytes()
}

#[test]
fn two_logs_of_one_size_convict_the_log() {
    let story = Story::begin();
    let note = |size: u64, root: u8| note_of(&story, size, root);
    let proven = |own: &[u8], other: &[u8]| judge(&evidence(&story, None, own, other)).unwrap();
    assert!(proven(&note(5, 1), &note(5, 2)).proven);
    assert!(!proven(&note(5, 1), &note(5, 1)).proven);
    assert!(!proven(&note(5, 1), &note(6, 2)).proven);
    assert!(!proven(b"", &note(6, 2)).proven);
    let mut forged = note(5, 2);
    let middle = forged.len() - 10;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    assert!(!proven(&note(5, 1), &forged).proven);
}

#[test]
fn an_anchor_and_another_root_of_its_size_are_a_contradiction() {
    let mut story = Story::begin();
    story.write(|pen, _| {
        pen.link(Body::AuditAnchor { reset: 0, size: 5, root: [1; 32] }).unwrap();
    });
    let anchor = story.replica.newest_link().unwrap().as_bytes().to_vec();
    story.put(1, "one");
    let judged = |shown: &[u8]| judge(&evidence(&story, None, &anchor, shown)).unwrap();
    let file = judged(&note_of(&story, 5, 2));
    assert!(file.proven);
    assert!(file.sentences.iter().any(|s| s.contains("both signatures hold")), "{file:?}");
    assert!(!judged(&note_of(&story, 5, 1)).proven);
    assert!(!judged(&note_of(&story, 6, 2)).proven);
    let other = story.replica.link(1).unwrap().as_bytes().to_vec();
    let file = evidence(&story, None, &other, &note_of(&story, 5, 2));
    assert_eq!(judge(&file), Err(Unreadable::Verified), "that link anchors nothing");
}

#[test]
fn a_file_whose_own_side_does_not_hold_shows_nothing() {
    let mut story = Story::begin();
    story.put(1, "one");
    let own = story.replica.newest_link().unwrap().as_bytes().to_vec();
    let mut broken = own.clone();
    *broken.last_mut().unwrap() ^= 1;
    assert_eq!(judge(&evidence(&story, None, &broken, &[])), Err(Unreadable::Verified));
    assert_eq!(judge(b"{}"), Err(Unreadable::Malformed));
    let file = evidence(&story, None, &own, &[]);
    let mut parsed: Evidence = serde_json::from_slice(&file).unwrap();
    parsed.chain.remove(1);
    let file = serde_json::to_vec(&parsed).unwrap();
    assert_eq!(judge(&file), Err(Unreadable::Chain));
}
