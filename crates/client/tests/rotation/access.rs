//! Changes of access on one computer: staged, kept, reviewed, and signed as one request.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use strongroom_client::api::{Api, TimeLimits};
use strongroom_client::clock::{Clock as _, SystemClock};
use strongroom_client::keyring::MemoryKeyring;
use strongroom_client::profile::{KeepSecretKey, Profile, ServerPlace};
use strongroom_client::vault::{Cost, Creation, Host, Note, Once, Session, VaultError};
use strongroom_core::access::{CellChange, CellState, Subject, TILE};
use strongroom_core::details::EnvClass;
use strongroom_core::team::{Intent, NewInvite, NewToken};
use strongroom_format::id::{EnvId, Principal, UserId};
use strongroom_format::statement::{EnvRight, Rights, Role};
use strongroom_server::{Config, Running};
use tempfile::TempDir;
use tokio::sync::broadcast;

use crate::due::sign;
use crate::world::{PASSPHRASE, World, passphrase};
use crate::{app, stage};

const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1000;

async fn token(session: &Session, name: &str, env: EnvId) -> Principal {
    let before = session.with(|org| Ok(org.replica().state().tokens().clone())).unwrap();
    let rights = vec![EnvRight { env, rights: Rights::READ, not_after: 0 }];
    let new = NewToken { name: name.to_owned(), rights, not_after: 0 };
    sign(session, Intent::TokenIssue(new)).await;
    let after = session.with(|org| Ok(org.replica().state().tokens().clone())).unwrap();
    Principal::Token(*after.keys().find(|token| !before.contains_key(token)).unwrap())
}

fn change(principal: Principal, env: EnvId, rights: Rights) -> CellChange {
    CellChange { principal, env, rights, not_after: 0 }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_staged_survives_locking_and_is_signed_once() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let env = app(&session).await;
    let deploy = token(&session, "deploy", env).await;
    let staged = session.access_stage(&[change(deploy, env, Rights::NONE)]).unwrap();
    assert_eq!((staged.count, staged.loses, staged.keys_replaced), (1, 1, 1));
    assert_eq!(session.access_undo().unwrap().count, 0);
    assert_eq!(session.access_redo().unwrap().count, 1);
    assert_eq!(session.access_discard().unwrap().count, 0);
    assert!(session.access_undo().unwrap().can_redo);

    let vault = session.record().id;
    world.close(session).await;
    let session = world.unlock(vault, PASSPHRASE).await.unwrap();
    let axes = session.access_axes().unwrap();
    assert_eq!((axes.staged.count, axes.staged.can_redo), (1, true));
    assert_eq!(axes.leaving.iter().collect::<Vec<_>>(), [&deploy]);
    let tile = session.access_tile(0, 0).unwrap();
    assert_eq!(tile.version, axes.version);
    assert_eq!(tile.cells.iter().filter(|cell| cell.staged.is_some()).count(), 1);
    let review = session.access_review().unwrap();
    assert_eq!((review.links, review.replaced.as_slice()), (1, &[env][..]));

    sign(&session, Intent::Access(session.access_changes().unwrap())).await;
    assert_eq!(session.access_changes().unwrap(), [], "signed, so not staged any more");
    session.access_clear().unwrap();
    assert!(!session.access_axes().unwrap().staged.can_undo);
    let why = session.access_explain(&deploy, &env).unwrap();
    assert!(why.sentence.contains("revoked by Mara Lind"), "{}", why.sentence);
    assert!(session.rotate(&[env]).await.unwrap()[0].result.is_ok());
}

