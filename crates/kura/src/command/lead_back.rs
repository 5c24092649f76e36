use std::path::PathBuf;
use std::process::ExitCode;

use kura_model::{PurposeOfUse, Result};
use kura_service::{accounts, lead_back};

use super::user::password;
use super::{BankArgument, Shell};
use crate::output::{self, Format};

/// Say whose stand-ins in a coded data set these are
///
/// For what must be told to a patient who takes part: a finding, a withdrawal. Only of a set whose
/// policy lets it (coded, or one that extends it), by an account of the role data-manager, with a
/// reason; the request is in the audit trail before it is answered. Sets under kamei, tokumei and
/// hipaa-safe-harbor are never led back, by no command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  kura deid lead-back --project stroke-2026 --account sato --reason \"a finding to be told, board decision 12\" \\
    --bank /srv/bank 5c9c4a1f0d3e4b7f8a6d2c1b0e9f8a7d

The password is read from standard input or a file. Exit code 3: a stand-in is of no patient.")]
pub struct LeadBack {
    /// Stand-ins of patients: id of Patient, or patient_id of a table
    #[arg(required = true, value_name = "STAND-IN")]
    pseudonyms: Vec<String>,
    /// Project of the set: `project` in its manifest.json
    #[arg(long)]
    project: String,
    /// Policy of the set: `policy` in its manifest.json
    #[arg(long, default_value = "coded")]
    policy: String,
    /// Why; it stays in the audit trail
    #[arg(long)]
    reason: String,
    /// Account that asks
    #[arg(long, value_name = "NAME")]
    account: String,
    /// File whose first line is the password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    bank: BankArgument,
}

impl LeadBack {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let bank = self.bank.open()?;
        let password = password(self.password_file.as_deref(), "Password: ")?;
        let mut context = match accounts::sign_in(&bank, &self.account, &password)? {
            accounts::SignedIn::Whole(context) => context,
            accounts::SignedIn::Half(half) => {
                let code = super::user::password(None, "Code of the authenticator app: ")?;
                accounts::sign_in_second(&bank, &half, &code)?
            }
        };
        context.purpose = PurposeOfUse::Research;
        let led = lead_back::lead_back(
            &bank,
            &context,
            (&self.project, &self.policy),
            &self.pseudonyms,
            &self.reason,
        )?;
        match shell.format {
            Format::Json => output::json(&led)?,
            Format::Text => {
                for one in &led {
                    let patient = one.patient.as_deref().unwrap_or("no patient of this bank");
                    output::line(&format!("{}  {patient}", one.pseudonym))?;
                }
            }
        }
        Ok(match led.iter().all(|one| one.patient.is_some()) {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(super::REFUSED),
        })
    }
}
