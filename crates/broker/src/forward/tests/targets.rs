//! What CONNECT and absolute form ask for.

use http::{Request, request::Parts};

use crate::forward::{absolute_target, connect_target};

fn connect(authority: &str, host: Option<&str>) -> Parts {
    let mut request = Request::builder().method("CONNECT").uri(authority);
    if let Some(host) = host {
        request = request.header("host", host);
    }
    request.body(()).unwrap().into_parts().0
}

fn absolute(uri: &str, hosts: &[&str]) -> Parts {
    let mut request = Request::builder().uri(uri);
    for host in hosts {
        request = request.header("host", *host);
    }
    request.body(()).unwrap().into_parts().0
}

#[test]
fn connect_names_a_host_and_a_port() {
    for (authority, host) in [
        ("one.example:443", Some("one.example:443")),
        ("one.example:443", Some("one.example")),
        ("ONE.example:443", Some("one.example:443")),
        ("one.example:8443", Some("one.example:8443")),
    ] {
        let target = connect_target(&connect(authority, host)).unwrap();
        assert_eq!(target.to_string(), format!("https://{}", target.authority()), "{authority}");
        assert_eq!(target.host.to_string(), "one.example");
    }
}

#[test]
fn a_connect_without_a_port_or_with_a_foreign_host_is_refused() {
    for (authority, host, status) in [
        ("one.example", Some("one.example"), 400),
        ("one.example:0", Some("one.example:0"), 400),
        ("127.1:443", Some("127.1:443"), 400),
        ("user@one.example:443", Some("one.example"), 400),
        ("one.example.:443", Some("one.example.:443"), 400),
        ("one.example:443", Some("two.example:443"), 421),
        ("one.example:443", None, 421),
    ] {
        let refusal = connect_target(&connect(authority, host)).unwrap_err();
        assert_eq!(refusal.status.as_u16(), status, "{authority} {host:?}");
    }
}

#[test]
fn a_connect_whose_host_names_another_port_is_refused() {
    let refusal = connect_target(&connect("one.example:443", Some("one.example:22"))).unwrap_err();
    assert_eq!(refusal.status, 421);
}

#[test]
fn a_connect_of_http_1_0_needs_no_host_and_none_that_is_foreign() {
    for (host, is_taken) in
        [(None, true), (Some("one.example"), true), (Some("two.example"), false)]
    {
        let mut request = connect("one.example:443", host);
        request.version = http::Version::HTTP_10;
        assert_eq!(connect_target(&request).is_ok(), is_taken, "{host:?}");
    }
}

#[test]
fn a_connect_with_two_hosts_is_refused() {
    for hosts in [["two.example", "one.example"], ["one.example", "one.example"]] {
        let mut request = connect("one.example:443", Some(hosts[0]));
        request.headers.append("host", hosts[1].parse().unwrap());
        assert_eq!(connect_target(&request).unwrap_err().status, 421, "{hosts:?}");
    }
}

#[test]
fn origin_form_is_for_nobody_else() {
    assert_eq!(absolute_target(&absolute("/v1", &["one.example"])).unwrap(), None);
}

#[test]
fn absolute_form_agrees_with_its_host() {
    let target = absolute_target(&absolute("http://one.example/v1", &["one.example"])).unwrap();
    assert_eq!(target.unwrap().to_string(), "http://one.example");
    let target = absolute_target(&absolute("http://one.example:80/v1", &["one.example"])).unwrap();
    assert_eq!(target.unwrap().to_string(), "http://one.example");
    for (uri, hosts, status) in [
        ("http://one.example/", &["two.example"][..], 421),
        ("http://one.example/", &["one.example:8080"][..], 421),
        ("http://one.example/", &[][..], 421),
        ("http://one.example/", &["one.example", "one.example"][..], 421),
        ("http://user:password@one.example/", &["one.example"][..], 400),
        ("http://127.1/", &["127.1"][..], 400),
        ("http://0x7f000001/", &["0x7f000001"][..], 400),
        ("ftp://one.example/", &["one.example"][..], 400),
        ("ws://one.example/", &["one.example"][..], 400),
    ] {
        let refusal = absolute_target(&absolute(uri, hosts)).unwrap_err();
        assert_eq!(refusal.status.as_u16(), status, "{uri} {hosts:?}");
    }
}
