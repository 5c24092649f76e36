//! The parameters of the operations, from the query and from a body of Parameters.

use kura_fhir::date;
use kura_model::{Error, Result};
use serde_json::Value;

use super::rows::Filter;
use super::{Format, compile, parquet};

/// A request to run one view.
#[derive(Debug)]
pub struct Run {
    pub view: Value,
    pub format: Format,
    pub whose: Filter,
    /// Rows at most.
    pub limit: Option<u64>,
    /// Resources that came with the request, to be taken instead of the bank's.
    pub resources: Vec<Value>,
}

/// What the two operations share.
pub(super) struct Common {
    pub(super) format: Option<Format>,
    header: bool,
    pub(super) whose: Filter,
}

impl Common {
    pub(super) fn new() -> Self {
        Self {
            format: None,
            header: true,
            whose: Filter::default(),
        }
    }

    /// Takes a parameter; false if it is none of these.
    pub(super) fn take(&mut self, name: &str, value: &str) -> Result<bool> {
        match name {
            "_format" | "format" => {
                self.format = Some(Format::named(value).ok_or_else(|| {
                    Error::invalid("the format is json, ndjson, csv or parquet")
                        .coded("not-supported")
                        .at("_format")
                })?);
            }
            "header" => {
                self.header = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(Error::invalid("header is true or false").at("header")),
                }
            }
            "patient" => self.whose.patients.push(value.to_owned()),
            "group" => self.whose.groups.push(value.to_owned()),
            "_since" => {
                let (low, _) = date::range(value)
                    .ok_or_else(|| Error::invalid("_since is an instant").at("_since"))?;
                self.whose.since = Some(low * 1000);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn format(&self, otherwise: Format) -> Format {
        match self.format.unwrap_or(otherwise) {
            Format::Csv { .. } => Format::Csv {
                header: self.header,
            },
            other => other,
        }
    }
}

/// SQL on FHIR 2.0, Unsupported Parameters: 400, by name.
pub(super) fn unsupported(name: &str) -> Error {
    let message = match name {
        "viewReference" => {
            "viewReference is not supported, because ViewDefinition is no resource type of FHIR R4 \
             and the bank keeps only those: send the view itself as viewResource"
                .to_owned()
        }
        "source" => {
            "source is not supported: a view reads the resources of this bank, or those sent as \
             resource"
                .to_owned()
        }
        // A name that is no name may be anything, also a value.
        name if name.len() <= 64
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
        {
            format!("the parameter {name} is not supported")
        }
        _ => "a parameter is not supported".to_owned(),
    };
    Error::invalid(message).coded("not-supported")
}

/// The JSON of a body.
pub(super) fn json(body: &[u8]) -> Result<Value> {
    serde_json::from_slice(body).map_err(|_| {
        Error::invalid("the body is not JSON; it is a ViewDefinition or Parameters")
            .coded("structure")
    })
}

/// The parameters of Parameters, or the parts of one.
pub(super) fn parts<'a>(
    value: &'a Value,
    member: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    value[member]
        .as_array()
        .into_iter()
        .flatten()
        .map(|part| (part["name"].as_str().unwrap_or_default(), part))
}

/// `value[x]` of a parameter as text; of a Reference, what it points at.
pub(super) fn text(parameter: &Value) -> Option<String> {
    let (_, value) = parameter
        .as_object()?
        .iter()
        .find(|(key, _)| key.starts_with("value"))?;
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => members.get("reference")?.as_str()?.to_owned(),
        other => other.to_string(),
    })
}

