use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use kura_model::{Error, Result};
use kura_service::dataset::{self, Observer, Places, PublicKey, Signed};

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
        /// Folder for pictures of what was masked in images, heads before and after, and a sample of texts.
        /// They show patients: keep them where the hospital keeps its records
        #[arg(long, value_name = "FOLDER")]
        review: Option<PathBuf>,
    },
    /// Check every file of a data set against its manifest, and whose manifest it is
    #[command(after_help = "Examples:
  kura dataset verify /srv/sets/first --key bank.pub
  kura dataset verify /srv/sets/first --bank /srv/bank --rebuild

Without Kura: minisign -Vm manifest.json -p bank.pub

Exit code 3: something differs, or the signature is not of that key.")]
    Verify {
        /// Folder of the data set
        folder: PathBuf,
        /// Build it again from the bank and compare
        #[arg(long, requires = "bank")]
        rebuild: bool,
        /// Folder of the bank: for --rebuild, and for its key
        #[arg(long, env = "KURA_BANK", value_name = "FOLDER")]
        bank: Option<PathBuf>,
        /// The public key of the bank that built it: the file that `kura dataset key` wrote, or
        /// its line that begins with RW
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Print the public key that the bank's data sets are signed with
    ///
    /// Publish it, on the hospital's own page say: whoever gets a data set checks by it that it is
    /// of this bank and as it was built.
    #[command(after_help = "Examples:
  kura dataset key --bank /srv/bank > bank.pub
  kura dataset verify /srv/sets/first --key bank.pub")]
    Key {
        #[command(flatten)]
        bank: BankArgument,
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
                key,
            } => {
                // The bank of the environment may be any; what is asked for must hold.
                let bank = bank.filter(|_| rebuild || key.is_none());
                verify(shell, &folder, bank, rebuild, key)
            }
            Dataset::Key { bank } => {
                let key = dataset::public_key(&bank.open()?, &shell.context)?;
                output::line(&format!(
                    "untrusted comment: public key of a bank's data sets, by Kura\n{key}"
                ))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn build(shell: &Shell, spec: &Path, bank: &BankArgument, places: Places<'_>) -> Result<ExitCode> {
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
    for note in &built.notes {
        output::line(note)?;
    }
    output::line(&format!("manifest {}", built.manifest))?;
    output::line("Read card.md or card.html first.")?;
    Ok(ExitCode::SUCCESS)
}

fn verify(
    shell: &Shell,
    folder: &Path,
    bank: Option<PathBuf>,
    rebuild: bool,
    key: Option<String>,
) -> Result<ExitCode> {
    let (manifest, mut differences) = dataset::verify(folder)?;
    let bank = bank
        .map(|bank| kura_service::Bank::open(&bank))
        .transpose()?;
    // A set of another bank is no broken set, unless it was said to be of this one.
    let strict = key.is_some();
    let key = match (key, &bank) {
        (Some(key), _) => Some(public_key(&key)?),
        (None, Some(bank)) => dataset::known_key(bank)?,
        (None, None) => None,
    };
    let signed = key.map(|key| dataset::signed(folder, &key)).transpose()?;
    if let Some(bank) = bank.filter(|_| rebuild) {
        let bar = Bar(ProgressBar::new(0));
        differences.extend(dataset::rebuild(&bank, &shell.context, folder, &bar)?);
    }
    let genuine = match &signed {
        Some(Signed::Good(_)) | None => true,
        Some(Signed::Unsigned | Signed::OtherKey) => !strict,
        Some(Signed::Wrong) => false,
    };
    if shell.format == Format::Json {
        output::json(&serde_json::json!({
            "whole": differences.is_empty(), "files": manifest.files.len(), "rebuilt": rebuild,
            "signature": signed, "differences": differences,
        }))?;
    } else {
        if differences.is_empty() {
            output::line(&format!(
                "whole: {} files are as the manifest says{}",
                manifest.files.len(),
                if rebuild {
                    ", and building it again gives the same bytes"
                } else {
                    ""
                }
            ))?;
        }
        for difference in &differences {
            output::line(&difference.to_string())?;
        }
        output::line(&match &signed {
            None => "not checked: whose it is; give the bank's key with --key".to_owned(),
            Some(Signed::Good(comment)) => format!("signed: {comment}"),
            Some(Signed::Unsigned) => "not signed".to_owned(),
            Some(Signed::OtherKey) => "signed with another key than this".to_owned(),
            Some(Signed::Wrong) => {
                "the signature is wrong: the manifest was changed, or somebody else signed it"
                    .to_owned()
            }
        })?;
    }
    Ok(if differences.is_empty() && genuine {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}

/// A line, or the file that holds it.
fn public_key(given: &str) -> Result<PublicKey> {
    if given.starts_with("RW") && !Path::new(given).exists() {
        return given.parse();
    }
    let text = std::fs::read_to_string(given)
        .map_err(|error| Error::invalid(format!("{given}: {error}")))?;
    text.parse()
        .map_err(|error: Error| Error::invalid(format!("{given}: {}", error.message())))
}
