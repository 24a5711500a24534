//! Rows of the audit log for other programs: spreadsheets and databases (CSV), scripts (JSON Lines)
//! and collectors of security events (CEF).
//!
//! Nothing in a name may run, hide or break a line elsewhere. What a text may contain and how each
//! format writes it stands in [`text`]; each writing can be undone, so that nothing is lost.

mod cef;
mod csv;
mod json;
mod record;
pub mod text;

use std::io::{self, Write};

pub use record::{COLUMNS, Record, kind_word};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a line of column names.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Common Event Format, version 0.
    Cef,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Csv, Self::JsonLines, Self::Cef];

    /// What such a file is called.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Cef => "cef",
        }
    }
}

/// Writes rows.
#[derive(Debug)]
pub struct Exporter<W> {
    format: Format,
    out: W,
}

impl<W: Write> Exporter<W> {
    /// Begins a file.
    pub fn begin(format: Format, mut out: W) -> io::Result<Self> {
        if format == Format::Csv {
            csv::write_names(&mut out)?;
        }
        Ok(Self { format, out })
    }

    /// Writes the next row.
    pub fn row(&mut self, record: &Record) -> io::Result<()> {
        match self.format {
            Format::Csv => csv::write(&mut self.out, record),
            Format::JsonLines => json::write(&mut self.out, record),
            Format::Cef => cef::write(&mut self.out, record),
        }
    }

    /// Ends the file.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

#[cfg(test)]
mod tests;
