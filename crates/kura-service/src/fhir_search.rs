//! FHIR search: one page of what matches, with what is to be included.
//! <https://hl7.org/fhir/R4/search.html>

use std::collections::HashSet;

use kura_fhir::search::{self, Include, Search};
use kura_fhir::search_parameter::{Kind, Registry};
use kura_model::{Error, LogicalTime, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Clause, Cursor, Predicate, Query, Reader, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::{Action, reach};
use crate::bundle_writer::BundleWriter;
use crate::fhir_read::answer;
use crate::terminology::BankTerms;
use crate::{Bank, query, sealed};

/// Results on one page unless the client says otherwise, and at most.
pub(crate) const COUNT: u32 = 20;
pub(crate) const COUNT_AT_MOST: u32 = 1000;
/// Results on a page that is made at once.
const COUNT_BRIEF: u32 = 50;
/// Records included on one page.
const INCLUDED_AT_MOST: usize = 1000;

/// What a page needs to go on from; travels sealed, because the parameters may name a patient
/// and the URL of the next page is ours.
#[derive(Serialize, Deserialize)]
struct PageState {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within: Option<(String, String)>,
    params: Vec<(String, String)>,
    t: LogicalTime,
    after: Cursor,
}

/// Name of the parameter that carries a sealed page.
pub const PAGE_PARAM: &str = "_page";

/// What the server does, for a CapabilityStatement.
pub fn capabilities(bank: &Bank, base: &str) -> Result<Value> {
    Ok(crate::capabilities::capabilities(
        &*bank.search_parameters()?,
        bank.config.fhir.delete_multiple,
        base,
    ))
}

/// A search as it came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The URL FHIR is served under.
    pub base: &'a str,
    pub kind: &'a str,
    /// The compartment it keeps to: type and id.
    pub within: Option<(&'a str, &'a str)>,
    pub params: &'a [(String, String)],
    /// Whether the client put its parameters into the URL itself (GET); only then do we repeat
    /// them there.
    pub shown: bool,
    /// `Prefer: handling=strict`
    pub strict: bool,
}

impl Request<'_> {
    fn place(&self) -> String {
        match self.within {
            Some((of, id)) => format!("{}/{of}/{id}/{}", self.base, self.kind),
            None => format!("{}/{}", self.base, self.kind),
        }
    }
}

/// FHIR R4 http.html#search
pub fn search(bank: &Bank, context: &RequestContext, request: Request<'_>) -> Result<Vec<u8>> {
    run(bank, context, request, Pace::Any)?
        .ok_or_else(|| Error::internal("a search that may take its time gave up"))
}

/// The same, unless it takes long: then `None`, and nothing was done.
pub fn search_briefly(
    bank: &Bank,
    context: &RequestContext,
    request: Request<'_>,
) -> Result<Option<Vec<u8>>> {
    run(bank, context, request, Pace::Brief)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Any,
    Brief,
}

