use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;
use kura_model::{Error, Result};
use kura_service::search_index;

use super::{BankArgument, Shell};
use crate::output::{self, Format, thousands};

/// Bring a bank of an older release to this one
///
/// The tables are changed and every record is made searchable by what this release knows; the
/// records themselves stay as they are. Stop the server and keep a copy of the folder first. What
/// was stopped goes on when it is run again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  kura upgrade --bank /srv/bank")]
pub struct Upgrade {
    #[command(flatten)]
    bank: BankArgument,
}

impl Upgrade {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let cancel = Arc::new(AtomicBool::new(false));
        let handler = cancel.clone();
        ctrlc::set_handler(move || handler.store(true, Ordering::Relaxed))
            .map_err(|error| Error::internal("Ctrl-C cannot be handled").because(error))?;
        let bar = ProgressBar::new_spinner();
        let done = search_index::upgrade(&shell.context, &self.bank.bank, &mut |versions| {
            bar.set_message(format!("{} versions made searchable", thousands(versions)));
            bar.tick();
            !cancel.load(Ordering::Relaxed)
        });
        bar.finish_and_clear();
        let done = done?;
        match shell.format {
            Format::Json => output::json(&done)?,
            Format::Text if done.interrupted => {
                output::line("Stopped; run it again to go on.")?;
            }
            Format::Text => output::line(&format!(
                "Schema {} before; {} versions made searchable.",
                done.from_schema,
                thousands(done.indexed)
            ))?,
        }
        Ok(if done.interrupted {
            ExitCode::from(130)
        } else {
            ExitCode::SUCCESS
        })
    }
}
