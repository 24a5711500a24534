//! J06, L21: an answer that sends the client elsewhere.

use http::Response;

use super::{address, require_hidden};
use crate::support::{
    World,
    upstream::{Upstream, whole},
};

const LOCATIONS: [&str; 9] = [
    "https://evil.example/take",
    "http://evil.example/take",
    "http://api.github.com/plain",
    "//evil.example/take",
    "/elsewhere",
    "https://evil.example/?token={}",
    "https://{}@evil.example/",
    "https://evil.example/{}/x#{}",
    "\\\\evil.example\\take",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_redirect_is_followed_and_none_carries_the_credential() {
    for status in [301, 302, 303, 307, 308] {
        let github = Upstream::answering(&["api.github.com"], move |got| {
            let number: usize = got.uri.rsplit('/').next().unwrap().parse().unwrap();
            let real = got.header("authorization").trim_start_matches("Bearer ").to_owned();
            let location = LOCATIONS[number].replace("{}", &real);
            let response = Response::builder().status(status).header("location", &location);
            let refresh = format!("0; url={location}");
            let response = response.header("refresh", refresh).header("content-location", location);
            response.body(whole(format!("Moved, {real}"))).unwrap()
        })
        .await;
        let evil = Upstream::echo(&["evil.example"]).await;
        let world = World::new(&[&github, &evil]).with("github");
        world.net.point("evil.example", &[address(2)]);
        let session = world.session();
        for (number, location) in LOCATIONS.iter().enumerate() {
            let url = format!("https://api.github.com/repos/a/b/issues/{number}");
            let request = session.client().get(url).bearer_auth(session.variable("GITHUB_TOKEN"));
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), status, "{location}");
            for (name, value) in answer.headers() {
                require_hidden(&String::from_utf8_lossy(value.as_bytes()), name.as_str());
            }
            require_hidden(&answer.text().await.unwrap(), location);
        }
        assert_eq!(github.got().len(), LOCATIONS.len(), "each was asked once and no more");
        assert!(evil.got().is_empty());
    }
}
