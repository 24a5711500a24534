//! Compare words: shows six words, and takes whether both people have the same.

use tauri::{AppHandle, WebviewWindow};

use super::{Managed, SecureWindow, done};
use crate::{error::Answer, view::secure::WordsContext, windows::Secure};

/// The six words of both people's keys.
#[tauri::command]
pub async fn words_context(window: WebviewWindow, shell: Managed<'_>) -> Answer<WordsContext> {
    let by = SecureWindow::of(&window, Secure::Words)?;
    let (compared, context) = shell.vault.words(&by, shell.asked_words()?).await?;
    shell.show_words(compared);
    Ok(context)
}

/// Marks the key as verified on this computer, or as unverified if the words differ. In the second
/// case the window stays, because it says what to do.
#[tauri::command]
pub async fn words_submit(
    app: AppHandle,
    window: WebviewWindow,
    shell: Managed<'_>,
    same: bool,
) -> Answer<()> {
    let by = SecureWindow::of(&window, Secure::Words)?;
    shell.touch();
    shell.vault.words_compared(&by, shell.shown_words()?, same).await?;
    if same { done(&app, &shell, Secure::Words).await } else { Ok(()) }
}
