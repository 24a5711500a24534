//! The desktop's screen lock arrives over a real session bus. Run by scripts/with-desktop, which
//! gives a private bus; without any bus the listener has to say that it hears nothing.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::time::Duration;

use strongroom_desktop::lock_signals::{LockSignal, listen};
use tokio::time::timeout;

/// A screen saver that tells about itself, as the desktops' own ones do.
async fn screen_saver() -> zbus::Connection {
    zbus::connection::Builder::session()
        .unwrap()
        .name("org.gnome.ScreenSaver")
        .unwrap()
        .build()
        .await
        .unwrap()
}

async fn tell(saver: &zbus::Connection, active: bool) {
    let path = "/org/gnome/ScreenSaver";
    saver
        .emit_signal(None::<&str>, path, "org.gnome.ScreenSaver", "ActiveChanged", &active)
        .await
        .unwrap();
}

#[tokio::test]
#[ignore = "needs a private session bus: scripts/with-desktop"]
async fn a_locked_screen_is_heard_and_an_unlocked_one_is_not() {
    let saver = screen_saver().await;
    let mut desktop = listen().await;
    assert!(desktop.screen, "the screen saver on the bus was not seen");
    tell(&saver, false).await;
    tell(&saver, true).await;
    let heard = timeout(Duration::from_secs(5), desktop.signals.recv()).await.unwrap();
    assert!(matches!(heard, Some(LockSignal::Screen)), "{heard:?}");
    let more = timeout(Duration::from_millis(300), desktop.signals.recv()).await;
    assert!(more.is_err(), "an unlock was taken for a lock: {more:?}");
}
