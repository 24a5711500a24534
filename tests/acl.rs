//! Which window may call which command. The table is committed, so that a wider one is seen in
//! review; and nothing that the main window receives may be able to carry a secret.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use strongroom_desktop::{
    ipc::{MAIN_COMMANDS, SECURE_COMMANDS},
    windows::{MAIN, Secure},
};
use toml::Table;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn tables(folder: &str) -> Vec<Table> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap().parse().unwrap()).collect()
}

fn texts(table: &Table, key: &str) -> Vec<String> {
    let list = table.get(key).and_then(|value| value.as_array()).cloned().unwrap_or_default();
    list.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The commands of each permission of our own.
fn permissions() -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for file in tables("src-tauri/permissions") {
        assert_eq!(file.keys().collect::<Vec<_>>(), ["permission"], "only single permissions");
        for permission in file["permission"].as_array().unwrap() {
            let permission = permission.as_table().unwrap();
            let name = permission["identifier"].as_str().unwrap().to_owned();
            let commands = permission["commands"].as_table().unwrap();
            assert_eq!(commands.keys().collect::<Vec<_>>(), ["allow"], "{name} only allows");
            let old = found.insert(name.clone(), texts(commands, "allow"));
            assert!(old.is_none(), "{name} is defined twice");
        }
    }
    found
}

/// The capabilities by window: one file, one window.
fn capabilities() -> BTreeMap<String, Table> {
    let mut found = BTreeMap::new();
    for capability in tables("src-tauri/capabilities") {
        let windows = texts(&capability, "windows");
        let [window] = windows.as_slice() else { panic!("one window for each file: {windows:?}") };
        assert_eq!(capability["identifier"].as_str().unwrap(), window);
        assert!(found.insert(window.clone(), capability).is_none(), "{window} has two files");
    }
    found
}

/// Every command with the windows that may call it.
fn grants() -> BTreeMap<String, BTreeSet<String>> {
    let permissions = permissions();
    let mut grants: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (window, capability) in capabilities() {
        for permission in texts(&capability, "permissions") {
            let commands =
                permissions.get(&permission).cloned().unwrap_or_else(|| vec![permission]);
            for command in commands {
                grants.entry(command).or_default().insert(window.clone());
            }
        }
    }
    grants
}

#[test]
fn the_table_of_windows_and_commands_is_the_committed_one() {
    let line = |(command, windows): (String, BTreeSet<String>)| {
        let windows: Vec<_> = windows.into_iter().collect();
        format!("{command:<28} {}\n", windows.join(" "))
    };
    let table: String = grants().into_iter().map(line).collect();
    let committed = root().join("tests/golden/acl.txt");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&committed, &table).unwrap();
    }
    let have = fs::read_to_string(committed).unwrap();
    assert!(have == table, "the table changed; if it should, run with UPDATE_GOLDEN=1:\n{table}");
}

#[test]
fn every_command_is_granted_to_its_window_and_to_no_other() {
    let grants = grants();
    for command in MAIN_COMMANDS {
        assert_eq!(grants[*command], BTreeSet::from([MAIN.to_owned()]), "{command}");
    }
    let secure: BTreeSet<String> =
        Secure::ALL.iter().map(|which| which.label().to_owned()).collect();
    for command in SECURE_COMMANDS {
        let windows = &grants[*command];
        if *command == "secure_close" {
            assert_eq!(*windows, secure);
        } else {
            let noun = command.split('_').next().unwrap().to_owned();
            assert_eq!(*windows, BTreeSet::from([noun]), "{command}");
        }
    }
    let known = MAIN_COMMANDS.len() + SECURE_COMMANDS.len() + 2;
    assert_eq!(grants.len(), known, "a permission names a command that does not exist");
}

