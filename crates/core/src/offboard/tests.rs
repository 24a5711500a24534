use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_crypto::safe::{Keyset, RepeatableEntropy, ServiceToken};
use strongroom_format::id::{SecretId, TokenId, UserId};
use strongroom_format::statement::{Body, EnvRight};
use strongroom_secret::SecretBytes;

use super::*;
use crate::details::{Details, EnvClass};
use crate::pen::{Founding, Pen, Put};
use crate::replica::Me;

pub(crate) const NOW: u64 = 1_790_000_000_000;

/// An organisation with one environment, and a token that reads it for a while.
pub(crate) struct Story {
    pub(crate) entropy: RepeatableEntropy,
    pub(crate) log: Keyset,
    pub(crate) replica: Replica,
    pub(crate) env: EnvId,
    pub(crate) token: ServiceToken,
    pub(crate) now: u64,
}

impl Story {
    pub(crate) fn begin() -> Self {
        let mut entropy = RepeatableEntropy::new(77);
        let log = Keyset::make(&mut entropy).unwrap();
        let keyset = Keyset::make(&mut entropy).unwrap();
        let founding = Founding {
            organisation: "Acme".into(),
            person: "Mara Lind".into(),
            sample: false,
            audit_vkey: log.isk.public(),
        };
        let me = Arc::new(Me::person(UserId([7; 16]), keyset));
        let (replica, _) = Pen::found(me, &founding, &mut entropy, NOW).unwrap().finish();
        let token = ServiceToken::make(&mut entropy).unwrap();
        let mut story = Self { entropy, log, replica, env: EnvId::ZERO, token, now: NOW };
        story.write(|pen, _| {
            pen.create_app("storefront", &[("prod".into(), EnvClass::Production)]).unwrap();
        });
        let directory = story.replica.state().directory().unwrap();
        story.env = *story.replica.state().envs().keys().find(|env| **env != directory).unwrap();
        story
    }

