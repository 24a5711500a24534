//! Two contenders in turn, round by round, so that whatever else the machine does hits both.

use std::hint::black_box;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::time::{ClockId, clock_gettime};

use crate::Failure;

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    /// Of all threads of the process that worked, user and system.
    pub(crate) cpu: Duration,
    /// By the clock on the wall.
    pub(crate) wall: Duration,
}

/// Runs `work` in this process. What `work` gives back is dropped after the clocks were read.
pub(crate) fn here<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<Took, Failure> {
    let (wall, cpu) = (Instant::now(), process_cpu()?);
    let result = work();
    let took = Took { cpu: process_cpu()?.saturating_sub(cpu), wall: wall.elapsed() };
    drop(black_box(result?));
    Ok(took)
}

/// Runs `work`, which waits for another process to its end, and counts that process.
pub(crate) fn elsewhere(work: impl FnOnce() -> Result<(), Failure>) -> Result<Took, Failure> {
    let (wall, cpu) = (Instant::now(), children_cpu()?);
    work()?;
    Ok(Took { cpu: children_cpu()?.saturating_sub(cpu), wall: wall.elapsed() })
}

/// What this process has worked so far, all threads together.
pub(crate) fn process_cpu() -> Result<Duration, Failure> {
    Ok(Duration::from(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?))
}

fn children_cpu() -> Result<Duration, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(duration(usage.user_time())? + duration(usage.system_time())?)
}

fn duration(time: TimeVal) -> Result<Duration, Failure> {
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec())?);
    Ok(seconds + Duration::from_micros(u64::try_from(time.tv_usec())?))
}

/// Which clock a row compares.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Clock {
    /// CPU time: what the work costs, however busy the machine is.
    Cpu,
    /// Wall time: what a person waits.
    Wall,
}

impl Clock {
    /// This clock's part of a run.
    pub(crate) fn of(self, took: Took) -> Duration {
        match self {
            Self::Cpu => took.cpu,
            Self::Wall => took.wall,
        }
    }
}

/// All rounds of two contenders.
#[derive(Debug)]
pub(crate) struct Rounds {
    ours: Vec<Took>,
    bare: Vec<Took>,
}

impl Rounds {
    /// Runs both `n` times in turn, after one round that does not count.
    pub(crate) fn run(
        n: usize,
        mut ours: impl FnMut() -> Result<Took, Failure>,
        mut bare: impl FnMut() -> Result<Took, Failure>,
    ) -> Result<Self, Failure> {
        let mut rounds = Self { ours: Vec::new(), bare: Vec::new() };
        ours()?;
        bare()?;
        for round in 0..n {
            // Whoever comes second finds warmer caches: take turns.
            if round % 2 == 0 {
                rounds.ours.push(ours()?);
                rounds.bare.push(bare()?);
            } else {
                rounds.bare.push(bare()?);
                rounds.ours.push(ours()?);
            }
        }
        Ok(rounds)
    }

    /// The smallest and the median time of ours and of the other.
    pub(crate) fn times(&self, clock: Clock) -> [Spread; 2] {
        [&self.ours, &self.bare].map(|all| Spread::of(all.iter().map(|took| clock.of(*took))))
    }

    /// The ratio of the smallest times, and the median of the ratios within each round.
    pub(crate) fn ratios(&self, clock: Clock) -> (f64, f64) {
        let [ours, bare] = self.times(clock);
        let mut each: Vec<f64> = self
            .ours
            .iter()
            .zip(&self.bare)
            .map(|(ours, bare)| ratio(clock.of(*ours), clock.of(*bare)))
            .collect();
        each.sort_by(f64::total_cmp);
        (ratio(ours.min, bare.min), each.get(each.len() / 2).copied().unwrap_or(f64::NAN))
    }
}

fn ratio(ours: Duration, bare: Duration) -> f64 {
    ours.as_secs_f64() / bare.as_secs_f64()
}

/// The smallest and the median of some times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    /// The smallest: the least disturbed run.
    pub(crate) min: Duration,
    /// The one in the middle.
    pub(crate) median: Duration,
}

impl Spread {
    /// Of any times; zero if there are none.
    pub(crate) fn of(times: impl Iterator<Item = Duration>) -> Self {
        let mut times: Vec<Duration> = times.collect();
        times.sort();
        Self {
            min: times.first().copied().unwrap_or_default(),
            median: times.get(times.len() / 2).copied().unwrap_or_default(),
        }
    }
}
