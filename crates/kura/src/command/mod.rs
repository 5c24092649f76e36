//! The command line. `docs/` and scripts of others rely on it: add, do not rename.

mod access;
mod approval;
mod audit;
mod backup;
mod dataset;
mod deid;
mod dicom;
mod face;
mod import;
mod init;
mod lead_back;
mod model;
mod package;
mod pixels;
mod serve;
mod status;
mod terminology;
mod train;
mod trial;
mod upgrade;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kura_model::{Actor, PurposeOfUse, RequestContext, Result, Role};
use kura_service::Bank;

use crate::output::Format;

/// Done, but something was refused or differs.
pub const REFUSED: u8 = 3;

/// Kura, the open digital medical data bank.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "Examples:
  kura init /srv/bank
  kura import --bank /srv/bank /mnt/export/fhir /mnt/pacs
  kura serve --bank /srv/bank --listen 127.0.0.1:8080
  kura dataset build cohort.toml --bank /srv/bank --out /srv/sets/cohort

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but something was refused or differs, 130 interrupted."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// What results are written as
    #[arg(long, global = true, value_enum, default_value = "text")]
    format: Format,
    /// Name of the person who runs this, for the audit trail
    #[arg(long = "as", global = true, env = "KURA_OPERATOR", value_name = "NAME")]
    operator: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Import(import::Import),
    Serve(serve::Serve),
    Status(status::Status),
    #[command(subcommand)]
    Dicom(dicom::Dicom),
    #[command(subcommand)]
    Dataset(dataset::Dataset),
    #[command(subcommand)]
    Deid(deid::Deid),
    Train(train::Train),
    #[command(subcommand)]
    Package(package::Package),
    #[command(subcommand)]
    Terminology(terminology::Terminology),
    #[command(subcommand)]
    Model(model::Model),
    #[command(subcommand)]
    Trial(trial::Trial),
    #[command(subcommand)]
    Audit(audit::Audit),
    #[command(subcommand)]
    User(user::User),
    #[command(subcommand)]
    Access(access::Access),
    Upgrade(upgrade::Upgrade),
    Backup(backup::Backup),
    Restore(backup::Restore),
}

/// The folder of the bank.
#[derive(Debug, clap::Args)]
pub struct BankArgument {
    /// Folder of the bank
    #[arg(long, env = "KURA_BANK", value_name = "FOLDER")]
    bank: PathBuf,
}

impl BankArgument {
    fn open(&self) -> Result<Bank> {
        let bank = Bank::open(&self.bank)?;
        start_log(&bank.config.log);
        Ok(bank)
    }
}

/// What every command is told.
pub struct Shell {
    pub format: Format,
    pub context: RequestContext,
}

pub fn run(arguments: Arguments) -> Result<ExitCode> {
    let operator = arguments
        .operator
        .or_else(|| std::env::var("USER").ok())
        .unwrap_or_else(|| "operator".to_owned());
    let shell = Shell {
        format: arguments.format,
        context: RequestContext::new(
            Actor {
                // Whoever can run the command can read the files: the name is for the record.
                name: format!("cli:{operator}"),
                role: Role::SingleUser,
            },
            PurposeOfUse::Operations,
        ),
    };
    match arguments.command {
        Command::Init(command) => command.run(&shell),
        Command::Import(command) => command.run(&shell),
        Command::Serve(command) => command.run(&shell),
        Command::Status(command) => command.run(&shell),
        Command::Dicom(command) => command.run(&shell),
        Command::Dataset(command) => command.run(&shell),
        Command::Deid(command) => command.run(&shell),
        Command::Train(command) => command.run(&shell),
        Command::Package(command) => command.run(&shell),
        Command::Terminology(command) => command.run(&shell),
        Command::Model(command) => command.run(&shell),
        Command::Trial(command) => command.run(&shell),
        Command::Audit(command) => command.run(&shell),
        Command::User(command) => command.run(&shell),
        Command::Access(command) => command.run(&shell),
        Command::Upgrade(command) => command.run(&shell),
        Command::Backup(command) => command.run(&shell),
        Command::Restore(command) => command.run(&shell),
    }
}

fn start_log(config: &kura_service::config::Log) {
    use tracing_subscriber::EnvFilter;
    let filter = std::env::var("KURA_LOG").unwrap_or_else(|_| config.level.clone());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false);
    let _ = if config.json {
        log.json().try_init()
    } else {
        log.try_init()
    };
}
