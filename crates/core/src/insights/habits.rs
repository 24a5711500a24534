//! At which hours somebody works, and what lies outside of them.

use strongroom_format::id::Principal;

use super::limits::{HABIT_USES, USUAL_SHARE};
use super::{Found, Key, Severity, What};

/// The hours of one principal.
#[derive(Debug, Default)]
pub(super) struct Habit {
    earlier: [u32; 24],
    new: Vec<(u64, u8)>,
}

impl Habit {
    /// A use of `hour`; a new one is held against the earlier ones and teaches nothing, so that
    /// whoever comes at night cannot get used to it.
    pub(super) fn take(&mut self, hour: usize, at_ms: u64, is_new: bool) {
        if is_new {
            self.new.push((at_ms, u8::try_from(hour).unwrap_or(0)));
        } else if let Some(count) = self.earlier.get_mut(hour) {
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn finish(self, who: Principal, found: &mut Found<'_>) {
        let learnt_from = self.earlier.iter().fold(0u32, |sum, count| sum.saturating_add(*count));
        if learnt_from < HABIT_USES {
            return;
        }
        let usual = self.usual(learnt_from);
        let off = || self.new.iter().filter(|(_, hour)| !usual[usize::from(*hour)]);
        let (Some((first_ms, _)), Some((last_ms, _))) = (off().next(), off().next_back()) else {
            return;
        };
        let key = Key::of("insight-hours", &[&bytes(&who), &last_ms.to_be_bytes()]);
        let uses = u32::try_from(off().count()).unwrap_or(u32::MAX);
        found.add(
            key,
            Severity::Look,
            What::OffHours {
                who,
                uses,
                first_ms: *first_ms,
                last_ms: *last_ms,
                usual: runs(&usual),
                learnt_from,
            },
        );
    }

    /// Which hours are usual. The neighbours count, so that a quarter of an hour is no finding.
    fn usual(&self, learnt_from: u32) -> [bool; 24] {
        let mut usual = [false; 24];
        for (hour, usual) in usual.iter_mut().enumerate() {
            let near = [hour + 23, hour, hour + 1].map(|at| u64::from(self.earlier[at % 24]));
            *usual = near.iter().sum::<u64>() * u64::from(USUAL_SHARE) >= u64::from(learnt_from);
        }
        usual
    }
}

pub(super) fn bytes(who: &Principal) -> Vec<u8> {
    use strongroom_format::encoding::Codec as _;
    who.encode()
}

/// The runs of usual hours, each from a full hour up to another; one may pass midnight.
fn runs(usual: &[bool; 24]) -> Vec<(u8, u8)> {
    let begins = |hour: &u8| usual[usize::from(*hour)] && !usual[usize::from((hour + 23) % 24)];
    let end = |from: u8| {
        let length = (1..=24).find(|n| !usual[usize::from((from + n) % 24)]).unwrap_or(24);
        (from, (from + length) % 24)
    };
    (0..24u8).filter(begins).map(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_hours_are_told_as_runs_and_one_may_pass_midnight() {
        let mut usual = [false; 24];
        for hour in [22, 23, 0, 1, 9, 10] {
            usual[hour] = true;
        }
        assert_eq!(runs(&usual), [(9, 11), (22, 2)]);
    }
}
