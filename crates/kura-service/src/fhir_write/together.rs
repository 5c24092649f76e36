//! Entries of a batch that have nothing to do with each other, on one way to the disk.

use std::collections::HashSet;

use kura_fhir::resource;
use kura_model::{Category, Error, RequestContext, Result};

use super::check::Sound;
use super::entry::{Entry, Request, Target};
use super::{Condition, Planned, Written, check, decided, new_id, plan, single, update};
use crate::access::{Action, Reach, reach};
use crate::imaging::decode;
use crate::validation::on_write::{Judge, Judgement};
use crate::{Bank, validation};

/// The most entries that are decided and committed together: other writers wait that long.
const AT_MOST: usize = 50;

/// And the most bytes of their bodies, unless it is one.
const BYTES_AT_MOST: usize = 4 << 20;

/// How many of these entries, from the first, can be written together: creates, and updates of
/// resources that are named, each another one. What others are judged or indexed by stands alone,
/// so that it counts for the next.
pub(super) fn run<'e>(entries: impl Iterator<Item = Option<&'e Result<Entry>>>) -> usize {
    let mut named = HashSet::new();
    entries
        .take(AT_MOST)
        .take_while(|entry| match entry {
            Some(Ok(entry)) => match &entry.request {
                Request::Create {
                    kind,
                    if_none_exist,
                    ..
                } => if_none_exist.is_none() && !defines(kind),
                Request::Update {
                    target: Target::Key(key),
                    ..
                } => !defines(&key.kind) && named.insert(key),
                _ => false,
            },
            _ => false,
        })
        .count()
}

fn defines(kind: &str) -> bool {
    kind == "SearchParameter" || validation::KINDS.contains(&kind)
}

/// An entry that is ready to be decided.
struct Ready {
    index: usize,
    action: &'static str,
    target: String,
    sound: Sound,
    judged: Judgement,
    condition: Condition,
}

/// Does the entries; each has its own outcome, by its number.
pub(super) fn write(
    bank: &Bank,
    context: &RequestContext,
    entries: Vec<(usize, Entry)>,
) -> Vec<(usize, Result<Written>)> {
    let mut done = Vec::with_capacity(entries.len());
    let reach = match reach(bank, context, Action::WriteClinical) {
        Ok(reach) => reach,
        Err(error) => {
            let refused = || Err(Error::new(error.category, error.message()));
            return entries
                .iter()
                .map(|(index, _)| (*index, refused()))
                .collect();
        }
    };
    let mut ready = Vec::with_capacity(entries.len());
    let mut bytes = 0;
    for (index, entry) in entries {
        match prepare(bank, index, entry) {
            Ok(entry) => {
                bytes += entry.sound.put.body.len();
                ready.push(entry);
            }
            Err(error) => done.push((index, Err(error))),
        }
        if bytes > BYTES_AT_MOST {
            done.extend(commit(bank, context, &reach, std::mem::take(&mut ready)));
            bytes = 0;
        }
    }
    done.extend(commit(bank, context, &reach, ready));
    done
}

fn commit(
    bank: &Bank,
    context: &RequestContext,
    reach: &Reach,
    ready: Vec<Ready>,
) -> Vec<(usize, Result<Written>)> {
    let mut done = Vec::with_capacity(ready.len());
    let mut commits = Vec::with_capacity(ready.len());
    let mut waiting = Vec::with_capacity(ready.len());
    let receipts = {
        let _writing = match bank.writing() {
            Ok(writing) => writing,
            Err(error) => {
                let failed = || Err(Error::new(error.category, error.message()));
                done.extend(ready.iter().map(|entry| (entry.index, failed())));
                return done;
            }
        };
        for entry in ready {
            let Ready {
                index,
                action,
                target,
                sound,
                judged,
                condition,
            } = entry;
            let decision = decided(bank, context, reach, action, &target, || {
                let plan = plan::put(bank, reach, sound, &condition)?;
                plan.judged(&judged).map(Planned::from)
            });
            match decision {
                Ok((plans, Some(commit))) => {
                    commits.push(commit);
                    waiting.push((index, plans, condition));
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
    for ((index, plans, condition), receipt) in waiting.into_iter().zip(receipts) {
        let written = match (receipt, &plans[..]) {
            (Ok(receipt), _) => single(
                plans
                    .into_iter()
                    .map(|plan| plan.done(receipt.at))
                    .collect(),
            ),
            // Another wrote the resource in between: by itself it is decided again.
            (Err(error), [plan]) if error.category == Category::Precondition => decode(&plan.body)
                .and_then(|value| {
                    update::update_value(bank, context, reach, &plan.key, value, &condition)
                }),
            (Err(error), _) => Err(error),
        };
        done.push((index, written));
    }
    done
}

fn prepare(bank: &Bank, index: usize, entry: Entry) -> Result<Ready> {
    let Entry {
        request, condition, ..
    } = entry;
    let judge = Judge::of(bank)?;
    let (action, target, condition, judged, value) = match request {
        Request::Update {
            target: Target::Key(key),
            value,
        } => {
            let judged = judge.resource(&value);
            ("fhir_update", key.to_string(), condition, judged, value)
        }
        // As for a create by itself: judged as it was sent, and nothing is asked of what was
        // there.
        Request::Create { kind, value, .. } => {
            let judged = judge.resource(&value);
            let value = resource::with_id(value, &new_id()?);
            let condition = Condition::default();
            ("fhir_create", kind.to_owned(), condition, judged, value)
        }
        _ => {
            return Err(Error::internal(
                "an entry that cannot be written with others",
            ));
        }
    };
    Ok(Ready {
        index,
        action,
        target,
        sound: check::sound(&*bank.search_parameters()?, value)?,
        judged,
        condition,
    })
}
