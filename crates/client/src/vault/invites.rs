//! Invite codes that this computer holds: shown again, taken over from another admin, forgotten.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use strongroom_crypto::safe::{Fingerprint, InviteCode};
use strongroom_format::id::InviteId;
use strongroom_format::statement::{EnvRight, Role};
use strongroom_secret::SecretText;

use super::book::KeptInvite;
use super::error::VaultError;
use super::session::{Notice, Session};

/// An invite code as it is handed over.
#[derive(Debug)]
pub struct InviteShown {
    /// For whom.
    pub label: String,
    /// The promised role.
    pub role: Role,
    /// The promised grants.
    pub grants: Vec<EnvRight>,
    /// Its end, in milliseconds since 1970.
    pub expires: u64,
    /// The code.
    pub code: SecretText,
    /// The code as a QR code, an SVG.
    pub qr_svg: SecretText,
    /// The server in the code.
    pub server: String,
    /// The fingerprint of whoever shows it, which the joiner sees too.
    pub fingerprint: String,
}

impl Session {
    /// The code of an invitation that this computer holds.
    pub fn invite_code(&self, invite: InviteId) -> Result<InviteShown, VaultError> {
        let org = self.current()?;
        let (code, label) = self
            .book(org, |book| {
                let kept = book.invite(&invite)?;
                let code = kept.code.lend(|code| SecretText::from_string(code.to_owned()));
                Some((code, kept.label.clone()))
            })?
            .ok_or(VaultError::NotFound)?;
        let (role, grants, expires) = self.with(|opened| {
            let state = opened.replica().state();
            let invite = state.invites().get(&invite).ok_or(VaultError::NotFound)?;
            Ok((invite.role, invite.grants.clone(), invite.expires))
        })?;
        let qr = code
            .lend(|code| {
                // Upper case fits the denser alphabet of QR codes; reading ignores case.
                let code = code.to_ascii_uppercase();
                QrCode::with_error_correction_level(code.as_bytes(), EcLevel::L)
            })
            .map_err(|error| VaultError::System(error.to_string()))?;
        let svg = qr.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
        let me = self.me.keyset.public();
        Ok(InviteShown {
            label,
            role,
            grants,
            expires,
            code,
            qr_svg: SecretText::from_string(svg),
            server: self.api.origin().to_string(),
            fingerprint: Fingerprint::of(&self.user(), &me).groups(),
        })
    }

    /// Forgets a code: this computer no longer finishes the join.
    pub fn invite_forget(&self, invite: InviteId) -> Result<(), VaultError> {
        self.write_book(self.current()?, |book| book.forget(&invite))?;
        self.tell(Notice::Org);
        Ok(())
    }

    /// Takes over a code that another admin made, so that this computer finishes the join.
    pub fn invite_take(&self, code: &SecretText) -> Result<InviteId, VaultError> {
        let org = self.current()?;
        let parsed = code.lend(InviteCode::parse).map_err(|_| VaultError::BadCode)?;
        let invite = parsed.key.id();
        if parsed.org != org {
            return Err(VaultError::ForeignCode);
        }
        self.with(|opened| {
            let found = opened.replica().state().invites().get(&invite);
            let found = found.filter(|known| known.key_hash == parsed.key.commitment());
            match found.map(|known| known.used) {
                None => Err(VaultError::BadCode),
                Some(Some(_)) => Err(VaultError::UsedCode),
                Some(None) => Ok(()),
            }
        })?;
        let text = parsed.to_text().map_err(|_| VaultError::BadCode)?;
        self.write_book(org, |book| {
            if book.invite(&invite).is_none() {
                let label = String::new();
                book.invites.push(KeptInvite { invite, label, resets: None, code: text });
            }
        })?;
        self.tell(Notice::Org);
        Ok(invite)
    }
}