/// Mara founds and Teo joins with the right to read.
async fn two_people() -> (World, Arc<Session>, Arc<Session>, EnvId) {
    let world = World::start().await;
    let mara = world.create(KeepSecretKey::Keyring).await;
    let env = app(&mara).await;
    stage(&mara, env, None, "API_KEY", "one").unwrap();
    mara.commit_staged(env).await.unwrap();
    let rights = Rights::READ.with(Rights::WRITE);
    let grants = vec![EnvRight { env, rights, not_after: 0 }];
    let new = NewInvite { role: Role::Member, grants, expires_ms: SystemClock.now_ms() + WEEK_MS };
    let signed = sign(&mara, Intent::Invite(new)).await;
    let Some(Once::Invite(invite)) = signed.once else { panic!("an invitation shows its code") };
    let code = mara.invite_code(invite).unwrap().code;
    let teo = world.join(&code, "Teo Varga", None).await.unwrap();
    mara.follow_up().await.unwrap();
    teo.follow_up().await.unwrap();
    mara.follow_up().await.unwrap();
    (world, mara, teo, env)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_see_who_holds_the_key_and_who_lost_it() {
    let (_world, mara, teo, env) = two_people().await;
    let him = Principal::User(teo.user());
    teo.sync().await.unwrap();
    for session in [&mara, &teo] {
        let axes = session.access_axes().unwrap();
        let cell = axes.matrix.cell(&him, &env).unwrap();
        assert_eq!(cell.state, CellState::Key);
        let who = session.who(&Subject::Environment(env)).unwrap();
        assert_eq!(who.rows.len(), 2);
    }
    assert!(!teo.access_axes().unwrap().matrix.columns()[0].can_grant);

    // Both write while one is let go.
    stage(&teo, env, None, "LATE", "x").unwrap();
    mara.access_stage(&[change(him, env, Rights::NONE)]).unwrap();
    sign(&mara, Intent::Access(mara.access_changes().unwrap())).await;
    assert!(mara.rotate(&[env]).await.unwrap()[0].result.is_ok());
    let refused = teo.commit_staged(env).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(teo.staged_total(), 1, "what he had staged is still his to see");
    assert!(teo.rotations().unwrap().is_empty());
    mara.sync().await.unwrap();
    assert!(mara.with(|org| Ok(org.list(env)?.by_name("LATE").is_none())).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_no_key_is_told_so_and_the_others_can_do_it() {
    let (_world, mara, teo, env) = two_people().await;
    let role = Intent::Role { user: teo.user(), role: Role::Admin };
    sign(&mara, role).await;
    let deploy = token(&mara, "deploy", env).await;
    mara.access_stage(&[change(Principal::User(teo.user()), env, Rights::NONE)]).unwrap();
    sign(&mara, Intent::Access(mara.access_changes().unwrap())).await;
    assert!(mara.rotate(&[env]).await.unwrap()[0].result.is_ok());
    // Teo manages and holds no key: he may take the token's right, and not replace the key.
    teo.sync().await.unwrap();
    teo.access_stage(&[change(deploy, env, Rights::NONE)]).unwrap();
    sign(&teo, Intent::Access(teo.access_changes().unwrap())).await;
    let due = teo.rotations().unwrap();
    assert_eq!((due[0].mine, due[0].holders.as_slice()), (false, &[mara.user()][..]));
    let done = teo.rotate(&[env]).await.unwrap();
    assert!(matches!(done[0].result, Err(VaultError::NotAllowed)), "{done:?}");
    mara.sync().await.unwrap();
    assert!(mara.rotate(&[env]).await.unwrap()[0].result.is_ok());
    teo.sync().await.unwrap();
    assert!(teo.rotations().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_principal_that_left_meanwhile_say_so_and_are_not_signed() {
    let (_world, mara, teo, env) = two_people().await;
    let him: UserId = teo.user();
    mara.access_stage(&[change(Principal::User(him), env, Rights::ALL)]).unwrap();
    sign(&teo, Intent::Remove { user: him }).await;
    mara.sync().await.unwrap();
    let cells = mara.access_cells().unwrap();
    assert!(cells[0].refusal.is_some());
    assert_eq!(mara.access_axes().unwrap().staged.impossible, 1);
    let review = mara.access_review().unwrap();
    assert!(review.blocked.unwrap().contains("no longer there"));
    let proposed =
        mara.propose(Intent::Access(mara.access_changes().unwrap()), Note::default()).await;
    assert!(proposed.is_err());
}

/// A server that counts requests, and a vault on it.
struct Counted {
    _folder: TempDir,
    _server: Running,
    ops: SocketAddr,
    session: Arc<Session>,
}

impl Counted {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ops = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut config = Config::embedded(folder.path().join("server"));
        config.ops_bind = Some(ops);
        let server = strongroom_server::start(config).await.unwrap();
        let creation = Creation {
            label: "Work".into(),
            person: "Mara Lind".into(),
            organisation: "Acme".into(),
            sample: false,
            place: ServerPlace::Embedded,
            api: Api::new(server.origin().parse().unwrap(), TimeLimits::default()).unwrap(),
            admission: None,
            keep: KeepSecretKey::Keyring,
            cost: Cost::Test,
        };
        let host = Host {
            profile: Profile::open(Some(folder.path().join("first"))).unwrap(),
            keyring: Arc::new(MemoryKeyring::new()),
            clock: Arc::new(SystemClock),
            notices: broadcast::channel(64).0,
        };
        let session = creation.run(passphrase(PASSPHRASE), host).await.unwrap();
        Self { _folder: folder, _server: server, ops, session }
    }

    fn requests(&self) -> u64 {
        let mut stream = TcpStream::connect(self.ops).unwrap();
        let ask = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(ask).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let line = answer.lines().find(|line| line.starts_with("strongroom_requests_total "));
        line.unwrap().split(' ').nth(1).unwrap().parse().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_cells_are_one_request() {
    let counted = Counted::start().await;
    let session = &counted.session;
    let names: Vec<(String, EnvClass)> =
        (0..20).map(|n| (format!("env-{n}"), EnvClass::Other)).collect();
    session.create_app("many", names).await.unwrap();
    let home = app(session).await;
    let envs: Vec<EnvId> = session
        .with(|org| Ok(org.environments(0)))
        .unwrap()
        .into_iter()
        .map(|env| env.env)
        .filter(|env| *env != home)
        .collect();
    let mut tokens = Vec::new();
    for n in 0..10 {
        tokens.push(token(session, &format!("token-{n}"), home).await);
    }
    let changes: Vec<CellChange> = tokens
        .iter()
        .flat_map(|token| envs.iter().map(|env| change(*token, *env, Rights::READ)))
        .collect();
    assert_eq!(session.access_stage(&changes).unwrap().count, 200);
    let proposal = session
        .propose(Intent::Access(session.access_changes().unwrap()), Note::default())
        .await
        .unwrap();
    assert_eq!(proposal.links, 200);
    let before = counted.requests();
    session.sign(proposal).await.unwrap();
    // One write, and one question whether the log goes on from where it was.
    let asked = counted.requests() - before;
    assert!(asked <= 2, "{asked} requests");
    assert!(session.access_changes().unwrap().is_empty());
    let axes = session.access_axes().unwrap();
    let holds = |token: &Principal, env: &EnvId| {
        axes.matrix.cell(token, env).is_some_and(|cell| cell.state == CellState::Key)
    };
    assert!(tokens.iter().all(|token| envs.iter().all(|env| holds(token, env))));
    assert!(session.access_tile(axes.matrix.rows().len() / TILE, 0).is_ok());
}
