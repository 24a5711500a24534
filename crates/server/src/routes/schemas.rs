//! The schemas of what travels as JSON. A test holds each against what the code writes.

use serde_json::{Map, Value, json};
use strongroom_format::wire::{MAX_ACTS, MAX_BATCH_ENVS, MAX_LINKS};

/// The longest id in text, in characters.
const ID: usize = 64;

/// Every schema by its name.
pub(super) fn all() -> Value {
    let mut all = Map::new();
    for (name, schema) in plain().into_iter().chain(people()).chain(objects()) {
        all.insert(name.to_owned(), schema);
    }
    Value::Object(all)
}

fn plain() -> Vec<(&'static str, Value)> {
    let id = |prefix: &str| json!({ "type": "string", "pattern": format!("^{prefix}[a-z2-7]+$"), "maxLength": ID });
    vec![
        ("OrgId", id("org_")),
        ("EnvId", id("env_")),
        ("SecretId", id("sec_")),
        ("UserId", id("usr_")),
        ("InviteId", id("inv_")),
        ("Number", json!({ "type": "integer", "minimum": 0, "format": "uint64" })),
        ("Flag", json!({ "type": "boolean" })),
        ("Text", json!({ "type": "string" })),
        (
            "Bytes",
            json!({
                "type": "string",
                "contentEncoding": "base64url",
                "pattern": "^[A-Za-z0-9_-]*$",
                "description": "base64url without padding",
            }),
        ),
        ("Note", json!({ "type": "string", "description": "a C2SP signed note" })),
        ("SignInKey", json!({ "type": "string", "enum": ["login", "identity"] })),
        ("Registration", json!({ "type": "string", "enum": ["open", "invited", "closed"] })),
        ("OpenApi", json!({ "type": "object" })),
    ]
}

/// Accounts, sessions, and the way in.
fn people() -> Vec<(&'static str, Value)> {
    vec![
        object("Empty", &[]),
        object(
            "ServerInfo",
            &[
                ("origin", one("Text")),
                ("version", one("Text")),
                ("audit_vkey", one("Bytes")),
                ("time_ms", one("Number")),
                ("registration", one("Registration")),
                ("issuers", many("IssuerInfo", None)),
            ],
        ),
        object(
            "IssuerInfo",
            &[
                ("name", one("Text")),
                ("issuer", one("Text")),
                ("client_id", one("Text")),
                ("scopes", many("Text", None)),
            ],
        ),
        object("AccountAnswer", &[("user_id", one("UserId")), ("keyset", one("Keyset"))]),
        object(
            "ReplaceKeyset",
            &[
                ("keyset", one("Keyset")),
                ("login_sig", one("Bytes")),
                ("identity_sig", one("Bytes")),
                ("by_current", one("Bytes")),
            ],
        ),
        object("BindIdentity", &[("id_token", one("Text"))]),
        object("ChainAnswer", &[("links", many("Bytes", Some(MAX_LINKS))), ("more", one("Flag"))]),
        object(
            "JoinRequest",
            &[
                ("user_id", one("UserId")),
                ("isk", one("Bytes")),
                ("iek", one("Bytes")),
                ("pop", one("Bytes")),
                ("mac", one("Bytes")),
                ("reset", one("Flag")),
            ],
        ),
        object(
            "PendingJoin",
            &[
                ("invite_id", one("InviteId")),
                ("request", one("JoinRequest")),
                ("time_ms", one("Number")),
            ],
        ),
        object("JoinList", &[("joins", many("PendingJoin", None))]),
        object(
            "CreateAccount",
            &[
                ("user_id", one("UserId")),
                ("keyset", one("Keyset")),
                ("login_sig", one("Bytes")),
                ("identity_sig", one("Bytes")),
            ],
        ),
        object(
            "Keyset",
            &[
                ("epoch", one("Number")),
                ("profile", one("Number")),
                ("salt", one("Bytes")),
                ("login_pub", one("Bytes")),
                ("isk", one("Bytes")),
                ("iek", one("Bytes")),
                ("blob", one("Bytes")),
            ],
        ),
        object("ChallengeRequest", &[("user_id", one("UserId"))]),
        object("Challenge", &[("nonce", one("Bytes")), ("time_ms", one("Number"))]),
        object(
            "SessionRequest",
            &[
                ("user_id", one("UserId")),
                ("nonce", one("Bytes")),
                ("time_ms", one("Number")),
                ("key", one("SignInKey")),
                ("signature", one("Bytes")),
            ],
        ),
        object("Session", &[("token", one("Text")), ("expires_ms", one("Number"))]),
    ]
}

