//! The server's own signing keys: one for audit checkpoints, one for sessions, one for challenges.
//!
//! They are files of 32 bytes with mode 0600 in the data directory, made at the first start. A
//! database without its audit key is refused: a new key would look like an attack to every client.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use ed25519_dalek::{Signer as _, SigningKey};
use strongroom_format::id::base32;
use strongroom_format::note::Checkpoint;
use strongroom_format::statement::PublicKey;
use thiserror::Error;
use zeroize::Zeroizing;

/// Why a key cannot be used.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The file could not be read or written.
    #[error("a key file cannot be used: {0}")]
    Io(#[from] io::Error),
    /// The file does not hold a key.
    #[error("{0} does not hold a key")]
    Malformed(&'static str),
    /// The file is open to other users of the machine.
    #[error("{0} is open to other users of this machine")]
    Exposed(&'static str),
    /// There is a database, but the key that signed in it is gone.
    #[error("{0} is missing; restore it together with the database")]
    Missing(&'static str),
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    NoEntropy,
}

const AUDIT: &str = "audit.key";
const SESSION: &str = "session.key";

/// Where the founder code stands in the data directory.
pub(crate) const FOUNDER_CODE: &str = "founder-code";

/// The founder code of `dir`, 32 characters of base32; made if there is none.
pub(crate) fn founder_code(dir: &Path) -> Result<Zeroizing<String>, KeyError> {
    let path = dir.join(FOUNDER_CODE);
    match fs::read_to_string(&path).map(Zeroizing::new) {
        Ok(text) => {
            let code = Zeroizing::new(text.trim_end().to_owned());
            let whole = base32().decode(code.as_bytes()).is_ok_and(|bytes| bytes.len() == 20);
            return if whole { Ok(code) } else { Err(KeyError::Malformed(FOUNDER_CODE)) };
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let mut bytes = Zeroizing::new([0; 20]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| KeyError::NoEntropy)?;
    let code = Zeroizing::new(base32().encode(bytes.as_slice()));
    write_private(dir, &path, format!("{}\n", code.as_str()).as_bytes())?;
    Ok(code)
}

/// Signs audit checkpoints.
pub(crate) struct AuditKey(SigningKey);

impl AuditKey {
    pub(crate) fn public(&self) -> PublicKey {
        self.0.verifying_key().to_bytes()
    }

    /// The checkpoint as a signed note.
    pub(crate) fn sign(&self, checkpoint: &Checkpoint) -> String {
        let signature = self.0.sign(checkpoint.text().as_bytes());
        checkpoint.note(&self.public(), &signature.to_bytes())
    }
}

/// All keys of the server.
pub(crate) struct ServerKeys {
    pub(crate) audit: AuditKey,
    /// Seed of the key that signs sessions.
    pub(crate) session: Zeroizing<[u8; 32]>,
}

impl ServerKeys {
    /// Reads the keys in `dir`, and makes them there if nothing was ever stored.
    pub(crate) fn open(dir: &Path, database_exists: bool) -> Result<Self, KeyError> {
        let audit = open_key(dir, AUDIT, !database_exists)?;
        // A lost session key only ends sessions.
        let session = open_key(dir, SESSION, true)?;
        Ok(Self { audit: AuditKey(SigningKey::from_bytes(&audit)), session })
    }
}

fn open_key(dir: &Path, name: &'static str, make: bool) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let path = dir.join(name);
    let mut file = match OpenOptions::new().read(true).open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound && make => return make_key(dir, &path),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(KeyError::Missing(name)),
        Err(e) => return Err(e.into()),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Exposed(name));
        }
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(64));
    io::Read::by_ref(&mut file).take(64).read_to_end(&mut bytes)?;
    let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| KeyError::Malformed(name))?;
    if key == [0; 32] {
        return Err(KeyError::Malformed(name));
    }
    Ok(Zeroizing::new(key))
}

fn make_key(dir: &Path, path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(|_| KeyError::NoEntropy)?;
    write_private(dir, path, key.as_slice())?;
    Ok(key)
}

/// Writes the whole file beside its place first, so that a crash leaves all of it or nothing.
fn write_private(dir: &Path, path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let draft = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    #[cfg(unix)]
    fs::File::open(dir)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_stay() {
        let dir = tempfile::tempdir().unwrap();
        let first = ServerKeys::open(dir.path(), false).unwrap();
        let again = ServerKeys::open(dir.path(), true).unwrap();
        assert_eq!(first.audit.public(), again.audit.public());
        assert_eq!(first.session, again.session);
    }

    #[test]
    fn a_founder_code_is_made_once_and_a_changed_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let code = founder_code(dir.path()).unwrap();
        assert_eq!((code.len(), &code), (32, &founder_code(dir.path()).unwrap()));
        let other = tempfile::tempdir().unwrap();
        assert_ne!(code, founder_code(other.path()).unwrap());
        for bad in ["", "a", "founder", &code[1..], &code.to_uppercase(), &format!("{}a", *code)] {
            fs::write(dir.path().join(FOUNDER_CODE), bad).unwrap();
            let refused = founder_code(dir.path());
            assert!(matches!(refused, Err(KeyError::Malformed(FOUNDER_CODE))), "{bad}");
        }
    }

    #[test]
    fn a_missing_zero_or_short_audit_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(ServerKeys::open(dir.path(), true), Err(KeyError::Missing(AUDIT))));
        ServerKeys::open(dir.path(), false).unwrap();
        for bad in [&[0; 32][..], &[1; 31], &[1; 33]] {
            fs::write(dir.path().join(AUDIT), bad).unwrap();
            assert!(matches!(ServerKeys::open(dir.path(), true), Err(KeyError::Malformed(AUDIT))));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        ServerKeys::open(dir.path(), false).unwrap();
        let file = dir.path().join(AUDIT);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(ServerKeys::open(dir.path(), true), Err(KeyError::Exposed(AUDIT))));
    }
}
