use std::path::PathBuf;
use std::process::ExitCode;

use kura_model::Result;
use kura_service::masters;

use super::{BankArgument, Shell};
use crate::output::{self, Format, thousands};

/// Code lists of others: the payer's master files
#[derive(Debug, clap::Subcommand)]
pub enum Terminology {
    Add(Add),
}

/// Bring the payer's master files into the bank as code systems
///
/// 傷病名 (diseases), 修飾語 (modifiers), 医薬品 (drugs) and 特定器材 (materials) of the 社会保険診療報酬
/// 支払基金: the CSV file, or the ZIP archive that it comes in. Each becomes a CodeSystem and a
/// ValueSet of all its codes. Adding a file again adds nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura terminology add --bank /srv/bank b_20240601.zip y_ALL20240321.zip

Then, for example:
  curl 'http://127.0.0.1:8080/fhir/ValueSet/$expand?url=urn:kura:value-set:claims-disease&filter=肺炎&count=20'")]
pub struct Add {
    #[command(flatten)]
    bank: BankArgument,
    /// Master files
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Terminology {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let Terminology::Add(add) = self;
        let bank = add.bank.open()?;
        for file in &add.files {
            let report = masters::master_add(&bank, &shell.context, file)?;
            match shell.format {
                Format::Json => output::json(&report)?,
                Format::Text => output::line(&format!(
                    "{} {}: {} codes{}",
                    report.title,
                    report.version,
                    thousands(report.concepts as u64),
                    if report.known { ", known already" } else { "" },
                ))?,
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
