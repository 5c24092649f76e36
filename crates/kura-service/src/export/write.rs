//! The walk over the types of a scope into NDJSON files, and the manifest.

use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use kura_fhir::search;
use kura_fhir::search_parameter::Registry;
use kura_fhir::{date, resource_type};
use kura_model::{Error, LogicalTime, Result};
use kura_store::{Clause, Cursor, Predicate, Query};
use serde_json::{Value, json};

use super::{Asked, Whose};
use crate::async_request::Task;
use crate::bank::file_error;
use crate::fhir_read::answer;
use crate::terminology::BankTerms;
use crate::{Bank, query};

/// Resources in one file.
const IN_A_FILE: u64 = 100_000;
/// Resources read at a time.
const STEP: u32 = 1_000;

/// The query of one type of an export; `None` if the type is not part of the scope.
pub(super) fn of_kind(
    bank: &Bank,
    registry: &Registry,
    asked: &Asked,
    whose: &Whose,
    kind: &'static str,
    t: LogicalTime,
) -> Result<Option<Query>> {
    let Some(mut query) = whose.query(registry, kind, asked.since, t) else {
        return Ok(None);
    };
    let mut any = Vec::new();
    for filter in &asked.filters {
        let of = filter.split('?').next().unwrap_or_default();
        if resource_type(of).is_none() {
            return Err(Error::invalid("a _typeFilter names no resource type").at("_typeFilter"));
        }
        if of == kind {
            let search = search::parse_expression(registry, filter)?;
            any.push(Predicate::All(
                query::query(&search, Some(t), &BankTerms { bank, at: Some(t) })?.clauses,
            ));
        }
    }
    if !any.is_empty() {
        query.clauses.push(Clause::Any(any));
    }
    Ok(Some(query))
}

/// Writes the files of an export; its manifest.
pub(crate) fn write(task: &Task<'_>, asked: &Asked) -> Result<Option<Value>> {
    let bank = task.bank;
    let registry = bank.search_parameters()?;
    let whose = Whose::of_scope(bank, &asked.scope, task.t)?;
    let mut output = Vec::new();
    let mut written: u64 = 0;
    for kind in asked.kinds() {
        let Some(query) = of_kind(bank, &registry, asked, &whose, kind, task.t)? else {
            continue;
        };
        let mut after: Option<Cursor> = None;
        let mut open: Option<Part> = None;
        let mut number = 0;
        loop {
            if task.cancelled() {
                return Ok(None);
            }
            let page = bank
                .clinical
                .read(|reader| reader.search(&query, after.as_ref(), STEP))?;
            for version in &page.versions {
                if open.as_ref().is_some_and(|part| part.count >= IN_A_FILE)
                    && let Some(part) = open.take()
                {
                    output.push(part.finish(kind)?);
                }
                let part = match &mut open {
                    Some(part) => part,
                    None => {
                        number += 1;
                        open.insert(Part::create(task, format!("{kind}.{number}.ndjson"))?)
                    }
                };
                part.add(&answer(version).body)?;
            }
            written += page.versions.len() as u64;
            task.say(format!("{written} resources written"));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if let Some(part) = open {
            output.push(part.finish(kind)?);
        }
    }
    let at = bank
        .clinical
        .read(|reader| reader.commit_at(task.t))?
        .unwrap_or(0);
    let files: Vec<Value> = output
        .into_iter()
        .map(|(kind, name, count)| {
            json!({
                "type": kind,
                "url": format!("{}/$export-file/{}/{name}", asked.base, task.id),
                "count": count,
            })
        })
        .collect();
    Ok(Some(json!({
        "transactionTime": date::instant(at),
        "request": asked.request,
        "requiresAccessToken": crate::accounts::sign_in_needed(bank)?,
        "output": files,
        "error": [],
    })))
}

/// One file of an export.
struct Part {
    path: PathBuf,
    name: String,
    out: BufWriter<std::fs::File>,
    count: u64,
}

impl Part {
    fn create(task: &Task<'_>, name: String) -> Result<Self> {
        Ok(Self {
            path: task.folder.join(&name),
            out: BufWriter::with_capacity(1 << 20, task.create(&name)?),
            name,
            count: 0,
        })
    }

    fn add(&mut self, resource: &[u8]) -> Result<()> {
        self.count += 1;
        self.out
            .write_all(resource)
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(|error| file_error(&self.path, error))
    }

    fn finish(mut self, kind: &'static str) -> Result<(&'static str, String, u64)> {
        self.out
            .flush()
            .and_then(|()| self.out.get_ref().sync_all())
            .map_err(|error| file_error(&self.path, error))?;
        Ok((kind, self.name, self.count))
    }
}