/// Organisations and what is in them.
fn objects() -> Vec<(&'static str, Value)> {
    vec![
        object("OrgList", &[("orgs", many("OrgId", None))]),
        object(
            "SyncAnswer",
            &[
                ("links", many("Bytes", Some(MAX_LINKS))),
                ("more", one("Flag")),
                ("wraps", many("WrapAnswer", None)),
                ("previous", many("PreviousAnswer", None)),
                ("envs", many("EnvHead", Some(MAX_BATCH_ENVS))),
                ("checkpoint", one("Note")),
            ],
        ),
        object(
            "WrapAnswer",
            &[("env_id", one("EnvId")), ("epoch", one("Number")), ("wrap", one("Bytes"))],
        ),
        object(
            "PreviousAnswer",
            &[("env_id", one("EnvId")), ("epoch", one("Number")), ("sealed", one("Bytes"))],
        ),
        object(
            "EnvHead",
            &[("env_id", one("EnvId")), ("seq", one("Number")), ("head", one("Bytes"))],
        ),
        object("WriteAnswer", &[("link", one("Number")), ("checkpoint", one("Note"))]),
        object("StageAnswer", &[("count", one("Number")), ("checkpoint", one("Note"))]),
        object(
            "Receipt",
            &[
                ("count", one("Number")),
                ("first", one("Number")),
                ("time_ms", one("Number")),
                ("peer", one("Text")),
                ("checkpoint", one("Note")),
            ],
        ),
        object("ConsistencyAnswer", &[("proof", many("Bytes", None)), ("checkpoint", one("Note"))]),
        object("InclusionAnswer", &[("proof", many("Bytes", None)), ("checkpoint", one("Note"))]),
        object(
            "EventsAnswer",
            &[
                ("events", many("Bytes", Some(MAX_ACTS))),
                ("base", one("Number")),
                ("peaks", many("Bytes", None)),
                ("more", one("Flag")),
                ("checkpoint", one("Note")),
            ],
        ),
        object("ErrorAnswer", &[("error", one("ErrorBody"))]),
        object("ErrorBody", &[("code", one("Text")), ("message", one("Text"))]),
    ]
}

/// An object with exactly these fields.
fn object(name: &'static str, fields: &[(&str, Value)]) -> (&'static str, Value) {
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let schema = json!({
        "type": "object",
        "additionalProperties": false,
        "required": names,
        "properties": properties,
    });
    (name, schema)
}

