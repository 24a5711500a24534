//! What stands behind the windows that sign what changes who can read, and behind those that show
//! what was signed.
//!
//! Invariant: every function asks for a [`SecureWindow`], which only a command of a secure window
//! can make. The main window names what it wants as an intent, and nothing else of it is used: the
//! links, the summary of them, and what has to be typed or ticked come from the verified copies.

mod wording;

use std::path::PathBuf;

use strongroom_client::vault::{Note, Once, Proposal, Session, TokenOnce};
use strongroom_core::team::{Intent, Line, LineKind as Kind};
use strongroom_format::id::UserId;
use strongroom_secret::SecretText;

use super::{
    Desk,
    handover::{copy_of, write_text},
    people::People,
    translate, vaults,
};
use crate::{
    commands::secure::SecureWindow,
    error::{Answer, CommandError},
    shell::{ToSign, Wish},
    view::{
        CopyView, SignedView,
        secure::{LineKind, Shown, SignContext, SignLine, TokenContext, WordsContext},
    },
};

/// A new service token with the link that made it, as long as its window is open.
#[derive(Debug)]
pub struct NewlyMade {
    token: TokenOnce,
    link: u64,
}

/// What has to be shown after signing.
#[derive(Debug)]
pub enum AfterSigning {
    /// Nothing.
    Nothing,
    /// The code of this invitation.
    Invite(String),
    /// A service token, which nobody keeps.
    Token(Box<NewlyMade>),
}

/// Six words and the keys they were made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The other person.
    pub user: UserId,
    /// The fingerprint of that person's keys.
    pub fingerprint: String,
}

impl Desk {
    /// The links that `wanted` takes, and the summary of them. Nothing is signed.
    pub async fn propose(
        &self,
        _by: &SecureWindow,
        wanted: &ToSign,
    ) -> Answer<(Proposal, SignContext)> {
        let frame = self.secure_frame().await?;
        let session = self.session()?;
        let proposal = match &wanted.wish {
            Wish::Intent(intent) => {
                let note = Note { label: wanted.label.clone(), resets: wanted.resets };
                session.propose(intent.as_ref().clone(), note).await?
            }
            Wish::NewLog => session.propose_new_log().await?,
            Wish::Retention { before_ms } => session.propose_retention(*before_ms).await?,
        };
        let wanted = wanted.clone();
        self.look(move |session, org| {
            let mut people = People::seen_by(session);
            let person = people.you(org).name;
            let words =
                wording::of(&wanted, &session.user(), &mut |who| people.principal(who, org).name);
            let context = SignContext {
                frame,
                title: words.title,
                person,
                lines: proposal.lines.iter().map(line).collect(),
                links: translate::count(proposal.links),
                typed: proposal.typed.clone(),
                check: proposal.check.clone(),
                action: words.action.to_owned(),
                done: words.done.to_owned(),
            };
            Ok((proposal, context))
        })
        .await
    }

    /// Signs what was shown, if what has to be typed was typed and what has to be ticked is ticked.
    /// Data keys that somebody must no longer hold are then replaced, in the background.
    pub async fn sign(
        &self,
        _by: &SecureWindow,
        wanted: &ToSign,
        proposal: Proposal,
        typed: Option<String>,
        checked: bool,
    ) -> Answer<(SignedView, AfterSigning)> {
        if proposal.typed != typed || (proposal.check.is_some() && !checked) {
            return Err(CommandError::NotAllowed);
        }
        let words = self.wording(wanted).await?;
        let session = self.session()?;
        let links = proposal.links;
        let signed = session.sign(proposal).await?;
        if matches!(&wanted.wish, Wish::Intent(intent) if matches!(**intent, Intent::Access(_))) {
            forget_signed(&session);
        }
        if !signed.due.is_empty() {
            self.rotate_soon();
        }
        let view = SignedView {
            what: words.what,
            links: translate::count(links),
            first_link: translate::count(signed.first_link),
            last_link: translate::count(signed.last_link),
            subject: words.subject,
        };
        let after = match signed.once {
            None => AfterSigning::Nothing,
            Some(Once::Invite(id)) => AfterSigning::Invite(id.to_string()),
            Some(Once::Token(token)) => {
                AfterSigning::Token(Box::new(NewlyMade { token, link: signed.first_link }))
            }
        };
        Ok((view, after))
    }

