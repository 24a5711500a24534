//! Links that were opened, until a vault is open that can follow them.

use super::{Shell, hold};
use crate::{
    desk::links::Reach,
    events::{self, OpenLink},
    link::{Link, Target},
};

/// The newest link that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opened {
    link: Link,
    /// The window was told that this vault leads nowhere.
    told: bool,
}

impl Shell {
    /// Somebody opened a link. What is none is let be.
    pub async fn open_link(&self, text: &str) {
        match text.parse() {
            Ok(link) => {
                *hold(&self.opened) = Some(Opened { link, told: false });
                self.follow_link().await;
            }
            Err(error) => tracing::warn!(%error, "a link that was opened"),
        }
    }

    /// Follows the link that waits, if the open vault can. While nothing is open it waits on, and
    /// where another vault of this computer could follow it too.
    pub async fn follow_link(&self) {
        let Some(opened) = *hold(&self.opened) else { return };
        let link = opened.link;
        let reach = match self.vault.reach(link).await {
            Ok(reach) => reach,
            // Locked meanwhile, or so damaged that the window says so by itself.
            Err(error) => {
                tracing::info!(%error, "a link waits");
                return;
            }
        };
        let (after, told) = match reach {
            Reach::NotYet => return,
            Reach::Here => (None, Some(there(&link))),
            Reach::Nowhere { elsewhere } => {
                let after = elsewhere.then_some(Opened { told: true, ..opened });
                (after, (!opened.told).then(|| nowhere(&link)))
            }
        };
        {
            let mut newest = hold(&self.opened);
            if *newest != Some(opened) {
                // Another link was opened meanwhile, and follows itself.
                return;
            }
            *newest = after;
        }
        if let Some(event) = told {
            events::emit(&self.app, event);
        }
    }
}

fn there(link: &Link) -> OpenLink {
    let (entry, env_id, secret_id) = match &link.target {
        Target::Entry(entry) => (Some(*entry), None, None),
        Target::Env(env) => (None, Some(env.to_string()), None),
        Target::Secret(env, secret) => (None, Some(env.to_string()), Some(secret.to_string())),
    };
    OpenLink { org: link.org.to_string(), entry, env_id, secret_id }
}

/// Says nothing of what the link names, not even whether it exists.
fn nowhere(link: &Link) -> OpenLink {
    OpenLink { org: link.org.to_string(), entry: None, env_id: None, secret_id: None }
}
