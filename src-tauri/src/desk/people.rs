//! People as the window names them.

use strongroom_client::vault::OpenOrg;
use strongroom_format::id::{Principal, UserId};

use crate::view::PersonView;

/// Names the people of one organisation.
pub(super) struct People {
    me: UserId,
}

impl People {
    pub(super) fn new(me: UserId) -> Self {
        Self { me }
    }

    /// A person.
    pub(super) fn user(&self, org: &mut OpenOrg, user: &UserId) -> PersonView {
        let name = org.person(user);
        PersonView { id: user.to_string(), initials: initials(&name), name, you: *user == self.me }
    }

    /// This user.
    pub(super) fn me(&self, org: &mut OpenOrg) -> PersonView {
        let me = self.me;
        self.user(org, &me)
    }

    /// Whoever signed something. Tokens and agents have no name in the directory of people.
    pub(super) fn principal(&self, org: &mut OpenOrg, principal: &Principal) -> PersonView {
        match principal {
            Principal::User(user) => self.user(org, user),
            Principal::Token(token) => nameless(token.to_string()),
            Principal::Agent(agent) => nameless(agent.to_string()),
        }
    }

    /// The author of something whose history is not verified yet.
    pub(super) fn unknown() -> PersonView {
        nameless(String::new())
    }
}

fn nameless(id: String) -> PersonView {
    PersonView { name: id.clone(), initials: "\u{b7}".to_owned(), you: false, id }
}

/// The first letters of the first and the last word.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
    let first = words.next();
    let letters = first.into_iter().chain(words.next_back());
    letters.flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_are_the_first_letters_of_the_first_and_the_last_word() {
        assert_eq!(initials("Mara Lind"), "ML");
        assert_eq!(initials("  teo  de la varga "), "TV");
        assert_eq!(initials("Ana"), "A");
        assert_eq!(initials(""), "");
        assert_eq!(initials("Øyvind Ås"), "ØÅ");
    }
}
