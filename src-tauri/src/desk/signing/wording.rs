//! How the sign window speaks of what is asked: its heading, its button, and what is said afterwards.

use strongroom_core::team::{AgentPut, Intent, SecretPolicyPut};
use strongroom_format::{
    id::{Principal, UserId},
    statement::Role,
};

use crate::{
    shell::{ToSign, Wish},
    view::SignedWhat,
};

/// Words for one intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wording {
    /// The heading.
    pub(super) title: String,
    /// The button.
    pub(super) action: &'static str,
    /// What is said when it is signed.
    pub(super) done: &'static str,
    /// What the main window calls it.
    pub(super) what: SignedWhat,
    /// Whom or what it is about.
    pub(super) subject: Option<String>,
}

/// Words for `wanted`, as `you` signs it; `name` knows the names of the directory.
pub(super) fn of(
    wanted: &ToSign,
    you: &UserId,
    name: &mut dyn FnMut(&Principal) -> String,
) -> Wording {
    let words =
        |title: String, action, done, what, subject| Wording { title, action, done, what, subject };
    let new_log = || {
        words(
            "Accept a new audit log".to_owned(),
            "Sign and accept",
            "The new audit log is accepted.",
            SignedWhat::AuditReset,
            None,
        )
    };
    let retention = || {
        words(
            "Retire old entries of the audit log".to_owned(),
            "Sign and retire",
            "The old entries are retired.",
            SignedWhat::AuditRetention,
            None,
        )
    };
    let intent = match &wanted.wish {
        Wish::Intent(intent) => intent,
        Wish::NewLog => return new_log(),
        Wish::Retention { .. } => return retention(),
    };
    match &**intent {
        Intent::AuditReset(_) => new_log(),
        Intent::Access(_) => words(
            "Change who can read".to_owned(),
            "Sign and apply",
            "Access is changed.",
            SignedWhat::Access,
            None,
        ),
        Intent::Invite(new) => {
            let whom = if wanted.label.is_empty() { "one person" } else { &wanted.label };
            let title = format!("Invite {whom} as {}", a_role(new.role));
            let subject = Some(wanted.label.clone()).filter(|label| !label.is_empty());
            words(title, "Sign and show the code", "Invited.", SignedWhat::Invite, subject)
        }
        Intent::Role { user, role } => {
            let who = name(&Principal::User(*user));
            let title = format!("Make {who} {}", a_role(*role));
            words(title, "Sign", "The role is changed.", SignedWhat::Role, Some(who))
        }
        Intent::Remove { user } if user == you => words(
            "Leave the organisation".to_owned(),
            "Sign and leave",
            "You have left.",
            SignedWhat::Leave,
            None,
        ),
        Intent::Remove { user } => {
            let who = name(&Principal::User(*user));
            let title = format!("Remove {who} from the organisation");
            words(title, "Sign and remove", "Removed.", SignedWhat::Remove, Some(who))
        }
        Intent::TokenIssue(new) => words(
            format!("Make the service token \u{201c}{}\u{201d}", new.name),
            "Sign and show the token",
            "The token is made.",
            SignedWhat::Token,
            Some(new.name.clone()),
        ),
        Intent::TokenRevoke { token } => {
            let which = name(&Principal::Token(*token));
            let title = format!("Revoke the service token \u{201c}{which}\u{201d}");
            words(title, "Sign and revoke", "Revoked.", SignedWhat::TokenRevoke, Some(which))
        }
        Intent::AgentPut(put) => agent(put),
        Intent::AgentEnd { agent } => {
            let which = name(&Principal::Agent(*agent));
            let title = format!("End the agent \u{201c}{which}\u{201d}");
            words(title, "Sign and end", "The agent is ended.", SignedWhat::AgentEnd, Some(which))
        }
        Intent::SecretPolicyPut(put) => secret_policy(put),
        Intent::Reset(joiner) => {
            let who = name(&Principal::User(joiner.user));
            let title = format!("Give {who} new keys");
            words(title, "Sign", "The keys are replaced.", SignedWhat::Reset, Some(who))
        }
        Intent::AuditRetention(_) => retention(),
        Intent::OnlyVerified => words(
            "Only people whose keys were checked get access".to_owned(),
            "Sign",
            "The policy is changed.",
            SignedWhat::Policy,
            None,
        ),
    }
}

