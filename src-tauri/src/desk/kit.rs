//! The Emergency Kit: shown, printed by the window, or saved as a page.

use std::path::PathBuf;

use qrcode::{EcLevel, QrCode, render::svg};
use strongroom_client::vault::Kit;
use strongroom_secret::{Passphrase, SecretText};

use super::{Desk, hold, translate};
use crate::{
    error::{Answer, CommandError},
    view::secure::{KitContext, KitView, Shown},
};

impl Desk {
    /// The kit. `fresh`: the vault was made a moment ago, so its passphrase need not be typed again.
    pub async fn kit(&self, passphrase: Option<SecretText>, fresh: bool) -> Answer<KitContext> {
        let session = self.session()?;
        let frame = self.secure_frame().await?;
        let kit = match passphrase {
            Some(text) => {
                let passphrase =
                    Passphrase::new(text).map_err(|_| CommandError::TooLarge { limit: 1024 })?;
                Some(session.kit(passphrase).await?)
            }
            None if fresh => session.fresh_kit()?,
            None => None,
        };
        let kit = kit
            .map(|kit| {
                let (view, page) = view(kit, self.now())?;
                *hold(&self.kit_page) = Some(page);
                Ok::<_, CommandError>(view)
            })
            .transpose()?;
        Ok(KitContext { frame, needs_passphrase: kit.is_none(), kit })
    }

    /// The kit was put away: its Secret Key is forgotten here.
    pub fn kit_done(&self) {
        *hold(&self.kit_page) = None;
        if let Ok(session) = self.session() {
            session.kit_done();
        }
    }

    /// Writes the kit that was shown last to `file`, readable by this user only.
    pub async fn kit_write(&self, file: PathBuf) -> Answer<()> {
        let page = hold(&self.kit_page).take().ok_or(CommandError::NotFound)?;
        let (page, written) = tokio::task::spawn_blocking(move || {
            let write = |text: &str| strongroom_client::write_private(&file, text.as_bytes());
            let written = page.lend(write);
            (page, written)
        })
        .await
        .map_err(|error| CommandError::internal(&error))?;
        *hold(&self.kit_page) = Some(page);
        written.map_err(|error| match error {
            strongroom_client::DiskError::Full => CommandError::DiskFull,
            strongroom_client::DiskError::Io(_) => CommandError::FileUnreadable,
        })
    }
}

/// What the window shows, and the same as a page of its own that any browser prints.
fn view(kit: Kit, now: u64) -> Answer<(KitView, SecretText)> {
    let qr = kit.secret_key.lend(|text| {
        QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).map(|code| {
            code.render::<svg::Color<'_>>().min_dimensions(160, 160).quiet_zone(true).build()
        })
    });
    let qr = qr.map_err(|error| CommandError::internal(&error))?;
    let server = kit.server.clone().unwrap_or_else(|| "this computer".to_owned());
    let page = page(&kit, &server, &qr);
    let view = KitView {
        label: kit.label,
        person: kit.person,
        user_id: kit.user.to_string(),
        organisation: kit.organisation,
        org_id: kit.org.to_string(),
        server,
        secret_key: Shown::new(kit.secret_key),
        qr_svg: Shown::new(SecretText::from_string(qr)),
        head_code: kit.head_code,
        link: translate::count(kit.link),
        made_at: translate::millis(now),
    };
    Ok((view, page))
}

/// A page without script or anything from elsewhere.
fn page(kit: &Kit, server: &str, qr: &str) -> SecretText {
    let svg = qr.find("<svg").map_or("", |at| &qr[at..]);
    let row = |name: &str, value: &str| format!("<dt>{name}</dt><dd>{}</dd>", escape(value));
    let head = format!("{} (link {})", kit.head_code, kit.link);
    let rows: String = [
        row("Vault", &kit.label),
        row("Person", &kit.person),
        row("Organisation", &kit.organisation),
        row("Server", server),
        row("Account", &kit.user.to_string()),
        row("Organisation id", &kit.org.to_string()),
        row("Head code", &head),
    ]
    .concat();
    let html = kit.secret_key.lend(|key| {
        format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
             <title>Strongroom Emergency Kit</title><style>{STYLE}</style>\
             <h1>Strongroom Emergency Kit</h1>\
             <p>With this page and the passphrase the vault opens on another computer. Print it, \
             put it where you keep a passport, and delete this file. Nobody can replace it.</p>\
             <h2>Secret Key</h2><p class=\"key\">{}</p>{svg}<dl>{rows}</dl>\
             <p>Do not write the passphrase here.</p></html>",
            escape(key)
        )
    });
    SecretText::from_string(html)
}

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;max-width:42em;margin:3em auto;\
    padding:0 1em;color:#111;background:#fff}.key{font:18px/1.6 ui-monospace,monospace;\
    word-spacing:.4em;border:1px solid #111;padding:.6em}dt{font-weight:600}\
    dd{margin:0 0 .6em;overflow-wrap:anywhere}svg{width:14em;height:14em}";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_page_cannot_become_markup() {
        assert_eq!(escape("<b>&\u{2019}"), "&lt;b&gt;&amp;\u{2019}");
    }
}
