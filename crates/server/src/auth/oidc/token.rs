//! One token: its strict form, its claims, its signature (RFC 7515, 7519, 8725).

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use strongroom_store::Identity;

use super::keys::Key;
use crate::config::IssuerConfig;

/// How far clocks may differ, in seconds.
const LEEWAY_S: u64 = 60;
/// The longest life of a token, in seconds: nothing here can take one back before its end.
const MAX_LIFE_S: u64 = 24 * 60 * 60;
/// The longest subject, in bytes (`OpenID` Connect Core, section 2).
const MAX_SUBJECT: usize = 255;
const MAX_AUDIENCES: usize = 16;

/// All that a header may say. What would bring a key, an address or a rule of its own along
/// (`jwk`, `jku`, `x5c`, `x5u`, `crit`) makes it another header.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default, deserialize_with = "there")]
    typ: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    iat: u64,
    exp: u64,
    #[serde(default, deserialize_with = "there")]
    nbf: Option<u64>,
    #[serde(default, deserialize_with = "there")]
    azp: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// What is there has its type; `null` is not the same as nothing.
fn there<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some).map_err(D::Error::custom)
}

/// A token in the right form; nothing of it is proven.
pub(super) struct Token<'a> {
    header: Header,
    claims: Claims,
    /// What the signature covers.
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
        Some(Self {
            header: object(&decode(header)?)?,
            claims: object(&decode(claims)?)?,
            signed,
            signature: decode(signature).filter(|signature| !signature.is_empty())?,
        })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.claims.iss
    }

    pub(super) fn kid(&self) -> &str {
        &self.header.kid
    }

    /// In seconds since 1970.
    pub(super) fn ends(&self) -> u64 {
        self.claims.exp
    }

    /// Whom the claims name, if they are what the configuration demands at `now`, in seconds.
    pub(super) fn check(&self, config: &IssuerConfig, now: u64) -> Option<Identity> {
        let Header { alg, kid, typ } = &self.header;
        let Claims { iss, sub, aud, iat, exp, nbf, azp } = &self.claims;
        let header = alg == config.algorithm.name()
            && is_kid(kid)
            && typ.as_ref().is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
        let soon = now.saturating_add(LEEWAY_S);
        let running = *iat <= soon
            && nbf.is_none_or(|nbf| nbf <= soon)
            && now <= exp.saturating_add(LEEWAY_S)
            && exp.checked_sub(*iat).is_some_and(|life| life <= MAX_LIFE_S);
        let several = match aud {
            Audience::One(one) => config.audiences.contains(one).then_some(false)?,
            Audience::Several(all) => {
                let known = !all.is_empty()
                    && all.len() <= MAX_AUDIENCES
                    && all.iter().all(|one| config.audiences.contains(one));
                known.then_some(all.len() > 1)?
            }
        };
        // The party that the token was made for is said where there are several, and is never
        // another app.
        let party = match azp {
            Some(azp) => *azp == config.client_id,
            None => !several,
        };
        let named = !sub.is_empty() && sub.len() <= MAX_SUBJECT;
        let good = header && running && party && named && *iss == config.issuer;
        good.then(|| Identity { issuer: iss.clone(), subject: sub.clone() })
    }

    pub(super) fn is_signed_by(&self, key: &Key) -> bool {
        key.verifies(self.signed.as_bytes(), &self.signature)
    }
}

/// A JSON object of this form. `serde` would take an array for one too.
fn object<T: for<'de> Deserialize<'de>>(json: &[u8]) -> Option<T> {
    let begins = json.iter().find(|byte| !byte.is_ascii_whitespace());
    if begins != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// `[A-Za-z0-9._-]{1,64}`: a name in a list, never a path, a query or an address.
pub(super) fn is_kid(kid: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !kid.is_empty() && kid.len() <= 64 && kid.bytes().all(plain)
}
