//! Names of people and of other principals, and of the places they have rights in.

use std::collections::BTreeMap;

use strongroom_client::vault::{OpenOrg, Session};
use strongroom_core::details::EnvClass;
use strongroom_format::{
    id::{AppId, EnvId, Principal, UserId},
    statement::EnvKind,
};

use super::translate;
use crate::view::{self, PersonView, PrincipalKind, PrincipalView};

/// Names, looked up once for an answer.
pub(super) struct People {
    you: UserId,
    known: BTreeMap<UserId, PersonView>,
}

impl People {
    pub(super) fn new(you: UserId) -> Self {
        Self { you, known: BTreeMap::new() }
    }

    pub(super) fn seen_by(session: &Session) -> Self {
        Self::new(session.user())
    }

    pub(super) fn of(&mut self, user: &UserId, org: &mut OpenOrg) -> PersonView {
        let you = self.you;
        self.known
            .entry(*user)
            .or_insert_with(|| translate::person(user, org.person(user), &you))
            .clone()
    }

    pub(super) fn you(&mut self, org: &mut OpenOrg) -> PersonView {
        let you = self.you;
        self.of(&you, org)
    }

    /// Whoever signed: a person, or by its name a token.
    pub(super) fn author(&mut self, who: &Principal, org: &mut OpenOrg) -> PersonView {
        let PrincipalView { id, name, initials, you, .. } = self.principal(who, org);
        PersonView { id, name, initials, you }
    }

    /// Whoever signed a link.
    pub(super) fn of_link(&mut self, link: u64, org: &mut OpenOrg) -> PersonView {
        let author = org.replica().link(link).map(|link| link.statement.author);
        author.map_or_else(translate::nobody, |author| self.author(&author, org))
    }

    pub(super) fn principal(&mut self, who: &Principal, org: &mut OpenOrg) -> PrincipalView {
        let item = match who {
            Principal::User(user) => {
                let PersonView { id, name, initials, you } = self.of(user, org);
                return PrincipalView { kind: PrincipalKind::Person, id, name, initials, you };
            }
            Principal::Token(token) => token.directory_item(),
            Principal::Agent(agent) => agent.directory_item(),
        };
        let known = org.replica().directory_name(item);
        named(who, known.map_or_else(String::new, |known| known.name.clone()), &self.you)
    }
}

/// A principal whose name is known already.
pub(super) fn named(who: &Principal, name: String, you: &UserId) -> PrincipalView {
    let kind = match who {
        Principal::User(_) => PrincipalKind::Person,
        Principal::Token(_) => PrincipalKind::Token,
        Principal::Agent(_) => PrincipalKind::Agent,
    };
    let (id, initials) = (who.to_string(), translate::initials(&name));
    PrincipalView { kind, id, name, initials, you: *who == Principal::User(*you) }
}

/// An environment in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Application and environment, or the name of a group.
    pub(super) text: String,
    /// What it is for.
    pub(super) class: view::EnvClass,
}

/// Says where an environment is.
pub(super) fn place(env: &EnvId, org: &mut OpenOrg) -> Place {
    let named = org.replica().directory_name(env.directory_item());
    let class = named.as_ref().and_then(|named| named.details.class).unwrap_or(EnvClass::Other);
    let name = named.map_or_else(String::new, |named| named.name.clone());
    let (kind, app) = match org.replica().state().env(env) {
        Some(state) => (state.kind, AppId(state.place)),
        None => (EnvKind::Group, AppId([0; 16])),
    };
    let text = match kind {
        EnvKind::Directory => "the names of the organisation".to_owned(),
        EnvKind::Group => name,
        EnvKind::App | EnvKind::Branch | EnvKind::Personal => {
            format!("{} / {name}", org.app_name(&app))
        }
    };
    Place { text, class: translate::class(class) }
}
