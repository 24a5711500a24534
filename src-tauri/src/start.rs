//! Start and end of the program.

use std::{process::ExitCode, sync::Arc, time::Duration};

use tauri::{AppHandle, DragDropEvent, Manager, Url, Window, WindowEvent};
use tauri_plugin_deep_link::DeepLinkExt;
use tokio::{sync::broadcast::error::RecvError, time::MissedTickBehavior};

use crate::{
    desk::{Desk, Notice},
    events::{
        self, AgentsChanged, AppChanged, AuditChanged, DragOver, EnvChanged, FileDropped,
        OrgChanged, Progress, StatusChanged, TeamChanged,
    },
    ipc,
    lock_signals::{self, LockSignal},
    shell::{Facts, Shell},
    view::LockReason,
    windows::{self, MAIN, Secure},
};

/// How often the server of the open vault is asked for news.
const SYNC_EVERY: Duration = Duration::from_secs(30);
/// How long the end of the program waits for keys and clipboard to be cleared.
const LAST_WORK: Duration = Duration::from_secs(3);

/// Runs the program until its main window closes.
pub fn run() -> ExitCode {
    start_log();
    if is_automated() {
        tracing::error!("TAURI_WEBVIEW_AUTOMATION is set: another program would drive this window");
        return ExitCode::from(2);
    }
    let hardened = strongroom_secret::hardening::harden_process();
    tracing::info!(?hardened, "process");
    match build_app() {
        Ok(app) => {
            app.run(|_, _| {});
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "the window cannot be opened");
            ExitCode::FAILURE
        }
    }
}

/// Whether somebody set the variable that puts a Tauri window under remote control. Release builds
/// of Tauri obey it too, so a program of the same user could start this one and read along.
fn is_automated() -> bool {
    !cfg!(feature = "danger-automation") && std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some()
}

fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("STRONGROOM_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,strongroom=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn build_app() -> tauri::Result<tauri::App> {
    tauri::Builder::default()
        // A second start hands over to the first and ends.
        .plugin(tauri_plugin_single_instance::init(|app, _, _| show_main(app)))
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_dialog::init())
        .invoke_handler(ipc::handler())
        .on_window_event(on_window_event)
        .setup(|app| {
            let handle = app.handle().clone();
            let root = std::env::var_os("STRONGROOM_DATA").map(Into::into);
            let vault = Arc::new(Desk::open(root)?);
            handle.manage(Shell::new(handle.clone(), Arc::clone(&vault)));
            let passing = Arc::clone(&vault);
            tauri::async_runtime::spawn(async move { passing.pass_on().await });
            tauri::async_runtime::spawn(Arc::clone(&vault).tend_broker());
            tauri::async_runtime::spawn(pass_on_notices(handle.clone(), vault));
            tauri::async_runtime::spawn(ask_servers(handle.clone()));
            tauri::async_runtime::spawn(follow_log(handle.clone()));
            tauri::async_runtime::spawn(lock_when_idle(handle.clone()));
            tauri::async_runtime::spawn(lock_on_signals(handle.clone()));
            tauri::async_runtime::spawn(end_on_signals(handle.clone()));
            windows::open_main(&handle)?;
            listen_for_links(&handle);
            if std::env::args_os().any(|argument| argument == "--sample") {
                tauri::async_runtime::spawn(open_sample(handle));
            }
            Ok(())
        })
        .build(tauri::generate_context!())
}

fn show_main(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN) {
        let shown =
            window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
        if let Err(error) = shown {
            tracing::warn!(%error, "the window did not come to the front");
        }
    }
}

/// A link reaches this program as its argument, as the argument of a second start, or from the
/// system.
fn listen_for_links(app: &AppHandle) {
    let opened = app.clone();
    app.deep_link().on_open_url(move |event| open_links(&opened, &event.urls()));
    match app.deep_link().get_current() {
        Ok(links) => open_links(app, &links.unwrap_or_default()),
        Err(error) => tracing::warn!(%error, "the link of this start"),
    }
}

fn open_links(app: &AppHandle, links: &[Url]) {
    show_main(app);
    // One window shows one place.
    let Some(link) = links.last().map(ToString::to_string) else { return };
    let app = app.clone();
    tauri::async_runtime::spawn(async move { app.state::<Shell>().open_link(&link).await });
}

fn on_window_event(window: &Window, event: &WindowEvent) {
    let app = window.app_handle();
    match (window.label(), event) {
        (MAIN, WindowEvent::CloseRequested { api, .. }) => {
            api.prevent_close();
            tauri::async_runtime::spawn(end(app.clone()));
        }
        (MAIN, WindowEvent::DragDrop(drag)) => on_drag(app, drag),
        (MAIN, WindowEvent::Focused(seen)) => app.state::<Shell>().look(*seen),
        // A value does not stay on the screen behind another window. A driven window never has the
        // focus, because no window manager gives it.
        ("reveal", WindowEvent::Focused(false)) if !cfg!(feature = "danger-automation") => {
            app.state::<Shell>().forget(Secure::Reveal);
            if let Err(error) = window.destroy() {
                tracing::error!(%error, "the reveal window did not close");
            }
        }
        (label, WindowEvent::CloseRequested { .. }) => {
            if let Some(which) = Secure::ALL.into_iter().find(|which| which.label() == label) {
                app.state::<Shell>().forget(which);
            }
        }
        _ => {}
    }
}

