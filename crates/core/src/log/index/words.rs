//! Free text: which words of a query each value of a dictionary has.

use std::net::SocketAddr;

use memchr::memmem::Finder;
use strongroom_format::event::EventKind;
use unicode_normalization::UnicodeNormalization as _;

use super::verb::{counted, verb};
use super::{Index, Names, Peer};
use crate::search;
use crate::search::fold::fold;

/// The shortest beginning of an id, behind its prefix, by which it is found.
const ID_DIGITS: usize = 4;

/// For each value of each dictionary, one bit for each word that is found there.
pub(super) struct Words {
    /// The bits of all words.
    all: u8,
    kinds: [u8; 256],
    who: Vec<u8>,
    devices: Vec<u8>,
    places: Vec<u8>,
    peers: Vec<u8>,
    /// Words that are a number, with their bits.
    numbers: Vec<(u8, u64)>,
    /// Words that are an address with a port: where that address is in the dictionary.
    sockets: Vec<(u8, usize, u16)>,
}

impl Words {
    /// `None` where nothing was typed that could be looked for.
    pub(super) fn new(index: &Index, text: &str, names: &dyn Names) -> Option<Self> {
        let typed = search::Query::new(text);
        if typed.is_empty() {
            return None;
        }
        let typed = Typed::new(typed.terms());
        let mut kinds = [0; 256];
        for kind in EventKind::ALL {
            let counted = counted(*kind);
            kinds[usize::from(kind.byte())] = typed.within(verb(*kind)) | typed.within(counted);
        }
        let who = index.people.values().iter().map(|who| {
            let who = who.as_ref()?;
            Some(typed.named(names.who(who), &who.to_string()))
        });
        let places = index.places.values().iter().map(|(env, secret)| {
            let of_env =
                if env.is_zero() { 0 } else { typed.named(names.env(env), &env.to_string()) };
            if secret.is_zero() {
                return of_env;
            }
            of_env | typed.named(names.secret(env, secret), &secret.to_string())
        });
        let devices = index.devices.values().iter();
        let peers = index.peers.values().iter();
        Some(Self {
            all: typed.all(),
            kinds,
            who: who.map(Option::unwrap_or_default).collect(),
            devices: devices
                .map(|id| if id.is_zero() { 0 } else { typed.id(&id.to_string()) })
                .collect(),
            places: places.collect(),
            peers: peers.map(|peer| typed.within(&peer.address)).collect(),
            numbers: typed.numbers(),
            sockets: typed.sockets(index),
        })
    }

    /// Whether a row has every word.
    pub(super) fn are_in(&self, index: &Index, at: usize) -> bool {
        let mut found = self.kinds[usize::from(index.what[at].kind_byte())]
            | self.who[index.who[at] as usize]
            | self.devices[index.device[at] as usize]
            | self.places[index.place[at] as usize]
            | self.peers[index.peer[at] as usize];
        for (bit, number) in &self.numbers {
            let is_it =
                index.number.get(at) == Some(*number) || u64::from(index.status[at]) == *number;
            found |= if is_it { *bit } else { 0 };
        }
        for (bit, peer, port) in &self.sockets {
            let is_it = index.peer[at] as usize == *peer && index.port[at] == *port;
            found |= if is_it { *bit } else { 0 };
        }
        found == self.all
    }
}

/// The words of a query, at most eight.
struct Typed<'a> {
    words: &'a [String],
    finders: Vec<Finder<'a>>,
}

impl<'a> Typed<'a> {
    fn new(words: &'a [String]) -> Self {
        Self { words, finders: words.iter().map(Finder::new).collect() }
    }

    fn bits(&self) -> impl Iterator<Item = (u8, &str)> {
        self.words.iter().enumerate().map(|(n, word)| (1 << n, word.as_str()))
    }

    fn all(&self) -> u8 {
        self.bits().fold(0, |all, (bit, _)| all | bit)
    }

    /// The words that stand somewhere in a text.
    fn within(&self, text: &str) -> u8 {
        let folded: String = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            text.nfc().map(fold).collect()
        };
        let found = |((bit, _), finder): ((u8, &str), &Finder<'_>)| {
            if finder.find(folded.as_bytes()).is_some() { bit } else { 0 }
        };
        self.bits().zip(&self.finders).map(found).fold(0, |all, bit| all | bit)
    }

    /// The words that an id begins with, with its prefix or without.
    fn id(&self, id: &str) -> u8 {
        let digits = id.split_once('_').map_or(id, |(_, digits)| digits);
        let begins = |word: &str| {
            let whole = id.starts_with(word) && word.len() + digits.len() > id.len();
            whole || (word.len() >= ID_DIGITS && digits.starts_with(word))
        };
        self.bits().fold(0, |all, (bit, word)| if begins(word) { all | bit } else { all })
    }

    fn named(&self, name: Option<String>, id: &str) -> u8 {
        name.map_or(0, |name| self.within(&name)) | self.id(id)
    }

    /// A zero says "does not apply" in an entry, and is nothing to look for.
    fn numbers(&self) -> Vec<(u8, u64)> {
        let number = |(bit, word): (u8, &str)| {
            let number = word.parse::<u64>().ok()?;
            (number != 0 && number.to_string() == word).then_some((bit, number))
        };
        self.bits().filter_map(number).collect()
    }

    fn sockets(&self, index: &Index) -> Vec<(u8, usize, u16)> {
        let socket = |(bit, word): (u8, &str)| {
            word.parse::<SocketAddr>().ok()?;
            let (peer, port) = Peer::split(word);
            Some((bit, index.peers.find(&peer)?, port))
        };
        self.bits().filter_map(socket).collect()
    }
}
