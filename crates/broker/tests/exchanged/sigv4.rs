//! AWS: the agent signs with a fake key, the broker with the real one.

use http::header;

use crate::support::{
    AGENT, World, direct, policy, provider, rule, secret,
    upstream::{Got, Upstream},
};

const KEY_ID: &str = "ASIAQ2M7ZK41XPV9RTYW";
const SECRET: &str = "hT5qPmv0LrtYw7NhJk3Dq5cVbG2sXzA8dFgHjKl1";
const TOKEN: &str = "FwoGZXIvYXdzEJ3Zx81qPmv0LrtYw7NhJk3Dq5cVbG2uEXAMPLE";
const FAKE: &str = "AWS4-HMAC-SHA256 Credential=ASIASTRONGROOMNOKEY0/20261122/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=00000000000000000000000000000000000000000000000000000000000000aa";

fn world(upstream: &Upstream) -> World {
    let s3 = provider("aws-s3");
    let at = secret(1);
    let value = format!("{KEY_ID}:{SECRET}:{TOKEN}");
    let rules = vec![rule(&s3, vec![at])];
    let secret_policy = s3.secret_policy();
    World::new(&[upstream]).agent(AGENT, "coder", policy(rules), &[(at, &value, secret_policy)])
}

fn signature(got: &Got) -> &str {
    got.header("authorization").split("Signature=").nth(1).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_signed_again_and_nothing_of_the_signature_comes_back() {
    let upstream = Upstream::echo(&["s3.amazonaws.com"]).await;
    let world = world(&upstream);
    let session = world.session();
    let answer = direct()
        .put(world.url("/aws-s3/files/a%20b.txt"))
        .header("authorization", FAKE)
        .header("x-amz-date", "20261122T000000Z")
        .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        .header("x-amz-security-token", session.variable("AWS_SESSION_TOKEN"))
        .header("x-amz-meta-a", "b")
        .body("hello")
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let text = format!("{:?}", answer.headers()) + &answer.text().await.unwrap();
    assert_eq!(status, 200, "{text}");
    let got = upstream.got().remove(0);
    let authorization = got.header("authorization");
    assert!(authorization.contains(&format!("Credential={KEY_ID}/")), "{authorization}");
    assert!(authorization.contains("/us-east-1/s3/aws4_request, SignedHeaders="));
    let names = "host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-security-token,";
    assert!(authorization.contains(names), "{authorization}");
    assert_eq!(got.header("x-amz-security-token"), TOKEN);
    assert_eq!(got.headers.get_all(header::AUTHORIZATION).iter().count(), 1);
    assert_ne!(got.header("x-amz-date"), "20261122T000000Z");
    assert_eq!((&got.body[..], got.header("x-amz-meta-a")), (&b"hello"[..], "b"));
    for live in [&TOKEN[..16], &SECRET[..16], KEY_ID, &signature(&got)[..24]] {
        assert!(!text.contains(live), "{live} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_presigned_url_is_used_through_the_broker_and_its_query_names_no_credential() {
    let upstream = Upstream::echo(&["s3.amazonaws.com"]).await;
    let world = world(&upstream);
    let session = world.session();
    let made = presigned_now();
    let url = world.url(&format!(
        "/aws-s3/files/a.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIASTRONGROOMNOKEY0%2F20261122%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date={made}&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Security-Token={}&X-Amz-Signature=00aa&versionId=7",
        session.variable("AWS_SESSION_TOKEN"),
    ));
    let answer = direct().get(url).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, 200, "{text}");
    let got = upstream.got().remove(0);
    assert!(got.uri.ends_with("/files/a.txt?versionId=7"), "{}", got.uri);
    assert!(got.header("authorization").contains(KEY_ID));
    assert!(!text.contains(&signature(&got)[..24]) && !text.contains(&TOKEN[..16]), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_signed_does_not_leave() {
    let upstream = Upstream::echo(&["s3.amazonaws.com"]).await;
    let world = world(&upstream);
    let session = world.session();
    let unsigned = direct().get(world.url("/aws-s3/files/a.txt"));
    let chunked = direct()
        .put(world.url("/aws-s3/files/a.txt"))
        .header("authorization", FAKE)
        .header("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    let other = direct().get(world.url("/aws-s3/files/a.txt")).header("authorization", "AWS a:b");
    for request in [unsigned, chunked, other] {
        let token = session.variable("AWS_SESSION_TOKEN");
        let answer = request.header("x-amz-security-token", token).send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert_eq!(status, 502, "{text}");
        assert!(text.contains("cannot be signed"), "{text}");
    }
    assert!(upstream.got().is_empty());
}

/// Now, as a presigned URL says it.
fn presigned_now() -> String {
    let text = strongroom_core::utc::rfc3339(strongroom_broker::broker::now_ms());
    let digits: String = text.chars().take(19).filter(|c| !"-:".contains(*c)).collect();
    digits + "Z"
}
