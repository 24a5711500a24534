//! The committed TypeScript bindings are the ones that the Rust commands have.

use std::{env, fs, path::Path};

#[test]
fn the_committed_bindings_are_the_commands_of_the_shell() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bindings.ts");
    strongroom_desktop::ipc::write_bindings(&file).unwrap();
    let fresh = fs::read_to_string(&file).unwrap();
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/ipc/bindings.ts");
    if env::var_os("UPDATE_BINDINGS").is_some() {
        fs::write(&committed, &fresh).unwrap();
    }
    let have = fs::read_to_string(&committed).unwrap();
    assert!(have == fresh, "run: UPDATE_BINDINGS=1 cargo test --features bindings --test bindings");
}
