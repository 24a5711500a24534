//! One entry: everything that was hashed, its proof, and what that proves.

use strongroom_client::vault::{EntryShown, Session};
use strongroom_core::log::index::Row;
use strongroom_format::{
    agency::AgentCall,
    event::{Event, EventKind},
    hash::{Digest, ZERO},
    id::Principal,
};

use super::{
    rows::{self, Around as _},
    told::{Told, Wanted},
    words::{self, exact, hex},
};
use crate::{
    desk::Desk,
    error::{Answer, CommandError},
    link::{Link, Target},
    view::{AuditEntry, AuditField, AuditProof},
};

impl Desk {
    /// One entry with its proof, which was checked a moment ago.
    pub async fn audit_entry(&self, entry: u64) -> Answer<AuditEntry> {
        let now = self.now();
        self.on_log(move |session| {
            let shown = session.log_entry(entry)?;
            let row = row_of(session, entry)?;
            let wanted = Wanted::of_rows(entry - u64::from(row.row), std::slice::from_ref(&row));
            let told = Told::gather(session, wanted, now)?;
            Ok(view(session, &shown, &row, &told))
        })
        .await
    }
}

fn row_of(session: &Session, entry: u64) -> Answer<Row> {
    let row = session.with_log(|log| {
        let row = entry.checked_sub(log.index.base())?;
        log.index.row(u32::try_from(row).ok()?)
    })?;
    row.flatten().ok_or(CommandError::NotFound)
}

fn view(session: &Session, shown: &EntryShown, row: &Row, told: &Told) -> AuditEntry {
    let base = shown.entry - u64::from(row.row);
    let act = &shown.event.act;
    let who = act.actor.map_or_else(String::new, |who| rows::principal(&who, told).name);
    let link = Link { org: act.org, target: Target::Entry(shown.entry) };
    let sequel = format!(
        "The proof leads from entry {} to the root of {} entries that the log's key signed.",
        words::grouped(shown.entry),
        words::grouped(shown.size)
    );
    let sentence = words::sentence(shown.verdict, act.kind, act.detail.number, &who);
    AuditEntry {
        row: rows::row(base, row, told),
        fields: fields(shown, seen_link(session, &act.org_head), told.call(shown.entry)),
        proof: AuditProof {
            size: shown.size,
            root: hex(&shown.root),
            hashes: shown.proof.iter().map(|hash| hex(hash)).collect(),
            verified: true,
            text: shown.text.clone(),
        },
        sentence: format!("{sentence} {sequel}"),
        before: shown.before,
        after: shown.after,
        link: link.to_string(),
    }
}

/// The link whose head an act saw, if it is one of the verified chain.
fn seen_link(session: &Session, head: &Digest) -> Option<u64> {
    let find = session.with(|org| {
        let state = org.replica().state();
        Ok((0..=state.seq()).rev().find(|seq| state.head_at(*seq).as_ref() == Some(head)))
    });
    find.ok().flatten()
}

fn fields(shown: &EntryShown, link: Option<u64>, call: Option<&AgentCall>) -> Vec<AuditField> {
    let Event { act, signature, server_time_ms, peer } = &shown.event;
    let detail = &act.detail;
    let mut fields = Fields::default();
    fields.plain("Entry", words::grouped(shown.entry));
    fields.mono("Leaf hash", hex(&shown.leaf));
    fields.plain("Kind", format!("{:?}, {:#04x}", act.kind, act.kind.byte()));
    fields.plain("Time by the server", exact(*server_time_ms));
    fields.mono("Seen from", peer.chars().filter(|c| !c.is_control()).collect());
    fields.mono("Organisation", act.org.to_string());
    fields.mono("Actor", act.actor.as_ref().map_or_else(String::new, Principal::to_string));
    if !act.device.is_zero() {
        fields.mono("Device", act.device.to_string());
    }
    if act.kind.is_signed() {
        fields.plain("Actor's own count", words::grouped(act.actor_seq));
        let first = act.actor_prev == ZERO;
        let prev = if first { "none, it is the first".to_owned() } else { hex(&act.actor_prev) };
        fields.push("Actor's entry before", prev, !first);
    }
    let head = hex(&act.org_head);
    match link {
        Some(link) => fields.mono("Chain seen", format!("link {link}, {head}")),
        None => fields.mono("Chain seen", head),
    }
    if !detail.env.is_zero() {
        fields.mono("Environment", detail.env.to_string());
    }
    if !detail.secret.is_zero() {
        let is_proof = act.kind == EventKind::Drilled;
        let label = if is_proof { "Proof of the data key" } else { "Secret" };
        fields.mono(label, detail.secret.to_string());
    }
    if detail.version != 0 {
        fields.plain("Version", words::grouped(detail.version));
    }
    match act.kind {
        _ if detail.number == 0 => {}
        EventKind::Drilled | EventKind::Replaced => {
            fields.plain("Time by the actor", exact(detail.number));
        }
        _ => fields.plain("Number", detail.number.to_string()),
    }
    if detail.status != 0 {
        fields.plain("Status", detail.status.to_string());
    }
    if let Some(agency) = &act.agency {
        fields.mono("Agent", agency.agent.to_string());
    }
    if let Some(call) = call {
        fields.mono("Asked for", words::call(call));
        fields.mono("Program", call.process.clone());
    }
    if act.kind.is_signed() {
        fields.mono("Signature", hex(signature));
    }
    fields.0
}

#[derive(Default)]
struct Fields(Vec<AuditField>);

impl Fields {
    fn plain(&mut self, label: &str, text: String) {
        self.push(label, text, false);
    }

    fn mono(&mut self, label: &str, text: String) {
        self.push(label, text, true);
    }

    /// What is empty is not there.
    fn push(&mut self, label: &str, text: String, mono: bool) {
        if !text.is_empty() {
            self.0.push(AuditField { label: label.to_owned(), text, mono });
        }
    }
}
