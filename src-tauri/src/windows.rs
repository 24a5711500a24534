//! The main window and the small secure windows beside it.
//!
//! Invariants: every window has a label of a fixed set and a page of this program; no window can go
//! anywhere else or open another one; only Rust opens and closes windows. A secure window is made
//! for one thing, remembered in [`crate::shell::Shell`], and is gone when that thing is done.

use std::time::Duration;

use tauri::{
    AppHandle, Manager, Url, Webview, WebviewUrl, WebviewWindow, WebviewWindowBuilder,
    webview::NewWindowResponse,
};

use crate::error::{Answer, CommandError};

/// The label of the main window.
pub const MAIN: &str = "main";

/// A secure window. There is at most one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Secure {
    /// Takes the passphrase.
    Unlock,
    /// Takes the passphrase of a new vault.
    Create,
    /// Shows the Emergency Kit.
    Kit,
    /// Shows one value.
    Reveal,
    /// Takes one value.
    Edit,
    /// Asks before something is destroyed.
    Confirm,
    /// Signs what changes who can read.
    Sign,
    /// Shows the code of an invitation.
    Invite,
    /// Takes the code of an invitation that another manager made.
    Take,
    /// Takes an invitation and a passphrase, and joins.
    Join,
    /// Takes an Emergency Kit and a passphrase, on a computer that never had the vault.
    Restore,
    /// Shows six words that two people compare.
    Words,
    /// Shows a new service token, once.
    Token,
    /// Shows a request of an agent that waits, and takes a person's word on it.
    Approve,
    /// Shows a new fake token of an agent, once.
    FakeToken,
    /// Shows the code with which a person answers agents from a terminal.
    Operator,
}

impl Secure {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Unlock,
        Self::Create,
        Self::Kit,
        Self::Reveal,
        Self::Edit,
        Self::Confirm,
        Self::Sign,
        Self::Invite,
        Self::Take,
        Self::Join,
        Self::Restore,
        Self::Words,
        Self::Token,
        Self::Approve,
        Self::FakeToken,
        Self::Operator,
    ];

    /// Its label, which is also the name of its page and of its capability.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unlock => "unlock",
            Self::Create => "create",
            Self::Kit => "kit",
            Self::Reveal => "reveal",
            Self::Edit => "edit",
            Self::Confirm => "confirm",
            Self::Sign => "sign",
            Self::Invite => "invite",
            Self::Take => "take",
            Self::Join => "join",
            Self::Restore => "restore",
            Self::Words => "words",
            Self::Token => "token",
            Self::Approve => "approve",
            Self::FakeToken => "faketoken",
            Self::Operator => "operator",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Unlock => "Unlock, secure window",
            Self::Create => "New vault, secure window",
            Self::Kit => "Emergency Kit, secure window",
            Self::Reveal => "Reveal, secure window",
            Self::Edit => "Edit, secure window",
            Self::Confirm => "Confirm, secure window",
            Self::Sign => "Sign, secure window",
            Self::Invite => "Invitation, secure window",
            Self::Take => "Take over an invitation, secure window",
            Self::Join => "Join, secure window",
            Self::Restore => "Restore, secure window",
            Self::Words => "Compare words, secure window",
            Self::Token => "New service token, secure window",
            Self::Approve => "Approve, secure window",
            Self::FakeToken => "New fake token, secure window",
            Self::Operator => "Operator code, secure window",
        }
    }

    /// Width and height of the page, in logical pixels.
    fn size(self) -> (f64, f64) {
        match self {
            Self::Unlock => (440.0, 350.0),
            Self::Create => (440.0, 520.0),
            Self::Kit => (720.0, 720.0),
            Self::Edit => (440.0, 560.0),
            Self::Reveal => (440.0, 320.0),
            Self::Confirm | Self::Operator => (440.0, 330.0),
            Self::Sign => (520.0, 500.0),
            Self::Invite => (560.0, 630.0),
            Self::Take => (440.0, 400.0),
            Self::Join | Self::Restore => (480.0, 700.0),
            Self::Words => (470.0, 400.0),
            Self::Token => (520.0, 480.0),
            Self::Approve => (520.0, 640.0),
            Self::FakeToken => (520.0, 560.0),
        }
    }
}

