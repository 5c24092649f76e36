//! Questions of JSON, and consents of few words.

use kura_consent::{Action, Actor, Coding, Data, Model, Question, Scope, Span, Subject};
use serde_json::{Map, Value, json};

/// Lives as long as the tests do.
fn text(value: &Value) -> &'static str {
    let text = value.as_str().expect("a text");
    Box::leak(text.to_owned().into_boxed_str())
}

fn texts(value: &Value) -> &'static [&'static str] {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    Vec::leak(items.iter().map(text).collect())
}

/// `system|code`; a purpose of use without a system, where `purposes`.
fn codings(value: &Value, default: &'static str) -> &'static [Coding<'static>] {
    let items = texts(value)
        .iter()
        .map(|token| match token.rsplit_once('|') {
            Some((system, code)) => Coding::new(long(system), code),
            None => Coding::new(default, token),
        });
    Vec::leak(items.collect())
}

/// The systems of the cases by their short names.
fn long(system: &'static str) -> &'static str {
    match system {
        "conf" => "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
        "act" => "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "reason" => kura_consent::ACT_REASON,
        "loinc" => "http://loinc.org",
        other => other,
    }
}

fn moment(value: &Value) -> Option<Span> {
    value.as_str().map(|text| Span::of(text).expect("a date"))
}

pub fn question(of: &Value) -> Question<'static> {
    for name in of.as_object().expect("an object").keys() {
        let known = [
            "at",
            "scope",
            "model",
            "action",
            "purposes",
            "actor",
            "identifiers",
            "roles",
            "study",
            "birth_date",
            "deceased",
            "data",
        ];
        assert!(known.contains(&name.as_str()), "{name}");
    }
    Question {
        at: moment(&of["at"]).map_or(0, |at| at.low),
        scope: match of["scope"].as_str() {
            Some("research") => Scope::Research,
            Some("treatment") => Scope::Treatment,
            _ => Scope::PatientPrivacy,
        },
        model: match of["model"].as_str() {
            Some("opt-out") => Model::OptOut,
            _ => Model::OptIn,
        },
        action: match of["action"].as_str() {
            Some("collect") => Action::Collect,
            Some("use") => Action::Use,
            Some("disclose") => Action::Disclose,
            Some("correct") => Action::Correct,
            _ => Action::Access,
        },
        purposes: codings(&of["purposes"], kura_consent::ACT_REASON),
        actor: Actor {
            references: texts(&of["actor"]),
            identifiers: codings(&of["identifiers"], ""),
            roles: codings(&of["roles"], ""),
        },
        study: of["study"].as_str().map(|_| text(&of["study"])),
        subject: Subject {
            birth_date: of["birth_date"].as_str().map(|_| text(&of["birth_date"])),
            deceased: moment(&of["deceased"]).map(|at| at.low),
            ..Subject::default()
        },
        data: of["data"].is_object().then(|| data(&of["data"])),
    }
}

fn data(of: &Value) -> Data<'static> {
    let (resource_type, id) = text(&of["record"]).split_once('/').expect("Type/id");
    let known = |name: &str| of[name].is_array().then(|| texts(&of[name]));
    Data {
        resource_type,
        id,
        version: of["version"].as_str().map(|_| text(&of["version"])),
        profiles: texts(&of["profiles"]),
        codes: codings(&of["codes"], ""),
        security: codings(&of["security"], ""),
        when: moment(&of["when"]),
        authors: known("authors"),
        refers_to: known("refers_to"),
        referred_by: known("referred_by"),
    }
}

/// `over` laid on `under`; objects are laid into each other, a `null` in one
/// takes away.
pub fn laid(under: &Value, over: &Value) -> Value {
    let (Value::Object(under), Value::Object(over)) = (under, over) else {
        return over.clone();
    };
    let mut all: Map<String, Value> = under.clone();
    for (name, value) in over {
        if value.is_null() {
            all.remove(name);
        } else {
            let below = all.get(name).cloned().unwrap_or(Value::Null);
            all.insert(name.clone(), laid(&below, value));
        }
    }
    Value::Object(all)
}

/// What every consent of the cases has, if it says nothing else.
pub fn plain() -> Value {
    json!({
        "resourceType": "Consent",
        "id": "c",
        "status": "active",
        "scope": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/consentscope",
            "code": "patient-privacy"
        }]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": "Patient/p"},
        "dateTime": "2022-06-13",
        "performer": [{"reference": "Patient/p"}],
        "organization": [{"reference": "Organization/o"}],
        "policy": [{"uri": "http://example.org/policies/base"}]
    })
}
