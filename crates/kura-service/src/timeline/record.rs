//! FHIR resources as lines of a time line.

use std::collections::BTreeMap;

use kura_fhir::view;
use kura_model::RecordKey;
use serde_json::Value;

use super::{Course, Finding, GenomeFile, Given, Item, Lane, Moment, Problem};

fn lane(kind: &str) -> Option<Lane> {
    Some(match kind {
        "Encounter" => Lane::Encounter,
        "Condition" => Lane::Condition,
        "AllergyIntolerance" => Lane::Allergy,
        "MedicationRequest" => Lane::Medicine,
        "Procedure" => Lane::Procedure,
        "Immunization" => Lane::Vaccination,
        "ImagingStudy" => Lane::Image,
        "Claim" => Lane::Claim,
        "Composition" | "DocumentReference" | "DiagnosticReport" | "ClinicalImpression" => {
            Lane::Document
        }
        _ => return None,
    })
}

/// The line of a record that has a date.
pub(super) fn item(key: &RecordKey, value: &Value) -> Option<Item> {
    let lane = lane(&key.kind)?;
    let moment = view::when(value)
        .or_else(|| view::text(value, "date"))
        .and_then(Moment::of)?;
    let end = ["period", "performedPeriod", "billablePeriod"]
        .iter()
        .find_map(|name| view::text(value.get(*name)?, "end"))
        .and_then(Moment::of);
    Some(Item {
        lane,
        key: key.clone(),
        end: end.filter(|end| end.day != moment.day),
        moment,
        title: title(value),
        detail: detail(value),
        class: (lane == Lane::Encounter)
            .then(|| view::text(&value["class"], "code").map(str::to_owned))
            .flatten(),
        image: None,
        yen: value["total"]["value"]
            .as_f64()
            .map(|yen| yen.round() as i64),
    })
}

/// What a record is called.
pub(crate) fn title(value: &Value) -> String {
    let concept = |name: &str| view::concept(&value[name]).map(str::to_owned);
    let first = |name: &str| {
        view::items(value, name)
            .find_map(view::concept)
            .map(str::to_owned)
    };
    let text = |name: &str| view::text(value, name).map(str::to_owned);
    let found = match view::text(value, "resourceType").unwrap_or_default() {
        "Encounter" => concept("serviceType").or_else(|| first("type")),
        "MedicationRequest"
        | "MedicationAdministration"
        | "MedicationDispense"
        | "MedicationStatement" => concept("medicationCodeableConcept")
            .or_else(|| view::text(&value["medicationReference"], "display").map(str::to_owned)),
        "Immunization" => concept("vaccineCode"),
        "Composition" => text("title").or_else(|| concept("type")),
        "DocumentReference" => concept("type").or_else(|| text("description")),
        "ImagingStudy" => text("description").or_else(|| {
            let modality: Vec<&str> = view::items(value, "modality")
                .filter_map(|modality| view::text(modality, "code"))
                .collect();
            (!modality.is_empty()).then(|| modality.join(" "))
        }),
        // The kind of a receipt is a number (レセプト種別); its month says more.
        "Claim" => view::text(&value["billablePeriod"], "start")
            .and_then(|start| start.get(..7))
            .map(str::to_owned)
            .or_else(|| concept("type")),
        "Patient" => view::names(value).best().map(str::to_owned),
        _ => concept("code")
            .or_else(|| concept("type"))
            .or_else(|| text("name")),
    };
    found.unwrap_or_else(|| view::text(value, "resourceType").unwrap_or("?").to_owned())
}

fn detail(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let mut add = |text: Option<&str>| {
        if let Some(text) = text.filter(|text| !text.is_empty())
            && !out.iter().any(|known| known == text)
        {
            out.push(text.to_owned());
        }
    };
    match view::text(value, "resourceType").unwrap_or_default() {
        "Encounter" => {
            for reason in view::items(value, "reasonCode") {
                add(view::concept(reason));
            }
            // v3 ParticipationType ATND: the doctor in charge.
            add(view::items(value, "participant")
                .find(|one| {
                    view::items(one, "type")
                        .any(|role| view::coding(role).is_some_and(|(_, code)| code == "ATND"))
                })
                .and_then(|one| view::text(&one["individual"], "display")));
        }
        "MedicationRequest" => {
            for dosage in view::items(value, "dosageInstruction") {
                add(view::text(dosage, "text"));
                add(view::concept(&dosage["timing"]["code"]));
            }
        }
        "ImagingStudy" => {
            for modality in view::items(value, "modality") {
                add(view::text(modality, "code"));
            }
            for reason in view::items(value, "reasonCode") {
                add(view::concept(reason));
            }
        }
        "Procedure" => {
            add(view::concept(&value["outcome"]));
            add(view::items(value, "bodySite").find_map(view::concept));
        }
        "DiagnosticReport" => add(view::text(value, "conclusion")),
        "ClinicalImpression" => add(view::text(value, "description")),
        "Condition" => {
            add(view::concept(&value["severity"]));
            add(view::coding(&value["clinicalStatus"]).map(|(_, code)| code));
        }
        "AllergyIntolerance" => {
            for reaction in view::items(value, "reaction") {
                add(view::items(reaction, "manifestation").find_map(view::concept));
            }
        }
        "Composition" | "DocumentReference" => {
            add(view::items(value, "author").find_map(|one| view::text(one, "display")));
        }
        _ => {}
    }
    out
}

