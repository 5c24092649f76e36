//! Entries of a batch that have nothing to do with each other, on one way to the disk.

use std::collections::HashSet;

use kura_fhir::resource;
use kura_model::{Category, Error, RecordKey, RequestContext, Result};
use serde_json::Value;

use super::check::Sound;
use super::entry::{Entry, Request, Target};
use super::{Condition, Planned, Written, check, decided, new_id, plan, single, update};
use crate::Bank;
use crate::access::{Action, authorize};
use crate::validation::on_write::{Judge, Judgement};

/// The most entries that are decided and committed together: other writers wait that long.
const AT_MOST: usize = 50;

/// How many of these entries, from the first, can be written together: creates, and updates of
/// resources that are named, each another one.
pub(super) fn run<'e>(entries: impl Iterator<Item = Option<&'e Result<Entry>>>) -> usize {
    let mut named = HashSet::new();
    entries
        .take(AT_MOST)
        .take_while(|entry| match entry {
            Some(Ok(entry)) => match &entry.request {
                Request::Create { if_none_exist, .. } => if_none_exist.is_none(),
                Request::Update {
                    target: Target::Key(key),
                    ..
                } => named.insert(key),
                _ => false,
            },
            _ => false,
        })
        .count()
}

/// An entry that is ready to be decided.
struct Ready {
    action: &'static str,
    target: String,
    sound: Sound,
    judged: Judgement,
    condition: Condition,
    /// What it takes to do it by itself, if another writes the resource in between.
    again: Option<(RecordKey, Value)>,
}

/// Does the entries; each has its own outcome, by its number.
pub(super) fn write(
    bank: &Bank,
    context: &RequestContext,
    entries: Vec<(usize, Entry)>,
) -> Vec<(usize, Result<Written>)> {
    let mut done = Vec::with_capacity(entries.len());
    let mut ready = Vec::with_capacity(entries.len());
    for (index, entry) in entries {
        match prepare(bank, context, entry) {
            Ok(entry) => ready.push((index, entry)),
            Err(error) => done.push((index, Err(error))),
        }
    }
    let mut commits = Vec::with_capacity(ready.len());
    let mut waiting = Vec::with_capacity(ready.len());
    let receipts = {
        let _writing = match bank.writing() {
            Ok(writing) => writing,
            Err(error) => {
                let failed = |(index, _)| (index, Err(Error::new(error.category, error.message())));
                done.extend(ready.into_iter().map(failed));
                return done;
            }
        };
        for (index, entry) in ready {
            let Ready {
                action,
                target,
                sound,
                judged,
                condition,
                again,
            } = entry;
            let decision = decided(bank, context, action, &target, || {
                let plan = plan::put(bank, sound, &condition)?;
                plan.judged(&judged).map(Planned::from)
            });
            match decision {
                Ok((plans, Some(commit))) => {
                    commits.push(commit);
                    waiting.push((index, plans, condition, again));
                }
                Ok((plans, None)) => {
                    let written = plans.into_iter().map(|plan| plan.done(0)).collect();
                    done.push((index, single(written)));
                }
                Err(error) => done.push((index, Err(error))),
            }
        }
        bank.clinical.commit_each(&commits)
    };
    for ((index, plans, condition, again), receipt) in waiting.into_iter().zip(receipts) {
        let written = match (receipt, again) {
            (Ok(receipt), _) => single(
                plans
                    .into_iter()
                    .map(|plan| plan.done(receipt.at))
                    .collect(),
            ),
            (Err(error), Some((key, value))) if error.category == Category::Precondition => {
                update::update_value(bank, context, &key, value, &condition)
            }
            (Err(error), _) => Err(error),
        };
        done.push((index, written));
    }
    done
}

fn prepare(bank: &Bank, context: &RequestContext, entry: Entry) -> Result<Ready> {
    authorize(context, Action::WriteClinical)?;
    let Entry {
        request, condition, ..
    } = entry;
    let (action, target, condition, value, again) = match request {
        Request::Update {
            target: Target::Key(key),
            value,
        } => {
            let again = Some((key.clone(), value.clone()));
            ("fhir_update", key.to_string(), condition, value, again)
        }
        Request::Create { kind, value, .. } => {
            let value = resource::with_id(value, &new_id()?);
            // As for a create by itself, nothing is asked of what was there.
            let condition = Condition::default();
            ("fhir_create", kind.to_owned(), condition, value, None)
        }
        _ => {
            return Err(Error::internal(
                "an entry that cannot be written with others",
            ));
        }
    };
    let judged = Judge::of(bank)?.resource(&value);
    Ok(Ready {
        action,
        target,
        sound: check::sound(&*bank.search_parameters()?, value)?,
        judged,
        condition,
        again,
    })
}
