use strongroom_core::log::Verdict;
use strongroom_format::event::{Detail, EventKind};
use strongroom_format::statement::Role;

use super::{DAY, House, house, join};
use crate::vault::VaultError;
use crate::vault::session::Session;

/// Fills the log with entries that say nothing about any value.
pub(super) async fn fill(session: &Session, times: u64) {
    let said = |number| Detail { number, ..Detail::status(0) };
    session.note_acts(EventKind::Denied, &(0..times).map(said).collect::<Vec<_>>()).unwrap();
    session.sync().await.unwrap();
    assert_eq!(session.acts_waiting().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_lets_old_entries_go_and_everybody_can_still_prove_the_rest() {
    let House { world, mara, teo, ren } = house().await;
    fill(&mara, 1_100).await;
    assert!(teo.pull_log().await.unwrap());
    let noon = mara.now_ms() + DAY.unsigned_abs() / 2;
    for machine in ["first", "Teo Varga", "Ren Okafor", "Noa Brandt", "server"] {
        world.clock(machine).set(DAY);
    }
    fill(&mara, 1_100).await;
    for session in [&teo, &ren] {
        let refused = session.propose_retention(noon).await;
        assert!(matches!(refused, Err(VaultError::NotAllowed)));
    }
    let nothing = mara.propose_retention(noon - DAY.unsigned_abs()).await;
    assert!(matches!(nothing, Err(VaultError::NothingToSign)));
    let proposal = mara.propose_retention(noon).await.unwrap();
    assert!(proposal.lines[0].text.contains("1,024 entries"), "{:?}", proposal.lines);
    mara.sign(proposal).await.unwrap();
    let again = mara.propose_retention(noon).await;
    assert!(matches!(again, Err(VaultError::NothingToSign)));

    let noa = join(&world, &mara, "Noa Brandt", Role::Reviewer).await;
    for session in [&mara, &teo, &ren, &noa] {
        session.follow_up().await.unwrap();
        assert!(session.pull_log().await.unwrap());
        let standing = session.log_standing().unwrap();
        assert_eq!(standing.base, 1_024);
        assert!(matches!(session.log_entry(1_023), Err(VaultError::NotFound)));
        session.log_entry(1_024).unwrap();
        session.log_entry(standing.size - 1).unwrap();
        let verdicts = session.with_log(|log| {
            let rows = (0..log.index.len()).map(|row| log.index.row(row).unwrap().verdict);
            rows.collect::<Vec<_>>()
        });
        let verdicts = verdicts.unwrap().unwrap();
        assert_eq!(verdicts.len() as u64, standing.size - 1_024);
        assert!(verdicts.contains(&Verdict::Signed));
        assert!(!verdicts.contains(&Verdict::Gap), "what was let go is no gap");
        session.sync().await.unwrap();
    }
}
