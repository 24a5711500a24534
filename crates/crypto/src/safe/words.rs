//! Words for people: two that secure windows show so that a person can tell the real one from a
//! picture of it, and six that two people read to each other to compare their keys.

use strongroom_format::hash::{ctx, h};
use strongroom_format::id::{OrgId, UserId};
use strongroom_format::statement::MemberKeys;

use super::entropy::{Entropy, EntropyError, array};
use super::kdf::{OutOfMemory, Profile, stretch};

/// The six words of two people: the same for both, whoever asks. The keys of both are hashed and
/// stretched by Argon2id under profile 1, so that a server that wants to swap a key in between has
/// to pay 2^48 times that for a pair of keys with the same words. Takes as long as an unlock.
pub fn six_words(
    org: &OrgId,
    one: (&UserId, &MemberKeys),
    other: (&UserId, &MemberKeys),
) -> Result<[&'static str; 6], OutOfMemory> {
    let (low, high) = if one.0 <= other.0 { (one, other) } else { (other, one) };
    let message = ctx(
        "words",
        &[
            org.as_bytes(),
            low.0.as_bytes(),
            &low.1.isk,
            &low.1.iek,
            high.0.as_bytes(),
            &high.1.isk,
            &high.1.iek,
        ],
    );
    let digest = h("words-salt", &[org.as_bytes()]);
    let salt = digest.first_chunk().copied().unwrap_or_default();
    let stretched = stretch(Profile::Standard, &message, &salt)?;
    Ok(of_bytes(&stretched))
}

/// Six words of an organisation's id, for saying which one is meant. The id authenticates itself
/// where it is used; the words are only for ears.
pub fn of_org(org: &OrgId) -> [&'static str; 6] {
    of_bytes(&h("org-words", &[org.as_bytes()]))
}

fn of_bytes(bytes: &[u8; 32]) -> [&'static str; 6] {
    std::array::from_fn(|place| {
        let byte = usize::from(bytes[place]);
        if byte < 128 { FIRST[byte] } else { SECOND[byte - 128] }
    })
}

/// A random pair such as "copper heron": one of 16,384.
pub fn two_words(entropy: &mut dyn Entropy) -> Result<(&'static str, &'static str), EntropyError> {
    // Both lists have 128 words, so seven bits of a byte choose without bias.
    let [first, second] = array::<2>(entropy)?;
    Ok((FIRST[usize::from(first & 0x7f)], SECOND[usize::from(second & 0x7f)]))
}

#[rustfmt::skip]
const FIRST: [&str; 128] = [
    "amber", "ashen", "azure", "bold", "brass", "brave", "bright", "bronze", "calm", "cedar",
    "chalk", "cherry", "clear", "clever", "cobalt", "copper", "coral", "cosy", "crimson",
    "crisp", "curly", "dapper", "daring", "deep", "dusky", "eager", "early", "easy", "ebony",
    "fair", "fern", "fine", "fleet", "fresh", "frosty", "gentle", "giddy", "glad", "golden",
    "grand", "green", "hardy", "hazel", "honest", "humble", "indigo", "iron", "ivory", "jade",
    "jolly", "keen", "kind", "lemon", "light", "lilac", "linen", "little", "lively", "loud",
    "lucky", "lunar", "maple", "marble", "mellow", "merry", "mild", "mint", "misty", "modest",
    "mossy", "navy", "neat", "nimble", "noble", "oaken", "olive", "opal", "orange", "pale",
    "patient", "pearl", "pine", "pink", "plain", "plum", "polar", "proud", "pure", "quick",
    "quiet", "rapid", "ready", "red", "rosy", "royal", "ruby", "russet", "rustic", "sable",
    "sandy", "scarlet", "sharp", "shiny", "silent", "silk", "silver", "simple", "slate",
    "sleek", "smooth", "snowy", "soft", "solid", "spry", "steel", "still", "sturdy", "sunny",
    "swift", "tawny", "teal", "tidy", "tin", "topaz", "trusty", "velvet", "violet", "warm",
];

#[rustfmt::skip]
const SECOND: [&str; 128] = [
    "adder", "albatross", "alpaca", "ant", "antelope", "badger", "barbel", "bat", "beaver",
    "bee", "beetle", "bison", "bittern", "boar", "bream", "buffalo", "bullfinch", "bunting",
    "buzzard", "camel", "carp", "cat", "chamois", "cheetah", "cobra", "cod", "condor", "coot",
    "cormorant", "cow", "crab", "crane", "cricket", "crow", "cuckoo", "curlew", "deer", "dingo",
    "dog", "dolphin", "donkey", "dormouse", "dove", "duck", "eagle", "eel", "egret", "eider",
    "elk", "ermine", "falcon", "ferret", "finch", "flamingo", "fox", "frog", "gannet",
    "gazelle", "gecko", "gibbon", "giraffe", "goat", "goose", "grouse", "gull", "hare", "hawk",
    "hedgehog", "heron", "herring", "hippo", "hornet", "horse", "hyena", "ibex", "ibis",
    "iguana", "jackal", "jackdaw", "jaguar", "jay", "kestrel", "kite", "kiwi", "koala",
    "lapwing", "lark", "leopard", "linnet", "lion", "lizard", "llama", "lobster", "lynx",
    "magpie", "marmot", "marten", "mole", "moose", "moth", "mouse", "newt", "ocelot", "octopus",
    "osprey", "otter", "owl", "oyster", "panda", "parrot", "pelican", "perch", "pigeon", "pike",
    "plover", "pony", "puffin", "puma", "quail", "rabbit", "raccoon", "raven", "robin",
    "salmon", "seal", "shrew", "skylark", "sparrow",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::safe::RepeatableEntropy;

    #[test]
    fn no_word_stands_twice_and_all_are_plain() {
        let all: BTreeSet<&str> = FIRST.iter().chain(&SECOND).copied().collect();
        assert_eq!(all.len(), 256);
        assert!(all.iter().all(|w| w.len() <= 9 && w.bytes().all(|b| b.is_ascii_lowercase())));
    }

    #[test]
    fn both_people_see_the_same_six_words_and_a_swapped_key_changes_them() {
        let keys = |byte: u8| MemberKeys { isk: [byte; 32], iek: [byte + 1; 32] };
        let (mara, teo) = (UserId([1; 16]), UserId([2; 16]));
        let org = OrgId([7; 32]);
        let words = six_words(&org, (&mara, &keys(10)), (&teo, &keys(20))).unwrap();
        assert_eq!(words, six_words(&org, (&teo, &keys(20)), (&mara, &keys(10))).unwrap());
        assert_ne!(words, six_words(&org, (&mara, &keys(10)), (&teo, &keys(30))).unwrap());
        assert_ne!(words, six_words(&org, (&mara, &keys(20)), (&teo, &keys(10))).unwrap());
    }

    #[test]
    fn two_draws_differ() {
        let mut entropy = RepeatableEntropy::new(1);
        assert_ne!(two_words(&mut entropy), two_words(&mut entropy));
    }
}
