//! Names that change what a program loads or runs. Whoever may write a secret must not thereby run
//! code where it is used.

/// The variable that holds a service token.
pub const TOKEN: &str = "STRONGROOM_TOKEN";

/// Why a name does not go into an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It controls a loader, an interpreter, a shell or a tool.
    Control,
    /// Not a name that every shell and system takes.
    NoName,
    /// Our own: [`TOKEN`].
    Own,
}

/// Beginnings of such names, in upper case.
const BEGINNINGS: &[&str] = &[
    "LD_",
    "DYLD_",
    "_RLD",
    "BASH_FUNC_",
    "GIT_CONFIG",
    "GIT_TRACE",
    "NPM_CONFIG_",
    "CARGO_BUILD_",
    "CARGO_TARGET_",
    "CORECLR_",
    "COR_",
    "COMPLUS_",
    "MALLOC_",
    "GLIBC_",
    "XDG_",
];

/// Such names, in upper case.
const NAMES: &[&str] = &[
    // Shells and where they look
    "PATH",
    "PATHEXT",
    "COMSPEC",
    "SYSTEMROOT",
    "WINDIR",
    "SHELL",
    "HOME",
    "USERPROFILE",
    "IFS",
    "ENV",
    "BASH_ENV",
    "BASHOPTS",
    "SHELLOPTS",
    "ZDOTDIR",
    "FPATH",
    "CDPATH",
    "GLOBIGNORE",
    "PS4",
    "PROMPT_COMMAND",
    "PSMODULEPATH",
    "TMPDIR",
    "TEMP",
    "TMP",
    // Loaders and the C library
    "GCONV_PATH",
    "LOCPATH",
    "NLSPATH",
    "GETCONF_DIR",
    "HOSTALIASES",
    "LOCALDOMAIN",
    "RES_OPTIONS",
    "RESOLV_HOST_CONF",
    "NIS_PATH",
    "LIBPATH",
    "SHLIB_PATH",
    "TERMINFO",
    "TERMINFO_DIRS",
    "TERMCAP",
    // Interpreters and virtual machines
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_EXTRA_CA_CERTS",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "NODE_REPL_EXTERNAL_MODULE",
    "DENO_DIR",
    "BUN_INSTALL",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "PYTHONUSERBASE",
    "PYTHONEXECUTABLE",
    "PYTHONBREAKPOINT",
    "PYTHONWARNINGS",
    "PYTHONPYCACHEPREFIX",
    "PYTHONPLATLIBDIR",
    "PERL5LIB",
    "PERLLIB",
    "PERL5OPT",
    "PERL5DB",
    "RUBYLIB",
    "RUBYOPT",
    "RUBYSHELL",
    "GEM_HOME",
    "GEM_PATH",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "JAVA_HOME",
    "CLASSPATH",
    "MAVEN_OPTS",
    "GRADLE_OPTS",
    "SBT_OPTS",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "LUA_PATH",
    "LUA_CPATH",
    "LUA_INIT",
    "R_PROFILE",
    "R_ENVIRON",
    "TCLLIBPATH",
    "ERL_AFLAGS",
    "ERL_FLAGS",
    "ERL_LIBS",
    "DOTNET_STARTUP_HOOKS",
    "DOTNET_ADDITIONAL_DEPS",
    "DOTNET_SHARED_STORE",
    "DOTNET_ROOT",
    "GOFLAGS",
    "GOROOT",
    "GOPATH",
    "GOPROXY",
    "RUSTFLAGS",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "CARGO_HOME",
    "BUNDLE_GEMFILE",
    "BUNDLE_PATH",
    "BUNDLE_APP_CONFIG",
    "YARN_RC_FILENAME",
    "YARN_PLUGINS",
    "YARN_YARN_PATH",
    "PIP_CONFIG_FILE",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "UV_INDEX_URL",
    "MAKEFLAGS",
    "CC",
    "CXX",
    // Certificates and proxies: whoever sets them reads what is sent
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSLKEYLOGFILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    // Tools that run other tools
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_EXEC_PATH",
    "GIT_ASKPASS",
    "GIT_EDITOR",
    "GIT_SEQUENCE_EDITOR",
    "GIT_PAGER",
    "GIT_EXTERNAL_DIFF",
    "GIT_PROXY_COMMAND",
    "GIT_TEMPLATE_DIR",
    "GIT_DIR",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "MANPAGER",
    "LESSOPEN",
    "LESSCLOSE",
    "BROWSER",
    "WGETRC",
    "CURL_HOME",
    "DOCKER_CONFIG",
];

/// Why `name` does not go into an environment; `None` for the many that do. Case does not matter:
/// on some systems it does not, and nobody needs `path` beside `PATH`.
pub fn refusal(name: &str) -> Option<Refusal> {
    let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let begins = name.bytes().next().is_some_and(letter);
    if !begins || !name.bytes().all(|b| letter(b) || b.is_ascii_digit()) {
        return Some(Refusal::NoName);
    }
    let upper = name.to_ascii_uppercase();
    if upper == TOKEN {
        return Some(Refusal::Own);
    }
    let control = NAMES.contains(&upper.as_str())
        || BEGINNINGS.iter().any(|beginning| upper.starts_with(beginning));
    control.then_some(Refusal::Control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_load_or_run_code_are_refused_in_every_case() {
        let named = NAMES.iter().map(|&name| name.to_owned());
        let begun = BEGINNINGS.iter().map(|beginning| format!("{beginning}X"));
        let all: Vec<String> = named.chain(begun).collect();
        assert!(all.len() >= 60);
        for name in all {
            let mixed: String = name
                .char_indices()
                .map(|(at, c)| if at % 2 == 0 { c.to_ascii_lowercase() } else { c })
                .collect();
            for spelling in [name.clone(), name.to_lowercase(), mixed] {
                assert_eq!(refusal(&spelling), Some(Refusal::Control), "{spelling}");
            }
        }
    }

    #[test]
    fn what_the_known_attacks_used_is_in_the_list() {
        for name in [
            "LD_PRELOAD",
            "LD_AUDIT",
            "LD_LIBRARY_PATH",
            "DYLD_INSERT_LIBRARIES",
            "NODE_OPTIONS",
            "BASH_ENV",
            "PYTHONPATH",
            "GIT_SSH_COMMAND",
            "PATH",
            "Path",
            "PERL5OPT",
            "RUBYOPT",
            "JAVA_TOOL_OPTIONS",
            "https_proxy",
        ] {
            assert_eq!(refusal(name), Some(Refusal::Control), "{name}");
        }
    }

    #[test]
    fn names_of_secrets_go_in_and_what_is_no_name_does_not() {
        for name in
            ["DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "_X", "a1", "CARGO_REGISTRY_TOKEN", "PATHS"]
        {
            assert_eq!(refusal(name), None, "{name}");
        }
        for name in ["", "1A", "A-B", "A=B", "A B", "Ä", "A\0"] {
            assert_eq!(refusal(name), Some(Refusal::NoName), "{name:?}");
        }
        assert_eq!(refusal("strongroom_token"), Some(Refusal::Own));
    }
}
