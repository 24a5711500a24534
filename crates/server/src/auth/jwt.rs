//! Sessions: short JWTs of the server's own issuer, `EdDSA` and nothing else.
//!
//! The header of a session is a constant, compared byte by byte before anything is parsed: there
//! is no algorithm, key id or URL in it that a sender could choose (RFC 8725, sections 3.1, 3.2).

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::SigningKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use strongroom_format::hash::sha256;
use strongroom_format::id::{UserId, base32};
use strongroom_store::Account;

/// How long a session lasts.
const LIFE_MS: u64 = 60 * 60 * 1000;
/// How far clocks may differ.
const LEEWAY_S: u64 = 60;
const AUDIENCE: &str = "strongroom";
/// PKCS #8 version 1 around an Ed25519 seed (RFC 8410, section 7).
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    /// Which keys signed in, see [`key_name`].
    key: String,
    iat: u64,
    exp: u64,
}

/// A name for the keys of an account. A session ends with the keys that opened it, so that a
/// stolen computer is shut out by a new keyset.
pub(crate) fn key_name(account: &Account) -> String {
    base32().encode(&sha256(&[&account.login_pub, &account.isk])[..15])
}

/// Issues and verifies sessions.
pub(crate) struct Sessions {
    issuer: String,
    signs: EncodingKey,
    verifies: DecodingKey,
    /// The only accepted first part of a token.
    header: String,
}

impl Sessions {
    pub(crate) fn new(issuer: &str, seed: &[u8; 32]) -> Self {
        let mut pkcs8 = zeroize::Zeroizing::new(PKCS8.to_vec());
        pkcs8.extend_from_slice(seed);
        let public = SigningKey::from_bytes(seed).verifying_key().to_bytes();
        let header = BASE64URL_NOPAD.encode(br#"{"typ":"JWT","alg":"EdDSA"}"#);
        Self {
            issuer: issuer.to_owned(),
            signs: EncodingKey::from_ed_der(&pkcs8),
            verifies: DecodingKey::from_ed_der(&public),
            header,
        }
    }

    /// A session for `user`, and when it ends, in milliseconds since 1970.
    pub(crate) fn issue(
        &self,
        user: &UserId,
        key: &str,
        now_ms: u64,
    ) -> Result<(String, u64), jsonwebtoken::errors::Error> {
        let expires_ms = now_ms.saturating_add(LIFE_MS);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: *user,
            key: key.to_owned(),
            iat: now_ms / 1000,
            exp: expires_ms / 1000,
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &self.signs)?;
        Ok((token, expires_ms))
    }

