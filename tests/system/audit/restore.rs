//! Row I09: an honest restore from a backup, which looks like an attack.

use strongroom_client::vault::{RootMatch, StopKind, VaultError};
use strongroom_core::log::Use;

use super::house::{read_on, stopped};
use crate::team_house::Team;
use crate::world::Device;

/// Somebody looks at a value, and the server writes that down.
async fn looks(device: &Device) {
    let (env, secret) = (device.env("prod"), device.secret("prod", "STRIPE_KEY"));
    device.session().note(Use::Revealed, env, &[secret]).unwrap();
    device.session().sync().await.unwrap();
    device.session().sync().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i09_restore_drill_a_log_that_went_back_goes_on_by_an_owners_word() {
    let team = Team::new().await;
    let (mara, teo) = (&team.mara, &team.teo);
    for device in [mara, teo] {
        device.session().sync().await.unwrap();
    }
    let backup = team.honest.backup().await;
    // What only the log knows of, and the backup does not.
    for device in [mara, teo] {
        looks(device).await;
        read_on(device).await.unwrap();
    }
    team.honest.restore(&backup).await;

    // Nobody can tell it from an attack: everybody stops, and nothing is written.
    for device in [mara, teo] {
        let stop = stopped("the restored log", device.session().sync().await);
        assert_eq!(stop.kind, StopKind::Rollback);
        let written = device.put("prod", "STRIPE_KEY", "sk_three").await;
        assert!(matches!(written, Err(VaultError::Stopped(_))), "{written:?}");
    }
    let refused = teo.session().propose_new_log().await.map(drop);
    assert!(matches!(refused, Err(VaultError::NotAllowed)), "no owner: {refused:?}");
    stopped("still the restored log", teo.session().sync().await);

    // The owner knows of the restore and says so.
    let verified = mara.session().root_shown(None).unwrap();
    let proposal = mara.session().propose_new_log().await.unwrap();
    mara.session().sign(proposal).await.unwrap();
    mara.session().sync().await.unwrap();
    mara.put("prod", "STRIPE_KEY", "sk_three").await.unwrap();

    // Everybody goes on, and everybody is told what was given up.
    teo.session().sync().await.unwrap();
    assert_eq!(teo.see()["prod"]["STRIPE_KEY"], "sk_three");
    let told = teo.session().new_logs().unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].by, mara.session().with(|org| Ok(org.replica().principal())).unwrap());
    assert!(!told[0].acknowledged && !told[0].new_key, "{told:?}");
    assert!((1..=verified.size).contains(&told[0].size), "{told:?}");
    teo.session().acknowledge_new_log(told[0].link).unwrap();
    assert!(teo.session().new_logs().unwrap()[0].acknowledged);

    // The new log is one again: what is done now is in it, and both have the same.
    for device in [mara, teo] {
        looks(device).await;
        read_on(device).await.unwrap();
        let verified = device.session().verify_log().await.unwrap();
        assert!(verified.ok && verified.bad.is_none(), "{verified:?}");
    }
    let shown = teo.session().root_shown(None).unwrap();
    read_on(mara).await.unwrap();
    let line = format!("{} {}", shown.size, shown.code);
    assert_eq!(mara.session().root_compare(&line).unwrap(), RootMatch::Same);

    // Going back once more stops once more.
    let later = team.honest.backup().await;
    looks(mara).await;
    read_on(mara).await.unwrap();
    team.honest.restore(&later).await;
    stopped("restored again", mara.session().sync().await);
}