    async fn wording(&self, wanted: &ToSign) -> Answer<wording::Wording> {
        let wanted = wanted.clone();
        self.look(move |session, org| {
            let mut people = People::seen_by(session);
            let name = &mut |who: &_| people.principal(who, org).name;
            Ok(wording::of(&wanted, &session.user(), name))
        })
        .await
    }

    /// A new service token, as its window shows it.
    pub async fn token_shown(&self, _by: &SecureWindow, made: &NewlyMade) -> Answer<TokenContext> {
        let frame = self.secure_frame().await?;
        let by = self.look(|session, org| Ok(People::seen_by(session).you(org).name)).await?;
        let TokenOnce { name, text, reads, not_after } = &made.token;
        Ok(TokenContext {
            frame,
            name: name.clone(),
            token: Shown::new(copy_of(text)),
            reads: reads.clone(),
            ends: (*not_after != 0).then(|| translate::millis(*not_after)),
            link: translate::count(made.link),
            by,
        })
    }

    /// Copies a new service token, after `before`.
    pub async fn token_copy(
        &self,
        _by: &SecureWindow,
        made: &NewlyMade,
        before: &str,
    ) -> Answer<CopyView> {
        let text = made.token.text.lend(|text| SecretText::from_string(format!("{before}{text}")));
        self.copy_once(made.token.name.clone(), text).await
    }

    /// Writes a new service token to `file`, readable by this user only.
    pub async fn token_write(
        &self,
        _by: &SecureWindow,
        made: &NewlyMade,
        file: PathBuf,
    ) -> Answer<()> {
        write_text(copy_of(&made.token.text), file).await
    }

    /// The six words to compare with a person, and what they were made of.
    pub async fn words(
        &self,
        _by: &SecureWindow,
        user: String,
    ) -> Answer<(Compared, WordsContext)> {
        let user: UserId = user.parse()?;
        let frame = self.secure_frame().await?;
        let (six, fingerprint) = self.session()?.words_with(user).await?;
        let name =
            self.look(move |session, org| Ok(People::seen_by(session).of(&user, org).name)).await?;
        let six = six.map(str::to_owned);
        let context = WordsContext { frame, name, six, fingerprint: fingerprint.clone() };
        Ok((Compared { user, fingerprint }, context))
    }

    /// Remembers whether two people have the same words.
    pub async fn words_compared(
        &self,
        _by: &SecureWindow,
        compared: Compared,
        same: bool,
    ) -> Answer<()> {
        let session = self.session()?;
        vaults::blocking(move || {
            Ok(session.mark_words(compared.user, same, &compared.fingerprint)?)
        })
        .await
    }
}

/// What was staged is signed. What was staged in the meantime stays.
fn forget_signed(session: &Session) {
    let forgotten = session.access_changes().and_then(|open| match open.as_slice() {
        [] => session.access_clear(),
        _ => Ok(()),
    });
    if let Err(error) = forgotten {
        tracing::warn!(%error, "signed changes of access are still remembered as staged");
    }
}

fn line(line: &Line) -> SignLine {
    SignLine {
        kind: match line.kind {
            Kind::Gain => LineKind::Gain,
            Kind::Lose => LineKind::Lose,
            Kind::Link => LineKind::Link,
            Kind::Rotate => LineKind::Rotate,
            Kind::Warn => LineKind::Warn,
        },
        text: line.text.clone(),
        detail: line.detail.clone(),
        until: line.until_ms.map(translate::millis),
    }
}
