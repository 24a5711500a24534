//! What is signed: a request written in one way, whatever its spelling was.

use std::fmt::Write as _;

use http::{HeaderMap, Method};

use super::InjectError;

/// How often the path is percent-encoded in what is signed: S3 once, every other service twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Once,
    Twice,
}

/// Path and query of a request, decoded.
#[derive(Debug)]
pub(super) struct Target {
    path: Vec<u8>,
    query: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Target {
    pub(super) fn parse(path_and_query: &str) -> Result<Self, InjectError> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let pair = |pair: &str| {
            let (name, value) = match pair.split_once('=') {
                Some((name, value)) => (name, Some(decoded(value, true)?)),
                None => (pair, None),
            };
            Ok((decoded(name, true)?, value))
        };
        let query =
            query.split('&').filter(|part| !part.is_empty()).map(pair).collect::<Result<_, _>>()?;
        Ok(Self { path: decoded(path, false)?, query })
    }

    /// Path and query as they must be sent: encoded as AWS encodes them, parameters in their order.
    pub(super) fn as_sent(&self) -> String {
        let mut text = self.path_once();
        for (at, (name, value)) in self.query.iter().enumerate() {
            text.push(if at == 0 { '?' } else { '&' });
            encode(name, false, &mut text);
            if let Some(value) = value {
                text.push('=');
                encode(value, false, &mut text);
            }
        }
        text
    }

    fn path_once(&self) -> String {
        let mut text = String::with_capacity(self.path.len());
        encode(&self.path, true, &mut text);
        if text.is_empty() { "/".to_owned() } else { text }
    }

    fn path(&self, encoding: Encoding) -> String {
        let once = self.path_once();
        if encoding == Encoding::Once {
            return once;
        }
        let mut twice = String::with_capacity(once.len());
        encode(once.as_bytes(), true, &mut twice);
        twice
    }

    /// Sorted by encoded name and value; a name alone has an empty value.
    fn query(&self) -> String {
        let encoded = |bytes: &[u8]| {
            let mut text = String::new();
            encode(bytes, false, &mut text);
            text
        };
        let value = |value: &Option<Vec<u8>>| value.as_deref().map(encoded).unwrap_or_default();
        let mut pairs: Vec<(String, String)> =
            self.query.iter().map(|(name, of)| (encoded(name), value(of))).collect();
        pairs.sort_unstable();
        let pairs: Vec<String> = pairs.iter().map(|(name, of)| format!("{name}={of}")).collect();
        pairs.join("&")
    }
}

/// The canonical request. `names` are the headers to sign, sorted, `host` among them.
pub(super) fn request(
    method: &Method,
    host: &str,
    target: &Target,
    encoding: Encoding,
    headers: &HeaderMap,
    names: &[String],
    payload: &str,
) -> Result<String, InjectError> {
    let mut text = format!("{method}\n{}\n{}\n", target.path(encoding), target.query());
    for name in names {
        let value = if name == "host" { host.to_owned() } else { folded(headers, name)? };
        writeln!(text, "{name}:{value}").map_err(|_| InjectError::Template)?;
    }
    write!(text, "\n{}\n{payload}", names.join(";")).map_err(|_| InjectError::Template)?;
    Ok(text)
}

/// All values of a header, trimmed, with blanks inside folded to one, and a comma between them.
fn folded(headers: &HeaderMap, name: &str) -> Result<String, InjectError> {
    let value = |value: &http::HeaderValue| {
        let text = str::from_utf8(value.as_bytes())
            .map_err(|_| InjectError::Unsignable("a header that is signed is not text"))?;
        Ok(text.split([' ', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
    };
    let values: Vec<String> = headers.get_all(name).iter().map(value).collect::<Result<_, _>>()?;
    Ok(values.join(","))
}

/// Percent-decoded once. A `+` in a query is a blank, as S3 reads it.
fn decoded(text: &str, query: bool) -> Result<Vec<u8>, InjectError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(InjectError::Unsignable("a % without two hexadecimal digits"));
                };
                u8::try_from(high * 16 + low).unwrap_or_default()
            }
            b'+' if query => b' ',
            byte => byte,
        });
    }
    Ok(out)
}

/// Everything but letters, digits and `-._~` (and in a path `/`) as `%` and two capital digits.
fn encode(bytes: &[u8], path: bool, out: &mut String) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || (path && *byte == b'/') {
            out.push(char::from(*byte));
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}
