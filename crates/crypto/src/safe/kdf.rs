//! What a guess at a passphrase costs (docs/protocol.md, section 3).
//!
//! Profiles are ids that the program compiles in. A server, a file or a link can name one; none of
//! them can name a number, so a weak cost cannot be expressed.

use strongroom_secret::{Key32, Passphrase};
use thiserror::Error;

use crate::hazmat::argon2id::{self, Cost};

/// An id that is no profile of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown passphrase profile")]
pub struct UnknownProfile;

/// The derivation needs more memory than the system gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not enough memory to derive the key")]
pub struct OutOfMemory;

/// An Argon2id cost, by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Profile {
    /// 1: 64 MiB, 3 passes, 4 lanes; the second recommendation of RFC 9106, section 4.
    #[default]
    Standard = 1,
    /// 2: 256 MiB, 3 passes, 4 lanes.
    High = 2,
    /// 3: 2 GiB, 1 pass, 4 lanes; the first recommendation of RFC 9106, section 4.
    Max = 3,
    /// 0xF0: 32 KiB, 1 pass, 1 lane. Costs nothing and protects nothing; for tests alone.
    #[cfg(any(test, feature = "danger-test-kdf"))]
    Test = 0xf0,
}

impl Profile {
    /// The profile with this id. Nothing is allocated before the id is known to be one.
    pub fn from_id(id: u8) -> Result<Self, UnknownProfile> {
        match id {
            1 => Ok(Self::Standard),
            2 => Ok(Self::High),
            3 => Ok(Self::Max),
            #[cfg(any(test, feature = "danger-test-kdf"))]
            0xf0 => Ok(Self::Test),
            _ => Err(UnknownProfile),
        }
    }

    /// The id, as it stands in contexts, links and keysets.
    pub fn id(self) -> u8 {
        self as u8
    }

    /// What one guess needs, in KiB of memory: for the window that lets a person choose.
    pub fn memory_kib(self) -> u32 {
        self.cost().memory_kib
    }

    fn cost(self) -> Cost {
        let (memory_kib, passes, lanes) = match self {
            Self::Standard => (64 << 10, 3, 4),
            Self::High => (256 << 10, 3, 4),
            Self::Max => (2 << 20, 1, 4),
            #[cfg(any(test, feature = "danger-test-kdf"))]
            Self::Test => (32, 1, 1),
        };
        Cost { memory_kib, passes, lanes }
    }
}

/// `Argon2id(profile, salt16)` of a public message: makes trying many of them dear.
pub(crate) fn stretch(
    profile: Profile,
    message: &[u8],
    salt: &[u8; 16],
) -> Result<[u8; 32], OutOfMemory> {
    let mut out = [0; 32];
    argon2id::derive(profile.cost(), message, salt, &mut out).map_err(|_| OutOfMemory)?;
    Ok(out)
}

/// `Argon2id(profile, salt16)` of the passphrase, whatever its length.
pub(crate) fn derive_from_passphrase(
    profile: Profile,
    passphrase: &Passphrase,
    salt: &[u8; 16],
) -> Result<Key32, OutOfMemory> {
    Key32::try_write(|out| {
        passphrase
            .lend(|bytes| argon2id::derive(profile.cost(), bytes, salt, out))
            .map_err(|_| OutOfMemory)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_profile_is_cheaper_than_the_recommendation() {
        for id in 0..=255u8 {
            match Profile::from_id(id) {
                Ok(profile) if profile != Profile::Test => {
                    assert_eq!(profile.id(), id);
                    let cost = profile.cost();
                    // OWASP's floor: 19 MiB and 2 passes, or more memory with 1 pass.
                    assert!(cost.memory_kib >= 64 << 10);
                    assert!(u64::from(cost.memory_kib) * u64::from(cost.passes) >= 3 * (64 << 10));
                }
                Ok(_) => assert_eq!(id, 0xf0),
                Err(UnknownProfile) => assert!(!(1..=3).contains(&id)),
            }
        }
    }
}
