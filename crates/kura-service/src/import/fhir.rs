//! FHIR R4 as NDJSON or as one JSON document.

use std::path::Path;
use std::sync::atomic::Ordering;

use kura_fhir::search_parameter::Registry;
use kura_fhir::{Resource, bundle, resource, view};
use kura_model::{Refusal, Result};
use kura_store::Put;
use kura_validation::Neighbours;

use super::Feed;
use super::input::{self, Line, Lines};
use super::large;
use super::recognise::{self, Format};
use super::sink::{Item, Sink};
use crate::validation::on_write::Judgement;
use crate::{config, search_index};

/// Makes the write of one resource, to be searched by the parameters of `registry`.
pub(crate) fn put(registry: &Registry, resource: &Resource, source: Option<(i64, u64)>) -> Put {
    let extracted = registry.extract(resource.kind(), resource.id(), resource.value());
    Put {
        key: resource.key(),
        body: resource.to_stored(),
        index: extracted.index,
        indexed_by: Some(search_index::indexed_by(registry)),
        owners: extracted.owners,
        blobs: Vec::new(),
        source,
        once: true,
    }
}

/// One resource or Bundle a line.
pub(super) fn lines(feed: &Feed<'_>, sink: &Sink) -> Result<()> {
    let limits = &feed.bank.config.import;
    let opened = input::open(feed.path, limits)?;
    let mut lines = Lines::new(opened.reader, limits.item_bytes);
    let mut line = Vec::new();
    loop {
        if feed.cancelled() {
            return Ok(());
        }
        match lines.next(&mut line) {
            Ok(Line::End) => return Ok(()),
            // Nothing before it: perhaps all of the file is one Bundle.
            Ok(Line::Overlong { .. }) if lines.number == 1 && large::bundle(feed, sink)? => {
                return Ok(());
            }
            Ok(Line::Overlong { size }) => {
                if lines.number > feed.position {
                    let refusal = Refusal::new(
                        "item-size",
                        format!("the line is longer than {} bytes", limits.item_bytes),
                    )
                    .at_line(lines.number)
                    .at_byte(lines.offset);
                    sink.push(Item::Refused {
                        refusal,
                        item: std::mem::take(&mut line),
                        size,
                    });
                    sink.reached(lines.number)?;
                }
            }
            Ok(Line::Whole) => {
                if lines.number > feed.position {
                    if !line.trim_ascii().is_empty() {
                        item(feed, sink, &line, lines.number, lines.offset)?;
                    }
                    sink.reached(lines.number)?;
                }
            }
            Err(error) => {
                let refusal = input::refusal_of(&error, lines.offset)
                    .ok_or_else(|| input::disk(feed.path, error))?
                    .at_line(lines.number);
                let size = line.len() as u64;
                sink.push(Item::Refused {
                    refusal,
                    item: std::mem::take(&mut line),
                    size,
                });
                return sink.reached(lines.number);
            }
        }
        if lines.number.is_multiple_of(256) {
            feed.observer.read(opened.consumed.load(Ordering::Relaxed));
        }
    }
}

/// What a file begins with that is said to be NDJSON of FHIR.
pub(crate) enum Begins {
    /// It is empty.
    Nothing,
    /// A resource of this type, or a line that is none and will be refused by itself.
    Lines(Option<String>),
    /// It is no NDJSON of FHIR.
    Refused(Refusal),
}

/// Looks at the beginning of a file.
pub(crate) fn begins(path: &Path, limits: &config::Import) -> Result<Begins> {
    let mut lines = Lines::new(input::open(path, limits)?.reader, limits.item_bytes);
    let mut line = Vec::new();
    let first = loop {
        match lines.next(&mut line) {
            Ok(Line::End) => return Ok(Begins::Nothing),
            Ok(Line::Whole) if line.trim_ascii().is_empty() => {}
            Ok(Line::Whole) => break resource::parse_json(&line).ok(),
            // What is wrong with them is told when they are read.
            Ok(Line::Overlong { .. }) => break None,
            Err(error) => match input::refusal_of(&error, lines.offset) {
                Some(_) => break None,
                None => return Err(input::disk(path, error)),
            },
        }
    };
    if first.is_none() && recognise::recognise(path)? != Format::FhirLines {
        return Ok(Begins::Refused(Refusal::new(
            "input-format",
            "not recognised as NDJSON of FHIR, one resource a line",
        )));
    }
    Ok(Begins::Lines(first.and_then(|first| {
        resource::kind_of(&first).ok().map(str::to_owned)
    })))
}

