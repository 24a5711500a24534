//! A build with a service token and a lock file, and a leaver finished with a proof, against the real
//! server and with the real program.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken fixture should fail loudly")]

#[path = "../../client/tests/vault/world.rs"]
#[expect(dead_code, reason = "the vault's own tests use all of it")]
mod world;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

use strongroom_client::profile::KeepSecretKey;
use strongroom_client::vault::{Missing, Note, OffboardState, Once, Session, Use, VaultError};
use strongroom_core::details::EnvClass;
use strongroom_core::offboard::Tab;
use strongroom_core::team::{Intent, NewToken};
use strongroom_crypto::safe::ServiceToken;
use strongroom_format::id::{EnvId, Principal, SecretId, TokenId};
use strongroom_format::statement::{EnvRight, Rights};
use strongroom_secret::SecretText;

use world::World;

struct Ci {
    world: World,
    session: Arc<Session>,
    env: EnvId,
    token: TokenId,
    text: String,
    lock: PathBuf,
}

async fn put(session: &Session, env: EnvId, name: &str, value: &str) -> SecretId {
    let row = |org: &mut strongroom_client::vault::OpenOrg| {
        Ok(org.list(env)?.by_name(name).map(|row| row.secret))
    };
    let known = session.with(row).unwrap();
    let value = SecretText::from_string(value.to_owned());
    session.stage_put(env, known, name, Some(value), "").unwrap();
    session.commit_staged(env).await.unwrap();
    session.with(row).unwrap().unwrap()
}

impl Ci {
    async fn start() -> Self {
        let world = World::start().await;
        let session = world.create(KeepSecretKey::Keyring).await;
        let environments = vec![("prod".to_owned(), EnvClass::Production)];
        let app = session.create_app("storefront", environments).await.unwrap();
        let envs = session.with(|org| Ok(org.environments(0))).unwrap();
        let env = envs.iter().find(|env| env.app == app).unwrap().env;
        put(&session, env, "API_KEY", "canary-one").await;
        put(&session, env, "OTHER", "two").await;
        let rights = vec![EnvRight { env, rights: Rights::READ, not_after: 0 }];
        let new = NewToken { name: "ci".into(), rights, not_after: 0 };
        let proposal = session.propose(Intent::TokenIssue(new), Note::default()).await.unwrap();
        let Some(Once::Token(once)) = session.sign(proposal).await.unwrap().once else {
            panic!("a token is shown once")
        };
        let text = once.text.lend(str::to_owned);
        let token = ServiceToken::parse(&text).unwrap().id();
        let lock = world.folder().join("strongroom.lock");
        let ci = Self { world, session, env, token, text, lock };
        ci.save_lock();
        ci
    }

    fn save_lock(&self) {
        std::fs::write(&self.lock, self.session.lock_file().unwrap()).unwrap();
    }

