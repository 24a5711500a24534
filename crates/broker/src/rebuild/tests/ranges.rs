//! A range may not cut a credential out of an answer (J11).

use http::{HeaderName, Request, header::AUTHORIZATION};

use crate::rebuild::{Taken, rebuild};

fn range_sent(range: &str, injected: &[HeaderName]) -> Option<String> {
    let request = Request::builder().header("host", "x").header("range", range).body(()).unwrap();
    let target = "https://service.example".parse().unwrap();
    let taken = Taken { fake: &[], injected };
    let head = rebuild(&request.into_parts().0, &target, "/v1", &taken).unwrap();
    head.headers.get("range").map(|range| range.to_str().unwrap().to_owned())
}

#[test]
fn a_wide_range_goes_on() {
    for range in ["bytes=0-", "bytes=8388608-", "bytes=0-4095", "bytes=8388608-16777215"] {
        assert_eq!(range_sent(range, &[AUTHORIZATION]).as_deref(), Some(range));
    }
}

#[test]
fn a_narrow_one_asks_for_the_whole() {
    for range in [
        "bytes=0-10",
        "bytes=0-4094",
        "bytes=5-4",
        "bytes=-11",
        "bytes=0-0,-1",
        "bytes=0-9999,5-6",
        "bytes=+0-9999",
        "lines=0-9999",
        "bytes=",
        "bytes=-",
        "bytes= 0-9999",
        "BYTES=0-3",
        "bytes=0-99999999999999999999",
    ] {
        assert_eq!(range_sent(range, &[AUTHORIZATION]), None, "{range}");
    }
}

#[test]
fn without_a_credential_every_range_goes_on() {
    assert_eq!(range_sent("bytes=0-10", &[]).as_deref(), Some("bytes=0-10"));
}
