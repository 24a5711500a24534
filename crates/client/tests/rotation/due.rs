//! Makes a data key due: a token is issued and revoked, straight at the server.

use std::sync::Arc;

use strongroom_client::api::{CannotSign, SignIn};
use strongroom_client::vault::Session;
use strongroom_core::pen::Pen;
use strongroom_core::replica::Me;
use strongroom_core::team::{Intent, NewToken, Plan};
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::id::{EnvId, Principal, UserId};
use strongroom_format::statement::{EnvRight, Rights};
use strongroom_format::wire::SignInKey;

use crate::world::World;

struct Signer(Arc<Me>);

impl SignIn for Signer {
    fn user(&self) -> UserId {
        let Principal::User(user) = self.0.principal else { panic!("a person signs in") };
        user
    }

    fn key(&self) -> SignInKey {
        SignInKey::Identity
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CannotSign> {
        Ok(self.0.keyset.isk.sign(message))
    }
}

/// Does at the server what `intent` says, as the person of `session`, and syncs.
pub(crate) async fn carry_out(world: &World, session: &Session, intent: Intent) -> Plan {
    session.sync().await.unwrap();
    let replica = session.with(|org| Ok(org.replica().clone())).unwrap();
    let now = replica.state().time_ms() + 1;
    let mut entropy = OsEntropy;
    let plan = Plan::make(&replica, intent, &mut entropy, now).unwrap();
    let mut pen = Pen::new(&replica, &mut entropy, now);
    pen.carry_out(&plan).unwrap();
    let (_, batch) = pen.finish();
    let api = world.api();
    api.sign_in_as(Arc::new(Signer(Arc::clone(replica.me())))).await;
    api.write(&replica.state().org(), &batch).await.unwrap();
    session.sync().await.unwrap();
    plan
}

/// Issues a token that reads `env`, and revokes it.
pub(crate) async fn make_due(world: &World, session: &Session, env: EnvId) {
    let rights = vec![EnvRight { env, rights: Rights::READ, not_after: 0 }];
    let new = NewToken { name: "deploy".to_owned(), rights, not_after: 0 };
    let plan = carry_out(world, session, Intent::TokenIssue(new)).await;
    let token = plan.token().unwrap().id();
    carry_out(world, session, Intent::TokenRevoke { token }).await;
}