fn on_drag(app: &AppHandle, drag: &DragDropEvent) {
    match drag {
        DragDropEvent::Enter { .. } => events::emit(app, DragOver { over: true }),
        DragDropEvent::Leave => events::emit(app, DragOver { over: false }),
        DragDropEvent::Drop { paths, .. } => {
            events::emit(app, DragOver { over: false });
            if let Some(path) = paths.first() {
                let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                app.state::<Shell>().drop_file(path.clone());
                events::emit(app, FileDropped { file_name });
            }
        }
        _ => {}
    }
}

/// Tells the main window what changes behind it.
async fn pass_on_notices(app: AppHandle, vault: Arc<Desk>) {
    let mut notices = vault.notices();
    loop {
        let shell = app.state::<Shell>();
        match notices.recv().await {
            Ok(Notice::App(view)) => events::emit(&app, AppChanged(shell.complete_app(*view))),
            Ok(Notice::Org(view)) => {
                events::emit(&app, OrgChanged(*view));
                shell.follow_link().await;
            }
            Ok(Notice::Audit(state)) => events::emit(&app, AuditChanged(state)),
            Ok(Notice::Team) => events::emit(&app, TeamChanged {}),
            Ok(Notice::Env { env_id }) => events::emit(&app, EnvChanged { env_id }),
            Ok(Notice::Status(view)) => {
                events::emit(&app, StatusChanged(shell.complete_status(*view)));
            }
            Ok(Notice::Progress(view)) => events::emit(&app, Progress(view)),
            Ok(Notice::Agents { live, held }) => events::emit(&app, AgentsChanged { live, held }),
            Ok(Notice::AgentAsks) => shell.offer_approve(),
            // The window was told too much at once: it gets the whole picture again.
            Err(RecvError::Lagged(_)) => {
                if let Ok(view) = shell.app_view().await {
                    events::emit(&app, AppChanged(view));
                }
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Asks the server of the open vault for news, again and again.
async fn ask_servers(app: AppHandle) {
    let mut tick = tokio::time::interval(SYNC_EVERY);
    loop {
        tick.tick().await;
        app.state::<Shell>().vault.sync_if_open().await;
    }
}

/// Asks for new entries of the audit log while the window follows it.
async fn follow_log(app: AppHandle) {
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        app.state::<Shell>().ask_log_if_due().await;
    }
}

async fn lock_when_idle(app: AppHandle) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tick.tick().await;
        let shell = app.state::<Shell>();
        if shell.is_idle() {
            lock(&shell, LockReason::Idle).await;
        }
    }
}

async fn lock_on_signals(app: AppHandle) {
    let mut desktop = lock_signals::listen().await;
    let shell = app.state::<Shell>();
    shell.set_facts(Facts { screen_lock_signal: desktop.screen });
    while let Some(signal) = desktop.signals.recv().await {
        let Ok(view) = shell.vault.app().await else { continue };
        match signal {
            LockSignal::Screen if view.settings.lock_on_screen_lock => {
                lock(&shell, LockReason::Screen).await;
            }
            LockSignal::Sleep(hold) if view.settings.lock_on_sleep => {
                lock(&shell, LockReason::Sleep).await;
                drop(hold);
            }
            LockSignal::Screen | LockSignal::Sleep(_) => {}
        }
    }
}

async fn lock(shell: &Shell, reason: LockReason) {
    if let Err(error) = shell.lock(reason).await {
        tracing::error!(%error, ?reason, "the vault did not lock");
    }
}

/// A polite request to end, by the desktop's logout or by `kill`, clears keys and clipboard first.
#[cfg(unix)]
async fn end_on_signals(app: AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
    end(app).await;
}

#[cfg(not(unix))]
async fn end_on_signals(app: AppHandle) {
    if tokio::signal::ctrl_c().await.is_ok() {
        end(app).await;
    }
}

async fn end(app: AppHandle) {
    let shell = app.state::<Shell>();
    let last = async {
        lock(&shell, LockReason::Quit).await;
        shell.vault.shut_down().await;
    };
    if tokio::time::timeout(LAST_WORK, last).await.is_err() {
        tracing::error!("the program ends before everything was put away");
    }
    app.exit(0);
}

async fn open_sample(app: AppHandle) {
    if let Err(error) = app.state::<Shell>().vault.create_sample().await {
        tracing::error!(%error, "the sample could not be opened");
    }
}
