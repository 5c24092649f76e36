//! `cargo run --release -p kura-genomics --example vcf_check -- FILE`: checks a VCF or BCF and
//! says on stderr what is in it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::ExitCode;

use kura_genomics::{Limits, sniff, vcf};

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: vcf_check FILE");
        return ExitCode::from(2);
    };
    let Ok(file) = File::open(path) else {
        eprintln!("the file could not be opened");
        return ExitCode::from(2);
    };
    let mut reader = BufReader::with_capacity(128 << 10, file);
    let Some(format) = reader.fill_buf().ok().and_then(sniff) else {
        eprintln!("no VCF or BCF");
        return ExitCode::FAILURE;
    };
    match vcf::check(reader, format, &Limits::default(), |_| {}) {
        Ok(summary) => {
            eprintln!("{summary:#?}");
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            eprintln!("{refusal}");
            ExitCode::FAILURE
        }
    }
}
