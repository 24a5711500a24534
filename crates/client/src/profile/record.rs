//! `vault.json`: what this computer knows of a vault while it is locked.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use strongroom_crypto::safe::{Entropy, EntropyError};
use strongroom_format::id::{IdError, OrgId, UserId, base32};
use strongroom_format::wire::Keyset;

use super::ProfileError;

pub(super) const VERSION: u32 = 1;
/// The longest label, in bytes.
pub const MAX_LABEL: usize = 120;
const MAX_ORIGIN: usize = 512;
const MAX_ORGS: usize = 1_000;

/// A vault on this computer. It means nothing elsewhere and is sent nowhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VaultId([u8; 16]);

impl VaultId {
    const PREFIX: &'static str = "vlt_";

    pub(super) fn make(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, base32().encode(&self.0))
    }
}

impl fmt::Debug for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VaultId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = IdError { prefix: Self::PREFIX };
        let digits = text.strip_prefix(Self::PREFIX).ok_or(error)?;
        let bytes = base32().decode(digits.as_bytes()).map_err(|_| error)?;
        bytes.try_into().map(Self).map_err(|_| error)
    }
}

impl Serialize for VaultId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VaultId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Where the vault's server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum ServerPlace {
    /// Inside this program, on a loopback port.
    Embedded,
    /// A team's server, `https://vault.example` for instance.
    Origin(String),
}

/// How the Secret Key is kept on this computer; chosen once, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepSecretKey {
    /// In the keyring of the operating system.
    Keyring,
    /// Nowhere: it is typed with the passphrase every time.
    Ask,
    /// In a file that only its owner may read.
    File,
}

/// What is known before a vault exists.
#[derive(Debug, Clone)]
pub struct NewVault {
    /// Chosen by its owner; the only text that the locked screen shows.
    pub label: String,
    /// Its server.
    pub server: ServerPlace,
    /// Whose vault it is.
    pub user: UserId,
    /// The sealed keyset, as the server has it too: a vault opens offline.
    pub keyset: Keyset,
    /// How the Secret Key is kept.
    pub keep: KeepSecretKey,
    /// Whether it holds the sample organisation.
    pub sample: bool,
    /// Now, in milliseconds since 1970.
    pub created_ms: u64,
}

/// `vault.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VaultRecord {
    version: u32,
    /// Its id, which is also the name of its folder.
    pub id: VaultId,
    /// Chosen by its owner; the only text that the locked screen shows.
    pub label: String,
    /// Its server.
    pub server: ServerPlace,
    /// Whose vault it is.
    pub user: UserId,
    /// The organisations that this computer accepted; each has a pin file from then on.
    pub orgs: Vec<OrgId>,
    /// The sealed keyset, as the server has it too.
    pub keyset: Keyset,
    /// How the Secret Key is kept.
    pub keep: KeepSecretKey,
    /// Whether it holds the sample organisation.
    pub sample: bool,
    /// When it was made here, in milliseconds since 1970.
    pub created_ms: u64,
    /// When it was last opened here, in milliseconds since 1970.
    pub last_opened_ms: Option<u64>,
}

impl VaultRecord {
    pub(super) fn of_new(id: VaultId, new: NewVault) -> Result<Self, ProfileError> {
        let record = Self {
            version: VERSION,
            id,
            label: new.label,
            server: new.server,
            user: new.user,
            orgs: Vec::new(),
            keyset: new.keyset,
            keep: new.keep,
            sample: new.sample,
            created_ms: new.created_ms,
            last_opened_ms: None,
        };
        record.check()?;
        Ok(record)
    }

    pub(super) fn check(&self) -> Result<(), ProfileError> {
        let label = &self.label;
        if label.trim().is_empty() || label.len() > MAX_LABEL || label.chars().any(char::is_control)
        {
            return Err(ProfileError::BadLabel);
        }
        let long_origin = matches!(&self.server, ServerPlace::Origin(o) if o.len() > MAX_ORIGIN);
        if self.version != VERSION || self.orgs.len() > MAX_ORGS || long_origin {
            return Err(ProfileError::Broken);
        }
        Ok(())
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let record: Self = serde_json::from_slice(bytes).ok()?;
        record.check().ok().map(|()| record)
    }

    pub(super) fn to_json(&self) -> Result<Vec<u8>, ProfileError> {
        serde_json::to_vec_pretty(self).map_err(|_| ProfileError::Broken)
    }
}
