//! J12, J16, J25: a token where it does not belong, and requests that try to choose how the
//! credential is written.

use super::Scene;
use crate::support::{REAL, upstream::Got};

/// The credential stands in `Authorization` as it should, or nowhere.
fn require_in_its_place(got: &Got, case: &str) {
    let authorization = got.header("authorization");
    let basic = data_encoding::BASE64.encode(format!("x-access-token:{REAL}").as_bytes());
    let sound =
        authorization == format!("Bearer {REAL}") || authorization == format!("Basic {basic}");
    assert!(sound, "{case}: {authorization}");
    let elsewhere = got.text().replace(&format!("authorization: {authorization}\n"), "");
    assert!(
        !elsewhere.contains(&REAL[..12]) && !elsewhere.contains(&basic[..16]),
        "{case}: {elsewhere}"
    );
    assert!(
        !got.headers.values().any(|value| value.to_str().is_ok_and(|text| text.contains("srf_")))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_elsewhere_is_refused_and_never_replaced() {
    let scene = Scene::new().await;
    let (fake, here) = (scene.fake(), scene.world.broker.address());
    let good = format!("Authorization: Bearer {fake}\r\n");
    let basic = |pair: String| data_encoding::BASE64.encode(pair.as_bytes());
    let fields = [
        format!("X-Other: {fake}\r\n"),
        format!("Cookie: session={fake}\r\n"),
        format!("User-Agent: {fake}\r\n"),
        format!("Referer: https://api.github.com/?t={fake}\r\n"),
        format!("X-Api-Key: {fake}\r\n"),
        format!("Accept: {fake}\r\n"),
        format!("If-None-Match: \"{fake}\"\r\n"),
        format!("Content-Type: text/{fake}\r\n"),
        format!("Authorization: {fake}\r\n"),
        format!("Authorization: Digest {fake}\r\n"),
        format!("Authorization: Bot {fake}\r\n"),
        format!("Authorization: {{}} {fake}\r\n"),
        format!("Authorization: Bearer{fake}\r\n"),
        "Authorization: Bearer {}\r\n".to_owned(),
        format!("Authorization: Bearer {}\r\n", fake.to_uppercase()),
        format!("Authorization: Bearer {}\r\n", &fake[..fake.len() - 1]),
        format!("Authorization: Bearer {fake}x\r\n"),
        format!("{good}X-Other: {fake}\r\n"),
        format!("{good}Cookie: {fake}\r\n"),
        format!("{good}{good}"),
        format!("{good}Authorization: Bearer mine\r\n"),
        format!("authorization: Bearer mine\r\n{good}"),
        format!("{good}X_Authorization: {fake}\r\n"),
        format!("{good}Proxy-Authorization: Bearer {fake}\r\n"),
        format!("{good}Connection: authorization\r\n"),
    ];
    for field in &fields {
        let head = format!(
            "GET /github/user HTTP/1.1\r\nHost: {here}\r\n{field}Connection: close\r\n\r\n"
        );
        let answer = scene.raw(head).await;
        scene.require_safe(&answer, field);
    }
    for got in scene.github.got() {
        require_in_its_place(&got, &got.text());
    }
    let before = scene.github.got().len();
    let lines = [
        format!("/github/user?access_token={fake}"),
        format!("/github/user?x={fake}"),
        format!("/github/user?{fake}"),
        format!("/github/repos/{fake}/x"),
        format!("/github/{fake}"),
        format!("/github/repos/a/b;t={fake}"),
        format!("/{fake}/user"),
    ];
    for line in lines {
        for with in [&good, ""] {
            let head =
                format!("GET {line} HTTP/1.1\r\nHost: {here}\r\n{with}Connection: close\r\n\r\n");
            let answer = scene.raw(head).await;
            assert!(answer.starts_with("HTTP/1.1 4"), "{line}: {answer}");
            scene.require_safe(&answer, &line);
        }
    }
    assert_eq!(scene.github.got().len(), before, "none of these was sent");
    for pair in [format!("{fake}:x"), format!("x-access-token:{fake}"), format!("evil:{fake}")] {
        let field = format!("Authorization: Basic {}\r\n", basic(pair));
        let head = format!(
            "GET /github/user HTTP/1.1\r\nHost: {here}\r\n{field}Connection: close\r\n\r\n"
        );
        let answer = scene.raw(head).await;
        scene.require_safe(&answer, &field);
    }
    for got in &scene.github.got()[before..] {
        require_in_its_place(got, "basic");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_a_body_stays_a_token() {
    let scene = Scene::new().await;
    let fake = scene.fake();
    let bodies = [
        format!("{{\"title\":\"{fake}\"}}"),
        format!("token={fake}"),
        format!("{{\"a\":{{\"b\":[\"Bearer {fake}\"]}}}}"),
        "{{}} {} ${TOKEN} %s {{secret}}".to_owned(),
    ];
    for kind in
        ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    {
        for body in &bodies {
            let url = "https://api.github.com/repos/a/b/issues";
            let request = scene.session.client().post(url).bearer_auth(fake);
            let answer =
                request.header("content-type", kind).body(body.clone()).send().await.unwrap();
            let said = answer.text().await.unwrap();
            scene.require_safe(&said, body);
            let got = scene.github.got().pop().unwrap();
            assert_eq!(got.body, body.as_bytes(), "a body goes as it is");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_parameter_of_a_request_changes_how_the_credential_is_written() {
    let scene = Scene::new().await;
    let fake = scene.fake();
    let fields = [
        ("x-strongroom-template", "prefix-{}"),
        ("x-strongroom-format", "base64"),
        ("x-strongroom-reason", "{} Bearer {}"),
        ("x-strongroom-capability", "{}"),
        ("x-auth-header", "x-evil"),
        ("x-auth-prefix", "token"),
    ];
    for (name, value) in fields {
        let client = scene.session.client();
        let request =
            client.get("https://api.github.com/user").bearer_auth(fake).header(name, value);
        let said = request.send().await.unwrap().text().await.unwrap();
        scene.require_safe(&said, name);
    }
    let got = scene.github.got();
    assert!(got.len() >= fields.len() - 1);
    for got in got {
        require_in_its_place(&got, "format");
        assert!(got.headers.keys().all(|name| !name.as_str().starts_with("x-strongroom")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_answer_would_be_another_credential_is_not_sent() {
    let scene = Scene::new().await;
    let minting = [
        "/app/installations/1/access_tokens",
        "/App/Installations/1/Access_Tokens/",
        "/repos/a/b/actions/runners/registration-token",
        "/repos/a/b/actions/runners/registration%2Dtoken",
        "/orgs/a/actions/runners/generate-jitconfig",
        "/applications/1/token",
    ];
    for path in minting {
        let url = format!("https://api.github.com{path}");
        let answer =
            scene.session.client().post(url).bearer_auth(scene.fake()).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{path}");
        scene.require_safe(&answer.text().await.unwrap(), path);
    }
    assert!(scene.github.got().is_empty());
}
