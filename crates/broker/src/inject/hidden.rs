//! What of a credential must not come back in an answer.

use strongroom_policy::Auth;
use strongroom_secret::{SecretBytes, SecretText};

use super::{InjectError, oauth2::Grant, sigv4::AwsKeys};

/// The parts of `value` that open something. A value in a form of its own is taken apart: the names
/// of its members are words that any answer may hold.
pub fn hidden(auth: &Auth, value: &SecretBytes) -> Result<Vec<SecretBytes>, InjectError> {
    let bytes = |text: &SecretText| text.lend(|text| SecretBytes::copy_of(text.as_bytes()));
    Ok(match auth {
        Auth::SigV4 { .. } => {
            let keys = AwsKeys::parse(value)?;
            let id = SecretBytes::copy_of(keys.id().as_bytes());
            let mut parts = vec![bytes(keys.secret()), id];
            parts.extend(keys.session().map(bytes));
            parts
        }
        Auth::OAuth2 { .. } => {
            let grant = Grant::parse(value)?;
            let mut parts = vec![bytes(grant.refresh_token())];
            parts.extend(grant.client_secret().map(bytes));
            parts
        }
        _ => vec![value.lend(SecretBytes::copy_of)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(auth: &Auth, value: &str) -> Vec<String> {
        let parts = hidden(auth, &SecretBytes::copy_of(value.as_bytes())).unwrap();
        let text = |part: &SecretBytes| part.lend(|b| String::from_utf8(b.to_vec()).unwrap());
        parts.iter().map(text).collect()
    }

    #[test]
    fn every_part_that_opens_something_is_hidden_and_no_word_of_a_form() {
        assert_eq!(parts(&Auth::Bearer, "sk-real"), ["sk-real"]);
        let aws = Auth::SigV4 { service: None, region: None };
        assert_eq!(parts(&aws, "AKIAX:secret-key"), ["secret-key", "AKIAX"]);
        assert_eq!(parts(&aws, "AKIAX:secret-key:token"), ["secret-key", "AKIAX", "token"]);
        let oauth = Auth::OAuth2 { token_url: "https://a.example/t".to_owned(), scopes: vec![] };
        let value = r#"{"client_id":"c","client_secret":"cs","refresh_token":"rt"}"#;
        assert_eq!(parts(&oauth, value), ["rt", "cs"]);
    }
}
