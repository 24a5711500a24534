//! Opening an environment of 10,000 secrets: verified from its newest commit, every name opened.

use strongroom_core::env::EnvCopy;
use strongroom_format::commit::{Change, Field, SignedCommit};
use strongroom_format::hash::label;
use strongroom_format::id::SecretId;
use strongroom_format::wire::ItemRecord;

use crate::Failure;
use crate::bare::{self, Envelopes};
use crate::measure::{Clock, Rounds, here};
use crate::table::{Bar, Row};
use crate::world::World;

const SECRETS: usize = 10_000;
const ROUNDS: usize = 25;

/// From what the server sends, and from what this device kept.
pub(crate) fn rows() -> Result<Vec<Row>, Failure> {
    let world = World::with(SECRETS)?;
    let bare = Bare::of(&world)?;
    let mut rows = Vec::new();
    let rounds = Rounds::run(ROUNDS, || from_items(&world), || bare.run())?;
    rows.push(Row::compared("open 10,000 from the head", &rounds, Clock::Cpu, Bar::Times(2.0)));
    rows.push(Row::compared("the same", &rounds, Clock::Wall, Bar::Stated));
    let bytes = world.copy.encode();
    let rounds = Rounds::run(ROUNDS, || from_cache(&world, &bytes), || bare.run())?;
    rows.push(Row::compared("open 10,000 from the cache", &rounds, Clock::Cpu, Bar::Times(2.0)));
    Ok(rows)
}

/// What the program does with pages of items: signature, root, names and notes.
fn from_items(world: &World) -> Result<crate::measure::Took, Failure> {
    let mut replica = world.replica.clone();
    let items = world.items.clone();
    here(|| {
        let copy = EnvCopy::from_items(replica.state(), world.env, &world.head, items)?;
        replica.put_env(world.env, copy);
        let named = replica.open_all_named(world.env)?;
        complete(named.len())?;
        Ok((named, replica))
    })
}

/// What the program does after unlocking: the same, from its own file.
fn from_cache(world: &World, bytes: &[u8]) -> Result<crate::measure::Took, Failure> {
    let mut replica = world.replica.clone();
    here(|| {
        let copy = EnvCopy::decode(replica.state(), world.env, bytes)?;
        replica.put_env(world.env, copy);
        let named = replica.open_all_named(world.env)?;
        complete(named.len())?;
        Ok((named, replica))
    })
}

fn complete(names: usize) -> Result<(), Failure> {
    if names == SECRETS { Ok(()) } else { Err("not every name was opened".into()) }
}

/// The operations that opening cannot do without.
pub(crate) struct Bare {
    envelopes: Envelopes,
    /// How many bytes each hash is over.
    pub(crate) hashed: Vec<usize>,
    bytes: Vec<u8>,
    key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
}

impl Bare {
    /// Laid out for a world.
    pub(crate) fn of(world: &World) -> Result<Self, Failure> {
        let mut opened = Vec::new();
        let mut hashed = Vec::new();
        for item in &world.items {
            for field in &item.fields {
                hashed.push(field.envelope.len());
                if field.field != Field::Value {
                    let context = world.replica.item_context(
                        world.env,
                        item.epoch,
                        item.secret,
                        item.version,
                        field.field,
                    );
                    let context = context.context().as_bytes().to_vec();
                    opened.push((context, field.envelope.len()));
                }
            }
            hashed.push(1 + change(item).state_leaf().len());
        }
        let ids: Vec<SecretId> = world.items.iter().map(|item| item.secret).collect();
        hashed.extend(std::iter::repeat_n(65, branches(&ids, 0)));
        let head = SignedCommit::parse(&world.head)?;
        hashed.push(label("commit-head").len() + 4 + world.head.len());
        let mut message = label("commit");
        message.extend_from_slice(head.signed_bytes());
        let longest = hashed.iter().copied().max().unwrap_or(0);
        Ok(Self {
            envelopes: Envelopes::like(opened)?,
            hashed,
            bytes: vec![7; longest],
            key: world.replica.me().keyset.isk.public(),
            message,
            signature: head.signature(),
        })
    }

    /// The newest commit's signature.
    pub(crate) fn verify(&self) -> Result<(), Failure> {
        bare::verify(&self.key, &self.message, &self.signature)
    }

    fn run(&self) -> Result<crate::measure::Took, Failure> {
        let mut envelopes = self.envelopes.clone();
        here(|| {
            envelopes.open()?;
            bare::hash(&self.hashed, &self.bytes);
            self.verify()?;
            Ok(envelopes)
        })
    }
}

fn change(item: &ItemRecord) -> Change {
    let fields = item.fields.iter();
    let hashes =
        fields.map(|f| strongroom_format::commit::FieldHash { field: f.field, envelope: [0; 32] });
    Change { op: item.op, secret: item.secret, version: item.version, fields: hashes.collect() }
}

/// How many inner nodes the trie over these ids has.
fn branches(ids: &[SecretId], depth: usize) -> usize {
    if ids.len() < 2 {
        return 0;
    }
    let one = |id: &SecretId| id.0[depth / 8] >> (7 - depth % 8) & 1 == 1;
    let (zeros, ones) = ids.split_at(ids.partition_point(|id| !one(id)));
    1 + branches(zeros, depth + 1) + branches(ones, depth + 1)
}