pub(super) fn author(value: &Value) -> Option<String> {
    const NAMES: [&str; 6] = [
        "author",
        "performer",
        "requester",
        "recorder",
        "assessor",
        "asserter",
    ];
    NAMES
        .iter()
        .flat_map(|name| view::items(value, name))
        .find_map(|one| view::text(one, "display").or_else(|| view::text(&one["actor"], "display")))
        .map(str::to_owned)
}

/// A line of the list of problems or allergies.
pub(super) fn problem(key: &RecordKey, value: &Value) -> Option<Problem> {
    let wrong = view::coding(&value["verificationStatus"])
        .is_some_and(|(_, code)| matches!(code, "entered-in-error" | "refuted"));
    if wrong {
        return None;
    }
    let status = view::coding(&value["clinicalStatus"]).map(|(_, code)| code);
    Some(Problem {
        name: title(value),
        since: view::text(value, "onsetDateTime")
            .or_else(|| view::text(value, "recordedDate"))
            .and_then(Moment::of)
            .map(|moment| moment.date()),
        active: !matches!(status, Some("inactive" | "resolved" | "remission")),
        high: view::text(value, "criticality") == Some("high"),
        key: key.clone(),
    })
}

/// One line for each name: what is active before what is past, then by date.
pub(super) fn distinct(problems: Vec<Problem>) -> Vec<Problem> {
    let mut by_name: BTreeMap<String, Problem> = BTreeMap::new();
    for problem in problems {
        match by_name.get_mut(&problem.name) {
            Some(known) => {
                known.active |= problem.active;
                known.high |= problem.high;
                if problem.since.is_some() && (known.since.is_none() || problem.since < known.since)
                {
                    known.since = problem.since;
                }
            }
            None => {
                by_name.insert(problem.name.clone(), problem);
            }
        }
    }
    let mut out: Vec<Problem> = by_name.into_values().collect();
    out.sort_by(|a, b| (!a.active, !a.high, &a.since).cmp(&(!b.active, !b.high, &b.since)));
    out
}

/// A medicine that was given, and when.
pub(super) fn given(key: &RecordKey, value: &Value) -> Option<(Moment, Given)> {
    let moment = view::when(value).and_then(Moment::of)?;
    // Not given is not given. FHIR R4 valueset-medication-admin-status.
    if matches!(
        view::text(value, "status"),
        Some("not-done" | "entered-in-error" | "stopped")
    ) {
        return None;
    }
    let mut dose = quantity(&value["dosage"]["dose"]);
    if let Some(route) = view::concept(&value["dosage"]["route"]) {
        if !dose.is_empty() {
            dose.push(' ');
        }
        dose.push_str(route);
    }
    Some((
        moment,
        Given {
            name: title(value),
            times: 1,
            dose,
            key: key.clone(),
        },
    ))
}

fn quantity(value: &Value) -> String {
    match (value["value"].as_number(), view::text(value, "unit")) {
        (Some(number), Some(unit)) => format!("{number} {unit}"),
        (Some(number), None) => number.to_string(),
        _ => String::new(),
    }
}

/// Orders of medicines by name; the one ordered last comes first.
pub(super) fn courses(requests: &[(RecordKey, Value)]) -> Vec<Course> {
    let mut by_name: BTreeMap<String, Course> = BTreeMap::new();
    let mut sorted: Vec<(Moment, &RecordKey, &Value)> = requests
        .iter()
        .filter(|(_, value)| {
            !matches!(
                view::text(value, "status"),
                Some("cancelled" | "entered-in-error" | "draft")
            )
        })
        .filter_map(|(key, value)| {
            let start = view::text(&value["dispenseRequest"]["validityPeriod"], "start")
                .or_else(|| view::text(value, "authoredOn"))
                .and_then(Moment::of)?;
            Some((start, key, value))
        })
        .collect();
    sorted.sort_by_key(|(start, ..)| start.seconds);
    for (start, key, value) in sorted {
        let span = (start.day, start.day + days(value).max(1) - 1);
        let dose = view::items(value, "dosageInstruction")
            .find_map(|dosage| {
                view::text(dosage, "text").map(str::to_owned).or_else(|| {
                    let rate = view::items(dosage, "doseAndRate").next()?;
                    Some(quantity(&rate["doseQuantity"]))
                })
            })
            .unwrap_or_default();
        let course = by_name.entry(title(value)).or_insert_with(|| Course {
            name: title(value),
            spans: Vec::new(),
            dose: String::new(),
            key: key.clone(),
        });
        // Orders that touch or overlap are one bar.
        match course.spans.last_mut() {
            Some(last) if span.0 <= last.1 + 1 => last.1 = last.1.max(span.1),
            _ => course.spans.push(span),
        }
        course.dose = dose;
        course.key = key.clone();
    }
    let mut out: Vec<Course> = by_name.into_values().collect();
    out.sort_by_key(|course| std::cmp::Reverse(course.spans.last().map(|span| span.1)));
    out
}

