//! A server of a few lines that answers with the very bytes a test gives it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
}

pub(crate) struct Server {
    pub(crate) origin: String,
    requests: Arc<Mutex<Vec<Request>>>,
    endless: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

const ENDLESS: &[u8] = b"ENDLESS";
const SILENCE: &[u8] = b"SILENCE";

/// An answer with this head that never ends.
pub(crate) fn endless(head: &str) -> Vec<u8> {
    [ENDLESS, head.as_bytes()].concat()
}

/// No answer, on a line that stays open.
pub(crate) fn silence() -> Vec<u8> {
    SILENCE.to_vec()
}

pub(crate) fn answer(status: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let content_type = match content_type {
        "" => String::new(),
        content_type => format!("content-type: {content_type}\r\n"),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{content_type}content-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

pub(crate) fn json(body: &str) -> Vec<u8> {
    answer("200 OK", "application/json", body.as_bytes())
}

pub(crate) fn refuse(status: u16, code: &str) -> Vec<u8> {
    let body = format!(r#"{{"error":{{"code":"{code}","message":"a sentence of the server"}}}}"#);
    answer(&format!("{status} No"), "application/json", body.as_bytes())
}

impl Server {
    pub(crate) async fn start(
        handler: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let endless = Arc::new(AtomicUsize::new(0));
        let (log, sent) = (Arc::clone(&requests), Arc::clone(&endless));
        let handler = Arc::new(handler);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, sent, handler) = (log.clone(), sent.clone(), handler.clone());
                tokio::spawn(async move {
                    serve(stream, &log, &sent, &*handler).await;
                });
            }
        });
        Self { origin, requests, endless, task }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.requests().iter().filter(|r| r.path == path).count()
    }

    pub(crate) fn sent_endless(&self) -> usize {
        self.endless.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Request>>,
    sent: &AtomicUsize,
    handler: &(impl Fn(&Request) -> Vec<u8> + Sync),
) {
    let Some(request) = read(&mut stream).await else {
        return; // the client hung up, or does not speak HTTP
    };
    log.lock().unwrap().push(request.clone());
    let raw = handler(&request);
    if raw == SILENCE {
        tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    } else if let Some(head) = raw.strip_prefix(ENDLESS) {
        stream.write_all(head).await.unwrap();
        let piece = vec![b' '; 64 * 1024];
        while sent.load(Ordering::SeqCst) < 1 << 30 && stream.write_all(&piece).await.is_ok() {
            sent.fetch_add(piece.len(), Ordering::SeqCst);
        }
    } else {
        let _ = stream.write_all(&raw).await;
        let _ = stream.shutdown().await;
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if bytes[0] == 0x16 {
            // A TLS greeting. Answer in plain text, and read on, so that the answer arrives.
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.ok()?;
            while stream.read_buf(&mut bytes).await.ok()? > 0 {}
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let mut request = Request {
        method: first.next()?.into(),
        path: first.next()?.into(),
        headers: lines
            .filter_map(|l| l.split_once(": "))
            .map(|(n, v)| (n.to_lowercase(), v.to_owned()))
            .collect(),
        body: Vec::new(),
    };
    let length: usize = request.header("content-length").map_or(0, |v| v.parse().unwrap());
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    request.body = bytes.split_off(end + 4);
    Some(request)
}
