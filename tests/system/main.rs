//! The real client against a server that lies (docs/threat-model.md).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken fixture should fail loudly"
)]

mod audit;
mod coverage;
mod downgrade;
mod escrow;
mod honest;
mod integrity;
mod others;
mod policies;
mod scenario;
mod sharing;
mod team_house;
mod world;

use world::House;

#[tokio::test(flavor = "multi_thread")]
async fn the_honest_story_looks_the_same_from_every_device() {
    let house = House::new().await;
    for (situation, mut device) in house.devices() {
        device.open().await.unwrap_or_else(|error| panic!("{situation}: {error}"));
        assert_eq!(&device.see(), house.truth(), "{situation}");
    }
}

/// A commit names the chain its author saw. The honest server takes none that looks away from what
/// happened since: the client learns of it, and writes anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_by_somebody_who_has_not_seen_the_newest_link_is_written_anew() {
    let house = House::new().await;
    let mut other = house.device.at(&house.pinned);
    other.open().await.unwrap();
    let envs = vec![("late".to_owned(), strongroom_core::details::EnvClass::Other)];
    other.session().create_app("another", envs).await.unwrap();
    house.evil.forget();
    house.device.put("prod", "STRIPE_KEY", "sk_three").await.unwrap();
    let answers: Vec<u16> = house
        .evil
        .traffic()
        .iter()
        .filter(|exchange| exchange.request.is("POST", "/write"))
        .map(|exchange| exchange.answer.status)
        .collect();
    assert_eq!(answers, [409, 200]);
    assert_eq!(house.device.see()["prod"]["STRIPE_KEY"], "sk_three");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_honest_story_of_a_team_looks_the_same_in_every_situation() {
    let team = team_house::Team::new().await;
    team.tell(|_, _| {}).await.without_effect();
}
