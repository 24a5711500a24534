//! `broker.toml`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use strongroom_core::lock_file::{Lock, LockError};
use strongroom_format::id::{AgentId, EnvId};
use strongroom_legacy::Recipient;
use strongroom_policy::{AgentPolicy, PolicyError};
use thiserror::Error;

use crate::gateway::LegacyToken;
use crate::running::PORT;

/// The largest file that is read, in bytes: policies of hundreds of agents fit.
const MAX_FILE: u64 = 4 << 20;

/// Why the file is not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{}: {source}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is larger than any such file.
    #[error("{}: too large", .0.display())]
    TooLarge(PathBuf),
    /// Others may write it, and so could give themselves what they like.
    #[error("{}: others may write it; chmod go-w it, and its owner must be this user", .0.display())]
    Writable(PathBuf),
    /// It is no such file.
    #[error("{0}")]
    Syntax(String),
    /// The lock file.
    #[error("lock file: {0}")]
    Lock(#[from] LockError),
    /// The policy of an agent.
    #[error("the policy of the agent {name:?}: {source}")]
    Policy {
        /// Whose.
        name: String,
        /// What is wrong.
        source: PolicyError,
    },
    /// A token for clients of the older service.
    #[error("the token {0:?}: its key is no public key; copy the block that `mint` wrote")]
    Legacy(String),
    /// Two agents with one id or one name.
    #[error("two agents are called {0:?}, or have one id")]
    Twice(String),
}

/// What a headless broker begins with.
#[derive(Debug)]
pub struct Settings {
    /// The organisation, and how far it had come.
    pub lock: Lock,
    /// The folder of the journal.
    pub state: PathBuf,
    /// The port of 127.0.0.1.
    pub port: u16,
    /// The socket for a person's commands; `None` for the usual place.
    pub socket: Option<PathBuf>,
    /// The agents.
    pub agents: Vec<AgentSettings>,
    /// The tokens for clients of the older service.
    pub legacy: Vec<LegacyToken>,
}

/// One agent, as this machine's file has it.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    /// Its id, from the Agents page: the chain says whether it lives.
    pub id: AgentId,
    /// What commands call it.
    pub name: String,
    /// The person who answers for it.
    pub responsible: String,
    /// What it may do.
    pub policy: AgentPolicy,
}

/// The file as it is written. Paths are relative to its folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    lock: PathBuf,
    state: PathBuf,
    port: Option<u16>,
    socket: Option<PathBuf>,
    #[serde(default)]
    agent: Vec<AgentDocument>,
    #[serde(default)]
    legacy: Vec<LegacyToken>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentDocument {
    id: AgentId,
    name: String,
    responsible: String,
    /// The policy as the Agents page shows it, in JSON.
    policy: String,
}

impl Settings {
    /// Reads the file and the lock file that it names.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let document: Document = toml::from_str(&text(path)?)
            .map_err(|error| ConfigError::Syntax(format!("{}: {error}", path.display())))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let lock = Lock::parse(&text(&folder.join(&document.lock))?)?;
        let agents = document.agent.into_iter().map(AgentSettings::read);
        let agents: Vec<AgentSettings> = agents.collect::<Result<_, _>>()?;
        require_distinct(&agents)?;
        let unusable = |token: &&LegacyToken| Recipient::from_jwk(&token.key).is_err();
        if let Some(token) = document.legacy.iter().find(unusable) {
            return Err(ConfigError::Legacy(token.id.clone()));
        }
        Ok(Self {
            lock,
            state: folder.join(document.state),
            port: document.port.unwrap_or(PORT),
            socket: document.socket.map(|socket| folder.join(socket)),
            agents,
            legacy: document.legacy,
        })
    }

    /// The environments whose secrets the policies name, or that a token is bound to, rising.
    pub(super) fn envs(&self) -> BTreeSet<EnvId> {
        let rules = self.agents.iter().flat_map(|agent| &agent.policy.rules);
        let named = rules.flat_map(|rule| &rule.secrets).map(|at| at.env);
        named.chain(self.legacy.iter().map(|token| token.env)).collect()
    }
}