    pub(crate) fn write(&mut self, write: impl FnOnce(&mut Pen<'_>, EnvId)) {
        self.now += 1_000;
        let mut pen = Pen::new(&self.replica, &mut self.entropy, self.now);
        write(&mut pen, self.env);
        self.replica = pen.finish().0;
    }

    pub(crate) fn put(&mut self, secret: u8, value: &str) {
        let value = Some(Arc::new(SecretBytes::copy_of(value.as_bytes())));
        self.write(|pen, env| {
            let name = format!("SECRET_{secret}");
            let secret = SecretId([secret; 16]);
            pen.commit(env, vec![Put { secret, name, value, details: Details::default() }], &[])
                .unwrap();
        });
    }

    pub(crate) fn who(&self) -> Principal {
        Principal::Token(self.token.id())
    }

    pub(crate) fn issue(&mut self) {
        let (token, keys) = (self.token.id(), Me::token(&self.token).keyset.public());
        self.write(|pen, env| {
            let rights = vec![EnvRight { env, rights: Rights::READ, not_after: 0 }];
            let (sig_pub, enc_pub) = (keys.isk, keys.iek);
            pen.link(Body::TokenIssue { token, sig_pub, enc_pub, rights, not_after: 0 }).unwrap();
            pen.new_epoch(env, EpochReason::ReaderAdded).unwrap();
        });
    }

    pub(crate) fn revoke(&mut self) {
        let token: TokenId = self.token.id();
        self.write(|pen, _| pen.link(Body::TokenRevoke { token }).unwrap());
    }

    pub(crate) fn rotate(&mut self) {
        self.write(|pen, env| {
            pen.rotate(env, &mut |_, _| true).unwrap();
        });
    }

    pub(crate) fn offboarding(&self) -> Offboarding {
        of(&self.replica, self.who(), self.now).unwrap()
    }

    pub(crate) fn values(&self) -> BTreeMap<u8, CouldRead> {
        let offboarding = self.offboarding();
        let (all, unseen) = could_read(&self.replica, &offboarding, None, &|_, _| None);
        assert!(unseen.is_empty());
        all.into_iter().map(|found| (found.secret.0[0], found)).collect()
    }
}

#[test]
fn a_leaver_is_followed_from_its_loss_to_the_last_value_sealed_anew() {
    let mut story = Story::begin();
    story.put(1, "one");
    story.issue();
    assert_eq!(of(&story.replica, story.who(), story.now), None, "it still reads");
    assert!(leavers(story.replica.state(), story.now).is_empty());
    story.revoke();
    let lost = story.offboarding();
    assert_eq!(leavers(story.replica.state(), story.now), [story.who()]);
    assert_eq!((lost.envs.len(), lost.envs[0].held, lost.envs[0].rotated), (1, 2, None));
    assert_eq!(lost.envs[0].progress, EnvProgress::Due);
    let link = story.replica.state().seq();
    assert_eq!((lost.links(), lost.began_ms()), (Some((link, link)), story.now));
    assert!(!lost.is_sealed());

    story.rotate();
    let lost = story.offboarding();
    assert_eq!(lost.envs[0].rotated.map(|rotated| rotated.epoch), Some(3));
    assert_eq!(lost.envs[0].progress, EnvProgress::Done);
    assert!(lost.is_sealed());
}

#[test]
fn a_value_sealed_anew_is_no_new_value() {
    let mut story = Story::begin();
    story.put(1, "one");
    story.issue();
    story.put(2, "two");
    story.put(3, "gone");
    story.write(|pen, env| pen.commit(env, Vec::new(), &[SecretId([3; 16])]).unwrap());
    story.revoke();
    story.rotate();
    let values = story.values();
    assert_eq!(values.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    assert!(values.values().all(|value| !value.is_settled()), "sealed anew, and the same");
    assert!(values[&3].deleted);

    story.put(1, "changed at the source");
    let written = story.now;
    story.put(4, "the leaver never held its key");
    let values = story.values();
    assert_eq!(values[&1].new_value, Some(written));
    assert_eq!((values[&2].new_value, values.contains_key(&4)), (None, false));
    // Sealed anew once more, by choice: still the same values.
    story.rotate();
    assert_eq!(story.values()[&1].new_value, Some(written));
    assert_eq!(story.values()[&2].new_value, None);
}

#[test]
fn what_was_deleted_before_the_leaver_came_is_not_its_doing() {
    let mut story = Story::begin();
    story.put(1, "one");
    story.put(2, "gone");
    story.write(|pen, env| pen.commit(env, Vec::new(), &[SecretId([2; 16])]).unwrap());
    story.issue();
    story.revoke();
    story.rotate();
    assert_eq!(story.values().keys().copied().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_right_that_ends_by_its_date_is_a_loss_without_a_link() {
    let mut story = Story::begin();
    story.put(1, "one");
    let keys = Me::token(&story.token).keyset.public();
    let (token, end) = (story.token.id(), story.now + 60_000);
    story.write(|pen, env| {
        let rights = vec![EnvRight { env, rights: Rights::READ, not_after: 0 }];
        let (sig_pub, enc_pub) = (keys.isk, keys.iek);
        pen.link(Body::TokenIssue { token, sig_pub, enc_pub, rights, not_after: end }).unwrap();
        pen.new_epoch(env, EpochReason::ReaderAdded).unwrap();
    });
    assert_eq!(of(&story.replica, story.who(), end), None);
    let lost = of(&story.replica, story.who(), end + 1).unwrap();
    assert_eq!(lost.envs[0].loss, Loss { link: None, at_ms: end });
    assert_eq!(lost.links(), None);
}

#[test]
fn a_link_takes_nothing_that_had_ended_before() {
    let mut story = Story::begin();
    story.put(1, "one");
    let keys = Me::token(&story.token).keyset.public();
    let (token, end) = (story.token.id(), story.now + 5_000);
    story.write(|pen, env| {
        let rights = vec![EnvRight { env, rights: Rights::READ, not_after: end }];
        let (sig_pub, enc_pub) = (keys.isk, keys.iek);
        pen.link(Body::TokenIssue { token, sig_pub, enc_pub, rights, not_after: 0 }).unwrap();
        pen.new_epoch(env, EpochReason::ReaderAdded).unwrap();
    });
    story.now = end + 1_000;
    story.rotate();
    story.revoke();
    let lost = story.offboarding();
    assert_eq!(lost.envs[0].loss, Loss { link: None, at_ms: end });
    assert!(lost.is_sealed(), "replaced after the end by date, before the link");
}
