//! Whoever subscribed is told what was written, in its order, at least once: what was told is noted
//! after the receiver has taken it, so a crash in between tells it again, under the same numbers.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use kura_fhir::search::Search;
use kura_fhir::{RESOURCE_TYPES, Resource};
use kura_model::{Category, LogicalTime, RecordKey, RequestContext, Result};
use kura_outbound::{Failure, Messenger};
use kura_store::{
    AuditEntry, Clause, Commit, Cursor, Expect, HistoryRow, Predicate, Query, Version, Write,
};
use serde_json::json;

use super::notification::{Kind, Notification};
use super::{Progress, Subscription, decoded, mark, progress, receiver, wrong};
use crate::terminology::BankTerms;
use crate::{Bank, import, query};

/// Failed tries after which a subscription is in error: with the pauses, about a day.
const TRIES: u32 = 150;
/// The longest pause between tries, milliseconds.
const PAUSE_AT_MOST: i64 = 600_000;

/// What a round did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    pub told: u64,
    /// Subscriptions for which there is more to tell.
    pub more: u64,
}

/// Tells. What it knows lies in the bank, so that another process may go on.
#[derive(Default)]
pub struct Engine {
    messenger: Messenger,
}

enum Told {
    Nothing,
    Events(u64),
    More(u64),
}

impl Engine {
    /// One round for all subscriptions. One process at a time; where another tells, nothing is done.
    pub fn round(&self, bank: &Bank, context: &RequestContext) -> Result<Report> {
        let mut report = Report::default();
        if bank
            .clinical
            .read(|reader| reader.versions_of("Subscription"))?
            == 0
        {
            return Ok(report);
        }
        let Some(_alone) = bank.clinical.exclusive("subscriptions", false)? else {
            return Ok(report);
        };
        for version in subscriptions(bank)? {
            let resource = decoded(&version)?;
            let status = resource["status"].as_str().unwrap_or_default();
            let told = match (status, Subscription::of(&resource)) {
                ("requested", Ok(asked)) => {
                    self.handshake(bank, context, &version, &asked)?;
                    Told::Nothing
                }
                ("requested", Err(error)) => {
                    say(bank, context, &version, "error", Some(error.message()))?;
                    Told::Nothing
                }
                ("active", Ok(asked)) => match self.tell(bank, context, &version, &asked) {
                    Ok(told) => told,
                    // A filter that means nothing any more, or not now, keeps nobody else waiting.
                    Err(error) if error.category != Category::Internal => {
                        failed(bank, context, &version, error.message())?;
                        Told::Nothing
                    }
                    Err(error) => return Err(error),
                },
                _ => Told::Nothing,
            };
            match told {
                Told::Nothing => {}
                Told::Events(events) => report.told += events,
                Told::More(events) => {
                    report.told += events;
                    report.more += 1;
                }
            }
        }
        Ok(report)
    }

    /// Asks the receiver whether it wants this. What is written from here on is told; a subscription
    /// that was active or in error goes on where it stopped.
    fn handshake(
        &self,
        bank: &Bank,
        context: &RequestContext,
        version: &Version,
        asked: &Subscription,
    ) -> Result<()> {
        let kept = progress(bank, &asked.id)?;
        let begins = match &kept {
            Some(kept) => switched_off(bank, version, kept.version)?,
            None => true,
        };
        let mut progress = kept.unwrap_or_default();
        if begins {
            progress.reached = bank.clinical.read(|reader| {
                let now = reader.now()?;
                reader.last_record(now)
            })?;
        }
        match self.send(bank, asked, Kind::Handshake, progress.events, &[]) {
            Ok(()) => {
                let version = say(bank, context, version, "active", None)?;
                progress.version = version;
                progress.failures = 0;
                progress.next_try = 0;
                progress.told = now();
                keep(bank, &asked.id, &progress)
            }
            Err(reason) => say(bank, context, version, "error", Some(&reason)).map(drop),
        }
    }

