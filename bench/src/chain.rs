//! Checking an organisation chain of 10,000 links, and going on from where it was pinned.

use strongroom_chain::OrgState;
use strongroom_chain::org::verify;
use strongroom_core::pen::Pen;
use strongroom_core::replica::Replica;
use strongroom_crypto::safe::{OsEntropy, ServiceToken};
use strongroom_format::hash::{Digest, label};
use strongroom_format::id::{EnvId, OrgId, Principal};
use strongroom_format::statement::{Body, EpochReason, Link, Rights};

use crate::Failure;
use crate::bare;
use crate::measure::{Clock, Rounds, Took, here};
use crate::table::{Bar, Row};
use crate::world::{NOW_MS, founded, with_readers};

const LINKS: usize = 10_000;
/// What a device that looks in once a week may find.
const NEW: usize = 100;
const MEMBERS: usize = 100;
/// How many links pass between two new data keys.
const EPOCH_EVERY: usize = 20;
const ROUNDS: usize = 5;

/// From the bytes to a state, and only the new links from a pinned one.
pub(crate) fn rows() -> Result<Vec<Row>, Failure> {
    let chain = Chain::make()?;
    let cold = Rounds::run(ROUNDS, || chain.verify(), || chain.bare(0))?;
    let pinned = chain.pinned()?;
    let resumed = Rounds::run(ROUNDS * 5, || chain.resume(&pinned), || chain.bare(LINKS - NEW))?;
    Ok(vec![
        Row::compared("verify 10,000 links, cold", &cold, Clock::Cpu, Bar::Times(1.3)),
        Row::compared("100 new links from a pin", &resumed, Clock::Cpu, Bar::Times(1.3)),
    ])
}

struct Chain {
    org: OrgId,
    links: Vec<Vec<u8>>,
    /// What is signed, by whose key, and the signature.
    signed: Vec<([u8; 32], Vec<u8>, [u8; 64])>,
}

impl Chain {
    /// A hundred people, ten environments, and what happens to them over the years: grants, revokes
    /// and rotations, tokens that come and go.
    fn make() -> Result<Self, Failure> {
        let entropy = &mut OsEntropy;
        let (replica, first) = founded()?;
        let app = replica.state().env(&first).ok_or("there is no environment")?.place;
        let mut pen = Pen::new(&replica, entropy, NOW_MS);
        let mut envs = vec![first];
        for n in 1..10 {
            let class = strongroom_core::details::EnvClass::Other;
            let app = strongroom_format::id::AppId(app);
            envs.push(pen.create_environment(app, &format!("env-{n}"), class)?);
        }
        let (replica, _) = pen.finish();
        // Each reads one environment.
        let replica = with_readers(&replica, &envs, MEMBERS - 1, |n, m| n % 10 == m)?;
        let mut pen = Pen::new(&replica, entropy, NOW_MS);
        while pen.replica().state().seq() + 1 < LINKS as u64 {
            happen(&mut pen, &envs)?;
        }
        Self::of(&pen.finish().0)
    }

    fn of(replica: &Replica) -> Result<Self, Failure> {
        let state = replica.state();
        let mut links = Vec::with_capacity(LINKS);
        let mut signed = Vec::with_capacity(LINKS);
        for seq in 0..LINKS as u64 {
            let link = replica.link(seq).ok_or("the chain is too short")?;
            let s = &link.statement;
            let key = state.signing_key(&s.author, seq, s.time_ms).ok_or("nobody signed")?;
            let mut message = label("stmt");
            message.extend_from_slice(link.signed_bytes());
            signed.push((key, message, link.signature()));
            links.push(link.as_bytes().to_vec());
        }
        Ok(Self { org: state.org(), links, signed })
    }

    fn verify(&self) -> Result<Took, Failure> {
        here(|| {
            let links =
                self.links.iter().map(|bytes| Link::parse(bytes)).collect::<Result<Vec<_>, _>>()?;
            Ok((verify(&links, self.org, None)?, links))
        })
    }

    fn pinned(&self) -> Result<(OrgState, Digest), Failure> {
        let known = &self.links[..LINKS - NEW];
        let known = known.iter().map(|bytes| Link::parse(bytes)).collect::<Result<Vec<_>, _>>()?;
        let state = verify(&known, self.org, None)?;
        let head = state.head();
        Ok((state, head))
    }

    fn resume(&self, (state, head): &(OrgState, Digest)) -> Result<Took, Failure> {
        let mut state = state.clone();
        here(|| {
            for bytes in &self.links[LINKS - NEW..] {
                state.apply(&Link::parse(bytes)?)?;
            }
            state.require_pin((LINKS - NEW - 1) as u64, head)?;
            Ok(state)
        })
    }

    /// As many strict verifications, from where the others begin.
    fn bare(&self, from: usize) -> Result<Took, Failure> {
        here(|| {
            let all = &self.signed[from..];
            all.iter()
                .try_for_each(|(key, message, signature)| bare::verify(key, message, signature))
        })
    }
}

/// The next few links.
fn happen(pen: &mut Pen<'_>, envs: &[EnvId]) -> Result<(), Failure> {
    let state = pen.replica().state();
    let n = usize::try_from(state.seq())?;
    let left = LINKS - n - 1;
    let env = envs[n / EPOCH_EVERY % envs.len()];
    let me = pen.replica().principal();
    let members: Vec<Principal> =
        pen.replica().state().members().keys().copied().map(Principal::User).collect();
    let member = members[n * 7 % members.len()];
    if left < 6 || member == me {
        let (reset, size, root) = (0, n as u64, [7; 32]);
        return Ok(pen.link(Body::AuditAnchor { reset, size, root })?);
    }
    if n.is_multiple_of(EPOCH_EVERY / 4) {
        let token = ServiceToken::make(&mut OsEntropy)?;
        let id = token.id();
        let (sig_pub, enc_pub) = (token.identity().public(), token.encryption().public());
        let (rights, not_after) = (Vec::new(), 0);
        pen.link(Body::TokenIssue { token: id, sig_pub, enc_pub, rights, not_after })?;
        pen.link(Body::TokenRevoke { token: id })?;
    }
    let reads = pen.replica().state().rights(&env, &member, NOW_MS).includes(Rights::READ);
    if reads {
        pen.link(Body::EnvRevoke { env, principal: member })?;
        pen.new_epoch(env, EpochReason::Rotation)?;
    } else {
        let rights = Rights::READ.with(Rights::WRITE);
        pen.link(Body::EnvGrant { env, principal: member, rights, not_after: 0 })?;
        if n.is_multiple_of(2) {
            pen.new_epoch(env, EpochReason::ReaderAdded)?;
        }
    }
    Ok(())
}
