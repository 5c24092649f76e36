//! Writing results. A reader that has gone away (`kura status | head -1`) is no error.

use std::io::{self, Write};

pub use kura_model::thousands;
use kura_model::{Error, Result};
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

pub fn line(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    settle(writeln!(out, "{text}"))
}

pub fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::internal("the result cannot be written").because(error))?;
    line(&text)
}

fn settle(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Error::internal("standard output cannot be written").because(error)),
        Ok(()) => Ok(()),
    }
}
