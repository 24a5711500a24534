//! The environment of an agent: what the broker gives, and of a person's own only what is named.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use strongroom_core::variable::TOKEN;

/// What every program needs and no secret hides in. `XDG_RUNTIME_DIR` is left out on purpose: the
/// keyring and other sessions' sockets are there.
const KEPT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PWD",
    "TMPDIR",
    "TZ",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "LANG",
    "LANGUAGE",
];

/// Beginnings of such names.
const KEPT_BEGINNINGS: &[&str] = &["LC_"];

/// The variables of a command, in the order in which the later ones win: those of this process that
/// are kept, the broker's, and the names of the file with the session's certificate.
pub(super) fn build(
    own: impl Iterator<Item = (OsString, OsString)>,
    keep: &[String],
    given: Vec<(String, String)>,
    ca_variables: &[String],
    ca: &Path,
) -> Vec<(OsString, OsString)> {
    let mut all: Vec<(OsString, OsString)> = own.filter(|(name, _)| is_kept(name, keep)).collect();
    all.extend(given.into_iter().map(|(name, value)| (name.into(), value.into())));
    all.extend(ca_variables.iter().map(|name| (name.into(), ca.into())));
    all
}

fn is_kept(name: &OsStr, keep: &[String]) -> bool {
    let Some(name) = name.to_str() else { return false };
    name != TOKEN
        && (KEPT.contains(&name)
            || KEPT_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
            || keep.iter().any(|kept| kept == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(own: &[(&str, &str)], keep: &[&str]) -> Vec<(String, String)> {
        let own = own.iter().map(|(name, value)| (name.into(), value.into()));
        let keep: Vec<String> = keep.iter().map(|&name| name.to_owned()).collect();
        let given = vec![("OPENAI_API_KEY".to_owned(), "srf_openai_x".to_owned())];
        let ca_variables = ["SSL_CERT_FILE".to_owned()];
        build(own, &keep, given, &ca_variables, Path::new("/run/ca.pem"))
            .into_iter()
            .map(|(name, value)| (name.into_string().unwrap(), value.into_string().unwrap()))
            .collect()
    }

    #[test]
    fn of_a_persons_variables_only_those_that_are_named_go_on() {
        let own = [
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("AWS_SECRET_ACCESS_KEY", "canary"),
            ("OPENAI_API_KEY", "canary"),
            ("XDG_RUNTIME_DIR", "/run/user/1"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1/bus"),
            ("SSH_AUTH_SOCK", "/run/user/1/ssh"),
            ("LD_PRELOAD", "/tmp/x.so"),
            ("EDITOR", "vi"),
        ];
        let all = built(&own, &["EDITOR"]);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["PATH", "LC_ALL", "EDITOR", "OPENAI_API_KEY", "SSL_CERT_FILE"]);
        assert!(!all.iter().any(|(_, value)| value.contains("canary")));
    }

    #[test]
    fn a_kept_name_does_not_win_over_the_brokers_and_the_token_is_never_kept() {
        let own = [("OPENAI_API_KEY", "canary"), ("STRONGROOM_TOKEN", "canary")];
        let all = built(&own, &["OPENAI_API_KEY", "STRONGROOM_TOKEN"]);
        let last = all.iter().rev().find(|(name, _)| name == "OPENAI_API_KEY").unwrap();
        assert_eq!(last.1, "srf_openai_x");
        assert!(!all.iter().any(|(name, _)| name == "STRONGROOM_TOKEN"));
    }
}
