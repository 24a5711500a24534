//! J04, J05: a name that leads, or suddenly leads, to an address that is not public.

use std::net::IpAddr;

use super::{Scene, address};

/// Addresses that are not public, as DNS could answer them.
const PRIVATE: [&str; 62] = [
    "0.0.0.0",
    "0.1.2.3",
    "127.0.0.1",
    "127.0.0.2",
    "127.1.2.3",
    "127.255.255.255",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.20.10.2",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.1.254",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "169.254.0.1",
    "169.254.169.253",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "168.63.129.16",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.0.192",
    "192.0.2.1",
    "198.51.100.7",
    "203.0.113.9",
    "198.18.0.1",
    "198.19.255.254",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.254",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:93.184.100.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001::1",
    "2606:4700::5efe:7f00:1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "fec0::1",
    "fe80::1",
    "ff02::1",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "5f00::1",
];

async fn ask(scene: &Scene) -> (u16, String) {
    let request =
        scene.session.client().get("https://api.github.com/user").bearer_auth(scene.fake());
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_an_address_that_is_not_public() {
    let scene = Scene::new().await;
    for text in PRIVATE {
        let ip: IpAddr = text.parse().unwrap();
        scene.world.net.point("api.github.com", &[ip]);
        let (status, said) = ask(&scene).await;
        assert_eq!(status, 502, "{text}: {said}");
        scene.require_safe(&said, text);
    }
    assert!(scene.world.net.reached().is_empty(), "{:?}", scene.world.net.reached());
    assert!(scene.github.got().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_private_address_among_public_ones_is_never_reached() {
    let scene = Scene::new().await;
    let private: IpAddr = "127.0.0.1".parse().unwrap();
    for answer in [[private, address(1)], [address(1), private]] {
        scene.world.net.point("api.github.com", &answer);
        let (_, said) = ask(&scene).await;
        scene.require_safe(&said, "mixed");
    }
    assert!(scene.world.net.reached().iter().all(|at| at.ip() == address(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_looked_up_once_and_the_address_that_was_checked_is_the_one_reached() {
    let scene = Scene::new().await;
    assert_eq!(ask(&scene).await.0, 200);
    assert_eq!(scene.world.net.lookups().len(), 1, "{:?}", scene.world.net.lookups());
    assert!(scene.world.net.reached().iter().all(|at| at.ip() == address(1)));
    // The name turns to this computer; a new session has no open connection to use.
    scene.world.net.point("api.github.com", &["127.0.0.1".parse().unwrap()]);
    let session = scene.world.session();
    let request = session.client().get("https://api.github.com/user");
    let answer = request.bearer_auth(session.variable("GITHUB_TOKEN")).send().await.unwrap();
    assert_eq!(answer.status(), 502);
    assert!(scene.world.net.reached().iter().all(|at| at.ip() == address(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_cannot_show_its_certificate_gets_nothing() {
    let scene = Scene::new().await;
    // GitHub's name leads to a host whose certificate is for another name.
    scene.world.net.point("api.github.com", &[address(2)]);
    let (status, said) = ask(&scene).await;
    assert_eq!(status, 502, "{said}");
    scene.require_safe(&said, "certificate");
    scene.world.net.point("api.github.com", &[]);
    let (status, said) = ask(&scene).await;
    assert_eq!(status, 502, "{said}");
}
