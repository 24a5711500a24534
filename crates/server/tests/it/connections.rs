//! Connections that are slow, idle or many, and files that belong to nobody else.

use std::time::{Duration, Instant};

use strongroom_server::{StartError, start};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::{Server, config};

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.client.origin.strip_prefix("http://").unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_and_half_sent_requests_do_not_hold_up_the_end() {
    let mut server = Server::start().await;
    let own = server.client.origin.strip_prefix("http://").unwrap().to_owned();
    // One that was served and stays open, one that said nothing, one in the middle of its
    // headers, and one in the middle of its body.
    let mut idle = connect(&server).await;
    idle.write_all(format!("GET /v1/server HTTP/1.1\r\nhost: {own}\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut byte = [0];
    idle.read_exact(&mut byte).await.unwrap();
    let silent = connect(&server).await;
    let mut headers = connect(&server).await;
    headers.write_all(b"GET /v1/server HT").await.unwrap();
    let mut body = connect(&server).await;
    let start = format!(
        "POST /v1/session/challenge HTTP/1.1\r\nhost: {own}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    body.write_all(start.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;

    let from = Instant::now();
    server.stop().await;
    assert!(from.elapsed() < Duration::from_millis(2_900), "{:?}", from.elapsed());
    drop((idle, silent, headers, body));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_server_ends_at_once() {
    let mut server = Server::start().await;
    server.client.get("/v1/server", "").await.is(200, "ok");
    let from = Instant::now();
    server.stop().await;
    assert!(from.elapsed() < Duration::from_secs(1), "{:?}", from.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_slow_connections_leave_room_for_an_honest_one() {
    let server = Server::start().await;
    let mut slow = Vec::new();
    for _ in 0..300 {
        let mut stream = connect(&server).await;
        stream.write_all(b"GET /v1/server HTTP/1.1\r\nx: ").await.unwrap();
        slow.push(stream);
    }
    let from = Instant::now();
    server.client.get("/v1/server", "").await.is(200, "ok");
    assert!(from.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_without_end_are_refused() {
    let server = Server::start().await;
    let mut stream = connect(&server).await;
    stream.write_all(b"GET /v1/server HTTP/1.1\r\n").await.unwrap();
    let line = [&b"x-filler: "[..], &[b'a'; 1_000], b"\r\n"].concat();
    for _ in 0..200 {
        if stream.write_all(&line).await.is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    server.client.get("/v1/server", "").await.is(200, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_data_directory_has_one_server() {
    let server = Server::start().await;
    let error = start(config(&server.dir.path().join("data"))).await.unwrap_err();
    assert!(matches!(error, StartError::InUse), "{error}");
    let server = server.restart().await;
    server.client.get("/v1/server", "").await.is(200, "ok");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_files_belong_to_their_owner_alone_and_open_ones_are_refused() {
    use std::fs::{Permissions, metadata, read_dir, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    let mut server = Server::start().await;
    server.team().await;
    let data = server.dir.path().join("data");
    assert_eq!(metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    let mut names = Vec::new();
    for entry in read_dir(&data).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().into_string().unwrap());
        let mode = entry.metadata().unwrap().permissions().mode();
        if names.last().unwrap() != "lock" {
            assert_eq!(mode & 0o077, 0, "{:?}", entry.path());
        }
    }
    for name in ["strongroom.db", "strongroom.db-wal", "audit.key", "session.key"] {
        assert!(names.iter().any(|n| n == name), "{names:?}");
    }
    server.stop().await;

    let database = data.join("strongroom.db");
    set_permissions(&database, Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(start(config(&data)).await, Err(StartError::Store(_))));
    set_permissions(&database, Permissions::from_mode(0o600)).unwrap();
    set_permissions(&data, Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(start(config(&data)).await, Err(StartError::Exposed)));
    set_permissions(&data, Permissions::from_mode(0o700)).unwrap();
    start(config(&data)).await.unwrap().shut_down().await;
}
