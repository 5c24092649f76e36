use std::process::ExitCode;

use clap::Subcommand;
use kura_model::{ContentHash, Error, Result};
use kura_service::status;

use super::{BankArgument, REFUSED, Shell};
use crate::output::{self, Format};

/// The audit trail
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Walk the hash chain of every zone and say whether it is whole
    #[command(after_help = "Examples:
  kura audit verify --bank /srv/bank
  kura audit verify --bank /srv/bank --head 5f1c…   (a head noted earlier: tells a chain that was cut short)

Exit code 3: the chain is broken.")]
    Verify {
        #[command(flatten)]
        bank: BankArgument,
        /// A head printed by an earlier run
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
}

impl Audit {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let Audit::Verify { bank, head } = self;
        let bank = bank.open()?;
        let anchor = head
            .map(|head| head.parse::<ContentHash>())
            .transpose()
            .map_err(|error| Error::invalid(format!("--head: {error}")))?;
        let zones = status::audit_verify(&bank, &shell.context, anchor)?;
        let anchored = anchor.is_none() || zones.iter().any(|zone| zone.check.anchor_found);
        let whole = anchored && zones.iter().all(status::ZoneAudit::is_whole);
        if shell.format == Format::Json {
            output::json(&serde_json::json!({ "whole": whole, "zones": zones }))?;
        } else {
            for zone in &zones {
                output::line(&match zone.check.broken_at {
                    None => format!(
                        "{:<9} whole, {} rows, head {}",
                        zone.zone, zone.check.rows, zone.check.head
                    ),
                    Some(row) => format!("{:<9} BROKEN at row {row}", zone.zone),
                })?;
            }
            if !anchored {
                output::line(
                    "BROKEN: the head given is in no chain; rows after it, or the chain, were taken away",
                )?;
            }
        }
        Ok(if whole {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(REFUSED)
        })
    }
}
