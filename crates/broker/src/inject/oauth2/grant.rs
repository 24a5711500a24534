//! The refresh token grant in its bytes.

use data_encoding::BASE64;
use http::HeaderValue;
use serde::Deserialize;
use strongroom_secret::{SecretBytes, SecretText};
use zeroize::Zeroizing;

use super::{Answer, Form};
use crate::inject::InjectError;

const FORM: InjectError =
    InjectError::Form("JSON with client_id, refresh_token and, where there is one, client_secret");
/// How long an access token is used whose provider does not say how long it lasts, in seconds.
const UNSTATED: u64 = 300;
/// Longer than a day is not believed.
const LONGEST: u64 = 86_400;

/// What a secret for OAuth 2 holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)] // what is not known would be lost when the refresh token is replaced
pub struct Grant {
    client_id: String,
    #[serde(default)]
    client_secret: Option<SecretText>,
    refresh_token: SecretText,
}

/// What a provider gave.
pub(super) struct Granted {
    pub(super) access: SecretBytes,
    pub(super) seconds: u64,
    pub(super) replaced: Option<SecretText>,
}

/// RFC 6749, section 5.1.
#[derive(Deserialize)]
struct Success {
    access_token: SecretText,
    token_type: String,
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
    #[serde(default)]
    refresh_token: Option<SecretText>,
}

/// RFC 6749, section 5.2.
#[derive(Deserialize)]
struct Failure {
    error: String,
}

impl Grant {
    /// Reads a secret's value.
    pub fn parse(value: &SecretBytes) -> Result<Self, InjectError> {
        let grant: Self = value.lend(|bytes| serde_json::from_slice(bytes)).map_err(|_| FORM)?;
        let secret = grant.client_secret.as_ref().is_none_or(|secret| !secret.is_empty());
        let whole = !grant.client_id.is_empty() && !grant.refresh_token.is_empty() && secret;
        if whole { Ok(grant) } else { Err(FORM) }
    }

    /// The refresh token as the vault has it.
    pub fn refresh_token(&self) -> &SecretText {
        &self.refresh_token
    }

    /// The client's own secret, where it has one.
    pub fn client_secret(&self) -> Option<&SecretText> {
        self.client_secret.as_ref()
    }

    pub(super) fn has_secret(&self) -> bool {
        self.client_secret.is_some()
    }

    /// The request. The client shows who it is in a header (RFC 6749, section 2.3.1), or in the body
    /// where `in_header` is false or it has no secret.
    pub(super) fn form(
        &self,
        refresh_token: &SecretText,
        scopes: &[String],
        in_header: bool,
    ) -> Result<Form, InjectError> {
        let secret = self.client_secret.as_ref();
        let room = 256
            + 3 * (refresh_token.len() + self.client_id.len())
            + 3 * secret.map_or(0, SecretText::len)
            + 3 * scopes.iter().map(|scope| scope.len() + 1).sum::<usize>();
        // Written once into room enough, so that no growth leaves a copy behind.
        let mut body = Vec::with_capacity(room);
        body.extend_from_slice(b"grant_type=refresh_token&refresh_token=");
        refresh_token.lend(|token| encode(token, &mut body));
        if !scopes.is_empty() {
            body.extend_from_slice(b"&scope=");
            encode(&scopes.join(" "), &mut body);
        }
        let mut authorization = None;
        if let Some(secret) = secret.filter(|_| in_header) {
            authorization = Some(self.basic(secret)?);
        } else {
            body.extend_from_slice(b"&client_id=");
            encode(&self.client_id, &mut body);
            if let Some(secret) = secret {
                body.extend_from_slice(b"&client_secret=");
                secret.lend(|secret| encode(secret, &mut body));
            }
        }
        Ok(Form { authorization, body: SecretBytes::from_vec(body) })
    }

    fn basic(&self, secret: &SecretText) -> Result<HeaderValue, InjectError> {
        let mut pair =
            Zeroizing::new(Vec::with_capacity(3 * (self.client_id.len() + secret.len()) + 1));
        encode(&self.client_id, &mut pair);
        pair.push(b':');
        secret.lend(|secret| encode(secret, &mut pair));
        let text = Zeroizing::new(format!("Basic {}", *Zeroizing::new(BASE64.encode(&pair))));
        let mut value = HeaderValue::from_str(&text).map_err(|_| InjectError::NotForAHeader)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The secret's value with another refresh token.
    pub(super) fn with(&self, refresh_token: &SecretText) -> SecretBytes {
        // JSON writes at most six bytes for one.
        let secret_len = self.client_secret.as_ref().map_or(0, SecretText::len);
        let room = 64 + 6 * (self.client_id.len() + secret_len + refresh_token.len());
        let mut text = Vec::with_capacity(room);
        text.extend_from_slice(b"{\"client_id\":");
        quote(&self.client_id, &mut text);
        if let Some(secret) = &self.client_secret {
            text.extend_from_slice(b",\"client_secret\":");
            secret.lend(|secret| quote(secret, &mut text));
        }
        text.extend_from_slice(b",\"refresh_token\":");
        refresh_token.lend(|token| quote(token, &mut text));
        text.push(b'}');
        SecretBytes::from_vec(text)
    }
}

/// Whether the provider did not recognise the client.
pub(super) fn is_invalid_client(answer: &Answer) -> bool {
    answer.status == 401
        || (answer.status == 400 && failure(answer).is_some_and(|one| one == "invalid_client"))
}

/// Reads an answer. What the provider says in words is not repeated: it may hold anything.
pub(super) fn read(answer: &Answer) -> Result<Granted, InjectError> {
    if answer.status != 200 {
        let why = match failure(answer).as_deref() {
            Some("invalid_grant") => {
                "the refresh token is over or was revoked; sign in there again and store the new one"
            }
            Some("invalid_client" | "unauthorized_client") => {
                "it does not know this client; check client_id and client_secret"
            }
            Some("invalid_scope") => "it does not grant these scopes; correct the secret's policy",
            _ if answer.status >= 500 => "it has a fault just now; try again later",
            _ => "it refused; check the token URL and the secret",
        };
        return Err(refused(why));
    }
    let bearer = |one: &Success| one.token_type.eq_ignore_ascii_case("bearer");
    let success: Success = answer
        .body
        .lend(|bytes| serde_json::from_slice(bytes))
        .ok()
        .filter(bearer)
        .ok_or_else(|| refused("its answer is not one of OAuth 2 with a bearer token"))?;
    let Success { access_token, expires_in, refresh_token, .. } = success;
    if access_token.is_empty() {
        return Err(refused("its answer has an empty access token"));
    }
    let stated = expires_in.and_then(|value| match value {
        serde_json::Value::Number(number) => number.as_u64(),
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    });
    Ok(Granted {
        access: access_token.into_bytes(),
        seconds: stated.unwrap_or(UNSTATED).min(LONGEST),
        replaced: refresh_token.filter(|token| !token.is_empty()),
    })
}

fn refused(why: &str) -> InjectError {
    InjectError::Refresh(why.to_owned())
}

fn failure(answer: &Answer) -> Option<String> {
    let parse = |bytes: &[u8]| serde_json::from_slice::<Failure>(bytes);
    answer.body.lend(parse).ok().map(|one| one.error)
}

/// Percent-encoding that every reader of a form understands.
fn encode(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
            out.extend_from_slice(&[b'%', DIGITS[high], DIGITS[low]]);
        }
    }
}

/// A JSON string.
fn quote(text: &str, out: &mut Vec<u8>) {
    // Into memory that is large enough: it cannot fail.
    let written = serde_json::to_writer(out, text);
    debug_assert!(written.is_ok());
}
