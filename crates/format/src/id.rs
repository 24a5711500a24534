//! Typed identifiers, their bytes and their text form (docs/protocol.md, section 1).
//!
//! An id says nothing about what it names; it is the only thing about an object that may stand in
//! a log. In text it is lower-case base32 without padding behind the prefix of its type.

use std::{fmt, str::FromStr};

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::encoding::{Codec, DecodeError, Reader, Writer};
use crate::hash::Digest;

/// A text that is not an id of the expected type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an id that begins with \"{prefix}\"")]
pub struct IdError {
    /// The prefix the text should have had.
    pub prefix: &'static str,
}

/// RFC 4648 base32, lower case, no padding; the only spelling of a byte string in an id or a code.
pub fn base32() -> Encoding {
    let mut spec = Specification::new();
    spec.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    match spec.encoding() {
        Ok(encoding) => encoding,
        Err(_) => data_encoding::BASE32_NOPAD, // unreachable: the alphabet above is fixed and valid
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;
            /// What the text form begins with.
            pub const PREFIX: &'static str = $prefix;
            /// All zero: "none" in a field that may be empty.
            pub const ZERO: Self = Self([0; $len]);

            /// The raw bytes.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// Whether this is [`Self::ZERO`].
            pub fn is_zero(&self) -> bool {
                *self == Self::ZERO
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), base32().encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = IdError { prefix: $prefix };
                let digits = text.strip_prefix($prefix).ok_or(error)?;
                let bytes = base32().decode(digits.as_bytes()).map_err(|_| error)?;
                bytes.try_into().map(Self).map_err(|_| error)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl Codec for $name {
            fn write(&self, w: &mut Writer) {
                w.fixed(&self.0);
            }

            fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                r.array().map(Self)
            }
        }
    };
}

id!(
    /// An organisation: the hash of its genesis link, so the id authenticates itself.
    OrgId, 32, "org_"
);
id!(
    /// An application: the thing that has environments.
    AppId, 16, "app_"
);
id!(
    /// A group: a bag of shared secrets that application environments compose.
    GroupId, 16, "grp_"
);
id!(
    /// An environment: one set of readers, one data key at a time.
    EnvId, 16, "env_"
);
id!(
    /// A secret inside an environment, or the thing that a directory item names.
    SecretId, 16, "sec_"
);
id!(
    /// A person.
    UserId, 16, "usr_"
);
id!(
    /// A service token.
    TokenId, 16, "tok_"
);
id!(
    /// An agent.
    AgentId, 16, "agt_"
);
id!(
    /// An invitation.
    InviteId, 16, "inv_"
);
id!(
    /// One installation of the client; it has no rights of its own.
    DeviceId, 16, "dev_"
);

impl OrgId {
    /// The organisation that `genesis` (the whole first link) founds.
    pub fn of_genesis(genesis: &[u8]) -> Self {
        let digest: Digest = crate::hash::h("org", &[genesis]);
        Self(digest)
    }

    /// The item of the directory that holds this organisation's name.
    pub fn directory_item(&self) -> SecretId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[..16]);
        SecretId(id)
    }
}

macro_rules! names_in_directory {
    ($($name:ident),*) => {$(
        impl $name {
            /// The item of the directory that holds this thing's name.
            pub fn directory_item(&self) -> SecretId {
                SecretId(self.0)
            }
        }
    )*};
}
names_in_directory!(AppId, GroupId, EnvId, UserId, TokenId, AgentId);

/// Who acts, reads or is granted something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// A person.
    User(UserId),
    /// A service token.
    Token(TokenId),
    /// An agent; never holds a data key.
    Agent(AgentId),
}

impl Principal {
    /// The kind byte: 1 person, 2 token, 3 agent.
    pub fn kind(&self) -> u8 {
        match self {
            Self::User(_) => 1,
            Self::Token(_) => 2,
            Self::Agent(_) => 3,
        }
    }

    /// The id without its kind.
    pub fn id(&self) -> [u8; 16] {
        match self {
            Self::User(id) => id.0,
            Self::Token(id) => id.0,
            Self::Agent(id) => id.0,
        }
    }
}

impl From<UserId> for Principal {
    fn from(id: UserId) -> Self {
        Self::User(id)
    }
}

impl From<TokenId> for Principal {
    fn from(id: TokenId) -> Self {
        Self::Token(id)
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Token(id) => id.fmt(f),
            Self::Agent(id) => id.fmt(f),
        }
    }
}

impl FromStr for Principal {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.get(..4) {
            Some("tok_") => text.parse().map(Self::Token),
            Some("agt_") => text.parse().map(Self::Agent),
            _ => text.parse().map(Self::User),
        }
    }
}

impl Serialize for Principal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Codec for Principal {
    fn write(&self, w: &mut Writer) {
        w.u8(self.kind()).fixed(&self.id());
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = r.u8()?;
        let id = r.array()?;
        match kind {
            1 => Ok(Self::User(UserId(id))),
            2 => Ok(Self::Token(TokenId(id))),
            3 => Ok(Self::Agent(AgentId(id))),
            _ => Err(DecodeError::UnknownTag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_reads_back_and_has_one_spelling() {
        let id = EnvId([0xab; 16]);
        let text = id.to_string();
        assert_eq!(text, "env_vov2xk5lvov2xk5lvov2xk5lvm");
        assert_eq!(text.parse::<EnvId>(), Ok(id));
        assert!(text.to_uppercase().parse::<EnvId>().is_err());
        assert!(text.parse::<AppId>().is_err());
        // The last digit carries spare bits; anything but zero there is a second spelling.
        assert!(text.replace("lvm", "lvn").parse::<EnvId>().is_err());
    }

    #[test]
    fn a_principal_keeps_its_kind_in_text_and_bytes() {
        for p in [
            Principal::User(UserId([1; 16])),
            Principal::Token(TokenId([2; 16])),
            Principal::Agent(AgentId([3; 16])),
        ] {
            assert_eq!(p.to_string().parse::<Principal>(), Ok(p));
            assert_eq!(Principal::decode(&p.encode()), Ok(p));
        }
        assert_eq!(Principal::decode(&[9; 17]), Err(DecodeError::UnknownTag));
    }
}
