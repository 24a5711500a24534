//! A reader of requests that panics at everything that two readers could understand differently.

use super::kit::REAL;

/// A request as an upstream read it.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// What must not reach an upstream from an agent.
const NEVER: &[&str] = &[
    "accept-charset",
    "a-im",
    "connection",
    "expect",
    "forwarded",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-http-method-override",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
    "x-strongroom-reason",
];

impl Arrived {
    /// The first whole request in `bytes` and how long it is.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let head = find(bytes, b"\r\n\r\n")? + 4;
        let mut request = Self::head(&bytes[..head]);
        let rest = &bytes[head..];
        let length = if let Some(length) = request.one("content-length") {
            let length: usize = length.parse().unwrap();
            request.body = rest.get(..length)?.to_vec();
            length
        } else if request.one("transfer-encoding").is_some() {
            request.chunks(rest)?
        } else {
            0
        };
        Some((request, head + length))
    }

    /// A request whose sender gave up; what there is of its head must be sound all the same.
    pub(super) fn cut_off(bytes: &[u8]) -> Self {
        let head = find(bytes, b"\r\n\r\n").expect("the whole head is written at once") + 4;
        let mut request = Self::head(&bytes[..head]);
        request.body = bytes[head..].to_vec();
        request
    }

    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|field| field.0 == name);
        let value = values.next().map(|field| field.1.as_str());
        assert!(values.next().is_none(), "{name} twice in {self:?}");
        value
    }

    fn head(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).expect("a head in ASCII");
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic() || b" \r\n\t".contains(&byte)));
        let mut lines = text.strip_suffix("\r\n\r\n").unwrap().split("\r\n");
        let mut words = lines.next().unwrap().split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        assert_eq!((words.next(), words.next()), (Some("HTTP/1.1"), None), "{text}");
        assert!(method.bytes().all(|byte| byte.is_ascii_uppercase()), "{text}");
        let fields = lines.map(|line| {
            assert!(!line.contains(['\r', '\n']), "{text}");
            let (name, value) = line.split_once(": ").expect("a name and a value");
            let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            assert!(name.bytes().all(|byte| known(byte) || b"-_.".contains(&byte)), "{line}");
            (name.to_owned(), value.to_owned())
        });
        let fields = fields.collect();
        let request =
            Self { method: method.to_owned(), path: path.to_owned(), fields, body: Vec::new() };
        request.check(text);
        request
    }

    fn check(&self, text: &str) {
        assert!(
            self.path == "/v1" || self.path.starts_with("/v1/") || self.path.starts_with("/v1?")
        );
        assert!(self.one("host").is_some_and(|host| host.starts_with("127.0.0.1:")), "{text}");
        assert_eq!(self.one("authorization"), Some(REAL), "{text}");
        assert_eq!(self.one("accept-encoding"), Some("identity"), "{text}");
        let (length, coding) = (self.one("content-length"), self.one("transfer-encoding"));
        assert!(length.is_none() || coding.is_none(), "{text}");
        assert!(coding.is_none_or(|coding| coding == "chunked"), "{text}");
        assert!(length.is_none_or(|n| n.bytes().all(|byte| byte.is_ascii_digit())), "{text}");
        assert!(!text.contains("srf_") && !text.contains("own-credential"), "{text}");
        for name in NEVER {
            assert!(self.one(name).is_none(), "{name} in {text}");
        }
    }

    /// Reads the chunks; how long they are with their end.
    fn chunks(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            let line = find(&bytes[at..], b"\r\n")?;
            let size = std::str::from_utf8(&bytes[at..at + line]).unwrap();
            assert!(size.bytes().all(|byte| byte.is_ascii_hexdigit()), "a chunk with {size:?}");
            let size = usize::from_str_radix(size, 16).unwrap();
            at += line + 2;
            let chunk = bytes.get(at..at + size + 2)?;
            assert!(chunk.ends_with(b"\r\n"), "a chunk without an end, or trailers");
            self.body.extend_from_slice(&chunk[..size]);
            at += size + 2;
            if size == 0 {
                return Some(at);
            }
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
