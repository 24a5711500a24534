//! The arrows between the crates: what each may know, and what it must never be able to link.
//!
//! A crate exists where a prohibition has to hold. These tests are the prohibitions.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// What each package may use of the others in a build that is shipped. A package that is not here
/// fails the test: decide its arrows first.
const ARROWS: &[(&str, &[&str])] = &[
    ("secret", &[]),
    ("format", &[]),
    ("chain", &["format"]),
    ("crypto", &["format", "secret"]),
    ("policy", &["format"]),
    ("scrub", &["secret"]),
    ("legacy", &["secret"]),
    ("control", &["format", "policy", "secret"]),
    ("core", &["chain", "crypto", "format", "policy", "secret"]),
    ("client", &["chain", "core", "crypto", "format", "policy", "secret"]),
    ("store", &["chain", "format"]),
    ("store-sqlite", &["chain", "format", "store"]),
    ("server", &["chain", "format", "store", "store-sqlite"]),
    // Core and format for the words of the views; the server because it is inside the program.
    // Measures all of it; no program links it.
    (
        "bench",
        &[
            "broker", "chain", "client", "control", "core", "crypto", "format", "policy", "secret",
            "server",
        ],
    ),
    ("desktop", &["client", "control", "core", "format", "policy", "secret", "server"]),
    // Values come to it through a narrow port of `client`, for one use.
    (
        "broker",
        &["client", "control", "core", "crypto", "format", "legacy", "policy", "scrub", "secret"],
    ),
    // `verify` judges with core alone; everything that talks to a server goes through client.
    ("cli", &["client", "control", "core", "format", "policy", "secret"]),
];

/// Packages that are part of no program: they may use whatever they test.
const TEST_SUPPORT: &[&str] = &["evil-server", "bench"];

/// What a package must not link, not even through others. A trailing `*` stands for any ending.
const NEVER: &[(&str, &[&str])] = &[
    ("secret", PURE),
    ("format", PURE),
    ("chain", PURE),
    ("crypto", PURE),
    ("core", PURE),
    ("policy", PURE),
    ("scrub", PURE),
    ("legacy", PURE),
    // It cannot open what it cannot link.
    ("server", &["strongroom-crypto", "strongroom-core", "strongroom-client", "aes-gcm", "hpke"]),
    ("store", &["strongroom-crypto", "strongroom-core", "strongroom-client"]),
];

/// No I/O, no clock of an executor, no network, no window.
const PURE: &[&str] =
    &["tokio", "reqwest", "hyper*", "axum*", "sqlx*", "tauri*", "keyring*", "arboard"];

