//! J17, J18: pages in a browser, names that were pointed here, and other protocols.

use super::{Scene, proxy_authorization, raw, status};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_a_browser_reaches_nothing() {
    let scene = Scene::new().await;
    let (token, here) = (scene.fake(), scene.world.broker.address());
    let proxy = proxy_authorization(&scene.session);
    let pages = [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: http://127.0.0.1\r\n",
        "Origin: http://localhost:5173\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: none\r\n",
        "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: same-origin\r\n",
        "Sec-Fetch-Dest: image\r\n",
    ];
    let lines = [
        format!("GET /github/user HTTP/1.1\r\nHost: {here}\r\n"),
        format!("POST /github/repos/a/b/issues HTTP/1.1\r\nHost: {here}\r\nContent-Length: 0\r\n"),
        format!(
            "OPTIONS /github/user HTTP/1.1\r\nHost: {here}\r\nAccess-Control-Request-Method: POST\r\n"
        ),
        format!("GET /-/me HTTP/1.1\r\nHost: {here}\r\n"),
        format!("POST /-/access HTTP/1.1\r\nHost: {here}\r\nContent-Length: 0\r\n"),
        format!("GET /v1/resolve HTTP/1.1\r\nHost: {here}\r\n"),
        format!("GET http://api.github.com/user HTTP/1.1\r\nHost: api.github.com\r\n{proxy}"),
        format!("CONNECT api.github.com:443 HTTP/1.1\r\nHost: api.github.com:443\r\n{proxy}"),
    ];
    for page in pages {
        for line in &lines {
            let rest = format!("{page}Authorization: Bearer {token}\r\nConnection: close\r\n\r\n");
            let answer = scene.raw(format!("{line}{rest}")).await;
            assert!((400..500).contains(&status(&answer)), "{line}{page}: {answer}");
            assert!(!answer.to_lowercase().contains("access-control-allow"), "{answer}");
            scene.require_safe(&answer, page);
        }
    }
    assert!(scene.github.got().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_was_pointed_here_is_not_this_broker() {
    let scene = Scene::new().await;
    let (token, port) = (scene.fake(), scene.world.broker.address().port());
    let names = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        "127.0.0.1".to_owned(),
        "localhost".to_owned(),
        format!("0.0.0.0:{port}"),
        format!("127.0.0.2:{port}"),
        format!("[::1]:{port}"),
        format!("127.1:{port}"),
        format!("127.0.0.1.:{port}"),
        format!("localhost.:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("127.0.0.1:{}", port.wrapping_add(1)),
        format!("x@127.0.0.1:{port}"),
        String::new(),
    ];
    for name in names {
        let head = format!("GET /github/user HTTP/1.1\r\nHost: {name}\r\n");
        let rest = format!("Authorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        let answer = scene.raw(format!("{head}{rest}")).await;
        assert!([400, 421].contains(&status(&answer)), "{name}: {answer}");
    }
    let without = format!("GET /github/user HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n");
    assert_ne!(status(&scene.raw(without).await), 200);
    assert!(scene.github.got().is_empty());
    for name in [format!("127.0.0.1:{port}"), format!("localhost:{port}")] {
        let head = format!("GET /github/user HTTP/1.1\r\nHost: {name}\r\n");
        let rest = format!("Authorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&scene.raw(format!("{head}{rest}")).await), 200, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_protocol_is_refused_with_a_clear_word() {
    let scene = Scene::new().await;
    let (token, here) = (scene.fake(), scene.world.broker.address());
    let fields = [
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
        "Connection: keep-alive, Upgrade\r\nUpgrade: foo/2\r\n",
        "Upgrade: websocket\r\n",
        "Connection: Upgrade\r\n",
    ];
    for field in fields {
        let head = format!(
            "GET /github/user HTTP/1.1\r\nHost: {here}\r\nAuthorization: Bearer {token}\r\n"
        );
        let answer = scene.raw(format!("{head}{field}\r\n")).await;
        assert!([403, 501].contains(&status(&answer)), "{field}: {answer}");
        assert!(answer.contains("\"message\""), "{answer}");
        scene.require_safe(&answer, field);
    }
    let prior = raw(&scene.world, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    scene.require_safe(&prior, "h2 in the clear");
    assert!(scene.github.got().is_empty());
}
