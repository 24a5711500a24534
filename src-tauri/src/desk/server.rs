//! Team servers, before there is a vault on them.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use strongroom_client::{
    api::{Admission, Api, BadOrigin, Origin, TimeLimits},
    browser::{self, BrowserError},
    profile::ServerPlace,
    vault::{Task, TaskKind},
};
use strongroom_format::wire;

use super::{Desk, hold};
use crate::{
    error::{Answer, CommandError, SignInProblem},
    view::{BrowserSignIn, IssuerView, Registration, ServerView},
};

/// The longest text of a server that is shown, in characters.
const LONGEST: usize = 80;
/// The most providers that are shown.
const MOST_ISSUERS: usize = 20;

impl Desk {
    /// Asks a server who it is. Nothing but the question is sent.
    pub async fn server_look(&self, address: &str) -> Answer<ServerView> {
        // Whoever types a bare name means TLS.
        let typed = address.trim();
        let full =
            if typed.contains("://") { typed.to_owned() } else { format!("https://{typed}") };
        let origin: Origin = full.parse()?;
        let address = origin.as_str().to_owned();
        let api = Api::new(origin, TimeLimits::default())?;
        let info = api.server_info().await?;
        if info.origin != address {
            // Sign-ins are bound to the address, so nobody could ever sign in at this one.
            return Err(CommandError::WrongAddress { other: inert(&info.origin) });
        }
        Ok(view(address, &info))
    }

    /// Signs in at one of the server's providers through the system's browser, and remembers the
    /// token for a vault that is made there next. Ends when the person cancels.
    pub async fn server_sign_in(&self, address: &str, issuer: &str) -> Answer<BrowserSignIn> {
        let origin: Origin = address.parse()?;
        let address = origin.as_str().to_owned();
        let api = Api::new(origin, TimeLimits::default())?;
        let info = api.server_info().await?;
        let issuer = info
            .issuers
            .into_iter()
            .find(|known| inert(&known.issuer) == issuer)
            .ok_or(CommandError::NotFound)?;
        let task = Task::start(TaskKind::SignIn, 1, true, &self.inner);
        let cancel = task.switch();
        *hold(&self.signing_in) = Some((task.id().to_owned(), Arc::clone(&cancel)));
        let cancelled = async {
            while !cancel.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let token = tokio::select! {
            token = browser::sign_in(&issuer, browser::open_browser) => token?,
            () = cancelled => return Err(CommandError::Cancelled),
        };
        let admission = Admission::Issuer(token);
        let known = api.has_account(&admission).await?;
        *hold(&self.admitted) = Some((address, Arc::new(admission)));
        Ok(BrowserSignIn { known })
    }

    /// What the browser brought for the server at `place`, if it was this one.
    pub(super) fn admitted_to(&self, place: &ServerPlace) -> Option<Arc<Admission>> {
        let ServerPlace::Origin(wanted) = place else { return None };
        let admitted = hold(&self.admitted);
        let (address, admission) = admitted.as_ref()?;
        (address == wanted).then(|| Arc::clone(admission))
    }
}

impl From<BrowserError> for CommandError {
    fn from(error: BrowserError) -> Self {
        let problem = match error {
            BrowserError::Unsafe => SignInProblem::Unsafe,
            BrowserError::Denied => SignInProblem::Denied,
            BrowserError::TimedOut => SignInProblem::TimedOut,
            BrowserError::NoBrowser => SignInProblem::NoBrowser,
            _ => SignInProblem::Provider,
        };
        Self::SignIn { problem }
    }
}

fn view(address: String, info: &wire::ServerInfo) -> ServerView {
    ServerView {
        address,
        version: inert(&info.version),
        registration: match info.registration {
            wire::Registration::Open => Registration::Open,
            wire::Registration::Invited => Registration::Invited,
            wire::Registration::Closed => Registration::Closed,
        },
        issuers: info
            .issuers
            .iter()
            .take(MOST_ISSUERS)
            .map(|issuer| IssuerView { name: inert(&issuer.name), issuer: inert(&issuer.issuer) })
            .collect(),
    }
}

/// Text of a server as it may be shown: one short line of plain characters. What turns the
/// direction of writing could make it read as something else.
fn inert(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}');
    text.chars().filter(|c| !c.is_control() && !turns(*c)).take(LONGEST).collect()
}

impl From<BadOrigin> for CommandError {
    fn from(error: BadOrigin) -> Self {
        Self::BadAddress { insecure: error == BadOrigin::Insecure }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_format::wire::{B64, IssuerInfo, Registration as Takes, ServerInfo};

    use super::*;

    fn info() -> ServerInfo {
        ServerInfo {
            origin: "https://vault.example".to_owned(),
            version: "0.1.0".to_owned(),
            audit_vkey: B64(vec![7; 32]),
            time_ms: 1,
            registration: Takes::Invited,
            issuers: Vec::new(),
        }
    }

    #[test]
    fn text_of_a_server_is_one_short_line_that_reads_forward() {
        assert_eq!(inert("Vault\u{202E}elpmaxe\n<b>"), "Vaultelpmaxe<b>");
        assert_eq!(inert(&"x".repeat(500)).len(), LONGEST);
    }

    #[test]
    fn a_server_with_a_thousand_providers_shows_twenty() {
        let issuer = IssuerInfo {
            name: "Acme".to_owned(),
            issuer: "https://login.acme.example".to_owned(),
            client_id: "app".to_owned(),
            scopes: vec!["openid".to_owned()],
        };
        let info = ServerInfo { issuers: vec![issuer; 1000], ..info() };
        assert_eq!(view("https://vault.example".to_owned(), &info).issuers.len(), MOST_ISSUERS);
    }

    #[test]
    fn a_mistyped_address_says_whether_only_the_s_is_missing() {
        let refused = |text: &str| CommandError::from(text.parse::<Origin>().unwrap_err());
        assert_eq!(refused("http://vault.example"), CommandError::BadAddress { insecure: true });
        assert_eq!(refused("vault"), CommandError::BadAddress { insecure: false });
    }
}
