//! Replacing the data key of 10,000 secrets with 100 readers.

use strongroom_core::pen::Pen;
use strongroom_core::replica::Replica;
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::hash::label;
use strongroom_format::id::EnvId;

use crate::Failure;
use crate::bare::{self, Envelopes};
use crate::measure::{Clock, Rounds, Took, here};
use crate::open::Bare as Opening;
use crate::table::{Bar, Row};
use crate::world::{NOW_MS, World, with_readers};

const SECRETS: usize = 10_000;
const READERS: usize = 100;
const ROUNDS: usize = 11;

/// Everything that leaves the device, made and checked; and what of it is cryptography.
pub(crate) fn rows() -> Result<Vec<Row>, Failure> {
    let mut world = World::with(SECRETS)?;
    world.replica.put_env(world.env, world.copy.clone());
    let replica = with_readers(&world.replica, &[world.env], READERS - 1, |_, _| true)?;
    let bare = Bare::of(&world, &replica)?;
    let rounds = Rounds::run(ROUNDS, || rotate(&replica, world.env), || bare.run())?;
    Ok(vec![
        Row::compared("rotate 10,000 with 100 readers", &rounds, Clock::Cpu, Bar::Times(2.0)),
        Row::compared("the same", &rounds, Clock::Wall, Bar::Stated),
    ])
}

fn rotate(replica: &Replica, env: EnvId) -> Result<Took, Failure> {
    here(|| {
        let mut entropy = OsEntropy;
        let mut pen = Pen::new(replica, &mut entropy, NOW_MS + 2);
        pen.rotate(env, &mut |_, _| true)?;
        let (next, batch) = pen.finish();
        if batch.wraps.len() != READERS || batch.commits.len() != 1 {
            return Err("not everything was sealed anew for everybody".into());
        }
        Ok((next, batch))
    })
}

/// Each value opened, sealed, and opened again; each reader's wrap; hashes and two signatures.
struct Bare {
    envelopes: Envelopes,
    readers: Vec<[u8; 32]>,
    hashed: Vec<usize>,
    bytes: Vec<u8>,
    link: Vec<u8>,
    commit: Vec<u8>,
    opening: Opening,
}

impl Bare {
    fn of(world: &World, replica: &Replica) -> Result<Self, Failure> {
        let mut shapes = Vec::new();
        for item in &world.items {
            for field in &item.fields {
                let (secret, version) = (item.secret, item.version + 1);
                let context =
                    world.replica.item_context(world.env, item.epoch, secret, version, field.field);
                shapes.push((context.context().as_bytes().to_vec(), field.envelope.len()));
            }
        }
        let state = replica.state();
        let readers = state.readers(&world.env, NOW_MS + 1);
        let readers = readers.iter().filter_map(|who| state.encryption_key(who)).collect();
        let opening = Opening::of(world)?;
        let hashed = opening.hashed.clone();
        let longest = hashed.iter().copied().max().unwrap_or(0);
        let mut link = label("stmt");
        link.resize(link.len() + 200 + READERS * 49, 0);
        let mut commit = label("commit");
        commit.resize(world.head.len(), 0);
        let envelopes = Envelopes::like(shapes)?;
        Ok(Self { envelopes, readers, hashed, bytes: vec![7; longest], link, commit, opening })
    }

    fn run(&self) -> Result<Took, Failure> {
        let mut envelopes = self.envelopes.clone();
        here(|| {
            envelopes.open()?;
            envelopes.seal()?;
            envelopes.open()?;
            bare::hash(&self.hashed, &self.bytes);
            self.readers.iter().try_for_each(bare::wrap)?;
            bare::sign(&self.link)?;
            bare::sign(&self.commit)?;
            // The signatures of link and commit, over as many bytes.
            self.opening.verify()?;
            self.opening.verify()?;
            Ok(envelopes)
        })
    }
}
