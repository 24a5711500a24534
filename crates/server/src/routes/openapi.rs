//! `GET /v1/openapi.json`: the interface, described from the table of routes.
//!
//! The document is committed as `docs/openapi.json`; a test compares the two, so that a change of
//! the interface is seen in review.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{Form, ROUTES, Route, schemas};
use crate::error::ApiError;
use crate::http::answer_json;

/// The longest parameter in a path, in characters.
const ID: usize = 64;

pub(crate) async fn document() -> Result<Response, ApiError> {
    answer_json(&describe())
}

/// The whole document (OpenAPI 3.1).
fn describe() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Strongroom server",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "An untrusted mailbox for sealed and signed objects. Pages are the \
                canonical encoding of docs/protocol.md; unknown fields are refused.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {
                "credential": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "a session, a token of a configured issuer whose identity is \
                        bound to an account, or a service token's bearer (srt.)",
                },
                "invite": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "an invitation's bearer (srj.), while it is unused and has not ended",
                },
                "issuer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "a token of a configured issuer, to be bound to the account",
                },
                "founder": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "the founder code (sro.), for the very first account",
                },
            },
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "summary": route.summary,
        "parameters": parameters(route),
        "responses": {
            route.status: { "description": "done", "content": content(route.answer) },
            "default": { "description": "refused", "content": content(Form::Json("ErrorAnswer")) },
        },
        "security": security(route),
    });
    if route.request != Form::Nothing {
        operation["requestBody"] = json!({ "required": true, "content": content(route.request) });
    }
    operation
}

/// Alternatives; an empty one says that nothing need be sent.
fn security(route: &Route) -> Value {
    let alternative = |name: &&str| match *name {
        "" => json!({}),
        name => json!({ name: [] }),
    };
    match route.credentials {
        [""] => json!([]),
        names => names.iter().map(alternative).collect(),
    }
}

fn content(form: Form) -> Value {
    match form {
        Form::Nothing => json!({}),
        Form::Json(name) => {
            let schema = format!("#/components/schemas/{name}");
            json!({ "application/json": { "schema": { "$ref": schema } } })
        }
        Form::Page(name) => json!({
            "application/octet-stream": {
                "schema": { "type": "string", "format": "binary", "title": name },
            },
        }),
    }
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path =
        route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| {
        let schema = json!({ "type": "string", "maxLength": ID });
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    });
    let in_query = route.query.iter().map(|(name, schema, required)| {
        let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
        json!({ "name": name, "in": "query", "required": required, "schema": schema })
    });
    in_path.chain(in_query).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_what_the_code_says() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        let text = format!("{}\n", serde_json::to_string_pretty(&describe()).unwrap());
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(file, &text).unwrap();
        }
        let committed = std::fs::read_to_string(file).unwrap();
        assert_eq!(committed, text, "run the test with UPDATE_OPENAPI=1 and look at the change");
    }
}
