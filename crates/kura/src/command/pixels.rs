use std::path::PathBuf;
use std::process::ExitCode;

use indicatif::ProgressBar;
use kura_model::{Error, Result};
use kura_service::{Config, deid_pixels};

use super::{REFUSED, Shell};
use crate::output::{self, Format};

/// Mask the text in the pictures of DICOM files
///
/// Every piece of text that is found is masked in every frame, unless it is wholly one of a short
/// list (R, L, kV, 5 cm …), read with confidence, and none of the identifiers. The objects are
/// written in native samples; their attributes stay as they are, so what is written is not
/// de-identified yet: `kura dataset build` does that. What cannot be decoded is refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura deid pixels us-1.dcm us-2.dcm --out cleaned --identifiers names.txt
  kura deid pixels *.dcm --out cleaned --review look-at

The models: KURA_OCR__MODELS, or ocr.models of the bank (scripts/ocr.sh fetches them). Exit code 3: a
file was refused.")]
pub struct Pixels {
    /// DICOM files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Folder to write to, each file under its own name
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Identifiers of the patients, one a line: a text that holds one never stays
    #[arg(long, value_name = "FILE")]
    identifiers: Option<PathBuf>,
    /// Folder for pictures with the boxes: red is masked, green stays
    #[arg(long, value_name = "FOLDER")]
    review: Option<PathBuf>,
    /// Folder of a bank, for its configuration
    #[arg(long, env = "KURA_BANK", value_name = "FOLDER")]
    bank: Option<PathBuf>,
}

/// The configuration of a bank, or what the environment says.
pub(super) fn configuration(bank: Option<PathBuf>) -> Result<Config> {
    let folder = bank.unwrap_or_default();
    Config::load(&folder.join("kura.toml"), std::env::vars())
}

impl Pixels {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let config = configuration(self.bank)?;
        let identifiers: Vec<String> = match &self.identifiers {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| Error::invalid(format!("{}: {error}", file.display())))?
                .lines()
                .map(str::to_owned)
                .collect(),
            None => Vec::new(),
        };
        let bar = ProgressBar::new(self.files.len() as u64);
        let all = deid_pixels::clean_files(
            &config,
            &self.files,
            &self.out,
            &identifiers,
            self.review.as_deref(),
            &mut |_| bar.inc(1),
        )?;
        bar.finish_and_clear();
        match shell.format {
            Format::Json => output::json(&all)?,
            Format::Text => {
                for one in &all {
                    let said = match (&one.done, &one.refused) {
                        (Some(done), _) => format!(
                            "{} frames, {} areas masked ({:.1}% of the picture), {} kept, {} readings were an identifier",
                            done.frames,
                            done.masked.len(),
                            done.share * 100.0,
                            done.kept.len(),
                            done.identifiers
                        ),
                        (None, refused) => {
                            format!("refused: {}", refused.as_deref().unwrap_or_default())
                        }
                    };
                    output::line(&format!("{}: {said}", one.file.display()))?;
                }
            }
        }
        Ok(match all.iter().all(|one| one.refused.is_none()) {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(REFUSED),
        })
    }
}
