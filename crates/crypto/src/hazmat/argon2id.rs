//! Argon2id, version 0x13 (RFC 9106).

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use super::Refused;

/// The cost of one derivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Memory in KiB.
    pub(crate) memory_kib: u32,
    /// Passes over the memory.
    pub(crate) passes: u32,
    /// Lanes, computed in parallel.
    pub(crate) lanes: u32,
}

/// Derives 32 bytes. Refuses only when the memory cannot be had.
pub(crate) fn derive(
    cost: Cost,
    passphrase: &[u8],
    salt: &[u8; 16],
    out: &mut [u8; 32],
) -> Result<(), Refused> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(out.len()))
        .map_err(|_| Refused)?;
    // Our own memory instead of the crate's, because that one is given back unwiped.
    let mut memory = Zeroizing::new(Vec::new());
    memory.try_reserve_exact(params.block_count()).map_err(|_| Refused)?;
    memory.resize(params.block_count(), Block::new());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(passphrase, salt, out, memory.as_mut_slice())
        .map_err(|_| Refused)
}
