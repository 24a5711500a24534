//! File dialogs, opened from Rust. No window has a permission for them, so no page can choose a path.

use std::path::PathBuf;

use tauri::AppHandle;
use tauri_plugin_dialog::{DialogExt, FilePath};
use tokio::sync::oneshot;

/// Lets the person choose a file to import.
pub async fn pick_env_file(app: &AppHandle) -> Option<PathBuf> {
    let (sender, receiver) = oneshot::channel();
    main_dialog(app).set_title("Import secrets").pick_file(move |path| {
        let _ = sender.send(path);
    });
    into_path(receiver.await.ok()?)
}

/// Lets the person choose a file with an invite code.
pub async fn pick_invite_file(app: &AppHandle) -> Option<PathBuf> {
    let (sender, receiver) = oneshot::channel();
    main_dialog(app).set_title("Open an invitation").pick_file(move |path| {
        let _ = sender.send(path);
    });
    into_path(receiver.await.ok()?)
}

/// Lets the person choose where to save `file_name`.
pub async fn save_file(app: &AppHandle, title: &str, file_name: &str) -> Option<PathBuf> {
    let (sender, receiver) = oneshot::channel();
    main_dialog(app).set_title(title).set_file_name(file_name).save_file(move |path| {
        let _ = sender.send(path);
    });
    into_path(receiver.await.ok()?)
}

fn main_dialog(app: &AppHandle) -> tauri_plugin_dialog::FileDialogBuilder<tauri::Wry> {
    app.dialog().file()
}

fn into_path(path: Option<FilePath>) -> Option<PathBuf> {
    path?.into_path().ok()
}
