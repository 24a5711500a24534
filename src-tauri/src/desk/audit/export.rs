//! Entries of the log in a file of their own, and the proof of one.

use std::path::PathBuf;

use strongroom_client::vault::ExportFormat;
use strongroom_core::export::Format;

use super::query;
use crate::{
    desk::Desk,
    error::{Answer, CommandError},
    view::{AuditFormat, AuditQuery},
};

impl Desk {
    /// Writes what a query finds to where the person wants it.
    pub async fn audit_export(
        &self,
        query: AuditQuery,
        format: AuditFormat,
        names: bool,
        file: PathBuf,
    ) -> Answer<()> {
        let asked = query::ask(&query)?;
        self.session()?.export_log(&asked, format_in(format), names, &file).await?;
        Ok(())
    }

    /// Writes the proof of one entry to where the person wants it.
    pub async fn audit_proof_save(&self, entry: u64, file: PathBuf) -> Answer<()> {
        self.on_log(move |session| {
            let text = session.log_entry(entry)?.text;
            std::fs::write(file, text).map_err(|_| CommandError::FileUnreadable)
        })
        .await
    }
}

/// The name that is offered for such a file.
pub fn file_name(format: AuditFormat) -> String {
    format!("strongroom-audit.{}", format_in(format).ending())
}

fn format_in(format: AuditFormat) -> ExportFormat {
    match format {
        AuditFormat::Csv => ExportFormat::Rows(Format::Csv),
        AuditFormat::Jsonl => ExportFormat::Rows(Format::JsonLines),
        AuditFormat::Cef => ExportFormat::Rows(Format::Cef),
        AuditFormat::Bundle => ExportFormat::Bundle,
    }
}