#[test]
fn script_in_the_main_window_can_stage_and_never_sign() {
    let grants = grants();
    let main: BTreeSet<&str> = grants
        .iter()
        .filter(|(_, windows)| windows.contains(MAIN))
        .map(|(command, _)| command.as_str())
        .collect();
    // What it may call is the list of its own commands and two for events, and none of the others.
    let own: BTreeSet<&str> = MAIN_COMMANDS.iter().copied().collect();
    let rest: Vec<_> = main.difference(&own).collect();
    assert_eq!(rest, [&"core:event:allow-listen", &"core:event:allow-unlisten"]);
    for command in SECURE_COMMANDS {
        assert!(!main.contains(command), "{command}");
    }
    // The window that signs may do that and close itself, and is the only one that may.
    let signs = |(command, windows): (&String, &BTreeSet<String>)| {
        (windows.contains(Secure::Sign.label())).then(|| command.clone())
    };
    let of_sign: Vec<String> = grants.iter().filter_map(signs).collect();
    assert_eq!(of_sign, ["secure_close", "sign_context", "sign_submit"]);
    assert_eq!(grants["sign_submit"], BTreeSet::from([Secure::Sign.label().to_owned()]));
}

/// What signs what changes who can read, hands out a code, vouches for a key, or answers an agent.
const GUARDED: &[&str] = &[
    ".propose(",
    ".propose_new_log(",
    ".propose_retention(",
    ".sign(",
    ".invite_code(",
    ".invite_take(",
    ".words_with(",
    ".mark_words(",
    ".make_fake(",
    ".operator_code(",
    "ToBroker::Answer",
    "client::look(",
    "client::Joining",
    "client::Restore",
];

/// The files that may call them: each of their functions asks for a `SecureWindow`.
const GUARDS: &[&str] =
    &["desk/signing.rs", "desk/joining.rs", "desk/answering.rs", "desk/fakes.rs"];

#[test]
fn no_path_leads_from_a_command_of_the_main_window_to_a_signature() {
    let sources = sources("src-tauri/src");
    // A `SecureWindow` is made in one place, and asked for by the commands of secure windows only.
    for (file, text) in &sources {
        if !file.starts_with("commands/secure/") {
            assert!(!text.contains("SecureWindow::of"), "{file} makes a SecureWindow");
        }
        if file != "commands/secure/mod.rs" {
            assert!(!text.contains("SecureWindow("), "{file} makes a SecureWindow");
        }
    }
    // What is guarded stands in two files, and each of their functions that others may call asks
    // for the proof.
    for guard in GUARDS {
        let open = open_functions(&sources[*guard]);
        assert!(!open.is_empty(), "{guard}");
        for function in open {
            assert!(function.contains("&SecureWindow"), "{guard}: {function}");
        }
    }
    // Nobody in the shell holds the pen itself.
    for (file, text) in &sources {
        for tool in ["pen::", "Pen<", "Plan::", "carry_out", ".admit("] {
            assert!(!text.contains(tool), "{file} has {tool}");
        }
    }
    for (file, text) in &sources {
        for call in GUARDED.iter().filter(|_| !GUARDS.contains(&file.as_str())) {
            for line in text.lines().filter(|line| line.contains(call)) {
                let handed_on = file.starts_with("commands/secure/") && line.contains("(&by,");
                assert!(handed_on, "{file} has {call}: {line}");
            }
        }
    }
    for call in GUARDED {
        assert!(GUARDS.iter().any(|guard| sources[*guard].contains(call)), "nobody uses {call}");
    }
    // The search for functions finds what it should find.
    let text =
        "    pub async fn a(\n        &self,\n    ) {}\n    fn b() {}\n    pub(super) fn c() {}";
    assert_eq!(open_functions(text), ["pub async fn a( &self, )", "pub(super) fn c()"]);
}

/// Every source file below `folder` by its name from there, without its tests.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let root = root().join(folder);
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
            found.insert(name, text);
        }
    }
    found
}

