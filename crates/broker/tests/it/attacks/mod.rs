//! Attacks on the broker, by the rows of the threat model (J01 to J26): whatever an agent, a page, a
//! server or a network tries, no credential reaches the agent or a host that is not named.

mod addresses;
mod echoes;
mod hosts;
mod limits;
mod local;
mod paths;
mod places;
mod redirects;
mod replay;
mod stopped;
mod traces;

use std::time::Duration;

use data_encoding::BASE64;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{REAL, Session, World, upstream::Upstream};

/// The address at which the n-th upstream of a world is.
pub fn address(n: u8) -> std::net::IpAddr {
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(93, 184, 100, n))
}

/// An agent with GitHub's credential, GitHub, and a host of the agent's own.
pub struct Scene {
    pub github: Upstream,
    pub evil: Upstream,
    pub world: World,
    pub session: Session,
}

impl Scene {
    pub async fn new() -> Self {
        let github = Upstream::echo(&["api.github.com"]).await;
        let evil = Upstream::echo(&["evil.example"]).await;
        let world = World::new(&[&github, &evil]).with("github");
        let session = world.session();
        Self { github, evil, world, session }
    }

    pub fn fake(&self) -> &str {
        self.session.variable("GITHUB_TOKEN")
    }

    /// Sends bytes as they are, and reads what comes back until it ends.
    pub async fn raw(&self, request: impl AsRef<[u8]>) -> String {
        raw(&self.world, request.as_ref()).await
    }

    /// Nothing reached the agent's own host, and `said` holds no piece of the credential.
    pub fn require_safe(&self, said: &str, case: &str) {
        assert!(self.evil.got().is_empty(), "{case}: {:?}", self.evil.got());
        require_hidden(said, case);
    }
}

/// `Proxy-Authorization` of a session.
pub fn proxy_authorization(session: &Session) -> String {
    let url = session.variable("HTTPS_PROXY");
    let pair = url.trim_start_matches("http://").split('@').next().unwrap();
    format!("Proxy-Authorization: Basic {}\r\n", BASE64.encode(pair.as_bytes()))
}

pub async fn raw(world: &World, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.broker.address()).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut piece)).await;
        match read {
            Ok(Ok(0) | Err(_)) | Err(_) => break,
            Ok(Ok(count)) => answer.extend_from_slice(&piece[..count]),
        }
        if is_whole(&String::from_utf8_lossy(&answer)) {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Whether a CONNECT was taken, or all that the head promises is there.
fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let head = head.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    match length.and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => body.len() >= length,
        None => !head.contains("transfer-encoding") && !head.contains("connection: close"),
    }
}

/// The status of an answer; 0 if there was none.
pub fn status(answer: &str) -> u16 {
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.unwrap_or(0)
}

/// No run of 12 characters of the real credential.
pub fn require_hidden(text: &str, case: &str) {
    for at in 0..=REAL.len() - 12 {
        assert!(!text.contains(&REAL[at..at + 12]), "{case}: {text}");
    }
}
