//! What lets a new account in where a server is not open to everybody.

use data_encoding::BASE64URL_NOPAD;
use reqwest::header::HeaderValue;
use strongroom_crypto::safe::InviteKey;
use strongroom_secret::SecretText;
use zeroize::Zeroizing;

use super::error::ApiError;
use super::session::Token;

/// A credential of somebody who has no account yet.
pub enum Admission {
    /// The code that a new server wrote down for its operator.
    Founder(SecretText),
    /// The bearer of an invitation, as it travels.
    Invite(SecretText),
    /// A JWT of an issuer that the server takes.
    Issuer(SecretText),
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Admission(..)")
    }
}

impl Admission {
    /// That of whoever holds the code of an invitation.
    pub fn of_invite(key: &InviteKey) -> Self {
        let mut text = format!("{}.", key.id());
        text.reserve_exact(43);
        key.bearer().lend(|bytes| BASE64URL_NOPAD.encode_append(bytes, &mut text));
        Self::Invite(SecretText::from_string(text))
    }

    pub(super) fn token(&self) -> Result<Token, ApiError> {
        let (prefix, text) = match self {
            Self::Founder(text) => ("sro.", text),
            Self::Invite(text) => ("srj.", text),
            Self::Issuer(text) => ("", text),
        };
        let bearer = text.lend(|text| Zeroizing::new(format!("Bearer {prefix}{}", text.trim())));
        let mut header = HeaderValue::from_str(&bearer).map_err(|_| ApiError::Garbage)?;
        header.set_sensitive(true);
        Ok(Token::fixed(header))
    }
}