    /// Whose session this is, and of which keys; `None` for anything but an unexpired session of
    /// this server. Whether the keys are still those of the account is for the caller to look up.
    pub(crate) fn verify(&self, token: &str, now_ms: u64) -> Option<(UserId, String)> {
        let (header, _) = token.split_once('.')?;
        if header != self.header {
            return None;
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The claims are typed and all required; the clock is the server's own, below.
        validation.validate_exp = false;
        let data = jsonwebtoken::decode::<Claims>(token, &self.verifies, &validation).ok()?;
        let Claims { sub, key, iat, exp, .. } = data.claims;
        let now = now_ms / 1000;
        let begun = iat <= now.saturating_add(LEEWAY_S);
        let running = now <= exp.saturating_add(LEEWAY_S);
        let short = exp.saturating_sub(iat) <= LIFE_MS / 1000;
        (begun && running && short).then_some((sub, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    fn sessions() -> Sessions {
        Sessions::new("http://127.0.0.1:1", &[7; 32])
    }

    /// A token with any header and claims, signed by the right key.
    fn signed(header: &str, claims: &str) -> String {
        use ed25519_dalek::Signer as _;
        let text = format!(
            "{}.{}",
            BASE64URL_NOPAD.encode(header.as_bytes()),
            BASE64URL_NOPAD.encode(claims.as_bytes())
        );
        let signature = SigningKey::from_bytes(&[7; 32]).sign(text.as_bytes());
        format!("{text}.{}", BASE64URL_NOPAD.encode(&signature.to_bytes()))
    }

    fn claims(iss: &str, aud: &str, sub: &str, iat: &str, exp: &str) -> String {
        format!(r#"{{"iss":{iss},"aud":{aud},"sub":{sub},"key":"k","iat":{iat},"exp":{exp}}}"#)
    }

    #[test]
    fn a_session_names_its_user_until_it_ends() {
        let sessions = sessions();
        let user = UserId([3; 16]);
        let (token, expires) = sessions.issue(&user, "k", NOW).unwrap();
        let named = Some((user, "k".to_owned()));
        assert_eq!(sessions.verify(&token, NOW), named);
        assert_eq!(sessions.verify(&token, expires + 59_000), named);
        assert_eq!(sessions.verify(&token, expires + 62_000), None);
        assert_eq!(sessions.verify(&token, NOW - 62_000), None);
    }

    #[test]
    fn no_other_token_passes() {
        let sessions = sessions();
        let user = UserId([3; 16]);
        let (iat, exp) = ((NOW / 1000).to_string(), (NOW / 1000 + 3600).to_string());
        let header = r#"{"typ":"JWT","alg":"EdDSA"}"#;
        let (iss, aud) = (r#""http://127.0.0.1:1""#, r#""strongroom""#);
        let sub = format!("\"{user}\"");
        let good = claims(iss, aud, &sub, &iat, &exp);
        let named = Some((user, "k".to_owned()));
        assert_eq!(sessions.verify(&signed(header, &good), NOW), named, "the probe works");

        // H01 to H04: algorithms, keys and URLs in the header.
        for bad in [
            r#"{"typ":"JWT","alg":"none"}"#,
            r#"{"typ":"JWT","alg":"NONE"}"#,
            r#"{"typ":"JWT","alg":"HS256"}"#,
            r#"{"typ":"JWT","alg":"RS256"}"#,
            r#"{"typ":"JWT","alg":"ES256"}"#,
            r#"{"typ":"JWT","alg":"Ed25519"}"#,
            r#"{"alg":"EdDSA","typ":"JWT"}"#,
            r#"{"typ":"JWT","alg":"EdDSA","kid":"../../key"}"#,
            r#"{"typ":"JWT","alg":"EdDSA","jku":"http://evil.example/"}"#,
            r#"{"typ":"JWT","alg":"EdDSA","jwk":{}}"#,
            r#"{"typ":"JWT","alg":"EdDSA","x5u":"http://evil.example/"}"#,
            r#"{"typ":"JWT","alg":"EdDSA","crit":["exp"]}"#,
            r#"{"typ":"JWT","alg":["EdDSA"]}"#,
            "{}",
            "",
        ] {
            assert_eq!(sessions.verify(&signed(bad, &good), NOW), None, "{bad}");
        }
        // H05 to H07: missing, mistyped, foreign claims.
        let other = r#""https://evil.example""#;
        for bad in [
            claims(other, aud, &sub, &iat, &exp),
            claims(iss, other, &sub, &iat, &exp),
            claims(iss, r#"["strongroom"]"#, &sub, &iat, &exp),
            claims(iss, r#"["strongroom","x"]"#, &sub, &iat, &exp),
            claims(r#"["http://127.0.0.1:1"]"#, aud, &sub, &iat, &exp),
            claims(iss, aud, "7", &iat, &exp),
            claims(iss, aud, r#""usr_x""#, &iat, &exp),
            claims(iss, aud, r#""org_x""#, &iat, &exp),
            claims(iss, aud, &sub, &format!("\"{iat}\""), &exp),
            claims(iss, aud, &sub, &iat, &format!("\"{exp}\"")),
            claims(iss, aud, &sub, &iat, "null"),
            claims(iss, aud, &sub, &iat, "-1"),
            claims(iss, aud, &sub, &iat, "1e300"),
            claims(iss, aud, &sub, &iat, "0"),
            claims(iss, aud, &sub, &iat, "99999999999"),
            claims(iss, aud, &sub, "0", &exp),
            claims(iss, aud, &sub, "99999999999", &exp),
            good.replace(r#""key":"k","#, ""),
            good.replace(r#""key":"k""#, r#""key":7"#),
            good.replace(r#""iat""#, r#""nbf""#),
            good.replace('{', r#"{"admin":true,"#),
            good.replace('{', &format!(r#"{{"sub":{sub},"#)),
            "[]".to_owned(),
            String::new(),
        ] {
            assert_eq!(sessions.verify(&signed(header, &bad), NOW), None, "{bad}");
        }
        let (token, _) = sessions.issue(&user, "k", NOW).unwrap();
        let stranger =
            Sessions::new("http://127.0.0.1:1", &[8; 32]).issue(&user, "k", NOW).unwrap().0;
        for bad in [
            stranger,
            format!("{token}."),
            format!("{token}A"),
            token.replace('.', ".."),
            token.rsplit_once('.').unwrap().0.to_owned(),
            format!("{}.", token.rsplit_once('.').unwrap().0),
            "..".to_owned(),
            String::new(),
        ] {
            assert_eq!(sessions.verify(&bad, NOW), None, "{bad}");
        }
        for at in 0..token.len() {
            let mut flipped = token.clone().into_bytes();
            flipped[at] ^= 1;
            if let Ok(flipped) = String::from_utf8(flipped) {
                // The last digit of the signature carries spare bits; a strict decoder refuses them.
                assert_eq!(sessions.verify(&flipped, NOW), None, "byte {at}");
            }
        }
    }
}