/// What the shell must not use by itself: ciphers, SQL and HTTP are behind `client`.
const NOT_IN_THE_SHELL: &[&str] = &[
    "aes-gcm",
    "argon2",
    "axum*",
    "ed25519-dalek",
    "hkdf",
    "hpke",
    "hyper*",
    "reqwest",
    "ring",
    "rusqlite",
    "rustls*",
    "sha2",
    "sqlx*",
    "x25519-dalek",
    "keyring*",
    "arboard",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cargo(arguments: &[&str]) -> String {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(arguments)
        .args(["--offline"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The direct dependencies of every package of the workspace, without those of tests and builds.
fn direct() -> BTreeMap<String, BTreeSet<String>> {
    let text = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&text).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter().map(|package| {
        let used =
            package["dependencies"].as_array().unwrap().iter().filter(|one| one["kind"].is_null());
        let names = used.map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        (short(package["name"].as_str().unwrap()), names)
    });
    packages.collect()
}

fn short(name: &str) -> String {
    name.strip_prefix("strongroom-").unwrap_or(name).to_owned()
}

/// Everything that ends up in a build of `package`.
fn linked(package: &str) -> BTreeSet<String> {
    let name = format!("strongroom-{package}");
    let tree = cargo(&["tree", "-p", &name, "-e", "normal", "--prefix", "none", "-f", "{p}"]);
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn is_named(name: &str, patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *pattern,
    })
}

#[test]
fn every_arrow_between_the_crates_is_drawn() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for (package, uses) in direct() {
        if TEST_SUPPORT.contains(&package.as_str()) {
            continue;
        }
        let ours: BTreeSet<String> = uses
            .iter()
            .filter(|name| name.starts_with("strongroom-"))
            .map(|name| short(name))
            .collect();
        let Some(may) = allowed.get(package.as_str()) else { panic!("{package} has no arrows") };
        let extra: Vec<_> = ours.iter().filter(|name| !may.contains(&name.as_str())).collect();
        assert!(extra.is_empty(), "{package} may not use {extra:?}");
    }
}

#[test]
fn what_must_never_be_linked_is_not_linked() {
    for (package, never) in NEVER {
        let linked = linked(package);
        let found: Vec<_> = linked.iter().filter(|name| is_named(name, never)).collect();
        assert!(found.is_empty(), "{package} links {found:?}");
    }
}

#[test]
fn the_shell_has_no_cipher_no_sql_and_no_http_of_its_own() {
    let uses = &direct()["desktop"];
    let found: Vec<_> = uses.iter().filter(|name| is_named(name, NOT_IN_THE_SHELL)).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn the_liar_and_the_benchmarks_are_linked_by_no_program() {
    for (package, uses) in direct() {
        let support = TEST_SUPPORT.iter().find(|name| uses.contains(&format!("strongroom-{name}")));
        let is_support = TEST_SUPPORT.contains(&package.as_str());
        assert!(is_support || support.is_none(), "{package} uses {support:?}");
    }
}

#[test]
fn unsafe_code_is_in_one_module_only() {
    let mut sources = Vec::new();
    rust_files(&root().join("crates"), &mut sources);
    rust_files(&root().join("src-tauri"), &mut sources);
    assert!(sources.len() > 20, "the search found too little: {}", sources.len());
    let with_unsafe: Vec<_> = sources
        .iter()
        .filter(|file| {
            let text = fs::read_to_string(file).unwrap();
            text.lines().any(|line| {
                let code = line.split("//").next().unwrap();
                ["unsafe {", "unsafe fn", "unsafe impl"].iter().any(|word| code.contains(word))
            })
        })
        .map(|file| file.strip_prefix(root()).unwrap().display().to_string())
        .filter(|file| file != "crates/secret/src/hardening.rs")
        .collect();
    assert!(with_unsafe.is_empty(), "{with_unsafe:?}");

    for file in sources.iter().filter(|file| is_crate_root(file)) {
        let text = fs::read_to_string(file).unwrap();
        let forbids = text.contains("#![forbid(unsafe_code)]");
        let secret =
            file.ends_with("crates/secret/src/lib.rs") && text.contains("#![deny(unsafe_code)]");
        assert!(forbids || secret, "{} does not forbid unsafe code", file.display());
    }
}

fn is_crate_root(file: &Path) -> bool {
    file.ends_with("src/lib.rs") || file.ends_with("src/main.rs")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// Licences that may be part of the program. The same list stands in deny.toml.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "MIT",
    "MIT-0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "0BSD",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[test]
fn every_dependency_is_published() {
    let text = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let lock: toml::Table = text.parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    assert!(packages.len() > 100, "too few packages were looked at: {}", packages.len());
    for package in packages {
        let name = package["name"].as_str().unwrap();
        match package.get("source").and_then(toml::Value::as_str) {
            Some(source) => assert!(source.starts_with("registry+"), "{name} comes from {source}"),
            None => assert!(name.starts_with("strongroom-"), "{name} comes from a path"),
        }
    }
}

#[test]
fn every_dependency_has_a_licence_that_allows_it() {
    // Of this system only: the sources of the others are not here. cargo-deny looks at all of them.
    let host = host();
    let text = cargo(&["metadata", "--format-version", "1", "--filter-platform", &host]);
    let metadata: Value = serde_json::from_str(&text).unwrap();
    let mut seen = 0;
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(is_allowed(licence), "{name} is under {licence:?}");
        seen += 1;
    }
    assert!(seen > 100, "too few packages were looked at: {seen}");
    assert!(!is_allowed("GPL-3.0-only") && !is_allowed("MIT AND GPL-3.0-only") && !is_allowed(""));
}

fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// Whether one of the alternatives of an SPDX expression is allowed with all its parts. Reads the
/// forms that occur: parts joined by AND, alternatives by OR or `/`, no nesting but one pair of
/// brackets around alternatives.
fn is_allowed(licence: &str) -> bool {
    let licence = licence.replace('/', " OR ");
    let mut groups = vec![String::new()];
    let mut depth = 0;
    for word in licence.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        match word {
            "(" => depth += 1,
            ")" => depth -= 1,
            "AND" if depth == 0 && licence.contains('(') => groups.push(String::new()),
            _ => {
                let group = groups.last_mut().unwrap();
                group.push_str(word);
                group.push(' ');
            }
        }
    }
    let one = |part: &str| LICENCES.contains(&part.trim());
    let all = |alternative: &str| alternative.split(" AND ").all(one);
    groups.iter().all(|group| group.split(" OR ").any(all))
}
