use std::process::ExitCode;

use kura_model::Result;
use kura_service::deid_approval::{self, Approval, Decision};

use super::{BankArgument, Shell};
use crate::output::{self, Format};

/// Enter that a board approved a policy for a project
///
/// Without it no data set is built under a policy of the bank's own, and no text leaves under any. It
/// holds for the policy as it is now: whoever changes the file asks the board again. Policies that come
/// with the bank need none as long as no texts are asked for.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura deid approve stricter --project stroke-2026 --board \"Ethics board of the university\" \\
    --reference \"minutes 2026-12, item 3\" --date 2026-11-20 --bank /srv/bank
  kura deid approve kamei --texts --project stroke-2026 --board \"Ethics board of the university\" \\
    --reference \"minutes 2026-12, item 4\" --date 2026-11-20 --bank /srv/bank")]
pub struct Approve {
    /// One of the bank's own policies, or with --texts any
    policy: String,
    /// The board approved that texts leave, too, cleaned (`text = true` of the specification)
    #[arg(long)]
    texts: bool,
    /// Project it is approved for: `project` of the specification
    #[arg(long)]
    project: String,
    /// The board, by its name
    #[arg(long)]
    board: String,
    /// Where the decision is written: number of the minutes or of the notice
    #[arg(long)]
    reference: String,
    /// Day of the decision
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: String,
    #[command(flatten)]
    bank: BankArgument,
}

/// Take the approval of a policy back: no further set is built under it for the project
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  kura deid withdraw stricter --project stroke-2026 --why \"the study has ended\" --bank /srv/bank

Sets that were built stay where they are: whoever holds them is told by the board.")]
pub struct Withdraw {
    /// The policy
    policy: String,
    /// Project it was approved for
    #[arg(long)]
    project: String,
    /// Why; it stays with the approval
    #[arg(long)]
    why: String,
    #[command(flatten)]
    bank: BankArgument,
}

impl Approve {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let decision = Decision {
            board: self.board,
            reference: self.reference,
            date: self.date,
            texts: self.texts,
        };
        let approval = deid_approval::approve(
            &self.bank.open()?,
            &shell.context,
            (&self.policy, &self.project),
            &decision,
        )?;
        print(shell, &[approval])
    }
}

impl Withdraw {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let taken = deid_approval::withdraw(
            &self.bank.open()?,
            &shell.context,
            (&self.policy, &self.project),
            &self.why,
        )?;
        print(shell, &taken)
    }
}

fn print(shell: &Shell, approvals: &[Approval]) -> Result<ExitCode> {
    match shell.format {
        Format::Json => output::json(&approvals)?,
        Format::Text => {
            for approval in approvals {
                output::line(&line(approval))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// An approval in one line.
pub fn line(approval: &Approval) -> String {
    let Approval {
        policy,
        version,
        project,
        decision,
        ..
    } = approval;
    let Decision {
        board,
        reference,
        date,
        texts,
    } = decision;
    let with = if *texts { ", with texts" } else { "" };
    let hash = &approval.hash.to_hex()[..16];
    match &approval.withdrawn {
        None => format!(
            "{policy} {version} ({hash}) approved for {project}{with}: {board}, {reference}, {date}"
        ),
        Some(withdrawn) => format!(
            "{policy} {version} ({hash}) withdrawn for {project} at {}: {}",
            withdrawn.at, withdrawn.why
        ),
    }
}
