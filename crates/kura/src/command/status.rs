use std::process::ExitCode;

use kura_model::Result;
use kura_service::status;

use super::{BankArgument, Shell};
use crate::output::{self, Format, thousands};

/// What the bank holds, in figures
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura status --bank /srv/bank
  kura status --bank /srv/bank --format json | jq .records")]
pub struct Status {
    #[command(flatten)]
    bank: BankArgument,
}

impl Status {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let bank = self.bank.open()?;
        let status = status::status(&bank, &shell.context)?;
        if shell.format == Format::Json {
            output::json(&status)?;
            return Ok(ExitCode::SUCCESS);
        }
        output::line(&format!("{}  t = {}", status.bank, status.t))?;
        for tally in &status.records {
            output::line(&format!(
                "{:>12}  {}{}",
                thousands(tally.live),
                tally.kind,
                if tally.versions > tally.live {
                    format!("  ({} versions)", thousands(tally.versions))
                } else {
                    String::new()
                }
            ))?;
        }
        output::line(&format!(
            "{:>12}  refused items in quarantine",
            thousands(status.quarantined)
        ))?;
        output::line(&format!(
            "{:>12}  items without a patient",
            thousands(status.unlinked)
        ))?;
        output::line(&format!(
            "{:>12}  bytes of databases",
            thousands(status.database_bytes)
        ))?;
        if status.accounts == 0 {
            output::line("No accounts: single-user mode, loopback only. Make one: kura user add")?;
        } else {
            output::line(&format!("{:>12}  accounts", status.accounts))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
