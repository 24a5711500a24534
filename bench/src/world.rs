//! An organisation with one environment of invented secrets, made by the ordinary pen.

use std::sync::Arc;

use strongroom_chain::trie::Item;
use strongroom_core::details::{Details, EnvClass};
use strongroom_core::env::EnvCopy;
use strongroom_core::pen::{Founding, Pen, Put};
use strongroom_core::replica::{Me, Replica};
use strongroom_crypto::safe::{Keyset, OsEntropy, entropy};
use strongroom_format::id::{EnvId, InviteId, Principal, SecretId, UserId};
use strongroom_format::statement::{Body, Rights, Role, pop_message};
use strongroom_format::wire::{FieldEnvelope, ItemRecord};
use strongroom_secret::SecretBytes;

use crate::Failure;

/// When everything here is written, in milliseconds since 1970.
pub(crate) const NOW_MS: u64 = 1_790_000_000_000;

/// One environment as its reader has it, and as the server sends it.
#[derive(Debug)]
pub(crate) struct World {
    /// The verified chain with the data key's wrap, without any copy of the environment.
    pub(crate) replica: Replica,
    /// The environment.
    pub(crate) env: EnvId,
    /// Its verified copy.
    pub(crate) copy: EnvCopy,
    /// Its newest signed commit.
    pub(crate) head: Vec<u8>,
    /// Its items, rising by id.
    pub(crate) items: Vec<ItemRecord>,
}

impl World {
    /// An environment of `secrets`, written by one commit. One in five has a note.
    pub(crate) fn with(secrets: usize) -> Result<Self, Failure> {
        let entropy = &mut OsEntropy;
        let (replica, env) = founded()?;
        let mut pen = Pen::new(&replica, entropy, NOW_MS);
        let puts = (0..secrets).map(put).collect::<Result<_, Failure>>()?;
        pen.commit(env, puts, &[])?;
        let (written, batch) = pen.finish();
        let copy = written.env(&env).ok_or("the environment was not written")?.clone();
        let head = batch.commits.last().ok_or("nothing was committed")?.clone();
        Ok(Self { items: records(&copy), replica, env, copy, head })
    }
}

/// The same with this many new members, who read what `reads` says of member and environment, by
/// position; every reader holds the newest data key.
pub(crate) fn with_readers(
    replica: &Replica,
    envs: &[EnvId],
    readers: usize,
    reads: impl Fn(usize, usize) -> bool,
) -> Result<Replica, Failure> {
    let entropy = &mut OsEntropy;
    let mut people = Vec::with_capacity(readers);
    for _ in 0..readers {
        people.push((UserId(entropy::array(entropy)?), Keyset::make(entropy)?));
    }
    let invites: Vec<InviteId> = people
        .iter()
        .map(|_| Ok(InviteId(entropy::array(entropy)?)))
        .collect::<Result<_, Failure>>()?;
    let mut pen = Pen::new(replica, entropy, NOW_MS);
    let org = replica.state().org();
    for ((user, keyset), invite) in people.iter().zip(invites) {
        let (role, keys) = (Role::Member, keyset.public());
        let (key_hash, expires, grants) = ([1; 32], NOW_MS + 1, Vec::new());
        pen.link(Body::Invite { invite, key_hash, role, grants, expires })?;
        let pop = keyset.isk.sign(&pop_message(&org, &invite, user, &keys));
        pen.link(Body::MemberAdd { user: *user, keys, role, invite, pop })?;
    }
    for (n, (user, _)) in people.iter().enumerate() {
        for (_, env) in envs.iter().enumerate().filter(|(m, _)| reads(n, *m)) {
            let principal = Principal::User(*user);
            let rights = Rights::READ;
            pen.link(Body::EnvGrant { env: *env, principal, rights, not_after: 0 })?;
        }
    }
    pen.wrap_for_new_readers()?;
    Ok(pen.finish().0)
}

/// A new organisation with one application and one empty environment.
pub(crate) fn founded() -> Result<(Replica, EnvId), Failure> {
    let entropy = &mut OsEntropy;
    let keyset = Keyset::make(entropy)?;
    let founding = Founding {
        organisation: "Acme".to_owned(),
        person: "Mara Lind".to_owned(),
        sample: false,
        audit_vkey: Keyset::make(entropy)?.isk.public(),
    };
    let me = Arc::new(Me::person(UserId(entropy::array(entropy)?), keyset));
    let (replica, _) = Pen::found(me, &founding, entropy, NOW_MS)?.finish();
    let mut pen = Pen::new(&replica, entropy, NOW_MS);
    pen.create_app("storefront", &[("prod".to_owned(), EnvClass::Production)])?;
    let (replica, _) = pen.finish();
    let directory = replica.state().directory();
    let env = replica.state().envs().keys().find(|env| Some(**env) != directory).copied();
    Ok((replica, env.ok_or("there is no environment")?))
}

fn put(n: usize) -> Result<Put, Failure> {
    let note = n
        .is_multiple_of(5)
        .then(|| format!("Rotate with team {} before the quarter ends.", n % 40));
    let value = format!("example-value-{n:08}-0123456789abcdef");
    Ok(Put {
        secret: SecretId(entropy::array(&mut OsEntropy)?),
        name: name(n),
        value: Some(Arc::new(SecretBytes::copy_of(value.as_bytes()))),
        details: Details { note, ..Details::default() },
    })
}

const SERVICES: [&str; 10] = [
    "CHECKOUT", "LEDGER", "SEARCH", "MAILER", "EDGE", "REPORTS", "FRAUD", "CATALOG", "IDENTITY",
    "BILLING",
];
const KINDS: [&str; 8] = [
    "DATABASE_URL",
    "API_TOKEN",
    "SIGNING_KEY",
    "WEBHOOK_SECRET",
    "SMTP_PASSWORD",
    "REDIS_URL",
    "CLIENT_SECRET",
    "S3_ACCESS_KEY",
];

/// The name of invented secret number `n`: all differ.
pub(crate) fn name(n: usize) -> String {
    format!("{}_{:05}_{}", SERVICES[n % SERVICES.len()], n, KINDS[n / 10 % KINDS.len()])
}

fn records(copy: &EnvCopy) -> Vec<ItemRecord> {
    let record = |(item, fields): (&Item, &[FieldEnvelope])| ItemRecord {
        secret: item.change.secret,
        version: item.change.version,
        op: item.change.op,
        epoch: item.epoch,
        fields: fields.to_vec(),
    };
    copy.live().map(record).collect()
}
