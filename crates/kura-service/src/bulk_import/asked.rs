//! What an import is asked to bring in.

use kura_fhir::resource_type;
use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Inputs of one request.
const INPUTS: usize = 10_000;

/// One file of NDJSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Input {
    /// The type of its resources, where it is said.
    pub(super) kind: Option<String>,
    /// Where it is; `None` if it came with the request.
    pub(super) url: Option<String>,
}

/// A request to import.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked {
    pub(super) inputs: Vec<Input>,
    /// The URL FHIR is served under.
    pub(super) base: String,
}

impl Asked {
    /// Reads a manifest: an object of JSON, or Parameters whose parameters and parts have the
    /// names of its members.
    ///
    /// # Errors
    /// What is missing, or not supported; by name, never by value.
    pub fn of(base: String, body: &[u8]) -> Result<Self> {
        let value: Value = serde_json::from_slice(body).map_err(|_| {
            Error::invalid("the body is not JSON; it is Parameters or a manifest")
                .coded("structure")
        })?;
        let manifest = if value["resourceType"] == "Parameters" {
            flat(&value["parameter"])
        } else if value.get("resourceType").is_none() {
            value
        } else {
            return Err(Error::invalid("the body is Parameters or a manifest").coded("structure"));
        };
        for name in manifest
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
        {
            known(
                name,
                &["inputFormat", "inputSource", "storageDetail", "input"],
            )?;
        }
        format(&manifest["inputFormat"])?;
        if !manifest["inputSource"].is_string() {
            return Err(required("inputSource"));
        }
        for storage in list(&manifest["storageDetail"]) {
            for (name, value) in storage.as_object().into_iter().flatten() {
                known(
                    name,
                    // What is compressed with gzip is recognised; a batch is as large as it is.
                    &["type", "contentEncoding", "maxBatchResourceCount"],
                )?;
                if name == "type" && !matches!(value.as_str(), Some("https" | "file")) {
                    return Err(Error::invalid("storageDetail.type is https or file")
                        .coded("not-supported")
                        .at("storageDetail.type"));
                }
            }
        }
        let inputs = list(&manifest["input"])
            .iter()
            .enumerate()
            .map(|(number, input)| one(input, number))
            .collect::<Result<Vec<_>>>()?;
        if inputs.is_empty() {
            return Err(required("input"));
        }
        if inputs.len() > INPUTS {
            return Err(
                Error::invalid(format!("at most {INPUTS} inputs at a time")).coded("too-costly")
            );
        }
        Ok(Self { inputs, base })
    }

    /// One input, which came with the request.
    pub(super) fn sent(base: String) -> Self {
        Self {
            inputs: vec![Input {
                kind: None,
                url: None,
            }],
            base,
        }
    }
}

fn one(input: &Value, number: usize) -> Result<Input> {
    let place = |name: &str| format!("input[{number}].{name}");
    for (name, _) in input.as_object().into_iter().flatten() {
        known(name, &["type", "url"])?;
    }
    let kind = input["type"]
        .as_str()
        .ok_or_else(|| required(&place("type")))?;
    let kind = resource_type(kind).ok_or_else(|| {
        Error::invalid("an input's type is no resource type of FHIR R4").at(place("type"))
    })?;
    let url = input["url"]
        .as_str()
        .ok_or_else(|| required(&place("url")))?;
    Ok(Input {
        kind: Some(kind.to_owned()),
        url: Some(url.to_owned()),
    })
}

fn format(value: &Value) -> Result<()> {
    match value.as_str() {
        Some("application/fhir+ndjson" | "application/ndjson" | "ndjson") => Ok(()),
        Some(_) => Err(Error::invalid("inputFormat is application/fhir+ndjson")
            .coded("not-supported")
            .at("inputFormat")),
        None => Err(required("inputFormat")),
    }
}

fn required(name: &str) -> Error {
    Error::invalid(format!("{name} is missing"))
        .coded("required")
        .at(name)
}

