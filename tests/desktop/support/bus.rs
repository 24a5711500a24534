//! A session bus and a keyring for a second person on the same screen.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A bus with a keyring on it, both ended with this value.
pub(super) struct Bus {
    address: String,
    daemon: Child,
    keyring: Child,
}

impl Bus {
    /// Starts both below `home`.
    pub(super) fn start(home: &Path) -> Self {
        for folder in ["run", "data", "config", "cache"] {
            fs::create_dir_all(home.join(folder)).expect("the home can be written");
        }
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus is installed");
        let mut address = String::new();
        let told = daemon.stdout.take().expect("a pipe");
        BufReader::new(told).read_line(&mut address).expect("the bus says where it is");
        let address = address.trim().to_owned();
        let keyring = start_keyring(home, &address);
        Self { address, daemon, keyring }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> String {
        self.address.clone()
    }
}

/// A keyring that is unlocked by a word on its standard input.
fn start_keyring(home: &Path, address: &str) -> Child {
    let mut keyring = Command::new("gnome-keyring-daemon")
        .args(["--foreground", "--unlock", "--components=secrets"])
        .arg(format!("--control-directory={}", home.join("run").display()))
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env_remove("GNOME_KEYRING_CONTROL")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("gnome-keyring is installed");
    let mut word = keyring.stdin.take().expect("a pipe");
    word.write_all(b"test\n").expect("the keyring reads its word");
    keyring
}

impl Drop for Bus {
    fn drop(&mut self) {
        for process in [&mut self.keyring, &mut self.daemon] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
