//! FHIR resources by a list of what stays.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::keys::{ProjectKey, shift_fhir};
use crate::known::KnownIdentifiers;

/// `policies/fhir-basic.toml`.
pub const BASIC: &str = include_str!("../../../policies/fhir-basic.toml");

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Action {
    Keep,
    Pseudonym,
    Shift,
    BirthYear,
    Code,
    Quantity,
    Uid,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    id: String,
    action: Action,
    ja: String,
    en: String,
    source: String,
    paths: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    id: String,
    version: String,
    rule: Vec<RuleFile>,
    types: Types,
    genomic: Genomic,
    systems: Systems,
    values: Values,
    units: Units,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Values {
    kept: HashSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Units {
    ucum: HashSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Types {
    leave: HashSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Genomic {
    ja: String,
    en: String,
    source: String,
    categories: HashSet<String>,
    codes: HashSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Systems {
    exact: HashSet<String>,
}

/// A rule as a card shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Rule {
    pub id: String,
    pub ja: String,
    pub en: String,
    pub source: String,
}

/// A policy, ready to apply.
#[derive(Debug)]
pub struct FhirPolicy {
    pub id: String,
    pub version: String,
    pub rules: Vec<Rule>,
    genomic_rule: Rule,
    /// By type, then path. What is not here is removed.
    decisions: HashMap<String, HashMap<String, Decision>>,
    file: PolicyFile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// The action of a rule, by its place in the list.
    Apply(Action, usize),
    /// Not listed itself; an element below it is.
    Descend,
}

/// The decision of every listed path of one type, and of the elements above it.
fn decisions(rules: &[RuleFile], kind: &str) -> HashMap<String, Decision> {
    let mut out = HashMap::new();
    for (index, rule) in rules.iter().enumerate() {
        for listed in &rule.paths {
            let Some((of, path)) = listed.split_once('.') else {
                continue;
            };
            // A rule for the type itself wins over one for all.
            let taken = matches!(out.get(path), Some(Decision::Apply(..)));
            if of == kind || (of == "*" && !taken) {
                out.insert(path.to_owned(), Decision::Apply(rule.action, index));
                for (end, _) in path.match_indices('.') {
                    out.entry(path[..end].to_owned())
                        .or_insert(Decision::Descend);
                }
            }
        }
    }
    out
}

impl FhirPolicy {
    /// # Errors
    /// The text is no policy: unknown key, action or shape.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: PolicyFile = toml::from_str(text).map_err(|error| error.to_string())?;
        let rule = |rule: &RuleFile| Rule {
            id: rule.id.clone(),
            ja: rule.ja.clone(),
            en: rule.en.clone(),
            source: rule.source.clone(),
        };
        let rules: Vec<Rule> = file.rule.iter().map(rule).collect();
        let mut paths = HashSet::new();
        for rule in &file.rule {
            for path in &rule.paths {
                if !paths.insert(path.as_str()) {
                    return Err(format!("{path} is named by two rules"));
                }
            }
        }
        Ok(Self {
            id: file.id.clone(),
            version: file.version.clone(),
            rules,
            genomic_rule: Rule {
                id: "genomic".to_owned(),
                ja: file.genomic.ja.clone(),
                en: file.genomic.en.clone(),
                source: file.genomic.source.clone(),
            },
            decisions: file
                .types
                .leave
                .iter()
                .map(|kind| (kind.clone(), decisions(&file.rule, kind)))
                .collect(),
            file,
        })
    }

    pub fn genomic_rule(&self) -> &Rule {
        &self.genomic_rule
    }

    fn published(&self, system: &str) -> bool {
        self.file.systems.exact.contains(system)
    }

    /// Whether a resource is, or holds, a genomic result.
    pub fn is_genomic(&self, resource: &Value) -> bool {
        if matches!(
            resource.get("resourceType").and_then(Value::as_str),
            Some("MolecularSequence")
        ) {
            return true;
        }
        let profiles = resource.pointer("/meta/profile").and_then(Value::as_array);
        if profiles
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .any(|profile| profile.contains("genomics-reporting"))
        {
            return true;
        }
        let mut found = false;
        codes(resource, &mut |code| {
            found |= self.file.genomic.categories.contains(code)
                || self.file.genomic.codes.contains(code);
        });
        found
    }
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
}

impl Withheld {
    pub fn code(self) -> &'static str {
        match self {
            Withheld::Type => "type-not-listed",
            Withheld::Genomic => "genomic",
            Withheld::IdentifierLeft => "identifier-left",
            Withheld::Proposal => "model-proposal",
        }
    }
}

/// What was done, counted by rule over one or many resources.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ChangeReport {
    /// Elements a rule applied to, by rule id.
    pub applied: BTreeMap<String, u64>,
    /// Elements removed, by path: nothing lists them.
    pub removed: BTreeMap<String, u64>,
    /// Codes dropped because their system is not a published one.
    pub local_codes: u64,
    /// Units dropped because they are not UCUM.
    pub local_units: u64,
}

impl ChangeReport {
    pub fn add(&mut self, other: &ChangeReport) {
        for (rule, count) in &other.applied {
            *self.applied.entry(rule.clone()).or_default() += count;
        }
        for (path, count) in &other.removed {
            *self.removed.entry(path.clone()).or_default() += count;
        }
        self.local_codes += other.local_codes;
        self.local_units += other.local_units;
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
}

/// Ages from here on are one group.
pub const AGE_GROUPED_FROM: i64 = 90;

/// Processes one resource. `Err` means that it stays inside.
pub fn process(
    policy: &FhirPolicy,
    resource: &Value,
    subject: &Subject<'_>,
) -> Result<(Value, ChangeReport), Withheld> {
    let kind = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Some(decisions) = policy.decisions.get(kind) else {
        return Err(Withheld::Type);
    };
    if policy.is_genomic(resource) {
        return Err(Withheld::Genomic);
    }
    if is_proposal(resource) {
        return Err(Withheld::Proposal);
    }
    let pictures;
    let resource = match kind {
        "ImagingStudy" => {
            pictures = only_pictures(resource);
            &pictures
        }
        _ => resource,
    };
    let mut walk = Walk {
        policy,
        decisions,
        subject,
        kind,
        report: ChangeReport::default(),
    };
    let mut out = match resource {
        Value::Object(members) => walk.object(members, ""),
        _ => Map::new(),
    };
    out.insert("resourceType".to_owned(), Value::String(kind.to_owned()));
    let out = Value::Object(out);
    if holds_known(&out, subject.known) {
        return Err(Withheld::IdentifierLeft);
    }
    Ok((out, walk.report))
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

fn holds_known(value: &Value, known: &KnownIdentifiers) -> bool {
    match value {
        Value::String(text) => known.found_in(text),
        // A measured value may be any small number; a long one may be a record number.
        Value::Number(number) => {
            let text = number.to_string();
            text.len() >= 5 && known.found_in(&text)
        }
        Value::Array(items) => items.iter().any(|item| holds_known(item, known)),
        Value::Object(members) => members.values().any(|value| holds_known(value, known)),
        _ => false,
    }
}

struct Walk<'a> {
    policy: &'a FhirPolicy,
    decisions: &'a HashMap<String, Decision>,
    subject: &'a Subject<'a>,
    kind: &'a str,
    report: ChangeReport,
}

impl Walk<'_> {
    fn object(&mut self, members: &Map<String, Value>, prefix: &str) -> Map<String, Value> {
        let mut out = Map::new();
        for (name, value) in members {
            if prefix.is_empty() && name == "resourceType" {
                continue;
            }
            let path = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}.{name}")
            };
            if let Some(kept) = self.element(value, &path) {
                out.insert(name.clone(), kept);
            }
        }
        out
    }

    fn element(&mut self, value: &Value, path: &str) -> Option<Value> {
        match self.decisions.get(path) {
            Some(Decision::Apply(action, rule)) => {
                let kept = each(value, &mut |value| self.apply(*action, path, value));
                if kept.is_some() {
                    let id = &self.policy.rules[*rule].id;
                    *self.report.applied.entry(id.clone()).or_default() += 1;
                } else {
                    self.remove(path);
                }
                kept
            }
            Some(Decision::Descend) => each(value, &mut |value| match value {
                Value::Object(members) => {
                    let inner = self.object(members, path);
                    (!inner.is_empty()).then_some(Value::Object(inner))
                }
                _ => None,
            }),
            None => {
                self.remove(path);
                None
            }
        }
    }

    fn remove(&mut self, path: &str) {
        *self
            .report
            .removed
            .entry(format!("{}.{path}", self.kind))
            .or_default() += 1;
    }

    fn apply(&mut self, action: Action, path: &str, value: &Value) -> Option<Value> {
        let key = self.subject.key;
        match action {
            Action::Keep => match value {
                // A listed element with members under it would smuggle what is not listed.
                Value::Object(_) | Value::Array(_) => None,
                Value::String(text) if !self.policy.file.values.kept.contains(text) => None,
                plain => Some(plain.clone()),
            },
            Action::Pseudonym if path == "id" => {
                let id = value.as_str()?;
                Some(Value::String(key.pseudonym(self.kind, id)))
            }
            Action::Pseudonym => {
                let target =
                    kura_fhir::search_parameter::reference(value.get("reference")?.as_str()?)?;
                let pseudonym = key.pseudonym(&target.kind, &target.id);
                Some(serde_json::json!({ "reference": format!("{}/{pseudonym}", target.kind) }))
            }
            Action::Shift => {
                shift_fhir(value.as_str()?, self.subject.shift_days).map(Value::String)
            }
            Action::BirthYear => {
                let shifted = shift_fhir(value.as_str()?, self.subject.shift_days)?;
                let year: i64 = shifted.get(..4)?.parse().ok()?;
                let oldest = self.subject.reference_year - AGE_GROUPED_FROM;
                Some(Value::String(format!("{:04}", year.max(oldest))))
            }
            Action::Code => self.concept(value),
            Action::Quantity => self.quantity(value),
            Action::Uid => Some(Value::String(key.uid(value.as_str()?))),
        }
    }

    /// A CodeableConcept or a Coding, reduced to published codes.
    fn concept(&mut self, value: &Value) -> Option<Value> {
        if let Some(Value::Array(codings)) = value.get("coding") {
            let kept: Vec<Value> = codings
                .iter()
                .filter_map(|coding| self.coding(coding))
                .collect();
            return (!kept.is_empty()).then(|| serde_json::json!({ "coding": kept }));
        }
        match value {
            // `category` and the like are plain codes in some types: FHIR fixes their values.
            Value::String(text) if self.policy.file.values.kept.contains(text) => {
                Some(value.clone())
            }
            Value::Object(_) => self.coding(value),
            _ => None,
        }
    }

    fn coding(&mut self, coding: &Value) -> Option<Value> {
        let code = coding.get("code").and_then(Value::as_str)?;
        match coding.get("system").and_then(Value::as_str) {
            Some(system) if self.policy.published(system) && is_code(code) => {
                Some(serde_json::json!({ "system": system, "code": code }))
            }
            _ => {
                self.report.local_codes += 1;
                None
            }
        }
    }

    fn quantity(&mut self, value: &Value) -> Option<Value> {
        let number = value.get("value").filter(|number| number.is_number())?;
        let mut out = Map::new();
        out.insert("value".to_owned(), number.clone());
        if let Some(comparator) = value.get("comparator").and_then(Value::as_str)
            && matches!(comparator, "<" | "<=" | ">" | ">=")
        {
            out.insert("comparator".to_owned(), comparator.into());
        }
        let ucum = value.get("system").and_then(Value::as_str) == Some("http://unitsofmeasure.org");
        match value.get("code").and_then(Value::as_str) {
            Some(code) if ucum && self.policy.file.units.ucum.contains(code) => {
                out.insert("code".to_owned(), code.into());
            }
            _ => {
                if value.get("unit").is_some() || value.get("code").is_some() {
                    self.report.local_units += 1;
                }
            }
        }
        Some(Value::Object(out))
    }
}

