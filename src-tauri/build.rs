//! Compiles the window configuration, the capabilities and the permissions into the binary.

use tauri_build::{AppManifest, Attributes};

fn main() {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=src-tauri/permissions");
    // With a manifest of its own permissions, Tauri refuses every command that no capability
    // grants. Without one it would check the commands of plug-ins only.
    let attributes = Attributes::new()
        .capabilities_path_pattern("src-tauri/capabilities/**/*.toml")
        .app_manifest(
            AppManifest::new().permissions_path_pattern("src-tauri/permissions/**/*.toml"),
        );
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:warning={error:#}");
        std::process::exit(1);
    }
    // Schemas for editors are written to the root; nothing in the build reads them.
    let _ = std::fs::remove_dir_all("gen");
}
