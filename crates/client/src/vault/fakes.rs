//! Standing fake tokens of agents: their hashes, kept on this computer beside the drafts.
//!
//! Invariant: the token itself is returned once, when it is made, and kept nowhere. They are sealed
//! because they say which agents a person runs here and at which providers.

use strongroom_crypto::safe::{OsEntropy, entropy};
use strongroom_format::encoding::{Codec as _, DecodeError, Reader, Writer};
use strongroom_format::id::{AgentId, OrgId};
use strongroom_policy::{FakeToken, Provider};
use strongroom_secret::SecretBytes;

use super::error::VaultError;
use super::session::{Session, hold};
use crate::cache::CacheError;

/// The most fake tokens of one organisation on one computer.
pub const MAX_FAKES: usize = 1_000;
/// A provider's id has at most 24 letters.
const MAX_PROVIDER: usize = 24;
const VERSION: u8 = 1;

/// What is kept of a fake token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFake {
    /// Its number on this computer.
    pub id: u64,
    /// [`FakeToken::hash`].
    pub hash: [u8; 32],
    /// Whose it is.
    pub agent: AgentId,
    /// For which provider.
    pub provider: String,
    /// When it was made, in milliseconds since 1970.
    pub made_ms: u64,
    /// Its end, in milliseconds since 1970; zero for none.
    pub not_after_ms: u64,
}

impl Session {
    /// The fake tokens of the organisation in front, the oldest first.
    pub fn fakes(&self) -> Result<Vec<KeptFake>, VaultError> {
        self.kept_fakes(self.current()?)
    }

    /// Makes a fake token, in place of `replaces` if one is named. [`VaultError::NotFound`] if that
    /// one is no more, [`VaultError::TooLarge`] for one more than [`MAX_FAKES`].
    pub fn make_fake(
        &self,
        agent: AgentId,
        provider: &Provider,
        not_after_ms: u64,
        replaces: Option<u64>,
    ) -> Result<FakeToken, VaultError> {
        let token = FakeToken::make(provider, entropy::array(&mut OsEntropy)?);
        let (hash, made_ms) = (token.hash(), self.now_ms());
        self.change_fakes(|fakes| {
            if let Some(replaced) = replaces {
                take_out(fakes, replaced)?;
            }
            let id = fakes.iter().map(|fake| fake.id).max().map_or(1, |last| last + 1);
            let id = id.max(replaces.map_or(0, |replaced| replaced + 1));
            let provider = provider.id.clone();
            fakes.push(KeptFake { id, hash, agent, provider, made_ms, not_after_ms });
            if fakes.len() > MAX_FAKES { Err(VaultError::TooLarge(MAX_FAKES)) } else { Ok(()) }
        })?;
        Ok(token)
    }

    /// Forgets a fake token, so that it is worth nothing. [`VaultError::NotFound`] if there is none.
    pub fn revoke_fake(&self, id: u64) -> Result<(), VaultError> {
        self.change_fakes(|fakes| take_out(fakes, id))
    }

    /// Changes the list and keeps it, or changes nothing.
    fn change_fakes(
        &self,
        change: impl FnOnce(&mut Vec<KeptFake>) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let org = self.current()?;
        // One change at a time, of anything that is kept beside the drafts.
        let _audits = hold(&self.audits);
        let mut fakes = self.kept_fakes(org)?;
        change(&mut fakes)?;
        self.drafts.put(&fakes_name(org), &encode(&fakes), &mut OsEntropy)?;
        Ok(())
    }

    fn kept_fakes(&self, org: OrgId) -> Result<Vec<KeptFake>, VaultError> {
        match self.drafts.get(&fakes_name(org)) {
            // A list that cannot be read holds no token: that only ever takes access away.
            Ok(bytes) => Ok(decode(&bytes).unwrap_or_default()),
            Err(CacheError::Missing | CacheError::Broken) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}

fn take_out(fakes: &mut Vec<KeptFake>, id: u64) -> Result<(), VaultError> {
    let at = fakes.iter().position(|fake| fake.id == id).ok_or(VaultError::NotFound)?;
    fakes.remove(at);
    Ok(())
}

fn encode(fakes: &[KeptFake]) -> Vec<u8> {
    let mut w = Writer::new();
    w.u8(VERSION).count(fakes.len());
    for fake in fakes {
        w.u64(fake.id).fixed(&fake.hash);
        fake.agent.write(&mut w);
        w.lp(fake.provider.as_bytes()).u64(fake.made_ms).u64(fake.not_after_ms);
    }
    w.finish()
}

fn decode(bytes: &SecretBytes) -> Result<Vec<KeptFake>, DecodeError> {
    bytes.lend(|bytes| {
        let mut r = Reader::new(bytes);
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        let mut fakes = Vec::new();
        for _ in 0..r.count(MAX_FAKES)? {
            fakes.push(KeptFake {
                id: r.u64()?,
                hash: r.array()?,
                agent: AgentId::read(&mut r)?,
                provider: r.text(MAX_PROVIDER)?.to_owned(),
                made_ms: r.u64()?,
                not_after_ms: r.u64()?,
            });
        }
        r.finish()?;
        Ok(fakes)
    })
}

fn fakes_name(org: OrgId) -> String {
    format!("fakes-{org}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fake(id: u64) -> KeptFake {
        KeptFake {
            id,
            hash: [u8::try_from(id).unwrap(); 32],
            agent: AgentId([7; 16]),
            provider: "openai".to_owned(),
            made_ms: 1_000,
            not_after_ms: 0,
        }
    }

    #[test]
    fn the_list_comes_back_as_it_was_kept() {
        let fakes = [fake(1), fake(9)];
        assert_eq!(decode(&SecretBytes::from_vec(encode(&fakes))).unwrap(), fakes);
    }

    #[test]
    fn a_damaged_list_is_refused_and_not_guessed_at() {
        let mut bytes = encode(&[fake(1)]);
        bytes.push(0);
        assert!(decode(&SecretBytes::from_vec(bytes)).is_err());
        assert!(decode(&SecretBytes::from_vec(vec![2, 0])).is_err());
    }

    #[test]
    fn what_is_taken_out_is_gone_and_nothing_else() {
        let mut fakes = vec![fake(1), fake(2)];
        take_out(&mut fakes, 1).unwrap();
        assert_eq!(fakes, [fake(2)]);
        assert!(take_out(&mut fakes, 1).is_err());
    }
}
