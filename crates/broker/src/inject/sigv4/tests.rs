use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use sha2::{Digest as _, Sha256};
use strongroom_policy::Auth;
use strongroom_secret::SecretBytes;

use super::*;

/// 2015-08-30T12:36:00Z, the time of AWS's test suite.
const SUITE_MS: u64 = 1_440_938_160_000;
/// 2013-05-24T00:00:00Z, the time of the examples in the documentation of S3.
const S3_MS: u64 = 1_369_353_600_000;
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn any() -> Auth {
    Auth::SigV4 { service: None, region: None }
}

fn keys(text: &str) -> AwsKeys {
    AwsKeys::parse(&SecretBytes::copy_of(text.as_bytes())).unwrap()
}

fn s3_keys() -> AwsKeys {
    keys("AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
}

fn headers(of: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    let mut map = HeaderMap::new();
    for (name, value) in of.iter().map(pair) {
        map.append(name, value);
    }
    map
}

/// Cases of AWS's published suite for requests that are not for S3: request line, headers, the
/// names that are signed, the hash of the body, the signature. Key, region, service and time are
/// the suite's own.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, &'a str, &'a str);

const FORM_HASH: &str = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
const FORM_SIGNED: &str = "content-length;content-type;host;x-amz-content-sha256;x-amz-date";
const SESSION: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

const SUITE: &[Case<'_>] = &[
    (
        "GET",
        "/",
        &[],
        "host;x-amz-date",
        EMPTY,
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    (
        "POST",
        "/",
        &[],
        "host;x-amz-date",
        EMPTY,
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    (
        "GET",
        "/?Param1=value1",
        &[],
        "host;x-amz-date",
        EMPTY,
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    ),
    (
        "POST",
        "/?Param1=value1",
        &[],
        "host;x-amz-date",
        EMPTY,
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    ),
    (
        "GET",
        "/?Param2=value2&Param1=value1",
        &[],
        "host;x-amz-date",
        EMPTY,
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    (
        "GET",
        "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
        &[],
        "host;x-amz-date",
        EMPTY,
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
    ),
    (
        "GET",
        "/?\u{1234}=bar",
        &[],
        "host;x-amz-date",
        EMPTY,
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    ),
    (
        "GET",
        "/\u{1234}",
        &[],
        "host;x-amz-date",
        EMPTY,
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    ),
    (
        "GET",
        "/example space/",
        &[],
        "host;x-amz-date",
        EMPTY,
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
    ),
    (
        "GET",
        "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        &[],
        "host;x-amz-date",
        EMPTY,
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    (
        "GET",
        "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        &[],
        "host;x-amz-date",
        EMPTY,
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    ),
    (
        "GET",
        "/",
        &[("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")],
        "host;my-header1;x-amz-date",
        EMPTY,
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    (
        "GET",
        "/",
        &[
            ("My-Header1", "value4"),
            ("My-Header1", "value1"),
            ("My-Header1", "value3"),
            ("My-Header1", "value2"),
        ],
        "host;my-header1;x-amz-date",
        EMPTY,
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
    ),
    (
        "GET",
        "/",
        &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
        "host;my-header1;my-header2;x-amz-date",
        EMPTY,
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    (
        "POST",
        "/",
        &[("My-Header1", "value1")],
        "host;my-header1;x-amz-date",
        EMPTY,
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    (
        "GET",
        "/",
        &[(
            "X-Amz-Security-Token",
            "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
        )],
        "host;x-amz-date;x-amz-security-token",
        EMPTY,
        "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
    ),
    (
        "POST",
        "/",
        &[("X-Amz-Security-Token", SESSION)],
        "host;x-amz-date;x-amz-security-token",
        EMPTY,
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    ),
    (
        "POST",
        "/",
        &[
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", "13"),
            ("x-amz-content-sha256", FORM_HASH),
        ],
        FORM_SIGNED,
        FORM_HASH,
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
    ),
    (
        "POST",
        "/",
        &[
            ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("Content-Length", "13"),
            ("x-amz-content-sha256", FORM_HASH),
        ],
        FORM_SIGNED,
        FORM_HASH,
        "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
    ),
];

#[test]
fn every_case_of_the_published_suite_has_its_signature() {
    let keys = keys("AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    for (method, path, of, names, payload, wanted) in SUITE {
        let mut map = headers(of);
        map.insert(DATE, HeaderValue::from_static("20150830T123600Z"));
        let names: Vec<String> = names.split(';').map(str::to_owned).collect();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let target = Target::parse(path).unwrap();
        let host = "example.amazonaws.com";
        // The suite sends some paths without any encoding, which HTTP does not: what is signed is
        // then encoded for the first time.
        let raw = path.split('?').next().is_some_and(|path| !path.is_ascii() || path.contains(' '));
        let encoding = if raw { Encoding::Once } else { Encoding::Twice };
        let canonical = canonical::request(&method, host, &target, encoding, &map, &names, payload);
        let (time, day) = ("20150830T123600Z", "20150830");
        let made = signature(&keys, &canonical.unwrap(), time, day, "us-east-1", "service");
        assert_eq!(made, *wanted, "{method} {path}");
    }
    assert_eq!(amz_time(SUITE_MS), "20150830T123600Z");
}

/// The four examples in the documentation of S3, which sign other headers than we do.
#[test]
fn every_example_of_s3s_documentation_has_its_signature() {
    let put = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    let range: &[(&str, &str)] = &[("range", "bytes=0-9"), ("x-amz-content-sha256", EMPTY)];
    let plain: &[(&str, &str)] = &[("x-amz-content-sha256", EMPTY)];
    let stored: &[(&str, &str)] = &[
        ("date", "Fri, 24 May 2013 00:00:00 GMT"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", put),
    ];
    let cases = [
        (
            "GET",
            "/test.txt",
            range,
            EMPTY,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test%24file.text",
            stored,
            put,
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET",
            "/?lifecycle",
            plain,
            EMPTY,
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET",
            "/?max-keys=2&prefix=J",
            plain,
            EMPTY,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ];
    for (method, path, of, payload, wanted) in cases {
        let mut map = headers(of);
        map.insert(DATE, HeaderValue::from_static("20130524T000000Z"));
        let mut names: Vec<String> = map.keys().map(|name| name.as_str().to_owned()).collect();
        names.push("host".to_owned());
        names.sort();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let target = Target::parse(path).unwrap();
        let host = "examplebucket.s3.amazonaws.com";
        let canonical =
            canonical::request(&method, host, &target, Encoding::Once, &map, &names, payload);
        let (time, day) = ("20130524T000000Z", "20130524");
        let made = signature(&s3_keys(), &canonical.unwrap(), time, day, "us-east-1", "s3");
        assert_eq!(made, wanted, "{method} {path}");
    }
}

const FAKE_AUTH: &str = "AWS4-HMAC-SHA256 Credential=AKIAFAKE000000000001/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=0000000000000000000000000000000000000000000000000000000000000000";

fn agents_headers() -> HeaderMap {
    headers(&[
        ("authorization", FAKE_AUTH),
        ("x-amz-date", "20130524T000001Z"),
        ("x-amz-content-sha256", EMPTY),
        ("x-amz-security-token", "srf_aws_fake"),
        ("range", "bytes=0-9"),
    ])
}

fn signed(auth: &Auth, map: &mut HeaderMap, path: &str) -> Result<Signed, InjectError> {
    let (claim, path_and_query) = take_claim(map, path, S3_MS)?;
    let request = Unsigned {
        method: &Method::GET,
        host: "examplebucket.s3.amazonaws.com",
        path_and_query: &path_and_query,
        headers: map,
        body: None,
    };
    sign(auth, &s3_keys(), &claim, request, S3_MS)
}

#[test]
fn nothing_of_the_agents_signature_is_left_and_ours_is_in_the_header() {
    let mut map = agents_headers();
    let signed = signed(&any(), &mut map, "/test.txt?x-id=GetObject").unwrap();
    let text = format!("{map:?}");
    assert!(!text.contains("FAKE") && !text.contains("srf_"), "{text}");
    let auth = map[header::AUTHORIZATION].to_str().unwrap();
    assert_eq!(
        auth,
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={}",
            signed.signature
        )
    );
    assert_eq!(map["x-amz-date"], "20130524T000000Z", "the time is ours");
    assert!(!map.contains_key("x-amz-security-token"));
    assert_eq!(signed.path_and_query, "/test.txt?x-id=GetObject");
    assert!(map[header::AUTHORIZATION].is_sensitive());
}

#[test]
fn a_temporary_credential_brings_its_own_session_token() {
    let keys = keys("ASIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY:FQoG:real==");
    let mut map = agents_headers();
    let (claim, path_and_query) = take_claim(&mut map, "/k", S3_MS).unwrap();
    assert_eq!(claim.key_id, "AKIAFAKE000000000001");
    let host = "b.s3.amazonaws.com";
    let request = Unsigned {
        method: &Method::GET,
        host,
        path_and_query: &path_and_query,
        headers: &mut map,
        body: None,
    };
    sign(&any(), &keys, &claim, request, S3_MS).unwrap();
    assert_eq!(map["x-amz-security-token"], "FQoG:real==");
    let auth = map[header::AUTHORIZATION].to_str().unwrap();
    assert!(auth.contains("x-amz-date;x-amz-security-token"), "{auth}");
}

#[test]
fn the_policys_region_and_service_win_over_what_the_agent_signed_for() {
    let auth = Auth::SigV4 { service: Some("s3".into()), region: Some("eu-central-1".into()) };
    let mut map = agents_headers();
    map.insert(
        header::AUTHORIZATION,
        HeaderValue::from_str(&FAKE_AUTH.replace("us-east-1/s3", "us-west-2/iam")).unwrap(),
    );
    signed(&auth, &mut map, "/").unwrap();
    let text = map[header::AUTHORIZATION].to_str().unwrap();
    assert!(text.contains("/20130524/eu-central-1/s3/aws4_request,"), "{text}");
}

const PRESIGNED: &str = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAFAKE000000000001%2F20130523%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130523T120000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Security-Token=srf_aws_fake&X-Amz-Signature=00&versionId=3%2B1";

#[test]
fn a_presigned_url_becomes_a_signed_request_without_anything_in_its_query() {
    let mut map = HeaderMap::new();
    let signed = signed(&any(), &mut map, PRESIGNED).unwrap();
    assert_eq!(signed.path_and_query, "/test.txt?versionId=3%2B1");
    assert_eq!(map["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
    assert!(map[header::AUTHORIZATION].to_str().unwrap().contains(&signed.signature));
}

#[test]
fn a_presigned_url_that_is_over_or_incomplete_is_refused() {
    let over = PRESIGNED.replace("86400", "43199");
    let cases = [
        over,
        PRESIGNED.replace("X-Amz-Expires=86400&", ""),
        PRESIGNED.replace("X-Amz-Credential", "X-Amz-Credentials"),
        PRESIGNED.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        PRESIGNED.replace("%2Faws4_request", ""),
        PRESIGNED.replace("X-Amz-Expires=86400", "X-Amz-Expires=86400&X-Amz-Expires=864000"),
        "/test.txt".to_owned(),
    ];
    for path in cases {
        let error = signed(&any(), &mut HeaderMap::new(), &path).unwrap_err();
        assert!(matches!(error, InjectError::Unsignable(_)), "{path}: {error:?}");
    }
    // A spelling in another case signs nothing either, but it must not pass as an ordinary one.
    let lower = PRESIGNED.replace("X-Amz-Signature", "x-amz-signature");
    let signed = signed(&any(), &mut HeaderMap::new(), &lower).unwrap();
    assert_eq!(signed.path_and_query, "/test.txt?versionId=3%2B1");
}

#[test]
fn bodies_are_covered_as_the_agent_covered_them_and_signed_chunks_are_refused() {
    for stated in [EMPTY, "UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"] {
        let mut map = agents_headers();
        map.insert(CONTENT, HeaderValue::from_static(stated));
        signed(&any(), &mut map, "/k").unwrap();
        assert_eq!(map["x-amz-content-sha256"], stated);
    }
    for stated in ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "E3B0", "", "UNSIGNED-PAYLOAD "] {
        let mut map = agents_headers();
        map.insert(CONTENT, HeaderValue::from_static(stated));
        let error = signed(&any(), &mut map, "/k").unwrap_err();
        assert!(matches!(error, InjectError::Unsignable(_)), "{stated}");
    }
}

#[test]
fn other_services_than_s3_need_the_hash_of_the_body() {
    let mut map = agents_headers();
    map.remove(CONTENT);
    map.insert(
        header::AUTHORIZATION,
        HeaderValue::from_str(&FAKE_AUTH.replace("/s3/", "/sqs/")).unwrap(),
    );
    let (claim, path_and_query) = take_claim(&mut map, "/q", S3_MS).unwrap();
    assert!(claim.needs_body(&any()));
    assert!(!claim.needs_body(&Auth::SigV4 { service: Some("s3".into()), region: None }));
    let body: [u8; 32] = Sha256::digest(b"Action=SendMessage").into();
    for (body, fits) in [(None, false), (Some(body), true)] {
        let request = Unsigned {
            method: &Method::POST,
            host: "sqs.us-east-1.amazonaws.com",
            path_and_query: &path_and_query,
            headers: &mut map,
            body,
        };
        assert_eq!(sign(&any(), &s3_keys(), &claim, request, S3_MS).is_ok(), fits);
    }
    assert!(!map.contains_key(CONTENT));
}

#[test]
fn what_is_no_signature_of_version_4_is_refused() {
    for wrong in [
        "Bearer srf_aws_fake",
        "AWS AKIAFAKE:c2ln",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=A/20130524/us-east-1/s3",
        "AWS4-HMAC-SHA256 Credential=A/20130524/us-east-1/s3/aws4_request/x",
        "AWS4-HMAC-SHA256 Credential=A/20130524/us east/s3/aws4_request",
        "AWS4-HMAC-SHA256 Credential=A/20130524/US/s3/aws4_request",
        "AWS4-HMAC-SHA256 Credential=A/1/r/s3/aws4_request, Credential=B/1/r/s3/aws4_request",
        "AWS4-HMAC-SHA256x Credential=A/1/r/s3/aws4_request",
    ] {
        let mut map = headers(&[("authorization", wrong)]);
        let error = take_claim(&mut map, "/", S3_MS).unwrap_err();
        assert!(matches!(error, InjectError::Unsignable(_)), "{wrong}");
    }
}

#[test]
fn path_and_query_are_sent_in_the_spelling_that_is_signed() {
    for (came, sent) in [
        ("/a%2Db", "/a-b"),
        ("/a b", "/a%20b"),
        ("/a+b?x=c+d", "/a%2Bb?x=c%20d"),
        ("/%e4%f6?b&a=&a=%7e", "/%E4%F6?b&a=&a=~"),
        ("", "/"),
        ("/?", "/"),
        ("/a?&x=1&&", "/a?x=1"),
        ("/a?x=y=z", "/a?x=y%3Dz"),
    ] {
        assert_eq!(Target::parse(came).unwrap().as_sent(), sent, "{came}");
    }
    for broken in ["/%", "/%2", "/%zz", "/a?b=%g1"] {
        assert!(Target::parse(broken).is_err(), "{broken}");
    }
}

#[test]
fn a_secret_for_aws_is_a_pair_or_what_its_own_tools_write() {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    for text in [
        format!("AKIAIOSFODNN7EXAMPLE:{secret}\n"),
        format!(r#"{{"access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":"{secret}"}}"#),
        format!(
            r#"{{"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"{secret}","Expiration":"2030"}}"#
        ),
    ] {
        let keys = keys(&text);
        assert_eq!(keys.id(), "AKIAIOSFODNN7EXAMPLE");
        assert!(keys.secret().lend(|text| text == secret) && keys.session().is_none());
        assert!(!format!("{keys:?}").contains("wJalr"));
    }
    for wrong in
        ["", "AKIA", "AKIAIOSFODNN7EXAMPLE:", "A:b c d e f g h i j", "{}", "{\"a\":1", "\u{e4}:x"]
    {
        let error = AwsKeys::parse(&SecretBytes::copy_of(wrong.as_bytes())).unwrap_err();
        assert!(matches!(error, InjectError::Form(_)), "{wrong}");
    }
}