/// Opens the main window. Called once, at start.
pub fn open_main(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    guarded(app, MAIN, "index.html")
        .title("Strongroom")
        .inner_size(1280.0, 800.0)
        .min_inner_size(900.0, 600.0)
        .center()
        .build()
}

/// Opens a secure window above the main one. One of the same kind that is still open is closed
/// first, because it was made for something else.
pub async fn open_secure(app: &AppHandle, which: Secure) -> Answer<()> {
    close_secure(app, which).await?;
    let window = build_secure(app, which, true)?;
    window.set_focus()?;
    Ok(())
}

/// Shows a secure window that nobody asked for. One that is open stays as it is, and neither takes
/// the keys that somebody is typing elsewhere.
pub fn show_secure(app: &AppHandle, which: Secure) -> Answer<()> {
    if app.get_webview_window(which.label()).is_none() {
        let window = build_secure(app, which, false)?;
        // Inside it the page has the keys, as soon as a person turns to the window.
        let page: &Webview = window.as_ref();
        page.set_focus()?;
    }
    Ok(())
}

fn build_secure(app: &AppHandle, which: Secure, focused: bool) -> Answer<WebviewWindow> {
    let main = app.get_webview_window(MAIN).ok_or(CommandError::NotFound)?;
    let (width, height) = which.size();
    let window = guarded(app, which.label(), &format!("secure/{}.html", which.label()))
        .title(which.title())
        .inner_size(width, height)
        .resizable(false)
        .maximizable(false)
        .minimizable(false)
        .skip_taskbar(true)
        .always_on_top(true)
        .content_protected(true)
        .general_autofill_enabled(false)
        .disable_drag_drop_handler()
        .focused(focused)
        .center()
        .transient_for(&main)?
        .build()?;
    Ok(window)
}

/// Closes a secure window and waits until its label is free again.
pub async fn close_secure(app: &AppHandle, which: Secure) -> Answer<()> {
    let Some(window) = app.get_webview_window(which.label()) else { return Ok(()) };
    window.destroy()?;
    for _ in 0..200 {
        if app.get_webview_window(which.label()).is_none() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(CommandError::internal(&"a secure window did not close"))
}

/// Closes all secure windows.
pub async fn close_all_secure(app: &AppHandle) {
    for which in Secure::ALL {
        if let Err(error) = close_secure(app, which).await {
            tracing::error!(%error, window = which.label(), "a secure window did not close");
        }
    }
}

/// A window that can show pages of this program and nothing else.
fn guarded<'a>(
    app: &'a AppHandle,
    label: &str,
    page: &str,
) -> WebviewWindowBuilder<'a, tauri::Wry, AppHandle> {
    WebviewWindowBuilder::new(app, label, WebviewUrl::App(page.into()))
        .on_navigation(is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .devtools(cfg!(debug_assertions))
}

/// Whether `url` is a page of this program: its own scheme, or, in `tauri dev` only, the dev server.
fn is_own_page(url: &Url) -> bool {
    match url.scheme() {
        // Windows and Android spell the same origin as http(s)://tauri.localhost.
        "tauri" => url.host_str() == Some("localhost"),
        "http" | "https" if cfg!(windows) => url.host_str() == Some("tauri.localhost"),
        "http" if cfg!(not(feature = "custom-protocol")) => {
            url.host_str() == Some("localhost") && url.port() == Some(1420)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(url: &str) -> bool {
        is_own_page(&Url::parse(url).unwrap())
    }

    #[test]
    fn only_pages_of_this_program_may_be_shown() {
        assert!(own("tauri://localhost"));
        assert!(own("tauri://localhost/secure/unlock.html"));
        for foreign in [
            "tauri://evil.example/",
            "tauri://localhost.evil.example/",
            "https://tauri.localhost.evil.example/",
            "https://example.com/",
            "http://localhost/",
            "http://localhost:1420/",
            "file:///etc/passwd",
            "data:text/html,hello",
            "blob:tauri://localhost/1",
            "about:blank",
            "javascript:alert(1)",
        ] {
            assert!(!own(foreign), "{foreign}");
        }
    }

    #[test]
    fn every_secure_window_has_a_label_of_its_own() {
        let labels: std::collections::BTreeSet<_> = Secure::ALL.iter().map(|w| w.label()).collect();
        assert_eq!(labels.len(), Secure::ALL.len());
        assert!(!labels.contains(MAIN));
    }
}
