//! A certificate as words: lines for a terminal, and a page to print.

use strongroom_format::hash::{Digest, sha256};
use strongroom_format::id::base32;

use super::{CertifiedValue, JudgedEnv, Verdict};
use crate::lock_file::hex;
use crate::log::Use;
use crate::offboard::Tab;
use crate::utc;

impl Verdict {
    /// What it proves, in plain words, a sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let certificate = &self.certificate;
        let values = certificate.values.len();
        let settled = |v: &&CertifiedValue| v.value.tab() == Tab::Rotate;
        let (rotated, mut lines) = (certificate.values.iter().filter(settled).count(), Vec::new());
        lines.push(format!("Organisation {}, {} links, all verified.", self.org, self.org_seq + 1));
        lines.push(format!("{} may read nothing any more.", self.leaver()));
        for env in &self.envs {
            lines.push(env.sentence());
        }
        lines.push(format!(
            "{values} values could be read. {rotated} of them were opened, and each of those has a \
             new value or was replaced at its source. {} were fetched only, {} never.",
            self.count(Tab::Fetched),
            self.count(Tab::Never),
        ));
        if let Some(size) = self.audit_size {
            lines.push(format!("The audit log was read up to entry {size}, as the log signed it."));
        }
        let by = self.signer_fingerprint.clone().unwrap_or_default();
        lines.push(format!(
            "Signed {} by {}, who managed the organisation. Fingerprint {by}.",
            utc::minutes(certificate.signed_ms),
            self.signer,
        ));
        lines
    }

    fn leaver(&self) -> String {
        let Self { certificate, fingerprint, .. } = self;
        let who = if certificate.name.is_empty() {
            certificate.who.to_string()
        } else {
            format!("{} ({})", certificate.name, certificate.who)
        };
        match fingerprint {
            Some(fingerprint) => format!("{who}, fingerprint {fingerprint},"),
            None => who,
        }
    }
}

impl JudgedEnv {
    fn sentence(&self) -> String {
        let place = if self.place.is_empty() { self.env.to_string() } else { self.place.clone() };
        let lost = match self.loss.link {
            Some(link) => format!("lost with link {link} on {}", utc::minutes(self.loss.at_ms)),
            None => format!("ended on {}", utc::minutes(self.loss.at_ms)),
        };
        let sealed = match self.commit {
            Some((seq, _)) => format!("commit {seq} seals every value anew"),
            None => "by the signer's word nothing was written there since".to_owned(),
        };
        format!(
            "{place}: {lost}; data key {} replaced by {} in link {}; {sealed}.",
            self.held, self.rotated.epoch, self.rotated.link,
        )
    }
}

/// The first 80 bits of a head, for people: `abcd efgh ijkl mnop`.
pub(crate) fn head_code(head: &Digest) -> String {
    let text = base32().encode(&head[..10]);
    let groups: Vec<&str> = [&text[..4], &text[4..8], &text[8..12], &text[12..]].to_vec();
    groups.join(" ")
}

/// A page that stands alone and prints well. It proves nothing by itself: it names the file that
/// does, by its SHA-256.
pub fn page(file: &[u8], verdict: &Verdict) -> String {
    let mut rows = String::new();
    for value in &verdict.certificate.values {
        rows.push_str(&row(verdict, value));
    }
    let item = |line: &String| format!("<li>{}</li>\n", escaped(line));
    let list = |lines: Vec<String>| lines.iter().map(item).collect::<Vec<_>>().concat();
    let name = verdict.certificate.name.as_str();
    let who = if name.is_empty() { verdict.certificate.who.to_string() } else { name.to_owned() };
    let limits = Verdict::LIMITS.iter().map(|&line| line.to_owned()).collect();
    let digest = hex(&sha256(&[file]));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">\n<title>Certificate: {who}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<h1>Offboarded: {who}</h1>\n<p>Head of the chain at link {seq}: \
         <code>{code}</code></p>\n<h2>What the certificate proves</h2>\n<ul>\n{proven}</ul>\n\
         <h2>What it does not prove</h2>\n<ul>\n{limits}</ul>\n<h2>Values</h2>\n<table>\n\
         <thead><tr><th>Secret</th><th>Where</th><th>Strongest use</th><th>At the source</th></tr>\
         </thead>\n<tbody>\n{rows}</tbody>\n</table>\n<h2>To check it</h2>\n\
         <p>This page is a copy for reading. The proof is the file with this SHA-256; \
         <code>strongroom verify FILE</code> judges it without a server.</p>\n\
         <p><code>{digest}</code></p>\n</body>\n</html>\n",
        who = escaped(&who),
        seq = verdict.org_seq,
        code = head_code(&verdict.org_head),
        proven = list(verdict.sentences()),
        limits = list(limits),
    )
}

const STYLE: &str = "body{font:13px/20px system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
    padding:0 1rem;color:#14181b;background:#fff}h1{font-size:24px;line-height:32px}\
    h2{font-size:15px;margin:24px 0 8px}code{font:12px/16px ui-monospace,monospace;\
    overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}\
    th,td{text-align:left;vertical-align:top;padding:4px 12px 4px 0;border-bottom:1px solid #d5dade}\
    thead{display:table-header-group}tr{break-inside:avoid}@page{margin:18mm}";

fn row(verdict: &Verdict, CertifiedValue { name, value }: &CertifiedValue) -> String {
    let place = verdict.envs.iter().find(|env| env.env == value.env);
    let place = place.map_or_else(String::new, |env| env.place.clone());
    let name = if name.is_empty() { value.secret.to_string() } else { name.clone() };
    let deleted = if value.deleted { " (deleted)" } else { "" };
    let used = match (value.strongest, value.fetched) {
        (Some((what, at)), _) => format!("{}, {}", word(what), utc::minutes(at)),
        (None, Some(at)) => format!("Fetched, {}", utc::minutes(at)),
        (None, None) => "Never fetched".to_owned(),
    };
    let said = value.replaced.as_ref().and_then(|word| word.since().zip(word.by()));
    let settled = match (value.new_value, said) {
        (Some(at), _) => format!("New value since {}", utc::minutes(at)),
        (None, Some((at, by))) => format!("Replaced, said {by}, {}", utc::minutes(at)),
        (None, None) => "Not replaced".to_owned(),
    };
    format!(
        "<tr><td><code>{}</code>{deleted}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escaped(&name),
        escaped(&place),
        escaped(&used),
        escaped(&settled),
    )
}

fn word(what: Use) -> &'static str {
    match what {
        Use::Decrypted => "Decrypted",
        Use::Exported => "Exported",
        Use::Brokered => "Brokered",
        Use::Injected => "Injected",
        Use::Copied => "Copied",
        Use::Revealed => "Revealed",
    }
}

/// Text in a page, whatever it is made of.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Nothing that moves or hides what stands beside it.
            c if c.is_control() || is_bidi(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
