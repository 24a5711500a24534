//! Where a link leads, as far as the open vault may show it.

use strongroom_client::vault::OpenOrg;
use strongroom_format::{
    id::{EnvId, OrgId, SecretId},
    statement::EnvKind,
};

use super::{Desk, vaults::blocking};
use crate::{
    error::Answer,
    link::{Link, Target},
};

/// What the open vault can do with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// No organisation is open yet.
    NotYet,
    /// Its organisation is in front now, and has what the link names.
    Here,
    /// There is nothing that this vault can show.
    Nowhere {
        /// Another vault of this computer has been in that organisation.
        elsewhere: bool,
    },
}

impl Desk {
    /// Brings the organisation of a link to the front, if the open vault is in it.
    pub async fn reach(&self, link: Link) -> Answer<Reach> {
        if !self.has_organisation() {
            return Ok(Reach::NotYet);
        }
        let session = self.session()?;
        if !session.organisations().iter().any(|(org, _, _)| *org == link.org) {
            return Ok(Reach::Nowhere { elsewhere: self.is_elsewhere(link.org).await? });
        }
        if session.current()? != link.org {
            self.org_select(link.org.to_string()).await?;
        }
        self.look(move |_, org| {
            let known = match link.target {
                // Whether this user may read the log, and how long it is, its screen says.
                Target::Entry(_) => true,
                Target::Env(env) => has_env(org, &env),
                Target::Secret(env, secret) => has_secret(org, &env, &secret),
            };
            Ok(if known { Reach::Here } else { Reach::Nowhere { elsewhere: false } })
        })
        .await
    }

    async fn is_elsewhere(&self, org: OrgId) -> Answer<bool> {
        let profile = self.profile.clone();
        blocking(move || Ok(profile.list()?.vaults.iter().any(|vault| vault.orgs.contains(&org))))
            .await
    }
}

fn has_env(org: &mut OpenOrg, env: &EnvId) -> bool {
    let known = org.replica().state().env(env);
    known.is_some_and(|env| env.kind != EnvKind::Directory)
}

fn has_secret(org: &mut OpenOrg, env: &EnvId, secret: &SecretId) -> bool {
    let live = org.replica().env(env).is_some_and(|copy| copy.lookup(secret).is_some());
    live && has_env(org, env)
}
