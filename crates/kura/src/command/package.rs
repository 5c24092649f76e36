use std::path::PathBuf;
use std::process::ExitCode;

use kura_model::Result;
use kura_service::validation;

use super::{BankArgument, REFUSED, Shell};
use crate::output::{self, Format, thousands};

/// Packages of FHIR definitions: profiles, value sets, code systems, search parameters
#[derive(Debug, clap::Subcommand)]
pub enum Package {
    Add(Add),
}

/// Bring a package into the bank
///
/// A package is an npm-style .tgz, as HL7 and its affiliates publish implementation guides. Its
/// definitions are kept as resources of the bank; resources are validated by them from then on.
/// Adding it again adds nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura package add --bank /srv/bank jp-core.r4-1.1.2.tgz

Exit code 3: done, but something was refused; see kura import --report.")]
pub struct Add {
    #[command(flatten)]
    bank: BankArgument,
    /// Packages
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Package {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let Package::Add(add) = self;
        let bank = add.bank.open()?;
        let mut refused = 0;
        for file in &add.files {
            let report = validation::package_add(&bank, &shell.context, file)?;
            refused += report.refused;
            match shell.format {
                Format::Json => output::json(&report)?,
                Format::Text => output::line(&format!(
                    "{} {}: {} definitions, {} new, {} known, {} refused",
                    report.name,
                    report.version,
                    thousands(report.kept),
                    thousands(report.accepted),
                    thousands(report.unchanged),
                    thousands(report.refused),
                ))?,
            }
        }
        Ok(if refused > 0 {
            ExitCode::from(REFUSED)
        } else {
            ExitCode::SUCCESS
        })
    }
}
