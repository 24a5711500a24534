//! Decoys that somebody used.

use std::collections::BTreeMap;

use strongroom_format::encoding::Codec as _;
use strongroom_format::id::{EnvId, Principal, SecretId};

use super::limits::DECOY_MS;
use super::pass::Used;
use super::{Found, Key, Known, Severity, What, habits::bytes};
use crate::log::Use;

/// Uses of decoys.
#[derive(Debug, Default)]
pub(super) struct Decoys {
    touched: BTreeMap<(EnvId, SecretId, Principal), Touched>,
}

#[derive(Debug)]
struct Touched {
    what: Use,
    uses: u32,
    first_ms: u64,
    last_ms: u64,
}

impl Decoys {
    /// What was used before it became a decoy was a secret like any other.
    pub(super) fn take(&mut self, known: &Known<'_>, used: &Used) {
        let since = known.decoys.get(&(used.env, used.secret));
        if since.is_none_or(|since| used.at_ms < *since) || !known.within(used.at_ms, DECOY_MS) {
            return;
        }
        let at = (used.env, used.secret, used.who);
        let first = Touched { what: used.what, uses: 0, first_ms: used.at_ms, last_ms: 0 };
        let touched = self.touched.entry(at).or_insert(first);
        touched.what = touched.what.max(used.what);
        touched.uses = touched.uses.saturating_add(1);
        touched.last_ms = used.at_ms;
    }

    pub(super) fn finish(self, found: &mut Found<'_>) {
        for ((env, secret, who), touched) in self.touched {
            let Touched { what, uses, first_ms, last_ms } = touched;
            let last = last_ms.to_be_bytes();
            let key =
                Key::of("insight-decoy", &[&env.encode(), &secret.encode(), &bytes(&who), &last]);
            let what = What::DecoyTouched { env, secret, who, what, uses, first_ms, last_ms };
            found.add(key, Severity::Act, what);
        }
    }
}
