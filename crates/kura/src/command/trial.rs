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
    /// With a data set, a case is a series of it (case is the series_uid) and readers see its
    /// images on the page of the trial; with the model's answers, CSV case,probability, they are
    /// locked too and shown in the aided condition.
    #[command(after_help = "Examples:
  kura trial fix samples/trial-protocol.toml cases.csv --bank /srv/bank
  kura trial fix protocol.toml cases.csv --set /srv/sets/chest --answers answers.csv --bank /srv/bank")]
    Fix {
        /// The protocol, a TOML file; samples/trial-protocol.toml explains every key
        protocol: PathBuf,
        /// The cases, a CSV file
        cases: PathBuf,
        /// Folder of the data set with the images, which stays where it is
        #[arg(long, value_name = "FOLDER")]
        set: Option<PathBuf>,
        /// The model's answers, a CSV file
        #[arg(long, value_name = "FILE")]
        answers: Option<PathBuf>,
        #[command(flatten)]
        bank: BankArgument,
    },
    /// Every trial, with how far it is
    #[command(after_help = "Example:
  kura trial list --bank /srv/bank")]
    List {
        #[command(flatten)]
        bank: BankArgument,
    },
    /// What was read on the pages, as CSV, the file that analyse takes
    #[command(after_help = "Example:
  kura trial readings ID --bank /srv/bank > readings.csv")]
    Readings {
        /// What kura trial fix called it
        id: String,
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
    /// Without --readings it takes what was read on the pages, without --answers those that were
    /// locked with the trial. From then on nothing is read any more. Readings are CSV:
    /// reader,experience,case,condition,read_at and score or decision. The model's answers are
    /// CSV: case,probability.
    #[command(after_help = "Examples:
  kura trial analyse ID --out /srv/reports/trial --bank /srv/bank
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
                set,
                answers,
                bank,
            } => {
                let fixed = trial::fix(
                    &bank.open()?,
                    &shell.context,
                    &protocol,
                    &cases,
                    set.as_deref(),
                    answers.as_deref(),
                )?;
                if shell.format == Format::Json {
                    output::json(&fixed)?;
                } else {
                    output::line(&format!(
                        "{} cases, {} positive, locked as {}",
                        fixed.cases, fixed.positive, fixed.cases_hash
                    ))?;
                    if fixed.images > 0 {
                        output::line(&format!("{} images locked", fixed.images))?;
                    }
                    if fixed.answers {
                        output::line("the model's answers are locked")?;
                    }
                    output::line(&format!("trial {}", fixed.id))?;
                    output::line("Read it on the page /trials, or from paper")?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Trial::List { bank } => {
                let all = trial::list(&bank.open()?, &shell.context)?;
                if shell.format == Format::Json {
                    output::json(&all)?;
                } else if all.is_empty() {
                    output::line("No trial was fixed yet; see kura trial fix --help")?;
                }
                for one in all.iter().filter(|_| shell.format == Format::Text) {
                    output::line(&format!(
                        "{}  {}  {} {}, {} cases, {} readers, {} readings, {} analyses{}",
                        one.id,
                        one.title,
                        one.model.name,
                        one.model.version,
                        one.cases,
                        one.readers,
                        one.readings,
                        one.analyses,
                        if one.closed { ", closed" } else { "" }
                    ))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Trial::Readings { id, bank } => {
                let csv = trial::readings(&bank.open()?, &shell.context, hash(&id)?)?
                    .ok_or_else(|| Error::not_found("nothing was read on the pages yet"))?;
                let text = String::from_utf8_lossy(&csv);
                output::line(text.trim_end())?;
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
