//! The FHIR read side: read, vread, search, and what the server can do.

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use kura_fhir::{resource, resource_type, search, search_parameter};
use kura_model::{Category, Error, LogicalTime, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::{Action, authorize};
use crate::{Bank, kind, query};

/// One version as a client gets it.
#[derive(Debug)]
pub struct Answer {
    pub body: Vec<u8>,
    pub version: u64,
    /// Milliseconds since 1970.
    pub last_updated: i64,
}

pub(crate) fn answer(version: &Version) -> Answer {
    Answer {
        body: resource::present(&version.key, version.version, version.at, &version.body),
        version: version.version,
        last_updated: version.at,
    }
}

pub(crate) fn key(kind: &str, id: &str) -> Result<RecordKey> {
    let kind =
        resource_type(kind).ok_or_else(|| Error::not_found("not a resource type of FHIR R4"))?;
    if !resource::is_id(id) {
        return Err(Error::not_found("no resource can have this id"));
    }
    Ok(RecordKey::new(kind, id))
}

/// FHIR R4 http.html#read
pub fn read(bank: &Bank, context: &RequestContext, kind: &str, id: &str) -> Result<Answer> {
    authorize(context, Action::ReadClinical)?;
    let key = key(kind, id)?;
    let found = bank.clinical.read(|reader| reader.current(&key))?;
    note(bank, context, "fhir_read", key.to_string(), found.is_some());
    let found = found.ok_or_else(|| Error::not_found(format!("{key} is not in this bank")))?;
    if found.deleted {
        return Err(Error::new(Category::Gone, format!("{key} was deleted")));
    }
    Ok(answer(&found))
}

/// FHIR R4 http.html#vread
pub fn vread(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    id: &str,
    version: &str,
) -> Result<Answer> {
    authorize(context, Action::ReadClinical)?;
    let key = key(kind, id)?;
    let absent = || Error::not_found(format!("{key} has no such version"));
    let number: u64 = version.parse().map_err(|_| absent())?;
    let found = bank.clinical.read(|reader| reader.version(&key, number))?;
    note(
        bank,
        context,
        "fhir_vread",
        key.to_string(),
        found.is_some(),
    );
    let found = found.ok_or_else(absent)?;
    if found.deleted {
        return Err(Error::new(
            Category::Gone,
            format!("version {number} of {key} is its deletion"),
        ));
    }
    Ok(answer(&found))
}

pub(crate) fn note(
    bank: &Bank,
    context: &RequestContext,
    action: &'static str,
    target: String,
    found: bool,
) {
    bank.clinical
        .audit(AuditEntry::new(context, action, target).outcome(if found {
            "ok"
        } else {
            "refused"
        }));
}

/// Results on one page unless the client says otherwise, and at most.
pub(crate) const COUNT: u32 = 20;
pub(crate) const COUNT_AT_MOST: u32 = 1000;

/// What a page needs to go on from; travels sealed, because the parameters may name a patient
/// and the URL of the next page is ours.
#[derive(Serialize, Deserialize)]
struct PageState {
    kind: String,
    params: Vec<(String, String)>,
    t: LogicalTime,
    after: (i64, i64),
}

/// Name of the parameter that carries a sealed page.
pub const PAGE_PARAM: &str = "_page";

/// FHIR R4 http.html#search. `shown` tells whether the client put its parameters into the URL
/// itself (GET); only then do we repeat them there.
pub fn search(
    bank: &Bank,
    context: &RequestContext,
    base: &str,
    kind: &str,
    params: &[(String, String)],
    shown: bool,
    strict: bool,
) -> Result<Vec<u8>> {
    authorize(context, Action::ReadClinical)?;
    let state = params
        .iter()
        .find(|(name, _)| name == PAGE_PARAM)
        .map(|(_, sealed)| open_page(bank, sealed))
        .transpose()?;
    let (params, at, after) = match &state {
        Some(state) if state.kind == kind => (&state.params[..], Some(state.t), Some(state.after)),
        Some(_) => return Err(Error::invalid("this page belongs to another search")),
        None => (params, None, None),
    };
    let request = search::parse(kind, params)?;
    if strict && let Some(name) = request.ignored.first() {
        return Err(Error::invalid(format!(
            "{kind} has no search parameter '{name}' here"
        )));
    }
    let count = request.count.unwrap_or(COUNT).min(COUNT_AT_MOST);
    let query = query::query(&request, at);
    let only_count = request.count_only || request.count == Some(0);
    let (page, total, now) = bank.clinical.read(|reader| {
        let total = if request.total || only_count {
            Some(reader.count(&query)?)
        } else {
            None
        };
        let page = if only_count {
            None
        } else {
            Some(reader.search(&query, after, count)?)
        };
        Ok((page, total, reader.now()?))
    })?;
    bank.clinical
        .audit(AuditEntry::new(context, "fhir_search", kind).detail(parameter_names(params)));

    let own = format!("{base}/{kind}");
    let mut links = Vec::new();
    if shown && state.is_none() {
        links.push((
            "self",
            format!("{own}?{}", encode(params, &request.ignored)),
        ));
    } else {
        links.push(("self", own.clone()));
    }
    let next = page.as_ref().and_then(|page| page.next);
    if let Some(next) = next {
        let sealed = seal_page(
            bank,
            &PageState {
                kind: kind.to_owned(),
                params: params.to_vec(),
                t: at.unwrap_or(now),
                after: next,
            },
        )?;
        links.push(("next", format!("{own}?{PAGE_PARAM}={sealed}")));
    }
    let mut bundle = BundleWriter::new("searchset", total, &links);
    for version in page.iter().flat_map(|page| &page.versions) {
        bundle.entry(
            &format!("{base}/{}", version.key),
            Some(&answer(version).body),
            &json!({ "search": { "mode": "match" } }),
        );
    }
    if !request.ignored.is_empty() {
        let issues: Vec<Value> = request
            .ignored
            .iter()
            .map(|name| {
                kura_fhir::outcome::issue(
                    "warning",
                    "not-supported",
                    &format!("search parameter '{name}' is not supported and was left out"),
                )
            })
            .collect();
        let outcome = json!({ "resourceType": "OperationOutcome", "issue": issues });
        bundle.entry(
            "",
            Some(outcome.to_string().as_bytes()),
            &json!({ "search": { "mode": "outcome" } }),
        );
    }
    Ok(bundle.finish())
}

/// Names without values: values may identify a patient.
fn parameter_names(params: &[(String, String)]) -> String {
    let names: Vec<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
    names.join("&")
}

fn encode(params: &[(String, String)], left_out: &[String]) -> String {
    let mut out = String::new();
    for (name, value) in params {
        if left_out.contains(name) {
            continue;
        }
        if !out.is_empty() {
            out.push('&');
        }
        percent_encode(name, &mut out);
        out.push('=');
        percent_encode(value, &mut out);
    }
    out
}

pub(crate) fn percent_encode(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~:,/$".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// Writes a Bundle around stored bytes without parsing them.
pub(crate) struct BundleWriter {
    out: Vec<u8>,
    first: bool,
}

impl BundleWriter {
    pub(crate) fn new(kind: &str, total: Option<u64>, links: &[(&str, String)]) -> Self {
        let mut head = json!({ "resourceType": "Bundle", "type": kind });
        if let Some(total) = total {
            head["total"] = json!(total);
        }
        if !links.is_empty() {
            head["link"] = links
                .iter()
                .map(|(relation, url)| json!({ "relation": relation, "url": url }))
                .collect();
        }
        let mut out = head.to_string().into_bytes();
        out.pop();
        Self { out, first: true }
    }

    /// `extra` is an object whose members join the entry.
    pub(crate) fn entry(&mut self, full_url: &str, resource: Option<&[u8]>, extra: &Value) {
        self.out
            .extend_from_slice(if self.first { b",\"entry\":[{" } else { b",{" });
        self.first = false;
        if !full_url.is_empty() {
            self.out.extend_from_slice(b"\"fullUrl\":");
            let _ = serde_json::to_writer(&mut self.out, full_url);
            self.out.push(b',');
        }
        if let Some(resource) = resource {
            self.out.extend_from_slice(b"\"resource\":");
            self.out.extend_from_slice(resource);
            self.out.push(b',');
        }
        let extra = extra.to_string();
        self.out.extend_from_slice(&extra.as_bytes()[1..]);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.out
            .extend_from_slice(if self.first { b"}" } else { b"]}" });
        self.out
    }
}

const PAGE_KEY: &str = "page";

/// The key pages are sealed with.
fn page_key(bank: &Bank) -> Result<Key> {
    bank.secret(&RecordKey::new(kind::SERVER_KEY, PAGE_KEY))
        .map(Key::from)
}

fn seal_page(bank: &Bank, state: &PageState) -> Result<String> {
    let cipher = ChaCha20Poly1305::new(&page_key(bank)?);
    let mut nonce = [0; 12];
    getrandom::fill(&mut nonce)
        .map_err(|error| Error::internal("the system gives no random numbers").because(error))?;
    let text = serde_json::to_vec(state)
        .map_err(|error| Error::internal("a page cannot be written").because(error))?;
    let sealed = cipher
        .encrypt(&Nonce::from(nonce), &text[..])
        .map_err(|_| Error::internal("a page cannot be sealed"))?;
    Ok(hex(&nonce) + &hex(&sealed))
}

fn open_page(bank: &Bank, sealed: &str) -> Result<PageState> {
    let wrong = || Error::invalid("this page link is not one of ours");
    let bytes = unhex(sealed).ok_or_else(wrong)?;
    let (nonce, sealed) = bytes.split_at_checked(12).ok_or_else(wrong)?;
    let nonce = Nonce::try_from(nonce).map_err(|_| wrong())?;
    let text = ChaCha20Poly1305::new(&page_key(bank)?)
        .decrypt(&nonce, sealed)
        .map_err(|_| wrong())?;
    serde_json::from_slice(&text).map_err(|_| wrong())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

/// FHIR R4 http.html#capabilities: exactly what the code above does.
pub fn capabilities(base: &str) -> Value {
    let resources: Vec<Value> = kura_fhir::RESOURCE_TYPES
        .iter()
        .filter(|kind| !matches!(**kind, "Parameters" | "CapabilityStatement" | "OperationOutcome"))
        .map(|kind| {
            let mut params = vec![
                json!({ "name": "_id", "type": "token" }),
                json!({ "name": "_lastUpdated", "type": "date" }),
            ];
            params.extend(
                search_parameter::parameters(kind)
                    .iter()
                    .map(|parameter| json!({ "name": parameter.code, "type": parameter.kind.as_str() })),
            );
            json!({
                "type": kind,
                "interaction": [
                    { "code": "read" }, { "code": "vread" }, { "code": "history-instance" }, { "code": "search-type" },
                ],
                "versioning": "versioned",
                "readHistory": true,
                "searchParam": params,
            })
        })
        .collect();
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-21",
        "kind": "instance",
        "software": { "name": "Kura", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "Kura digital medical data bank", "url": base },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [{
            "mode": "server",
            "documentation": "Read side; data comes in by import.",
            "resource": resources,
        }],
    })
}
