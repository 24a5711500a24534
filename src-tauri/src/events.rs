//! Events for the main window. Secure windows get none: they have no permission to listen.

use serde::Serialize;
use tauri::{AppHandle, Emitter};

use crate::{
    view::{AppView, AuditState, OrgView, ProgressView, SignedView, StatusView},
    windows::MAIN,
};

/// An event with the name under which the web view knows it.
pub trait MainEvent: Serialize + Clone {
    /// The name, in kebab-case, as the bindings spell it.
    const NAME: &'static str;
}

/// Sends an event to the main window. Without a main window there is nobody to tell.
pub fn emit<E: MainEvent>(app: &AppHandle, event: E) {
    if let Err(error) = app.emit_to(MAIN, E::NAME, event) {
        tracing::warn!(%error, event = E::NAME, "an event was not delivered");
    }
}

macro_rules! main_events {
    ($($(#[$doc:meta])* $name:ident $body:tt = $text:literal;)*) => {
        $(main_events!(@one $(#[$doc])* $name $body = $text);)*

        /// The events with their types, for the generated bindings.
        #[cfg(feature = "bindings")]
        pub(crate) fn collect() -> tauri_specta::Events {
            tauri_specta::collect_events![$($name),*]
        }
    };
    (@one $(#[$doc:meta])* $name:ident ($view:ty) = $text:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize)]
        #[cfg_attr(feature = "bindings", derive(specta::Type, tauri_specta::Event))]
        pub struct $name(pub $view);
        impl MainEvent for $name { const NAME: &'static str = $text; }
    };
    (@one $(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* } = $text:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize)]
        #[cfg_attr(feature = "bindings", derive(specta::Type, tauri_specta::Event))]
        #[serde(rename_all = "camelCase")]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),* }
        impl MainEvent for $name { const NAME: &'static str = $text; }
    };
}

main_events! {
    /// Phase, selection or settings changed.
    AppChanged(AppView) = "app-changed";
    /// The tree or a name in it changed.
    OrgChanged(OrgView) = "org-changed";
    /// Rows of an environment or what is staged in it changed; the window asks again.
    EnvChanged {
        /// The environment.
        env_id: String
    } = "env-changed";
    /// The status bar changed.
    StatusChanged(StatusView) = "status-changed";
    /// Work goes on; `done == total` ends it.
    Progress(ProgressView) = "progress";
    /// Members, invites, grants, tokens or due keys changed; screens ask again for what they show.
    TeamChanged {} = "team-changed";
    /// Entries of the audit log were read, or reading began or ended.
    AuditChanged(AuditState) = "audit-changed";
    /// A `strongroom://` link was opened. Where all parts are null, it leads to nothing that this
    /// vault can show.
    OpenLink {
        /// The organisation.
        org: String,
        /// The entry of its audit log.
        entry: Option<u64>,
        /// The environment.
        env_id: Option<String>,
        /// The secret in it.
        secret_id: Option<String>
    } = "open-link";
    /// Agents did something, or the broker, a session or what waits changed; at most four a second.
    AgentsChanged {
        /// Requests came or went on.
        live: bool,
        /// How many requests wait for a person.
        held: u32
    } = "agents-changed";
    /// A secure window signed something.
    Signed(SignedView) = "signed";
    /// A file was dropped on the window. Rust keeps its path.
    FileDropped {
        /// Its name without the folder.
        file_name: String
    } = "file-dropped";
    /// A file hangs over the window, or left it.
    DragOver {
        /// It hangs there.
        over: bool
    } = "drag-over";
}

#[cfg(all(test, feature = "bindings"))]
mod tests {
    use super::*;

    fn same<E: MainEvent + tauri_specta::Event>() {
        assert_eq!(<E as MainEvent>::NAME, <E as tauri_specta::Event>::NAME);
    }

    #[test]
    fn the_bindings_listen_to_the_names_that_are_sent() {
        same::<AppChanged>();
        same::<OrgChanged>();
        same::<EnvChanged>();
        same::<StatusChanged>();
        same::<Progress>();
        same::<TeamChanged>();
        same::<AuditChanged>();
        same::<OpenLink>();
        same::<AgentsChanged>();
        same::<Signed>();
        same::<FileDropped>();
        same::<DragOver>();
    }
}
