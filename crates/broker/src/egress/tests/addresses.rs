//! Where a name leads, and what of that is connected to (J04, J05).

use std::sync::atomic::Ordering;

use super::kit::{Scripted, egress, get, listen, local, plain, read_request, secure, write};
use crate::egress::EgressError;

#[tokio::test]
async fn every_kind_of_address_that_is_not_public_is_refused() {
    let refused = [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "169.254.1.1",
        "172.16.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "100::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
    ];
    for address in refused {
        let egress = egress(Scripted::always(address));
        let failed = egress.send(&secure(443), false, None, get("/")).await.unwrap_err();
        assert!(matches!(failed, EgressError::Address { .. }), "{address}: {failed}");
        assert!(!failed.may_have_left());
    }
}

#[tokio::test]
async fn a_policy_for_private_hosts_does_not_admit_metadata_links_or_crowds() {
    for address in ["169.254.169.254", "fd00:ec2::254", "fe80::1", "224.0.0.1", "0.0.0.0", "::"] {
        let egress = egress(Scripted::always(address));
        let failed = egress.send(&secure(443), true, None, get("/")).await.unwrap_err();
        assert!(matches!(failed, EgressError::Address { .. }), "{address}: {failed}");
    }
}

#[tokio::test]
async fn an_address_as_host_is_checked_like_a_name() {
    let egress = local();
    for host in ["127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1"] {
        let target = format!("https://{host}").parse().unwrap();
        let failed = egress.send(&target, false, None, get("/")).await.unwrap_err();
        assert!(matches!(failed, EgressError::Address { .. }), "{host}: {failed}");
    }
}

#[tokio::test]
async fn plain_http_needs_a_policy_for_private_hosts() {
    let (_listener, port) = listen().await;
    let failed = local().send(&plain(port), false, None, get("/")).await.unwrap_err();
    assert!(matches!(failed, EgressError::Plain { .. }), "{failed}");
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_asked_once_and_the_checked_address_is_used() {
    let (listener, port) = listen().await;
    let resolver = Scripted::new(vec![vec!["127.0.0.1"], vec!["169.254.169.254"]]);
    let egress = egress(resolver.clone());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..2 {
            read_request(&mut stream).await;
            write(&mut stream, "HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    });
    for _ in 0..2 {
        let answer = egress.send(&plain(port), true, None, get("/")).await.unwrap();
        assert_eq!(answer.status(), 204);
    }
    server.await.unwrap();
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn of_several_addresses_only_the_admitted_are_connected_to() {
    let (listener, port) = listen().await;
    let egress = egress(Scripted::new(vec![vec!["169.254.169.254", "0.0.0.0", "127.0.0.1"]]));
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        write(&mut stream, "HTTP/1.1 204 No Content\r\n\r\n").await;
    });
    let answer = egress.send(&plain(port), true, None, get("/")).await.unwrap();
    assert_eq!(answer.status(), 204);
    server.await.unwrap();
}

#[tokio::test]
async fn a_dead_address_is_passed_over() {
    let (listener, port) = listen().await;
    let egress = egress(Scripted::new(vec![vec!["127.0.0.2", "127.0.0.1"]])); // bound to .1 only
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        write(&mut stream, "HTTP/1.1 204 No Content\r\n\r\n").await;
    });
    assert!(egress.send(&plain(port), true, None, get("/")).await.is_ok());
    server.await.unwrap();
}

#[tokio::test]
async fn an_unknown_name_and_one_without_addresses_say_so() {
    for resolver in [Scripted::failing(), Scripted::new(vec![vec![]])] {
        let failed = egress(resolver).send(&secure(443), false, None, get("/")).await.unwrap_err();
        assert!(matches!(failed, EgressError::Lookup { .. }), "{failed}");
    }
}
