//! The system's file dialogs. There is no window manager, so a dialog is given the keyboard by hand.

use std::{path::Path, process::Command, thread, time::Duration};

use super::wait;

/// Types the path of a file to open into the dialog with this title.
pub(crate) fn choose(title: &str, file: &Path) {
    let dialog = dialog(title);
    xdotool(&["windowfocus", "--sync", &dialog, "key", "slash"]);
    // The slash makes the dialog open a field for paths, and what is typed until then is lost.
    pause(1500);
    let path = file.display().to_string();
    xdotool(&["type", "--delay", "40", path.trim_start_matches('/')]);
    accept(title, &dialog);
}

/// Types the path of a file to save into the dialog with this title, which has a field for it.
pub(crate) fn save_as(title: &str, file: &Path) {
    let dialog = dialog(title);
    pause(1000);
    xdotool(&["windowfocus", "--sync", &dialog, "key", "ctrl+a"]);
    pause(500);
    xdotool(&["type", "--delay", "40", &file.display().to_string()]);
    accept(title, &dialog);
}

fn dialog(title: &str) -> String {
    wait("the file dialog", || {
        let found = xdotool(&["search", "--onlyvisible", "--name", title]);
        found.lines().next().map(str::to_owned)
    })
}

/// The dialog completes paths while they are typed and takes Return once it has caught up. A Return
/// too many would press a button of the main window, so the dialog gets time to go.
fn accept(title: &str, dialog: &str) {
    pause(500);
    wait("the end of the file dialog", || {
        xdotool(&["windowfocus", dialog, "key", "Return"]);
        pause(1500);
        xdotool(&["search", "--onlyvisible", "--name", title]).is_empty().then_some(())
    });
}

/// The system's dialog cannot be asked how far it is.
fn pause(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}

fn xdotool(arguments: &[&str]) -> String {
    let output = Command::new("timeout").args(["5", "xdotool"]).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
