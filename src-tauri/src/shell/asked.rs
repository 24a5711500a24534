//! What each secure window was opened for, and what it shows meanwhile.

use std::sync::Arc;

use strongroom_client::vault::Proposal;
use strongroom_core::team::{Intent, NewInvite};
use strongroom_format::id::UserId;

use super::{
    Shell, hold,
    to_sign::{Summaries, ToSign, Wish},
};
use crate::{
    desk::{
        NewVault,
        agents::FakeWanted,
        fakes::FakeMade,
        joining::Looked,
        signing::{Compared, NewlyMade},
    },
    error::{Answer, CommandError},
    windows::{self, Secure},
};

/// What the secure windows were opened for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    create: Option<NewVault>,
    reveal: Option<SecretAt>,
    /// Counts the reveal windows, so that the clock of one does not close the next.
    reveals: u64,
    edit: Option<SecretAt>,
    confirm: Option<Act>,
    sign: Summaries<Proposal>,
    invite: Option<String>,
    looked: Option<Arc<Looked>>,
    /// The address that the main window named, if it named one.
    restore: Option<String>,
    words: Option<String>,
    compared: Option<Compared>,
    token: Option<Arc<NewlyMade>>,
    /// The request that the approve window shows.
    approve: Option<u64>,
    fake: Option<FakeWanted>,
    fake_made: Option<Arc<FakeMade>>,
}

/// A secret, or the place for a new one.
#[derive(Debug, Clone)]
pub struct SecretAt {
    /// Its environment.
    pub env_id: String,
    /// The secret; none for a new one.
    pub secret_id: Option<String>,
}

/// Something that cannot be taken back, and is asked for in a secure window.
#[derive(Debug, Clone)]
pub enum Act {
    /// Take a vault off this computer.
    RemoveVault {
        /// Its local id.
        id: String,
        /// Its label, which has to be typed.
        label: String,
        /// Its data lies on this computer only.
        embedded: bool,
    },
}

impl Shell {
    /// Opens the unlock window.
    pub async fn ask_unlock(&self) -> Answer<()> {
        self.touch();
        windows::open_secure(&self.app, Secure::Unlock).await
    }

    /// Opens the window that takes the passphrase of a new vault.
    pub async fn ask_create(&self, new: NewVault) -> Answer<()> {
        self.touch();
        hold(&self.asked).create = Some(new);
        windows::open_secure(&self.app, Secure::Create).await
    }

    /// Opens the Emergency Kit.
    pub async fn ask_kit(&self) -> Answer<()> {
        self.touch();
        windows::open_secure(&self.app, Secure::Kit).await
    }

    /// Opens the window that shows one value.
    pub async fn ask_reveal(&self, at: SecretAt) -> Answer<()> {
        self.touch();
        {
            let mut asked = hold(&self.asked);
            asked.reveal = Some(at);
            asked.reveals += 1;
        }
        windows::open_secure(&self.app, Secure::Reveal).await
    }

    /// Opens the window that takes one value.
    pub async fn ask_edit(&self, at: SecretAt) -> Answer<()> {
        self.touch();
        hold(&self.asked).edit = Some(at);
        windows::open_secure(&self.app, Secure::Edit).await
    }

    /// Opens the window that asks before something is destroyed.
    pub async fn ask_confirm(&self, act: Act) -> Answer<()> {
        self.touch();
        hold(&self.asked).confirm = Some(act);
        windows::open_secure(&self.app, Secure::Confirm).await
    }

    /// Opens the window that shows what `intent` means in links, and signs them.
    pub async fn ask_sign(&self, intent: Intent) -> Answer<()> {
        self.ask_sign_wish(Wish::Intent(Box::new(intent))).await
    }

    /// Opens the window in which an owner accepts the audit log that the server has now.
    pub async fn ask_sign_new_log(&self) -> Answer<()> {
        self.ask_sign_wish(Wish::NewLog).await
    }

    /// Opens the window in which an owner lets old entries of the audit log go.
    pub async fn ask_sign_retention(&self, before_ms: u64) -> Answer<()> {
        self.ask_sign_wish(Wish::Retention { before_ms }).await
    }

