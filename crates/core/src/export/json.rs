//! JSON Lines. Every line has every column; what does not apply is null.

use std::io::{self, Write};

use super::record::{COLUMNS, Cell, Record};
use super::text::json;

pub(super) fn write(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let fields = COLUMNS.iter().zip(record.cells()).map(|(name, cell)| {
        let value = match cell {
            Cell::Nothing => "null".to_owned(),
            Cell::Number(n) => n.to_string(),
            Cell::Plain(text) | Cell::Foreign(text) => json(&text),
        };
        format!("\"{name}\":{value}")
    });
    let fields: Vec<String> = fields.collect();
    writeln!(out, "{{{}}}", fields.join(","))
}
