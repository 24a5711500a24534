//! Every object of the protocol reads back from its bytes, and bytes that are not what an object
//! writes are no object (docs/protocol.md, section 1; attack D11).

mod strategies;

use std::fmt::Debug;

use proptest::prelude::*;
use strongroom_format::commit::{Commit, SignedCommit};
use strongroom_format::encoding::{Codec, DecodeError, Reader, Writer};
use strongroom_format::event::{Act, Event, SignedAct};
use strongroom_format::id::{EnvId, OrgId};
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::Pins;
use strongroom_format::statement::{Link, Statement};
use strongroom_format::wire::{ActPage, CommitPage, EnvelopePage, ItemPage, WriteBatch};

/// Reads back; and whatever else can be read is written with exactly the bytes it was read from:
/// one bit turned, a part taken out, doubled, or put at the end.
fn has_one_encoding<T: Codec + PartialEq + Debug>(value: &T, at: usize, bit: u8) {
    let bytes = value.encode();
    assert_eq!(T::decode(&bytes).as_ref(), Ok(value));
    let at = at % bytes.len();
    let mut flipped = bytes.clone();
    flipped[at] ^= 1 << (bit % 8);
    let mut shorter = bytes.clone();
    shorter.remove(at);
    let mut doubled = bytes.clone();
    doubled.insert(at, bytes[at]);
    let mut longer = bytes.clone();
    longer.push(bit);
    for other in [flipped, shorter, doubled] {
        if let Ok(read) = T::decode(&other) {
            assert_eq!(read.encode(), other);
            assert_ne!(read, *value);
        }
    }
    assert!(T::decode(&longer).is_err());
    assert!(T::decode(&bytes[..at]).is_err());
}

macro_rules! one_encoding {
    ($($name:ident: $type:ty = $strategy:expr;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(512))]
            $(
                #[test]
                fn $name(value in $strategy, at in any::<usize>(), bit in any::<u8>()) {
                    let value: $type = value;
                    has_one_encoding(&value, at, bit);
                }
            )*
        }
    };
}

one_encoding! {
    a_statement_has_one_encoding: Statement = strategies::statement();
    a_commit_has_one_encoding: Commit = strategies::commit();
    an_act_has_one_encoding: Act = strategies::act();
    a_signed_act_has_one_encoding: SignedAct = strategies::signed_act();
    an_event_has_one_encoding: Event = strategies::event();
    pins_have_one_encoding: Pins = strategies::pins();
    an_envelope_page_has_one_encoding: EnvelopePage = strategies::envelope_page();
    an_act_page_has_one_encoding: ActPage = strategies::act_page();
    a_write_batch_has_one_encoding: WriteBatch = strategies::write_batch();
    an_item_page_has_one_encoding: ItemPage = strategies::item_page();
    a_commit_page_has_one_encoding: CommitPage = strategies::commit_page();
}

