//! What the bank holds and what arrived, for people: figures without patients.

use std::collections::{BTreeMap, HashMap};

use kura_fhir::date;
use kura_model::{Error, RequestContext, Result};
use kura_store::{AuditEntry, Job, QuarantineRow, Source, Tally};

use crate::access::{Action, authorize};
use crate::link::Unlinked;
use crate::{Bank, link};

/// The figures of the first page.
#[derive(Debug)]
pub struct Dashboard {
    pub folder: String,
    /// Logical time of the clinical zone: how many commits there were.
    pub t: u64,
    pub kinds: Vec<Tally>,
    pub sources: Vec<SourceFormat>,
    /// Days (days since 1970-01-01 in Japan) and versions written on them, oldest first.
    pub days: Vec<(i64, u64)>,
    pub quarantined: u64,
    pub unlinked: u64,
    pub database_bytes: u64,
}

/// What came from files of one format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFormat {
    pub format: String,
    pub files: u64,
    /// Records written.
    pub accepted: u64,
    pub refused: u64,
}

/// Commits looked at for the chart.
const COMMITS: u32 = 100_000;
/// Files looked at for the table.
const FILES: u32 = 1_000_000;

pub fn dashboard(bank: &Bank, context: &RequestContext) -> Result<Dashboard> {
    authorize(bank, context, Action::ReadStatus)?;
    bank.clinical
        .audit(AuditEntry::new(context, "dashboard", ""));
    let (t, kinds, commits) = bank
        .clinical
        .read(|reader| Ok((reader.now()?, reader.tallies()?, reader.commits(COMMITS)?)))?;
    let mut days: BTreeMap<i64, u64> = BTreeMap::new();
    for (_, at, versions) in commits {
        if versions > 0 {
            *days.entry(local_day(at)).or_default() += versions;
        }
    }
    let mut sources: BTreeMap<String, SourceFormat> = BTreeMap::new();
    for source in bank.clinical.sources(FILES)? {
        let row = sources.entry(source.format.clone()).or_default();
        row.format = source.format;
        row.files += 1;
        row.accepted += source.accepted;
        row.refused += source.refused;
    }
    Ok(Dashboard {
        folder: bank.folder().display().to_string(),
        t: t.0,
        kinds,
        sources: sources.into_values().collect(),
        days: days.into_iter().collect(),
        quarantined: bank.clinical.quarantine_count()?,
        unlinked: link::unlinked_count(bank)?,
        database_bytes: bank.zones().iter().map(|zone| zone.database_bytes()).sum(),
    })
}

/// The day in Japan, as days since 1970-01-01, of milliseconds since 1970.
pub fn local_day(millis: i64) -> i64 {
    (millis.div_euclid(1000) + date::LOCAL_OFFSET_SECONDS).div_euclid(86_400)
}

/// `2026-04-01 09:30` in Japan.
pub fn local_time(millis: i64) -> String {
    let (year, month, day) = date::civil(local_day(millis));
    let second = (millis.div_euclid(1000) + date::LOCAL_OFFSET_SECONDS).rem_euclid(86_400);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}",
        second / 3600,
        second / 60 % 60
    )
}

/// What arrived.
#[derive(Debug)]
pub struct Imports {
    pub jobs: Vec<Job>,
    pub files: Vec<Source>,
    /// There are more files than these.
    pub more: bool,
    pub quarantined: u64,
    pub unlinked: u64,
}

pub fn imports(bank: &Bank, context: &RequestContext, jobs: u32, files: u32) -> Result<Imports> {
    authorize(bank, context, Action::Import)?;
    bank.clinical.audit(AuditEntry::new(context, "imports", ""));
    let mut found = bank.clinical.sources(files + 1)?;
    let more = found.len() > files as usize;
    found.truncate(files as usize);
    Ok(Imports {
        jobs: bank.clinical.jobs(jobs)?,
        files: found,
        more,
        quarantined: bank.clinical.quarantine_count()?,
        unlinked: link::unlinked_count(bank)?,
    })
}

/// One refused item with as many of its bytes as were kept.
#[derive(Debug)]
pub struct Refused {
    pub row: QuarantineRow,
    pub bytes: Vec<u8>,
}

pub fn quarantine_open(bank: &Bank, context: &RequestContext, id: i64) -> Result<Refused> {
    authorize(bank, context, Action::Import)?;
    authorize(bank, context, Action::ReadClinical)?;
    bank.clinical.audit(AuditEntry::new(
        context,
        "quarantine_read",
        format!("quarantine/{id}"),
    ));
    let absent = || Error::not_found("no such item in quarantine");
    let row = bank
        .clinical
        .quarantine(None, id.checked_add(1), 1)?
        .pop()
        .filter(|row| row.id == id)
        .ok_or_else(absent)?;
    let bytes = bank.clinical.quarantine_item(id)?.ok_or_else(absent)?;
    Ok(Refused { row, bytes })
}

/// Something whose patient is not known, with the file it came from.
#[derive(Debug)]
pub struct Homeless {
    pub record: Unlinked,
    /// File, and line where the file has lines.
    pub file: Option<(String, Option<u64>)>,
}

/// The place in a file that a person can look up: a line of NDJSON or CSV. Other formats count
/// items or nothing at all.
pub(crate) fn line_of(source: &Source, line: u64) -> Option<u64> {
    matches!(source.format.as_str(), "fhir-ndjson" | "sample-sheet").then_some(line)
}

/// The first `limit` of each kind, and how many there are in all.
pub fn unlinked(bank: &Bank, context: &RequestContext, limit: u32) -> Result<(Vec<Homeless>, u64)> {
    let found = link::unlinked(bank, context, limit)?;
    let mut files: HashMap<i64, Source> = HashMap::new();
    let mut out = Vec::with_capacity(found.len());
    for record in found {
        let mut file = None;
        if let Some((source, line)) = record.source {
            if !files.contains_key(&source)
                && let Some(known) = bank.clinical.source_by_id(source)?
            {
                files.insert(source, known);
            }
            file = files
                .get(&source)
                .map(|known| (known.name.clone(), line_of(known, line)));
        }
        out.push(Homeless { record, file });
    }
    Ok((out, link::unlinked_count(bank)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_japan() {
        // 2026-03-31T15:00:00Z is midnight in Japan.
        let midnight = 1_774_969_200_000;
        assert_eq!(local_time(midnight), "2026-04-01 00:00");
        assert_eq!(local_time(midnight - 1), "2026-03-31 23:59");
        assert_eq!(local_day(midnight), local_day(midnight - 1) + 1);
    }
}