impl AgentSettings {
    fn read(document: AgentDocument) -> Result<Self, ConfigError> {
        let AgentDocument { id, name, responsible, policy } = document;
        match AgentPolicy::parse(policy.trim().as_bytes()) {
            Ok(policy) => Ok(Self { id, name, responsible, policy }),
            Err(source) => Err(ConfigError::Policy { name, source }),
        }
    }
}

fn require_distinct(agents: &[AgentSettings]) -> Result<(), ConfigError> {
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    let twice = agents.iter().find(|agent| !(ids.insert(agent.id) & names.insert(&agent.name)));
    twice.map_or(Ok(()), |agent| Err(ConfigError::Twice(agent.name.clone())))
}

fn text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let found = fs::metadata(path).map_err(unreadable)?;
    if found.len() > MAX_FILE {
        return Err(ConfigError::TooLarge(path.to_owned()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let is_mine = [0, nix::unistd::geteuid().as_raw()].contains(&found.uid());
        if !is_mine || found.permissions().mode() & 0o022 != 0 {
            return Err(ConfigError::Writable(path.to_owned()));
        }
    }
    fs::read_to_string(path).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn policy() -> String {
        String::from_utf8(AgentPolicy::nothing().encode()).unwrap()
    }

    fn agent(id: u8, name: &str) -> String {
        format!(
            "[[agent]]\nid = \"{}\"\nname = \"{name}\"\nresponsible = \"Ada\"\npolicy = '''\n{}\n'''\n",
            AgentId([id; 16]),
            policy()
        )
    }

    fn read(document: &str) -> Result<Settings, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            path
        };
        let org = strongroom_format::id::OrgId([3; 32]);
        write("strongroom.lock", &Lock::begin("https://vault.example", org).text());
        Settings::read(&write("broker.toml", document))
    }

    const TOP: &str = "lock = \"strongroom.lock\"\nstate = \"state\"\n";

    #[test]
    fn a_file_says_where_the_organisation_is_and_what_agents_may_do() {
        let settings = read(&format!("{TOP}{}{}", agent(1, "one"), agent(2, "two"))).unwrap();
        assert_eq!(settings.port, PORT);
        assert!(settings.state.ends_with("state") && settings.state.is_absolute());
        assert_eq!(settings.agents.len(), 2);
        assert!(settings.envs().is_empty());
    }

    #[test]
    fn what_is_not_exactly_such_a_file_is_refused() {
        let one = agent(1, "one");
        for (bad, why) in [
            (format!("{TOP}colour = \"red\"\n"), "unknown"),
            (format!("{TOP}{one}{}", agent(1, "two")), "an id twice"),
            (format!("{TOP}{one}{}", agent(2, "one")), "a name twice"),
            (format!("{TOP}{}", one.replace("\"rules\":[]", "\"rules\":[],\"x\":1")), "policy"),
            (format!("{TOP}{}", one.replace("responsible", "owner")), "agent"),
            ("lock = \"nowhere.lock\"\nstate = \"s\"\n".to_owned(), "no lock file"),
            (String::new(), "nothing"),
        ] {
            assert!(read(&bad).is_err(), "{why}");
        }
    }

    #[test]
    fn a_token_for_older_clients_names_its_environment_and_has_a_public_key() {
        let env = EnvId([7; 16]);
        let mut entropy = strongroom_crypto::safe::OsEntropy;
        let fill = |out: &mut [u8]| strongroom_crypto::safe::Entropy::fill(&mut entropy, out);
        let token = LegacyToken::of(&strongroom_legacy::Token::mint(fill).unwrap(), env);
        let block = format!("[[legacy]]\n{}", toml::to_string(&token).unwrap());
        let settings = read(&format!("{TOP}{block}")).unwrap();
        assert_eq!((settings.legacy, settings.agents.len()), (vec![token], 0));
        let broken = read(&format!("{TOP}{}", block.replace("P-256", "P-384")));
        assert!(matches!(broken, Err(ConfigError::Legacy(_))));
    }

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broker.toml");
        fs::write(&path, TOP).unwrap();
        for mode in [0o666, 0o620, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(Settings::read(&path), Err(ConfigError::Writable(_))), "{mode:o}");
        }
    }
}
