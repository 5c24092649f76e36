//! Operations that gather: everything of a patient or an encounter, a document.

use std::collections::HashSet;

use kura_fhir::search::{self, Filter};
use kura_fhir::{RESOURCE_TYPES, date, resource_type};
use kura_model::{Error, LogicalTime, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Clause, Compare, Cursor, Predicate, Query, Reader, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Bank;
use crate::access::{Action, reach};
use crate::bundle_writer::BundleWriter;
use crate::fhir_read::{answer, key};
use crate::fhir_search::{COUNT_AT_MOST, PAGE_PARAM};
use crate::sealed::{self, hex};

/// Resources of `$everything` on one page, unless the client says otherwise.
const PAGE: u32 = 500;

/// Where a page of `$everything` ended.
#[derive(Serialize, Deserialize)]
struct Place {
    of: String,
    t: LogicalTime,
    kind: String,
    after: Option<Cursor>,
    params: Vec<(String, String)>,
}

/// FHIR R4 patient-operation-everything.html and encounter-operation-everything.html: the
/// compartment, and what its resources point at. Pages of `_count`; `_since`, `_type`, and for a
/// patient `start` and `end` of care.
pub fn everything(
    bank: &Bank,
    context: &RequestContext,
    base: &str,
    kind: &str,
    id: &str,
    params: &[(String, String)],
) -> Result<Vec<u8>> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let of = match kind {
        "Patient" | "Encounter" => key(kind, id)?,
        _ => return Err(Error::not_found("only of a Patient or an Encounter")),
    };
    let place: Option<Place> = params
        .iter()
        .find(|(name, _)| name == PAGE_PARAM)
        .map(|(_, sealed)| sealed::open(bank, "everything", sealed))
        .transpose()?;
    if place
        .as_ref()
        .is_some_and(|place| place.of != of.to_string())
    {
        return Err(Error::invalid("this page belongs to something else"));
    }
    let params = place.as_ref().map_or(params, |place| &place.params[..]);
    let asked = Everything::parse(params)?;
    let registry = bank.search_parameters()?;
    let mut kinds: Vec<&'static str> = RESOURCE_TYPES
        .into_iter()
        .filter(|kind| asked.kinds.is_empty() || asked.kinds.contains(kind))
        .collect();
    // What it is about comes first.
    kinds.sort_by_key(|kind| (*kind != of.kind, *kind));
    let mut bundle_entries = Vec::new();
    let mut included = Vec::new();
    let next = reach.read(bank, |reader| {
        reader.at_one_state(|reader| {
            let t = match &place {
                Some(place) => place.t,
                None => reader.now()?,
            };
            let there = reader.current_at(&of, t)?;
            if there.is_none_or(|version| version.deleted) {
                return Err(Error::not_found(format!("{of} is not in this bank")));
            }
            let begin = place
                .as_ref()
                .and_then(|place| kinds.iter().position(|kind| *kind == place.kind))
                .unwrap_or(0);
            let mut after = place.as_ref().and_then(|place| place.after.clone());
            let mut next = None;
            for kind in &kinds[begin..] {
                let left = asked.count - bundle_entries.len() as u32;
                if left == 0 {
                    next = Some((t, *kind, None));
                    break;
                }
                let Some(query) = asked.query(&registry, &of, kind, t) else {
                    continue;
                };
                let page = reader.search(&query, after.as_ref(), left)?;
                after = None;
                bundle_entries.extend(page.versions);
                if let Some(cursor) = page.next {
                    next = Some((t, *kind, Some(cursor)));
                    break;
                }
            }
            included = pointed_at(reader, &registry, &asked, &bundle_entries, t)?;
            Ok(next)
        })
    })?;
    bank.clinical
        .audit(AuditEntry::new(context, "fhir_everything", of.to_string()));
    let own = format!("{base}/{of}/$everything");
    let mut links = vec![("self", own.clone())];
    if let Some((t, kind, after)) = next {
        let sealed = sealed::seal(
            bank,
            "everything",
            &Place {
                of: of.to_string(),
                t,
                kind: kind.to_owned(),
                after,
                params: params.to_vec(),
            },
        )?;
        links.push(("next", format!("{own}?{PAGE_PARAM}={sealed}")));
    }
    let mut bundle = BundleWriter::new("searchset", None, &links);
    for (versions, mode) in [(&bundle_entries, "match"), (&included, "include")] {
        for version in versions {
            bundle.entry(
                &format!("{base}/{}", version.key),
                Some(&answer(version).body),
                &json!({ "search": { "mode": mode } }),
            );
        }
    }
    Ok(bundle.finish())
}

