use std::sync::Arc;

use strongroom_core::details::EnvClass;
use strongroom_format::id::Principal;

use super::retention::fill;
use super::world::World;
use super::{House, house};
use crate::profile::VaultId;
use crate::vault::error::{StopKind, VaultError};
use crate::vault::session::Session;

const DEVICES: [&str; 3] = ["first", "Teo Varga", "Ren Okafor"];

/// A house whose server runs again from a backup, after `lost` happened that the backup lacks.
async fn restored(lost: impl AsyncFn(&Session)) -> (House, [VaultId; 3]) {
    restored_from(house().await, lost).await
}

async fn restored_from(house: House, lost: impl AsyncFn(&Session)) -> (House, [VaultId; 3]) {
    let House { world, mara, teo, ren } = house;
    for session in [&mara, &teo, &ren] {
        session.follow_up().await.unwrap();
    }
    let ids = [&mara, &teo, &ren].map(|session| session.record().id);
    for session in [mara, teo, ren] {
        world.close(session).await;
    }
    let world = world
        .restart_server_from_backup_after(async |world: World| {
            for (id, device) in ids.into_iter().zip(DEVICES) {
                let session = world.unlock_on(id, device).await;
                if device == "first" {
                    lost(&session).await;
                }
                for _ in 0..4 {
                    session.sync().await.unwrap();
                }
                session.close().await;
            }
            world
        })
        .await;
    let mara = world.unlock_on(ids[0], DEVICES[0]).await;
    let teo = world.unlock_on(ids[1], DEVICES[1]).await;
    let ren = world.unlock_on(ids[2], DEVICES[2]).await;
    (House { world, mara, teo, ren }, ids)
}

async fn stops(session: &Session, kind: StopKind) {
    let Err(VaultError::Stopped(stop)) = session.sync().await else { panic!() };
    assert_eq!((stop.kind, stop.is_of_the_log()), (kind, true), "{stop:?}");
}

async fn goes_on(session: &Arc<Session>) {
    session.follow_up().await.unwrap();
    assert!(session.with(|org| Ok(org.standing.stop.is_none())).unwrap());
    assert!(session.pull_log().await.unwrap());
    assert_eq!(session.audit_copy().unwrap().unwrap().reset(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_log_is_given_up_by_an_owner_and_everybody_is_told() {
    // Shorter than what was seen, or longer by now and another one.
    for kind in [StopKind::Rollback, StopKind::Fork] {
        let (House { world, mara, teo, ren }, ids) = restored(async |_| {}).await;
        assert!(matches!(mara.propose_new_log().await, Err(VaultError::NothingToSign)));
        stops(&teo, StopKind::Rollback).await;
        if kind == StopKind::Fork {
            for _ in 0..60 {
                assert!(teo.sync().await.is_err(), "it looks for an owner's word, and finds none");
            }
        }
        stops(&mara, kind).await;
        stops(&ren, kind).await;
        let verified = teo.with(|org| Ok(*org.replica.audit())).unwrap();
        for session in [&teo, &ren] {
            assert!(matches!(session.propose_new_log().await, Err(VaultError::NotAllowed)));
        }
        let proposal = mara.propose_new_log().await.unwrap();
        assert_eq!(proposal.links, 1);
        let told: String = proposal.lines.iter().map(|line| line.text.as_str()).collect();
        assert!(
            told.contains("Accepts a new audit log") && !told.contains("another key"),
            "{told}"
        );
        let signed = mara.sign(proposal).await.unwrap();
        goes_on(&mara).await;
        assert!(mara.new_logs().unwrap().is_empty(), "whoever signs it knows of it");

        goes_on(&teo).await;
        let seen = teo.new_logs().unwrap();
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].link, seen[0].by), (signed.first_link, Principal::User(mara.user())));
        assert_eq!((seen[0].verified_here, seen[0].acknowledged), (verified.size, false));
        assert!(!seen[0].differs && !seen[0].new_key);
        goes_on(&ren).await;
        assert!(!ren.new_logs().unwrap()[0].acknowledged);
        ren.acknowledge_new_log(seen[0].link).unwrap();
        let ren = world.reopen(ren, DEVICES[2]).await;
        assert!(ren.new_logs().unwrap()[0].acknowledged);
        let teo = world.reopen(teo, DEVICES[1]).await;
        assert!(!teo.new_logs().unwrap()[0].acknowledged, "it stays until somebody has seen it");

        // Everybody goes on, also one who was not there meanwhile.
        let environments = vec![("prod".to_owned(), EnvClass::Production)];
        mara.create_app("storefront", environments).await.unwrap();
        for session in [&mara, &teo, &ren] {
            goes_on(session).await;
        }
        assert_eq!(ids[0], mara.record().id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hears_of_the_new_log_before_the_old_one_is_missed_is_told_as_well() {
    let (House { world: _world, mara, teo, .. }, _) = restored(async |_| {}).await;
    stops(&mara, StopKind::Rollback).await;
    mara.sign(mara.propose_new_log().await.unwrap()).await.unwrap();
    // Teo's computer was off all the while: it never stopped.
    goes_on(&teo).await;
    assert_eq!(teo.new_logs().unwrap().len(), 1);
    assert!(matches!(mara.propose_new_log().await, Err(VaultError::NothingToSign)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_went_back_too_is_not_given_up() {
    let create = async |session: &Session| {
        let environments = vec![("prod".to_owned(), EnvClass::Production)];
        session.create_app("storefront", environments).await.unwrap();
    };
    let (House { world: _world, mara, .. }, _) = restored(create).await;
    let Err(VaultError::Stopped(stop)) = mara.sync().await else { panic!() };
    assert!(!stop.is_of_the_log(), "{stop:?}");
    let refused = mara.propose_new_log().await.unwrap_err();
    assert!(matches!(refused, VaultError::NotOnlyTheLog), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_went_back_are_not_given_up_either() {
    let rename = async |session: &Session| session.rename_org("Acme and sons").await.unwrap();
    let (House { world: _world, mara, .. }, _) = restored(rename).await;
    let Err(VaultError::Stopped(stop)) = mara.sync().await else { panic!() };
    assert_eq!((stop.kind, stop.is_of_the_log()), (StopKind::Rollback, false));
    assert!(matches!(mara.propose_new_log().await, Err(VaultError::NotOnlyTheLog)));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_were_let_go_before_stay_gone_in_the_new_log() {
    let house = house().await;
    fill(&house.mara, 1_100).await;
    let proposal = house.mara.propose_retention(house.mara.now_ms() + 1).await.unwrap();
    house.mara.sign(proposal).await.unwrap();
    assert!(house.teo.pull_log().await.unwrap());
    let (House { world: _world, mara, teo, ren }, _) = restored_from(house, async |_| {}).await;
    stops(&mara, StopKind::Rollback).await;
    let proposal = mara.propose_new_log().await.unwrap();
    assert_eq!(proposal.links, 2);
    mara.sign(proposal).await.unwrap();
    for session in [&mara, &teo, &ren] {
        goes_on(session).await;
        assert_eq!(session.log_standing().unwrap().base, 1_024);
    }
}