fn one(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn many(schema: &str, max: Option<usize>) -> Value {
    match max {
        Some(max) => json!({ "type": "array", "items": one(schema), "maxItems": max }),
        None => json!({ "type": "array", "items": one(schema) }),
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use strongroom_format::id::{EnvId, InviteId, OrgId, UserId};
    use strongroom_format::wire::{
        AccountAnswer, B64, BindIdentity, ChainAnswer, Challenge, ChallengeRequest,
        ConsistencyAnswer, CreateAccount, EnvHead, ErrorAnswer, ErrorBody, EventsAnswer,
        InclusionAnswer, IssuerInfo, JoinList, JoinRequest, Keyset, OrgList, PendingJoin,
        PreviousAnswer, Receipt, Registration, ReplaceKeyset, ServerInfo, Session, SessionRequest,
        SignInKey, StageAnswer, SyncAnswer, WrapAnswer, WriteAnswer,
    };

    use super::*;

    /// Whether `value` is what `schema` says, as far as this module's schemas say anything.
    fn check(all: &Value, schema: &Value, value: &Value, path: &str) {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            return check(all, &all[name], value, &format!("{path}:{name}"));
        }
        match schema["type"].as_str() {
            Some("object") => {
                let properties = schema["properties"].as_object().unwrap();
                let value = value.as_object().unwrap();
                let (mut said, mut is): (Vec<_>, Vec<_>) =
                    (properties.keys().collect(), value.keys().collect());
                said.sort();
                is.sort();
                assert_eq!(said, is, "{path}");
                for (name, schema) in properties {
                    check(all, schema, &value[name], &format!("{path}.{name}"));
                }
            }
            Some("array") => {
                for value in value.as_array().unwrap() {
                    check(all, &schema["items"], value, path);
                }
            }
            Some("string") => assert!(value.is_string(), "{path}"),
            Some("integer") => assert!(value.is_u64(), "{path}"),
            Some("boolean") => assert!(value.is_boolean(), "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }

    fn fits(name: &str, value: &impl Serialize) {
        let all = all();
        check(&all, &one(name), &serde_json::to_value(value).unwrap(), name);
    }

    #[test]
    fn every_schema_is_what_the_code_writes() {
        let bytes = || B64(vec![1, 2, 3]);
        let (user_id, env_id) = (UserId([1; 16]), EnvId([2; 16]));
        let keyset = Keyset {
            epoch: 1,
            profile: 1,
            salt: bytes(),
            login_pub: bytes(),
            isk: bytes(),
            iek: bytes(),
            blob: bytes(),
        };
        let text = || "text".to_owned();
        fits(
            "ServerInfo",
            &ServerInfo {
                origin: text(),
                version: text(),
                audit_vkey: bytes(),
                time_ms: 1,
                registration: Registration::Invited,
                issuers: vec![IssuerInfo {
                    name: text(),
                    issuer: text(),
                    client_id: text(),
                    scopes: vec![text()],
                }],
            },
        );
        fits("AccountAnswer", &AccountAnswer { user_id, keyset: keyset.clone() });
        fits(
            "ReplaceKeyset",
            &ReplaceKeyset {
                keyset: keyset.clone(),
                login_sig: bytes(),
                identity_sig: bytes(),
                by_current: bytes(),
            },
        );
        fits("BindIdentity", &BindIdentity { id_token: text() });
        fits("ChainAnswer", &ChainAnswer { links: vec![bytes()], more: true });
        let request = JoinRequest {
            user_id,
            isk: bytes(),
            iek: bytes(),
            pop: bytes(),
            mac: bytes(),
            reset: false,
        };
        let join = PendingJoin { invite_id: InviteId([3; 16]), request, time_ms: 1 };
        fits("JoinList", &JoinList { joins: vec![join] });
        fits(
            "CreateAccount",
            &CreateAccount { user_id, keyset, login_sig: bytes(), identity_sig: bytes() },
        );
        fits("ChallengeRequest", &ChallengeRequest { user_id });
        fits("Challenge", &Challenge { nonce: bytes(), time_ms: 1 });
        fits(
            "SessionRequest",
            &SessionRequest {
                user_id,
                nonce: bytes(),
                time_ms: 1,
                key: SignInKey::Login,
                signature: bytes(),
            },
        );
        fits("Session", &Session { token: text(), expires_ms: 1 });
        fits("OrgList", &OrgList { orgs: vec![OrgId([1; 32])] });
        fits(
            "SyncAnswer",
            &SyncAnswer {
                links: vec![bytes()],
                more: true,
                wraps: vec![WrapAnswer { env_id, epoch: 1, wrap: bytes() }],
                previous: vec![PreviousAnswer { env_id, epoch: 1, sealed: bytes() }],
                envs: vec![EnvHead { env_id, seq: 1, head: bytes() }],
                checkpoint: text(),
            },
        );
        fits("WriteAnswer", &WriteAnswer { link: 1, checkpoint: text() });
        fits("StageAnswer", &StageAnswer { count: 1, checkpoint: text() });
        fits(
            "Receipt",
            &Receipt { count: 1, first: 2, time_ms: 3, peer: text(), checkpoint: text() },
        );
        fits("ConsistencyAnswer", &ConsistencyAnswer { proof: vec![bytes()], checkpoint: text() });
        fits("InclusionAnswer", &InclusionAnswer { proof: vec![bytes()], checkpoint: text() });
        fits(
            "EventsAnswer",
            &EventsAnswer {
                events: vec![bytes()],
                base: 1,
                peaks: vec![bytes()],
                more: false,
                checkpoint: text(),
            },
        );
        fits("ErrorAnswer", &ErrorAnswer { error: ErrorBody { code: text(), message: text() } });
    }

    #[test]
    fn every_schema_that_is_named_exists() {
        let all = all();
        let text = all.to_string();
        for named in text.split("#/components/schemas/").skip(1) {
            let name = named.split('"').next().unwrap();
            assert!(all.get(name).is_some(), "{name}");
        }
        let forms = super::super::ROUTES.iter().flat_map(|route| [route.request, route.answer]);
        for form in forms {
            if let super::super::Form::Json(name) = form {
                assert!(all.get(name).is_some(), "{name}");
            }
        }
        for (_, schema, _) in super::super::ROUTES.iter().flat_map(|route| route.query) {
            assert!(all.get(schema).is_some(), "{schema}");
        }
    }
}
