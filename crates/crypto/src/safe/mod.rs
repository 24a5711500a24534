//! The constructs of the protocol, each in its exact bytes.

pub mod context;
pub mod dek;
pub mod entropy;
pub mod fingerprint;
pub mod invite;
pub mod kdf;
pub mod keys;
pub mod keyset;
pub mod local;
pub mod seal;
pub mod secret_key;
mod text;
pub mod token;
pub mod words;

pub use dek::{Dek, Recipient, WrapContext, WrapError};
#[cfg(any(test, feature = "danger-test-entropy"))]
pub use entropy::RepeatableEntropy;
pub use entropy::{Entropy, EntropyError, OsEntropy};
pub use fingerprint::Fingerprint;
pub use invite::{InviteCode, InviteKey};
pub use kdf::{OutOfMemory, Profile, UnknownProfile};
pub use keys::{EncryptionKey, IdentityKey};
pub use keyset::{Auk, Keyset, KeysetParams, LoginKey};
pub use local::{CacheKey, DraftsKey, PinKey};
pub use seal::{OpenError, SealError, SealKey, open, seal};
pub use secret_key::SecretKey;
pub use text::TextError;
pub use token::{Bearer, ServiceToken};
