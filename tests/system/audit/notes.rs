//! Rows I07 and I08: checkpoints of another log, and notes that are none.

use strongroom_evil_server::{foreign_notes, signed};
use strongroom_format::note::Checkpoint;

use super::house::{ENTRIES, LogHouse};

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i07_origin_no_checkpoint_of_another_log_is_taken() {
    let house = LogHouse::new().await;
    let checkpoint = house.log.checkpoint(ENTRIES);
    let strange = [
        ("a root that was not signed", Checkpoint { root: [9; 32], ..checkpoint }),
        ("a size that was not signed", Checkpoint { size: ENTRIES + 1, ..checkpoint }),
    ];
    let honest = house.log.note(ENTRIES);
    let signature: [u8; 64] = {
        let key = house.log.key().verifying_key().to_bytes();
        Checkpoint::parse(&honest, &checkpoint.org, 0, &key).unwrap().1
    };
    let key = house.log.key().verifying_key().to_bytes();
    let mut notes: Vec<(&str, String)> =
        strange.iter().map(|(what, other)| (*what, other.note(&key, &signature))).collect();
    notes.push(("a signature of zeros", checkpoint.note(&key, &[0; 64])));
    let other_key = Checkpoint { root: [9; 32], ..checkpoint };
    notes.push(("another root for the same size", signed(&other_key, house.log.key())));
    for (what, note) in notes {
        house.refuses_note(what, &note).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i08_malformed_no_note_in_another_spelling_is_taken() {
    let house = LogHouse::new().await;
    let checkpoint = house.log.checkpoint(ENTRIES);
    for (what, note) in foreign_notes(&checkpoint, house.log.key()) {
        house.refuses_note(what, &note).await;
    }
}
