//! One entry of a batch or a transaction, read from the Bundle. FHIR R4 bundle.html, http.html
//! #transaction.

use kura_fhir::patch::{Language, Patch};
use kura_fhir::search;
use kura_model::{Category, Error, Issue, RecordKey, Result};
use serde_json::{Map, Value};

use super::{Condition, Criteria, Tags, check};
use crate::timeline::document::base64;

pub(super) struct Entry {
    pub(super) full_url: Option<String>,
    pub(super) request: Request,
    pub(super) condition: Condition,
}

/// What is asked for.
pub(super) enum Request {
    Delete(Target),
    Create {
        kind: &'static str,
        value: Value,
        if_none_exist: Option<Criteria>,
    },
    Update {
        target: Target,
        value: Value,
    },
    Patch {
        target: Target,
        patch: Patch,
    },
    Read(Read),
}

pub(super) enum Target {
    Key(RecordKey),
    Where(Criteria),
}

/// A GET, or a HEAD, which is a GET without its resource.
pub(super) struct Read {
    pub(super) path: Vec<String>,
    pub(super) params: Vec<(String, String)>,
    pub(super) head: bool,
}

impl Request {
    pub(super) fn writes(&self) -> bool {
        !matches!(self, Request::Read(_))
    }

    /// FHIR R4 http.html#trules: deletions, then creates, then updates and patches, then reads.
    pub(super) fn turn(&self) -> u8 {
        match self {
            Request::Delete(_) => 0,
            Request::Create { .. } => 1,
            Request::Update { .. } | Request::Patch { .. } => 2,
            Request::Read(_) => 3,
        }
    }
}

/// Bundle.entry.request.url without the base, split at the question mark.
struct Url {
    path: Vec<String>,
    params: Vec<(String, String)>,
    query: bool,
}

impl Url {
    fn parse(url: &str, base: &str) -> Result<Self> {
        let url = url.strip_prefix(base).unwrap_or(url);
        let url = url.strip_prefix('/').unwrap_or(url);
        let (path, query) = match url.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (url, None),
        };
        Ok(Self {
            path: path
                .split('/')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
            params: search::decode(query.unwrap_or_default())?,
            query: query.is_some(),
        })
    }

    /// `Type/id` or `Type?criteria`.
    fn target(self) -> Result<Target> {
        match (&self.path[..], self.query) {
            ([kind, id], false) => {
                let kind = check::kind(kind)?;
                check::id(kind, id)?;
                Ok(Target::Key(RecordKey::new(kind, id)))
            }
            ([kind], true) => Ok(Target::Where(Criteria::new(
                check::kind(kind)?,
                self.params,
            )?)),
            _ => Err(wrong("the url is neither Type/id nor Type?criteria").at("request.url")),
        }
    }
}

fn wrong(what: &str) -> Error {
    Error::invalid(what).coded("invalid")
}

/// The media type of a JSON Patch. RFC 6902 section 6.
const JSON_PATCH: &str = "application/json-patch+json";

/// Reads an entry; `base` is the URL FHIR is served under.
pub(super) fn parse(entry: Value, base: &str) -> Result<Entry> {
    let Value::Object(mut entry) = entry else {
        return Err(wrong("an entry is an object").coded("structure"));
    };
    let full_url = match entry.remove("fullUrl") {
        None => None,
        Some(Value::String(url)) => Some(url),
        Some(_) => return Err(wrong("fullUrl is not a string").at("fullUrl")),
    };
    let resource = entry.remove("resource");
    let Some(Value::Object(request)) = entry.remove("request") else {
        return Err(wrong("the entry has no request")
            .coded("required")
            .at("request"));
    };
    let method = text(&request, "method")?
        .ok_or_else(|| wrong("no method").coded("required").at("request.method"))?;
    let url = text(&request, "url")?
        .ok_or_else(|| wrong("no url").coded("required").at("request.url"))?;
    let url = Url::parse(url, base)?;
    let condition = Condition {
        if_match: text(&request, "ifMatch")?.map(Tags::parse),
        if_none_match: text(&request, "ifNoneMatch")?.map(Tags::parse),
        if_unmodified_since: None,
    };
    let if_none_exist = text(&request, "ifNoneExist")?;
    let body = || {
        resource.clone().ok_or_else(|| {
            wrong("the request needs a resource")
                .coded("required")
                .at("resource")
        })
    };
    let request = match method {
        "GET" | "HEAD" => Request::Read(Read {
            path: url.path,
            params: url.params,
            head: method == "HEAD",
        }),
        "DELETE" => Request::Delete(url.target()?),
        "POST" => create(url, body()?, if_none_exist)?,
        "PUT" => {
            let value = body()?;
            let target = url.target()?;
            match &target {
                Target::Key(key) => {
                    check::of_kind(check::kind(&key.kind)?, &value)?;
                    check::same_id(&key.kind, &key.id, &value)?;
                }
                Target::Where(criteria) => check::of_kind(criteria.kind, &value)?,
            }
            Request::Update { target, value }
        }
        "PATCH" => Request::Patch {
            target: url.target()?,
            patch: patch(&body()?)?,
        },
        _ => {
            return Err(wrong("not a method of FHIR R4")
                .coded("value")
                .at("request.method"));
        }
    };
    Ok(Entry {
        full_url,
        request,
        condition,
    })
}