fn run(
    bank: &Bank,
    context: &RequestContext,
    request: Request<'_>,
    pace: Pace,
) -> Result<Option<Vec<u8>>> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let state: Option<PageState> = request
        .params
        .iter()
        .find(|(name, _)| name == PAGE_PARAM)
        .map(|(_, sealed)| sealed::open(bank, "search", sealed))
        .transpose()?;
    let within = request
        .within
        .map(|(of, id)| (of.to_owned(), id.to_owned()));
    let (params, at, after) = match &state {
        Some(state) if state.kind == request.kind && state.within == within => {
            (&state.params[..], Some(state.t), Some(&state.after))
        }
        Some(_) => return Err(Error::invalid("this page belongs to another search")),
        None => (request.params, None, None),
    };
    let registry = bank.search_parameters()?;
    let mut asked = search::parse(&registry, request.kind, params)?;
    if let Some((of, id)) = request.within {
        let of = crate::fhir_read::key(of, id)?;
        let filter = search::compartment(&registry, &of, asked.kind).ok_or_else(|| {
            Error::not_found(format!("{} is no part of this compartment", asked.kind))
        })?;
        asked.filters.push(filter);
    }
    if request.strict
        && let Some(name) = asked.ignored.first()
    {
        return Err(Error::invalid(format!(
            "{} has no search parameter '{name}' here",
            asked.kind
        )));
    }
    let count = asked.count.unwrap_or(COUNT).min(COUNT_AT_MOST);
    if pace == Pace::Brief && !may_be_brief(&asked, params, count) {
        return Ok(None);
    }
    let query = query::query(&asked, at, &BankTerms { bank, at })?;
    let only_count = asked.count_only || asked.count == Some(0);
    let look = |reader: &mut Reader<'_>| {
        reader.at_one_state(|reader| {
            let now = reader.now()?;
            let total = if asked.total || only_count {
                Some(reader.count(&query)?)
            } else {
                None
            };
            let (matches, next) = if only_count {
                (Vec::new(), None)
            } else {
                let page = reader.search(&query, after, count)?;
                (page.versions, page.next)
            };
            let t = at.unwrap_or(now);
            let (included, cut) = included(reader, &registry, &asked, &matches, t)?;
            Ok(Found {
                t,
                total,
                matches,
                included,
                cut,
                next,
            })
        })
    };
    let found = match pace {
        Pace::Any => reach.read(bank, look)?,
        Pace::Brief => match reach.read_briefly(bank, look)? {
            Some(found) => found,
            None => return Ok(None),
        },
    };
    bank.clinical.audit(
        AuditEntry::new(context, "fhir_search", request.kind).detail(parameter_names(params)),
    );

    let own = request.place();
    let mut links = Vec::new();
    if request.shown && state.is_none() {
        links.push(("self", format!("{own}?{}", encode(params, &asked.ignored))));
    } else {
        links.push(("self", own.clone()));
    }
    if let Some(next) = &found.next {
        let sealed = sealed::seal(
            bank,
            "search",
            &PageState {
                kind: request.kind.to_owned(),
                within,
                params: params.to_vec(),
                t: found.t,
                after: next.clone(),
            },
        )?;
        links.push(("next", format!("{own}?{PAGE_PARAM}={sealed}")));
    }
    Ok(Some(write(request.base, &links, &found, &asked)))
}

/// Whether a search is worth trying where it may not take long: a small page, nothing included,
/// no set of codes to be listed first.
fn may_be_brief(asked: &Search, params: &[(String, String)], count: u32) -> bool {
    count <= COUNT_BRIEF
        && asked.include.is_empty()
        && asked.revinclude.is_empty()
        && !params.iter().any(|(name, _)| {
            name == "_filter"
                || [":in", ":not-in", ":above", ":below"]
                    .iter()
                    .any(|modifier| name.contains(modifier))
        })
}

struct Found {
    t: LogicalTime,
    total: Option<u64>,
    matches: Vec<Version>,
    included: Vec<Version>,
    /// More would have been included than a page holds.
    cut: bool,
    next: Option<Cursor>,
}

fn write(base: &str, links: &[(&str, String)], found: &Found, asked: &Search) -> Vec<u8> {
    let mut bundle = BundleWriter::new("searchset", found.total, links);
    for (versions, mode) in [(&found.matches, "match"), (&found.included, "include")] {
        for version in versions {
            bundle.entry(
                &format!("{base}/{}", version.key),
                Some(&answer(version).body),
                &json!({ "search": { "mode": mode } }),
            );
        }
    }
    let mut issues: Vec<Value> = asked
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
    if found.cut {
        issues.push(kura_fhir::outcome::issue(
            "warning",
            "too-costly",
            &format!("more than {INCLUDED_AT_MOST} resources would have been included; ask for smaller pages"),
        ));
    }
    if !issues.is_empty() {
        let outcome = json!({ "resourceType": "OperationOutcome", "issue": issues });
        bundle.entry(
            "",
            Some(outcome.to_string().as_bytes()),
            &json!({ "search": { "mode": "outcome" } }),
        );
    }
    bundle.finish()
}

