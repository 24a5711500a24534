//! Three people work while the server drops, replays, reorders, forks, rolls back and swaps; former
//! members and tokens help it with their keys. After every act the guarantees G1 to G8 of
//! docs/threat-model.md are held against what really happened (`truth.rs`), as far as they can be
//! said without a network: every object that a device accepted was signed by somebody who might, and
//! nothing that it saw is ever another thing or gone.
//!
//! `MODEL_SEQUENCES` says how many sequences are tried, `MODEL_SEED` where they begin
//! (`scripts/model` tries 100,000 from a new seed).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken fixture should fail loudly"
)]

mod accomplice;
mod device;
mod server;
mod table;
mod truth;
mod world;

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use strongroom_format::id::{EnvId, Principal};
use strongroom_format::statement::{Rights, Role};

use device::Device;
use server::Lie;
use truth::Truth;
use world::{MARK, MOST, Taking, World};

const SEQUENCES: u32 = 2_000;
/// The longest sequence of acts.
const ACTS: usize = 24;

/// One act: by whom, what, and two numbers that choose where.
#[derive(Debug, Clone, Copy)]
struct Act {
    who: usize,
    what: What,
    x: usize,
    y: usize,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Commit,
    Grant,
    Revoke,
    Rotate,
    Role,
    Remove,
    Admit,
    Issue,
    RevokeToken,
    Tighten,
    Sync,
    Lie(Lie),
    Fork,
    Switch,
    Take(Taking),
    SlipIn,
    Overreach,
    Reinstall,
}

impl What {
    fn is_honest(self) -> bool {
        use What::{
            Admit, Commit, Grant, Issue, Remove, Revoke, RevokeToken, Role, Rotate, Tighten,
        };
        matches!(
            self,
            Commit
                | Grant
                | Revoke
                | Rotate
                | Role
                | Remove
                | Admit
                | Issue
                | RevokeToken
                | Tighten
        )
    }
}

fn honest() -> impl Strategy<Value = What> {
    prop_oneof![
        6 => Just(What::Commit),
        3 => Just(What::Grant),
        3 => Just(What::Revoke),
        2 => Just(What::Rotate),
        1 => Just(What::Role),
        1 => Just(What::Remove),
        2 => Just(What::Admit),
        2 => Just(What::Issue),
        1 => Just(What::RevokeToken),
        1 => Just(What::Tighten),
        8 => Just(What::Sync),
    ]
}

fn hostile() -> impl Strategy<Value = What> {
    prop_oneof![
        10 => proptest::sample::select(Lie::ALL.to_vec()).prop_map(What::Lie),
        2 => Just(What::Fork),
        2 => Just(What::Switch),
        2 => proptest::sample::select(vec![Taking::Forgets, Taking::Keeps, Taking::Blindly])
            .prop_map(What::Take),
        5 => Just(What::SlipIn),
        3 => Just(What::Overreach),
        2 => Just(What::Reinstall),
    ]
}

fn act(what: impl Strategy<Value = What>) -> impl Strategy<Value = Act> {
    (0..MOST, what, 0..64usize, 0..64usize).prop_map(|(who, what, x, y)| Act { who, what, x, y })
}

/// One in four servers is honest, so that it also shows that nobody is refused without a reason.
fn sequence() -> impl Strategy<Value = Vec<Act>> {
    let mixed = prop_oneof![3 => honest().boxed(), 2 => hostile().boxed()];
    prop_oneof![
        1 => proptest::collection::vec(act(honest()), 1..=ACTS).boxed(),
        3 => proptest::collection::vec(act(mixed), 1..=ACTS).boxed(),
    ]
}

/// How often each kind of act did something, and each kind of lie was refused.
static COUNTS: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());

fn count(what: &str, n: u32) {
    *COUNTS.lock().unwrap().entry(what.to_owned()).or_default() += n;
}

static BEGINNING: LazyLock<Mutex<World>> = LazyLock::new(|| Mutex::new(World::new()));

fn run(acts: &[Act]) {
    let mut world = BEGINNING.lock().unwrap().clone();
    for act in acts {
        let done = step(&mut world, *act);
        if done {
            let name = format!("{:?}", act.what);
            count(name.split('(').next().unwrap_or_default(), 1);
        }
    }
    // Everybody looks once more.
    for who in 0..world.people.len() {
        if !world.people[who].gone {
            drop(world.sync(who, "last look", |_| {}));
        }
    }
    for (what, n) in &world.refused {
        count(&format!("refused: {what}"), *n);
    }
    end(&world);
}

