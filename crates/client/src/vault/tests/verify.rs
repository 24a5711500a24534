//! What a check of the whole log rests on.

use std::sync::Arc;

use strongroom_core::log::AuditCopy;

use super::{House, house};
use crate::vault::StepKind;
use crate::vault::session::hold;

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_the_logs_key_did_not_sign_proves_nothing() {
    let House { world, mara, .. } = house().await;
    mara.sync().await.unwrap();
    mara.pull_log().await.unwrap();
    // Without a server, so that the check has nothing but what is kept.
    let _world = world.server_gone().await;
    assert!(mara.verify_log().await.unwrap().ok);

    let org = mara.current().unwrap();
    let vkey = mara.with(|org| Ok(*org.replica.state().audit_vkey())).unwrap();
    let mut copy = AuditCopy::clone(&mara.audit_copy().unwrap().unwrap());
    let checkpoint = copy.settled().unwrap().checkpoint;
    copy.settle(checkpoint, &checkpoint.note(&vkey, &[7; 64])).unwrap();
    hold(&mara.audits).get_mut(&org).unwrap().log = Some(Arc::new(copy));

    let verified = mara.verify_log().await.unwrap();
    assert!(!verified.ok);
    for kind in [StepKind::Checkpoint, StepKind::Included] {
        let step = verified.steps.iter().find(|step| step.kind == kind).unwrap();
        assert_eq!(step.ok, Some(false), "{kind:?}");
    }
}
