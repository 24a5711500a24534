//! How many are at the door from inside each session.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many connections one session's processes have at once, beside the session's own.
const FROM_ONE_SESSION: usize = 8;

/// Those who came from inside a session, counted.
#[derive(Debug, Default)]
pub(super) struct Visitors {
    inside: Mutex<BTreeMap<u64, usize>>,
}

impl Visitors {
    /// One more comes, from inside a session or from outside; `None` where its session has enough.
    pub(super) fn enter(&self, session: Option<u64>) -> Option<Place<'_>> {
        if let Some(session) = session {
            let mut inside = self.lock();
            let count = inside.entry(session).or_default();
            if *count >= FROM_ONE_SESSION {
                return None;
            }
            *count += 1;
        }
        Some(Place { visitors: self, session })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, usize>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place at the door; given back when dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    visitors: &'a Visitors,
    session: Option<u64>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(session) = self.session else { return };
        let mut inside = self.visitors.lock();
        if let Some(count) = inside.get_mut(&session) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_comes_in_crowds_shuts_out_itself_alone() {
        let visitors = Visitors::default();
        let crowd: Vec<_> = (0..FROM_ONE_SESSION).map(|_| visitors.enter(Some(1))).collect();
        assert!(crowd.iter().all(Option::is_some));
        assert!(visitors.enter(Some(1)).is_none());
        assert!(visitors.enter(Some(2)).is_some());
        assert!(visitors.enter(None).is_some());
        drop(crowd);
        assert!(visitors.enter(Some(1)).is_some());
        assert!(visitors.lock().is_empty(), "nothing is kept of who has gone");
    }
}
