//! What this computer is called.

/// The longest name shown, in characters.
const LONGEST: usize = 64;

/// The name that the system gives this computer.
pub(super) fn name() -> String {
    let told = if cfg!(windows) {
        std::env::var("COMPUTERNAME").ok()
    } else {
        // On Linux; elsewhere the file does not exist.
        std::fs::read_to_string("/proc/sys/kernel/hostname").ok()
    };
    readable(told.as_deref().unwrap_or_default())
}

fn readable(told: &str) -> String {
    let name: String =
        told.trim().chars().filter(|letter| !letter.is_control()).take(LONGEST).collect();
    if name.is_empty() { "this computer".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn a_computer_without_a_name_is_called_something() {
        assert_eq!(readable(""), "this computer");
        assert_eq!(readable(" \n"), "this computer");
    }

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(readable("mara-thinkpad\n"), "mara-thinkpad");
        assert_eq!(readable(&"x".repeat(300)).len(), 64);
    }
}
