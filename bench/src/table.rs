//! The table: one line for each thing measured.

use std::time::Duration;

use crate::measure::{Clock, Rounds, Spread};

/// What a row has to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bar {
    /// At most this many times the other.
    Times(f64),
    /// At most this long, in the median.
    Under(Duration),
    /// Nothing: it is stated.
    Stated,
}

/// One line.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    ours: String,
    bare: String,
    ratio: String,
    bar: String,
    verdict: &'static str,
}

impl Row {
    /// Ours beside the bare cost or a peer.
    pub(crate) fn compared(what: &str, rounds: &Rounds, clock: Clock, bar: Bar) -> Self {
        let [ours, bare] = rounds.times(clock);
        let (of_minima, median) = rounds.ratios(clock);
        let reached = match bar {
            Bar::Times(most) => Some(median <= most),
            Bar::Under(most) => Some(ours.median <= most),
            Bar::Stated => None,
        };
        let clock = match clock {
            Clock::Cpu => "cpu",
            Clock::Wall => "wall",
        };
        Self {
            what: format!("{what} ({clock})"),
            ours: spread(ours),
            bare: spread(bare),
            ratio: format!("{of_minima:.2} / {median:.2}"),
            bar: bar.words(),
            verdict: verdict(reached),
        }
    }

    /// A time by itself. `worst` is held against the bar.
    pub(crate) fn timed(what: &str, times: Spread, worst: Duration, bar: Bar) -> Self {
        let reached = match bar {
            Bar::Under(most) => Some(worst <= most),
            Bar::Times(_) | Bar::Stated => None,
        };
        Self {
            what: what.to_owned(),
            ours: spread(times),
            bare: "-".to_owned(),
            ratio: "-".to_owned(),
            bar: bar.words(),
            verdict: verdict(reached),
        }
    }

    /// A figure in words.
    pub(crate) fn stated(what: &str, figure: String) -> Self {
        Self {
            what: what.to_owned(),
            ours: figure,
            bare: "-".to_owned(),
            ratio: "-".to_owned(),
            bar: Bar::Stated.words(),
            verdict: verdict(None),
        }
    }

    fn cells(&self) -> [&str; 6] {
        [&self.what, &self.ours, &self.bare, &self.ratio, &self.bar, self.verdict]
    }
}

impl Bar {
    fn words(self) -> String {
        match self {
            Self::Times(most) => format!("<= {most} x"),
            Self::Under(most) => format!("<= {}", time(most)),
            Self::Stated => "stated".to_owned(),
        }
    }
}

fn verdict(reached: Option<bool>) -> &'static str {
    match reached {
        Some(true) => "ok",
        Some(false) => "OVER",
        None => "-",
    }
}

fn spread(times: Spread) -> String {
    format!("{} / {}", time(times.min), time(times.median))
}

/// A time with three digits and its unit.
pub(crate) fn time(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    let (value, unit) = match micros {
        m if m < 1e3 => (m, "us"),
        m if m < 1e6 => (m / 1e3, "ms"),
        m => (m / 1e6, "s"),
    };
    let digits = match value {
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

const HEAD: [&str; 6] = ["what", "ours min / median", "bare or peer", "ratio", "bar", ""];

/// All rows as a Markdown table with even columns.
pub(crate) fn render(rows: &[Row]) -> String {
    let mut widths = HEAD.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row.cells()) {
            *width = cell.len().max(*width);
        }
    }
    let line = |cells: [&str; 6]| {
        let padded: Vec<String> =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("| {} |\n", padded.join(" | "))
    };
    let rules = widths.map(|width| "-".repeat(width));
    let mut text = line(HEAD);
    text.push_str(&line(rules.each_ref().map(String::as_str)));
    for row in rows {
        text.push_str(&line(row.cells()));
    }
    text
}
