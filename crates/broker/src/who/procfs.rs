//! The few files of `/proc` that say who holds a socket (proc(5)).

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What the kernel says of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// The process that made it, or took it over.
    pub(super) parent: u32,
    /// When it was started, in clock ticks since boot: with the number, this names a process.
    pub(super) started: u64,
}

/// One end of a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) uid: u32,
    pub(super) inode: u64,
}

/// `/proc/<pid>/stat`. The name in parentheses may hold anything, so fields count from the last `)`.
pub(super) fn stat(pid: u32) -> Option<Stat> {
    let line = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let after_name = line.iter().rposition(|&b| b == b')')? + 1;
    let rest = str::from_utf8(line.get(after_name..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?; // field 4
    let started = fields.nth(17)?.parse().ok()?; // field 22
    Some(Stat { parent, started })
}

/// The user whose process it is.
pub(super) fn uid(pid: u32) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}")).ok().map(|folder| folder.uid())
}

/// The name that a process gives itself.
pub(super) fn name(pid: u32) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(&name).trim_end().to_owned())
}

/// All processes.
pub(super) fn all() -> impl Iterator<Item = u32> {
    numbers(Path::new("/proc"))
}

/// The children of a process; `None` where the kernel does not list them (`CONFIG_PROC_CHILDREN`).
pub(super) fn children(pid: u32) -> Option<Vec<u32>> {
    let mut children = Vec::new();
    for thread in numbers(Path::new(&format!("/proc/{pid}/task"))) {
        let list = match fs::read_to_string(format!("/proc/{pid}/task/{thread}/children")) {
            Ok(list) => list,
            Err(_) if stat(pid).is_none() => break, // it ended meanwhile
            Err(_) => return None,
        };
        children.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    Some(children)
}

/// Whether a process has the socket `inode` among its open files.
pub(super) fn holds(pid: u32, inode: u64) -> bool {
    let wanted = format!("socket:[{inode}]");
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.flatten().any(|file| {
        fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str())
    })
}

/// The end of a TCP connection whose own address is `local` and whose other end is `remote`.
pub(super) fn socket(local: SocketAddr, remote: SocketAddr) -> Option<Socket> {
    // A socket made for IPv6 that speaks IPv4 is listed among those of IPv6.
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        table.lines().skip(1).find_map(|line| {
            let (its_local, its_remote, socket) = entry(line)?;
            (same(its_local, local) && same(its_remote, remote)).then_some(socket)
        })
    })
}

fn same(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.ip().to_canonical() == b.ip().to_canonical()
}

/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`
fn entry(line: &str) -> Option<(SocketAddr, SocketAddr, Socket)> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let local = address(fields.next()?)?;
    let remote = address(fields.next()?)?;
    let uid = fields.nth(4)?.parse().ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    // What has no inode belongs to no process any more.
    (inode != 0).then_some((local, remote, Socket { uid, inode }))
}

/// `0100007F:1F90`: the address as words of 32 bits in the machine's order, the port in big endian.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok();
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(0)?.to_ne_bytes()).into(),
        32 => {
            let mut bytes = [0; 16];
            for (at, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(at)?.to_ne_bytes());
            }
            Ipv6Addr::from(bytes).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn numbers(folder: &Path) -> impl Iterator<Item = u32> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_is_read_as_the_kernel_writes_it() {
        let line = "   0: 0100007F:1F90 0200007F:C350 01 00000000:00000000 00:00000000 00000000  \
                    1000        0 123456 1 0000000000000000 20 4 30 10 -1";
        let (local, remote, socket) = entry(line).unwrap();
        if cfg!(target_endian = "little") {
            assert_eq!(local.to_string(), "127.0.0.1:8080");
            assert_eq!(remote.to_string(), "127.0.0.2:50000");
        }
        assert_eq!(socket, Socket { uid: 1000, inode: 123_456 });
        let six = "00000000000000000000000001000000:0050";
        if cfg!(target_endian = "little") {
            assert_eq!(address(six).unwrap().to_string(), "[::1]:80");
        }
    }

    #[test]
    fn what_is_no_such_line_is_passed_over() {
        for line in ["", "0:", "0: x y", "0: 0100007F:1F90 0100007F:C350 01 a b c 1000 0", "ü: ü:ü"]
        {
            assert!(entry(line).is_none(), "{line}");
        }
        for text in
            ["", ":", "0100007F", "0100007F:", "0100007:1F90", "üüüü:0050", "0100007F:1F900"]
        {
            assert!(address(text).is_none(), "{text}");
        }
    }

    #[test]
    fn this_process_has_a_parent_and_a_start() {
        let stat = stat(std::process::id()).unwrap();
        assert_eq!(stat.parent, std::os::unix::process::parent_id());
        assert!(stat.started > 0);
    }
}
