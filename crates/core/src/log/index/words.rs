//! Free text: which words of a query each value of a dictionary has.

use std::net::SocketAddr;

use memchr::memmem::Finder;
use strongroom_format::event::EventKind;
use unicode_normalization::UnicodeNormalization as _;

use super::ask::BLOCK;
use super::filter::miss;
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
    who: Option<Vec<u8>>,
    devices: Option<Vec<u8>>,
    places: Option<Vec<u8>>,
    peers: Option<Vec<u8>>,
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
        let who = index.people.values().iter().map(|actor| {
            let all = actor.found_by().flatten();
            all.fold(0, |bits, who| bits | typed.named(names.who(&who), &who.to_string()))
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
            who: table(who),
            devices: table(
                devices.map(|id| if id.is_zero() { 0 } else { typed.id(&id.to_string()) }),
            ),
            places: table(places),
            peers: table(peers.map(|peer| typed.within(&peer.address))),
            numbers: typed.numbers(),
            sockets: typed.sockets(index),
        })
    }

    /// Marks the rows from `first` on that lack a word.
    pub(super) fn mark(&self, index: &Index, first: usize, misses: &mut [u8]) {
        let mut found = [0; BLOCK];
        let found = &mut found[..misses.len().min(BLOCK)];
        for (found, what) in found.iter_mut().zip(&index.what[first..]) {
            *found = self.kinds[usize::from(what.kind_byte())];
        }
        let columns = [&index.who, &index.device, &index.place, &index.peer];
        let tables = [&self.who, &self.devices, &self.places, &self.peers];
        for (table, ids) in tables.into_iter().zip(columns) {
            // Most words are found in one or two columns: the others need not be looked at.
            let Some(table) = table else { continue };
            for (found, id) in found.iter_mut().zip(&ids[first..]) {
                *found |= table[*id as usize];
            }
        }
        for (bit, number) in &self.numbers {
            for (n, found) in (first..).zip(found.iter_mut()) {
                let status = u64::from(index.status[n]);
                let is_it = index.number.get(n) == Some(*number) || status == *number;
                *found |= if is_it { *bit } else { 0 };
            }
        }
        for (bit, peer, port) in &self.sockets {
            for (n, found) in (first..).zip(found.iter_mut()) {
                let is_it = index.peer[n] as usize == *peer && index.port[n] == *port;
                *found |= if is_it { *bit } else { 0 };
            }
        }
        for (miss, found) in misses.iter_mut().zip(found) {
            *miss |= if *found == self.all { 0 } else { miss::TEXT };
        }
    }
}

/// A table, unless nothing is found in it.
fn table(bits: impl Iterator<Item = u8>) -> Option<Vec<u8>> {
    let table: Vec<u8> = bits.collect();
    table.iter().any(|bits| *bits != 0).then_some(table)
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
