//! FHIR resources by a list of what stays: [`process`] walks beside the plan of a [`Policy`].

mod coherent;
mod region;
mod report;
mod survey;
mod texts;
mod trace;
mod walk;

use std::collections::HashSet;

use serde_json::Value;

use crate::keys::ProjectKey;
use crate::known::KnownIdentifiers;
use crate::policy::Policy;
use crate::text::Cleaner;
use trace::Trace;

pub use report::{ChangeReport, ReportLine};
pub use survey::Survey;
pub use trace::{Step, trace};

/// Why a resource does not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Withheld {
    /// Its type is not on the list.
    Type,
    Genomic,
    /// After processing it still held something that names the patient.
    IdentifierLeft,
    /// What a model said and nobody has confirmed: no fact.
    Proposal,
    /// An extension that changes the meaning of what it stands on, and that no rule lists.
    ModifierExtension,
    /// The policy asks how rare things are, and nobody has counted.
    NoSurvey,
    /// A document of which no text stays.
    NoText,
}

impl Withheld {
    pub fn code(self) -> &'static str {
        match self {
            Withheld::Type => "type-not-listed",
            Withheld::Genomic => "genomic",
            Withheld::IdentifierLeft => "identifier-left",
            Withheld::Proposal => "model-proposal",
            Withheld::ModifierExtension => "modifier-extension",
            Withheld::NoSurvey => "not-surveyed",
            Withheld::NoText => "no-text",
        }
    }
}

/// The patient a resource belongs to, as processing sees them.
pub struct Subject<'a> {
    pub key: &'a ProjectKey,
    pub known: &'a KnownIdentifiers,
    /// From [`ProjectKey::date_shift_days`].
    pub shift_days: i32,
    /// Year at the bank's time `t`, for the age limit.
    pub reference_year: i64,
    /// Of the whole set, where the policy asks for it.
    pub survey: Option<&'a Survey>,
    /// What texts are cleaned by; without it they go.
    pub texts: Option<&'a Cleaner<'a>>,
}

/// Processes one resource, and counts in `report` what was done to it. `Err` means that it stays
/// inside, and nothing is counted.
///
/// # Errors
/// Why it stays.
pub fn process(
    policy: &Policy,
    resource: &Value,
    subject: &Subject<'_>,
    report: &mut ChangeReport,
) -> Result<Value, Withheld> {
    run(policy, resource, subject, report, &mut Trace::default())
}

fn run(
    policy: &Policy,
    resource: &Value,
    subject: &Subject<'_>,
    report: &mut ChangeReport,
    trace: &mut Trace,
) -> Result<Value, Withheld> {
    let (kind, root) = leaves(policy, resource, subject.texts.is_some())?;
    if policy.needs_survey() && subject.survey.is_none() {
        return Err(Withheld::NoSurvey);
    }
    let pictures;
    let resource = match kind {
        "ImagingStudy" => {
            pictures = only_pictures(resource);
            &pictures
        }
        _ => resource,
    };
    let mut walk = walk::Walk::new(policy, subject, report, resource);
    std::mem::swap(&mut walk.trace, trace);
    let out = walk.resource(root, kind, resource);
    std::mem::swap(&mut walk.trace, trace);
    if walk.modified {
        return Err(Withheld::ModifierExtension);
    }
    let said = |content: &Value| content.pointer("/attachment/data").is_some();
    if kind == "DocumentReference"
        && !out["content"]
            .as_array()
            .is_some_and(|all| all.iter().any(said))
    {
        return Err(Withheld::NoText);
    }
    if walk.known_left || holds_known(&out, subject.known, &walk.made) {
        return Err(Withheld::IdentifierLeft);
    }
    let journal = walk.journal;
    report.settle(&journal);
    Ok(out)
}

/// Whether a resource may leave at all, before it is looked into: its type and its plan.
fn leaves<'r>(
    policy: &Policy,
    resource: &'r Value,
    texts: bool,
) -> Result<(&'r str, u32), Withheld> {
    let kind = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let root = match policy.plan.root(kind) {
        Some(root) if policy.leaves(kind, texts) => root,
        _ => return Err(Withheld::Type),
    };
    if is_genomic(policy, resource) {
        return Err(Withheld::Genomic);
    }
    if is_proposal(resource) {
        return Err(Withheld::Proposal);
    }
    Ok((kind, root))
}

