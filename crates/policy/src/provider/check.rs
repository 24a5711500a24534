//! Whether a provider means something, and is within bounds.

use super::{EnvValue, EnvVar, Place, Provider, Shape};
use crate::document::{Checked, MAX_LIST, PolicyError};
use crate::secret::{Auth, check_header};
use crate::target::Scheme;

impl Provider {
    /// [`Self::check`], and what a provider that a policy defines may not do.
    pub(crate) fn check_defined(&self) -> Result<(), PolicyError> {
        self.check()?;
        let harmful =
            |var: &EnvVar| NOT_FOR_PROVIDERS.iter().any(|name| var.name.starts_with(name));
        Checked::part(format!("provider {}, variables", self.id)).require(
            !self.env.iter().any(harmful),
            "a provider sets no variable that decides what a program runs or whom it trusts",
        )
    }

    /// Whether every part means something and is within bounds.
    pub fn check(&self) -> Result<(), PolicyError> {
        let part = Checked::part(format!("provider {}", self.id));
        part.id(&self.id)?;
        part.name(&self.name)?;
        part.places(&self.hosts, &self.ports, &self.methods, &self.paths)?;
        part.require(self.is_at(&self.base), "its base is one of its hosts and ports")?;
        let private = self.private || self.base.scheme == Scheme::Https;
        part.require(private, "only a private provider is spoken to without TLS")?;
        self.auth.check(&part, &self.hosts)?;
        self.shape.check(&part)?;
        part.inner("mints").count(self.mints.len(), MAX_LIST)?;
        part.inner("variables").count(self.env.len(), MAX_LIST)?;
        self.env.iter().try_for_each(|var| var.check(&part))?;
        part.inner("effects").count(self.effects.len(), MAX_LIST)?;
        self.effects.iter().try_for_each(|effect| effect.check(&part))?;
        part.inner("capabilities").count(self.capabilities.len(), MAX_LIST)?;
        for capability in &self.capabilities {
            let part = part.inner(&capability.id);
            part.id(&capability.id)?;
            part.name(&capability.title)?;
            part.count(capability.calls.len(), MAX_LIST)?;
            for calls in &capability.calls {
                part.places(&calls.hosts, &[], &calls.methods, &calls.paths)?;
            }
        }
        part.inner("places").count(self.agent_sends.len(), MAX_LIST)?;
        self.agent_sends.iter().try_for_each(|place| place.check(&part))
    }
}

impl Shape {
    fn check(&self, part: &Checked) -> Result<(), PolicyError> {
        let Self::Prefix { text } = self else { return Ok(()) };
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        let sound = text.len() <= 32 && text.bytes().all(known) && !text.contains("srf_");
        part.inner("shape").require(sound, "at most 32 letters, digits, and - _ . :")
    }
}

/// Variables that decide which code a program runs, whom it trusts or where it connects, by the
/// beginning of their names. A provider that a policy defines sets none of them.
const NOT_FOR_PROVIDERS: [&str; 22] = [
    "ALL_PROXY",
    "BASH_",
    "CURL_",
    "DENO_",
    "DYLD_",
    "ENV",
    "GIT_",
    "HOME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "IFS",
    "JAVA_",
    "LD_",
    "NODE_",
    "NO_PROXY",
    "NPM_",
    "PATH",
    "PERL",
    "PYTHON",
    "RUBY",
    "SHELL",
    "SSL_",
];

impl EnvVar {
    fn check(&self, part: &Checked) -> Result<(), PolicyError> {
        let part = part.inner("variables");
        let known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let sound = (1..=MAX_LIST).contains(&self.name.len())
            && self.name.bytes().all(known)
            && !self.name.starts_with(|first: char| first.is_ascii_digit());
        part.require(sound, "a variable has upper-case letters, digits and _")?;
        let text = match &self.value {
            EnvValue::Token => "",
            EnvValue::BaseUrl { suffix: text } | EnvValue::Literal { text } => text,
        };
        let plain = text.len() <= 256 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        part.require(plain, "at most 256 plain characters")
    }
}

impl Place {
    fn check(&self, part: &Checked) -> Result<(), PolicyError> {
        let part = part.inner("places");
        match self {
            Self::Header { name } => check_header(&part, name),
            Self::Authorization { scheme: text } | Self::Query { name: text } => {
                let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                let sound = (1..=MAX_LIST).contains(&text.len()) && text.bytes().all(known);
                part.require(sound, "a scheme or parameter is a word")
            }
            Self::BasicPassword { user } => Auth::Basic { user: user.clone() }.check(&part, &[]),
            Self::Path | Self::SecurityToken => Ok(()),
        }
    }
}