struct Everything {
    kinds: Vec<&'static str>,
    since: Option<i64>,
    start: Option<i64>,
    end: Option<i64>,
    count: u32,
}

impl Everything {
    fn parse(params: &[(String, String)]) -> Result<Self> {
        let mut asked = Self {
            kinds: Vec::new(),
            since: None,
            start: None,
            end: None,
            count: PAGE,
        };
        let range = |value: &str, name: &str| {
            date::range(value)
                .ok_or_else(|| Error::invalid(format!("{name} is a date")).at(name.to_owned()))
        };
        for (name, value) in params {
            match name.as_str() {
                "_type" => {
                    for kind in value.split(',').filter(|kind| !kind.is_empty()) {
                        asked.kinds.push(resource_type(kind).ok_or_else(|| {
                            Error::invalid("_type names no resource type of FHIR R4").at("_type")
                        })?);
                    }
                }
                "_since" => asked.since = Some(range(value, name)?.0 * 1000),
                "start" => asked.start = Some(range(value, name)?.0),
                "end" => asked.end = Some(range(value, name)?.1),
                "_count" => {
                    asked.count = value
                        .parse::<u32>()
                        .map_err(|_| Error::invalid("_count is a whole number"))?
                        .clamp(1, COUNT_AT_MOST);
                }
                _ => {}
            }
        }
        Ok(asked)
    }

    /// `None` if the type is not part of the compartment.
    fn query(
        &self,
        registry: &kura_fhir::search_parameter::Registry,
        of: &RecordKey,
        kind: &'static str,
        t: LogicalTime,
    ) -> Option<Query> {
        let mut query = Query::all(kind);
        query.at = Some(t);
        if kind == of.kind {
            query = query.and(Predicate::Id(of.id.clone()));
            return Some(query);
        }
        let Filter::Compartment { by, .. } = search::compartment(registry, of, kind)? else {
            return None;
        };
        let mut params: Vec<&str> = by
            .iter()
            .flat_map(|parameter| &parameter.slots)
            .map(|slot| slot.name)
            .collect();
        params.sort_unstable();
        params.dedup();
        query.clauses.push(Clause::Any(
            params
                .into_iter()
                .map(|param| Predicate::Reference {
                    param: param.to_owned(),
                    target: of.clone(),
                })
                .collect(),
        ));
        if let Some(since) = self.since {
            query = query.and(Predicate::Written {
                compare: Compare::GreaterOrEqual,
                low: since,
                high: since,
            });
        }
        // Care within a time: by the date of the type, where it has one and the resource too.
        let dated = registry
            .parameter(kind, "date")
            .filter(|parameter| self.start.or(self.end).is_some() && parameter.slots.len() == 1);
        if let Some(slot) = dated.and_then(|parameter| parameter.slots.first()) {
            for (compare, limit) in [
                (Compare::GreaterOrEqual, self.start),
                (Compare::LessOrEqual, self.end),
            ] {
                if let Some(limit) = limit {
                    let within = Predicate::Date {
                        param: slot.name.to_owned(),
                        compare,
                        low: limit,
                        high: limit,
                    };
                    let undated = Predicate::All(vec![Clause::None(vec![Predicate::Present {
                        param: slot.name.to_owned(),
                        table: slot.kind.table(),
                        target: None,
                    }])]);
                    query.clauses.push(Clause::Any(vec![within, undated]));
                }
            }
        }
        Some(query)
    }
}

