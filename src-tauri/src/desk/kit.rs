//! The Emergency Kit: shown, printed by its window, or saved as a page.

use std::{path::PathBuf, sync::Arc};

use strongroom_client::vault::Kit;
use strongroom_secret::SecretText;

use super::{Desk, hold, translate, vaults};
use crate::{
    error::{Answer, CommandError},
    view::secure::{KitContext, KitView, Shown},
};

impl Desk {
    /// The kit. Right after a vault was made it needs no passphrase.
    pub async fn kit(&self, passphrase: Option<SecretText>) -> Answer<KitContext> {
        let session = self.session()?;
        let frame = self.secure_frame().await?;
        if passphrase.is_none() && !session.has_fresh_kit() {
            return Ok(KitContext { frame, needs_passphrase: true, kit: None });
        }
        let needs_passphrase = passphrase.is_some();
        let kit = session.kit(passphrase.map(vaults::checked).transpose()?).await?;
        let shown = page(&kit);
        *hold(&self.kit_shown) = Some(Arc::new(kit));
        Ok(KitContext { frame, needs_passphrase, kit: Some(shown) })
    }

    /// The window of the kit is closed.
    pub fn kit_closed(&self) {
        *hold(&self.kit_shown) = None;
    }

    /// The kit is put away: the next look at it asks for the passphrase. Closing its window is not
    /// enough, because a Secret Key that is kept nowhere would be lost with it.
    pub fn kit_done(&self) {
        self.kit_closed();
        if let Ok(session) = self.session() {
            session.kit_put_away();
        }
    }

    /// Writes the kit that is shown to `file`, readable by this user only.
    pub async fn kit_write(&self, file: PathBuf) -> Answer<()> {
        let kit = hold(&self.kit_shown).clone().ok_or(CommandError::NotFound)?;
        vaults::blocking(move || Ok(kit.write(&file)?)).await
    }
}

fn page(kit: &Kit) -> KitView {
    let copy =
        |text: &SecretText| Shown::new(text.lend(|text| SecretText::from_string(text.to_owned())));
    KitView {
        label: kit.label.clone(),
        person: kit.person.clone(),
        user_id: kit.user.to_string(),
        organisation: kit.organisation.clone(),
        org_id: kit.org.to_string(),
        server: kit.server.clone(),
        secret_key: copy(&kit.secret_key),
        qr_svg: copy(&kit.qr_svg),
        head_code: kit.head_code.clone(),
        link: translate::count(kit.link),
        made_at: translate::millis(kit.made_ms),
    }
}
