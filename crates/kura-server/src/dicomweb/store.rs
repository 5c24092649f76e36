//! STOW-RS. PS3.18 10.5.

use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use kura_dicom::multipart::{Multipart, refusal_of};
use kura_model::{Category, Error, RequestContext, Result};
use kura_service::Bank;
use kura_service::dicom_pieces::{Pieces, Words};
use kura_service::dicom_store::{Failed, Kept, Report, Storing, reason};
use serde_json::{Value, json};

use super::arriving::{self, Arriving};
use super::data_sets::{DICOM_JSON, DICOM_XML};
use super::media::{MediaRange, OCTETS};
use super::{Uids, base, data_sets, refuse, said, uid};
use crate::{App, rounds};

/// How the body holds the objects. 8.6.1.
#[derive(Debug, PartialEq, Eq)]
enum Payload {
    /// Files, one after another.
    Files { boundary: String },
    /// One file.
    File,
    /// Metadata, and bulk data in parts of their own.
    Pieces { boundary: String },
}

fn payload(kind: &str) -> std::result::Result<Payload, &'static str> {
    let kind = MediaRange::parse(kind);
    match &kind.media_type[..] {
        "application/dicom" => Ok(Payload::File),
        "multipart/related" => {
            let boundary = kind
                .parameter("boundary")
                .ok_or("multipart/related names its boundary")?
                .to_owned();
            match kind
                .parameter("type")
                .map(str::to_ascii_lowercase)
                .as_deref()
            {
                // RFC 2387 wants it; some senders leave it out.
                None | Some("application/dicom") => Ok(Payload::Files { boundary }),
                Some(DICOM_JSON | DICOM_XML) => Ok(Payload::Pieces { boundary }),
                _ => Err(
                    "objects are taken as application/dicom, or as application/dicom+json or +xml with their bulk data",
                ),
            }
        }
        _ => Err("objects are taken as multipart/related; type=\"application/dicom\""),
    }
}

pub(super) async fn store(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let form = match data_sets::of_one(&head.headers, query.as_deref()) {
        Ok(form) => form,
        Err(error) => return refuse(&error),
    };
    let kind = head
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let payload = match payload(kind) {
        Ok(payload) => payload,
        Err(message) => return said(StatusCode::UNSUPPORTED_MEDIA_TYPE, message),
    };
    let study = uid(&uids, "study").map(str::to_owned);
    let base = base(&app, &head.headers);
    let bank = app.bank.clone();
    let actor = context.clone();
    let stored = arriving::read(body, move |body| {
        let mut storing = Storing::begin(&bank, &actor, study)?;
        let taken = take(&bank, &mut storing, payload, body);
        // What is complete stays, whatever became of the rest.
        let mut report = storing.finish();
        if !report.kept.is_empty() {
            // Whether or not the client still waits.
            let bank = bank.clone();
            tokio::task::spawn_blocking(move || {
                rounds::ask(&bank, &crate::dimse::context("arrival"));
            });
        }
        match taken {
            Err(error)
                if report.kept.is_empty() && report.failed.is_empty()
                    || error.category == Category::Interrupted =>
            {
                return Err(error);
            }
            Err(error) => report.failed.push(Failed {
                sop_class_uid: None,
                sop_instance_uid: None,
                reason: reason::CANNOT_UNDERSTAND,
                message: error.message().to_owned(),
            }),
            // Table 10.5.3-1: Bad Request.
            Ok(()) if report.kept.is_empty() && report.failed.is_empty() => {
                return Err(Error::invalid("there is no object in the body"));
            }
            Ok(()) => {}
        }
        Ok(report)
    })
    .await;
    let report = match stored {
        Ok(report) => report,
        Err(error) => return refuse(&error),
    };
    let (status, dataset) = response(&report, &base);
    let mut response = data_sets::one(form, status, &dataset);
    if status == StatusCode::ACCEPTED || status == StatusCode::CONFLICT {
        let warning = format!("299 {base}: There are instances that were not stored");
        if let Ok(warning) = HeaderValue::from_str(&warning) {
            response.headers_mut().insert(header::WARNING, warning);
        }
    }
    response
}

/// What becomes of a request whose body, or whose place on the disk, comes to an end.
fn broken(error: std::io::Error) -> Error {
    match refusal_of(&error) {
        Some(refusal) => Error::invalid(refusal.message.clone()).because(error),
        None if error.kind() == std::io::ErrorKind::StorageFull => {
            Error::new(Category::Exhausted, "no room left in the bank").because(error)
        }
        None => Error::new(Category::Interrupted, "the body did not arrive whole").because(error),
    }
}

