//! The list of all commands, written once: it makes the handler, the names for the tests, and the
//! bindings of the main window.

use tauri::ipc::Invoke;

use crate::commands;
#[cfg(feature = "bindings")]
use crate::view;

macro_rules! command_list {
    (
        main { $($main_noun:ident :: $main:ident),* $(,)? }
        secure { $($secure_noun:ident :: $secure:ident),* $(,)? }
    ) => {
        /// The commands of the main window, by the names that permissions use.
        pub const MAIN_COMMANDS: &[&str] = &[$(stringify!($main)),*];
        /// The commands of the secure windows.
        pub const SECURE_COMMANDS: &[&str] = &[$(stringify!($secure)),*];

        /// Answers every call of every window that its capability lets through.
        pub fn handler() -> impl Fn(Invoke) -> bool + Send + Sync + 'static {
            tauri::generate_handler![
                $(commands::$main_noun::$main,)*
                $(commands::secure::$secure_noun::$secure,)*
            ]
        }

        /// The commands of the main window with their types.
        #[cfg(feature = "bindings")]
        fn collect() -> tauri_specta::Commands<tauri::Wry> {
            tauri_specta::collect_commands![$(commands::$main_noun::$main),*]
        }
    };
}

command_list! {
    main {
        app::app_state, app::activity_ping, app::settings_set, app::task_cancel,
        vault::vault_create, vault::vault_create_sample, vault::vault_select, vault::vault_unlock,
        vault::vault_lock, vault::vault_remove, vault::kit_open,
        org::org_view, org::org_create, org::org_select, org::org_rename,
        org::app_create, org::app_rename, org::env_create, org::env_rename,
        env::env_open, env::env_rows, env::palette_search,
        secret::secret_detail, secret::secret_copy, secret::secret_reveal, secret::secret_new,
        secret::secret_edit, secret::secret_note_set, secret::secret_rename, secret::secret_delete,
        staged::staged_list, staged::staged_undo, staged::staged_redo, staged::staged_drop,
        staged::staged_discard, staged::staged_commit, staged::conflict_resolve,
        import::import_choose, import::import_dropped, import::import_rename, import::import_keep,
        import::import_apply, import::import_discard,
        tokens::tokens_view,
        server::server_look,
        status::status_view, status::sync_now, status::evidence_save,
    }
    secure {
        close::secure_close,
        unlock::unlock_context, unlock::unlock_submit,
        create::create_context, create::create_submit,
        kit::kit_context, kit::kit_print, kit::kit_save, kit::kit_done,
        reveal::reveal_context, reveal::reveal_copy,
        edit::edit_context, edit::edit_generate, edit::edit_submit,
        confirm::confirm_context, confirm::confirm_submit,
    }
}

/// Writes what `ui/src/ipc/bindings.ts` has to be to `file`. Secure windows have no bindings: their
/// pages are written by hand.
#[cfg(feature = "bindings")]
pub fn write_bindings(file: &std::path::Path) -> Result<(), specta_typescript::Error> {
    let language = specta_typescript::Typescript::default().header(
        "// Written from the commands of the shell, by: UPDATE_BINDINGS=1 cargo test --features bindings --test bindings\n",
    );
    let builder = tauri_specta::Builder::<tauri::Wry>::new()
        .commands(collect())
        .events(crate::events::collect());
    with_team_views(builder)
        // Times in milliseconds stay exact in a double until the year 287396.
        .dangerously_cast_bigints_to_number()
        // Types go one way only, so one form of each is enough.
        .disable_serde_phases()
        .export(language, file)
}

/// The views of a team, whether or not a command answers with them yet.
#[cfg(feature = "bindings")]
fn with_team_views(
    builder: tauri_specta::Builder<tauri::Wry>,
) -> tauri_specta::Builder<tauri::Wry> {
    builder
        .typ::<view::MembersView>()
        .typ::<view::GrantSpec>()
        .typ::<view::AccessAxes>()
        .typ::<view::AccessTile>()
        .typ::<view::AccessStaged>()
        .typ::<view::AccessChange>()
        .typ::<view::AccessExplain>()
        .typ::<view::AccessReview>()
        .typ::<view::WhoSubject>()
        .typ::<view::WhoView>()
        .typ::<view::TokenScopeSpec>()
        .typ::<view::RotationsView>()
        .typ::<view::OffboardRow>()
        .typ::<view::OffboardView>()
        .typ::<view::OffboardTab>()
        .typ::<view::OffboardRows>()
        .typ::<view::SecretRef>()
        .typ::<view::TrustView>()
        .typ::<view::HeadsCompared>()
        .typ::<view::BrowserSignIn>()
}
