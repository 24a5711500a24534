//! Credentials that stand in a header or in the path as they are.

use data_encoding::BASE64;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use strongroom_policy::{Auth, fake::behind_bot};
use strongroom_secret::SecretBytes;
use zeroize::Zeroizing;

use super::InjectError;

/// Puts `value` into the header that `auth` names. Any other value of that header is replaced.
pub fn into_header(
    auth: &Auth,
    value: &SecretBytes,
    headers: &mut HeaderMap,
) -> Result<(), InjectError> {
    let (name, text) = match auth {
        Auth::Bearer => (header::AUTHORIZATION, joined(b"Bearer ", value, b"")),
        Auth::Basic { user } => {
            let pair = joined(format!("{user}:").as_bytes(), value, b"");
            let encoded = Zeroizing::new(BASE64.encode(&pair));
            (header::AUTHORIZATION, Zeroizing::new([b"Basic ", encoded.as_bytes()].concat()))
        }
        Auth::Header { name, template } => {
            let (before, after) = template.split_once("{}").ok_or(InjectError::Template)?;
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| InjectError::Template)?;
            (name, joined(before.as_bytes(), value, after.as_bytes()))
        }
        Auth::Path | Auth::SigV4 { .. } | Auth::OAuth2 { .. } => return Ok(()),
    };
    let mut value = HeaderValue::from_bytes(&text).map_err(|_| InjectError::NotForAHeader)?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

/// The headers that `auth` writes.
pub fn headers_of(auth: &Auth) -> Vec<HeaderName> {
    match auth {
        Auth::Bearer | Auth::Basic { .. } | Auth::OAuth2 { .. } | Auth::SigV4 { .. } => {
            vec![header::AUTHORIZATION]
        }
        Auth::Header { name, .. } => HeaderName::from_bytes(name.as_bytes()).into_iter().collect(),
        Auth::Path => Vec::new(),
    }
}

/// `path_and_query` with `value` behind `bot`, where the fake token stood. The value must be what a segment of a
/// path holds without any encoding.
pub fn into_path(
    value: &SecretBytes,
    path_and_query: &str,
) -> Result<Zeroizing<String>, InjectError> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:~".contains(byte);
    value.lend(|bytes| {
        let text = str::from_utf8(bytes).ok().filter(|text| text.bytes().all(|b| plain(&b)));
        let text = text.ok_or(InjectError::Form("a token of letters, digits and : - _ ."))?;
        let mut path = Zeroizing::new(String::with_capacity(path_and_query.len() + text.len()));
        let at = behind_bot(path_and_query).ok_or(InjectError::Form("a token behind /bot"))?;
        path.push_str(path_and_query.get(..at.start).unwrap_or_default());
        path.push_str(text);
        path.push_str(path_and_query.get(at.end..).unwrap_or_default());
        Ok(path)
    })
}

fn joined(before: &[u8], value: &SecretBytes, after: &[u8]) -> Zeroizing<Vec<u8>> {
    value.lend(|value| {
        let mut all = Zeroizing::new(Vec::with_capacity(before.len() + value.len() + after.len()));
        all.extend_from_slice(before);
        all.extend_from_slice(value);
        all.extend_from_slice(after);
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(auth: &Auth, value: &[u8]) -> Result<HeaderMap, InjectError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer mine"));
        into_header(auth, &SecretBytes::copy_of(value), &mut headers)?;
        Ok(headers)
    }

    #[test]
    fn each_way_of_a_header_is_written_and_what_was_there_is_gone() {
        let headers = written(&Auth::Bearer, b"sk-real").unwrap();
        assert_eq!(headers[header::AUTHORIZATION], "Bearer sk-real");
        assert!(headers[header::AUTHORIZATION].is_sensitive());
        let headers = written(&Auth::Basic { user: "x".to_owned() }, b"pw").unwrap();
        assert_eq!(headers[header::AUTHORIZATION], "Basic eDpwdw==");
        let bot = Auth::Header { name: "authorization".to_owned(), template: "Bot {}".to_owned() };
        assert_eq!(written(&bot, b"abc").unwrap()[header::AUTHORIZATION], "Bot abc");
    }

    #[test]
    fn a_value_that_would_begin_another_header_is_refused() {
        let broken = written(&Auth::Bearer, b"a\r\nx-evil: 1");
        assert_eq!(broken.unwrap_err(), InjectError::NotForAHeader);
    }

    #[test]
    fn a_value_that_would_change_the_path_is_refused() {
        let fake = format!("1000000000:srf_telegram_{}", "0".repeat(43));
        let shaped = format!("/bot{fake}/sendMessage?x=1");
        let path = into_path(&SecretBytes::copy_of(b"1:abc"), &shaped).unwrap();
        assert_eq!(*path, "/bot1:abc/sendMessage?x=1");
        for evil in [&b"a/b"[..], b"a?b", b"a%2fb", b"a#b", b"a b", b"\xff"] {
            assert!(into_path(&SecretBytes::copy_of(evil), &shaped).is_err());
        }
        let elsewhere = format!("/x/sendMessage?token={fake}");
        assert!(into_path(&SecretBytes::copy_of(b"1:abc"), &elsewhere).is_err());
    }
}
