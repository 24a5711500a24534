//! An answer on its way to the client, and the edits that a liar makes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use strongroom_format::encoding::Codec;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The content type; empty for none.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
    /// How many times the body is sent, one after the other; more than one makes a stream.
    pub repeat: usize,
}

impl Answer {
    /// JSON, with status 200.
    pub fn json(value: &impl Serialize) -> Self {
        Self::of("application/json", serde_json::to_vec(value).unwrap_or_default())
    }

    /// A binary page, with status 200.
    pub fn page(page: &impl Codec) -> Self {
        Self::of("application/octet-stream", page.encode())
    }

    /// Any bytes, with status 200.
    pub fn of(content_type: &str, body: Vec<u8>) -> Self {
        Self { status: 200, content_type: content_type.to_owned(), body, repeat: 1 }
    }

    /// A refusal with this status and code.
    pub fn refusal(status: u16, code: &str) -> Self {
        let error = serde_json::json!({ "error": { "code": code, "message": "refused" } });
        Self { status, ..Self::json(&error) }
    }

    /// The JSON value, if it is one of this type.
    pub fn read_json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The page, if it is one of this type.
    pub fn read_page<T: Codec>(&self) -> Option<T> {
        T::decode(&self.body).ok()
    }

    /// Changes a JSON answer of type `T`; does nothing to any other answer.
    pub fn edit<T: DeserializeOwned + Serialize>(&mut self, change: impl FnOnce(&mut T)) {
        if let Some(mut value) = self.read_json::<T>() {
            change(&mut value);
            self.body = serde_json::to_vec(&value).unwrap_or_default();
        }
    }

    /// Changes any JSON answer, field by field.
    pub fn edit_value(&mut self, change: impl FnOnce(&mut Value)) {
        self.edit::<Value>(change);
    }

    /// Changes a page of type `T`; does nothing to any other answer.
    pub fn edit_page<T: Codec>(&mut self, change: impl FnOnce(&mut T)) {
        if let Some(mut page) = self.read_page::<T>() {
            change(&mut page);
            self.body = page.encode();
        }
    }
}
