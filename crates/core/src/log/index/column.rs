//! What columns are made of.

use std::collections::HashMap;
use std::hash::Hash;

/// Rows come one by one for months. Doubling would leave half of the memory empty: a column grows
/// by an eighth.
pub(super) fn make_room<T>(column: &mut Vec<T>) -> &mut Vec<T> {
    if column.len() == column.capacity() {
        column.reserve_exact((column.len() / 8).max(1_024));
    }
    column
}

/// Values that repeat, each with its number in the order in which they came.
#[derive(Clone)]
pub(super) struct Dictionary<T> {
    values: Vec<T>,
    ids: HashMap<T, u32>,
}

impl<T> Default for Dictionary<T> {
    fn default() -> Self {
        Self { values: Vec::new(), ids: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Dictionary<T> {
    /// The number of a value, which gets one if it is new. There are no more values than rows, so
    /// that the numbers suffice.
    pub(super) fn id(&mut self, value: T) -> u32 {
        if let Some(id) = self.ids.get(&value) {
            return *id;
        }
        let id = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value.clone());
        self.ids.insert(value, id);
        id
    }

    /// The number of a value that is there.
    pub(super) fn find(&self, value: &T) -> Option<usize> {
        self.ids.get(value).map(|id| *id as usize)
    }

    pub(super) fn get(&self, id: u32) -> Option<&T> {
        self.values.get(id as usize)
    }

    /// All of them, by number.
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }

    pub(super) fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<T>() + self.ids.capacity() * (size_of::<(T, u32)>() + 1)
    }
}

/// Numbers that are nearly always small.
#[derive(Clone, Default)]
pub(super) struct Numbers {
    /// The largest stands for "look there".
    narrow: Vec<u32>,
    wide: HashMap<usize, u64>,
}

impl Numbers {
    pub(super) fn push(&mut self, number: u64) {
        let narrow = u32::try_from(number).unwrap_or(u32::MAX);
        if narrow == u32::MAX {
            self.wide.insert(self.narrow.len(), number);
        }
        make_room(&mut self.narrow).push(narrow);
    }

    pub(super) fn reserve(&mut self, rows: usize) {
        self.narrow.reserve_exact(rows);
    }

    pub(super) fn get(&self, at: usize) -> Option<u64> {
        match *self.narrow.get(at)? {
            u32::MAX => self.wide.get(&at).copied(),
            narrow => Some(narrow.into()),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.narrow.capacity() * size_of::<u32>()
            + self.wide.capacity() * (size_of::<(usize, u64)>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_any_size_comes_back() {
        let edge = u64::from(u32::MAX);
        let all = [0, 7, edge - 1, edge, edge + 1, u64::MAX];
        let mut numbers = Numbers::default();
        for number in all {
            numbers.push(number);
        }
        let back: Vec<u64> = (0..all.len()).filter_map(|at| numbers.get(at)).collect();
        assert_eq!(back, all);
        assert_eq!(numbers.get(all.len()), None);
    }

    #[test]
    fn a_column_leaves_little_room() {
        let mut column = Vec::new();
        for n in 0..100_000_u32 {
            make_room(&mut column).push(n);
        }
        assert!(column.capacity() <= column.len() * 9 / 8 + 1);
    }
}
