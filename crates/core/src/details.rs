//! What stands beside a name: the content of field 3 of an item (docs/protocol.md, section 4).
//!
//! Sealed like the name, so the server sees none of it. Strict JSON: an unknown field is an error,
//! so that nothing is dropped when an older client writes an item again.

use serde::{Deserialize, Serialize};
use strongroom_format::id::EnvId;

/// What an environment is for; decides its mark and whether prod-like care is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvClass {
    /// For one's own work.
    Development,
    /// Like production, for trying.
    Staging,
    /// Real.
    Production,
    /// Anything else.
    Other,
}

/// What a value looks like; kept so that a list can say it without opening values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueKind {
    /// A PEM block.
    Pem,
    /// Refers to other values.
    Reference,
}

impl ValueKind {
    /// What `value` looks like, if anything in particular.
    pub fn of(value: &[u8]) -> Option<Self> {
        let contains = |needle: &[u8]| value.windows(needle.len()).any(|window| window == needle);
        if value.starts_with(b"-----BEGIN ") {
            Some(Self::Pem)
        } else if contains(b"${") {
            Some(Self::Reference)
        } else {
            None
        }
    }
}

/// What a directory item names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thing {
    /// The organisation itself.
    Organisation,
    /// A member.
    Member,
    /// An application.
    App,
    /// An environment.
    Environment,
    /// A service token.
    Token,
    /// An agent.
    Agent,
    /// A secret's label, for members who cannot open the secret.
    Secret,
}

/// Everything that stands beside a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Details {
    /// In the directory: what is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thing: Option<Thing>,
    /// In the directory, for a secret's label: where the secret is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<EnvId>,
    /// In the directory, for an environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<EnvClass>,
    /// In the directory, for the organisation: made by this program to be looked at.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub sample: bool,
    /// For a secret: what its value looks like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ValueKind>,
    /// For a secret: words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Details {
    /// A directory item that names a `thing`.
    pub fn of(thing: Thing) -> Self {
        Self { thing: Some(thing), ..Self::default() }
    }

    /// The bytes to seal; none where there is nothing to say.
    pub fn encode(&self) -> Option<Vec<u8>> {
        if *self == Self::default() { None } else { serde_json::to_vec(self).ok() }
    }

    /// Reads opened bytes.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_read_back_and_refuse_what_they_do_not_know() {
        let details = Details {
            note: Some("Ask payments first.".to_owned()),
            kind: Some(ValueKind::Pem),
            ..Details::default()
        };
        assert_eq!(Details::parse(&details.encode().unwrap()), Some(details));
        assert_eq!(Details::default().encode(), None);
        assert_eq!(Details::parse(br#"{"colour":"red"}"#), None);
    }

    #[test]
    fn a_value_is_known_by_its_shape() {
        assert_eq!(ValueKind::of(b"-----BEGIN RSA PRIVATE KEY-----"), Some(ValueKind::Pem));
        assert_eq!(ValueKind::of(b"postgres://${HOST}"), Some(ValueKind::Reference));
        assert_eq!(ValueKind::of(b"a $ b { c"), None);
    }
}
