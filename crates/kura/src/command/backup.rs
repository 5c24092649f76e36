use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use kura_model::{Error, Result};
use kura_service::backup;

use super::{BankArgument, Shell};
use crate::output::{self, Format, thousands};

/// Copy the bank while it is served
///
/// One consistent state of the three zones, on SQLite or PostgreSQL, checked against hashes. A second
/// copy into the same folder adds only what is new: files (images, documents, models) and pieces of
/// the databases. A copy holds everything the bank holds but its key file (`identity.key_file`):
/// keep it as safe, and the key file apart from it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  kura backup --bank /srv/bank --out /mnt/backup")]
pub struct Backup {
    #[command(flatten)]
    bank: BankArgument,
    /// Folder of copies
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// Make a bank from a copy
///
/// From the newest copy of a folder, or from one of its copies/ that is named. Every file is
/// checked, and the audit chain. The key file is in no copy: put it back yourself. A copy of a bank on PostgreSQL needs the address of an empty
/// database in KURA_DATABASE.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura restore --from /mnt/backup --bank /srv/bank-again
  kura restore --from /mnt/backup/copies/00000042-20261121T120000Z --bank /srv/bank-again")]
pub struct Restore {
    /// Folder of copies, or one copy
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    #[command(flatten)]
    bank: BankArgument,
}

/// A bar that ends when Ctrl-C was pressed.
fn watched() -> Result<impl FnMut(u64, u64) -> bool> {
    let cancel = Arc::new(AtomicBool::new(false));
    let handler = cancel.clone();
    ctrlc::set_handler(move || handler.store(true, Ordering::Relaxed))
        .map_err(|error| Error::internal("Ctrl-C cannot be handled").because(error))?;
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} files") {
        bar.set_style(style);
    }
    Ok(move |done, all| {
        bar.set_length(all);
        bar.set_position(done);
        !cancel.load(Ordering::Relaxed)
    })
}

impl Backup {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let bank = self.bank.open()?;
        let copied = backup::backup(&bank, &shell.context, &self.out, &mut watched()?)?;
        match shell.format {
            Format::Json => output::json(&copied)?,
            Format::Text => output::line(&format!(
                "{}: t = {}, {} files, {} of them new ({} bytes)",
                copied.folder.display(),
                copied.t,
                thousands(copied.blobs),
                thousands(copied.new_blobs),
                thousands(copied.new_bytes)
            ))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let restored =
            backup::restore(&shell.context, &self.from, &self.bank.bank, &mut watched()?)?;
        match shell.format {
            Format::Json => output::json(&restored)?,
            Format::Text => output::line(&format!(
                "{} from {}: t = {}, {} files, {} audit rows, the chain is whole",
                self.bank.bank.display(),
                restored.copy.display(),
                restored.t,
                thousands(restored.blobs),
                thousands(restored.audit_rows)
            ))?,
        }
        if let (Format::Text, Some(file)) = (shell.format, &restored.key_file_missing) {
            output::line(&format!(
                "Copies do not hold the key file: put the bank's at {} before you use it.",
                file.display()
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
