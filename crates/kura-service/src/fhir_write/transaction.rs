//! A transaction: gathered, linked, one commit. FHIR R4 http.html#trules.

use std::collections::{HashMap, HashSet};

use kura_fhir::references::{self, Names};
use kura_fhir::{resource, search};
use kura_model::{Category, Error, IndexEntry, Issue, RecordKey, RequestContext, Result};
use kura_store::Expect;
use kura_validation::Neighbours;
use serde_json::Value;

use super::bundle::read_now;
use super::entry::{Entry, Request, Target, in_entry};
use super::patch::only;
use super::response::{Answered, Returning};
use super::update::update_target;
use super::{Criteria, Planned, check, criteria, delete, new_id, plan, write};
use crate::Bank;
use crate::access::Reach;
use crate::validation::on_write::{Judge, Judgement};

/// The most findings that one refusal tells.
const ISSUES: usize = 1_000;

/// A transaction: one commit.
pub(super) fn all(
    bank: &Bank,
    context: &RequestContext,
    reach: &Reach,
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
    let judge = Judge::of(bank)?;
    let judged = judge_entries(&judge, entries);
    let written = write(bank, context, reach, "fhir_transaction", "Bundle", || {
        let decided = decide(bank, reach, entries, &fresh, &judge, &judged)?;
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

/// What each entry brings, judged before the writing lock: its references may point at the others
/// by their fullUrl. What a patch makes is judged when it is known.
fn judge_entries(judge: &Judge, entries: &[Entry]) -> Vec<Judgement> {
    fn brought(entry: &Entry) -> Option<&Value> {
        match &entry.request {
            Request::Create { value, .. } | Request::Update { value, .. } => Some(value),
            _ => None,
        }
    }
    let others = entries.iter();
    let others = Neighbours::new(
        others.filter_map(|entry| Some((entry.full_url.as_deref(), brought(entry)?))),
    );
    let all = entries.iter().map(|entry| match brought(entry) {
        Some(value) => judge.among(value, Some(&others)),
        None => Judgement::Unseen,
    });
    all.collect()
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
                search::parse(&*bank.search_parameters()?, kind, &read.params).map(|_| None)
            }
            [kind, of] if of == "_search" => {
                search::parse(&*bank.search_parameters()?, kind, &read.params).map(|_| None)
            }
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

    fn add(
        &mut self,
        bank: &Bank,
        reach: &Reach,
        index: usize,
        entry: &Entry,
        fresh: &str,
    ) -> Result<()> {
        match &entry.request {
            Request::Read(_) => {}
            Request::Delete(target) => {
                let keys = match target {
                    Target::Key(key) => vec![key.clone()],
                    Target::Where(criteria) => {
                        let (keys, expect) = delete::delete_targets(bank, reach, criteria)?;
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
            } => {
                let criteria = if_none_exist.as_ref();
                self.create(bank, reach, index, entry, (*kind, value, criteria), fresh)?;
            }
            Request::Update { target, value } => {
                let key = match target {
                    Target::Key(key) => key.clone(),
                    Target::Where(criteria) => {
                        let (id, expect) = update_target(bank, reach, criteria, value, fresh)?;
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
                        let (key, expect) = only(bank, reach, criteria)?;
                        self.expect.push(expect);
                        key
                    }
                };
                self.touch(&key)?;
                self.name(entry, &key)?;
                check::not_reserved(&key)?;
                let (value, expect) = plan::patched(bank, reach, &key, patch, &entry.condition)?;
                self.goals.push((index, Goal::Patched(key, value, expect)));
            }
        }
        Ok(())
    }

    fn create(
        &mut self,
        bank: &Bank,
        reach: &Reach,
        index: usize,
        entry: &Entry,
        (kind, value, criteria): (&'static str, &Value, Option<&Criteria>),
        fresh: &str,
    ) -> Result<()> {
        if let Some(criteria) = criteria {
            let limit = u32::try_from(self.deleted.len()).unwrap_or(u32::MAX - 2);
            let matches = criteria.matches(bank, reach, limit.saturating_add(2))?;
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
    fn link(&mut self, bank: &Bank, reach: &Reach, entries: &[Entry]) -> Result<()> {
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
        let registry = bank.search_parameters()?;
        let pending: Vec<(RecordKey, Vec<IndexEntry>)> = self
            .goals
            .iter()
            .filter_map(|(_, goal)| match goal {
                Goal::Put(key, value) | Goal::Patched(key, value, _) => {
                    let kind = check::kind(&key.kind).ok()?;
                    let extracted = registry.extract(kind, &key.id, value);
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
                .resolve(bank, reach, &text, &pending)
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
        reach: &Reach,
        text: &str,
        pending: &[(RecordKey, Vec<IndexEntry>)],
    ) -> Result<RecordKey> {
        let criteria = Criteria::of_url(text)?;
        let limit = u32::try_from(self.touched.len()).unwrap_or(u32::MAX - 2);
        let matches = criteria.matches(bank, reach, limit.saturating_add(2))?;
        self.expect.push(matches.expect);
        let mut keys = matches.keys;
        keys.retain(|key| !self.deleted.contains(key));
        criteria.amend(bank, &mut keys, pending)?;
        match &keys[..] {
            [key] => Ok(key.clone()),
            [] => Err(
                Error::precondition("a conditional reference matches nothing").coded("not-found"),
            ),
            _ => Err(criteria::several()),
        }
    }
}

fn decide(
    bank: &Bank,
    reach: &Reach,
    entries: &[Entry],
    fresh: &[String],
    judge: &Judge,
    judged: &[Judgement],
) -> Result<Decided> {
    let mut draft = Draft::default();
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|index| entries[*index].request.turn());
    for index in order {
        draft
            .add(bank, reach, index, &entries[index], &fresh[index])
            .map_err(|error| in_entry(index, error))?;
    }
    draft.link(bank, reach, entries)?;
    let mut decided = Decided {
        planned: Planned {
            plans: Vec::with_capacity(draft.goals.len()),
            expect: draft.expect,
        },
        of_plan: Vec::with_capacity(draft.goals.len()),
        written: draft.touched,
        deleted: draft.deleted,
    };
    // A transaction that breaks rules says so of all its entries at once.
    let mut broken: Vec<Issue> = Vec::new();
    for (index, goal) in draft.goals {
        let condition = &entries[index].condition;
        let patched = match &goal {
            Goal::Patched(_, value, _) => Some(judge.resource(value)),
            _ => None,
        };
        let is_put = matches!(goal, Goal::Put(..) | Goal::Patched(..));
        let plan = match goal {
            Goal::Delete(key) => {
                check::not_reserved(&key).and_then(|()| plan::delete(bank, reach, &key, condition))
            }
            Goal::Keep(key) => plan::keep(bank, reach, &key),
            Goal::Put(_, value) => check::sound(&*bank.search_parameters()?, value)
                .and_then(|sound| plan::put(bank, reach, sound, condition)),
            Goal::Patched(_, value, expect) => plan::put_patched(bank, reach, value, expect),
        };
        let mut plan = plan.map_err(|error| in_entry(index, error))?;
        if is_put {
            match patched.as_ref().unwrap_or(&judged[index]).admit() {
                Ok(found) => plan.findings = found,
                Err(error) => broken.extend_from_slice(in_entry(index, error).issues()),
            }
        }
        decided.planned.plans.push(plan);
        decided.of_plan.push(index);
    }
    if !broken.is_empty() {
        broken.truncate(ISSUES);
        return Err(Error::new(
            Category::Unprocessable,
            "resources of the transaction break rules of their types or profiles",
        )
        .with_issues(broken));
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
