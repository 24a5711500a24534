//! The one place where the shell reads the clock.

use std::time::UNIX_EPOCH;

use crate::view::Millis;

/// Milliseconds since 1970, by the computer's clock; 0 if it stands before that.
#[expect(clippy::disallowed_methods, reason = "everything else takes the time as an argument")]
pub fn now() -> Millis {
    std::time::SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|passed| Millis::try_from(passed.as_millis()).ok())
        .unwrap_or(0)
}
