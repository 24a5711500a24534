//! L24: safe mode holds on every route, and so does the end of an agent.

use super::{Scene, proxy_authorization, status};
use crate::support::{AGENT, World, direct, upstream::Upstream};

#[tokio::test(flavor = "multi_thread")]
async fn no_route_and_no_command_goes_on_when_a_person_stopped_it() {
    for which in [None, Some(AGENT)] {
        let mut scene = Scene::new().await;
        let standing = scene.world.standing(AGENT, "github");
        let (session, here) = (scene.fake().to_owned(), scene.world.broker.address());
        let proxy = proxy_authorization(&scene.session);
        scene.world.broker.stop(which);
        let length = "Content-Type: application/json\r\nContent-Length: 33\r\n";
        let wish = "{\"provider\":\"openai\",\"reason\":\"\"}";
        let routes = [
            (format!("GET /github/user HTTP/1.1\r\nHost: {here}\r\n"), ""),
            (format!("HEAD /github/user HTTP/1.1\r\nHost: {here}\r\n"), ""),
            (
                format!(
                    "POST /github/repos/a/b/issues HTTP/1.1\r\nHost: {here}\r\nContent-Length: 0\r\n"
                ),
                "",
            ),
            (format!("GET /-/me HTTP/1.1\r\nHost: {here}\r\n"), ""),
            (format!("POST /-/access HTTP/1.1\r\nHost: {here}\r\n{length}"), wish),
            (format!("GET /v1/resolve HTTP/1.1\r\nHost: {here}\r\n"), ""),
            (
                format!(
                    "GET https://api.github.com/user HTTP/1.1\r\nHost: api.github.com\r\n{proxy}"
                ),
                "",
            ),
            (
                format!(
                    "GET http://api.github.com/user HTTP/1.1\r\nHost: api.github.com\r\n{proxy}"
                ),
                "",
            ),
            (
                format!(
                    "CONNECT api.github.com:443 HTTP/1.1\r\nHost: api.github.com:443\r\n{proxy}"
                ),
                "",
            ),
        ];
        for token in [&session, &standing] {
            for (line, body) in &routes {
                let rest =
                    format!("Authorization: Bearer {token}\r\nConnection: close\r\n\r\n{body}");
                let answer = scene.raw(format!("{line}{rest}")).await;
                assert!((400..500).contains(&status(&answer)), "{line}: {answer}");
                scene.require_safe(&answer, line);
            }
        }
        assert!(scene.github.got().is_empty());
        assert!(scene.world.broker.open_session(Some("coder"), &[], None, String::new()).is_err());
        let told = format!("{:?}", scene.world.vault.told());
        assert!(!told.contains("AccessAsked"), "a stopped agent asks for nothing: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_time_is_over_does_nothing_more_with_what_it_still_has() {
    let upstream = Upstream::echo(&["api.github.com"]).await;
    let mut world = World::new(&[&upstream]).with("github");
    let standing = world.standing(AGENT, "github");
    let session = world.session();
    let ask = async |token: &str| {
        let answer = direct().get(world.url("/github/user")).bearer_auth(token).send().await;
        answer.unwrap().status().as_u16()
    };
    assert_eq!((ask(&standing).await, ask(session.variable("GITHUB_TOKEN")).await), (200, 200));
    let token = session.variable("GITHUB_TOKEN").to_owned();
    world.configure(|config| config.agents[0].not_after_ms = 1);
    let ask = async |token: &str| {
        let answer = direct().get(world.url("/github/user")).bearer_auth(token).send().await;
        answer.unwrap().status().as_u16()
    };
    for token in [&standing, &token] {
        let status = ask(token).await;
        assert!([401, 403].contains(&status), "{status}");
    }
    assert_eq!(upstream.got().len(), 2);
}
