//! The secure windows, one module for each. Each command is granted to one window, and what it works
//! on was fixed when that window was opened.

pub mod approve;
pub mod close;
pub mod confirm;
pub mod create;
pub mod edit;
pub mod faketoken;
pub mod invite;
pub mod join;
pub mod kit;
pub mod operator;
pub mod restore;
pub mod reveal;
pub mod sign;
pub mod take;
pub mod token;
pub mod unlock;
pub mod words;

use tauri::{AppHandle, WebviewWindow};

use super::Managed;
use crate::{
    error::{Answer, CommandError},
    shell::Shell,
    windows::{Secure, close_secure},
};

/// Proof that a command was called by one of the secure windows. Only the commands below this module
/// can make one, so whatever asks for one cannot be reached from the main window.
#[derive(Debug)]
pub struct SecureWindow(());

impl SecureWindow {
    /// The proof, if `window` is the window that was opened as `which`.
    fn of(window: &WebviewWindow, which: Secure) -> Answer<Self> {
        if window.label() == which.label() { Ok(Self(())) } else { Err(CommandError::NotAllowed) }
    }
}

/// Forgets what a window was for, and closes it.
async fn done(app: &AppHandle, shell: &Shell, which: Secure) -> Answer<()> {
    shell.forget(which);
    close_secure(app, which).await
}
