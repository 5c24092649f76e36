//! Keeping every record searchable by every parameter: after an upgrade of the program, and when
//! a `SearchParameter` is added to a running bank.
//!
//! What has been done is kept in the clinical zone: a mark for the tables of this release and one
//! for each definition that was added, either `done` or the type and the record reached. So the
//! work goes on where it was broken off, and a parameter is offered once all records have it.
//!
//! A record whose index entries were made just before a definition came is found by the store as
//! it is written ([`kura_store::IndexedBy`]): [`STATE`] says so, and all records are looked at
//! again.

use std::collections::HashSet;

use kura_fhir::search_parameter::{Definition, Registry};
use kura_model::{Error, RequestContext, Result, Zone};
use kura_store::{AuditEntry, Commit, Cursor, IndexEntry, IndexedBy, Query, Store};

use crate::Bank;
use crate::access::{Action, at_the_machine, authorize};
use crate::bank::alone;

const DONE: &str = "done";
/// Mark of how the bank stands to the definitions that were added. Every change of it makes
/// every process look again at what it offers.
const STATE: &str = "search:state";
/// How [`STATE`] begins once a record was written that some definition was not known to.
const BEHIND: &str = "behind";
/// Records indexed in one transaction.
const BATCH: u32 = 500;

fn release_mark() -> String {
    format!("search:{}", Registry::fingerprint())
}

/// Beginning of the marks of definitions that were added.
const ADDED: &str = "search+";