fn take(
    bank: &Bank,
    storing: &mut Storing<'_>,
    payload: Payload,
    mut body: Arriving,
) -> Result<()> {
    let opened = |body, boundary: &str| {
        Multipart::new(body, boundary).map_err(|refusal| Error::invalid(refusal.message.clone()))
    };
    match payload {
        Payload::File => storing.file(&mut body).map_err(broken),
        Payload::Files { boundary } => {
            let mut parts = opened(body, &boundary)?;
            while let Some(head) = parts.next_part().map_err(broken)? {
                let kind =
                    MediaRange::parse(head.get("content-type").unwrap_or("application/dicom"));
                if kind.media_type == "application/dicom" {
                    storing.file(&mut parts).map_err(broken)?;
                } else {
                    storing.not_dicom();
                }
            }
            Ok(())
        }
        Payload::Pieces { boundary } => {
            let mut parts = opened(body, &boundary)?;
            let mut pieces = Pieces::begin(bank)?;
            while let Some(head) = parts.next_part().map_err(broken)? {
                let kind = MediaRange::parse(head.get("content-type").unwrap_or(OCTETS));
                let taken = match &kind.media_type[..] {
                    DICOM_JSON => pieces.metadata(Words::Json, &mut parts),
                    DICOM_XML => pieces.metadata(Words::Xml, &mut parts),
                    media_type => pieces.bulk(
                        head.get("content-location"),
                        media_type,
                        kind.parameter("transfer-syntax"),
                        &mut parts,
                    ),
                };
                if let Err(refusal) = taken.map_err(broken)? {
                    storing.not_a_piece(&refusal);
                }
            }
            storing.pieces(pieces).map_err(broken)
        }
    }
}

/// Store Instances Response Module, PS3.18 Annex I.2, and the status of Table 10.5.3-1.
fn response(report: &Report, base: &str) -> (StatusCode, Value) {
    let mut dataset = serde_json::Map::new();
    let studies: std::collections::BTreeSet<&str> =
        report.kept.iter().map(|kept| &kept.study_uid[..]).collect();
    // Retrieve URL of the study: one, if there is one.
    let study_url = match studies.iter().collect::<Vec<_>>()[..] {
        [study] => vec![json!(format!("{base}/studies/{study}"))],
        _ => Vec::new(),
    };
    let mut put = |tag: &str, vr: &str, values: Vec<Value>| {
        let mut element = json!({ "vr": vr });
        if !values.is_empty() {
            element["Value"] = Value::Array(values);
        }
        dataset.insert(tag.to_owned(), element);
    };
    put("00081190", "UR", study_url);
    if !report.failed.is_empty() {
        put("00081198", "SQ", report.failed.iter().map(failed).collect());
    }
    if !report.kept.is_empty() {
        let kept = report.kept.iter().map(|kept| referenced(kept, base));
        put("00081199", "SQ", kept.collect());
    }
    let all = |wanted: u16| report.failed.iter().all(|failed| failed.reason == wanted);
    let status = match (report.kept.is_empty(), report.failed.is_empty()) {
        (_, true) => StatusCode::OK,
        (false, false) => StatusCode::ACCEPTED,
        (true, false) if all(reason::OUT_OF_RESOURCES) => StatusCode::SERVICE_UNAVAILABLE,
        (true, false) => StatusCode::CONFLICT,
    };
    (status, Value::Object(dataset))
}

fn referenced(kept: &Kept, base: &str) -> Value {
    let url = format!(
        "{base}/studies/{}/series/{}/instances/{}",
        kept.study_uid, kept.series_uid, kept.sop_instance_uid
    );
    json!({
        "00081150": { "vr": "UI", "Value": [kept.sop_class_uid] },
        "00081155": { "vr": "UI", "Value": [kept.sop_instance_uid] },
        "00081190": { "vr": "UR", "Value": [url] },
    })
}

fn failed(failed: &Failed) -> Value {
    let uid = |uid: &Option<String>| match uid {
        Some(uid) => json!({ "vr": "UI", "Value": [uid] }),
        None => json!({ "vr": "UI" }),
    };
    let comment: String = failed.message.chars().take(64).collect();
    json!({
        "00081150": uid(&failed.sop_class_uid),
        "00081155": uid(&failed.sop_instance_uid),
        "00081197": { "vr": "US", "Value": [failed.reason] },
        // Failed Attributes Sequence with an Error Comment: why, in words; an LO has 64 at most.
        "00741048": { "vr": "SQ", "Value": [{ "00000902": { "vr": "LO", "Value": [comment] } }] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads() {
        let files = |boundary: &str| {
            Ok(Payload::Files {
                boundary: boundary.to_owned(),
            })
        };
        for (kind, expected) in [
            (
                "multipart/related; type=\"application/dicom\"; boundary=x",
                files("x"),
            ),
            (
                "Multipart/Related; boundary=\"a b;c\"; type=application/dicom",
                files("a b;c"),
            ),
            ("application/dicom", Ok(Payload::File)),
            (
                "multipart/related; type=\"application/dicom+json\"; boundary=x",
                Ok(Payload::Pieces {
                    boundary: "x".to_owned(),
                }),
            ),
        ] {
            assert_eq!(payload(kind), expected, "{kind}");
        }
        for kind in [
            "",
            "multipart/form-data; boundary=x",
            "multipart/related; type=\"application/dicom\"",
            "multipart/related; type=\"application/pdf\"; boundary=x",
        ] {
            assert!(payload(kind).is_err(), "{kind}");
        }
    }
}