fn create(url: Url, value: Value, if_none_exist: Option<&str>) -> Result<Request> {
    let [kind] = &url.path[..] else {
        return Err(Error::new(
            Category::Unprocessable,
            "a POST in a Bundle creates a resource: its url is a type",
        )
        .coded("not-supported")
        .at("request.url"));
    };
    let kind = check::kind(kind)?;
    check::of_kind(kind, &value)?;
    // Some write the type in front, as in a search: `Patient?identifier=…`.
    let if_none_exist = if_none_exist
        .map(|criteria| {
            criteria
                .split_once('?')
                .map_or(criteria, |(_, after)| after)
        })
        .map(|criteria| Criteria::new(kind, search::decode(criteria)?))
        .transpose()
        .map_err(|error| error.at("request.ifNoneExist"))?;
    Ok(Request::Create {
        kind,
        value,
        if_none_exist,
    })
}

/// A JSON Patch travels as a Binary, a FHIRPath Patch is a Parameters. FHIR R4 http.html#transaction.
fn patch(resource: &Value) -> Result<Patch> {
    let member = |name: &str| resource.get(name).and_then(Value::as_str);
    if member("resourceType") == Some("Parameters") {
        return Patch::from_parameters(resource);
    }
    if member("resourceType") != Some("Binary") || member("contentType") != Some(JSON_PATCH) {
        return Err(Error::new(
            Category::Unprocessable,
            "a patch in a Bundle is a Binary of application/json-patch+json or a Parameters",
        )
        .coded("not-supported")
        .at("resource"));
    }
    let bytes = member("data")
        .and_then(base64)
        .ok_or_else(|| wrong("the data of the Binary are not base64").at("resource.data"))?;
    Patch::parse(&bytes, Language::Json)
}

fn text<'a>(request: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>> {
    match request.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong("not a string").at(format!("request.{name}"))),
    }
}

/// Tells which entry an error is of: `Patient.id` becomes `Bundle.entry[2].resource.id`.
pub(super) fn in_entry(index: usize, error: Error) -> Error {
    if !error.issues().is_empty() {
        let issues = error.issues().iter().map(|issue| Issue {
            place: Some(place_in_entry(index, issue.place.as_deref())),
            ..issue.clone()
        });
        let issues = issues.collect();
        return error.with_issues(issues);
    }
    let place = place_in_entry(index, error.place());
    error.at(place)
}

fn place_in_entry(index: usize, place: Option<&str>) -> String {
    match place {
        None => format!("Bundle.entry[{index}]"),
        Some(place)
            if place.starts_with("request")
                || place.starts_with("resource")
                || place == "fullUrl" =>
        {
            let element = if place == "resourceType" {
                "resource.resourceType"
            } else {
                place
            };
            format!("Bundle.entry[{index}].{element}")
        }
        Some(place) => {
            let element = match place.split_once('.') {
                Some((kind, element)) if kind.starts_with(|c: char| c.is_ascii_uppercase()) => {
                    element
                }
                None if place.starts_with(|c: char| c.is_ascii_uppercase()) => {
                    return format!("Bundle.entry[{index}].resource");
                }
                _ => place,
            };
            format!("Bundle.entry[{index}].resource.{element}")
        }
    }
}
