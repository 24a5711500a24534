//! The Common Event Format of security collectors, version 0, one event a line. Keys of its dictionary where it has
//! them, and our own column names where it has none.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

use strongroom_format::event::EventKind;

use super::record::{Cell, Record, kind_word};
use super::text::shown;
use crate::log::Verdict;
use crate::log::index::verb;

pub(super) fn write(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let header = [
        "CEF:0",
        "Strongroom",
        "Audit log",
        env!("CARGO_PKG_VERSION"),
        &kind_word(record.kind),
        verb(record.kind),
        &severity(record).to_string(),
    ];
    let header: Vec<String> = header.into_iter().map(header_text).collect();
    let fields = fields(record).into_iter();
    let fields: Vec<String> =
        fields.map(|(key, value)| format!("{key}={}", value_text(&value))).collect();
    writeln!(out, "{}|{}", header.join("|"), fields.join(" "))
}

/// From 0 to 10, as collectors sort by it.
fn severity(record: &Record) -> u8 {
    match (record.verdict, record.kind) {
        (Verdict::Doubtful, _) => 9,
        (Verdict::Gap, _) => 8,
        (_, EventKind::Refused | EventKind::RateLimited | EventKind::Denied) => 6,
        (_, EventKind::Revealed | EventKind::Copied | EventKind::Exported) => 4,
        (_, kind) if kind.is_signed() => 3,
        _ => 1,
    }
}

fn fields(record: &Record) -> Vec<(&'static str, String)> {
    let [entry, _, level, flaw, kind, _, outcome, who_kind, who_id, who, device, rest @ ..] =
        record.cells();
    let [env_id, env, secret_id, secret, version, number, status, _, leaf, rest @ ..] = rest;
    let [agent_id, agent, method, host, path, process] = rest;
    let mut fields = Vec::new();
    let mut add = |key: &'static str, cell: Cell| match cell {
        Cell::Nothing => {}
        Cell::Number(n) => fields.push((key, n.to_string())),
        Cell::Plain(text) => fields.push((key, text)),
        Cell::Foreign(text) => fields.push((key, shown(&text))),
    };
    add("rt", Cell::Number(record.at_ms));
    add("externalId", entry);
    add("act", kind);
    add("outcome", outcome);
    add("suid", who_id);
    add("suser", who);
    add("whoKind", who_kind);
    match record.peer.parse::<SocketAddr>() {
        Ok(peer) => {
            let address = Cell::Plain(peer.ip().to_string());
            // The dictionary keeps addresses of the two families apart.
            add(if matches!(peer.ip(), IpAddr::V4(_)) { "src" } else { "c6a2" }, address);
            if peer.is_ipv6() {
                add("c6a2Label", Cell::Plain("Source IPv6 Address".to_owned()));
            }
            add("spt", Cell::Number(u64::from(peer.port())));
        }
        Err(_) if record.peer.is_empty() => {}
        Err(_) => add("peer", Cell::Foreign(record.peer.clone())),
    }
    add("deviceExternalId", device);
    add("level", level);
    add("flaw", flaw);
    add("environmentId", env_id);
    add("environment", env);
    add("secretId", secret_id);
    add("secret", secret);
    add("version", version);
    add("number", number);
    add("status", status);
    add("leaf", leaf);
    add("agentId", agent_id);
    add("agent", agent);
    add("requestMethod", method);
    add("dhost", host);
    add("request", path);
    add("sproc", process);
    fields
}

/// In the header a bar separates.
fn header_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|")
}

/// Behind it an equals sign does. Line ends were written as `\u000a` before.
fn value_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('=', "\\=")
}