fn added_mark(definition: &Definition) -> String {
    format!("{ADDED}{}", definition.fingerprint())
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

/// Definitions that are in force no more begin from the first record if they come back: what is
/// written meanwhile has no rows of theirs. Whoever learns what is in force says so before it writes
/// by it.
pub(crate) fn forget_others(clinical: &Store, added: &[Definition]) -> Result<()> {
    let in_force: HashSet<String> = added.iter().map(added_mark).collect();
    for (mark, reached) in clinical.marks(ADDED)? {
        if !reached.is_empty() && !in_force.contains(&mark) {
            clinical.set_mark(&mark, "")?;
        }
    }
    Ok(())
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
    let (_, state) = state(&bank.clinical)?;
    let behind = state.is_some_and(|state| state.starts_with(BEHIND));
    Ok(behind || bank.search_parameters()?.waits())
}

/// What a registry is of, for [`kura_store::Put::indexed_by`].
pub(crate) fn indexed_by(registry: &Registry) -> IndexedBy {
    IndexedBy {
        kind: "SearchParameter",
        versions: registry.versions(),
        behind: STATE,
    }
}

/// What [`Bank::search_parameters`] keeps its registry by.
pub(crate) fn state(clinical: &Store) -> Result<(u64, Option<String>)> {
    clinical.read(|reader| Ok((reader.versions_of("SearchParameter")?, reader.mark(STATE)?)))
}

/// Brings all records under the definitions that wait. Whether there were any. One process at a
/// time; another waits.
pub fn settle(bank: &Bank, context: &RequestContext) -> Result<bool> {
    authorize(bank, context, Action::Import)?;
    let clinical = &bank.clinical;
    let _alone = alone(clinical, "search-index")?;
    clinical.begin_mark(STATE, "begun")?;
    let mut any = false;
    loop {
        let (_, state) = state(clinical)?;
        let behind = state.filter(|state| state.starts_with(BEHIND));
        let added = added(clinical)?;
        if let Some(behind) = &behind {
            for definition in &added {
                clinical.set_mark(&added_mark(definition), "")?;
            }
            // Whoever writes such a record from here on says so anew.
            clinical.replace_mark(STATE, behind, "again")?;
        }
        forget_others(clinical, &added)?;
        let waiting = waiting(clinical, &added)?;
        if waiting.is_empty() {
            if bank.search_parameters()?.waits() {
                // Another was ended before it could say that it was done.
                touch(clinical, "all")?;
            }
            return Ok(any);
        }
        any = true;
        for definition in &added {
            if waiting.contains(&definition.fingerprint()) {
                bring_in(bank, context, definition)?;
            }
        }
    }
}

fn bring_in(bank: &Bank, context: &RequestContext, definition: &Definition) -> Result<()> {
    let clinical = &bank.clinical;
    let registry = bank.search_parameters()?;
    let mark = added_mark(definition);
    let records = index(clinical, &registry, &definition.bases, &mark, &mut |_| true)?;
    touch(clinical, &definition.fingerprint())?;
    clinical.commit(Commit {
        audit: vec![
            AuditEntry::new(context, "search_index", definition.code.clone())
                .detail(format!("{records} versions")),
        ],
        ..Commit::default()
    })?;
    Ok(())
}

/// Makes every process look again; not over what a writer said meanwhile.
fn touch(clinical: &Store, what: &str) -> Result<()> {
    let (_, state) = state(clinical)?;
    if let Some(state) = state.filter(|state| !state.starts_with(BEHIND)) {
        let now = jiff::Timestamp::now().as_nanosecond();
        clinical.replace_mark(STATE, &state, &format!("indexed {what} {now}"))?;
    }
    Ok(())
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
    at_the_machine(context)?;
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
        let registry = Registry::with(added(&clinical)?, HashSet::new(), 0);
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

#[cfg(test)]
mod tests {
    use kura_fhir::Resource;
    use kura_model::{Actor, PurposeOfUse, Role};
    use kura_store::{Predicate, Write};
    use serde_json::json;

    use super::*;
    use crate::{Config, import};

    /// A record whose index entries were made before a parameter came, and which is written after
    /// all others were brought under it.
    #[test]
    fn a_record_that_comes_late_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("bank");
        let context = RequestContext::new(
            Actor {
                name: "tester".to_owned(),
                role: Role::SingleUser,
            },
            PurposeOfUse::Operations,
        );
        Bank::init(&context, &folder, &Config::default()).unwrap();
        let bank = Bank::open(&folder).unwrap();
        let put = |registry: &Registry, value: serde_json::Value| {
            let resource = Resource::from_value(value).unwrap();
            let mut put = import::fhir_put(registry, &resource, None);
            // As over the API: what it was once it may be again.
            put.once = false;
            let commit = Commit {
                writes: vec![Write::Put(put)],
                ..Commit::default()
            };
            bank.clinical.commit(commit).unwrap();
        };
        let patient = |id: &str| json!({ "resourceType": "Patient", "id": id, "maritalStatus": { "coding": [{ "code": "W" }] } });
        let before = bank.search_parameters().unwrap();
        put(&before, patient("early"));
        let parameter = |code: &str, status: &str, expression: &str| {
            json!({
                "resourceType": "SearchParameter", "id": "marital", "url": "http://example.jp/marital",
                "name": "marital", "description": "marital status", "status": status,
                "code": code, "base": ["Patient"], "type": "token", "expression": expression,
            })
        };
        let marital = |status: &str| parameter("marital", status, "Patient.maritalStatus");
        put(&before, marital("active"));
        assert!(waits(&bank).unwrap());
        assert!(settle(&bank, &context).unwrap());
        assert!(!waits(&bank).unwrap());
        let found = || {
            let registry = bank.search_parameters().unwrap();
            let parameter = registry
                .parameter("Patient", "marital")
                .expect("it is offered");
            let query = Query::all("Patient").and(Predicate::Token {
                param: parameter.slots[0].name.to_owned(),
                system: None,
                code: Some("W".to_owned()),
            });
            let page = bank
                .clinical
                .read(|reader| reader.search(&query, None, 10))
                .unwrap();
            page.versions.len()
        };
        assert_eq!(found(), 1);

        put(&before, patient("late"));
        assert!(waits(&bank).unwrap(), "the writer noticed");
        assert!(settle(&bank, &context).unwrap());
        assert!(!waits(&bank).unwrap());
        assert_eq!(found(), 2);
        // What was written while it was not in force is found once it is back, under its code too.
        put(&bank.search_parameters().unwrap(), marital("retired"));
        put(&bank.search_parameters().unwrap(), patient("between"));
        put(&bank.search_parameters().unwrap(), marital("active"));
        assert!(settle(&bank, &context).unwrap());
        assert_eq!(found(), 3);
        let renamed = parameter("wed", "active", "Patient.maritalStatus");
        put(&bank.search_parameters().unwrap(), renamed);
        assert!(settle(&bank, &context).unwrap());
        put(&bank.search_parameters().unwrap(), marital("active"));
        assert!(settle(&bank, &context).unwrap());
        assert_eq!(found(), 3);

        // One that reads what a parameter of R4 reads takes nothing from that.
        let of_r4 = |registry: &Registry| {
            let gender = registry.parameter("Patient", "gender").expect("R4 has it");
            gender.slots[0].name.to_owned()
        };
        let own = of_r4(&bank.search_parameters().unwrap());
        let mut gender = parameter("a-gender", "active", "Patient.gender");
        gender["id"] = json!("gender");
        gender["url"] = json!("http://example.jp/gender");
        put(&bank.search_parameters().unwrap(), gender);
        assert_eq!(of_r4(&bank.search_parameters().unwrap()), own);
        assert!(settle(&bank, &context).unwrap());

        // What knows the parameter makes nobody look again.
        put(&bank.search_parameters().unwrap(), patient("later"));
        assert!(!waits(&bank).unwrap());
        assert_eq!(found(), 4);
    }
}
