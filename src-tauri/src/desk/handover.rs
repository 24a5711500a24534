//! How a secret that a secure window shows leaves it: by the clipboard, or into a file.

use std::{path::PathBuf, time::Duration};

use strongroom_client::profile::ProfileError;
use strongroom_secret::SecretText;

use super::{Desk, hold, status::Copied, translate, vaults};
use crate::{
    error::{Answer, CommandError},
    view::CopyView,
};

impl Desk {
    /// Puts something that a window shows on the clipboard, for as long as the settings say.
    pub(super) async fn copy_once(&self, name: String, text: SecretText) -> Answer<CopyView> {
        let seconds = u64::from(hold(&self.settings).clipboard_seconds);
        self.clipboard
            .copy(text, Duration::from_secs(seconds))
            .map_err(|error| CommandError::internal(&error))?;
        let clears_at = translate::millis(self.now() + seconds * 1000);
        *hold(&self.copied) = Some(Copied { name: name.clone(), clears_at });
        self.tell_status().await;
        Ok(CopyView { name, clears_at })
    }
}

/// Writes `text` to `file`, readable by this user only.
pub(super) async fn write_text(text: SecretText, file: PathBuf) -> Answer<()> {
    vaults::blocking(move || {
        text.lend(|text| strongroom_client::write_private(&file, text.as_bytes()))
            .map_err(|error| ProfileError::Disk(error).into())
    })
    .await
}

/// The same text once more.
pub(super) fn copy_of(text: &SecretText) -> SecretText {
    text.lend(|text| SecretText::from_string(text.to_owned()))
}