fn agent(put: &AgentPut) -> Wording {
    let does = if put.agent.is_some() { "Change" } else { "Make" };
    Wording {
        title: format!("{does} the agent \u{201c}{}\u{201d}", put.name),
        action: "Sign",
        done: "The agent is signed.",
        what: SignedWhat::Agent,
        subject: Some(put.name.clone()),
    }
}

fn secret_policy(put: &SecretPolicyPut) -> Wording {
    let title = match put.policy {
        Some(_) => "Say where agents may send a secret",
        None => "Keep a secret from all agents",
    };
    Wording {
        title: title.to_owned(),
        action: "Sign",
        done: "It is signed where the secret may go.",
        what: SignedWhat::SecretPolicy,
        subject: None,
    }
}

fn a_role(role: Role) -> &'static str {
    match role {
        Role::Owner => "an owner",
        Role::Admin => "an admin",
        Role::Member => "a member",
        Role::Reviewer => "a reviewer",
    }
}

#[cfg(test)]
mod tests {
    use strongroom_core::team::{NewInvite, NewToken};
    use strongroom_format::id::{AgentId, TokenId};

    use super::*;

    const YOU: UserId = UserId([1; 16]);
    const TEO: UserId = UserId([2; 16]);

    fn title(intent: Intent, label: &str) -> String {
        let wish = Wish::Intent(Box::new(intent));
        let wanted = ToSign { wish, label: label.to_owned(), resets: None };
        of(&wanted, &YOU, &mut |_| "Teo Varga".to_owned()).title
    }

    #[test]
    fn headings_name_whom_it_is_about() {
        let invite = NewInvite { role: Role::Admin, grants: Vec::new(), expires_ms: 1 };
        assert_eq!(title(Intent::Invite(invite.clone()), "Kit"), "Invite Kit as an admin");
        assert_eq!(title(Intent::Invite(invite), ""), "Invite one person as an admin");
        let role = Intent::Role { user: TEO, role: Role::Reviewer };
        assert_eq!(title(role, ""), "Make Teo Varga a reviewer");
        assert_eq!(
            title(Intent::Remove { user: TEO }, ""),
            "Remove Teo Varga from the organisation"
        );
        let token = NewToken { name: "ci".to_owned(), rights: Vec::new(), not_after: 0 };
        assert_eq!(
            title(Intent::TokenIssue(token), ""),
            "Make the service token \u{201c}ci\u{201d}"
        );
        let revoke = Intent::TokenRevoke { token: TokenId([3; 16]) };
        assert_eq!(title(revoke, ""), "Revoke the service token \u{201c}Teo Varga\u{201d}");
    }

    #[test]
    fn an_agent_is_made_changed_and_ended_by_its_name() {
        let put = AgentPut {
            agent: None,
            name: "triage".to_owned(),
            policy: strongroom_policy::AgentPolicy::nothing(),
            responsible: YOU,
            not_after: 0,
            secrets: Vec::new(),
        };
        let again = AgentPut { agent: Some(AgentId([4; 16])), ..put.clone() };
        assert_eq!(title(Intent::AgentPut(put), ""), "Make the agent \u{201c}triage\u{201d}");
        assert_eq!(title(Intent::AgentPut(again), ""), "Change the agent \u{201c}triage\u{201d}");
        let end = Intent::AgentEnd { agent: AgentId([4; 16]) };
        assert_eq!(title(end, ""), "End the agent \u{201c}Teo Varga\u{201d}");
    }

    #[test]
    fn whoever_removes_oneself_leaves() {
        assert_eq!(title(Intent::Remove { user: YOU }, ""), "Leave the organisation");
    }
}
