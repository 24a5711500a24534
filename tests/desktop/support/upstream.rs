//! A provider on this computer: it wants the real credential, and says it back.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// The running provider. It ends with the test.
pub(crate) struct Upstream {
    port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
}

/// What reached it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Method and path.
    pub(crate) line: String,
    /// What stood in `x-api-key`.
    pub(crate) credential: String,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let seen = Arc::new(Mutex::default());
        let told = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let told = Arc::clone(&told);
                thread::spawn(move || answer(stream, &told));
            }
        });
        Self { port, seen }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers one request and closes; `/v1/stream` never ends by itself.
fn answer(stream: TcpStream, told: &Mutex<Vec<Request>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        lines.iter().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let length = header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_end(&mut Vec::new()).ok()?;
    let line = lines.first()?.rsplit_once(' ')?.0.to_owned();
    let credential = header("x-api-key").unwrap_or_default();
    let said = format!("{{\"you sent\":\"{credential}\"}}\n");
    told.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Request { line: line.clone(), credential });
    let mut stream = stream;
    if line.ends_with("/v1/stream") {
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").ok()?;
        loop {
            stream.write_all(b"5\r\ntick\n\r\n").ok()?;
            thread::sleep(Duration::from_millis(50));
        }
    }
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", said.len());
    stream.write_all(format!("{head}{said}").as_bytes()).ok()
}
