//! One connection, asked of the kernel by its two ends (`sock_diag(7)`).
//!
//! The tables under `/proc/net` list every connection of the machine, and reading them takes
//! milliseconds; an agent opens a connection for almost every request.

use std::{
    net::{IpAddr, SocketAddr},
    os::fd::{AsRawFd as _, OwnedFd},
};

use nix::{
    errno::Errno,
    sys::{
        socket::{
            AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto,
            setsockopt, socket, sockopt::ReceiveTimeout,
        },
        time::TimeVal,
    },
};

use super::procfs::Socket;

/// `SOCK_DIAG_BY_FAMILY` and `NLM_F_REQUEST` of `linux/sock_diag.h` and `linux/netlink.h`.
const BY_FAMILY: u16 = 20;
const REQUEST: u16 = 1;
/// `NLMSG_ERROR`, which an error number follows.
const ERROR: u16 = 2;
/// `AF_INET`, `AF_INET6` and `IPPROTO_TCP`.
const IPV4: u8 = 2;
const IPV6: u8 = 10;
const TCP: u8 = 6;
/// `struct nlmsghdr`, `struct inet_diag_sockid` and what stands before it in question and answer.
const HEADER: usize = 16;
const ID: usize = 48;
const ID_IN_QUESTION: usize = HEADER + 8;
const ID_IN_ANSWER: usize = HEADER + 4;
const QUESTION: usize = ID_IN_QUESTION + ID;
/// `idiag_uid` and `idiag_inode` of `struct inet_diag_msg`.
const UID: usize = ID_IN_ANSWER + ID + 12;
const INODE: usize = UID + 4;
/// The ports and addresses at the beginning of an id; the rest names an interface and a cookie.
const ENDS: usize = 36;
/// The kernel answers at once; this only bounds what cannot happen.
const WAIT_SECONDS: i64 = 1;

/// The end of a TCP connection whose own address is `local` and whose other end is `remote`, if
/// there is one. An error where this kernel does not answer such questions.
pub(super) fn socket_between(local: SocketAddr, remote: SocketAddr) -> nix::Result<Option<Socket>> {
    let Some(id) = id(local, remote) else { return Ok(None) };
    let family = if local.ip().to_canonical().is_ipv4() { IPV4 } else { IPV6 };
    let answer = ask(&question(family, &id))?;
    let kind = answer.get(4..6).and_then(|two| two.try_into().ok()).map(u16::from_ne_bytes);
    match kind {
        // Without such a connection the kernel looks for a listener on the same port.
        Some(BY_FAMILY) if answer.get(ID_IN_ANSWER..ID_IN_ANSWER + 4) != Some(&id[..4]) => Ok(None),
        Some(BY_FAMILY) => Ok(found(&answer)),
        Some(ERROR) => match word(&answer, HEADER).map(u32::cast_signed) {
            Some(error) if error == -(Errno::ENOENT as i32) => Ok(None),
            _ => Err(Errno::EOPNOTSUPP),
        },
        _ => Err(Errno::EBADMSG),
    }
}

fn found(answer: &[u8]) -> Option<Socket> {
    let found = Socket { uid: word(answer, UID)?, inode: word(answer, INODE)?.into() };
    (found.inode != 0).then_some(found) // without one it is no process's any more
}

fn word(answer: &[u8], at: usize) -> Option<u32> {
    answer.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

fn ask(question: &[u8]) -> nix::Result<Vec<u8>> {
    let kernel: OwnedFd = socket(
        AddressFamily::Netlink,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkSockDiag,
    )?;
    setsockopt(&kernel, ReceiveTimeout, &TimeVal::new(WAIT_SECONDS, 0))?;
    let fd = kernel.as_raw_fd();
    sendto(fd, question, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = vec![0; 4096];
    let length = recv(fd, &mut answer, MsgFlags::empty())?;
    answer.truncate(length);
    Ok(answer)
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2`.
fn question(family: u8, id: &[u8; ID]) -> Vec<u8> {
    let mut question = Vec::with_capacity(QUESTION);
    let length = u32::try_from(QUESTION).unwrap_or_default();
    question.extend(length.to_ne_bytes());
    question.extend(BY_FAMILY.to_ne_bytes());
    question.extend(REQUEST.to_ne_bytes());
    question.extend([0; 8]); // a number for the answer, and the kernel's address
    question.extend([family, TCP, 0, 0]);
    question.extend(u32::MAX.to_ne_bytes()); // in whatever state
    question.extend(id);
    question
}

/// `struct inet_diag_sockid`: ports and addresses in network order, any interface, no cookie.
fn id(local: SocketAddr, remote: SocketAddr) -> Option<[u8; ID]> {
    let mut id = [0xff; ID];
    id[..2].copy_from_slice(&local.port().to_be_bytes());
    id[2..4].copy_from_slice(&remote.port().to_be_bytes());
    id[4..ENDS + 4].fill(0);
    match (local.ip().to_canonical(), remote.ip().to_canonical()) {
        (IpAddr::V4(local), IpAddr::V4(remote)) => {
            id[4..8].copy_from_slice(&local.octets());
            id[20..24].copy_from_slice(&remote.octets());
        }
        (IpAddr::V6(local), IpAddr::V6(remote)) => {
            id[4..20].copy_from_slice(&local.octets());
            id[20..36].copy_from_slice(&remote.octets());
        }
        _ => return None,
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::who::procfs;

    fn pair(address: &str) -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind(address).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        (client, server)
    }

    #[test]
    fn a_connection_is_found_as_the_tables_list_it() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let (client, server) = pair(address);
            let ends = |one: &TcpStream| (one.local_addr().unwrap(), one.peer_addr().unwrap());
            for (local, remote) in [ends(&client), ends(&server)] {
                let found = socket_between(local, remote).unwrap();
                assert!(found.is_some(), "{address}");
                assert_eq!(found, procfs::socket(local, remote), "{address}");
            }
        }
    }

    #[test]
    fn an_ipv4_connection_of_an_ipv6_socket_is_found() {
        let listener = TcpListener::bind("[::]:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (server, peer) = listener.accept().unwrap();
        let local = server.local_addr().unwrap();
        assert!(peer.is_ipv6(), "mapped");
        let found = socket_between(peer, local).unwrap().unwrap();
        assert_eq!(Some(found), procfs::socket(peer, local));
        let own = client.local_addr().unwrap();
        let same = socket_between(own, client.peer_addr().unwrap());
        assert_eq!(Ok(Some(found)), same);
    }

    #[test]
    fn what_is_no_connection_is_not_found() {
        let (client, server) = pair("127.0.0.1:0");
        let (local, remote) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
        let other = SocketAddr::new(remote.ip(), 1);
        assert_eq!(socket_between(local, other), Ok(None));
        assert_eq!(socket_between("[::1]:1".parse().unwrap(), remote), Ok(None));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(socket_between(listener.local_addr().unwrap(), remote), Ok(None), "a listener");
        drop(client); // it waits for the other side, and belongs to no process
        assert_eq!(socket_between(local, remote), Ok(None));
        drop(server);
    }
}
