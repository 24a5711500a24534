//! CSV as RFC 4180 has it, with newlines as line ends. All text stands in quotation marks.

use std::io::{self, Write};

use ::csv::{QuoteStyle, WriterBuilder};

use super::record::{COLUMNS, Cell, Record};
use super::text::{guarded, shown};

pub(super) fn write_names(out: &mut impl Write) -> io::Result<()> {
    write_row(out, &COLUMNS.map(str::to_owned))
}

pub(super) fn write(out: &mut impl Write, record: &Record) -> io::Result<()> {
    write_row(out, &record.cells().map(cell))
}

fn cell(cell: Cell) -> String {
    match cell {
        Cell::Nothing => String::new(),
        Cell::Number(n) => n.to_string(),
        Cell::Plain(text) => text,
        Cell::Foreign(text) => guarded(shown(&text)),
    }
}

fn write_row(out: &mut impl Write, cells: &[String]) -> io::Result<()> {
    let mut row = WriterBuilder::new().quote_style(QuoteStyle::NonNumeric).from_writer(out);
    row.write_record(cells)?;
    row.flush()
}
