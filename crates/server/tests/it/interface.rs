//! The OpenAPI document: what the server serves is what stands in `docs/`.

use serde_json::Value;

use crate::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn the_document_in_docs_is_the_one_that_is_served() {
    let server = Server::start().await;
    let served: Value = server.client.get("/v1/openapi.json", "").await.json();
    let text = format!("{}\n", serde_json::to_string_pretty(&served).unwrap());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(file, &text).unwrap();
    }
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(committed == text, "docs/openapi.json is old: run this with UPDATE_OPENAPI=1");
}
