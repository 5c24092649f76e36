use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use kura_model::{ContentHash, Error, Result};
use kura_service::trial::{self, ReadingCondition};

use super::{BankArgument, REFUSED, Shell};
use crate::output::{self, Format};

/// The performance test (性能評価試験): a model alone, beside readers, or in readers' hands
///
/// Protocol and cases are fixed before anything is read, and called by their hash from then on.
#[derive(Debug, Subcommand)]
pub enum Trial {
    /// Fix a protocol and lock its cases
    ///
    /// Cases are CSV: case,cluster,truth and columns for subgroups. The cluster is the patient.
    #[command(after_help = "Example:
  kura trial fix samples/trial-protocol.toml cases.csv --bank /srv/bank")]
    Fix {
        /// The protocol, a TOML file; samples/trial-protocol.toml explains every key
        protocol: PathBuf,
        /// The cases, a CSV file
        cases: PathBuf,
        #[command(flatten)]
        bank: BankArgument,
    },
    /// The order in which a reader reads: random, different for each reader and condition
    #[command(after_help = "Example:
  kura trial order ID --reader R1 --condition unaided --seed 20260401 --bank /srv/bank")]
    Order {
        /// What kura trial fix called it
        id: String,
        #[arg(long)]
        reader: String,
        #[arg(long, value_enum)]
        condition: Condition,
        /// As the protocol says
        #[arg(long)]
        seed: u64,
        #[command(flatten)]
        bank: BankArgument,
    },
    /// Analyse a trial as its protocol says, and write the reports; each analysis is counted
    ///
    /// Readings are CSV: reader,experience,case,condition,read_at and score or decision. The
    /// model's answers are CSV: case,probability.
    #[command(after_help = "Example:
  kura trial analyse ID --readings readings.csv --answers answers.csv --out /srv/reports/trial --bank /srv/bank

Exit code 3: the result is not confirmatory; the report says why.")]
    Analyse {
        /// What kura trial fix called it
        id: String,
        #[arg(long, value_name = "FILE")]
        readings: Option<PathBuf>,
        #[arg(long, value_name = "FILE")]
        answers: Option<PathBuf>,
        /// Folder to write; must be empty or absent
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        #[command(flatten)]
        bank: BankArgument,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Condition {
    Unaided,
    Aided,
}

fn hash(text: &str) -> Result<ContentHash> {
    text.parse()
        .map_err(|_| Error::invalid("a trial is called by 64 hexadecimal digits"))
}

impl Trial {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        match self {
            Trial::Fix {
                protocol,
                cases,
                bank,
            } => {
                let fixed = trial::fix(&bank.open()?, &shell.context, &protocol, &cases)?;
                if shell.format == Format::Json {
                    output::json(&fixed)?;
                } else {
                    output::line(&format!(
                        "{} cases, {} positive, locked as {}",
                        fixed.cases, fixed.positive, fixed.cases_hash
                    ))?;
                    output::line(&format!("trial {}", fixed.id))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Trial::Order {
                id,
                reader,
                condition,
                seed,
                bank,
            } => {
                let condition = match condition {
                    Condition::Unaided => ReadingCondition::Unaided,
                    Condition::Aided => ReadingCondition::Aided,
                };
                let order = trial::order(
                    &bank.open()?,
                    &shell.context,
                    hash(&id)?,
                    &reader,
                    condition,
                    seed,
                )?;
                if shell.format == Format::Json {
                    output::json(&order)?;
                } else {
                    for case in order {
                        output::line(&case)?;
                    }
                }
                Ok(ExitCode::SUCCESS)
            }
            Trial::Analyse {
                id,
                readings,
                answers,
                out,
                bank,
            } => {
                let done = trial::analyse(
                    &bank.open()?,
                    &shell.context,
                    hash(&id)?,
                    readings.as_deref(),
                    answers.as_deref(),
                    &out,
                )?;
                let confirmatory = done.result.verdict.confirmatory;
                if shell.format == Format::Json {
                    output::json(&done)?;
                } else {
                    output::line(&format!(
                        "Analysis {} of this trial; the result is {}confirmatory",
                        done.analyses,
                        if confirmatory { "" } else { "not " }
                    ))?;
                    output::line(&format!(
                        "Read {}/report.ja.html or report.en.html",
                        done.folder.display()
                    ))?;
                }
                Ok(if confirmatory {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::from(REFUSED)
                })
            }
        }
    }
}
