//! A rotation that is cut off: at every point where it waits, and by killing the process.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use strongroom_client::api::{Api, TimeLimits};
use strongroom_client::clock::SystemClock;
use strongroom_client::keyring::Ask;
use strongroom_client::profile::{KeepSecretKey, Profile, VaultId};
use strongroom_client::vault::{Host, SecretKeySource, Session, unlock};
use strongroom_format::id::EnvId;
use tokio::sync::broadcast;

use crate::due::make_due;
use crate::world::{PASSPHRASE, World, passphrase};
use crate::{app, due_world, stage, value_of};

/// Polls a future a few times and then lets it fall.
struct AtMost<F>(Pin<Box<F>>, usize);

impl<F: Future> Future for AtMost<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.1 == 0 {
            return Poll::Ready(None);
        }
        self.1 -= 1;
        self.0.as_mut().poll(cx).map(Some)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_dropped_wherever_it_waits_is_either_done_or_still_due() {
    let (world, mut session, env) = due_world(5).await;
    let vault = session.record().id;
    let (mut polls, mut cut_off) = (1, 0);
    loop {
        let done = AtMost(Box::pin(session.rotate(&[env])), polls).await;
        if done.is_none() {
            cut_off += 1;
        }
        // The process is gone: what it knew is what it had kept.
        world.close(session).await;
        session = world.unlock(vault, PASSPHRASE).await.unwrap();
        session.sync().await.unwrap();
        for n in 0..5 {
            assert_eq!(value_of(&session, env, &format!("KEY_{n}")), format!("value {n}"));
        }
        if done.is_some() {
            break;
        }
        if session.rotations().unwrap().is_empty() {
            make_due(&session, env).await;
        }
        polls += 1;
    }
    assert!(session.rotations().unwrap().is_empty());
    assert!(cut_off >= 2, "it waits for its own work and for the server: {cut_off}");
    stage(&session, env, None, "AFTER", "x").unwrap();
    session.commit_staged(env).await.unwrap();
}

const FOLDER: &str = "STRONGROOM_TEST_FOLDER";
const ORIGIN: &str = "STRONGROOM_TEST_ORIGIN";
const VAULT: &str = "STRONGROOM_TEST_VAULT";
const ENV: &str = "STRONGROOM_TEST_ENV";

/// What the killed process does; by itself, without being told where, nothing.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let told = |name| std::env::var(name).unwrap();
    let (vault, env): (VaultId, EnvId) = (told(VAULT).parse().unwrap(), told(ENV).parse().unwrap());
    let session = open(PathBuf::from(folder), &told(ORIGIN), vault).await;
    session.rotate(&[env]).await.unwrap();
}

async fn open(folder: PathBuf, origin: &str, vault: VaultId) -> Arc<Session> {
    let host = Host {
        profile: Profile::open(Some(folder)).unwrap(),
        keyring: Arc::new(Ask),
        clock: Arc::new(SystemClock),
        notices: broadcast::channel(64).0,
    };
    let api = Api::new(origin.parse().unwrap(), TimeLimits::default()).unwrap();
    unlock(vault, passphrase(PASSPHRASE), SecretKeySource::Kept, api, host).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_while_it_rotates_leaves_a_vault_that_reads_and_rotates() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::File).await;
    let env = app(&session).await;
    for n in 0..400 {
        stage(&session, env, None, &format!("KEY_{n}"), &format!("value {n}")).unwrap();
    }
    session.commit_staged(env).await.unwrap();
    make_due(&session, env).await;
    let vault = session.record().id;
    world.close(session).await;
    let (mut done, mut killed) = (0, 0);
    for round in 0..8u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["killed::child", "--exact", "--nocapture"])
            .env(FOLDER, world.folder().join("first"))
            .env(ORIGIN, world.api().origin().to_string())
            .env(VAULT, vault.to_string())
            .env(ENV, env.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(20 + 60 * round)).await;
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "round {round}");
        } else {
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
        }
        let first = world.folder().join("first");
        let session = open(first, &world.api().origin().to_string(), vault).await;
        session.sync().await.unwrap();
        assert_eq!(value_of(&session, env, "KEY_399"), "value 399");
        if session.rotations().unwrap().is_empty() {
            done += 1;
            make_due(&session, env).await;
        }
        world.close(session).await;
    }
    assert!(killed > 0, "no process was caught while it worked");
    let first = world.folder().join("first");
    let session = open(first, &world.api().origin().to_string(), vault).await;
    let last = session.rotate(&[env]).await.unwrap();
    assert!(last[0].result.is_ok(), "{done} before: {:?}", last[0].result);
    assert!(session.rotations().unwrap().is_empty());
}