/// Whether the act did something.
fn step(world: &mut World, act: Act) -> bool {
    let Act { who, what, x, y } = act;
    let people = world.people.len();
    let who = who % people;
    // Whoever writes mostly looks first; who does not may be too late.
    if what.is_honest() && x % 8 != 0 && !world.people[who].gone {
        drop(world.sync(who, "plain", |_| {}));
    }
    let state = world.people[who].replica.state();
    let envs: Vec<EnvId> = world.truth.data_envs(&state.head());
    let env = envs[x % envs.len()];
    let rights = rights(y);
    let other = (who + 1 + x % (people - 1)) % people;
    // The owner keeps what it has: somebody must be able to go on.
    let target = other.max(1);
    match what {
        What::Commit => world.commit(who, env, 1 + y % 3, x),
        What::Grant => {
            let to = anybody(world, target, y);
            world.grant(who, env, to, rights)
        }
        What::Revoke => {
            let from = anybody(world, target, y);
            world.revoke(who, env, from, x % 3 > 0)
        }
        What::Rotate => world.rotate(who, env),
        What::Role => world.role(who, target, [Role::Admin, Role::Member, Role::Reviewer][y % 3]),
        What::Remove => world.remove(who, target, x % 3 > 0),
        What::Admit => world.admit(who, if y % 4 == 0 { Role::Admin } else { Role::Member }),
        What::Issue => world.issue(who, env, rights),
        What::RevokeToken => world.revoke_token(who, y),
        What::Tighten => world.tighten(who),
        _ if world.people[who].gone => false,
        What::Sync => world.sync(who, "plain", |_| {}).is_ok(),
        What::Lie(lie) => {
            // A lie about what the device has not seen yet, mostly.
            if x % 4 > 0 && !world.people[0].gone && who != 0 {
                drop(world.sync(0, "plain", |_| {}));
                let new =
                    if y % 2 == 0 { world.rotate(0, env) } else { world.commit(0, env, 2, x) };
                count("Lie about something new", u32::from(new));
            }
            world.lie(who, lie, x, y);
            true
        }
        What::Fork => {
            world.fork(who);
            true
        }
        What::Switch => {
            world.switch(who, y);
            true
        }
        What::Take(taking) => {
            world.taking = taking;
            true
        }
        What::SlipIn => {
            world.slip_in(who, x, y);
            true
        }
        What::Overreach => {
            world.overreach(who, x, y);
            true
        }
        What::Reinstall => {
            let lie = Lie::ALL[x % Lie::ALL.len()];
            let lies = y % 2 == 0;
            world.lied |= lies;
            let other = world.branches[y % world.branches.len()].clone();
            world.reinstall(
                who,
                |view| {
                    if lies {
                        lie.tell(view, &other, x, y);
                    }
                },
                y % 3 > 0,
            );
            true
        }
    }
}

fn rights(n: usize) -> Rights {
    match n % 4 {
        0 => Rights::READ,
        1 => Rights::READ.with(Rights::WRITE),
        2 => Rights::ALL,
        _ => Rights::READ.with(Rights::GRANT),
    }
}

/// A person, or sometimes a token.
fn anybody(world: &World, person: usize, n: usize) -> Principal {
    match world.tokens.get(n / 4 % 3) {
        Some(token) if n.is_multiple_of(3) => token.who(),
        _ => world.people[person].who(),
    }
}

/// What can only be asked at the end: what the server knows, and what it could do with the keys of
/// everybody who was ever there.
fn end(world: &World) {
    let readers = memchr::memmem::Finder::new(MARK);
    for ledger in &world.branches {
        assert!(ledger.bytes().all(|bytes| readers.find(bytes).is_none()), "G1: a value in clear");
        let everybody = world.people.iter().chain(&world.tokens).chain(&world.former);
        everybody.for_each(|device: &Device| Truth::judge_collusion(device, ledger));
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn whatever_the_server_does_the_guarantees_hold() {
    let sequences = number("MODEL_SEQUENCES").map_or(SEQUENCES, |n| u32::try_from(n).unwrap());
    let seed = number("MODEL_SEED").unwrap_or(20_261_122);
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
    let each = sequences.div_ceil(u32::try_from(workers).unwrap());
    std::thread::scope(|scope| {
        for worker in 0..workers {
            scope.spawn(move || try_sequences(each, seed, worker as u64));
        }
    });
    let counts = COUNTS.lock().unwrap();
    for (what, n) in counts.iter() {
        println!("{n:>9}  {what}");
    }
    // The model says something only if every act happens and every lie is told and refused.
    if sequences >= SEQUENCES {
        for lie in Lie::ALL {
            assert!(counts.contains_key(&format!("refused: {lie:?}")), "{lie:?}: {counts:?}");
        }
        for act in ["Commit", "Grant", "Revoke", "Rotate", "Role", "Remove", "Admit", "Issue"] {
            assert!(counts.get(act).is_some_and(|n| *n >= sequences / 20), "{act}: {counts:?}");
        }
    }
}

fn try_sequences(cases: u32, seed: u64, worker: u64) {
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 4_000, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    bytes[8..16].copy_from_slice(&worker.to_be_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&sequence(), |acts| {
        run(&acts);
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, acts)) => panic!("MODEL_SEED={seed}: {why}\n{acts:#?}"),
        Err(TestError::Abort(why)) => panic!("MODEL_SEED={seed}: {why}"),
    }
}
