//! What an agent did, sealed into the act that tells it, and opened again.

use strongroom_crypto::safe::context::Context;
use strongroom_crypto::safe::{Entropy, open, seal};
use strongroom_format::agency::{Agency, AgentCall, SealedCall};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::Act;
use strongroom_format::id::AgentId;

use crate::pen::WriteError;
use crate::replica::{ReadError, Replica};

/// Seals a call for every member of the organisation; without words where this device holds no data
/// key of the directory, as with a service token.
pub fn seal_call(
    replica: &mut Replica,
    agent: AgentId,
    call: &AgentCall,
    entropy: &mut dyn Entropy,
) -> Result<Agency, WriteError> {
    let state = replica.state();
    let org = state.org();
    let directory = state.directory().ok_or(ReadError::Missing)?;
    let epoch = state.env(&directory).map_or(0, |env| env.epoch_at(state.seq()));
    let dek = match replica.dek(directory, epoch) {
        Ok(dek) => dek,
        Err(ReadError::NoKey) => return Ok(Agency { agent, sealed: None }),
        Err(error) => return Err(error.into()),
    };
    let context = Context::agency(&org, &replica.principal(), &agent, epoch);
    let envelope = seal(&*dek, &context, &call.encode(), entropy)?;
    Ok(Agency { agent, sealed: Some(SealedCall { epoch, envelope }) })
}

/// The call that an act tells; `None` where it tells none that opens here.
pub fn open_call(replica: &mut Replica, act: &Act) -> Option<AgentCall> {
    let agency = act.agency.as_ref()?;
    let sealed = agency.sealed.as_ref()?;
    let (org, directory) = (replica.state().org(), replica.state().directory()?);
    let context = Context::agency(&org, act.actor.as_ref()?, &agency.agent, sealed.epoch);
    let dek = replica.dek(directory, sealed.epoch).ok()?;
    let opened = open(&*dek, &context, &sealed.envelope).ok()?;
    opened.lend(AgentCall::decode).ok()
}
