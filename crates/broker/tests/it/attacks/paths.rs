//! J15: a path that the policy reads in one way and a server in another.

use super::{raw, require_hidden, status};
use crate::support::{AGENT, REAL, World, policy, provider, rule, secret, upstream::Upstream};

/// Ways out of `/repos/acme/`.
const ESCAPES: [&str; 46] = [
    "/repos/acme/../evil/x",
    "/repos/acme/..",
    "/repos/acme/../",
    "/repos/acme/./../evil",
    "/repos/acme/%2e%2e/evil",
    "/repos/acme/%2E%2E/evil",
    "/repos/acme/.%2e/evil",
    "/repos/acme/%2e./evil",
    "/repos/acme/..%2fevil",
    "/repos/acme/..%2Fevil",
    "/repos/acme%2f..%2fevil",
    "/repos/acme/..%5cevil",
    "/repos/acme/..\\evil",
    "/repos/acme\\..\\evil",
    "/repos/acme/%5c../evil",
    "/repos/acme/%252e%252e/evil",
    "/repos/acme/..%252fevil",
    "/repos/acme/%25252e/evil",
    "/repos/acme//../../evil",
    "/repos//acme/x",
    "//repos/acme/x",
    "/repos/acme//x",
    "/repos/acme/..;/evil",
    "/repos/acme/;/../evil",
    "/repos/acme;x=1/y",
    "/repos/acme/%3b/evil",
    "/repos/acme/%00/evil",
    "/repos/acme/x%00",
    "/repos/acme/%0d%0aX-Evil:%201",
    "/repos/acme/%0a",
    "/repos/acme/.../evil",
    "/repos/acme/..%20/evil",
    "/repos/acme/%20/evil",
    "/repos/acme/%c0%ae%c0%ae/evil",
    "/repos/acme/%c0%af../evil",
    "/repos/acme/%ef%bc%8e%ef%bc%8e/evil",
    "/repos/acme/..%ef%bc%8fevil",
    "/repos/acme/%e2%88%95..",
    "/repos/acme/%uff0e%uff0e/evil",
    "/repos/acme/%zz",
    "/repos/acme/%",
    "/repos/acme/x%23/../../evil",
    "/Repos/acme/x",
    "/repos/ACME/x",
    "/repos/acmeevil/x",
    "/user",
];

/// The same place, in another spelling.
const SAME: [&str; 5] = [
    "/repos/acme/docs",
    "/repos/acme/d%6fcs",
    "/%72epos/acme/docs",
    "/repos/acme/docs/",
    "/repos/acme/docs?x=../../evil",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leaves_the_one_that_is_allowed() {
    let github = Upstream::echo(&["api.github.com"]).await;
    let known = provider("github");
    let mut only = rule(&known, vec![secret(1)]);
    only.paths = vec!["/repos/acme/**".parse().unwrap()];
    let world = World::new(&[&github]);
    let secrets = [(secret(1), REAL, known.secret_policy())];
    let world = world.agent(AGENT, "coder", policy(vec![only]), &secrets);
    let session = world.session();
    let (token, here) = (session.variable("GITHUB_TOKEN"), world.broker.address());
    let ask = async |method: &str, path: &str| {
        let head =
            format!("{method} /github{path} HTTP/1.1\r\nHost: {here}\r\nContent-Length: 0\r\n");
        let rest = format!("Authorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        raw(&world, format!("{head}{rest}").as_bytes()).await
    };
    for path in ESCAPES {
        for method in ["GET", "POST"] {
            let answer = ask(method, path).await;
            assert!((400..500).contains(&status(&answer)), "{method} {path}: {answer}");
            require_hidden(&answer, path);
        }
    }
    assert!(github.got().is_empty(), "{:?}", github.got());
    for path in SAME {
        assert_eq!(status(&ask("GET", path).await), 200, "{path}");
    }
    for method in
        ["get", "Get", "TRACE", "CONNECT", "TRACK", "PROPFIND", "G\tET", "GET /x HTTP/1.1\r\nX:"]
    {
        let before = github.got().len();
        let answer = ask(method, "/repos/acme/docs").await;
        assert_ne!(status(&answer), 200, "{method}: {answer}");
        assert_eq!(github.got().len(), before, "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_field_changes_the_method_or_the_path_behind_the_policy() {
    let github = Upstream::echo(&["api.github.com"]).await;
    let known = provider("github");
    let mut reading = rule(&known, vec![secret(1)]);
    reading.methods = vec!["GET".parse().unwrap(), "POST".parse().unwrap()];
    let world = World::new(&[&github]);
    let secrets = [(secret(1), REAL, known.secret_policy())];
    let world = world.agent(AGENT, "coder", policy(vec![reading]), &secrets);
    let session = world.session();
    let fields = [
        ("x-http-method-override", "DELETE"),
        ("x-http-method", "DELETE"),
        ("x-method-override", "DELETE"),
        ("x_http_method_override", "DELETE"),
        ("x-original-url", "/user/keys"),
        ("x-rewrite-url", "/user/keys"),
        ("x-original-uri", "/user/keys"),
        ("x-original-host", "evil.example"),
    ];
    for (name, value) in fields {
        let request = session.client().post("https://api.github.com/repos/a/b/issues");
        let request = request.bearer_auth(session.variable("GITHUB_TOKEN")).header(name, value);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_client_error(), "{name}: {}", answer.status());
        require_hidden(&answer.text().await.unwrap(), name);
    }
    assert!(github.got().is_empty());
}
