//! How the verifiers say no.
//!
//! Every check goes through one of these two functions, so that one check at a time can be taken
//! away and the tests can show that somebody notices (docs/adr/0013-planted-faults.md). Without the
//! feature `danger-planted-faults` they are nothing but their condition.

#[cfg(feature = "danger-planted-faults")]
mod planted {
    use std::panic::Location;
    use std::sync::OnceLock;

    #[cfg(not(debug_assertions))]
    compile_error!("a build that can leave out a check must never be released");

    /// Which check is left out: `crates/chain/src/rules.rs:31:5`.
    const SWITCH: &str = "STRONGROOM_FAULT";
    static CHOICE: OnceLock<Option<String>> = OnceLock::new();

    pub(super) fn is_left_out(at: &Location<'_>) -> bool {
        let choice = CHOICE.get_or_init(|| std::env::var(SWITCH).ok());
        choice.as_ref().is_some_and(|choice| *choice == at.to_string())
    }
}

/// `error` unless `condition` holds.
#[cfg_attr(feature = "danger-planted-faults", track_caller)]
pub fn require<E>(condition: bool, error: E) -> Result<(), E> {
    if holds(condition) { Ok(()) } else { Err(error) }
}

/// The condition itself: one check where several are joined.
#[cfg_attr(feature = "danger-planted-faults", track_caller)]
pub fn holds(condition: bool) -> bool {
    #[cfg(feature = "danger-planted-faults")]
    return condition || planted::is_left_out(std::panic::Location::caller());
    #[cfg(not(feature = "danger-planted-faults"))]
    condition
}