/// Applies to a value or to each item of a list; an empty result is none.
fn each(value: &Value, apply: &mut dyn FnMut(&Value) -> Option<Value>) -> Option<Value> {
    match value {
        Value::Array(items) => {
            let kept: Vec<Value> = items.iter().filter_map(apply).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        single => apply(single),
    }
}

/// FHIR R4 datatypes.html#code, narrowed: no spaces, nothing but ASCII, not long.
fn is_code(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(resource: &Value) -> Result<(Value, ChangeReport), Withheld> {
        let policy = FhirPolicy::parse(BASIC).unwrap();
        let key = ProjectKey::new([7; 32]);
        let known =
            KnownIdentifiers::new(["小野 綾子", "POP-000209", "7654321"].map(str::to_owned));
        process(
            &policy,
            resource,
            &Subject {
                key: &key,
                known: &known,
                shift_days: -10,
                reference_year: 2026,
            },
        )
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
        assert_eq!(report.removed["Patient.name"], 1);
        let (out, _) =
            run(&json!({"resourceType": "Patient", "id": "p", "birthDate": "1910-01-04"})).unwrap();
        assert_eq!(out["birthDate"], "1936");
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
            r#"{"value":13.2,"code":"g/dL"}"#
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
            json!({"resourceType": "DocumentReference", "id": "d"}),
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
        assert!(
            out.get("status").is_none()
                && out.get("category").is_none()
                && out.get("code").is_none()
        );
        // A patient's own number as a measured value, and a name in a code of a published system,
        // are caught by the last look.
        let number = json!({"resourceType": "Observation", "id": "o", "valueInteger": 7654321});
        assert_eq!(run(&number).unwrap_err(), Withheld::IdentifierLeft);
        let smuggled = json!({"resourceType": "Condition", "id": "c", "code": {"coding": [
            {"system": "http://loinc.org", "code": "POP-000209"}]}});
        assert_eq!(run(&smuggled).unwrap_err(), Withheld::IdentifierLeft);
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
