//! What an agent gets to see of an answer (rows J06, J07, J09, J10, J13).

use std::{
    convert::Infallible,
    io::Write as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use http::{HeaderMap, Response};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::ext::ReasonPhrase;
use strongroom_scrub::Scrubber;
use strongroom_secret::SecretBytes;

use super::{BackError, scrubbed};
use crate::egress::{Body, BodyError};

const KEY: &str = "sk-proj-9fQ2xW7kLm3Rv8Tz5Yb1Nc6Hd4Js0Pg";
const FAKE: &str = "srf_openai_0000000000000000000000000000000000000000000";

type Encode = fn(&[u8]) -> Vec<u8>;

const CODINGS: [(&str, Encode); 6] = [
    ("gzip", gzip),
    ("x-gzip", gzip),
    ("deflate", zlib),
    ("deflate", bare),
    ("br", brotli),
    ("zstd", zstd),
];

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn bare(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn brotli(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 5, 20);
    encoder.write_all(plain).unwrap();
    drop(encoder);
    out
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest)
}

fn scrubber() -> Arc<Scrubber> {
    let key = SecretBytes::copy_of(KEY.as_bytes());
    Arc::new(Scrubber::new(&[(&key, FAKE)]).unwrap())
}

fn answer(coding: &str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    Response::builder().header("content-encoding", coding).body(Full::new(body.into())).unwrap()
}

/// A body that comes in pieces of this length.
fn in_pieces(
    body: &[u8],
    length: usize,
) -> impl http_body::Body<Data = Bytes, Error = Infallible> + use<> {
    let frames: Vec<_> =
        body.chunks(length).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
    StreamBody::new(futures_util::stream::iter(frames))
}

async fn text(body: Body) -> Result<String, BodyError> {
    Ok(String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned())
}

#[tokio::test]
async fn a_credential_is_found_behind_every_coding_and_the_body_goes_on_uncoded() {
    let plain = format!("{{\"echo\":\"{KEY}\",\"more\":\"{}\"}}", "text ".repeat(5000));
    let expected = plain.replace(KEY, FAKE);
    for (name, encode) in CODINGS {
        let coded = encode(plain.as_bytes());
        for length in [1, 7, 1000, usize::MAX] {
            let body = in_pieces(&coded, length.min(coded.len()));
            let response = Response::builder()
                .header("content-encoding", name)
                .header("content-length", coded.len())
                .body(body)
                .unwrap();
            let response = scrubbed(response, Some(scrubber())).await.unwrap();
            assert!(response.headers().is_empty(), "{name}: {:?}", response.headers());
            let shown = text(response.into_body()).await.unwrap();
            assert!(shown == expected, "{name} in pieces of {length}");
        }
    }
}

#[tokio::test]
async fn several_members_and_frames_are_one_body() {
    for (name, encode) in [("gzip", gzip as Encode), ("zstd", zstd)] {
        let (first, second) = KEY.split_at(20);
        let coded = [encode(first.as_bytes()), encode(second.as_bytes())].concat();
        let response = scrubbed(answer(name, coded), Some(scrubber())).await.unwrap();
        assert_eq!(text(response.into_body()).await.unwrap(), FAKE, "{name}");
    }
}

#[tokio::test]
async fn a_coding_that_is_not_known_is_not_passed_on() {
    for name in ["compress", "aws-chunked", "gzip, br", "gzip, gzip", "dcb", "b\u{fc}"] {
        let mut response = answer("x", KEY);
        response
            .headers_mut()
            .insert("content-encoding", http::HeaderValue::from_bytes(name.as_bytes()).unwrap());
        let error = scrubbed(response, Some(scrubber())).await.unwrap_err();
        assert!(matches!(error, BackError::Coding), "{name}: {error}");
    }
    let mut response = answer("gzip", KEY);
    response.headers_mut().append("content-encoding", http::HeaderValue::from_static("br"));
    assert!(matches!(scrubbed(response, Some(scrubber())).await, Err(BackError::Coding)));
}

