//! `batch` and `transaction`. FHIR R4 http.html#transaction.

use kura_model::{Error, RequestContext, Result};
use serde_json::Value;

use super::entry::{self, Entry, Read, Request, Target, in_entry};
use super::response::{Answered, Returning};
use super::{Condition, check, create, delete, patch, together, transaction, update};
use crate::Bank;
use crate::access::{Action, Reach, reach};
use crate::bundle_writer::BundleWriter;
use crate::history::{self, Scope};
use crate::{fhir_read, fhir_search};

/// Does what a Bundle of type `batch` or `transaction` asks for, and answers with one of type
/// `batch-response` or `transaction-response`, entries in the order of the request. `base` is the
/// URL FHIR is served under.
///
/// # Errors
/// A transaction is all or nothing: the error of one entry is the error of the whole, and its
/// place says which entry. The entries of a batch have their errors to themselves.
pub fn bundle(
    bank: &Bank,
    context: &RequestContext,
    base: &str,
    body: &[u8],
    returning: Returning,
) -> Result<Vec<u8>> {
    let bundle = check::parse("Bundle", body)?;
    let Value::Object(mut bundle) = bundle else {
        return Err(Error::invalid("a Bundle is an object").coded("structure"));
    };
    let transaction = match bundle.get("type").and_then(Value::as_str) {
        Some("transaction") => true,
        Some("batch") => false,
        Some(_) => {
            return Err(Error::invalid(
                "only a Bundle of type batch or transaction is acted on here; to keep a Bundle, send it to Bundle",
            )
            .coded("value")
            .at("Bundle.type"));
        }
        None => {
            return Err(Error::invalid("the Bundle has no type")
                .coded("required")
                .at("Bundle.type"));
        }
    };
    let entries = match bundle.remove("entry") {
        None => Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(_) => {
            return Err(Error::invalid("entry is not a list")
                .coded("structure")
                .at("Bundle.entry"));
        }
    };
    // Nobody learns from the answers to single entries what they may not ask for.
    reach(bank, context, Action::ReadClinical)?;
    let (kind, answers) = if transaction {
        let entries = entries
            .into_iter()
            .enumerate()
            .map(|(index, entry)| entry::parse(entry, base).map_err(|error| in_entry(index, error)))
            .collect::<Result<Vec<_>>>()?;
        let reach = if entries.iter().any(|entry| entry.request.writes()) {
            reach(bank, context, Action::WriteClinical)?
        } else {
            Reach::default()
        };
        (
            "transaction-response",
            transaction::all(bank, context, &reach, base, &entries, returning)?,
        )
    } else {
        (
            "batch-response",
            each(bank, context, base, entries, returning),
        )
    };
    let mut out = BundleWriter::new(kind, None, &[]);
    for answer in answers {
        answer.into_entry(&mut out);
    }
    Ok(out.finish())
}

/// A batch: every entry on its own.
fn each(
    bank: &Bank,
    context: &RequestContext,
    base: &str,
    entries: Vec<Value>,
    returning: Returning,
) -> Vec<Answered> {
    let mut parsed: Vec<Option<Result<Entry>>> = entries
        .into_iter()
        .map(|entry| Some(entry::parse(entry, base)))
        .collect();
    let turn = |entry: &Option<Result<Entry>>| match entry {
        Some(Ok(entry)) => entry.request.turn(),
        _ => 0,
    };
    let mut order: Vec<usize> = (0..parsed.len()).collect();
    order.sort_by_key(|index| turn(&parsed[*index]));
    let mut answers: Vec<Option<Answered>> = parsed.iter().map(|_| None).collect();
    let mut rest = &order[..];
    while let Some((index, after)) = rest.split_first() {
        let run = together::run(rest.iter().map(|index| parsed[*index].as_ref()));
        let done = if run > 1 {
            let (now, after) = rest.split_at(run);
            rest = after;
            let entries = now
                .iter()
                .filter_map(|index| Some((*index, parsed[*index].take()?.ok()?)));
            together::write(bank, context, entries.collect())
                .into_iter()
                .map(|(index, done)| {
                    let done = done.map(|written| Answered::written(base, written, returning));
                    (index, done)
                })
                .collect()
        } else {
            rest = after;
            match parsed[*index].take() {
                Some(Ok(entry)) => vec![(*index, one(bank, context, base, entry, returning))],
                Some(Err(error)) => vec![(*index, Err(error))],
                None => Vec::new(),
            }
        };
        for (index, done) in done {
            answers[index] =
                Some(done.unwrap_or_else(|error| Answered::failed(&in_entry(index, error))));
        }
    }
    answers.into_iter().flatten().collect()
}