/// Types the compartments leave out, and that make their records readable.
const AROUND: [&str; 9] = [
    "Device",
    "Endpoint",
    "HealthcareService",
    "Location",
    "Medication",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Substance",
];

fn pointed_at(
    reader: &mut Reader<'_>,
    registry: &kura_fhir::search_parameter::Registry,
    asked: &Everything,
    versions: &[Version],
    t: LogicalTime,
) -> Result<Vec<Version>> {
    let mut seen: HashSet<RecordKey> = versions.iter().map(|version| version.key.clone()).collect();
    let mut out = Vec::new();
    for version in versions {
        let resource: Value = serde_json::from_slice(&version.body)
            .map_err(|error| Error::internal("a stored resource is damaged").because(error))?;
        for target in registry.references(&version.key.kind, None, &resource) {
            let wanted = AROUND.contains(&target.kind.as_str())
                && (asked.kinds.is_empty() || asked.kinds.iter().any(|kind| *kind == target.kind));
            if wanted && seen.insert(target.clone()) {
                out.extend(
                    reader
                        .current_at(&target, t)?
                        .filter(|version| !version.deleted),
                );
            }
        }
    }
    Ok(out)
}

/// Resources of one document.
const DOCUMENT: usize = 10_000;

/// FHIR R4 composition-operation-document.html: the Composition and all it leads to, as a Bundle
/// of type `document`.
pub fn document(bank: &Bank, context: &RequestContext, base: &str, id: &str) -> Result<Vec<u8>> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let composition = key("Composition", id)?;
    let (versions, at) = reach.read(bank, |reader| {
        reader.at_one_state(|reader| {
            let mut versions: Vec<Version> = Vec::new();
            let mut seen = HashSet::from([composition.clone()]);
            let mut next = vec![composition.clone()];
            while let Some(key) = next.pop() {
                let found = reader.current(&key)?.filter(|version| !version.deleted);
                let Some(version) = found else {
                    if key == composition {
                        return Err(Error::not_found(format!("{key} is not in this bank")));
                    }
                    // A document goes out with what is here.
                    continue;
                };
                let resource: Value = serde_json::from_slice(&version.body).map_err(|error| {
                    Error::internal("a stored resource is damaged").because(error)
                })?;
                let mut found = Vec::new();
                references(&resource, &mut found);
                // What the composition names, and what those need to be read; not the whole bank.
                let follow = key == composition || !AROUND.contains(&key.kind.as_str());
                for target in found {
                    let wanted = key == composition || AROUND.contains(&target.kind.as_str());
                    if follow && wanted && seen.insert(target.clone()) {
                        next.push(target);
                    }
                }
                versions.push(version);
                if versions.len() > DOCUMENT {
                    return Err(Error::new(
                        kura_model::Category::TooLarge,
                        "this document would have too many resources",
                    ));
                }
            }
            let now = reader.now()?;
            Ok((versions, reader.commit_at(now)?.unwrap_or(0)))
        })
    })?;
    bank.clinical.audit(AuditEntry::new(
        context,
        "fhir_document",
        composition.to_string(),
    ));
    // FHIR R4 documents.html: an identifier of its own, and the Composition first.
    let mut bundle = BundleWriter::document(&format!("urn:uuid:{}", uuid()?), &date::instant(at));
    for version in &versions {
        bundle.entry(
            &format!("{base}/{}", version.key),
            Some(&answer(version).body),
            &json!({}),
        );
    }
    Ok(bundle.finish())
}

fn uuid() -> Result<String> {
    let mut random = [0u8; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Error::internal("the system gives no random numbers").because(error))?;
    // RFC 9562 section 5.4
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    let hex = hex(&random);
    Ok(format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    ))
}

/// Every literal reference of a resource, wherever it stands.
fn references(value: &Value, out: &mut Vec<RecordKey>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, out)),
        Value::Object(members) => {
            if let Some(target) = members
                .get("reference")
                .and_then(Value::as_str)
                .and_then(kura_fhir::search_parameter::reference)
            {
                out.push(target);
            }
            members.values().for_each(|inner| references(inner, out));
        }
        _ => {}
    }
}
