//! Argon2id with the costs of profile 1, beside the reference program.

use std::io::Write as _;
use std::process::{Command, Stdio};

use strongroom_crypto::safe::{Auk, KeysetParams, OsEntropy, Profile, SecretKey};
use strongroom_format::id::UserId;
use strongroom_secret::{Passphrase, SecretText};

use crate::Failure;
use crate::measure::{Clock, Rounds, Took, elsewhere, here};
use crate::table::{Bar, Row};

const ROUNDS: usize = 15;
const PASSPHRASE: &str = "correct horse battery staple";

/// CPU and wall time of one derivation.
pub(crate) fn rows() -> Result<Vec<Row>, Failure> {
    if Command::new("argon2").arg("-h").output().is_err() {
        let missing = "not measured: install the package argon2".to_owned();
        return Ok(vec![Row::stated("Argon2id profile 1", missing)]);
    }
    let entropy = &mut OsEntropy;
    let secret_key = SecretKey::make(entropy)?;
    let params = KeysetParams::make(UserId([7; 16]), 1, Profile::Standard, entropy)?;
    let passphrase = Passphrase::new(SecretText::from_string(PASSPHRASE.to_owned()))?;
    let ours = || here(|| Ok(Auk::derive(&passphrase, &secret_key, &params)?));
    let rounds = Rounds::run(ROUNDS, ours, reference)?;
    Ok([Clock::Cpu, Clock::Wall]
        .map(|clock| {
            let what = "Argon2id profile 1 / argon2 tool";
            Row::compared(what, &rounds, clock, Bar::Times(1.3))
        })
        .into())
}

fn reference() -> Result<Took, Failure> {
    let cost = ["-id", "-t", "3", "-m", "16", "-p", "4", "-l", "32", "-r"];
    elsewhere(|| {
        let mut tool = Command::new("argon2")
            .arg("saltsaltsaltsalt")
            .args(cost)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let mut stdin = tool.stdin.take().ok_or("no way to the tool")?;
        stdin.write_all(PASSPHRASE.as_bytes())?;
        drop(stdin);
        if tool.wait()?.success() { Ok(()) } else { Err("the argon2 tool failed".into()) }
    })
}
