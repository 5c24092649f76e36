//! Checks and makers for the repository: `cargo run -p xtask -- check`.
#![allow(clippy::print_stdout, reason = "a command-line tool")]

mod dependencies;
mod sample_hospital;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let done = match arguments.next().as_deref() {
        Some("check") => dependencies::check(),
        Some("sample-hospital") => sample_hospital::run(&arguments.collect::<Vec<_>>()),
        _ => Err("usage: cargo run -p xtask -- check | sample-hospital [--out FOLDER]".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
