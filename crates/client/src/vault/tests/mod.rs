//! What no client would do by itself, done by one: that is only possible from inside.

#[path = "../../../tests/vault/world.rs"]
#[expect(dead_code, reason = "the vault's own tests use all of it")]
mod world;

mod anchors;
mod new_logs;
mod receipts;
mod retention;
mod verify;
mod witness;

use std::sync::Arc;

use strongroom_core::team::{Intent, NewInvite};
use strongroom_format::statement::Role;

use super::propose::{Note, Once};
use super::session::Session;
use crate::profile::KeepSecretKey;
use world::World;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// Mara founds; Teo is a member, and Ren a reviewer.
struct House {
    world: World,
    mara: Arc<Session>,
    teo: Arc<Session>,
    ren: Arc<Session>,
}

async fn house() -> House {
    let world = World::start().await;
    let mara = world.create(KeepSecretKey::Keyring).await;
    let teo = join(&world, &mara, "Teo Varga", Role::Member).await;
    let ren = join(&world, &mara, "Ren Okafor", Role::Reviewer).await;
    House { world, mara, teo, ren }
}

async fn join(world: &World, owner: &Session, name: &str, role: Role) -> Arc<Session> {
    let expires_ms = owner.now_ms() + DAY.unsigned_abs();
    let new = NewInvite { role, grants: Vec::new(), expires_ms };
    let note = Note { label: name.to_owned(), resets: None };
    let proposal = owner.propose(Intent::Invite(new), note).await.unwrap();
    let Some(Once::Invite(invite)) = owner.sign(proposal).await.unwrap().once else { panic!() };
    let code = owner.invite_code(invite).unwrap().code;
    let session = world.join(&code, name, None).await.unwrap();
    owner.follow_up().await.unwrap();
    session.follow_up().await.unwrap();
    session
}