/// For how many days an order is; 1 if it does not say.
fn days(value: &Value) -> i64 {
    let of = |duration: &Value| -> Option<i64> {
        let number = duration["value"].as_f64()?;
        let unit = view::text(duration, "code").or_else(|| view::text(duration, "unit"));
        let factor = match unit? {
            "d" | "日" => 1.0,
            "wk" | "週" => 7.0,
            "mo" | "月" => 30.0,
            "a" => 365.0,
            _ => return None,
        };
        Some((number * factor).round().clamp(0.0, 3660.0) as i64)
    };
    let supply = of(&value["dispenseRequest"]["expectedSupplyDuration"]);
    let bounds = view::items(value, "dosageInstruction")
        .filter_map(|dosage| of(&dosage["timing"]["repeat"]["boundsDuration"]))
        .max();
    supply.or(bounds).unwrap_or(1)
}

/// A file of variants or a report of a panel.
pub(super) fn genome_file(key: &RecordKey, value: &Value) -> GenomeFile {
    let kind = value
        .pointer("/content/0/attachment/contentType")
        .and_then(Value::as_str);
    GenomeFile {
        title: title(value),
        detail: view::text(value, "description").map(str::to_owned),
        key: key.clone(),
        variants: matches!(kind, Some("text/x-vcf" | "application/x-bcf")),
    }
}

/// A finding by the components of HL7's Genomics Reporting guide.
pub(super) fn finding(key: &RecordKey, value: &Value) -> Finding {
    let component = |wanted: &str| -> Option<String> {
        let found = view::items(value, "component").find(|component| {
            view::items(&component["code"], "coding")
                .any(|coding| view::text(coding, "code") == Some(wanted))
        })?;
        view::text(found, "valueString")
            .or_else(|| view::concept(&found["valueCodeableConcept"]))
            .map(str::to_owned)
            .or_else(|| {
                found["valueQuantity"]["value"]
                    .as_number()
                    .map(ToString::to_string)
            })
    };
    // LOINC: gene studied, amino acid change, DNA change, copy number, classification.
    let gene = component("48018-6");
    let change = component("48005-3").or_else(|| component("48004-6"));
    let named = match (gene, change) {
        (Some(gene), Some(change)) => format!("{gene} {change}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => title(value),
    };
    let mut detail: Vec<String> = Vec::new();
    detail.extend(component("48019-4"));
    detail.extend(component("53037-8"));
    detail.extend(component("82155-3").map(|number| format!("CN {number}")));
    detail.extend(
        component("81258-6")
            .and_then(|fraction| fraction.parse::<f64>().ok())
            .map(|fraction| format!("VAF {:.1}%", fraction * 100.0)),
    );
    if detail.is_empty() && view::items(value, "component").next().is_none() {
        let quantity = quantity(&value["valueQuantity"]);
        detail.extend((!quantity.is_empty()).then_some(quantity));
        detail.extend(view::concept(&value["valueCodeableConcept"]).map(str::to_owned));
        detail.extend(view::text(value, "valueString").map(str::to_owned));
    }
    Finding {
        title: named,
        detail,
        key: key.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn orders_that_follow_each_other_are_one_bar() {
        let order = |id: &str, on: &str, days: i64| {
            (
                RecordKey::new("MedicationRequest", id),
                json!({ "resourceType": "MedicationRequest", "status": "active", "authoredOn": on,
                    "medicationCodeableConcept": { "text": "アムロジピン" },
                    "dispenseRequest": { "expectedSupplyDuration": { "value": days, "code": "d" } },
                    "dosageInstruction": [{ "text": "5mg" }] }),
            )
        };
        let courses = courses(&[
            order("b", "2025-05-01", 30),
            order("a", "2025-04-01", 30),
            order("c", "2025-09-01", 7),
        ]);
        assert_eq!(courses.len(), 1);
        let spans = &courses[0].spans;
        assert_eq!(spans.len(), 2);
        assert_eq!(spans[0].1 - spans[0].0, 59);
        assert_eq!(courses[0].dose, "5mg");
        assert_eq!(courses[0].key.id, "c");
    }

    #[test]
    fn a_claim_has_its_total() {
        let key = RecordKey::new("Claim", "c");
        let item = item(
            &key,
            &json!({ "resourceType": "Claim", "billablePeriod": { "start": "2026-02-01", "end": "2026-02-28" },
                "subType": { "text": "外来" }, "total": { "value": 4210, "currency": "JPY" } }),
        )
        .unwrap();
        assert_eq!((item.lane, item.yen), (Lane::Claim, Some(4210)));
        assert_eq!(item.title, "2026-02");
    }
}