    fn tell(
        &self,
        bank: &Bank,
        context: &RequestContext,
        version: &Version,
        asked: &Subscription,
    ) -> Result<Told> {
        // An active one that never was asked here came from elsewhere, with an import.
        let Some(mut progress) = progress(bank, &asked.id)? else {
            return Ok(Told::Nothing);
        };
        if progress.version != version.version || progress.next_try > now() {
            return Ok(Told::Nothing);
        }
        if asked.end.is_some_and(|end| end < now()) {
            say(bank, context, version, "off", None)?;
            return Ok(Told::Nothing);
        }
        let (events, reached, more) = changed(bank, asked, progress.reached)?;
        let silent = now() - progress.told;
        let kind = if !events.is_empty() {
            Kind::Event
        } else if asked.heartbeat > 0 && silent >= asked.heartbeat as i64 * 1000 {
            Kind::Heartbeat
        } else {
            if reached > progress.reached {
                progress.reached = reached;
                keep(bank, &asked.id, &progress)?;
            }
            return Ok(if more { Told::More(0) } else { Told::Nothing });
        };
        match self.send(bank, asked, kind, progress.events, &events) {
            Ok(()) => {
                progress.events += events.len() as u64;
                progress.reached = reached;
                progress.failures = 0;
                progress.next_try = 0;
                progress.told = now();
                keep(bank, &asked.id, &progress)?;
                if kind == Kind::Event {
                    bank.clinical.audit(
                        AuditEntry::new(
                            context,
                            "subscription_notify",
                            format!("Subscription/{}", asked.id),
                        )
                        .detail(format!("{} changes", events.len())),
                    );
                }
                let told = events.len() as u64;
                Ok(if more {
                    Told::More(told)
                } else {
                    Told::Events(told)
                })
            }
            Err(reason) => {
                failed(bank, context, version, &reason)?;
                Ok(Told::Nothing)
            }
        }
    }

    /// Sends, or says why not.
    fn send(
        &self,
        bank: &Bank,
        asked: &Subscription,
        kind: Kind,
        told: u64,
        events: &[HistoryRow],
    ) -> std::result::Result<(), String> {
        let config = &bank.config.subscriptions;
        let (address, endpoint) =
            receiver(bank, asked).map_err(|error| error.message().to_owned())?;
        let base = config.base(&bank.config.server.listen);
        let status = if kind == Kind::Handshake {
            "requested"
        } else {
            "active"
        };
        let body = Notification {
            base: &base,
            id: &asked.id,
            status,
            kind,
            told,
            content: asked.content,
            events,
        }
        .bundle("history");
        let timeout = Duration::from_secs(asked.timeout);
        self.messenger
            .post(
                &address,
                "application/fhir+json",
                endpoint.headers(),
                &body,
                timeout,
            )
            .map_err(|failure: Failure| failure.to_string())
    }
}

fn keep(bank: &Bank, id: &str, progress: &Progress) -> Result<()> {
    let text = json!(progress).to_string();
    bank.clinical.set_mark(&mark(id), &text)
}

/// One more failed try; the last is the end until it is asked for again.
fn failed(bank: &Bank, context: &RequestContext, version: &Version, reason: &str) -> Result<()> {
    let id = &version.key.id;
    let Some(mut progress) = progress(bank, id)? else {
        return Ok(());
    };
    progress.failures += 1;
    let pause = 1000_i64 << progress.failures.min(10);
    progress.next_try = now() + pause.min(PAUSE_AT_MOST);
    if progress.failures >= TRIES {
        say(bank, context, version, "error", Some(reason))?;
        progress.failures = 0;
    }
    keep(bank, id, &progress)
}

