//! What crosses the border to the web view: types out end in `View` or `Row` and are only ever
//! serialized, types in are only ever parsed.
//!
//! Invariants: nothing outside [`secure`] can hold the value of a secret, a passphrase or a key;
//! `tests/acl.rs` reads the generated bindings and refuses any field that could. Times are
//! milliseconds since 1970, ids are texts, and both ends spell names in camelCase.

mod app;
mod env;
mod import;
mod org;
mod secret;
pub mod secure;
mod settings;
mod staged;
mod status;

pub use app::{AppView, KeyringState, LockReason, LockView, Phase, VaultView};
pub use env::{EnvClass, EnvRowView, EnvView, NewEnvironment};
pub use import::{ImportIssue, ImportIssueKind, ImportOp, ImportReport, ImportRow};
pub use org::{AppRowView, OrgRowView, OrgView, PersonView, Role};
pub use secret::{
    PaletteHit, PaletteView, ReaderRow, RowsQuery, RowsView, SecretDetail, SecretKind, SecretRow,
    SortKey, VersionRow,
};
pub use settings::{RowHeight, SettingsView, Theme};
pub use staged::{
    CommitOutcome, ConflictRow, Keep, StagedOp, StagedRow, StagedSummary, StagedWhat,
};
pub use status::{
    CopyView, ProgressKind, ProgressView, StatusView, StopCode, StopView, VerifyState,
};

/// Milliseconds since 1970-01-01 UTC, as the web view's clock counts them.
pub type Millis = i64;

/// A half-open range of UTF-16 units, as the web view indexes text.
pub type Span = (u32, u32);
