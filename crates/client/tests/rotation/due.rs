//! Makes a data key due: a token is issued and revoked.

use strongroom_client::vault::{Note, Once, Session, Signed};
use strongroom_core::team::{Intent, NewToken};
use strongroom_format::id::{EnvId, Principal};
use strongroom_format::statement::{EnvRight, Rights};

pub(crate) async fn sign(session: &Session, intent: Intent) -> Signed {
    let proposal = session.propose(intent, Note::default()).await.unwrap();
    session.sign(proposal).await.unwrap()
}

/// Issues a token that reads `env`, and revokes it.
pub(crate) async fn make_due(session: &Session, env: EnvId) {
    let rights = vec![EnvRight { env, rights: Rights::READ, not_after: 0 }];
    let new = NewToken { name: "deploy".to_owned(), rights, not_after: 0 };
    let signed = sign(session, Intent::TokenIssue(new)).await;
    assert!(matches!(signed.once, Some(Once::Token(_))));
    let readers = session.with(|org| Ok(org.readers(&env, 0))).unwrap();
    let token = readers.into_iter().find_map(|reader| match reader {
        Principal::Token(token) => Some(token),
        _ => None,
    });
    let signed = sign(session, Intent::TokenRevoke { token: token.unwrap() }).await;
    assert_eq!(signed.due, [env]);
}