/// Whether it was switched off, or deleted, since the version the last handshake was made for.
fn switched_off(bank: &Bank, version: &Version, since: u64) -> Result<bool> {
    for number in since + 1..version.version {
        let between = bank
            .clinical
            .read(|reader| reader.version(&version.key, number))?;
        if let Some(between) = between
            && (between.deleted || decoded(&between)?["status"] == "off")
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Those that are asked for or active.
fn subscriptions(bank: &Bank) -> Result<Vec<Version>> {
    let registry = bank.search_parameters()?;
    let Some(status) = registry.parameter("Subscription", "status") else {
        return Ok(Vec::new());
    };
    let mut any = Vec::new();
    for code in ["requested", "active"] {
        any.extend(status.slots.iter().map(|slot| Predicate::Token {
            param: slot.name.to_owned(),
            system: None,
            code: Some(code.to_owned()),
        }));
    }
    let mut query = Query::all("Subscription");
    query.clauses.push(Clause::Any(any));
    let mut found = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), 200))?;
        found.extend(page.versions);
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// The bank's word on a subscription: a new version of it. The number of that version.
fn say(
    bank: &Bank,
    context: &RequestContext,
    version: &Version,
    status: &str,
    error: Option<&str>,
) -> Result<u64> {
    let mut resource = decoded(version)?;
    resource["status"] = json!(status);
    match (error, resource.as_object_mut()) {
        (Some(error), _) => resource["error"] = json!(error),
        (None, Some(object)) => {
            object.remove("error");
        }
        (None, None) => {}
    }
    let resource = Resource::from_value(resource).map_err(kura_fhir::outcome::refused)?;
    let mut put = import::fhir_put(&*bank.search_parameters()?, &resource, None);
    put.once = false;
    let _writing = bank.writing()?;
    let done = bank.clinical.commit(Commit {
        // Who changed it meanwhile is heard first.
        expect: vec![Expect::Newest {
            key: version.key.clone(),
            version: Some(version.version),
        }],
        writes: vec![Write::Put(put)],
        audit: vec![
            AuditEntry::new(context, "subscription", version.key.to_string())
                .detail(status.to_owned()),
        ],
        ..Commit::default()
    });
    match done {
        Ok(_) => Ok(version.version + 1),
        Err(error) if error.category == Category::Precondition => Ok(version.version),
        Err(error) => Err(error),
    }
}

/// What is to be told of what was written after `after`; how far that looked, and whether there is
/// more to look at.
fn changed(bank: &Bank, asked: &Subscription, after: i64) -> Result<(Vec<HistoryRow>, i64, bool)> {
    let registry = bank.search_parameters()?;
    let searches = asked.searches(&registry)?;
    let kinds: Vec<String> = if searches.is_empty() {
        // The bank's own word on a subscription is no news of a record.
        RESOURCE_TYPES
            .iter()
            .filter(|kind| **kind != "Subscription")
            .map(|kind| (*kind).to_owned())
            .collect()
    } else {
        searches
            .iter()
            .map(|search| search.kind.to_owned())
            .collect()
    };
    let (rows, reached) = bank.clinical.read(|reader| {
        reader.at_one_state(|reader| reader.changes(&kinds, after, asked.max_count))
    })?;
    let more = rows.len() == asked.max_count as usize;
    if searches.is_empty() || rows.is_empty() {
        return Ok((rows, reached, more));
    }
    let mut matching = HashSet::new();
    // A deletion is told if what was deleted matched: it is looked for as of the time before.
    let mut by_time: HashMap<(u64, &str), Vec<&HistoryRow>> = HashMap::new();
    for row in &rows {
        let version = &row.version;
        let t = version.t.0 - u64::from(version.deleted);
        by_time.entry((t, &version.key.kind)).or_default().push(row);
    }
    for ((t, kind), rows) in by_time {
        for search in searches.iter().filter(|search| search.kind == kind) {
            let found = found(bank, search, LogicalTime(t), &rows)?;
            for row in &rows {
                if found.contains(&row.version.key) {
                    matching.insert(row.pk);
                }
            }
        }
    }
    let events = rows
        .into_iter()
        .filter(|row| matching.contains(&row.pk))
        .collect();
    Ok((events, reached, more))
}

fn found(
    bank: &Bank,
    search: &Search,
    t: LogicalTime,
    rows: &[&HistoryRow],
) -> Result<Vec<RecordKey>> {
    // Value sets as they are now: one that was not there for a while holds nothing up for good.
    let terms = BankTerms { bank, at: None };
    let mut query = query::query(search, Some(t), &terms)
        .map_err(|error| wrong(error.message(), "criteria"))?;
    let ids = rows.iter().map(|row| row.version.key.id.clone()).collect();
    query.clauses.push(Clause::Any(vec![Predicate::Ids(ids)]));
    let page = bank
        .clinical
        .read(|reader| reader.search(&query, None, rows.len() as u32))?;
    Ok(page
        .versions
        .into_iter()
        .map(|version| version.key)
        .collect())
}
