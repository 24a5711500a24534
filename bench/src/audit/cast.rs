//! Who acts in an invented log, and on what: real links and commits, real keys.

use std::collections::HashMap;
use std::sync::Arc;

use strongroom_core::details::{Details, EnvClass, Thing};
use strongroom_core::log::index::Names;
use strongroom_core::pen::{Pen, Put, name};
use strongroom_core::replica::Me;
use strongroom_crypto::safe::{IdentityKey, InviteKey, Keyset, OsEntropy, ServiceToken, entropy};
use strongroom_format::id::{DeviceId, EnvId, Principal, SecretId, UserId};
use strongroom_format::statement::{Body, EnvRight, Rights, Role, Signature};
use strongroom_format::wire::{InviteUpload, TokenUpload, WriteBatch};
use strongroom_secret::SecretBytes;

use super::dice::Dice;
use crate::Failure;
use crate::team::{app_name, person};
use crate::world;

const APPS: usize = 8;
const PLACES: [(&str, EnvClass); 3] = [
    ("prod", EnvClass::Production),
    ("staging", EnvClass::Staging),
    ("dev", EnvClass::Development),
];
const ENVS: usize = APPS * PLACES.len();
const PEOPLE: usize = 48;
const TOKENS: usize = 24;
const SECRETS: usize = 2_000;
/// In how many environments somebody works.
const WORKS_IN: usize = 5;
const DAY: u64 = 24 * 60 * 60 * 1000;

/// Somebody who signs.
pub(crate) struct Actor {
    /// Who.
    pub(crate) who: Principal,
    /// On which computers; a token has one for each run, which the story makes.
    pub(crate) devices: Vec<DeviceId>,
    /// Where it reads.
    pub(crate) envs: Vec<EnvId>,
    key: Key,
}

enum Key {
    Owner(Arc<Me>),
    Own(IdentityKey),
}

impl Actor {
    /// Signs an act.
    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        match &self.key {
            Key::Owner(me) => me.keyset.isk.sign(message),
            Key::Own(key) => key.sign(message),
        }
    }
}

/// An organisation with everybody in it.
pub(crate) struct Cast {
    /// Writes all links and commits.
    pub(crate) owner: Actor,
    /// Members; every twelfth is an admin.
    pub(crate) people: Vec<Actor>,
    /// Service tokens.
    pub(crate) tokens: Vec<Actor>,
    /// All environments but the directory.
    pub(crate) envs: Vec<EnvId>,
    /// By environment.
    pub(crate) secrets: HashMap<EnvId, Vec<SecretId>>,
    /// What all of it is called.
    pub(crate) names: Directory,
}

/// Names by id, as a client that may read everything has them.
#[derive(Default)]
pub(crate) struct Directory {
    who: HashMap<Principal, String>,
    envs: HashMap<EnvId, String>,
    secrets: HashMap<SecretId, String>,
}

impl Names for Directory {
    fn who(&self, who: &Principal) -> Option<String> {
        self.who.get(who).cloned()
    }

    fn env(&self, env: &EnvId) -> Option<String> {
        self.envs.get(env).cloned()
    }

    fn secret(&self, _: &EnvId, secret: &SecretId) -> Option<String> {
        self.secrets.get(secret).cloned()
    }
}

impl Cast {
    /// How many writes make it.
    pub(crate) const STEPS: usize = 3 + ENVS;

    /// Nobody yet but the owner.
    pub(crate) fn new(owner: &Arc<Me>) -> Result<Self, Failure> {
        let devices = vec![device()?];
        let who = owner.principal;
        let names = Directory {
            who: HashMap::from([(who, "Mara Lind".to_owned())]),
            ..Directory::default()
        };
        Ok(Self {
            owner: Actor { who, devices, envs: Vec::new(), key: Key::Owner(Arc::clone(owner)) },
            people: Vec::new(),
            tokens: Vec::new(),
            envs: Vec::new(),
            secrets: HashMap::new(),
            names,
        })
    }

    /// One write of [`Cast::STEPS`], in their order.
    pub(crate) fn step(
        &mut self,
        step: usize,
        pen: &mut Pen<'_>,
        uploads: &mut WriteBatch,
    ) -> Result<(), Failure> {
        match step {
            0 => self.environments(pen),
            1 => self.admit(pen, uploads),
            2 => self.issue(pen, uploads),
            _ => self.fill(step - 3, pen),
        }
    }

    fn environments(&mut self, pen: &mut Pen<'_>) -> Result<(), Failure> {
        for n in 0..APPS {
            let app = pen.create_app(&app_name(n), &[])?;
            for (place, class) in PLACES {
                let env = pen.create_environment(app, place, class)?;
                self.names.envs.insert(env, format!("{} / {place}", app_name(n)));
                self.envs.push(env);
            }
        }
        Ok(())
    }

    /// Where number `n` of its kind works: the same places each time.
    fn works_in(&self, n: usize) -> Vec<EnvId> {
        let mut dice = Dice::new(n as u64);
        (0..WORKS_IN).map(|_| self.envs[dice.below(ENVS)]).collect()
    }

