//! The payer's master files brought in as code systems of the bank.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use kura_feeds::masters::{self, MAX_BYTES, Master};
use kura_model::{Error, RequestContext, Result};
use serde::Serialize;
use zip::ZipArchive;

use crate::Bank;
use crate::access::{Action, authorize};
use crate::bank::file_error;
use crate::validation::{add_definitions, identify};

/// `meta.tag` of what a master brought: its code is the master's letter and its version, `B#20240601`.
pub const MASTER_SYSTEM: &str = "urn:kura:claims-master";

/// What a master brought.
#[derive(Debug, Serialize)]
pub struct MasterReport {
    pub file: String,
    pub title: String,
    /// `CodeSystem.url`
    pub system: String,
    /// A ValueSet of all its codes.
    pub value_set: String,
    pub version: String,
    pub concepts: usize,
    /// Whether the bank had it already.
    pub known: bool,
}

/// Brings a master in, a file or a ZIP archive of one: a `CodeSystem` and a `ValueSet` of all its
/// codes. The same master again adds nothing.
///
/// # Errors
/// The file and the line that is damaged; then nothing of it is brought in.
pub fn master_add(bank: &Bank, context: &RequestContext, file: &Path) -> Result<MasterReport> {
    authorize(bank, context, Action::Import)?;
    let name = file.display().to_string();
    let bytes = text_of(file)?;
    let master = masters::read(&bytes)
        .map_err(|refusal| Error::invalid(format!("{name}: {refusal}")).coded("structure"))?;
    let Master {
        letter,
        version,
        concepts,
        mut code_system,
        mut value_set,
    } = master;
    let tag = format!("{letter}#{version}");
    identify(&mut code_system, MASTER_SYSTEM, &tag);
    identify(&mut value_set, MASTER_SYSTEM, &tag);
    let text = |key: &str| code_system[key].as_str().unwrap_or_default().to_owned();
    let mut report = MasterReport {
        file: name,
        title: text("title"),
        system: text("url"),
        value_set: text("valueSet"),
        version,
        concepts,
        known: false,
    };
    let done = add_definitions(bank, context, &[code_system, value_set])?;
    if done.refused > 0 {
        return Err(Error::invalid(format!(
            "{}: larger than import.item_bytes allows",
            report.file
        )));
    }
    report.known = done.accepted == 0;
    Ok(report)
}

/// The bytes of the file, or of the one file in the archive.
fn text_of(file: &Path) -> Result<Vec<u8>> {
    let name = file.display();
    let damaged = || Error::invalid(format!("{name}: the archive is damaged")).coded("structure");
    let opened = File::open(file).map_err(|error| file_error(file, error))?;
    let mut start = [0; 4];
    let mut opened = BufReader::new(opened);
    let is_archive = opened.read_exact(&mut start).is_ok() && start == *b"PK\x03\x04";
    let opened = File::open(file).map_err(|error| file_error(file, error))?;
    let mut bytes = Vec::new();
    if is_archive {
        let mut archive = ZipArchive::new(BufReader::new(opened)).map_err(|_| damaged())?;
        if archive.len() != 1 {
            return Err(Error::invalid(format!(
                "{name}: the archive has more than the one file of a master"
            )));
        }
        let member = archive.by_index(0).map_err(|_| damaged())?;
        let mut member = member.take(MAX_BYTES + 1);
        member.read_to_end(&mut bytes).map_err(|_| damaged())?;
    } else {
        let mut opened = opened.take(MAX_BYTES + 1);
        let read = opened.read_to_end(&mut bytes);
        read.map_err(|error| file_error(file, error))?;
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::invalid(format!(
            "{name}: longer than {MAX_BYTES} bytes"
        )));
    }
    Ok(bytes)
}