    fn program(&self, arguments: &[&str]) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        program.args(arguments).env("STRONGROOM_TOKEN", &self.text).env("API_KEY", "of the caller");
        program.current_dir(self.world.folder()).output().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        tokio::task::block_in_place(|| self.program(arguments))
    }

    fn who(&self) -> Principal {
        Principal::Token(self.token)
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    assert!(!String::from_utf8_lossy(&output.stderr).contains("canary"), "no secret is said");
    output.status.code().unwrap()
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_build_gets_its_secrets_and_nothing_else() {
    let ci = Ci::start().await;
    let shell = r#"printf '%s %s [%s]' "$API_KEY" "$OTHER" "$STRONGROOM_TOKEN""#;
    let run = ["run", "--locked", "--max-age", "1h", "--", "sh", "-c", shell];
    let output = ci.run(&run);
    assert_eq!((code(&output), out(&output).as_str()), (0, "canary-one two []"), "{output:?}");
    let output = ci.run(&["run", "--", "sh", "-c", "exit 7"]);
    assert_eq!(code(&output), 7, "the command's own code");
    assert_eq!(code(&ci.run(&["run", "--", "no-such-command-here"])), 127);
    assert_eq!(out(&ci.run(&["get", "API_KEY"])), "canary-one");
    assert_eq!(code(&ci.run(&["get", "NO_SUCH"])), 123);
    assert_eq!(code(&ci.run(&["lock", "check"])), 0);
    let unknown = format!("--env={}", EnvId([9; 16]));
    assert_eq!(code(&ci.run(&["run", &unknown, "--", "true"])), 123);

    ci.session.sync().await.unwrap();
    ci.session.pull_log().await.unwrap();
    let secret =
        ci.session.with(|org| Ok(org.list(ci.env)?.by_name("API_KEY").unwrap().secret)).unwrap();
    let uses =
        ci.session.facts(|facts| (facts.uses(&ci.who(), &ci.env, &secret), facts.doubtful()));
    let (uses, doubtful) = uses.unwrap().unwrap();
    assert!(uses.last(Use::Injected).is_some() && uses.last(Use::Exported).is_some());
    assert_eq!(doubtful, 0);

    // A name that would run code, written by somebody who may.
    put(&ci.session, ci.env, "LD_PRELOAD", "/tmp/evil.so").await;
    let output = ci.run(&["run", "--", "true"]);
    assert_eq!(code(&output), 124);
    assert!(String::from_utf8_lossy(&output.stderr).contains("LD_PRELOAD"));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_build_refuses_what_lies_below_or_beside_its_lock_file() {
    let mut ci = Ci::start().await;
    let text = std::fs::read_to_string(&ci.lock).unwrap();
    let own = format!("env {} ", ci.env);
    let forked = |line: &str| {
        if line.starts_with(&own) { with_zero_head(line) } else { line.to_owned() }
    };
    let forked: Vec<String> = text.lines().map(forked).chain([String::new()]).collect();
    // A link that does not exist yet, another head of the chain, another one of the environment.
    let link = text.lines().find(|line| line.starts_with("link ")).unwrap();
    for other in [
        text.replacen("link ", "link 9", 1),
        text.replace(link, &with_zero_head(link)),
        forked.join("\n"),
    ] {
        std::fs::write(&ci.lock, other).unwrap();
        assert_eq!(code(&ci.run(&["run", "--", "true"])), 121);
    }
    std::fs::write(&ci.lock, text.replace("env env_", "env ENV_")).unwrap();
    assert_eq!(code(&ci.run(&["run", "--", "true"])), 2);
    std::fs::remove_file(&ci.lock).unwrap();
    assert_eq!(code(&ci.run(&["run", "--", "true"])), 2);

    // Begun with nothing but the id, and raised.
    let (server, org) = (ci.session.lock_file().unwrap(), ci.session.current().unwrap());
    let server = server.lines().find_map(|line| line.strip_prefix("server ")).unwrap().to_owned();
    let org = org.to_string();
    let begun = ci.run(&["lock", "init", "--server", &server, "--org", &org]);
    assert_eq!(code(&begun), 0, "{begun:?}");
    let first = std::fs::read_to_string(&ci.lock).unwrap();
    put(&ci.session, ci.env, "NEWER", "x").await;
    assert_eq!(code(&ci.run(&["lock", "update"])), 0);
    let raised = std::fs::read_to_string(&ci.lock).unwrap();
    assert_ne!(first, raised);

    // The server goes back to before: to whoever holds the newer file it is of no use.
    let Ci { world, session, env, token, text, lock } = ci;
    let id = session.record().id;
    world.close(session).await;
    let world = world
        .restart_server_from_backup_after(async |world: World| {
            let session = world.unlock(id, world::PASSPHRASE).await.unwrap();
            put(&session, env, "NEWEST", "y").await;
            std::fs::write(world.folder().join("strongroom.lock"), session.lock_file().unwrap())
                .unwrap();
            world.close(session).await;
            world
        })
        .await;
    let session = world.unlock(id, world::PASSPHRASE).await.unwrap();
    ci = Ci { world, session, env, token, text, lock };
    let newer = std::fs::read_to_string(&ci.lock).unwrap();
    let moved = ci.session.lock_file().unwrap();
    let server = moved.lines().find(|line| line.starts_with("server ")).unwrap();
    let stale = newer.lines().find(|line| line.starts_with("server ")).unwrap();
    std::fs::write(&ci.lock, newer.replace(stale, server)).unwrap();
    assert_eq!(code(&ci.run(&["run", "--", "true"])), 121);
}

fn with_zero_head(line: &str) -> String {
    let zero = |word: &str| if word.len() == 64 { "0".repeat(64) } else { word.to_owned() };
    line.split(' ').map(zero).collect::<Vec<_>>().join(" ")
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_leaver_is_finished_with_a_proof() {
    let ci = Ci::start().await;
    assert_eq!(out(&ci.run(&["get", "API_KEY"])), "canary-one");
    assert_eq!(code(&ci.run(&["get", "OTHER"])), 0);
    let revoke = Intent::TokenRevoke { token: ci.token };
    let proposal = ci.session.propose(revoke, Note::default()).await.unwrap();
    let signed = ci.session.sign(proposal).await.unwrap();
    assert_eq!(code(&ci.run(&["get", "API_KEY"])), 120, "in the same second");

    ci.session.pull_log().await.unwrap();
    let info = ci.session.offboard_view(ci.who()).unwrap();
    assert_eq!(info.state, OffboardState::Running);
    assert_eq!((info.could_read, info.rotate, info.settled), (2, 2, 0));
    for done in ci.session.rotate(&signed.due).await.unwrap() {
        done.result.unwrap();
    }
    assert_eq!(ci.session.offboard_view(ci.who()).unwrap().state, OffboardState::Queue);
    let early = ci.session.offboard_certificate(ci.who()).await;
    let Err(VaultError::NotFinished(missing)) = early else { panic!("{early:?}") };
    assert_eq!(missing, [Missing::Open(2)]);

    // One value is written anew, the other was replaced elsewhere, as somebody says.
    put(&ci.session, ci.env, "API_KEY", "canary-new").await;
    let (total, rows) = ci.session.offboard_rows(ci.who(), Tab::Rotate, 0, 10).unwrap();
    assert_eq!((total, rows.len()), (2, 2));
    let other = rows.iter().find(|row| row.name == "OTHER").unwrap();
    assert_eq!(other.place, "storefront / prod");
    ci.session.offboard_tick(&[(ci.env, other.value.secret)], true).unwrap();
    let info = ci.session.offboard_view(ci.who()).unwrap();
    assert_eq!((info.state, info.settled), (OffboardState::Done, 2), "seen before it is sent");
    assert!(ci.session.offboard_csv(ci.who()).unwrap().contains("\"OTHER\",\"storefront / prod\""));
    let written = ci.session.offboard_certificate(ci.who()).await.unwrap();
    assert!(written.page.contains("storefront / prod"));

    let path = ci.world.folder().join("ci.strongroom-certificate");
    std::fs::write(&path, &written.file).unwrap();
    let name = path.to_str().unwrap();
    let judged = ci.run(&["verify", name]);
    assert_eq!(code(&judged), 0, "{judged:?}");
    assert!(out(&judged).starts_with("The certificate holds."));
    let mut changed = written.file;
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&path, &changed).unwrap();
    let judged = ci.run(&["verify", name]);
    assert_eq!((code(&judged), out(&judged).starts_with("Refused:")), (1, true));
}
