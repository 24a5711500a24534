//! The stand-alone server, as an operator starts it.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::wait;

/// A running `strongroom-server` with an empty database.
pub(crate) struct Server {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    /// Starts it on a free port of the loopback. It is built with the rest of the workspace.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let port = free_port();
        let config = folder.path().join("server.toml");
        let data = folder.path().join("data");
        let text = format!(
            "data_dir = {:?}\nbind = \"127.0.0.1:{port}\"\nregistration = \"invited\"\n",
            data.display().to_string()
        );
        fs::write(&config, text).expect("the folder can be written");
        Self::run(&config, port, folder)
    }

    /// Starts it with a file that was written elsewhere and says to listen on this port.
    pub(crate) fn of(config: &Path, port: u16) -> Self {
        Self::run(config, port, tempfile::tempdir().expect("a folder for temporary files"))
    }

    fn run(config: &Path, port: u16, folder: TempDir) -> Self {
        let log = fs::File::create(folder.path().join("log")).expect("the folder can be written");
        let process = Command::new(beside_the_app("strongroom-server"))
            .arg("--config")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("strongroom-server is built: cargo build --package strongroom-server");
        wait("the server", || TcpStream::connect(("127.0.0.1", port)).ok());
        Self { process, port, folder }
    }

    /// What people type.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The code that the operator gives to whoever makes the first account.
    pub(crate) fn founder_code(&self) -> String {
        let file = self.data().join("founder-code");
        wait("the founder code", || {
            let code = fs::read_to_string(&file).ok()?;
            Some(code.trim().to_owned()).filter(|code| !code.is_empty())
        })
    }

    /// The folder of its database and keys.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program of this workspace, which cargo puts into the same folder.
pub(crate) fn beside_the_app(program: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_BIN_EXE_strongroom-desktop")).with_file_name(program)
}

pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}
