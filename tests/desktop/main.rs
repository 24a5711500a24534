//! The real window, driven over WebDriver. Run by scripts/test, on a private screen and bus.

#![cfg(target_os = "linux")]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends at the first surprise and says what it saw"
)]

mod support;

mod agents;
mod audit;
mod first_vault;
mod import;
mod links;
mod mishaps;
mod team;
mod welcome;