/// What the page's includes lead to, each record once and none that matched; and whether there
/// was more than a page holds.
fn included(
    reader: &mut Reader<'_>,
    registry: &Registry,
    asked: &Search,
    matches: &[Version],
    t: LogicalTime,
) -> Result<(Vec<Version>, bool)> {
    let mut out: Vec<Version> = Vec::new();
    if asked.include.is_empty() && asked.revinclude.is_empty() {
        return Ok((out, false));
    }
    let mut seen: HashSet<RecordKey> = matches.iter().map(|version| version.key.clone()).collect();
    // What the last round found; the first is the matches.
    let mut from = 0;
    let mut first = true;
    loop {
        let round: Vec<Version> = if first {
            matches.to_vec()
        } else {
            out[from..].to_vec()
        };
        if round.is_empty() {
            return Ok((out, false));
        }
        from = out.len();
        let forwards = asked.include.iter().map(|include| (include, true));
        let backwards = asked.revinclude.iter().map(|include| (include, false));
        for (include, is_forward) in forwards.chain(backwards) {
            if !first && !include.iterate {
                continue;
            }
            let mut found = Vec::new();
            if is_forward {
                forward(reader, registry, include, &round, t, &seen, &mut found)?;
            } else {
                backward(reader, registry, include, &round, t, &mut found)?;
            }
            for version in found {
                if !version.deleted && seen.insert(version.key.clone()) {
                    if out.len() >= INCLUDED_AT_MOST {
                        return Ok((out, true));
                    }
                    out.push(version);
                }
            }
        }
        first = false;
    }
}

fn forward(
    reader: &mut Reader<'_>,
    registry: &Registry,
    include: &Include,
    round: &[Version],
    t: LogicalTime,
    seen: &HashSet<RecordKey>,
    found: &mut Vec<Version>,
) -> Result<()> {
    let mut wanted: HashSet<RecordKey> = HashSet::new();
    for version in round
        .iter()
        .filter(|version| version.key.kind == include.kind)
    {
        let resource: Value = serde_json::from_slice(&version.body)
            .map_err(|error| Error::internal("a stored resource is damaged").because(error))?;
        for target in registry.references(include.kind, include.code.as_deref(), &resource) {
            if include.target.is_none_or(|kind| kind == target.kind)
                && !seen.contains(&target)
                && wanted.insert(target.clone())
                && wanted.len() <= INCLUDED_AT_MOST
            {
                found.extend(reader.current_at(&target, t)?);
            }
        }
    }
    Ok(())
}

fn backward(
    reader: &mut Reader<'_>,
    registry: &Registry,
    include: &Include,
    round: &[Version],
    t: LogicalTime,
    found: &mut Vec<Version>,
) -> Result<()> {
    let targets: Vec<RecordKey> = round
        .iter()
        .map(|version| version.key.clone())
        .filter(|key| include.target.is_none_or(|kind| kind == key.kind))
        .collect();
    let parameters = registry
        .parameters(include.kind)
        .iter()
        .filter(|parameter| {
            parameter.kind == Kind::Reference
                && include
                    .code
                    .as_ref()
                    .is_none_or(|code| parameter.code == *code)
        });
    let mut predicates: Vec<Predicate> = Vec::new();
    for slot in parameters.flat_map(|parameter| &parameter.slots) {
        let targets: Vec<RecordKey> = targets
            .iter()
            .filter(|key| slot.only.is_none_or(|only| only == key.kind))
            .cloned()
            .collect();
        if !targets.is_empty() {
            predicates.push(Predicate::References {
                param: slot.name.to_owned(),
                targets,
            });
        }
    }
    if predicates.is_empty() {
        return Ok(());
    }
    let mut query = Query::all(include.kind);
    query.clauses.push(Clause::Any(predicates));
    query.at = Some(t);
    // One more than fits, so that it is known when there were too many.
    let page = reader.search(&query, None, INCLUDED_AT_MOST as u32 + 1)?;
    found.extend(page.versions);
    Ok(())
}

/// Names without values: values may identify a patient.
pub(crate) fn parameter_names(params: &[(String, String)]) -> String {
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
