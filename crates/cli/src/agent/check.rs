//! The looks that `doctor` takes, each with what to do where it finds something.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest head of an answer that is read, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// As it should be.
    Good(String),
    /// Worth knowing.
    Note(String),
    /// Wrong, and what to do.
    Bad(String, String),
}

impl Finding {
    pub(super) fn bad(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Bad(what.into(), advice.into())
    }
}

/// The proxy of a session, from its variable: `http://s:PASSWORD@127.0.0.1:PORT`.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) port: u16,
    credentials: String,
}

impl Proxy {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (credentials, address) = text.strip_prefix("http://")?.rsplit_once('@')?;
        let port = address.trim_end_matches('/').strip_prefix("127.0.0.1:")?.parse().ok()?;
        Some(Self { port, credentials: credentials.to_owned() })
    }
}

/// Asks the broker with a fake token who it is for; answers the status.
pub(super) async fn present(port: u16, token: &str) -> std::io::Result<u16> {
    // A token is letters, digits, hyphens and underscores; anything else is none.
    let is_plain = token.bytes().all(|b| b.is_ascii_graphic());
    if !is_plain {
        return Ok(401);
    }
    let request = format!(
        "GET /-/me HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\n\r\n"
    );
    let mut stream = connect(port).await?;
    patiently(stream.write_all(request.as_bytes())).await?;
    head(&mut stream).await.map(|(status, _)| status)
}

/// Opens a connection to `host` through the proxy and shakes hands by the certificates in `ca`.
pub(super) async fn shake(proxy: &Proxy, ca: &str, host: &str) -> Finding {
    let what = format!("TLS to {host} through the broker");
    let roots = match read_roots(ca) {
        Ok(roots) => roots,
        Err(why) => {
            let advice = "start the program with `strongroom agent run`, which makes that file";
            return Finding::bad(format!("{ca} cannot be used: {why}"), advice);
        }
    };
    match shake_with(proxy, roots, host).await {
        Ok(Shaken::Verified) => Finding::Good(format!("{what} works and its certificate holds")),
        Ok(Shaken::Refused(status, message)) => Finding::bad(
            format!("the broker refuses {host} ({status}): {message}"),
            "a rule of the agent must name this host; see `strongroom agent doctor` outside, or \
             the simulator on the Agents page",
        ),
        Err(error) => {
            let text = error.to_string();
            let advice = if text.contains("NotValidYet") || text.contains("Expired") {
                "this computer's clock was turned; set it, and start the session again"
            } else {
                "the variables are of an older session; start the program again with \
                 `strongroom agent run`"
            };
            Finding::bad(format!("{what} fails: {text}"), advice)
        }
    }
}

enum Shaken {
    Verified,
    Refused(u16, String),
}

async fn shake_with(proxy: &Proxy, roots: RootCertStore, host: &str) -> std::io::Result<Shaken> {
    let mut stream = connect(proxy.port).await?;
    let password = BASE64.encode(proxy.credentials.as_bytes());
    let request = format!(
        "CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\nProxy-Authorization: Basic {password}\
         \r\n\r\n"
    );
    patiently(stream.write_all(request.as_bytes())).await?;
    let (status, rest) = head(&mut stream).await?;
    if status != 200 {
        return Ok(Shaken::Refused(status, message(&rest)));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
    patiently(TlsConnector::from(Arc::new(config)).connect(name, stream)).await?;
    Ok(Shaken::Verified)
}

fn read_roots(path: &str) -> Result<RootCertStore, String> {
    let pem = fs::read(path).map_err(|error| error.kind().to_string())?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| "it holds no certificate".to_owned())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(roots) }
}

/// Whether a name leads anywhere from here.
pub(super) async fn resolve(host: &str) -> Finding {
    let found = patiently(tokio::net::lookup_host((host, 443))).await;
    if found.is_ok_and(|mut found| found.next().is_some()) {
        return Finding::Good(format!("{host} has an address"));
    }
    Finding::bad(
        format!("{host} has no address here"),
        "look at this computer's network and DNS; the broker uses the same",
    )
}

async fn connect(port: u16) -> std::io::Result<TcpStream> {
    patiently(TcpStream::connect(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))).await
}

/// The status of an answer, and what came with its head.
async fn head(stream: &mut TcpStream) -> std::io::Result<(u16, Vec<u8>)> {
    let mut read = Vec::new();
    let mut chunk = [0; 1024];
    while !read.windows(4).any(|four| four == b"\r\n\r\n") && read.len() < MAX_HEAD {
        let count = patiently(stream.read(&mut chunk)).await?;
        if count == 0 {
            break;
        }
        read.extend_from_slice(chunk.get(..count).unwrap_or_default());
    }
    let status = read.get(9..12).and_then(|digits| str::from_utf8(digits).ok());
    let status = status.and_then(|digits| digits.parse().ok());
    let odd = || std::io::Error::other("this is no answer of a broker");
    status.filter(|_| read.starts_with(b"HTTP/1.1 ")).map(|status| (status, read)).ok_or_else(odd)
}

/// The sentence of a refusal.
fn message(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let after = body.split_once("\"message\":\"").map_or("", |(_, after)| after);
    super::text::inert(after.split('"').next().unwrap_or_default())
}

async fn patiently<T>(what: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    let late = || std::io::Error::from(std::io::ErrorKind::TimedOut);
    tokio::time::timeout(PATIENCE, what).await.unwrap_or_else(|_| Err(late()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_of_a_session_is_on_this_computer() {
        let proxy = Proxy::parse("http://s:abc@127.0.0.1:4711").unwrap();
        assert_eq!((proxy.port, proxy.credentials.as_str()), (4711, "s:abc"));
        for other in [
            "http://127.0.0.1:4711",
            "https://s:abc@127.0.0.1:4711",
            "http://s:abc@proxy.example:4711",
            "http://s:abc@127.0.0.1",
            "",
        ] {
            assert!(Proxy::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn the_sentence_of_a_refusal_is_shown_inert() {
        let answer = b"HTTP/1.1 403 Forbidden\r\n\r\n{\"error\":{\"message\":\"no\x1b[2J rule\"}}";
        assert_eq!(message(answer), "no\u{fffd}[2J rule");
        assert_eq!(message(b"HTTP/1.1 403 Forbidden\r\n\r\n"), "");
    }

    #[test]
    fn a_file_without_a_certificate_is_said_to_be_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        assert!(read_roots(path.to_str().unwrap()).is_err());
        fs::write(&path, "nothing").unwrap();
        assert_eq!(read_roots(path.to_str().unwrap()).unwrap_err(), "it holds no certificate");
    }
}