    fn admit(&mut self, pen: &mut Pen<'_>, uploads: &mut WriteBatch) -> Result<(), Failure> {
        let (entropy, org) = (&mut OsEntropy, pen.replica().state().org());
        let mut names: Vec<Put> = Vec::new();
        for n in 0..PEOPLE {
            let role = if n % 12 == 0 { Role::Admin } else { Role::Member };
            let key = InviteKey::make(entropy)?;
            let invite = key.id();
            uploads.invites.push(InviteUpload { invite, bearer_hash: key.bearer().hash() });
            let (key_hash, grants, expires) = (key.commitment(), Vec::new(), pen.now_ms() + DAY);
            pen.link(Body::Invite { invite, key_hash, role, grants, expires })?;
            let (user, keyset) = (UserId(entropy::array(entropy)?), Keyset::make(entropy)?);
            let keys = keyset.public();
            let pop = keyset.prove_possession(&org, &invite, &user);
            pen.link(Body::MemberAdd { user, keys, role, invite, pop })?;
            let (principal, rights, envs) =
                (Principal::User(user), Rights::READ_WRITE, self.works_in(n));
            for env in &envs {
                pen.link(Body::EnvGrant { env: *env, principal, rights, not_after: 0 })?;
            }
            names.push(name(user.directory_item(), &person(n), Details::of(Thing::Member)));
            self.names.who.insert(principal, person(n));
            let devices = (0..=n % 3 / 2).map(|_| device()).collect::<Result<_, _>>()?;
            self.people.push(Actor { who: principal, devices, envs, key: Key::Own(keyset.isk) });
        }
        pen.wrap_for_new_readers()?;
        Ok(pen.put_names(names)?)
    }

    fn issue(&mut self, pen: &mut Pen<'_>, uploads: &mut WriteBatch) -> Result<(), Failure> {
        let mut names: Vec<Put> = Vec::new();
        for n in 0..TOKENS {
            let token = ServiceToken::make(&mut OsEntropy)?;
            let (id, mut envs) = (token.id(), self.works_in(PEOPLE + n));
            uploads.tokens.push(TokenUpload { token: id, bearer_hash: token.bearer().hash() });
            envs.truncate(2);
            envs.sort_unstable();
            envs.dedup();
            let right = |env: &EnvId| EnvRight { env: *env, rights: Rights::READ, not_after: 0 };
            pen.link(Body::TokenIssue {
                token: id,
                sig_pub: token.identity().public(),
                enc_pub: token.encryption().public(),
                rights: envs.iter().map(right).collect(),
                not_after: 0,
            })?;
            let (who, called) = (Principal::Token(id), format!("deploy-{n:02}"));
            names.push(name(id.directory_item(), &called, Details::of(Thing::Token)));
            self.names.who.insert(who, called);
            let key = Key::Own(token.identity());
            self.tokens.push(Actor { who, devices: Vec::new(), envs, key });
        }
        pen.wrap_for_new_readers()?;
        Ok(pen.put_names(names)?)
    }

    fn fill(&mut self, n: usize, pen: &mut Pen<'_>) -> Result<(), Failure> {
        let env = self.envs[n];
        let mut puts = Vec::new();
        for m in (n..SECRETS).step_by(ENVS) {
            let secret = SecretId(entropy::array(&mut OsEntropy)?);
            self.names.secrets.insert(secret, world::name(m));
            self.secrets.entry(env).or_default().push(secret);
            puts.push(value(secret, m)?);
        }
        Ok(pen.commit(env, puts, &[])?)
    }

    /// What happens on half a day: rights change, values change.
    pub(crate) fn live(&self, half_day: usize, pen: &mut Pen<'_>) -> Result<(), Failure> {
        for (n, actor) in self.people.iter().enumerate() {
            let rights =
                if (n + half_day).is_multiple_of(2) { Rights::READ } else { Rights::READ_WRITE };
            let env = actor.envs[half_day % WORKS_IN];
            pen.link(Body::EnvGrant { env, principal: actor.who, rights, not_after: 0 })?;
        }
        for (n, env) in self.envs.iter().enumerate().skip(half_day % 4).step_by(4) {
            let changed = half_day / 4;
            let secret = self.secrets[env][changed];
            pen.commit(*env, vec![value(secret, n + changed * ENVS)?], &[])?;
        }
        Ok(())
    }
}

fn value(secret: SecretId, n: usize) -> Result<Put, Failure> {
    let value: [u8; 16] = entropy::array(&mut OsEntropy)?;
    Ok(Put {
        secret,
        name: world::name(n),
        value: Some(Arc::new(SecretBytes::copy_of(&value))),
        details: Details::default(),
    })
}

/// A random device.
pub(crate) fn device() -> Result<DeviceId, Failure> {
    Ok(DeviceId(entropy::array(&mut OsEntropy)?))
}
