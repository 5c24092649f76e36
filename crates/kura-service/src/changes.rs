//! The change feed: what was written to the bank, in the order it was written.
//!
//! FHIR's history goes backward and by the clock; who follows a bank wants to go forward from the
//! `t` it knows the bank at, miss nothing and see nothing twice.

use kura_fhir::{RESOURCE_TYPES, resource_type};
use kura_model::{Error, LogicalTime, RequestContext, Result};
use kura_store::AuditEntry;

use crate::Bank;
use crate::access::{Action, authorize};
use crate::bundle_writer::BundleWriter;
use crate::fhir_read::answer;
use crate::fhir_search::COUNT_AT_MOST;
use crate::history::request_and_response;

/// Changes of one answer unless the client says otherwise.
const COUNT: u32 = 100;
/// The longest a client may wait for a change, seconds.
const WAIT_AT_MOST: u64 = 60;
/// Where the next answer goes on: a number of the store, no identifier of anything.
const CURSOR: &str = "_after";

/// What a client that follows the bank asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    kinds: Vec<String>,
    count: u32,
    from: From,
    /// Seconds to wait while nothing has changed.
    pub wait: u64,
    /// What of it goes into links.
    query: String,
}

#[derive(Debug, Clone, Copy)]
enum From {
    Time(LogicalTime),
    Record(i64),
}

impl Asked {
    /// `t`: a logical time, what was written after it; 0, everything. `_type`: types with commas
    /// between them. `_count`: at most 1,000. `_wait`: seconds, at most 60. `_after` stands in links.
    ///
    /// # Errors
    ///
    /// A value that is none, or a parameter that is not known: who follows a bank must not be given
    /// something else than was asked for.
    pub fn parse(params: &[(String, String)]) -> Result<Self> {
        let mut asked = Self {
            kinds: RESOURCE_TYPES
                .iter()
                .map(|kind| (*kind).to_owned())
                .collect(),
            count: COUNT,
            from: From::Time(LogicalTime(0)),
            wait: 0,
            query: String::new(),
        };
        let number = |name: &str, value: &str| {
            value
                .parse::<u32>()
                .map_err(|_| Error::invalid(format!("{name} is a whole number")).coded("value"))
        };
        for (name, value) in params {
            match name.as_str() {
                "t" => {
                    let t = value.parse::<i64>().ok().filter(|t| *t >= 0);
                    let t = t.ok_or_else(|| {
                        Error::invalid("t is a logical time of this bank").coded("value")
                    })?;
                    if !matches!(asked.from, From::Record(_)) {
                        asked.from = From::Time(LogicalTime(t as u64));
                    }
                }
                CURSOR => {
                    let after = value
                        .parse()
                        .map_err(|_| Error::invalid("this link is not one of ours"))?;
                    asked.from = From::Record(after);
                }
                "_type" => {
                    asked.kinds = value
                        .split(',')
                        .map(|kind| {
                            resource_type(kind.trim())
                                .map(str::to_owned)
                                .ok_or_else(|| Error::invalid("_type names types of FHIR R4"))
                        })
                        .collect::<Result<_>>()?;
                    asked.query.push_str("&_type=");
                    asked.query.push_str(&asked.kinds.join(","));
                }
                "_count" => asked.count = number(name, value)?.clamp(1, COUNT_AT_MOST),
                "_wait" => asked.wait = u64::from(number(name, value)?).min(WAIT_AT_MOST),
                "_format" | "_pretty" => {}
                _ => {
                    return Err(Error::invalid(
                        "$changes takes t, _type, _count and _wait, nothing else",
                    ));
                }
            }
        }
        asked.query.push_str(&format!("&_count={}", asked.count));
        if asked.wait > 0 {
            asked.query.push_str(&format!("&_wait={}", asked.wait));
        }
        Ok(asked)
    }
}

/// A Bundle of type `history`, oldest first. Its link `next` is always there: ask it, now or later,
/// for what comes then. `None` if there is nothing yet and the client waits; `asked` then knows how
/// far that looked.
pub fn changes(
    bank: &Bank,
    context: &RequestContext,
    base: &str,
    asked: &mut Asked,
    last_try: bool,
) -> Result<Option<Vec<u8>>> {
    authorize(bank, context, Action::ReadClinical)?;
    let (after, (rows, reached)) = bank.clinical.read(|reader| {
        reader.at_one_state(|reader| {
            let after = match asked.from {
                From::Record(after) => after,
                From::Time(t) => reader.last_record(t)?,
            };
            Ok((after, reader.changes(&asked.kinds, after, asked.count)?))
        })
    })?;
    if rows.is_empty() && !last_try {
        asked.from = From::Record(reached);
        return Ok(None);
    }
    bank.clinical
        .audit(AuditEntry::new(context, "fhir_changes", "").detail(rows.len().to_string()));
    let own = format!("{base}/$changes?");
    let link = |after: i64| format!("{own}{CURSOR}={after}{}", asked.query);
    let links = [("self", link(after)), ("next", link(reached))];
    let mut bundle = BundleWriter::new("history", None, &links);
    for row in &rows {
        let version = &row.version;
        let body = (!version.deleted).then(|| answer(version).body);
        bundle.entry(
            &format!("{base}/{}", version.key),
            body.as_deref(),
            &request_and_response(version),
        );
    }
    Ok(Some(bundle.finish()))
}
