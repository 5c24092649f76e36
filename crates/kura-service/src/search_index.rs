//! Keeping every record searchable by every parameter: after an upgrade of the program, and when
//! a `SearchParameter` is added to a running bank.
//!
//! What has been done is kept in the clinical zone: a mark for the tables of this release and one
//! for each definition that was added, either `done` or the type and the record reached. So the
//! work goes on where it was broken off, and a parameter is offered once all records have it.

use std::collections::HashSet;

use kura_fhir::search_parameter::{Definition, Registry};
use kura_model::{Error, RequestContext, Result, Zone};
use kura_store::{AuditEntry, Commit, Cursor, IndexEntry, Query, Store};

use crate::Bank;
use crate::access::{Action, authorize};

const DONE: &str = "done";
/// Records indexed in one transaction.
const BATCH: u32 = 500;

fn release_mark() -> String {
    format!("search:{}", Registry::fingerprint())
}

fn added_mark(definition: &Definition) -> String {
    format!("search:{}", definition.fingerprint())
}

/// A bank made by this release is searched by all its parameters from the first record on.
pub(crate) fn begin(clinical: &Store) -> Result<()> {
    clinical.set_mark(&release_mark(), DONE)
}

/// Refuses a bank whose records an older release made searchable.
pub(crate) fn check(clinical: &Store) -> Result<()> {
    if clinical.mark(&release_mark())?.as_deref() == Some(DONE) {
        return Ok(());
    }
    Err(Error::conflict(
        "an older release made this bank searchable; keep a copy, then run: kura upgrade",
    ))
}

/// The definitions that were added to the bank.
pub(crate) fn added(clinical: &Store) -> Result<Vec<Definition>> {
    let query = Query::all("SearchParameter");
    let mut added = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = clinical.read(|reader| reader.search(&query, after.as_ref(), 1000))?;
        added.extend(page.versions.iter().filter_map(|version| {
            Definition::of_resource(&serde_json::from_slice(&version.body).ok()?)
        }));
        after = page.next;
        if after.is_none() {
            return Ok(added);
        }
    }
}

/// The fingerprints of those that not every record is searched by.
pub(crate) fn waiting(clinical: &Store, added: &[Definition]) -> Result<HashSet<String>> {
    let mut waiting = HashSet::new();
    for definition in added {
        if clinical.mark(&added_mark(definition))?.as_deref() != Some(DONE) {
            waiting.insert(definition.fingerprint());
        }
    }
    Ok(waiting)
}

/// Whether some parameter is not offered yet, because records wait for it.
pub fn waits(bank: &Bank) -> Result<bool> {
    Ok(bank.search_parameters()?.waits())
}

/// Records were written by somebody who knew only `known`: what came up meanwhile has to look at
/// all of them again.
pub(crate) fn again_but(bank: &Bank, known: &Registry) -> Result<()> {
    for definition in added(&bank.clinical)? {
        if !known.knows(&definition) {
            bank.clinical.set_mark(&added_mark(&definition), "")?;
            bank.forget_search_parameters();
        }
    }
    Ok(())
}

/// Brings all records under the definitions that wait. Whether there were any.
pub fn settle(bank: &Bank, context: &RequestContext) -> Result<bool> {
    authorize(context, Action::Import)?;
    let added = added(&bank.clinical)?;
    let mut any = false;
    for definition in &added {
        let mark = added_mark(definition);
        if bank.clinical.mark(&mark)?.as_deref() == Some(DONE) {
            continue;
        }
        any = true;
        let registry = bank.search_parameters()?;
        let records = index(
            &bank.clinical,
            &registry,
            &definition.bases,
            &mark,
            &mut |_| true,
        )?;
        bank.forget_search_parameters();
        bank.clinical.commit(Commit {
            audit: vec![
                AuditEntry::new(context, "search_index", definition.code.clone())
                    .detail(format!("{records} versions")),
            ],
            ..Commit::default()
        })?;
    }
    Ok(any)
}

/// What an upgrade did.
#[derive(Debug, serde::Serialize)]
pub struct Upgraded {
    /// The schema the clinical zone had.
    pub from_schema: i64,
    /// Versions that were made searchable anew; 0 if they were already.
    pub indexed: u64,
    /// Whether it was broken off; run again, it goes on.
    pub interrupted: bool,
}

/// Brings a bank of an older release to this one. Resumable; the records themselves are not
/// touched. `go_on` is told how many versions are done, and answers whether to.
pub fn upgrade(
    context: &RequestContext,
    folder: &std::path::Path,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Upgraded> {
    authorize(context, Action::Import)?;
    let config = crate::Config::load(&folder.join("kura.toml"), std::env::vars())?;
    let mut from_schema = 0;
    for zone in [Zone::Identity, Zone::Research, Zone::Clinical] {
        from_schema = Store::upgrade(
            &folder.join(zone.as_str()),
            zone,
            &config.database.of(zone)?,
        )?;
    }
    let clinical = Store::open(
        &folder.join(Zone::Clinical.as_str()),
        Zone::Clinical,
        &config.database.of(Zone::Clinical)?,
    )?;
    let mark = release_mark();
    let mut indexed = 0;
    let mut interrupted = false;
    if clinical.mark(&mark)?.as_deref() != Some(DONE) {
        let registry = Registry::with(added(&clinical)?, HashSet::new());
        indexed = index(
            &clinical,
            &registry,
            &kura_fhir::RESOURCE_TYPES,
            &mark,
            &mut |done| {
                interrupted = !go_on(done);
                !interrupted
            },
        )?;
    }
    clinical.commit(Commit {
        audit: vec![
            AuditEntry::new(context, "upgrade", "clinical")
                .detail(format!("schema {from_schema}, {indexed} versions")),
        ],
        ..Commit::default()
    })?;
    if !interrupted {
        clinical.optimize()?;
    }
    Ok(Upgraded {
        from_schema,
        indexed,
        interrupted,
    })
}

/// Indexes every version of these types, from where the mark says.
fn index(
    clinical: &Store,
    registry: &Registry,
    kinds: &[&'static str],
    mark: &str,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<u64> {
    let reached = clinical.mark(mark)?.unwrap_or_default();
    let (begun, mut after) = match reached.split_once(' ') {
        Some((kind, record)) => (kind.to_owned(), record.parse().unwrap_or(0)),
        None => (String::new(), 0),
    };
    let first = kinds.iter().position(|kind| *kind == begun).unwrap_or(0);
    let mut done = 0;
    for kind in &kinds[first..] {
        if *kind != begun {
            after = 0;
        }
        let entries = |key: &kura_model::RecordKey, body: &[u8]| -> Vec<IndexEntry> {
            // What is stored is JSON; a version that is not cannot be searched.
            serde_json::from_slice(body)
                .map(|resource| registry.extract(kind, &key.id, &resource).index)
                .unwrap_or_default()
        };
        let reached = |record: i64| format!("{kind} {record}");
        while let Some(last) = clinical.reindex(kind, after, BATCH, &entries, mark, &reached)? {
            after = last;
            done += u64::from(BATCH);
            if !go_on(done) {
                return Ok(done);
            }
        }
    }
    clinical.set_mark(mark, DONE)?;
    Ok(done)
}