#[tokio::test]
async fn a_body_that_is_not_in_the_coding_it_names_is_not_passed_on() {
    let plain = format!("{KEY} in plain text, whatever the header says: {}", "x".repeat(500));
    for (name, _) in CODINGS {
        for (other, encode) in
            [("plain", (|plain| plain.to_vec()) as Encode), ("gzip", gzip), ("zstd", zstd)]
        {
            if name.ends_with(other) {
                continue;
            }
            let told =
                match scrubbed(answer(name, encode(plain.as_bytes())), Some(scrubber())).await {
                    Ok(response) => text(response.into_body()).await.map_err(|_| ()),
                    Err(BackError::Undecodable(_)) => Err(()),
                    Err(error) => panic!("{name}: {error}"),
                };
            assert_eq!(told, Err(()), "{other} said to be {name}");
        }
    }
}

#[tokio::test]
async fn no_coding_and_identity_are_passed_on_scrubbed() {
    for name in ["identity", "", "Identity"] {
        let response = scrubbed(answer(name, format!("<{KEY}>")), Some(scrubber())).await.unwrap();
        assert_eq!(text(response.into_body()).await.unwrap(), format!("<{FAKE}>"));
    }
}

#[tokio::test]
async fn a_body_that_grows_beyond_a_hundred_times_is_broken_off() {
    let bomb = vec![b'0'; 64 << 20];
    for (name, encode) in CODINGS {
        let coded = encode(&bomb);
        assert!(coded.len() < bomb.len() / 100, "{name} packs it to {}", coded.len());
        let told = match scrubbed(answer(name, coded), Some(scrubber())).await {
            Ok(response) => text(response.into_body()).await.map(|shown| shown.len()).ok(),
            Err(error) => {
                assert!(error.to_string().contains("hundred times"), "{name}: {error}");
                None
            }
        };
        assert_eq!(told, None, "{name}");
    }
}

#[tokio::test]
async fn text_that_is_much_alike_is_not_taken_for_a_bomb() {
    let plain = vec![b' '; 3 << 20];
    for (name, encode) in CODINGS {
        let response = scrubbed(answer(name, encode(&plain)), Some(scrubber())).await.unwrap();
        assert_eq!(text(response.into_body()).await.unwrap().len(), plain.len(), "{name}");
    }
}

