//! The Emergency Kit: the one page with the Secret Key in clear, made to be printed and put away.
//!
//! A kit without the passphrase opens nothing, and it never holds the passphrase.

use std::fmt::Write as _;
use std::path::Path;

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use strongroom_crypto::safe::{SecretKey, words};
use strongroom_format::hash::Digest;
use strongroom_format::id::{OrgId, UserId, base32};
use strongroom_secret::{Passphrase, SecretText};

use super::error::VaultError;
use super::session::{Session, hold};
use super::unlock::{open_keyset, secret_key_of};
use crate::disk;
use crate::profile::ServerPlace;

/// What the page says.
#[derive(Debug)]
pub struct Kit {
    /// The local label of the vault.
    pub label: String,
    /// The owner's name.
    pub person: String,
    /// The owner.
    pub user: UserId,
    /// The organisation's name.
    pub organisation: String,
    /// The organisation.
    pub org: OrgId,
    /// The server's address.
    pub server: String,
    /// The Secret Key in its printed form.
    pub secret_key: SecretText,
    /// Everything needed on a new computer as a QR code, an SVG.
    pub qr_svg: SecretText,
    /// The code of the chain's head when the kit was made.
    pub head_code: String,
    /// The number of that link.
    pub link: u64,
    /// When the kit was made, in milliseconds since 1970.
    pub made_ms: u64,
}

/// What the page says of the organisation.
struct Facts {
    person: String,
    organisation: String,
    org: OrgId,
    link: u64,
    head: Digest,
}

impl Session {
    /// Whether the kit may be shown without the passphrase: the vault was made a moment ago.
    pub fn has_fresh_kit(&self) -> bool {
        hold(&self.fresh).is_some()
    }

    /// The kit is put away: from now on it asks for the passphrase.
    pub fn kit_put_away(&self) {
        *hold(&self.fresh) = None;
    }

    /// The kit, for whoever knows the passphrase, or made the vault a moment ago.
    pub async fn kit(&self, passphrase: Option<Passphrase>) -> Result<Kit, VaultError> {
        let record = self.record();
        let fresh = hold(&self.fresh).as_ref().map(SecretKey::to_text);
        let (keys, keyset, user, keep) =
            (self.keys.clone(), record.keyset.clone(), record.user, record.keep);
        let secret_key = tokio::task::spawn_blocking(move || {
            if let Some(fresh) = fresh {
                return Ok(fresh);
            }
            let passphrase = passphrase.ok_or(VaultError::WrongPassphrase)?;
            let secret_key = secret_key_of(keep, &keys)?;
            open_keyset(&passphrase, &secret_key, user, &keyset)?;
            Ok::<_, VaultError>(secret_key.to_text())
        })
        .await??;
        let made_ms = self.now_ms();
        let server = match record.server {
            // Its port is another one at every start.
            ServerPlace::Embedded => "this computer".to_owned(),
            ServerPlace::Origin(origin) => origin,
        };
        let Facts { person, organisation, org, link, head } = self.kit_facts(&user)?;
        let head_code = head_code(&head);
        let qr_svg = qr(&server, &user, &org, &secret_key, link, &head_code)?;
        Ok(Kit {
            label: record.label,
            person,
            user,
            organisation,
            org,
            server,
            secret_key,
            qr_svg,
            head_code,
            link,
            made_ms,
        })
    }

    fn kit_facts(&self, user: &UserId) -> Result<Facts, VaultError> {
        if let Some((org, link, head, person)) = self.awaited()? {
            // The name is sealed for members; the words are what the joiner saw.
            let organisation = words::of_org(&org).join(" ");
            return Ok(Facts { person, organisation, org, link, head });
        }
        self.with(|org| {
            let (person, organisation) = (org.person(user), org.name());
            let state = org.replica().state();
            let (org, link, head) = (state.org(), state.seq(), state.head());
            Ok(Facts { person, organisation, org, link, head })
        })
    }
}

impl Kit {
    /// Writes the page to `file`, readable by its owner only.
    pub fn write(&self, file: &Path) -> Result<(), VaultError> {
        let page = self.page();
        page.lend(|page| disk::replace(file, page.as_bytes()))
            .map_err(|error| VaultError::Profile(error.into()))
    }

