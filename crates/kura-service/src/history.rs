//! History of one resource, of a type, of the whole bank. FHIR R4 http.html#history.

use kura_fhir::{RESOURCE_TYPES, date, resource_type};
use kura_model::{Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, HistoryOf, HistoryQuery, Version};
use serde_json::{Value, json};

use crate::Bank;
use crate::access::{Action, reach};
use crate::bundle_writer::BundleWriter;
use crate::fhir_read::{answer, key};
use crate::fhir_search::{COUNT, COUNT_AT_MOST, percent_encode};

/// Whose history is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    System,
    Type(&'a str),
    Instance(&'a str, &'a str),
}

/// Where the next page goes on: a number of the store, no identifier of anything.
const CURSOR: &str = "_before";

/// A Bundle of type `history`, newest first. `base` is the URL FHIR is served under.
///
/// `_since` is an instant, `_at` a date or a dateTime of any precision, `_count` at most 1000.
pub fn history(
    bank: &Bank,
    context: &RequestContext,
    base: &str,
    scope: Scope<'_>,
    params: &[(String, String)],
) -> Result<Vec<u8>> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let (of, path) = match scope {
        Scope::System => (
            HistoryOf::Kinds(
                RESOURCE_TYPES
                    .iter()
                    .map(|kind| (*kind).to_owned())
                    .collect(),
            ),
            String::new(),
        ),
        Scope::Type(kind) => {
            let kind = resource_type(kind)
                .ok_or_else(|| Error::not_found("not a resource type of FHIR R4"))?;
            (HistoryOf::Kinds(vec![kind.to_owned()]), format!("/{kind}"))
        }
        Scope::Instance(kind, id) => {
            let key = key(kind, id)?;
            let path = format!("/{key}");
            (HistoryOf::Record(key), path)
        }
    };
    let asked = Asked::parse(params)?;
    let mut rows = reach.read(bank, |reader| {
        reader.history_of(&HistoryQuery {
            of: of.clone(),
            since: asked.since,
            at: asked.at,
            before: asked.before,
            limit: asked.count + 1,
        })
    })?;
    let there = match &of {
        HistoryOf::Record(key) => {
            !rows.is_empty() || reach.read(bank, |reader| reader.current(key))?.is_some()
        }
        HistoryOf::Kinds(_) => true,
    };
    bank.clinical.audit(
        AuditEntry::new(context, "fhir_history", path.trim_start_matches('/')).outcome(if there {
            "ok"
        } else {
            "refused"
        }),
    );
    if !there {
        return Err(Error::not_found(format!(
            "{} is not in this bank",
            path.trim_start_matches('/')
        )));
    }
    let more = rows.len() > asked.count as usize;
    rows.truncate(asked.count as usize);
    let own = format!("{base}{path}/_history?{}", asked.query);
    let mut links = vec![("self", own.clone())];
    if more && let Some(last) = rows.last() {
        links.push(("next", format!("{own}&{CURSOR}={}", last.pk)));
    }
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
    Ok(bundle.finish())
}

/// How the version came to be, as far as versions tell. FHIR R4 bundle.html, bdl-3 and bdl-4.
pub(crate) fn request_and_response(version: &Version) -> Value {
    let RecordKey { kind, .. } = &version.key;
    let (method, url, status) = match (version.deleted, version.version) {
        (true, _) => ("DELETE", version.key.to_string(), "204"),
        (false, 1) => ("POST", kind.clone(), "201"),
        (false, _) => ("PUT", version.key.to_string(), "200"),
    };
    json!({
        "request": { "method": method, "url": url },
        "response": {
            "status": status,
            "etag": format!("W/\"{}\"", version.version),
            "lastModified": date::instant(version.at),
        },
    })
}

struct Asked {
    count: u32,
    since: Option<i64>,
    at: Option<(i64, i64)>,
    before: Option<i64>,
    /// What of it goes into links.
    query: String,
}

impl Asked {
    fn parse(params: &[(String, String)]) -> Result<Self> {
        let mut asked = Self {
            count: COUNT,
            since: None,
            at: None,
            before: None,
            query: String::new(),
        };
        for (name, value) in params {
            match name.as_str() {
                "_count" => {
                    let count: u32 = value
                        .parse()
                        .map_err(|_| Error::invalid("_count is a whole number"))?;
                    asked.count = count.clamp(1, COUNT_AT_MOST);
                }
                CURSOR => {
                    asked.before = Some(
                        value
                            .parse()
                            .map_err(|_| Error::invalid("this page link is not one of ours"))?,
                    );
                }
                "_since" => {
                    let (low, _) = moment(value)
                        .ok_or_else(|| Error::invalid("_since is an instant").coded("value"))?;
                    asked.since = Some(low);
                }
                "_at" => {
                    asked.at = Some(moment(value).ok_or_else(|| {
                        Error::invalid("_at is a date or a dateTime").coded("value")
                    })?);
                }
                _ => {}
            }
        }
        asked.query = format!("_count={}", asked.count);
        for (name, value) in params {
            if matches!(name.as_str(), "_since" | "_at") {
                asked.query.push_str(&format!("&{name}="));
                percent_encode(value, &mut asked.query);
            }
        }
        Ok(asked)
    }
}

/// First and last millisecond of a FHIR date, dateTime or instant.
fn moment(text: &str) -> Option<(i64, i64)> {
    // A '+' of the time zone that was not percent-encoded arrives as a space.
    let text = text.replace(' ', "+");
    let (low, high) = date::range(&text)?;
    // `range` counts seconds; an instant may say milliseconds.
    let fraction = text
        .split_once('.')
        .map(|(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).take(3));
    match fraction {
        Some(digits) => {
            let mut millis = 0;
            let mut scale = 100;
            for digit in digits {
                millis += i64::from(digit - b'0') * scale;
                scale /= 10;
            }
            Some((low * 1000 + millis, low * 1000 + millis))
        }
        None => Some((low * 1000, high * 1000 + 999)),
    }
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_of_every_precision() {
        // 2023-11-14T22:13:20Z is 1,700,000,000 s after 1970 (Unix time).
        let second = 1_700_000_000_000;
        assert_eq!(moment("2023-11-14T22:13:20Z"), Some((second, second + 999)));
        assert_eq!(
            moment("2023-11-15T07:13:20.25+09:00"),
            Some((second + 250, second + 250))
        );
        assert_eq!(
            moment("2023-11-15T07:13:20 09:00"),
            Some((second, second + 999))
        );
        let (low, high) = moment("2023-11-15").unwrap();
        assert_eq!(high - low, 86_400_000 - 1);
        assert_eq!(moment("yesterday"), None);
    }
}
