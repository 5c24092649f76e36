//! What a modality is to do: scheduled procedure steps, made of the `ServiceRequest`s of the
//! bank. PS3.4 Annex K.
//!
//! An order is listed while it is active and its category is one of imaging. Nothing of it is
//! guessed: the modality comes from a code of DCM in the order, or from `dicom.procedures` of the
//! configuration.

use kura_dicom::MatchingKey;
use kura_fhir::view::Script;
use kura_fhir::{date, view};
use kura_model::{ContentHash, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Clause, Compare, Predicate, Query};
use serde_json::{Map, Value, json};

use crate::access::{Action, authorize};
use crate::{Bank, dicom_find, imaging};

const SCT: &str = "http://snomed.info/sct";
const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const V2_0074: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";
const V2_0203: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";

/// Categories of orders that a modality carries out: imaging and endoscopy of SNOMED CT, and the
/// diagnostic services of HL7 v2 table 0074 that make pictures or waveforms.
const CATEGORIES: [(&str, &str); 14] = [
    (SCT, "363679005"),
    (SCT, "423827005"),
    (V2_0074, "RAD"),
    (V2_0074, "IMG"),
    (V2_0074, "RX"),
    (V2_0074, "CT"),
    (V2_0074, "NMR"),
    (V2_0074, "NMS"),
    (V2_0074, "CUS"),
    (V2_0074, "OUS"),
    (V2_0074, "RUS"),
    (V2_0074, "VUS"),
    (V2_0074, "XRC"),
    (V2_0074, "EC"),
];

/// Orders read at a time.
const STEP: u32 = 200;

