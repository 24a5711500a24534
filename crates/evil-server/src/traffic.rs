//! What went over the wire, and what two runs have in common.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::answer::Answer;

/// A request as the client sent it.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: String,
    /// Without its query.
    pub path: String,
    /// Without its question mark; empty if there is none.
    pub query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; empty if there is none.
    pub body: Vec<u8>,
}

impl Request {
    /// Whether the path ends with `ending`.
    pub fn is(&self, method: &str, ending: &str) -> bool {
        self.method == method && self.path.ends_with(ending)
    }

    /// One parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Everything that left the client, as one string of bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {}?{}\n", self.method, self.path, self.query).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\n").as_bytes());
        }
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A request and the answer the client got.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// What the client sent.
    pub request: Request,
    /// What it got, after any edit.
    pub answer: Answer,
}

/// What a client sent, without what differs by chance: ids, nonces, signatures, salts. Two runs of
/// one story have the same shape, unless a lie made the client say something else.
pub fn shape(traffic: &[Exchange]) -> Vec<String> {
    traffic.iter().map(|exchange| shape_of(&exchange.request)).collect()
}

fn shape_of(request: &Request) -> String {
    let path: Vec<String> = request.path.split('/').map(without_id).collect();
    let query: Vec<&str> =
        request.query.split('&').map(|p| p.split('=').next().unwrap_or(p)).collect();
    let headers: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    let body = match serde_json::from_slice::<Value>(&request.body) {
        Ok(value) => tree_without(&value).to_string(),
        Err(_) => format!("{} bytes", request.body.len()),
    };
    format!("{} {} {query:?} {headers:?} {body}", request.method, path.join("/"))
}

fn without_id(part: &str) -> String {
    match part.split_once('_') {
        Some((prefix, digits)) if prefix.len() == 3 && digits.len() >= 26 => format!("{prefix}_"),
        _ => part.to_owned(),
    }
}

/// A JSON value with each text replaced by its length and each number by zero.
pub fn tree_without(value: &Value) -> Value {
    match value {
        Value::String(text) => format!("{} characters", text.len()).into(),
        Value::Number(_) => 0.into(),
        Value::Array(values) => values.iter().map(tree_without).collect(),
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> =
                fields.iter().map(|(name, value)| (name, tree_without(value))).collect();
            fields.into_iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        other => other.clone(),
    }
}
