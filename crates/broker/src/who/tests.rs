//! Real connections of real processes.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{Nobody, Peer, WhoAsks as _, of_this_system};

/// A child that connects to a port and waits; ended when dropped.
struct Caller(Child);

impl Caller {
    /// `bash` connects by itself: the socket is its own and no helper's.
    fn connect(shell: &std::path::Path, script: &str) -> Self {
        let mut command = Command::new(shell);
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn bash() -> std::path::PathBuf {
    std::fs::canonicalize("/bin/bash").unwrap()
}

#[tokio::test]
async fn a_child_that_connects_is_found_with_its_executable_and_its_parents() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; read -r x");
    let caller = Caller::connect(&bash(), &script);
    let (stream, peer) = listener.accept().unwrap();
    let who = of_this_system();
    let me = std::process::id();
    for root in [Some(me), Some(caller.0.id()), None, Some(u32::MAX)] {
        let found = who.of_peer(stream.local_addr().unwrap(), peer, root).unwrap();
        assert_eq!(found.pid, caller.0.id());
        assert_eq!(found.uid, nix::unistd::getuid().as_raw());
        assert_eq!(found.path, bash().to_str().unwrap());
        let expected: [u8; 32] = Sha256::digest(std::fs::read(bash()).unwrap()).into();
        assert_eq!(found.sha256, Some(expected));
        let own = std::env::current_exe().unwrap();
        assert_eq!(found.parents.first().map(String::as_str), own.to_str());
        assert!(found.parents.len() <= 8);
    }
    assert_eq!(
        who.uid_of_peer(stream.local_addr().unwrap(), peer),
        Some(nix::unistd::getuid().as_raw())
    );
    let connection = Peer::new(stream.local_addr().unwrap(), peer);
    let first = connection.process(&who, Some(me)).await.unwrap();
    drop(caller);
    let second = connection.process(&who, Some(me)).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second), "looked for once in the life of a connection");
}

#[test]
fn a_grandchild_is_below_the_session_and_another_process_is_not() {
    let mut caller = Caller::connect(&bash(), "bash -c 'echo $$; read -r x'; true");
    let grandchild: u32 = caller.line().parse().unwrap();
    let (who, me) = (of_this_system(), std::process::id());
    let above = who.ancestors(grandchild).unwrap();
    assert_eq!(above[..3], [grandchild, caller.0.id(), me]);
    assert!(above.last().is_some_and(|top| *top <= 1), "{above:?}");
    assert!(!who.ancestors(me).unwrap().contains(&grandchild));
    assert!(who.ancestors(u32::MAX).is_none(), "who is gone is nobody's");
    assert!(who.ancestors(0).is_none(), "who has no number here is unknown");
    assert_eq!(Nobody.ancestors(me), None);
}

#[test]
fn a_connection_that_is_closed_belongs_to_nobody() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, peer) = listener.accept().unwrap();
    let (who, local) = (of_this_system(), accepted.local_addr().unwrap());
    assert_eq!(who.of_peer(local, peer, None).unwrap().pid, std::process::id());
    assert!(who.of_peer(local, "[::1]:1".parse().unwrap(), None).is_none());
    drop(stream);
    assert!(who.of_peer(local, peer, None).is_none());
}

#[test]
fn a_program_that_was_replaced_does_not_go_by_the_path_of_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("tool");
    std::fs::copy(bash(), &program).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; read -r x");
    let caller = Caller::connect(&program, &script);
    let (stream, peer) = listener.accept().unwrap();
    let (who, local) = (of_this_system(), stream.local_addr().unwrap());
    let before = who.of_peer(local, peer, Some(caller.0.id())).unwrap();
    assert_eq!(Some(before.path.as_str()), program.to_str());

    let other = folder.path().join("other");
    std::fs::write(&other, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(&other, &program).unwrap();
    let after = who.of_peer(local, peer, Some(caller.0.id())).unwrap();
    assert_ne!(Some(after.path.as_str()), program.to_str());
    assert!(after.path.ends_with("(another file now)"), "{}", after.path);
    assert_eq!(after.sha256, before.sha256, "what runs is what it was");
}

#[tokio::test]
async fn the_peer_of_a_unix_socket_is_the_process_that_connected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let _client = tokio::net::UnixStream::connect(&path).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let who = of_this_system();
    assert_eq!(who.of_unix(&stream).unwrap().pid, std::process::id());
    assert!(Nobody.of_unix(&stream).is_none());
}
