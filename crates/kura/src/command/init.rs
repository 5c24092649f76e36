use std::path::PathBuf;
use std::process::ExitCode;

use kura_model::Result;
use kura_service::{Bank, Config};

use super::Shell;
use crate::output;

/// Make an empty bank
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura init /srv/bank
  KURA_DATABASE=postgres://… kura init /srv/bank
  KURA_IDENTITY__KEY_FILE=/mnt/keys/bank.key kura init /srv/bank
  kura init /srv/bank --hospital-name 中央病院 --patient-number-system urn:oid:1.2.392.100495.20.3.51.11312345678")]
pub struct Init {
    /// Folder to make the bank in; must be empty or absent
    bank: PathBuf,
    /// Name of the hospital, shown on the pages
    #[arg(long)]
    hospital_name: Option<String>,
    /// Identifier.system of the hospital's patient number
    #[arg(long)]
    patient_number_system: Option<String>,
}

impl Init {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        // Where its data and its key file lie; the other keys of the environment are for those who
        // run the bank.
        let said = Config::load(&self.bank.join("kura.toml"), std::env::vars())?;
        let mut config = Config {
            database: said.database,
            identity: said.identity,
            ..Config::default()
        };
        if let Some(name) = self.hospital_name {
            config.hospital.name = name;
        }
        if let Some(system) = self.patient_number_system {
            // The issuer DICOM objects of this hospital carry is the same OID without its URN.
            config.hospital.dicom_issuers = vec![system.trim_start_matches("urn:oid:").to_owned()];
            config.hospital.patient_number_system = system;
        }
        Bank::init(&shell.context, &self.bank, &config)?;
        output::line(&format!(
            "{} is its key file: keep a copy apart from the bank and its backups. Without it no pseudonym can be made again.",
            self.bank.join(&config.identity.key_file).display()
        ))?;
        output::line(&format!(
            "{} is a bank now. Fill it: kura import --bank {} PATH…",
            self.bank.display(),
            self.bank.display()
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}