/// Whether a resource is, or holds, a genomic result.
fn is_genomic(policy: &Policy, resource: &Value) -> bool {
    let kind = resource.get("resourceType").and_then(Value::as_str);
    let profiles = resource.pointer("/meta/profile").and_then(Value::as_array);
    let told = profiles
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .any(|profile| profile.contains("genomics-reporting"));
    let mut found = told || kind == Some("MolecularSequence");
    codes(resource, &mut |code| {
        found |= policy.genomic.categories.contains(code) || policy.genomic.codes.contains(code);
    });
    found
}

fn codes(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                if name == "code"
                    && let Value::String(code) = inner
                {
                    visit(code);
                }
                codes(inner, visit);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| codes(item, visit)),
        _ => {}
    }
}

/// A number of JSON.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

/// Series that are said of images and are none: results of readers and models, presentation
/// states, keys. Their objects never leave, and as a series of the study they would be taken for
/// what was examined. PS3.3 C.7.3.1.1.1.
const NO_PICTURES: [&str; 4] = ["SEG", "SR", "PR", "KO"];

/// An `ImagingStudy` with the series that hold pictures.
fn only_pictures(study: &Value) -> Value {
    let is_picture = |coding: Option<&Value>| {
        coding
            .and_then(|coding| coding.get("code"))
            .and_then(Value::as_str)
            .is_none_or(|code| !NO_PICTURES.contains(&code))
    };
    let mut out = study.clone();
    if let Some(modalities) = out.get_mut("modality").and_then(Value::as_array_mut) {
        modalities.retain(|one| is_picture(Some(one)));
    }
    let Some(series) = out.get_mut("series").and_then(Value::as_array_mut) else {
        return out;
    };
    let before = series.len();
    series.retain(|one| is_picture(one.get("modality")));
    if series.len() == before {
        return out;
    }
    let instances: u64 = series
        .iter()
        .filter_map(|one| one.get("numberOfInstances")?.as_u64())
        .sum();
    let count = series.len();
    for (name, number) in [
        ("numberOfSeries", count as u64),
        ("numberOfInstances", instances),
    ] {
        if let Some(known) = out.get_mut(name) {
            *known = number.into();
        }
    }
    out
}