impl Run {
    /// `accept` is the media type the client would like, which `_format` wins over.
    ///
    /// # Errors
    /// A parameter that is not known, or of the wrong form; a view that cannot be compiled, or
    /// not be written in this format.
    pub fn of(params: &[(String, String)], accept: &str, body: &[u8]) -> Result<Self> {
        let value = json(body)?;
        let mut common = Common::new();
        let mut view = None;
        let mut limit = None;
        let mut resources = Vec::new();
        let mut take = |name: &str, value: &str| {
            if name == "_limit" || name == "limit" {
                limit = Some(
                    value
                        .parse()
                        .map_err(|_| Error::invalid("_limit is a whole number").at("_limit"))?,
                );
            } else if !common.take(name, value)? {
                return Err(unsupported(name));
            }
            Ok(())
        };
        for (name, value) in params {
            take(name, value)?;
        }
        if value["resourceType"] == "Parameters" {
            for (name, parameter) in parts(&value, "parameter") {
                match name {
                    "viewResource" => view = parameter.get("resource").cloned(),
                    "resource" => resources.extend(parameter.get("resource").cloned()),
                    _ => {
                        let text = text(parameter).ok_or_else(|| unsupported(name))?;
                        take(name, &text)?;
                    }
                }
            }
        } else {
            view = Some(value);
        }
        let view = view.ok_or_else(|| {
            Error::invalid("the Parameters have no viewResource").coded("required")
        })?;
        if !resources.is_empty() && !common.whose.is_empty() {
            return Err(Error::invalid(
                "patient, group and _since choose among the bank's resources, not among those sent as resource",
            )
            .coded("not-supported")
            .at("resource"));
        }
        // Of several media types the first that is known.
        let wished = accept
            .split(',')
            .find_map(|kind| Format::named(kind.split(';').next().unwrap_or_default()));
        let format = common.format(wished.unwrap_or(Format::Json));
        let compiled = compile(&view)?;
        if format == Format::Parquet {
            parquet::fields(&compiled)?;
        }
        Ok(Self {
            view,
            format,
            whose: common.whose,
            limit,
            resources,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn view() -> Value {
        json!({ "resource": "Patient", "select": [{ "column": [{ "name": "id", "path": "id" }] }] })
    }

    fn run(parameters: Value) -> Result<Run> {
        let body = json!({ "resourceType": "Parameters", "parameter": parameters });
        Run::of(&[], "", body.to_string().as_bytes())
    }

    #[test]
    fn parameters_of_a_run() {
        let run = run(json!([
            { "name": "viewResource", "resource": view() },
            { "name": "_format", "valueCode": "csv" },
            { "name": "header", "valueBoolean": false },
            { "name": "patient", "valueReference": { "reference": "Patient/a" } },
            { "name": "group", "valueString": "b" },
            { "name": "_since", "valueInstant": "1970-01-01T00:00:01Z" },
            { "name": "_limit", "valueInteger": 7 },
        ]))
        .unwrap();
        assert_eq!(run.format, Format::Csv { header: false });
        assert_eq!(run.whose.patients, ["Patient/a"]);
        assert_eq!(run.whose.groups, ["b"]);
        assert_eq!(run.whose.since, Some(1000));
        assert_eq!(run.limit, Some(7));
        let plain = view().to_string();
        let accepted = Run::of(&[], "text/html, text/csv;q=0.8", plain.as_bytes()).unwrap();
        assert_eq!(accepted.format, Format::Csv { header: true });
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let refused = |parameter: Value| {
            run(json!([{ "name": "viewResource", "resource": view() }, parameter])).unwrap_err()
        };
        for (parameter, word) in [
            (
                json!({ "name": "viewReference", "valueReference": { "reference": "ViewDefinition/1" } }),
                "viewResource",
            ),
            (
                json!({ "name": "source", "valueString": "s3://x" }),
                "source",
            ),
            (
                json!({ "name": "nickname", "valueString": "x" }),
                "nickname",
            ),
        ] {
            let error = refused(parameter);
            assert_eq!(error.code(), Some("not-supported"));
            assert!(error.message().contains(word), "{error}");
        }
        // A resource of the request is no part of the bank: nothing chooses among them.
        let error = run(json!([
            { "name": "viewResource", "resource": view() },
            { "name": "resource", "resource": { "resourceType": "Patient", "id": "a" } },
            { "name": "patient", "valueString": "a" },
        ]))
        .unwrap_err();
        assert_eq!(error.place(), Some("resource"));
        assert_eq!(run(json!([])).unwrap_err().code(), Some("required"));
    }
}
