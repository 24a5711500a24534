//! The list of all commands, written once: it makes the handler, the names for the tests, and the
//! bindings of the main window.

use tauri::ipc::Invoke;

use crate::commands;

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
        members::members_view, members::invite_new, members::invite_show, members::invite_forget,
        members::invite_take, members::member_role, members::member_leave, members::member_words,
        members::reset_sign, members::reset_acknowledge, members::policy_set,
        access::access_axes, access::access_tile, access::access_stage, access::access_undo,
        access::access_redo, access::access_discard, access::access_explain, access::access_review,
        access::access_sign, access::who_view,
        tokens::tokens_view, tokens::token_new, tokens::token_revoke,
        agents::agents_view, agents::agents_live, agents::agent_save, agents::agent_end,
        agents::agent_policy, agents::secret_policy_view, agents::secret_policy_save,
        agents::policy_simulate, agents::providers_view, agents::fake_token_new,
        agents::fake_token_revoke, agents::broker_start, agents::broker_stop,
        agents::broker_resume, agents::operator_show, agents::approval_open,
        agents::access_ask_dismiss,
        rotation::rotations_view, rotation::rotation_start,
        offboard::offboard_begin, offboard::offboard_list, offboard::offboard_view,
        offboard::offboard_rows, offboard::offboard_tick, offboard::offboard_export,
        offboard::offboard_certificate,
        audit::audit_state, audit::audit_ask, audit::audit_rows, audit::audit_entry,
        audit::audit_verify, audit::audit_verified, audit::audit_compare, audit::audit_compare_with,
        audit::audit_proof_save, audit::audit_follow, audit::audit_seen, audit::audit_views,
        audit::audit_view_save, audit::audit_view_delete, audit::audit_export, audit::audit_retain, audit::audit_reset,
        audit::audit_new_logs, audit::audit_new_log_acknowledge,
        witness::witness_view, witness::witness_set, witness::witness_remove,
        insights::insights_view, insights::insight_dismiss, insights::decoy_set,
        insights::decoy_view,
        trust::trust_view, trust::heads_compare, trust::drill_run, trust::lock_file_save,
        server::server_look, server::server_sign_in, server::vault_create_on, server::vault_join, server::vault_restore,
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
        sign::sign_context, sign::sign_submit,
        invite::invite_context, invite::invite_copy, invite::invite_save,
        take::take_context, take::take_submit,
        join::join_context, join::join_read, join::join_look, join::join_file, join::join_submit,
        restore::restore_context, restore::restore_submit,
        words::words_context, words::words_submit,
        token::token_context, token::token_copy, token::token_copy_ci, token::token_save,
        approve::approve_context, approve::approve_next, approve::approve_once,
        approve::approve_task, approve::approve_deny,
        faketoken::faketoken_context, faketoken::faketoken_copy,
        faketoken::faketoken_copy_variables,
        operator::operator_context,
    }
}

/// Writes what `ui/src/ipc/bindings.ts` has to be to `file`. Secure windows have no bindings: their
/// pages are written by hand.
#[cfg(feature = "bindings")]
pub fn write_bindings(file: &std::path::Path) -> Result<(), specta_typescript::Error> {
    let language = specta_typescript::Typescript::default().header(
        "// Written from the commands of the shell, by: UPDATE_BINDINGS=1 cargo test --features bindings --test bindings\n",
    );
    tauri_specta::Builder::<tauri::Wry>::new()
        .commands(collect())
        .events(crate::events::collect())
        // Times in milliseconds stay exact in a double until the year 287396.
        .dangerously_cast_bigints_to_number()
        // Types go one way only, so one form of each is enough.
        .disable_serde_phases()
        .export(language, file)
}