proptest! {
    #[test]
    fn a_link_keeps_its_bytes(link in strategies::link(), at in any::<usize>(), bit in 0u8..8) {
        let parsed = Link::parse(link.as_bytes());
        prop_assert_eq!(parsed.as_ref(), Ok(&link));
        prop_assert_eq!([link.signed_bytes(), &link.signature()[..]].concat(), link.as_bytes());
        let mut flipped = link.as_bytes().to_vec();
        let at = at % flipped.len();
        flipped[at] ^= 1 << bit;
        if let Ok(other) = Link::parse(&flipped) {
            prop_assert_eq!(other.statement.encode(), other.signed_bytes());
            prop_assert_ne!(other.head(), link.head());
        }
    }

    #[test]
    fn a_signed_commit_keeps_its_bytes(
        commit in strategies::signed_commit(),
        at in any::<usize>(),
        bit in 0u8..8,
    ) {
        let parsed = SignedCommit::parse(commit.as_bytes());
        prop_assert_eq!(parsed.as_ref(), Ok(&commit));
        let mut flipped = commit.as_bytes().to_vec();
        let at = at % flipped.len();
        flipped[at] ^= 1 << bit;
        if let Ok(other) = SignedCommit::parse(&flipped) {
            prop_assert_eq!(other.commit.encode(), other.signed_bytes());
            prop_assert_ne!(other.head(), commit.head());
        }
    }

    #[test]
    fn a_checkpoint_reads_back_in_its_own_log_alone(
        org in strategies::key(),
        (reset, size) in (any::<u32>(), any::<u64>()),
        root in strategies::digest_or_zero(),
        vkey in strategies::key(),
        signature in strategies::signature(),
        at in any::<usize>(),
        byte in any::<u8>(),
    ) {
        let checkpoint = Checkpoint { org: OrgId(org), reset, size, root };
        let note = checkpoint.note(&vkey, &signature);
        let parsed = Checkpoint::parse(&note, &OrgId(org), reset, &vkey);
        prop_assert_eq!(parsed, Ok((checkpoint, signature)));
        let other = reset.wrapping_add(1);
        prop_assert!(Checkpoint::parse(&note, &OrgId(org), other, &vkey).is_err());
        let mut bytes = note.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes)
            && let Ok((other, signature)) = Checkpoint::parse(&text, &OrgId(org), reset, &vkey)
        {
            prop_assert_eq!(other.note(&vkey, &signature), text);
        }
    }

    #[test]
    fn noise_is_no_object(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fn check<T: Codec>(bytes: &[u8]) {
            if let Ok(value) = T::decode(bytes) {
                assert_eq!(value.encode(), bytes);
            }
        }
        check::<Statement>(&bytes);
        check::<Commit>(&bytes);
        check::<Event>(&bytes);
        check::<Pins>(&bytes);
        check::<WriteBatch>(&bytes);
        check::<ItemPage>(&bytes);
        check::<CommitPage>(&bytes);
        let _ = Link::parse(&bytes);
        let _ = SignedCommit::parse(&bytes);
    }
}

/// A list that must rise is refused in every other order.
#[test]
fn a_set_has_one_order() {
    let pin = |n: u8| {
        let mut w = Writer::new();
        w.fixed(&[n; 16]).u64(1).fixed(&[0; 32]).u32(1);
        w.finish()
    };
    let pins = |order: &[u8]| {
        let mut w = Writer::new();
        w.u8(1).fixed(&[7; 32]).u64(1).u64(1).fixed(&[0; 32]).u64(1).u8(1);
        w.u32(0).u64(0).fixed(&[0; 32]).count(order.len());
        for n in order {
            w.fixed(&pin(*n));
        }
        Pins::decode(&w.finish()).map(|pins| pins.envs.iter().map(|p| p.env).collect::<Vec<_>>())
    };
    assert_eq!(pins(&[1, 2]), Ok(vec![EnvId([1; 16]), EnvId([2; 16])]));
    assert_eq!(pins(&[2, 1]), Err(DecodeError::NotCanonical));
    assert_eq!(pins(&[1, 1]), Err(DecodeError::NotCanonical));
}

/// A count that no bytes can back is refused without the memory it asks for.
#[test]
fn a_hostile_count_reserves_nothing() {
    for count in [20_001u32, u32::MAX] {
        let mut w = Writer::new();
        w.u8(1).fixed(&[7; 32]).u64(1).u64(1).fixed(&[0; 32]).u64(1).u8(1);
        w.u32(0).u64(0).fixed(&[0; 32]).u32(count);
        assert_eq!(Pins::decode(&w.finish()).map(drop), Err(DecodeError::TooLong));
    }
    let cut_short = Writer::new().u8(1).u32(4_096).finish();
    assert_eq!(EnvelopePage::decode(&cut_short).map(drop), Err(DecodeError::Truncated));
    assert_eq!(Reader::new(&[0xff; 4]).lp(10), Err(DecodeError::TooLong));
}