fn one(
    bank: &Bank,
    context: &RequestContext,
    base: &str,
    entry: Entry,
    returning: Returning,
) -> Result<Answered> {
    let Entry {
        request, condition, ..
    } = entry;
    let read = match request {
        Request::Read(read) => read,
        writing => {
            let reach = reach(bank, context, Action::WriteClinical)?;
            let written = match writing {
                Request::Create {
                    kind,
                    value,
                    if_none_exist,
                } => create::create_value(
                    bank,
                    context,
                    &reach,
                    kind,
                    value,
                    if_none_exist.as_ref(),
                )?,
                Request::Update { target, value } => match target {
                    Target::Key(key) => {
                        update::update_value(bank, context, &reach, &key, value, &condition)?
                    }
                    Target::Where(criteria) => {
                        update::update_where(bank, context, &reach, &criteria, value, &condition)?
                    }
                },
                Request::Patch { target, patch } => match target {
                    Target::Key(key) => {
                        patch::patch_key(bank, context, &reach, &key, &patch, &condition)?
                    }
                    Target::Where(criteria) => {
                        patch::patch_where(bank, context, &reach, &criteria, &patch, &condition)?
                    }
                },
                Request::Delete(Target::Key(key)) => {
                    delete::delete_key(bank, context, &reach, &key, &condition)?
                }
                Request::Delete(Target::Where(criteria)) => {
                    let gone = delete::delete_where(bank, context, &reach, &criteria, &condition)?;
                    return Ok(Answered::deleted(gone.len(), returning));
                }
                Request::Read(_) => return Err(Error::internal("a read was taken for a write")),
            };
            return Ok(Answered::written(base, written, returning));
        }
    };
    read_now(bank, context, base, &read, &condition)
}

/// A GET of a type, a resource, a version, a history.
pub(super) fn read_now(
    bank: &Bank,
    context: &RequestContext,
    base: &str,
    read: &Read,
    condition: &Condition,
) -> Result<Answered> {
    let path: Vec<&str> = read.path.iter().map(String::as_str).collect();
    let history =
        |scope| history::history(bank, context, base, scope, &read.params).map(Answered::bundle);
    let answered = match path[..] {
        ["metadata"] => Answered::bundle(
            fhir_search::capabilities(bank, base)?
                .to_string()
                .into_bytes(),
        ),
        ["_history"] => history(Scope::System)?,
        [kind, "_history"] => history(Scope::Type(kind))?,
        [kind, id, "_history"] => history(Scope::Instance(kind, id))?,
        [kind, id, "_history", version] => {
            let answer = fhir_read::vread(bank, context, kind, id, version)?;
            Answered::one(base, &format!("{kind}/{id}"), answer)
        }
        [kind] | [kind, "_search"] => {
            let found = fhir_search::search(
                bank,
                context,
                fhir_search::Request {
                    base,
                    kind,
                    within: None,
                    params: &read.params,
                    shown: true,
                    strict: false,
                },
            )?;
            Answered::bundle(found)
        }
        [kind, id] => {
            let answer = fhir_read::read(bank, context, kind, id)?;
            let known = condition
                .if_none_match
                .as_ref()
                .is_some_and(|tags| tags.has(answer.version));
            if known {
                Answered::unchanged(&answer)
            } else {
                Answered::one(base, &format!("{kind}/{id}"), answer)
            }
        }
        _ => {
            return Err(Error::not_found("there is nothing under this address").at("request.url"));
        }
    };
    Ok(if read.head {
        answered.without_resource()
    } else {
        answered
    })
}