/// The steps that match all keys, in the DICOM JSON model, earliest first.
pub fn find(bank: &Bank, context: &RequestContext, keys: &[MatchingKey]) -> Result<Vec<Value>> {
    authorize(bank, context, Action::ReadWorklist)?;
    bank.clinical
        .audit(AuditEntry::new(context, "worklist_search", ""));
    let mut query = Query::all("ServiceRequest").and(Predicate::Token {
        param: "ServiceRequest.status".to_owned(),
        system: None,
        code: Some("active".to_owned()),
    });
    query.clauses.push(Clause::Any(vec![Predicate::Tokens {
        param: "ServiceRequest.category".to_owned(),
        any: CATEGORIES
            .iter()
            .map(|(system, code)| (Some((*system).to_owned()), (*code).to_owned()))
            .collect(),
    }]));
    let days = keys
        .iter()
        .find(|key| key.path == ["00400100", "00400002"])
        .and_then(|key| dicom_find::days(&key.value));
    if let Some((low, high)) = days {
        // A day wider on each side, for days as they are written; orders without a time have that
        // of their writing.
        const DAY: i64 = 86_400;
        let param = || "ServiceRequest.occurrence".to_owned();
        let bound = |compare| {
            Clause::Any(vec![Predicate::Date {
                param: param(),
                compare,
                low: low - DAY,
                high: high + DAY,
            }])
        };
        let near = vec![bound(Compare::GreaterOrEqual), bound(Compare::LessOrEqual)];
        let none = vec![Clause::None(vec![Predicate::Present {
            param: param(),
            table: "ix_date",
            target: None,
        }])];
        query.clauses.push(Clause::Any(vec![
            Predicate::All(near),
            Predicate::All(none),
        ]));
    }
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), STEP))?;
        for version in page.versions {
            let order = imaging::decode(&version.body)?;
            let Some(step) = step(bank, &version.key, &order)? else {
                continue;
            };
            if keys.iter().all(|key| key.matches(&step)) {
                found.push(step);
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    found.sort_by_cached_key(|step| {
        let part = |tag| crate::imaging_study::attribute::text(&step["00400100"]["Value"][0], tag);
        (part("00400002"), part("00400003"))
    });
    Ok(found)
}

/// The study that an order leads to is known before it is made: by this UID its objects are
/// recognised. PS3.5 B.2, made of the order's own id.
pub(crate) fn study_uid(order: &RecordKey, resource: &Value) -> String {
    if let Some(uid) = imaging::study_uid(resource) {
        return uid.to_owned();
    }
    let hash = ContentHash::of(format!("study of {order}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.0[..16]);
    // A UUID of version 8: made of what it names.
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    format!("2.25.{}", u128::from_be_bytes(bytes))
}

/// The number that images of an order carry: its accession number, else that of whoever placed it.
pub(crate) fn accession(order: &Value) -> Option<&str> {
    let of = |kind: &str| {
        view::items(order, "identifier").find_map(|identifier| {
            let coded = view::items(identifier.get("type")?, "coding").any(|coding| {
                view::text(coding, "system") == Some(V2_0203)
                    && view::text(coding, "code") == Some(kind)
            });
            view::text(identifier, "value").filter(|_| coded)
        })
    };
    of("ACSN")
        .or_else(|| of("PLAC"))
        .filter(|number| fits(number, 16))
}

fn fits(text: &str, most: usize) -> bool {
    !text.is_empty() && text.chars().count() <= most && !text.contains('\\')
}

fn cut(text: &str, most: usize) -> String {
    text.chars()
        .filter(|letter| !letter.is_control() && *letter != '\\')
        .take(most)
        .collect()
}

/// One step of an order; `None` where its patient is not in the bank.
fn step(bank: &Bank, key: &RecordKey, order: &Value) -> Result<Option<Value>> {
    let subject = order.pointer("/subject/reference").and_then(Value::as_str);
    let Some(("Patient", id)) = subject.and_then(|text| text.split_once('/')) else {
        return Ok(None);
    };
    let patient = RecordKey::new("Patient", id);
    let found = bank.clinical.read(|reader| reader.current(&patient))?;
    let Some(found) = found.filter(|version| !version.deleted) else {
        return Ok(None);
    };
    let patient = imaging::decode(&found.body)?;
    let hospital = &bank.config.hospital;
    let number = view::identifiers(&patient, &hospital.patient_number_system).next();
    let issuer = hospital.dicom_issuers.first().filter(|_| number.is_some());
    let what = order.get("code").unwrap_or(&Value::Null);
    let description = view::text(what, "text")
        .or_else(|| view::items(what, "coding").find_map(|coding| view::text(coding, "display")))
        .unwrap_or_default();
    let planned = ["/occurrenceDateTime", "/occurrencePeriod/start"]
        .iter()
        .find_map(|path| order.pointer(path).and_then(Value::as_str))
        .or_else(|| view::text(order, "authoredOn"));
    let (day, time) = planned.map(day_and_time).unwrap_or_default();
    let short = if fits(&key.id, 16) {
        key.id.clone()
    } else {
        ContentHash::of(key.id.as_bytes()).to_hex()[..16].to_owned()
    };
    let requester = order
        .pointer("/requester/display")
        .and_then(Value::as_str)
        .map(person);
    let reason = view::items(order, "reasonCode").find_map(|reason| view::text(reason, "text"));

    let mut step = Map::new();
    text(&mut step, "00080060", "CS", modality(bank, order));
    text(&mut step, "00400001", "AE", None);
    text(&mut step, "00400002", "DA", day);
    text(&mut step, "00400003", "TM", time);
    text(&mut step, "00400007", "LO", Some(cut(description, 64)));
    text(&mut step, "00400009", "SH", Some(short.clone()));
    text(&mut step, "00400020", "CS", Some("SCHEDULED".to_owned()));

    let mut out = Map::new();
    text(
        &mut out,
        "00080050",
        "SH",
        accession(order).map(str::to_owned),
    );
    name(&mut out, "00080090", requester.clone());
    name(
        &mut out,
        "00100010",
        view::items(&patient, "name")
            .next()
            .map(|_| names(&patient)),
    );
    text(
        &mut out,
        "00100020",
        "LO",
        number.map(|number| cut(number, 64)),
    );
    text(&mut out, "00100021", "LO", issuer.cloned());
    let birth = view::text(&patient, "birthDate").filter(|date| date.len() == 10);
    text(
        &mut out,
        "00100030",
        "DA",
        birth.map(|date| date.replace('-', "")),
    );
    let sex = match view::text(&patient, "gender") {
        Some("male") => Some("M"),
        Some("female") => Some("F"),
        Some("other") => Some("O"),
        _ => None,
    };
    text(&mut out, "00100040", "CS", sex.map(str::to_owned));
    text(&mut out, "0020000D", "UI", Some(study_uid(key, order)));
    name(&mut out, "00321032", requester);
    text(&mut out, "00321060", "LO", Some(cut(description, 64)));
    if let Some(code) = code(what) {
        out.insert(
            "00321064".to_owned(),
            json!({ "vr": "SQ", "Value": [code] }),
        );
    }
    out.insert(
        "00400100".to_owned(),
        json!({ "vr": "SQ", "Value": [Value::Object(step)] }),
    );
    text(&mut out, "00401001", "SH", Some(short));
    text(
        &mut out,
        "00401002",
        "LO",
        reason.map(|reason| cut(reason, 64)),
    );
    let priority = match view::text(order, "priority") {
        Some("stat" | "asap") => "STAT",
        Some("urgent") => "HIGH",
        _ => "ROUTINE",
    };
    text(&mut out, "00401003", "SH", Some(priority.to_owned()));
    out.sort_keys();
    Ok(Some(Value::Object(out)))
}

fn text(out: &mut Map<String, Value>, tag: &str, vr: &str, value: Option<String>) {
    let element = match value.filter(|value| !value.is_empty()) {
        Some(value) => json!({ "vr": vr, "Value": [value] }),
        None => json!({ "vr": vr }),
    };
    out.insert(tag.to_owned(), element);
}

fn name(out: &mut Map<String, Value>, tag: &str, value: Option<Value>) {
    let element = match value {
        Some(value) => json!({ "vr": "PN", "Value": [value] }),
        None => json!({ "vr": "PN" }),
    };
    out.insert(tag.to_owned(), element);
}

/// The modality an order names by a code of DCM, or that the configuration gives its procedure.
fn modality(bank: &Bank, order: &Value) -> Option<String> {
    let concepts = view::items(order, "orderDetail")
        .chain(order.get("code"))
        .chain(view::items(order, "category"));
    for concept in concepts {
        for coding in view::items(concept, "coding") {
            if view::text(coding, "system") == Some(DCM) {
                return view::text(coding, "code").map(str::to_owned);
            }
        }
    }
    let procedures = &bank.config.dicom.procedures;
    let what = order.get("code")?;
    view::items(what, "coding")
        .filter_map(|coding| view::text(coding, "code"))
        .chain(view::text(what, "text"))
        .find_map(|code| procedures.get(code).cloned())
}

/// DA and TM of a date or an instant, in the clock it was written in.
fn day_and_time(instant: &str) -> (Option<String>, Option<String>) {
    let digits = |text: &str| text.replace(['-', ':'], "");
    let (day, time) = instant.split_once('T').unwrap_or((instant, ""));
    let day = (day.len() == 10 && date::range(day).is_some()).then(|| digits(day));
    let time = time.get(..8).filter(|time| time.is_ascii()).map(digits);
    (day, time)
}

/// The codes of the order as Requested Procedure Code Sequence has them, where they fit.
fn code(what: &Value) -> Option<Value> {
    let coding = view::items(what, "coding").next()?;
    let value = view::text(coding, "code").filter(|code| fits(code, 16))?;
    // PS3.16 Table 8-1; others are told apart by their UID or, shortened, by their URI.
    let scheme = match view::text(coding, "system")? {
        SCT => "SCT",
        DCM => "DCM",
        "http://loinc.org" => "LN",
        system if system.starts_with("urn:oid:1.2.392") => "99JP",
        _ => "99LOCAL",
    };
    let meaning = view::text(coding, "display").or_else(|| view::text(what, "text"))?;
    Some(json!({
        "00080100": { "vr": "SH", "Value": [value] },
        "00080102": { "vr": "SH", "Value": [scheme] },
        "00080104": { "vr": "LO", "Value": [cut(meaning, 64)] },
    }))
}

/// A name that is one text: family and given by its first space.
fn person(text: &str) -> Value {
    let name = cut(&text.replace(['^', '='], " "), 64);
    let name = name.trim().replacen([' ', '\u{3000}'], "^", 1);
    if name.is_ascii() {
        json!({ "Alphabetic": name })
    } else {
        json!({ "Ideographic": name })
    }
}

/// The groups of a person name (PS3.5 6.2.1): romaji, kanji, kana.
fn names(patient: &Value) -> Value {
    let mut out = Map::new();
    for name in view::items(patient, "name") {
        let family = view::text(name, "family").unwrap_or_default();
        let given: Vec<&str> = view::items(name, "given")
            .filter_map(Value::as_str)
            .collect();
        let whole = if family.is_empty() && given.is_empty() {
            match view::text(name, "text") {
                Some(text) => text.trim().replacen([' ', '\u{3000}'], "^", 1),
                None => continue,
            }
        } else {
            format!("{family}^{}", given.join(" "))
        };
        let group = match view::script(name) {
            Script::Latin => "Alphabetic",
            Script::Kanji => "Ideographic",
            Script::Kana => "Phonetic",
        };
        out.entry(group)
            .or_insert(json!(cut(&whole.replace('=', " "), 64)));
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_three_scripts() {
        let name = |code: &str, family: &str, given: &str| {
            json!({
                "family": family, "given": [given],
                "extension": [{
                    "url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation",
                    "valueCode": code,
                }],
            })
        };
        let patient = json!({ "name": [name("IDE", "山田", "太郎"), name("SYL", "ヤマダ", "タロウ"), name("ABC", "Yamada", "Taro")] });
        assert_eq!(
            names(&patient),
            json!({ "Ideographic": "山田^太郎", "Phonetic": "ヤマダ^タロウ", "Alphabetic": "Yamada^Taro" })
        );
        assert_eq!(person("古賀 三郎"), json!({ "Ideographic": "古賀^三郎" }));
    }

    #[test]
    fn an_order_always_leads_to_the_same_study() {
        let key = RecordKey::new("ServiceRequest", "a");
        let uid = study_uid(&key, &json!({}));
        assert_eq!(uid, study_uid(&key, &json!({})));
        assert!(uid.len() <= 64 && uid.starts_with("2.25."));
        assert_ne!(
            uid,
            study_uid(&RecordKey::new("ServiceRequest", "b"), &json!({}))
        );
    }

    #[test]
    fn times_as_they_were_written() {
        assert_eq!(
            day_and_time("2025-11-18T21:27:00+09:00"),
            (Some("20251118".to_owned()), Some("212700".to_owned()))
        );
        assert_eq!(
            day_and_time("2025-11-18"),
            (Some("20251118".to_owned()), None)
        );
        assert_eq!(day_and_time("2025-11"), (None, None));
    }
}
