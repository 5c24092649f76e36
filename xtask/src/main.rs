//! Checks and makers for the repository: `cargo run -p xtask -- check`.
#![allow(clippy::print_stdout, reason = "a command-line tool")]

mod ceiling;
mod conformance;
mod definitions;
mod dependencies;
mod grow;
mod sample_hospital;
mod words;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let done = match arguments.next().as_deref() {
        Some("check") => dependencies::check(),
        Some("definitions") => definitions::make(&arguments.collect::<Vec<_>>()),
        Some("conformance") => conformance::make(&arguments.collect::<Vec<_>>()),
        Some("words") => words::make(),
        Some("sample-hospital") => sample_hospital::run(&arguments.collect::<Vec<_>>()),
        Some("grow-hospital") => grow::grow(&arguments.collect::<Vec<_>>()),
        Some("sqlite-ceiling") => ceiling::measure(&arguments.collect::<Vec<_>>()),
        _ => Err(
            "usage: cargo run -p xtask -- check | sample-hospital [--out FOLDER] | \
                  definitions FOLDER (HL7's npm package hl7.fhir.r4.examples; writes the table of \
                  kura-fhirpath) | \
                  conformance FOLDER (the same folder; writes the definitions of \
                  kura-validation) | words (out of these, for kura-deid) | grow-hospital FROM TIMES OUT [FIRST] | sqlite-ceiling FILE.ndjson.gz DATABASE"
                .to_owned(),
        ),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
