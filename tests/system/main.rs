//! The real client against a server that lies (docs/threat-model.md).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken fixture should fail loudly"
)]

mod coverage;
mod downgrade;
mod honest;
mod integrity;
mod others;
mod scenario;
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
