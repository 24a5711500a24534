//! The newest answers, so that the window can turn their pages while it asks for others.

use std::collections::VecDeque;

/// How many answers are kept.
const KEPT: usize = 8;

/// Answers by number, the newest last.
#[derive(Debug)]
pub(in crate::desk) struct Answers<T> {
    next: u32,
    kept: VecDeque<(u32, T)>,
}

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self { next: 1, kept: VecDeque::new() }
    }
}

impl<T: Clone> Answers<T> {
    /// Keeps an answer and says its number; the oldest is forgotten. No number comes twice, so that
    /// a page of an answer from before a lock is not cut out of another one.
    pub(super) fn keep(&mut self, answer: T) -> u32 {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        self.kept.push_back((id, answer));
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        id
    }

    /// The answer with this number, while it is kept.
    pub(super) fn get(&self, id: u32) -> Option<T> {
        self.kept.iter().find(|(kept, _)| *kept == id).map(|(_, answer)| answer.clone())
    }

    /// Forgets all answers.
    pub(in crate::desk) fn clear(&mut self) {
        self.kept.clear();
    }
}

/// Which rows of `len` make the page of `count` that begins after `from`, in the order of the page.
pub(super) fn page(len: usize, from: u32, count: u32, newest_first: bool) -> Vec<usize> {
    let from = usize::try_from(from).unwrap_or(usize::MAX).min(len);
    let to = from.saturating_add(usize::try_from(count).unwrap_or(usize::MAX)).min(len);
    let places = from..to;
    if newest_first { places.map(|at| len - 1 - at).collect() } else { places.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eight_newest_answers_are_kept() {
        let mut answers = Answers::default();
        let ids: Vec<u32> = (0..9).map(|n| answers.keep(n)).collect();
        assert_eq!(answers.get(ids[0]), None);
        let rest: Vec<_> = ids[1..].iter().map(|id| answers.get(*id).unwrap()).collect();
        assert_eq!(rest, [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn after_a_lock_no_number_means_another_answer() {
        let mut answers = Answers::default();
        let old = answers.keep("before");
        answers.clear();
        assert_eq!(answers.get(old), None);
        assert_ne!(answers.keep("after"), old);
        assert_eq!(answers.get(old), None);
    }

    #[test]
    fn pages_are_cut_from_either_end() {
        assert_eq!(page(5, 0, 2, false), [0, 1]);
        assert_eq!(page(5, 4, 2, false), [4]);
        assert_eq!(page(5, 0, 2, true), [4, 3]);
        assert_eq!(page(5, 4, 200, true), [0]);
        assert!(page(5, 5, 200, true).is_empty());
        assert!(page(5, u32::MAX, u32::MAX, false).is_empty());
        assert!(page(0, 0, 1, true).is_empty());
    }
}
