//! Tells when the desktop's screen locks and when the computer is about to sleep.
//!
//! On Linux both come over D-Bus: the screen from logind's session or from the desktop's screen
//! saver, sleep from logind. Where no bus answers, the listener says so and the setting is not
//! offered. Any program of this user may send the same signals; all they can do is lock the vault.

use tokio::sync::mpsc;

/// A reason to lock that comes from the desktop.
#[derive(Debug)]
pub enum LockSignal {
    /// The screen is locked.
    Screen,
    /// The computer is about to sleep. Sleep waits, for a few seconds, until the hold is dropped.
    Sleep(SleepHold),
}

/// Keeps the computer awake while the vault locks.
#[derive(Debug)]
pub struct SleepHold {
    #[cfg(target_os = "linux")]
    #[expect(dead_code, reason = "held for its drop, which lets the computer sleep")]
    inhibitor: Option<zbus::zvariant::OwnedFd>,
}

/// The signals, and which of them this desktop can send.
#[derive(Debug)]
pub struct LockSignals {
    /// The screen's lock is told.
    pub screen: bool,
    /// Sleep is told.
    pub sleep: bool,
    /// The signals from now on.
    pub signals: mpsc::Receiver<LockSignal>,
}

/// Starts to listen. Never fails: a desktop that tells nothing has both flags false.
#[cfg(not(target_os = "linux"))]
pub async fn listen() -> LockSignals {
    let (_, signals) = mpsc::channel(1);
    LockSignals { screen: false, sleep: false, signals }
}

#[cfg(target_os = "linux")]
pub use linux::listen;

#[cfg(target_os = "linux")]
mod linux {
    use std::time::Duration;

    use futures_util::StreamExt;
    use tokio::{sync::mpsc, time::timeout};
    use zbus::{
        Connection, MatchRule, MessageStream,
        message::Type,
        zvariant::{OwnedFd, OwnedObjectPath},
    };

    use super::{LockSignal, LockSignals, SleepHold};

    const LOGIN: &str = "org.freedesktop.login1";
    const MANAGER: &str = "org.freedesktop.login1.Manager";
    const MANAGER_PATH: &str = "/org/freedesktop/login1";
    const SESSION: &str = "org.freedesktop.login1.Session";
    /// Screen savers that tell when they lock, by bus name; the interface has the same name.
    const SAVERS: [&str; 5] = [
        "org.freedesktop.ScreenSaver",
        "org.gnome.ScreenSaver",
        "org.cinnamon.ScreenSaver",
        "org.mate.ScreenSaver",
        "org.xfce.ScreenSaver",
    ];
    /// A bus that does not answer in this time is not there.
    const PATIENCE: Duration = Duration::from_secs(3);

    /// Starts to listen. Never fails: a desktop that tells nothing has both flags false.
    pub async fn listen() -> LockSignals {
        let (sender, signals) = mpsc::channel(8);
        let mut screen = false;
        let mut sleep = false;
        if let Some(bus) = connect(Connection::session()).await {
            screen |= follow_savers(&bus, &sender).await.unwrap_or(false);
        }
        if let Some(bus) = connect(Connection::system()).await {
            screen |= follow_session(&bus, &sender).await.is_ok();
            sleep = follow_sleep(&bus, &sender).await.is_ok();
        }
        tracing::info!(screen, sleep, "lock signals of the desktop");
        LockSignals { screen, sleep, signals }
    }

    async fn connect(bus: impl Future<Output = zbus::Result<Connection>>) -> Option<Connection> {
        timeout(PATIENCE, bus).await.ok()?.ok()
    }

    /// Listens to every known screen saver, because one may start later; answers whether one is there.
    async fn follow_savers(
        bus: &Connection,
        sender: &mpsc::Sender<LockSignal>,
    ) -> zbus::Result<bool> {
        let mut present = false;
        let names = zbus::fdo::DBusProxy::new(bus).await?;
        for saver in SAVERS {
            let rule = MatchRule::builder()
                .msg_type(Type::Signal)
                .interface(saver)?
                .member("ActiveChanged")?
                .build();
            let stream = MessageStream::for_match_rule(rule, bus, Some(4)).await?;
            present |= names.name_has_owner(saver.try_into()?).await.unwrap_or(false);
            spawn(stream, sender.clone(), |message| {
                message.body().deserialize::<bool>().unwrap_or(false).then_some(LockSignal::Screen)
            });
        }
        Ok(present)
    }

    /// Listens to logind's wish to lock this session, which `loginctl lock-session` sends too.
    async fn follow_session(
        bus: &Connection,
        sender: &mpsc::Sender<LockSignal>,
    ) -> zbus::Result<()> {
        let answer = timeout(
            PATIENCE,
            bus.call_method(
                Some(LOGIN),
                MANAGER_PATH,
                Some(MANAGER),
                "GetSessionByPID",
                &std::process::id(),
            ),
        )
        .await
        .map_err(|_| zbus::Error::Unsupported)??;
        let session: OwnedObjectPath = answer.body().deserialize()?;
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(LOGIN)?
            .interface(SESSION)?
            .member("Lock")?
            .path(session.as_ref())?
            .build();
        let stream = MessageStream::for_match_rule(rule, bus, Some(4)).await?;
        spawn(stream, sender.clone(), |_| Some(LockSignal::Screen));
        Ok(())
    }

    /// Listens to the announcement of sleep and asks logind to wait for us.
    async fn follow_sleep(bus: &Connection, sender: &mpsc::Sender<LockSignal>) -> zbus::Result<()> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(LOGIN)?
            .interface(MANAGER)?
            .member("PrepareForSleep")?
            .build();
        let mut stream = MessageStream::for_match_rule(rule, bus, Some(4)).await?;
        let mut inhibitor = inhibit(bus).await?;
        let (bus, sender) = (bus.clone(), sender.clone());
        tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                match message.body().deserialize::<bool>() {
                    Ok(true) => {
                        let hold = SleepHold { inhibitor: inhibitor.take() };
                        if sender.send(LockSignal::Sleep(hold)).await.is_err() {
                            return;
                        }
                    }
                    Ok(false) => inhibitor = inhibit(&bus).await.unwrap_or(None),
                    Err(_) => {}
                }
            }
        });
        Ok(())
    }

    /// Asks for a delay before sleep. None if logind is there and does not grant it.
    async fn inhibit(bus: &Connection) -> zbus::Result<Option<OwnedFd>> {
        let wish = ("sleep", "Strongroom", "The vault locks first", "delay");
        let call = bus.call_method(Some(LOGIN), MANAGER_PATH, Some(MANAGER), "Inhibit", &wish);
        match timeout(PATIENCE, call).await.map_err(|_| zbus::Error::Unsupported)? {
            Ok(answer) => Ok(Some(answer.body().deserialize()?)),
            Err(zbus::Error::MethodError(name, ..)) if is_absent(name.as_str()) => {
                Err(zbus::Error::Unsupported)
            }
            Err(zbus::Error::MethodError(..)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn is_absent(error: &str) -> bool {
        matches!(
            error,
            "org.freedesktop.DBus.Error.ServiceUnknown"
                | "org.freedesktop.DBus.Error.NameHasNoOwner"
        )
    }

    fn spawn(
        mut stream: MessageStream,
        sender: mpsc::Sender<LockSignal>,
        read: impl Fn(&zbus::Message) -> Option<LockSignal> + Send + 'static,
    ) {
        tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                if let Some(signal) = read(&message)
                    && sender.send(signal).await.is_err()
                {
                    return;
                }
            }
        });
    }
}
