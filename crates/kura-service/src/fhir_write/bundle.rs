//! `batch` and `transaction`. FHIR R4 http.html#transaction.

use std::collections::{HashMap, HashSet};

use kura_fhir::references::{self, Names};
use kura_fhir::{resource, search, search_parameter};
use kura_model::{Category, Error, IndexEntry, RecordKey, RequestContext, Result};
use kura_store::Expect;
use serde_json::Value;

use super::check;
use super::criteria::{self, Criteria};
use super::entry::{self, Entry, Read, Request, Target, in_entry};
use super::plan;
use super::response::{Answered, Returning};
use super::{Planned, new_id, only, update_target};
use crate::access::{Action, authorize};
use crate::fhir_read::{self, BundleWriter};
use crate::history::{self, Scope};
use crate::{Bank, fhir_write};

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
    authorize(context, Action::ReadClinical)?;
    let (kind, answers) = if transaction {
        let entries = entries
            .into_iter()
            .enumerate()
            .map(|(index, entry)| entry::parse(entry, base).map_err(|error| in_entry(index, error)))
            .collect::<Result<Vec<_>>>()?;
        if entries.iter().any(|entry| entry.request.writes()) {
            authorize(context, Action::WriteClinical)?;
        }
        (
            "transaction-response",
            all(bank, context, base, &entries, returning)?,
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
    for index in order {
        let done = match parsed[index].take() {
            Some(Ok(entry)) => one(bank, context, base, entry, returning),
            Some(Err(error)) => Err(error),
            None => continue,
        };
        answers[index] =
            Some(done.unwrap_or_else(|error| Answered::failed(&in_entry(index, error))));
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
            authorize(context, Action::WriteClinical)?;
            let written = match writing {
                Request::Create {
                    kind,
                    value,
                    if_none_exist,
                } => fhir_write::create_value(bank, context, kind, value, if_none_exist.as_ref())?,
                Request::Update { target, value } => match target {
                    Target::Key(key) => {
                        fhir_write::update_value(bank, context, &key, value, &condition)?
                    }
                    Target::Where(criteria) => {
                        fhir_write::update_where(bank, context, &criteria, value, &condition)?
                    }
                },
                Request::Patch { target, patch } => match target {
                    Target::Key(key) => {
                        fhir_write::patch_key(bank, context, &key, &patch, &condition)?
                    }
                    Target::Where(criteria) => {
                        fhir_write::patch_where(bank, context, &criteria, &patch, &condition)?
                    }
                },
                Request::Delete(Target::Key(key)) => {
                    fhir_write::delete_key(bank, context, &key, &condition)?
                }
                Request::Delete(Target::Where(criteria)) => {
                    let gone = fhir_write::delete_where(bank, context, &criteria, &condition)?;
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
fn read_now(
    bank: &Bank,
    context: &RequestContext,
    base: &str,
    read: &Read,
    condition: &super::Condition,
) -> Result<Answered> {
    let path: Vec<&str> = read.path.iter().map(String::as_str).collect();
    let history =
        |scope| history::history(bank, context, base, scope, &read.params).map(Answered::bundle);
    let answered = match path[..] {
        ["metadata"] => Answered::bundle(fhir_read::capabilities(base).to_string().into_bytes()),
        ["_history"] => history(Scope::System)?,
        [kind, "_history"] => history(Scope::Type(kind))?,
        [kind, id, "_history"] => history(Scope::Instance(kind, id))?,
        [kind, id, "_history", version] => {
            let answer = fhir_read::vread(bank, context, kind, id, version)?;
            Answered::one(base, &format!("{kind}/{id}"), answer)
        }
        [kind] | [kind, "_search"] => {
            let found = fhir_read::search(bank, context, base, kind, &read.params, true, false)?;
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

/// A transaction: one commit.
fn all(
    bank: &Bank,
    context: &RequestContext,
    base: &str,
    entries: &[Entry],
    returning: Returning,
) -> Result<Vec<Answered>> {
    let fresh = entries
        .iter()
        .map(|_| new_id())
        .collect::<Result<Vec<_>>>()?;
    let mut answers: Vec<Option<Answered>> = Vec::new();
    let mut of_entry = Vec::new();
    let written = fhir_write::write(bank, context, "fhir_transaction", "Bundle", || {
        let decided = decide(bank, entries, &fresh)?;
        answers = reads_before(bank, context, base, entries, &decided)?;
        of_entry = decided.of_plan;
        Ok(decided.planned)
    })?;
    let mut several: HashMap<usize, usize> = HashMap::new();
    for (index, written) in of_entry.into_iter().zip(written) {
        if let Request::Delete(Target::Where(_)) = &entries[index].request {
            *several.entry(index).or_default() += 1;
        } else {
            answers[index] = Some(Answered::written(base, written, returning));
        }
    }
    let mut out = Vec::with_capacity(entries.len());
    for (index, (entry, answer)) in entries.iter().zip(answers).enumerate() {
        out.push(match (answer, &entry.request) {
            (Some(answer), _) => answer,
            (None, Request::Read(read)) => read_now(bank, context, base, read, &entry.condition)
                .unwrap_or_else(|error| Answered::failed(&in_entry(index, error))),
            (None, _) => Answered::deleted(several.get(&index).copied().unwrap_or(0), returning),
        });
    }
    Ok(out)
}

struct Decided {
    planned: Planned,
    /// The entry each plan is of.
    of_plan: Vec<usize>,
    deleted: HashSet<RecordKey>,
    written: HashSet<RecordKey>,
}

/// Reads that what is written here does not touch are answered before, so that one that fails
/// fails the whole; the others are only looked at.
fn reads_before(
    bank: &Bank,
    context: &RequestContext,
    base: &str,
    entries: &[Entry],
    decided: &Decided,
) -> Result<Vec<Option<Answered>>> {
    let mut answers = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let Request::Read(read) = &entry.request else {
            answers.push(None);
            continue;
        };
        let answer = match &read.path[..] {
            [] => Err(Error::not_found("there is nothing under this address").at("request.url")),
            [kind] if kind != "metadata" && kind != "_history" => {
                search::parse(kind, &read.params).map(|_| None)
            }
            [kind, of] if of == "_search" => search::parse(kind, &read.params).map(|_| None),
            [kind, of] if of == "_history" => check::kind(kind).map(|_| None),
            [kind, id, ..] => {
                let key = RecordKey::new(kind, id);
                if decided.deleted.contains(&key) && read.path.len() == 2 {
                    Err(Error::new(
                        Category::Gone,
                        "the transaction deletes what it reads",
                    ))
                } else if decided.written.contains(&key) || decided.deleted.contains(&key) {
                    Ok(None)
                } else {
                    read_now(bank, context, base, read, &entry.condition).map(Some)
                }
            }
            _ => Ok(None),
        };
        answers.push(answer.map_err(|error| in_entry(index, error))?);
    }
    Ok(answers)
}

/// What a transaction is about to do, while it is gathered.
#[derive(Default)]
struct Draft {
    names: Names,
    expect: Vec<Expect>,
    deleted: HashSet<RecordKey>,
    touched: HashSet<RecordKey>,
    goals: Vec<(usize, Goal)>,
    creating: HashSet<Criteria>,
}

enum Goal {
    Delete(RecordKey),
    Keep(RecordKey),
    Put(RecordKey, Value),
    /// A patched value, and the version it was made from.
    Patched(RecordKey, Value, Expect),
}

impl Draft {
    /// FHIR R4 http.html#trules: no resource twice.
    fn touch(&mut self, key: &RecordKey) -> Result<()> {
        if self.touched.insert(key.clone()) {
            Ok(())
        } else {
            Err(
                Error::invalid("the transaction acts on the same resource twice")
                    .coded("duplicate")
                    .at("request.url"),
            )
        }
    }

    fn name(&mut self, entry: &Entry, key: &RecordKey) -> Result<()> {
        match &entry.full_url {
            Some(url) if !self.names.insert(url, key.to_string()) => {
                Err(Error::invalid("two entries have the same fullUrl")
                    .coded("duplicate")
                    .at("fullUrl"))
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, bank: &Bank, index: usize, entry: &Entry, fresh: &str) -> Result<()> {
        match &entry.request {
            Request::Read(_) => {}
            Request::Delete(target) => {
                let keys = match target {
                    Target::Key(key) => vec![key.clone()],
                    Target::Where(criteria) => {
                        let (keys, expect) = fhir_write::delete_targets(bank, criteria)?;
                        self.expect.push(expect);
                        keys
                    }
                };
                for key in keys {
                    self.touch(&key)?;
                    self.deleted.insert(key.clone());
                    self.goals.push((index, Goal::Delete(key)));
                }
            }
            Request::Create {
                kind,
                value,
                if_none_exist,
            } => self.create(
                bank,
                index,
                entry,
                (*kind, value, if_none_exist.as_ref()),
                fresh,
            )?,
            Request::Update { target, value } => {
                let key = match target {
                    Target::Key(key) => key.clone(),
                    Target::Where(criteria) => {
                        let (id, expect) = update_target(bank, criteria, value, fresh)?;
                        self.expect.push(expect);
                        RecordKey::new(criteria.kind, id)
                    }
                };
                self.touch(&key)?;
                self.name(entry, &key)?;
                let value = resource::with_id(value.clone(), &key.id);
                self.goals.push((index, Goal::Put(key, value)));
            }
            Request::Patch { target, patch } => {
                let key = match target {
                    Target::Key(key) => key.clone(),
                    Target::Where(criteria) => {
                        let (key, expect) = only(bank, criteria)?;
                        self.expect.push(expect);
                        key
                    }
                };
                self.touch(&key)?;
                self.name(entry, &key)?;
                check::not_reserved(&key)?;
                let (value, expect) = plan::patched(bank, &key, patch, &entry.condition)?;
                self.goals.push((index, Goal::Patched(key, value, expect)));
            }
        }
        Ok(())
    }

    fn create(
        &mut self,
        bank: &Bank,
        index: usize,
        entry: &Entry,
        (kind, value, criteria): (&'static str, &Value, Option<&Criteria>),
        fresh: &str,
    ) -> Result<()> {
        if let Some(criteria) = criteria {
            let limit = u32::try_from(self.deleted.len()).unwrap_or(u32::MAX - 2);
            let matches = criteria.matches(bank, limit.saturating_add(2))?;
            // What this transaction deletes is gone by then: deletions come first.
            let left: Vec<&RecordKey> = matches
                .keys
                .iter()
                .filter(|key| !self.deleted.contains(key))
                .collect();
            match left[..] {
                [] => self.expect.push(matches.expect),
                [found] => {
                    let found = found.clone();
                    self.name(entry, &found)?;
                    self.goals.push((index, Goal::Keep(found)));
                    return Ok(());
                }
                _ => return Err(criteria::several()),
            }
            if !self.creating.insert(criteria.clone()) {
                return Err(
                    Error::invalid("two entries would create on the same condition")
                        .coded("duplicate")
                        .at("request.ifNoneExist"),
                );
            }
        }
        let key = RecordKey::new(kind, fresh);
        self.name(entry, &key)?;
        self.touched.insert(key.clone());
        let value = resource::with_id(value.clone(), fresh);
        self.goals.push((index, Goal::Put(key, value)));
        Ok(())
    }

    /// Rewrites links to entries, then resolves conditional references, last of all. FHIR R4
    /// http.html#trules.
    fn link(&mut self, bank: &Bank, entries: &[Entry]) -> Result<()> {
        let mut searches: Vec<(usize, String)> = Vec::new();
        for (index, goal) in &mut self.goals {
            let (Goal::Put(_, value) | Goal::Patched(_, value, _)) = goal else {
                continue;
            };
            references::rewrite(value, &self.names, entries[*index].full_url.as_deref());
            let mut found = Vec::new();
            references::searches(value, &mut found);
            searches.extend(found.into_iter().map(|text| (*index, text)));
        }
        if searches.is_empty() {
            return Ok(());
        }
        let pending: Vec<(RecordKey, Vec<IndexEntry>)> = self
            .goals
            .iter()
            .filter_map(|(_, goal)| match goal {
                Goal::Put(key, value) | Goal::Patched(key, value, _) => {
                    let kind = check::kind(&key.kind).ok()?;
                    let extracted = search_parameter::extract(kind, &key.id, value);
                    Some((key.clone(), extracted.index))
                }
                _ => None,
            })
            .collect();
        let mut resolved: HashMap<String, String> = HashMap::new();
        for (index, text) in searches {
            if resolved.contains_key(&text) {
                continue;
            }
            let key = self
                .resolve(bank, &text, &pending)
                .map_err(|error| in_entry(index, error))?;
            resolved.insert(text, key.to_string());
        }
        for (_, goal) in &mut self.goals {
            if let Goal::Put(_, value) | Goal::Patched(_, value, _) = goal {
                references::resolve(value, &resolved);
            }
        }
        Ok(())
    }

    /// The one resource a conditional reference means, of what will be there.
    fn resolve(
        &mut self,
        bank: &Bank,
        text: &str,
        pending: &[(RecordKey, Vec<IndexEntry>)],
    ) -> Result<RecordKey> {
        let criteria = Criteria::of_url(text)?;
        let limit = u32::try_from(self.touched.len()).unwrap_or(u32::MAX - 2);
        let matches = criteria.matches(bank, limit.saturating_add(2))?;
        self.expect.push(matches.expect);
        let mut keys = matches.keys;
        keys.retain(|key| !self.deleted.contains(key));
        criteria.amend(&mut keys, pending)?;
        match &keys[..] {
            [key] => Ok(key.clone()),
            [] => Err(
                Error::precondition("a conditional reference matches nothing").coded("not-found"),
            ),
            _ => Err(criteria::several()),
        }
    }
}

fn decide(bank: &Bank, entries: &[Entry], fresh: &[String]) -> Result<Decided> {
    let mut draft = Draft::default();
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|index| entries[*index].request.turn());
    for index in order {
        draft
            .add(bank, index, &entries[index], &fresh[index])
            .map_err(|error| in_entry(index, error))?;
    }
    draft.link(bank, entries)?;
    let mut decided = Decided {
        planned: Planned {
            plans: Vec::with_capacity(draft.goals.len()),
            expect: draft.expect,
        },
        of_plan: Vec::with_capacity(draft.goals.len()),
        written: draft.touched,
        deleted: draft.deleted,
    };
    for (index, goal) in draft.goals {
        let condition = &entries[index].condition;
        let plan = match goal {
            Goal::Delete(key) => {
                check::not_reserved(&key).and_then(|()| plan::delete(bank, &key, condition))
            }
            Goal::Keep(key) => plan::keep(bank, &key),
            Goal::Put(_, value) => {
                check::sound(value).and_then(|sound| plan::put(bank, sound, condition))
            }
            Goal::Patched(_, value, expect) => plan::put_patched(bank, value, expect),
        };
        decided
            .planned
            .plans
            .push(plan.map_err(|error| in_entry(index, error))?);
        decided.of_plan.push(index);
    }
    // The same state was asked about again and again: once is enough for the writer.
    let mut seen = Vec::new();
    decided.planned.expect.retain(|expect| {
        let new = !seen.contains(expect);
        if new {
            seen.push(expect.clone());
        }
        new
    });
    Ok(decided)
}