    /// The page as HTML that needs nothing else. Texts of people are escaped.
    fn page(&self) -> SecretText {
        let facts = [
            ("Vault", self.label.as_str()),
            ("Person", &self.person),
            ("Account", &self.user.to_string()),
            ("Organisation", &self.organisation),
            ("Organisation id", &self.org.to_string()),
            ("Server", &self.server),
            ("Head code", &format!("{} (link {})", self.head_code, self.link)),
        ]
        .map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>", escaped(value)))
        .concat();
        let size = 8 * 1024 + self.qr_svg.len() + facts.len();
        // Reserved at once, so that no half-written copy stays behind in memory.
        let mut page = String::with_capacity(size);
        page.push_str(PAGE_HEAD);
        page.push_str(&facts);
        page.push_str("</dl><h2>Secret Key</h2><p class=\"key\">");
        self.secret_key.lend(|key| page.push_str(key));
        page.push_str("</p>");
        self.qr_svg.lend(|svg| page.push_str(svg.split_once("?>").map_or(svg, |(_, svg)| svg)));
        page.push_str(PAGE_FOOT);
        SecretText::from_string(page)
    }
}

const PAGE_HEAD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<title>Strongroom Emergency Kit</title><style>body{font:14px/1.5 sans-serif;max-width:42em;\
margin:3em auto;padding:0 1em}dt{color:#555}dd{margin:0 0 .5em;font-family:monospace}\
.key{font:600 18px/1.6 monospace}svg{width:220px;height:220px}</style><h1>Emergency Kit</h1>\
<p>Opening this vault takes two things: the passphrase, which its owner knows, and the Secret Key \
below. Print this page, delete the file, and put the paper where you keep your passport. Do not \
write the passphrase on it.</p><dl>";
const PAGE_FOOT: &str = "</html>\n";

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '<' | '>' | '&' | '"' | '\'' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            other => out.push(other),
        }
        out
    })
}

/// The first 100 bits of a head in groups of four, as fingerprints are written.
pub fn head_code(head: &Digest) -> String {
    let text = base32().encode(head);
    let groups: Vec<&str> = (0..20).step_by(4).filter_map(|at| text.get(at..at + 4)).collect();
    groups.join(" ")
}

fn qr(
    server: &str,
    user: &UserId,
    org: &OrgId,
    secret_key: &SecretText,
    link: u64,
    head_code: &str,
) -> Result<SecretText, VaultError> {
    let head = head_code.replace(' ', "");
    let mut text = String::with_capacity(512);
    let _ = write!(text, "strongroom-kit 1\n{server}\n{user}\n{org}\n{link} {head}\n");
    secret_key.lend(|key| text.push_str(key));
    let text = SecretText::from_string(text);
    let code = text
        .lend(|text| QrCode::with_error_correction_level(text, EcLevel::M))
        .map_err(|error| VaultError::System(error.to_string()))?;
    let svg = code.render::<svg::Color<'_>>().min_dimensions(220, 220).build();
    Ok(SecretText::from_string(svg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_code_is_five_groups_of_four() {
        let code = head_code(&[0xa5; 32]);
        assert_eq!(code.split(' ').map(str::len).collect::<Vec<_>>(), [4; 5]);
    }

    #[test]
    fn the_page_escapes_what_people_wrote_and_holds_the_key_once() {
        let kit = Kit {
            label: "<script>alert(1)</script>".to_owned(),
            person: "A & B".to_owned(),
            user: UserId([1; 16]),
            organisation: "\"quoted\"".to_owned(),
            org: OrgId([2; 32]),
            server: "http://127.0.0.1:1".to_owned(),
            secret_key: SecretText::from_string("SR1-EXAMPLE".to_owned()),
            qr_svg: SecretText::from_string("<?xml version=\"1.0\"?><svg></svg>".to_owned()),
            head_code: "aaaa bbbb".to_owned(),
            link: 3,
            made_ms: 0,
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kit.html");
        kit.write(&file).unwrap();
        let page = std::fs::read_to_string(&file).unwrap();
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("A &#38; B") && page.contains("&#34;quoted&#34;"));
        assert_eq!(page.matches("SR1-EXAMPLE").count(), 1);
        assert!(!page.contains("<?xml"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
