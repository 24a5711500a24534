//! The operator code, from the keyboard and nowhere else.
//!
//! It is read from the terminal itself, never from an argument, a variable or a pipe: those can be
//! seen or filled by others.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use strongroom_secret::SecretBytes;

use crate::exit::Failure;

/// The longest code, in bytes.
const MAX: usize = 256;

/// Asks, without showing what is typed.
pub(super) fn operator_code() -> Result<SecretBytes, Failure> {
    let no_terminal = || {
        Failure::usage(
            "there is no terminal to type the operator code at; use another one, or the window",
        )
    };
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
    let terminal = terminal.map_err(|_| no_terminal())?;
    let mut hidden = Hidden::new(terminal).map_err(|_| no_terminal())?;
    let read = hidden.ask("Operator code: ");
    drop(hidden);
    match read {
        Ok(Some(code)) => Ok(code),
        Ok(None) => Err(Failure::usage("no code was typed; nothing was done")),
        Err(_) => Err(no_terminal()),
    }
}

/// A terminal that shows nothing that is typed and hands over every key; as before when dropped.
struct Hidden {
    terminal: File,
    before: Termios,
}

impl Hidden {
    fn new(terminal: File) -> nix::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut hidden = before.clone();
        // Without ISIG an interrupt is a key like others, and cannot leave the terminal mute.
        hidden.local_flags &= !(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG);
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &hidden)?;
        Ok(Self { terminal, before })
    }

    /// The line that is typed; `None` if it was broken off or is empty.
    fn ask(&mut self, question: &str) -> std::io::Result<Option<SecretBytes>> {
        self.terminal.write_all(question.as_bytes())?;
        let mut typed = Vec::with_capacity(MAX);
        let mut key = [0];
        let kept = loop {
            self.terminal.read_exact(&mut key)?;
            match key[0] {
                b'\r' | b'\n' => break true,
                0x03 | 0x04 | 0x1a | 0x1c => break false,
                0x7f | 0x08 => drop(typed.pop()),
                other if typed.len() < MAX => typed.push(other),
                _ => {}
            }
        };
        self.terminal.write_all(b"\n")?;
        let code = SecretBytes::from_vec(typed);
        Ok(Some(code).filter(|code| kept && !code.is_empty()))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // If this fails the terminal is gone.
        let _ = tcsetattr(&self.terminal, SetArg::TCSANOW, &self.before);
    }
}