/// One resource or Bundle in the whole file.
pub(super) fn document(feed: &Feed<'_>, sink: &Sink) -> Result<()> {
    use std::io::Read as _;
    let limits = &feed.bank.config.import;
    let opened = input::open(feed.path, limits)?;
    let mut bytes = Vec::new();
    let read = opened
        .reader
        .take(limits.item_bytes + 1)
        .read_to_end(&mut bytes);
    let refusal = match read {
        Err(error) => Some(
            input::refusal_of(&error, bytes.len() as u64)
                .ok_or_else(|| input::disk(feed.path, error))?,
        ),
        Ok(_) if bytes.len() as u64 > limits.item_bytes => {
            drop(bytes);
            if large::bundle(feed, sink)? {
                return Ok(());
            }
            bytes = Vec::new();
            Some(Refusal::new(
                "item-size",
                format!(
                    "the document is longer than {} bytes; write large sets as NDJSON",
                    limits.item_bytes
                ),
            ))
        }
        Ok(_) => None,
    };
    if let Some(refusal) = refusal {
        return sink.refuse_file(feed.path, refusal);
    }
    item(feed, sink, &bytes, 1, 0)?;
    sink.reached(1)
}

/// One JSON item: a resource, or a Bundle of many. `offset` is where it begins in the input.
fn item(feed: &Feed<'_>, sink: &Sink, bytes: &[u8], line: u64, offset: u64) -> Result<()> {
    let source = Some((sink.source(), line));
    let refuse = |mut refusal: Refusal| {
        refusal.location.byte = refusal.location.byte.map(|byte| byte + offset);
        sink.push(Item::Refused {
            refusal: refusal.at_line(line),
            item: bytes.to_vec(),
            size: bytes.len() as u64,
        });
    };
    let keep = |resource: &Resource, judged: &Judgement| match judged.refusal() {
        Some(refusal) => refuse(refusal),
        None => {
            sink.warned(judged);
            sink.push(Item::Put(put(&sink.registry(), resource, source)));
        }
    };
    let value = match resource::parse_json(bytes) {
        Ok(value) => value,
        Err(refusal) => {
            refuse(refusal);
            return Ok(());
        }
    };
    match resource::kind_of(&value) {
        Ok("Bundle") => match bundle::unpack(value) {
            Ok(entries) => {
                let judge = sink.judge(feed.bank)?;
                let entries: Vec<_> = entries
                    .into_iter()
                    .map(|entry| entry.and_then(brought))
                    .collect();
                // References between entries point at ids by now.
                let others = entries.iter().filter_map(|entry| entry.as_ref().ok());
                let others = Neighbours::new(others.map(|one| (None, one.value())));
                for entry in &entries {
                    match entry {
                        Ok(resource) => {
                            keep(resource, &judge.among(resource.value(), Some(&others)))
                        }
                        Err(refusal) => refuse(refusal.clone()),
                    }
                }
            }
            Err(refusal) => refuse(refusal),
        },
        Ok(_) => match Resource::from_value(value).and_then(brought) {
            Ok(resource) => {
                let judged = sink.judge(feed.bank)?.resource(resource.value());
                keep(&resource, &judged);
            }
            Err(refusal) => refuse(refusal),
        },
        Err(refusal) => refuse(refusal),
    }
    Ok(())
}

/// Records that only the bank itself writes: a model's versions and steps, answers and decisions.
const RESERVED: [(&str, &[&str]); 7] = [
    ("Communication", &["emergency-"]),
    ("Device", &["model-"]),
    ("DiagnosticReport", &["measured-"]),
    ("Observation", &["measured-"]),
    (
        "Provenance",
        &[
            "model-",
            "made-risk-",
            "decided-risk-",
            "made-measured-",
            "decided-measured-",
        ],
    ),
    ("RiskAssessment", &["risk-"]),
    ("Task", &["work-"]),
];

/// Whether only the bank itself writes records of this name.
pub(crate) fn reserved(kind: &str, id: &str) -> bool {
    RESERVED.iter().any(|(reserved, prefixes)| {
        kind == *reserved && prefixes.iter().any(|prefix| id.starts_with(prefix))
    })
}

/// Nobody brings a model to use, or takes a decision, by a file or over the FHIR API.
pub(crate) fn foreign(resource: Resource) -> std::result::Result<Resource, Refusal> {
    let reserved = reserved(resource.kind(), resource.id());
    let model = resource.kind() == "Device"
        && view::identifiers(resource.value(), crate::models::MODEL_SYSTEM)
            .next()
            .is_some();
    if reserved || model {
        return Err(Refusal::new(
            "reserved",
            "records of this kind and name are the bank's own: models, answers and decisions do not come from outside",
        )
        .at_path("id"));
    }
    Ok(resource)
}

/// What comes by a file, and not over the FHIR API.
pub(super) fn brought(resource: Resource) -> std::result::Result<Resource, Refusal> {
    // Over the API it is asked for by those whom `subscription::acceptable` lets.
    if resource.kind() == "Subscription" {
        return Err(Refusal::new(
            "reserved",
            "a Subscription sends records out of the bank: it is asked for over the FHIR API, not brought in",
        )
        .at_path("resourceType"));
    }
    foreign(resource)
}
