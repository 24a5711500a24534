//! The real credential: a key id, its secret, and a session token where it is a temporary one.

use serde::Deserialize;
use strongroom_secret::{SecretBytes, SecretText};

use super::InjectError;

const FORM: InjectError = InjectError::Form(
    "KEY_ID:SECRET, KEY_ID:SECRET:SESSION, or JSON with access_key_id and secret_access_key",
);

/// What a secret for AWS holds.
#[derive(Debug)]
pub struct AwsKeys {
    id: String,
    secret: SecretText,
    session: Option<SecretText>,
}

/// Other members, such as the expiry of a temporary credential, say nothing that matters here.
#[derive(Deserialize)]
struct Json {
    #[serde(alias = "AccessKeyId", alias = "aws_access_key_id")]
    access_key_id: String,
    #[serde(alias = "SecretAccessKey", alias = "aws_secret_access_key")]
    secret_access_key: SecretText,
    #[serde(default, alias = "SessionToken", alias = "aws_session_token")]
    session_token: Option<SecretText>,
}

impl AwsKeys {
    /// Reads a secret's value: `KEY_ID:SECRET[:SESSION]`, or JSON with the names that AWS's own
    /// files and commands use.
    pub fn parse(value: &SecretBytes) -> Result<Self, InjectError> {
        value.lend(|bytes| {
            let text = str::from_utf8(bytes).map_err(|_| FORM)?.trim();
            let keys = if text.starts_with('{') {
                let json: Json = serde_json::from_str(text).map_err(|_| FORM)?;
                let Json { access_key_id, secret_access_key, session_token } = json;
                Self { id: access_key_id, secret: secret_access_key, session: session_token }
            } else {
                let mut parts = text.splitn(3, ':');
                let (Some(id), Some(secret)) = (parts.next(), parts.next()) else {
                    return Err(FORM);
                };
                let text = |part: &str| SecretText::from_string(part.to_owned());
                Self { id: id.to_owned(), secret: text(secret), session: parts.next().map(text) }
            };
            keys.checked()
        })
    }

    /// The key id. It stands in every request and in AWS's own errors.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The secret half, which never leaves.
    pub fn secret(&self) -> &SecretText {
        &self.secret
    }

    /// What a temporary credential sends besides.
    pub fn session(&self) -> Option<&SecretText> {
        self.session.as_ref()
    }

    fn checked(self) -> Result<Self, InjectError> {
        let visible = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        // AWS's own have 16 characters and more; servers that speak like S3 take shorter ones.
        let id = (3..=128).contains(&self.id.len())
            && self.id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        let secret = self.secret.len() >= 8 && self.secret.lend(visible);
        let session =
            self.session.as_ref().is_none_or(|text| !text.is_empty() && text.lend(visible));
        if id && secret && session { Ok(self) } else { Err(FORM) }
    }
}
