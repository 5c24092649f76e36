use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use kura_model::{Error, Result};
use kura_service::dataset::{self, Observer, Places};

use super::{BankArgument, REFUSED, Shell};
use crate::output::{self, Format, thousands};

/// Research data sets: processed, pinned, verifiable
#[derive(Debug, Subcommand)]
pub enum Dataset {
    /// Build a data set from a specification
    ///
    /// Names, numbers, addresses, contacts and free text stay inside; dates move by patient;
    /// images leave if neither text nor a face is in them, or if the policy lets these be taken out
    /// and that was done; genomic information never leaves. There is no switch to change that.
    #[command(after_help = "Examples:
  kura dataset build samples/dataset.toml --bank /srv/bank --out /srv/sets/first
  kura dataset build cohort.toml --bank /srv/bank --out /srv/sets/cohort --review /srv/look
  kura dataset build cohort.toml --bank /srv/bank --out /srv/sets/cohort --format json")]
    Build {
        /// The specification, a TOML file; samples/dataset.toml is one
        spec: PathBuf,
        #[command(flatten)]
        bank: BankArgument,
        /// Folder to write; must be empty or absent
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        /// Folder for pictures of what was masked in images, and of heads before and after. They
        /// show patients: keep them where the hospital keeps its images
        #[arg(long, value_name = "FOLDER")]
        review: Option<PathBuf>,
    },
    /// Check every file of a data set against its manifest
    #[command(after_help = "Examples:
  kura dataset verify /srv/sets/first
  kura dataset verify /srv/sets/first --bank /srv/bank --rebuild

Exit code 3: something differs.")]
    Verify {
        /// Folder of the data set
        folder: PathBuf,
        /// Build it again from the bank and compare
        #[arg(long, requires = "bank")]
        rebuild: bool,
        /// Folder of the bank, for --rebuild
        #[arg(long, env = "KURA_BANK", value_name = "FOLDER")]
        bank: Option<PathBuf>,
    },
}

struct Bar(ProgressBar);

impl Observer for Bar {
    fn patients(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }

    fn cleaned(&self, objects: u64) {
        self.0.set_message(format!("{objects} images cleaned"));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Dataset {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        match self {
            Dataset::Build {
                spec,
                bank,
                out,
                review,
            } => {
                let places = Places {
                    out: &out,
                    review: review.as_deref(),
                };
                build(shell, &spec, &bank, places)
            }
            Dataset::Verify {
                folder,
                rebuild,
                bank,
            } => {
                let bank = bank.filter(|_| rebuild);
                verify(shell, &folder, bank)
            }
        }
    }
}

fn build(
    shell: &Shell,
    spec: &std::path::Path,
    bank: &BankArgument,
    places: Places<'_>,
) -> Result<ExitCode> {
    let bank = bank.open()?;
    let text = std::fs::read_to_string(spec)
        .map_err(|error| Error::invalid(format!("{}: {error}", spec.display())))?;
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}")
        .map_err(|error| Error::internal("a progress bar cannot be shown").because(error))?;
    let bar = Bar(ProgressBar::new(0).with_style(style));
    let built = dataset::build(&bank, &shell.context, &text, places, &bar);
    drop(bar);
    let built = built?;
    if shell.format == Format::Json {
        output::json(&built)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&format!(
        "{}: {} patients, {} files, {} bytes, t = {}, in {:.1} s",
        built.folder.display(),
        thousands(built.patients),
        thousands(built.files as u64),
        thousands(built.bytes),
        built.t,
        built.seconds
    ))?;
    for (reason, count) in &built.withheld {
        output::line(&format!("{:>8}  withheld  {reason}", thousands(*count)))?;
    }
    output::line(&format!("manifest {}", built.manifest))?;
    output::line("Read card.md or card.html first.")?;
    Ok(ExitCode::SUCCESS)
}

fn verify(shell: &Shell, folder: &std::path::Path, bank: Option<PathBuf>) -> Result<ExitCode> {
    let (manifest, mut differences) = dataset::verify(folder)?;
    let rebuilt = bank.is_some();
    if let Some(bank) = bank {
        let bank = kura_service::Bank::open(&bank)?;
        let bar = Bar(ProgressBar::new(0));
        differences.extend(dataset::rebuild(&bank, &shell.context, folder, &bar)?);
    }
    if shell.format == Format::Json {
        output::json(&serde_json::json!({
            "whole": differences.is_empty(), "files": manifest.files.len(), "rebuilt": rebuilt, "differences": differences,
        }))?;
    } else if differences.is_empty() {
        output::line(&format!(
            "whole: {} files are as the manifest says{}",
            manifest.files.len(),
            if rebuilt {
                ", and building it again gives the same bytes"
            } else {
                ""
            }
        ))?;
    } else {
        for difference in &differences {
            output::line(&difference.to_string())?;
        }
    }
    Ok(if differences.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}