    async fn ask_sign_wish(&self, wish: Wish) -> Answer<()> {
        self.open_sign(ToSign { wish, label: String::new(), resets: None }).await
    }

    /// The same for an invitation, with what only this computer remembers of it.
    pub async fn ask_sign_invite(
        &self,
        new: NewInvite,
        label: String,
        resets: Option<UserId>,
    ) -> Answer<()> {
        let wish = Wish::Intent(Box::new(Intent::Invite(new)));
        self.open_sign(ToSign { wish, label, resets }).await
    }

    async fn open_sign(&self, wanted: ToSign) -> Answer<()> {
        self.touch();
        hold(&self.asked).sign.open(wanted);
        windows::open_secure(&self.app, Secure::Sign).await
    }

    /// Opens the window that shows the code of the invitation `id`, if this computer holds it.
    pub async fn ask_invite_show(&self, id: String) -> Answer<()> {
        self.touch();
        hold(&self.asked).invite = Some(id);
        windows::open_secure(&self.app, Secure::Invite).await
    }

    /// Opens the window that takes the code of an invitation which another manager made.
    pub async fn ask_take(&self) -> Answer<()> {
        self.touch();
        windows::open_secure(&self.app, Secure::Take).await
    }

    /// Opens the window in which somebody joins an organisation.
    pub async fn ask_join(&self) -> Answer<()> {
        self.touch();
        windows::open_secure(&self.app, Secure::Join).await
    }

    /// Opens the window that takes an Emergency Kit, for the server at `address` if it is known.
    pub async fn ask_restore(&self, address: Option<String>) -> Answer<()> {
        self.touch();
        hold(&self.asked).restore = address;
        windows::open_secure(&self.app, Secure::Restore).await
    }

    /// Opens the window in which six words are compared with the person `user_id`.
    pub async fn ask_words(&self, user_id: String) -> Answer<()> {
        self.touch();
        {
            let mut asked = hold(&self.asked);
            asked.words = Some(user_id);
            asked.compared = None;
        }
        windows::open_secure(&self.app, Secure::Words).await
    }

    /// The vault that the create window makes.
    pub fn asked_create(&self) -> Answer<NewVault> {
        hold(&self.asked).create.clone().ok_or(CommandError::NotFound)
    }

    /// The secret that the reveal window shows.
    pub fn asked_reveal(&self) -> Answer<SecretAt> {
        hold(&self.asked).reveal.clone().ok_or(CommandError::NotFound)
    }

    /// How many reveal windows were opened; names the newest one.
    pub fn reveals(&self) -> u64 {
        hold(&self.asked).reveals
    }

    /// The secret that the edit window takes a value for.
    pub fn asked_edit(&self) -> Answer<SecretAt> {
        hold(&self.asked).edit.clone().ok_or(CommandError::NotFound)
    }

    /// The act that the confirm window asks about.
    pub fn asked_confirm(&self) -> Answer<Act> {
        hold(&self.asked).confirm.clone().ok_or(CommandError::NotFound)
    }

    /// What is to be signed, and the number of the window that was opened for it.
    pub fn asked_sign(&self) -> Answer<(u64, ToSign)> {
        hold(&self.asked).sign.wanted().ok_or(CommandError::NotFound)
    }

    /// Remembers what the window with this number shows, unless another was opened meanwhile.
    pub fn show_sign(&self, number: u64, wanted: ToSign, proposal: Proposal) -> Answer<()> {
        let shown = hold(&self.asked).sign.show(number, wanted, proposal);
        shown.then_some(()).ok_or(CommandError::NotFound)
    }

    /// What the sign window shows, once. Whoever does not sign it has to look again.
    pub fn shown_sign(&self) -> Answer<(ToSign, Proposal)> {
        hold(&self.asked).sign.take().ok_or(CommandError::SummaryChanged)
    }

    /// Remembers the code that was looked at.
    pub fn keep_looked(&self, looked: Looked) {
        hold(&self.asked).looked = Some(Arc::new(looked));
    }

    /// The code that was looked at.
    pub fn looked(&self) -> Answer<Arc<Looked>> {
        hold(&self.asked).looked.clone().ok_or(CommandError::NotFound)
    }