#[tokio::test]
async fn a_body_that_was_cut_off_ends_with_an_error_and_shows_no_credential() {
    let plain = format!("{} {KEY} {}", "before ".repeat(2000), "behind ".repeat(2000));
    for (name, encode) in CODINGS {
        let coded = encode(plain.as_bytes());
        for length in [1, coded.len() / 2, coded.len() - 1] {
            let response = answer(name, coded[..length].to_vec());
            let Ok(response) = scrubbed(response, Some(scrubber())).await else { continue };
            let mut body = response.into_body();
            let mut shown = Vec::new();
            let broke = loop {
                match body.frame().await {
                    None => break false,
                    Some(Err(_)) => break true,
                    Some(Ok(frame)) => shown.extend_from_slice(frame.data_ref().unwrap()),
                }
            };
            assert!(broke, "{name}, {length} of {}", coded.len());
            assert!(!String::from_utf8_lossy(&shown).contains(&KEY[..12]), "{name}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_a_body_may_name_a_coding() {
    for (name, _) in CODINGS {
        let response = scrubbed(answer(name, Bytes::new()), Some(scrubber())).await.unwrap();
        let body = response.into_body();
        assert!(body.is_end_stream(), "{name}");
        assert_eq!(text(body).await.unwrap(), "", "{name}");
    }
    let response = Response::new(Full::new(Bytes::new()));
    assert!(scrubbed(response, Some(scrubber())).await.unwrap().into_body().is_end_stream());
}

#[tokio::test]
async fn headers_and_the_text_of_the_status_are_scrubbed() {
    let mut response = Response::builder()
        .status(302)
        .header("location", format!("https://x.example/?k={KEY}"))
        .header("set-cookie", format!("a={KEY}"))
        .header("set-cookie", "b=harmless")
        .header("x-basic", data_encoding::BASE64.encode(format!("user:{KEY}").as_bytes()))
        .header(format!("x-{KEY}"), "1")
        .header("content-length", "4")
        .body(Full::new(Bytes::from("body")))
        .unwrap();
    let reason = ReasonPhrase::try_from(format!("Found {KEY}").as_bytes()).unwrap();
    response.extensions_mut().insert(reason);
    let response = scrubbed(response, Some(scrubber())).await.unwrap();
    let reason = response.extensions().get::<ReasonPhrase>().unwrap();
    assert_eq!(reason.as_bytes(), format!("Found {FAKE}").as_bytes());
    let headers = response.headers();
    assert_eq!(headers["location"], format!("https://x.example/?k={FAKE}"));
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, [&format!("a={FAKE}")[..], "b=harmless"]);
    assert!(headers["x-basic"].to_str().unwrap().contains(FAKE));
    assert!(!headers.contains_key("content-length"));
    assert!(headers.keys().all(|name| !name.as_str().contains("9fq2xw7klm3r")), "{headers:?}");
}

#[tokio::test]
async fn trailers_are_scrubbed_and_come_last() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-echo", KEY.parse().unwrap());
    trailers.insert("connection", "close".parse().unwrap());
    let frames: [Result<_, Infallible>; 2] =
        [Ok(Frame::data(Bytes::from(&KEY.as_bytes()[..11]))), Ok(Frame::trailers(trailers))];
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let response = scrubbed(Response::new(body), Some(scrubber())).await.unwrap();
    let body = response.into_body().collect().await.unwrap();
    let trailers = body.trailers().unwrap().clone();
    assert_eq!(trailers["x-echo"], FAKE);
    assert_eq!(trailers.len(), 1);
    assert_eq!(body.to_bytes(), KEY.as_bytes()[..11]);
}

#[tokio::test]
async fn headers_of_the_connection_stay_behind_with_and_without_a_credential() {
    for scrubber in [Some(scrubber()), None] {
        let response = Response::builder()
            .header("connection", "close, X-Hop")
            .header("x-hop", "1")
            .header("keep-alive", "timeout=5")
            .header("alt-svc", "h3=\":443\"")
            .header("x-kept", "1")
            .body(Full::new(Bytes::from("body")))
            .unwrap();
        let response = scrubbed(response, scrubber).await.unwrap();
        assert_eq!(response.headers().keys().collect::<Vec<_>>(), ["x-kept"]);
    }
}

#[tokio::test]
async fn without_a_credential_the_body_is_not_touched() {
    let coded = gzip(b"plain");
    let response = scrubbed(answer("gzip", coded.clone()), None).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), coded);
}

#[tokio::test]
async fn no_answer_changes_the_protocol() {
    let response = Response::builder().status(101).body(Full::new(Bytes::new())).unwrap();
    assert!(matches!(scrubbed(response, Some(scrubber())).await, Err(BackError::Switching)));
}

/// A body that gives one frame at a time and then has no more yet.
struct Live(Vec<Bytes>);

impl http_body::Body for Live {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.0.is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(Some(Ok(Frame::data(self.0.remove(0)))))
        }
    }
}

#[tokio::test]
async fn each_event_of_a_stream_leaves_before_the_next_one_comes() {
    let events =
        ["data: one\n\n".to_owned(), format!("data: {KEY}\n\n"), "data: [DONE]\n\n".to_owned()];
    let expected: Vec<_> = events.iter().map(|event| event.replace(KEY, FAKE)).collect();
    let mut compressor = GzEncoder::new(Vec::new(), Compression::default());
    let coded = events.iter().map(|event| {
        compressor.write_all(event.as_bytes()).unwrap();
        compressor.flush().unwrap();
        Bytes::from(std::mem::take(compressor.get_mut()))
    });
    let coded = Response::builder().header("content-encoding", "gzip").body(Live(coded.collect()));
    let plain = Response::new(Live(events.iter().cloned().map(Bytes::from).collect()));
    for response in [plain, coded.unwrap()] {
        let mut body = scrubbed(response, Some(scrubber())).await.unwrap().into_body();
        for event in &expected {
            let mut shown = String::new();
            while !shown.ends_with("\n\n") {
                let frame = body.frame().await.unwrap().unwrap();
                shown += str::from_utf8(frame.data_ref().unwrap()).unwrap();
            }
            assert_eq!(&shown, event);
        }
    }
}
