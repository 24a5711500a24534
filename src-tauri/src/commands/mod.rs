//! The commands, one module for each noun. A command translates and nothing else: it asks the shell
//! or the vault and hands the answer on. Which window may call it stands in `src-tauri/permissions`
//! and `src-tauri/capabilities`.

pub mod access;
pub mod agents;
pub mod app;
pub mod audit;
pub mod env;
pub mod import;
pub mod insights;
pub mod members;
pub mod offboard;
pub mod org;
pub mod rotation;
pub mod secret;
pub mod secure;
pub mod server;
pub mod staged;
pub mod status;
pub mod tokens;
pub mod trust;
pub mod vault;
pub mod witness;

use tauri::State;

use crate::shell::Shell;

/// The managed state, as every command receives it.
pub(crate) type Managed<'a> = State<'a, Shell>;