/// A model's answer in shadow (研究用), or one that no doctor has taken up. As a fact of a data set
/// it would teach the next model what the last one thought.
fn is_proposal(resource: &Value) -> bool {
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let items = |name: &str, within: &Value| -> Vec<Value> {
        within
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let research = resource.get("meta").is_some_and(|meta| {
        items("tag", meta).iter().any(|tag| {
            text(tag, "system").as_deref() == Some("urn:kura:use")
                && text(tag, "code").as_deref() == Some("research-only")
        })
    });
    let of_model = resource
        .get("device")
        .and_then(|device| text(device, "reference"))
        .is_some_and(|device| device.starts_with("Device/model-"))
        || items("extension", resource)
            .iter()
            .any(|one| text(one, "url").as_deref() == Some("urn:kura:model-version"));
    let open = matches!(
        text(resource, "status").as_deref(),
        // A correction stands in its note; the value is still the model's.
        Some("preliminary" | "cancelled" | "corrected")
    );
    research || (of_model && open)
}

/// Whether a known identifier is left; `made` are the stand-ins, which hold any digits by chance.
fn holds_known(value: &Value, known: &KnownIdentifiers, made: &HashSet<String>) -> bool {
    match value {
        Value::String(text) => !made.contains(text) && known.found_in(text),
        // A measured value may be any small number; a long one may be a record number.
        Value::Number(number) => {
            let text = number.to_string();
            // 7.654321e6 is 7654321.
            let plain = match text.contains(['e', 'E']) {
                true => number.as_f64().map_or(text, |number| number.to_string()),
                false => text,
            };
            plain.len() >= 5 && known.found_in(&plain)
        }
        Value::Array(items) => items.iter().any(|item| holds_known(item, known, made)),
        Value::Object(members) => members
            .values()
            .any(|value| holds_known(value, known, made)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::*;

    fn run(resource: &Value) -> Result<(Value, ChangeReport), Withheld> {
        run_with("kamei", resource)
    }

    fn run_with(policy: &str, resource: &Value) -> Result<(Value, ChangeReport), Withheld> {
        let policy = crate::policy::shipped(policy).unwrap().unwrap();
        let key = ProjectKey::new([7; 32]);
        let known = KnownIdentifiers::new(
            ["小野 綾子", "POP-000209", "7654321", "2024-06-11"].map(str::to_owned),
        );
        let mut report = ChangeReport::default();
        let subject = Subject {
            key: &key,
            known: &known,
            shift_days: -10,
            reference_year: 2026,
            survey: None,
            texts: None,
        };
        let out = process(&policy, resource, &subject, &mut report)?;
        Ok((out, report))
    }

    #[test]
    fn of_a_patient_only_sex_and_birth_year_stay() {
        let (out, report) = run(&json!({
            "resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1950-01-04",
            "name": [{"text": "小野 綾子"}], "telecom": [{"value": "090"}], "address": [{"text": "市川市"}],
            "identifier": [{"value": "POP-000209"}], "extension": [{"url": "x", "valueString": "y"}],
            "contact": [{"name": {"text": "z"}}], "text": {"div": "<div>小野</div>"}
        }))
        .unwrap();
        let mut names: Vec<&str> = out
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["birthDate", "gender", "id", "resourceType"]);
        assert_eq!(out["birthDate"], "1949");
        assert_ne!(out["id"], "p1");
        assert_eq!(report.removed("Patient.name"), 1);
        let (out, _) =
            run(&json!({"resourceType": "Patient", "id": "p", "birthDate": "1910-01-04"})).unwrap();
        assert_eq!(out["birthDate"], "1936");
    }

    /// Where texts are asked for they leave with labels; else they go. Under 匿名加工 always.
    #[test]
    fn a_text_leaves_with_labels() {
        let files = [
            (
                "a.csv",
                "小野,0,0,1,名詞,固有名詞,人名,姓,*,*\n綾子,0,0,1,名詞,固有名詞,人名,名,*,*\n",
            ),
            ("matrix.def", "1 1\n0 0 0\n"),
            ("char.def", "DEFAULT 0 1 0\n"),
            ("unk.def", "DEFAULT,0,0,1000,名詞,一般,*,*,*,*\n"),
        ];
        let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
        let dictionary = crate::text::Dictionary::of_source(files).unwrap();
        let (own, everybody) = (
            crate::text::Record::new().person("小野 綾子"),
            crate::text::Record::new().person("鈴木 一郎"),
        );
        let cleaner = Cleaner {
            records: [&own, &everybody],
            dictionary: &dictionary,
            age_limit: 90,
            seen: None,
        };
        let key = ProjectKey::new([7; 32]);
        let known = KnownIdentifiers::new(["小野 綾子"].map(str::to_owned));
        let of = |policy: &str, resource: &Value, texts| {
            let policy = crate::policy::shipped(policy).unwrap().unwrap();
            let subject = Subject {
                key: &key,
                known: &known,
                shift_days: -10,
                reference_year: 2026,
                survey: None,
                texts,
            };
            let mut report = ChangeReport::default();
            let out = process(&policy, resource, &subject, &mut report);
            (out.unwrap_or_default(), report)
        };
        let written = "小野綾子様、血糖 180。鈴木医師に報告。";
        let cleaned = "[氏名]様、血糖 180。[氏名]医師に報告。";
        let encoded = |text: &str| STANDARD.encode(text);
        let attached = |kind: &str, data: String| json!({"contentType": kind, "data": data, "title": "小野", "url": "http://a/小野"});
        let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode(written);
        let report = json!({
            "resourceType": "DiagnosticReport", "id": "r", "status": "final", "conclusion": written,
            "code": {"text": written, "coding": [{"system": "http://loinc.org", "code": "718-7", "display": "小野"}]},
            "text": {"status": "generated", "div": "<div title='小野'><p>小<b>野</b>綾子様、血糖 180。</p><script>小野</script>&#x9234;木医師に報告。</div>"},
            "presentedForm": [
                attached("text/plain", encoded(written)),
                attached("text/plain; charset=Shift_JIS", STANDARD.encode(&sjis)),
                attached("text/html", encoded(&format!("<p>{written}</p>"))),
                attached("application/pdf", encoded(written)),
                attached("text/plain; charset=utf-7", encoded(written)),
                attached("text/plain", "%%%".to_owned()),
            ]
        });
        let (out, told) = of("kamei", &report, Some(&cleaner));
        assert_eq!(out["conclusion"], cleaned);
        assert_eq!(
            out["code"],
            json!({"coding": [{"system": "http://loinc.org", "code": "718-7"}], "text": cleaned})
        );
        let div = "<p>[氏名]様、血糖 180。</p><p>[氏名]医師に報告。</p></div>";
        assert!(
            out["text"]["div"].as_str().unwrap().ends_with(div),
            "{}",
            out["text"]
        );
        let plain = json!({"contentType": "text/plain; charset=utf-8", "data": encoded(cleaned)});
        assert_eq!(out["presentedForm"], json!([plain, plain, plain]));
        assert_eq!((told.texts, told.pieces[&crate::text::Kind::Name]), (6, 12));
        let (bare, _) = of("kamei", &report, None);
        for name in ["conclusion", "text", "presentedForm"] {
            assert!(bare.get(name).is_none(), "{name}");
        }
        assert!(bare["code"].get("text").is_none());
        let note = json!({"resourceType": "Observation", "id": "o", "status": "final",
            "note": [{"text": written, "authorString": "小野", "time": "2026-01-20"}]});
        assert_eq!(
            of("coded", &note, Some(&cleaner)).0["note"],
            json!([{ "text": cleaned }])
        );
        for policy in ["kamei", "coded", "hipaa-safe-harbor"] {
            assert!(
                crate::policy::shipped(policy)
                    .unwrap()
                    .unwrap()
                    .lets_texts()
            );
        }
        assert!(
            !crate::policy::shipped("tokumei")
                .unwrap()
                .unwrap()
                .lets_texts()
        );
    }

    #[test]
    fn free_text_and_local_codes_go() {
        let (out, report) = run(&json!({
            "resourceType": "Observation", "id": "o", "status": "final",
            "code": {"text": "小野さんの検査", "coding": [
                {"system": "http://loinc.org", "code": "718-7", "display": "小野"},
                {"system": "urn:local", "code": "X1"}]},
            "subject": {"reference": "Patient/p1", "display": "小野 綾子"},
            "effectiveDateTime": "2026-01-20T06:00:00+09:00",
            "valueQuantity": {"value": 13.2, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
            "valueString": "小野", "note": [{"text": "x"}],
            "component": [{"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}, "valueString": "z"}]
        }))
        .unwrap();
        assert_eq!(
            out["code"],
            json!({"coding": [{"system": "http://loinc.org", "code": "718-7"}]})
        );
        assert_eq!(out["effectiveDateTime"], "2026-01-10T06:00:00+09:00");
        assert_eq!(
            out["valueQuantity"].to_string(),
            r#"{"value":13.2,"system":"http://unitsofmeasure.org","code":"g/dL"}"#
        );
        assert!(out.get("valueString").is_none() && out.get("note").is_none());
        assert!(out["component"][0].get("valueString").is_none());
        assert!(out["subject"].get("display").is_none());
        assert_eq!(report.local_codes, 1);
    }

    #[test]
    fn some_things_never_leave() {
        for resource in [
            json!({"resourceType": "Observation", "id": "g", "category": [{"coding": [{"code": "GE"}]}]}),
            json!({"resourceType": "Observation", "id": "g", "code": {"coding": [{"system": "http://loinc.org", "code": "69548-6"}]}}),
            json!({"resourceType": "Observation", "id": "g", "component": [{"code": {"coding": [{"code": "48018-6"}]}}]}),
            json!({"resourceType": "MolecularSequence", "id": "g"}),
            json!({"resourceType": "Binary", "id": "d"}),
            json!({"resourceType": "Practitioner", "id": "d"}),
        ] {
            assert!(run(&resource).is_err(), "{resource}");
        }
        // What only looks like a published system, a fixed word or a unit goes.
        let (out, _) = run(&json!({"resourceType": "Observation", "id": "o", "status": "YAMADA-TARO",
            "category": [{"coding": [{"system": "http://hl7.org/fhir/suzuki-19500104", "code": "E11"}]}],
            "code": {"coding": [{"system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-number", "code": "1"}]},
            "valueQuantity": {"value": 5.1, "system": "http://unitsofmeasure.org", "code": "YAMADA/19500104"}}))
        .unwrap();
        assert_eq!(out["valueQuantity"], json!({"value": 5.1}));
        assert!(out.get("status").is_none() && out.get("category").is_none());
        // What FHIR asks for says that it is hidden.
        let masked = json!({"extension": [{
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]});
        assert_eq!(out["code"], masked);
        assert_eq!(out["_status"], masked);
        // A patient's own number as a measured value, and a name in a code of a published system,
        // are caught by the last look.
        let number = json!({"resourceType": "Observation", "id": "o", "valueInteger": 7654321});
        assert_eq!(run(&number).unwrap_err(), Withheld::IdentifierLeft);
        let smuggled = json!({"resourceType": "Condition", "id": "c", "code": {"coding": [
            {"system": "http://loinc.org", "code": "POP-000209"}]}});
        assert_eq!(run(&smuggled).unwrap_err(), Withheld::IdentifierLeft);
        let born = json!({"resourceType": "Condition", "id": "c", "code": {"coding": [
            {"system": "http://loinc.org", "code": "2024-06-11"}]}});
        assert_eq!(run(&born).unwrap_err(), Withheld::IdentifierLeft);
    }

    /// What was done ten days after a child was born bears its day of birth when it is moved.
    #[test]
    fn a_date_that_moves_onto_the_day_of_birth_is_no_day_of_birth() {
        let seen = json!({"resourceType": "Observation", "id": "o", "effectiveDateTime": "2024-06-21T09:30:00+09:00",
            "issued": "2024-06-21T10:00:00+09:00"});
        let (out, _) = run(&seen).unwrap();
        assert_eq!(out["effectiveDateTime"], "2024-06-11T09:30:00+09:00");
    }

    #[test]
    fn what_a_model_said_is_no_fact_until_somebody_says_so() {
        let said = |status: &str, tag: bool| {
            let mut out = json!({
                "resourceType": "Observation", "status": status,
                "code": { "coding": [{ "system": "http://snomed.info/sct", "code": "118565006" }] },
                "subject": { "reference": "Patient/p" },
                "device": { "reference": "Device/model-brain-1" },
            });
            if tag {
                out["meta"] =
                    json!({ "tag": [{ "system": "urn:kura:use", "code": "research-only" }] });
            }
            out
        };
        for (status, tag) in [
            ("preliminary", false),
            ("cancelled", false),
            ("corrected", false),
            ("final", true),
        ] {
            assert_eq!(
                run(&said(status, tag)).unwrap_err(),
                Withheld::Proposal,
                "{status}"
            );
        }
        assert!(run(&said("final", false)).is_ok());
        let mut laboratory = said("preliminary", false);
        laboratory["device"] = json!({ "reference": "Device/analyser-1" });
        assert!(run(&laboratory).is_ok());
    }

    #[test]
    fn what_is_said_of_images_is_no_series() {
        let series = |modality: &str, count: u64| {
            json!({
                "uid": format!("1.2.{count}"), "numberOfInstances": count,
                "modality": { "system": "http://dicom.nema.org/resources/ontology/DCM", "code": modality },
            })
        };
        let study = json!({
            "resourceType": "ImagingStudy", "status": "available",
            "subject": { "reference": "Patient/p" },
            "modality": [{ "system": "http://dicom.nema.org/resources/ontology/DCM", "code": "SR" },
                         { "system": "http://dicom.nema.org/resources/ontology/DCM", "code": "MR" }],
            "numberOfSeries": 3, "numberOfInstances": 130,
            "series": [series("MR", 128), series("SEG", 1), series("SR", 1)],
        });
        let (left, _) = run(&study).unwrap();
        assert_eq!(left["series"].as_array().unwrap().len(), 1, "{left}");
        assert_eq!(left["series"][0]["modality"]["code"], "MR");
        assert_eq!(left["numberOfSeries"], 1);
        assert_eq!(left["numberOfInstances"], 128);
    }
}
