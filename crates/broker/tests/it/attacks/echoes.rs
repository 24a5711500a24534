//! J07, J08, J10: a server that sends the credential back, in whatever spelling, size and pieces.

use bytes::Bytes;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use http::{HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};

use super::require_hidden;
use crate::support::{
    REAL, Session, World,
    upstream::{Body, Upstream, whole},
};

/// A spelling, and how many bytes of it stand for 12 bytes of the credential.
type Spelling = (&'static str, fn(&[u8]) -> Vec<u8>, usize);

fn each(bytes: &[u8], spell: impl Fn(u8) -> String) -> Vec<u8> {
    bytes.iter().map(|byte| spell(*byte)).collect::<String>().into_bytes()
}

fn behind(skip: usize, bytes: &[u8]) -> Vec<u8> {
    [&b"user:"[..skip], bytes].concat()
}

const SPELLINGS: [Spelling; 22] =
    [
        ("raw", <[u8]>::to_vec, 12),
        ("base64", |bytes| BASE64.encode(bytes).into(), 16),
        ("base64, one byte in", |bytes| BASE64.encode(&behind(1, bytes)).into(), 16),
        ("base64, two bytes in", |bytes| BASE64.encode(&behind(2, bytes)).into(), 16),
        ("base64, five bytes in", |bytes| BASE64.encode(&behind(5, bytes)).into(), 16),
        ("base64 without padding", |bytes| BASE64_NOPAD.encode(bytes).into(), 16),
        ("base64 for URLs", |bytes| BASE64URL.encode(bytes).into(), 16),
        (
            "base64 for URLs without padding",
            |bytes| BASE64URL_NOPAD.encode(&behind(1, bytes)).into(),
            16,
        ),
        ("hex", |bytes| HEXLOWER.encode(bytes).into(), 24),
        ("hex in capitals", |bytes| HEXUPPER.encode(bytes).into(), 24),
        ("percent", |bytes| each(bytes, |byte| format!("%{byte:02x}")), 36),
        ("percent in capitals", |bytes| each(bytes, |byte| format!("%{byte:02X}")), 36),
        (
            "percent for a few",
            |bytes| {
                each(bytes, |byte| {
                    if byte == b'-' { "%2D".to_owned() } else { char::from(byte).to_string() }
                })
            },
            14,
        ),
        ("JSON escapes", |bytes| each(bytes, |byte| format!("\\u{byte:04x}")), 72),
        ("JSON escapes in capitals", |bytes| each(bytes, |byte| format!("\\u{byte:04X}")), 72),
        ("HTML numbers", |bytes| each(bytes, |byte| format!("&#{byte};")), 60),
        ("HTML hex numbers", |bytes| each(bytes, |byte| format!("&#x{byte:x};")), 72),
        ("UTF-16 LE", |bytes| bytes.iter().flat_map(|byte| [*byte, 0]).collect(), 24),
        ("UTF-16 BE", |bytes| bytes.iter().flat_map(|byte| [0, *byte]).collect(), 24),
        ("its first half", |bytes| bytes[..18].to_vec(), 12),
        ("its last half", |bytes| bytes[18..].to_vec(), 12),
        ("twelve bytes of it", |bytes| bytes[7..19].to_vec(), 12),
    ];

/// No piece of the spelling that stands for 12 bytes of the credential is in `said`.
fn require_scrubbed(said: &[u8], (name, spell, run): Spelling, case: &str) {
    let whole = spell(REAL.as_bytes());
    // Of base64 the first and last digits also hold neighbours, which are no secret.
    let inner = if run == 16 { &whole[8..whole.len() - 4] } else { &whole[..] };
    for piece in inner.windows(run) {
        let found = said.windows(run).any(|window| window == piece);
        assert!(!found, "{name}, {case}: {}", String::from_utf8_lossy(said));
    }
}

fn number(uri: &str) -> usize {
    uri.rsplit('/').next().unwrap().parse().unwrap()
}

async fn get(session: &Session, path: &str) -> reqwest::Response {
    let url = format!("https://api.github.com/repos/a/b/{path}");
    let request = session.client().get(url).bearer_auth(session.variable("GITHUB_TOKEN"));
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_is_scrubbed_from_a_body() {
    let github = Upstream::answering(&["api.github.com"], |got| {
        let (_, spell, _) = SPELLINGS[number(&got.uri)];
        let real = got.header("authorization").trim_start_matches("Bearer ").to_owned();
        Response::new(whole([b"before ", &spell(real.as_bytes())[..], b" after"].concat()))
    })
    .await;
    let world = World::new(&[&github]).with("github");
    let session = world.session();
    for (place, spelling) in SPELLINGS.into_iter().enumerate() {
        let said = get(&session, &place.to_string()).await.bytes().await.unwrap();
        require_scrubbed(&said, spelling, "whole");
        assert!(said.starts_with(b"before "), "{}: {said:?}", spelling.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_is_scrubbed_from_a_stream_of_small_pieces() {
    let github = Upstream::answering(&["api.github.com"], |got| {
        let (_, spell, _) = SPELLINGS[number(&got.uri)];
        let real = got.header("authorization").trim_start_matches("Bearer ").to_owned();
        let text = [b"data: ", &spell(real.as_bytes())[..], b"\n\n"].concat();
        let pieces: Vec<Bytes> = text.chunks(5).map(Bytes::copy_from_slice).collect();
        let frames = pieces.into_iter().map(|piece| Ok(Frame::data(piece)));
        Response::new(StreamBody::new(futures_util::stream::iter(frames)).boxed())
    })
    .await;
    let world = World::new(&[&github]).with("github");
    let session = world.session();
    for (place, spelling) in SPELLINGS.into_iter().enumerate() {
        let said = get(&session, &place.to_string()).await.bytes().await.unwrap();
        require_scrubbed(&said, spelling, "in small pieces");
        assert!(said.ends_with(b"\n\n"), "{}: {said:?}", spelling.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_is_scrubbed_from_headers_and_trailers() {
    let github = Upstream::answering(&["api.github.com"], |got| {
        let (_, spell, _) = SPELLINGS[number(&got.uri)];
        let real = got.header("authorization").trim_start_matches("Bearer ").to_owned();
        let spelt = spell(real.as_bytes());
        let mut trailers = http::HeaderMap::new();
        let Ok(value) = HeaderValue::from_bytes(&spelt) else {
            return Response::new(whole("no header holds this"));
        };
        trailers.insert("x-last", value.clone());
        let frames: Vec<Result<_, std::convert::Infallible>> =
            vec![Ok(Frame::data(Bytes::from_static(b"body"))), Ok(Frame::trailers(trailers))];
        let body: Body = StreamBody::new(futures_util::stream::iter(frames)).boxed();
        let mut response = Response::new(body);
        response.headers_mut().insert("x-echo", value.clone());
        response.headers_mut().insert("set-cookie", value.clone());
        response.headers_mut().insert("www-authenticate", value);
        response
    })
    .await;
    let world = World::new(&[&github]).with("github");
    let session = world.session();
    for (place, spelling) in SPELLINGS.into_iter().enumerate() {
        let answer = get(&session, &place.to_string()).await;
        for (name, value) in answer.headers() {
            require_scrubbed(value.as_bytes(), spelling, name.as_str());
        }
        require_scrubbed(&answer.bytes().await.unwrap(), spelling, "trailers");
    }
    // Over HTTP/1.1 and without a client between: what comes over the wire, trailers included.
    for (place, spelling) in SPELLINGS.into_iter().enumerate() {
        let (here, token) = (world.broker.address(), session.variable("GITHUB_TOKEN"));
        let head =
            format!("GET /github/repos/a/b/{place} HTTP/1.1\r\nHost: {here}\r\nTE: trailers\r\n");
        let rest = format!("Authorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        let said = super::raw(&world, format!("{head}{rest}").as_bytes()).await;
        require_scrubbed(said.as_bytes(), spelling, "on the wire");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_size_of_an_answer_hides_nothing() {
    const SIZES: [usize; 9] =
        [0, 1, 4_095, 65_535, (1 << 20) - 7, 1 << 20, (6 << 20) + 1, 16 << 20, 64 << 20];
    let github = Upstream::answering(&["api.github.com"], |got| {
        let mut text = vec![b'.'; SIZES[number(&got.uri)]];
        text.extend_from_slice(got.header("authorization").as_bytes());
        text.extend_from_slice(b" after");
        Response::new(whole(text))
    })
    .await;
    let world = World::new(&[&github]).with("github");
    let session = world.session();
    for (place, size) in SIZES.into_iter().enumerate() {
        let said = get(&session, &place.to_string()).await.bytes().await.unwrap();
        assert!(said.ends_with(b" after") && said.len() > size, "{size}");
        require_hidden(&String::from_utf8_lossy(&said[size..]), "behind the padding");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_an_unknown_coding_is_not_passed_on() {
    const CODINGS: [&str; 10] = [
        "gzip",
        "x-gzip",
        "deflate",
        "br",
        "zstd",
        "compress",
        "x-secret",
        "gzip, x-secret",
        "identity, unknown",
        "gzip, gzip, gzip, gzip, gzip, gzip",
    ];
    let github = Upstream::answering(&["api.github.com"], |got| {
        // The coding lies: the body is plain.
        let mut response = Response::new(whole(got.text()));
        let coding = HeaderValue::from_static(CODINGS[number(&got.uri)]);
        response.headers_mut().insert("content-encoding", coding);
        response
    })
    .await;
    let world = World::new(&[&github]).with("github");
    let session = world.session();
    for (place, coding) in CODINGS.into_iter().enumerate() {
        let (here, token) = (world.broker.address(), session.variable("GITHUB_TOKEN"));
        let head = format!("GET /github/repos/a/b/{place} HTTP/1.1\r\nHost: {here}\r\n");
        let rest = format!("Authorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        let said = super::raw(&world, format!("{head}{rest}").as_bytes()).await;
        require_hidden(&said, coding);
    }
    assert!(github.got().iter().all(|got| got.header("accept-encoding") == "identity"));
}
