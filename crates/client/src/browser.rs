//! Signing in at an `OpenID` provider through the system's browser: the authorization-code flow of a
//! native app (RFC 8252) with PKCE (RFC 7636) and a redirect to a loopback port.
//!
//! The provider only says who may have an account on a team's server. It never sees a key, a
//! passphrase or a name of the vault, and nothing it answers is trusted here: the token is opaque,
//! except that its `nonce` must be the one of this attempt.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use reqwest::{Client, Response, redirect};
use serde::Deserialize;
use strongroom_crypto::safe::{EntropyError, OsEntropy, entropy};
use strongroom_format::hash::sha256;
use strongroom_format::wire::IssuerInfo;
use strongroom_secret::SecretText;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::{Host, Url, form_urlencoded};

/// How long a person may take in the browser.
const PATIENCE: Duration = Duration::from_mins(10);
/// The largest answer of a provider that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// The longest request line of the browser, in bytes.
const MAX_LINE: usize = 8 * 1024;

/// Why nobody was signed in.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BrowserError {
    /// The provider's address is not `https://`, or `http://` on this computer.
    #[error("the sign-in address is not safe to open")]
    Unsafe,
    /// The provider cannot be reached, or answers something that is not `OpenID` Connect.
    #[error("the sign-in service does not answer as it should")]
    Provider,
    /// The provider or the person said no.
    #[error("the sign-in was refused")]
    Denied,
    /// Nobody came back from the browser in time.
    #[error("nobody came back from the browser in time")]
    TimedOut,
    /// No browser could be opened.
    #[error("no browser could be opened")]
    NoBrowser,
    /// No port of this computer, or no random bytes.
    #[error("this computer cannot listen for the browser")]
    System,
}

impl From<EntropyError> for BrowserError {
    fn from(_: EntropyError) -> Self {
        Self::System
    }
}

/// What a provider says about itself (`OpenID` Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct Claims {
    nonce: String,
}

/// Signs in at `issuer` and gives its ID token. `open` shows an address in the system's browser.
/// Cancelled by dropping the future.
pub async fn sign_in(
    issuer: &IssuerInfo,
    open: impl FnOnce(&Url) -> Result<(), BrowserError>,
) -> Result<SecretText, BrowserError> {
    let http = client()?;
    let found = discover(&http, &issuer.issuer).await?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|_| BrowserError::System)?;
    let port = listener.local_addr().map_err(|_| BrowserError::System)?.port();
    let redirect = format!("http://127.0.0.1:{port}/callback");
    let (verifier, state, nonce) = (random()?, random()?, random()?);

    let mut url = safe(&found.authorization_endpoint)?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &issuer.client_id)
        .append_pair("redirect_uri", &redirect)
        .append_pair("scope", &issuer.scopes.join(" "))
        .append_pair("state", &state)
        .append_pair("nonce", &nonce)
        .append_pair("code_challenge", &BASE64URL_NOPAD.encode(&sha256(&[verifier.as_bytes()])))
        .append_pair("code_challenge_method", "S256");
    open(&url)?;
    let code = tokio::time::timeout(PATIENCE, come_back(&listener, &state))
        .await
        .map_err(|_| BrowserError::TimedOut)??;

    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", &code)
        .append_pair("redirect_uri", &redirect)
        .append_pair("client_id", &issuer.client_id)
        .append_pair("code_verifier", &verifier)
        .finish();
    let asked = http
        .post(safe(&found.token_endpoint)?)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let tokens: Tokens = json(asked.send().await.map_err(|_| BrowserError::Provider)?).await?;
    require_nonce(&tokens.id_token, &nonce)?;
    Ok(SecretText::from_string(tokens.id_token))
}

/// Shows an address in the system's browser.
pub fn open_browser(url: &Url) -> Result<(), BrowserError> {
    safe(url.as_str())?;
    open::that_detached(url.as_str()).map_err(|_| BrowserError::NoBrowser)
}

fn client() -> Result<Client, BrowserError> {
    Client::builder()
        .user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .timeout(Duration::from_secs(20))
        .build()
        .map_err(|_| BrowserError::System)
}