fn known(name: &str, names: &[&str]) -> Result<()> {
    if names.contains(&name) {
        return Ok(());
    }
    let message = match name {
        "exportUrl" | "exportType" => {
            "exportUrl is not supported: name the files as input, each with type and url".to_owned()
        }
        "credentialHttpBasic" => {
            "credentialHttpBasic is not supported: requests are kept on disk, and secrets do not \
             belong there; use addresses that are signed"
                .to_owned()
        }
        _ => format!("besides {} nothing is supported", names.join(", ")),
    };
    Err(Error::invalid(message).coded("not-supported"))
}

fn list(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

/// Parameters as the object they stand for: a name that comes again is a list.
fn flat(parameters: &Value) -> Value {
    let mut out = serde_json::Map::new();
    for parameter in list(parameters) {
        let name = parameter["name"].as_str().unwrap_or_default();
        let value = match parameter.get("part") {
            Some(parts) => flat(parts),
            None => parameter
                .as_object()
                .into_iter()
                .flatten()
                .find(|(key, _)| key.starts_with("value"))
                .map_or(Value::Null, |(_, value)| value.clone()),
        };
        match out.get_mut(name) {
            None => {
                out.insert(name.to_owned(), value);
            }
            Some(Value::Array(items)) => items.push(value),
            Some(before) => *before = Value::Array(vec![before.take(), value]),
        }
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(body: &Value) -> Result<Asked> {
        Asked::of("b".to_owned(), body.to_string().as_bytes())
    }

    #[test]
    fn a_manifest_as_json_and_as_parameters() {
        let plain = json!({
            "inputFormat": "application/fhir+ndjson",
            "inputSource": "https://other.example.org",
            "storageDetail": { "type": "https" },
            "input": [{ "type": "Patient", "url": "https://x/1" }, { "type": "Observation", "url": "https://x/2" }],
        });
        let input = |kind: &str, url: &str| {
            json!({ "name": "input", "part": [
            { "name": "type", "valueCode": kind }, { "name": "url", "valueUri": url }] })
        };
        let parameters = json!({ "resourceType": "Parameters", "parameter": [
            { "name": "inputFormat", "valueCode": "application/fhir+ndjson" },
            { "name": "inputSource", "valueUri": "https://other.example.org" },
            { "name": "storageDetail", "part": [
                { "name": "type", "valueCode": "https" },
                { "name": "maxBatchResourceCount", "valueString": "500" }] },
            input("Patient", "https://x/1"),
            input("Observation", "https://x/2"),
        ]});
        for body in [plain, parameters] {
            let asked = of(&body).unwrap();
            let urls: Vec<_> = asked
                .inputs
                .iter()
                .map(|input| input.url.as_deref())
                .collect();
            assert_eq!(urls, [Some("https://x/1"), Some("https://x/2")]);
            assert_eq!(asked.inputs[1].kind.as_deref(), Some("Observation"));
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        let sound = json!({
            "inputFormat": "application/fhir+ndjson", "inputSource": "x",
            "input": [{ "type": "Patient", "url": "https://secret/" }],
        });
        let with = |path: &str, value: Value| {
            let mut body = sound.clone();
            *body.pointer_mut(path).unwrap() = value;
            of(&body).unwrap_err()
        };
        assert_eq!(
            with("/inputFormat", json!("text/csv")).code(),
            Some("not-supported")
        );
        assert_eq!(
            with("/inputSource", Value::Null).place(),
            Some("inputSource")
        );
        assert_eq!(with("/input", json!([])).place(), Some("input"));
        assert_eq!(
            with("/input/0/type", json!("Nothing")).place(),
            Some("input[0].type")
        );
        assert_eq!(
            with("/input/0/url", Value::Null).place(),
            Some("input[0].url")
        );
        for (name, value) in [
            ("exportUrl", json!("https://secret/")),
            ("storageDetail", json!({ "type": "aws-s3" })),
            (
                "storageDetail",
                json!({ "type": "https", "credentialHttpBasic": "a:secret" }),
            ),
            ("secret", json!(1)),
        ] {
            let mut body = sound.clone();
            body[name] = value;
            let error = of(&body).unwrap_err();
            assert_eq!(error.code(), Some("not-supported"), "{name}");
            assert!(!error.message().contains("secret/"), "{error}");
        }
    }
}