    /// Opens the window that shows a new service token.
    pub async fn show_token(&self, token: NewlyMade) -> Answer<()> {
        hold(&self.asked).token = Some(Arc::new(token));
        windows::open_secure(&self.app, Secure::Token).await
    }

    /// The service token in its window.
    pub fn shown_token(&self) -> Answer<Arc<NewlyMade>> {
        hold(&self.asked).token.clone().ok_or(CommandError::NotFound)
    }

    /// Opens the window that answers, at this request.
    pub async fn ask_approve(&self, held: u64) -> Answer<()> {
        self.touch();
        self.show_approve(Some(held));
        windows::open_secure(&self.app, Secure::Approve).await
    }

    /// Opens the same by itself, behind whatever somebody does. One that is open finds what waits.
    pub fn offer_approve(&self) {
        if let Err(error) = windows::show_secure(&self.app, Secure::Approve) {
            tracing::warn!(%error, "the approve window");
        }
    }

    /// The request that the approve window shows.
    pub fn shown_approve(&self) -> Option<u64> {
        hold(&self.asked).approve
    }

    /// Remembers which request the approve window shows.
    pub fn show_approve(&self, held: Option<u64>) {
        hold(&self.asked).approve = held;
    }

    /// Opens the window that makes a fake token and shows it.
    pub async fn ask_fake(&self, wanted: FakeWanted) -> Answer<()> {
        self.touch();
        {
            let mut asked = hold(&self.asked);
            asked.fake = Some(wanted);
            asked.fake_made = None;
        }
        windows::open_secure(&self.app, Secure::FakeToken).await
    }

    /// The fake token that is wanted and not made yet, once.
    pub fn take_fake_wanted(&self) -> Option<FakeWanted> {
        hold(&self.asked).fake.take()
    }

    /// Remembers a new fake token, as long as its window is open.
    pub fn keep_fake(&self, made: FakeMade) {
        hold(&self.asked).fake_made = Some(Arc::new(made));
    }

    /// The fake token in its window.
    pub fn fake_made(&self) -> Answer<Arc<FakeMade>> {
        hold(&self.asked).fake_made.clone().ok_or(CommandError::NotFound)
    }

    /// Opens the window that shows the code for answers from a terminal.
    pub async fn ask_operator(&self) -> Answer<()> {
        self.touch();
        windows::open_secure(&self.app, Secure::Operator).await
    }

    /// Remembers whose words are shown, and of which keys they were made.
    pub fn show_words(&self, compared: Compared) {
        hold(&self.asked).compared = Some(compared);
    }

    /// Whose words are shown.
    pub fn shown_words(&self) -> Answer<Compared> {
        hold(&self.asked).compared.clone().ok_or(CommandError::NotFound)
    }

    /// The invitation that the invite window shows.
    pub fn asked_invite(&self) -> Answer<String> {
        hold(&self.asked).invite.clone().ok_or(CommandError::NotFound)
    }

    /// The address that the restore window begins with.
    pub fn asked_restore(&self) -> Option<String> {
        hold(&self.asked).restore.clone()
    }

    /// The person whose words are compared.
    pub fn asked_words(&self) -> Answer<String> {
        hold(&self.asked).words.clone().ok_or(CommandError::NotFound)
    }

    /// A secure window has done its work, or was closed: what it was for is forgotten.
    pub fn forget(&self, which: Secure) {
        let mut asked = hold(&self.asked);
        match which {
            Secure::Create => asked.create = None,
            Secure::Kit => self.vault.kit_closed(),
            Secure::Reveal => asked.reveal = None,
            Secure::Edit => asked.edit = None,
            Secure::Confirm => asked.confirm = None,
            Secure::Invite => asked.invite = None,
            Secure::Restore => asked.restore = None,
            Secure::Words => (asked.words, asked.compared) = (None, None),
            Secure::Token => asked.token = None,
            Secure::Approve => asked.approve = None,
            Secure::FakeToken => (asked.fake, asked.fake_made) = (None, None),
            Secure::Sign => asked.sign.close(),
            Secure::Join => asked.looked = None,
            Secure::Unlock | Secure::Take | Secure::Operator => {}
        }
    }
}