async fn discover(http: &Client, issuer: &str) -> Result<Discovered, BrowserError> {
    let base = safe(issuer)?;
    let place = format!("{}/.well-known/openid-configuration", base.as_str().trim_end_matches('/'));
    let answer = http.get(place).send().await.map_err(|_| BrowserError::Provider)?;
    let found: Discovered = json(answer).await?;
    if found.issuer == issuer { Ok(found) } else { Err(BrowserError::Provider) }
}

/// An address over TLS, or on this computer.
fn safe(text: &str) -> Result<Url, BrowserError> {
    let url = Url::parse(text).map_err(|_| BrowserError::Unsafe)?;
    let local = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let allowed = url.scheme() == "https" || (url.scheme() == "http" && local);
    let bare = url.username().is_empty() && url.password().is_none();
    if allowed && bare && url.host().is_some() { Ok(url) } else { Err(BrowserError::Unsafe) }
}

async fn json<T: serde::de::DeserializeOwned>(mut answer: Response) -> Result<T, BrowserError> {
    if !answer.status().is_success() {
        return Err(BrowserError::Provider);
    }
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|_| BrowserError::Provider)? {
        if piece.len() > MAX_ANSWER - bytes.len() {
            return Err(BrowserError::Provider);
        }
        bytes.extend_from_slice(&piece);
    }
    serde_json::from_slice(&bytes).map_err(|_| BrowserError::Provider)
}

/// Waits until the browser comes back with this attempt's state, and gives the code. Whatever else
/// knocks at the port is sent away.
async fn come_back(listener: &TcpListener, state: &str) -> Result<String, BrowserError> {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        let knock = tokio::time::timeout(Duration::from_secs(5), request_line(&mut stream));
        let Ok(Some(target)) = knock.await else { continue };
        let Ok(url) = Url::parse("http://127.0.0.1").and_then(|base| base.join(&target)) else {
            continue;
        };
        let value = |name: &str| {
            let found = url.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        let ours = value("state").is_some_and(|s| s.as_bytes().ct_eq(state.as_bytes()).into());
        if url.path() != "/callback" || !ours {
            answer(&mut stream, "404 Not Found", "Nothing is here.").await;
            continue;
        }
        let Some(code) = value("code") else {
            answer(&mut stream, "200 OK", "You are not signed in. Close this page.").await;
            return Err(BrowserError::Denied);
        };
        answer(&mut stream, "200 OK", "You are signed in. Close this page.").await;
        return Ok(code);
    }
}

/// The target of a `GET`, from the first line that the browser sends.
async fn request_line(stream: &mut TcpStream) -> Option<String> {
    let mut line = Vec::new();
    let mut piece = [0; 1024];
    while !line.contains(&b'\n') && line.len() < MAX_LINE {
        match stream.read(&mut piece).await {
            Ok(n) if n > 0 => line.extend_from_slice(&piece[..n]),
            _ => return None,
        }
    }
    let text = str::from_utf8(line.split(|b| *b == b'\n').next()?).ok()?;
    text.strip_prefix("GET ")?.split(' ').next().map(str::to_owned)
}

/// What the browser then shows. If it went away, the person is signed in all the same.
async fn answer(stream: &mut TcpStream, status: &str, text: &str) {
    let page = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>Strongroom</title>\
         <p style=\"font:16px sans-serif;margin:4em\">{text}"
    );
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\n\
         connection: close\r\n\r\n",
        page.len()
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(page.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// The token was made for this attempt. Its signature is the server's to check.
fn require_nonce(token: &str, nonce: &str) -> Result<(), BrowserError> {
    let body = token.split('.').nth(1).ok_or(BrowserError::Provider)?;
    let bytes = BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| BrowserError::Provider)?;
    let claims: Claims = serde_json::from_slice(&bytes).map_err(|_| BrowserError::Provider)?;
    if claims.nonce == nonce { Ok(()) } else { Err(BrowserError::Denied) }
}

fn random() -> Result<String, BrowserError> {
    Ok(BASE64URL_NOPAD.encode(&entropy::array::<32>(&mut OsEntropy)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_addresses_are_opened() {
        for good in ["https://login.example/authorize", "http://127.0.0.1:9/", "http://localhost/"]
        {
            assert!(safe(good).is_ok(), "{good}");
        }
        for bad in [
            "http://login.example/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "smb://share/x",
            "https://user:pass@login.example/",
            "ssh://x",
            "",
        ] {
            assert!(safe(bad).is_err(), "{bad}");
        }
    }
}
