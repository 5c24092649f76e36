//! The `kura` command. Data goes to standard output, chatter to standard error.
//!
//! Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but something was refused or differs;
//! 130 interrupted.

mod command;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;
use kura_model::Category;

/// Parsing and answering make many small allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = command::Arguments::parse();
    match command::run(arguments) {
        Ok(code) => code,
        Err(error) if error.category == Category::Interrupted => {
            eprintln!("kura: {error}");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("kura: {error}");
            // The cause is for whoever runs the command; it never holds a patient's data.
            tracing::debug!(error = ?error, "failed");
            ExitCode::FAILURE
        }
    }
}
