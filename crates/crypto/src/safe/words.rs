//! Two words that the window of the vault and a window that asks for a secret show alike, so that a
//! person can tell the real one from a picture of it.

use super::entropy::{Entropy, EntropyError, array};

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
    fn two_draws_differ() {
        let mut entropy = RepeatableEntropy::new(1);
        assert_ne!(two_words(&mut entropy), two_words(&mut entropy));
    }
}
