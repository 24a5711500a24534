//! From names and values to a file that reads back the same.

use strongroom_secret::SecretBytes;
use thiserror::Error;

use super::MAX_VALUE;
use crate::names::secret_name;

/// Why a file was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WriteError {
    /// A name that [`secret_name`] refuses; its position in the list.
    #[error("entry {0} has a name that a .env file cannot hold")]
    Name(usize),
    /// A value that is not UTF-8, has a NUL or is longer than [`MAX_VALUE`]; its position.
    #[error("entry {0} has a value that a .env file cannot hold")]
    Value(usize),
}

/// A `.env` file of `entries`, in their order, one assignment each: without quotes where no reader
/// could go wrong, else in single quotes, which nobody expands, else in double quotes.
///
/// [`parse`](super::parse) reads the same entries back. Values with a backslash go into double
/// quotes: `python-dotenv` gives it a meaning inside single quotes as well.
pub fn to_dotenv(entries: &[(&str, &SecretBytes)]) -> Result<SecretBytes, WriteError> {
    // Room for every value with each byte escaped: the buffer never moves and leaves no copy.
    let room = entries.iter().map(|(name, v)| name.len() + 2 * v.len() + 4);
    let mut file = Vec::with_capacity(room.sum());
    let outcome = entries.iter().enumerate().try_for_each(|(n, (name, value))| {
        if secret_name(name).as_deref() != Ok(*name) {
            return Err(WriteError::Name(n));
        }
        file.extend_from_slice(name.as_bytes());
        file.push(b'=');
        let fits = value.lend(|value| {
            let fits =
                value.len() <= MAX_VALUE && str::from_utf8(value).is_ok() && !value.contains(&0);
            if fits {
                write_value(value, &mut file);
            }
            fits
        });
        file.push(b'\n');
        if fits { Ok(()) } else { Err(WriteError::Value(n)) }
    });
    let file = SecretBytes::from_vec(file); // from here on it wipes itself, errors included
    outcome.map(|()| file)
}

fn write_value(value: &[u8], file: &mut Vec<u8>) {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_-./:@%+,=".contains(b);
    if value.iter().all(plain) && !value.starts_with(b"-----BEGIN") {
        file.extend_from_slice(value);
    } else if !value.iter().any(|b| matches!(b, b'\'' | b'\r' | b'\\')) {
        file.push(b'\'');
        file.extend_from_slice(value);
        file.push(b'\'');
    } else {
        file.push(b'"');
        for byte in value {
            match byte {
                b'\n' => file.extend_from_slice(b"\\n"),
                b'\r' => file.extend_from_slice(b"\\r"),
                b'\\' | b'"' | b'$' => file.extend_from_slice(&[b'\\', *byte]),
                _ => file.push(*byte),
            }
        }
        file.push(b'"');
    }
}
