use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kura_model::{Error, Result};
use kura_service::import::{self, FileState, Report};

use super::{BankArgument, REFUSED, Shell};
use crate::output::{self, Format, thousands};
use crate::progress::Bar;

/// Bring files and folders into the bank
///
/// What a file is, its content says: FHIR R4 NDJSON and Bundles (plain or gzip), DICOM files and
/// ZIP archives, VCF and BCF, CATS reports, UKE claims, sample sheets. Importing the same files
/// again adds nothing; an import that was stopped goes on where it was.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura import --bank /srv/bank /mnt/export/fhir /mnt/pacs
  kura import --bank /srv/bank --report
  kura import --bank /srv/bank --item 12 > refused.bin

Exit code 3: done, but something was refused; see --report.")]
pub struct Import {
    #[command(flatten)]
    bank: BankArgument,
    /// Files and folders
    #[arg(required_unless_present_any = ["report", "item"])]
    paths: Vec<PathBuf>,
    /// List what was refused, and why
    #[arg(long, conflicts_with = "paths")]
    report: bool,
    /// With --report: how many, newest first
    #[arg(long, default_value_t = 100, requires = "report")]
    limit: u32,
    /// Write the bytes of one refused item to standard output
    #[arg(long, value_name = "ID", conflicts_with_all = ["paths", "report"])]
    item: Option<i64>,
}

impl Import {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let bank = self.bank.open()?;
        if let Some(id) = self.item {
            use std::io::Write as _;
            let bytes = import::quarantine_item(&bank, &shell.context, id)?;
            std::io::stdout().write_all(&bytes).map_err(|error| {
                Error::internal("standard output cannot be written").because(error)
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        if self.report {
            return report(&bank, shell, self.limit);
        }
        let cancel = Arc::new(AtomicBool::new(false));
        let handler = cancel.clone();
        ctrlc::set_handler(move || {
            if handler.swap(true, Ordering::Relaxed) {
                // Asked twice: what is committed is safe, the rest is read again next time.
                std::process::exit(130);
            }
            eprintln!("kura: stopping after this batch; again to stop at once");
        })
        .map_err(|error| Error::internal("Ctrl-C cannot be handled").because(error))?;
        let bar = Bar::new();
        let result = import::import(&bank, &shell.context, &self.paths, &bar, &cancel);
        drop(bar);
        let report = result?;
        match shell.format {
            Format::Json => output::json(&report)?,
            Format::Text => tell(&report)?,
        }
        Ok(if report.interrupted {
            ExitCode::from(130)
        } else if report.refused > 0 {
            ExitCode::from(REFUSED)
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn tell(report: &Report) -> Result<()> {
    let count = |state: FileState| {
        report
            .files
            .iter()
            .filter(|file| file.state == state)
            .count()
    };
    output::line(&format!(
        "{} files: {} imported, {} known already, {} skipped{}",
        report.files.len(),
        count(FileState::Imported),
        count(FileState::Known),
        count(FileState::Skipped),
        if report.interrupted {
            "; interrupted, run it again to go on"
        } else {
            ""
        }
    ))?;
    output::line(&format!(
        "{} records written, {} unchanged, {} refused, in {:.1} s ({:.0}/s)",
        thousands(report.accepted),
        thousands(report.unchanged),
        thousands(report.refused),
        report.seconds,
        report.accepted as f64 / report.seconds.max(0.001)
    ))?;
    if report.warned > 0 {
        output::line(&format!(
            "{} of them break rules of their types or profiles",
            thousands(report.warned)
        ))?;
    }
    super::model::answered(&report.answered)?;
    if report.linked > 0 {
        output::line(&format!(
            "{} earlier items found their patient",
            thousands(report.linked)
        ))?;
    }
    if report.unlinked > 0 {
        output::line(&format!(
            "{} items in the bank have no patient yet",
            thousands(report.unlinked)
        ))?;
    }
    if report.refused > 0 {
        output::line("What was refused and why: kura import --report")?;
    }
    Ok(())
}

fn report(bank: &kura_service::Bank, shell: &Shell, limit: u32) -> Result<ExitCode> {
    let rows = import::quarantine(bank, &shell.context, None, limit)?;
    match shell.format {
        Format::Json => output::json(&rows)?,
        Format::Text if rows.is_empty() => output::line("Nothing was refused.")?,
        Format::Text => {
            for row in &rows {
                output::line(&format!("{:>6}  {}  {}", row.id, row.name, row.refusal))?;
            }
            output::line(&format!(
                "{} items in quarantine; the bytes of one: kura import --item ID",
                bank.clinical.quarantine_count()?
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