/// The heads of all functions that other modules may call, each up to its body.
fn open_functions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("pub") {
        let head = text[at..].split('{').next().unwrap();
        let first = head.lines().next().unwrap();
        if first.contains(" fn ") {
            found.push(head.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    found
}

#[test]
fn the_plugins_give_the_main_window_two_event_commands_and_the_others_nothing() {
    let own = permissions();
    for (window, capability) in capabilities() {
        let foreign: Vec<String> = texts(&capability, "permissions")
            .into_iter()
            .filter(|permission| !own.contains_key(permission))
            .collect();
        let allowed: &[&str] = if window == MAIN {
            &["core:event:allow-listen", "core:event:allow-unlisten"]
        } else {
            &[]
        };
        assert_eq!(foreign, allowed, "{window}");
    }
}

#[test]
fn capabilities_are_local_and_name_their_window_without_a_pattern() {
    for (window, capability) in capabilities() {
        assert!(!window.contains(['*', '?', '[']), "{window}");
        assert_eq!(capability["local"].as_bool(), Some(true), "{window}");
        for key in ["remote", "webviews", "platforms"] {
            assert!(!capability.contains_key(key), "{window} has {key}");
        }
    }
}

#[test]
fn no_plugin_for_files_network_processes_or_storage_is_linked() {
    let lock: Table = fs::read_to_string(root().join("Cargo.lock")).unwrap().parse().unwrap();
    let mut plugins = BTreeSet::new();
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        if let Some(plugin) = name.strip_prefix("tauri-plugin-") {
            plugins.insert(plugin.to_owned());
        }
    }
    // `tauri-plugin` itself is the build-time support of the others; `fs` holds the path type of
    // the dialog. Neither is registered, and no window has a permission for it.
    let expected = ["deep-link", "dialog", "fs", "single-instance"].map(String::from);
    assert_eq!(plugins, BTreeSet::from(expected));
    let start = fs::read_to_string(root().join("src-tauri/src/start.rs")).unwrap();
    let registered: Vec<&str> =
        start.lines().filter(|line| line.contains(".plugin(")).map(str::trim).collect();
    assert_eq!(registered.len(), 3, "{registered:?}");
    for (plugin, line) in ["single_instance", "deep_link", "dialog"].iter().zip(&registered) {
        assert!(line.contains(plugin), "{line}");
    }
}

#[test]
fn the_configuration_keeps_the_page_inside() {
    let text = fs::read_to_string(root().join("tauri.conf.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&text).unwrap();
    let app = &config["app"];
    assert_eq!(app["withGlobalTauri"], false);
    assert_eq!(app["security"]["freezePrototype"], true);
    assert_eq!(app["windows"].as_array().unwrap().len(), 0, "windows are opened by Rust, guarded");
    for key in ["dangerousDisableAssetCspModification", "assetProtocol", "devCsp", "capabilities"] {
        assert!(app["security"].get(key).is_none(), "{key}");
    }
    let csp = app["security"]["csp"].as_str().unwrap();
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src ipc: http://ipc.localhost",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ] {
        assert!(csp.split("; ").any(|have| have == rule), "{rule} is missing in {csp}");
    }
    assert!(!csp.contains("unsafe"), "{csp}");
    assert!(!csp.contains('*'), "{csp}");
}

#[test]
fn nothing_that_the_main_window_receives_can_carry_a_secret() {
    let bindings = fs::read_to_string(root().join("ui/src/ipc/bindings.ts")).unwrap();
    let types = bindings.split_once("\n/* Types */").unwrap().1;
    for field in fields(types) {
        assert!(
            !SECRET_FIELDS.contains(&field.as_str()),
            "a view of the main window has `{field}`"
        );
    }
    for command in SECURE_COMMANDS {
        assert!(!bindings.contains(&format!("\"{command}\"")), "{command} is in the main bindings");
    }
    // The search above finds what it should find.
    let planted = fields("export type X = {\n\tname: string,\n\tvalue: string | null,\n};");
    assert_eq!(planted, ["name", "value"]);
}

/// Field names that could only mean a secret, its words or its key.
const SECRET_FIELDS: &[&str] = &[
    "value",
    "plaintext",
    "secret",
    "secretKey",
    "passphrase",
    "password",
    "words",
    "key",
    "dek",
    "qrSvg",
    "kit",
    "token",
    "bearer",
    "credential",
    "inviteCode",
    "joinCode",
    "codeWords",
    "six",
    "sixWords",
];

/// The names of all fields in the types of a TypeScript file.
fn fields(types: &str) -> Vec<String> {
    let mut found = Vec::new();
    for piece in types.split(['\n', '{', ',', ';']) {
        let piece = piece.trim();
        if piece.starts_with(['*', '/']) {
            continue;
        }
        if let Some((name, _)) = piece.split_once(':') {
            let name = name.trim().trim_end_matches('?').trim_matches('"');
            if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                found.push(name.to_owned());
            }
        }
    }
    found
}
