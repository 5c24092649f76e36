//! How long a decision takes: ten consents with nested provisions, a record of a data set.
//!
//! `cargo run --release -p kura-consent --example decide`

#![allow(clippy::print_stdout, reason = "the figures are what it is run for")]

use std::hint::black_box;
use std::time::Instant;

use kura_consent::{Action, Actor, Coding, Consents, Data, Model, Question, Scope, Span, Subject};
use serde_json::{Value, json};

const DECISIONS: u32 = 200_000;

fn purpose(code: &str) -> Value {
    json!({"system": kura_consent::ACT_REASON, "code": code})
}

fn actor(reference: &str) -> Value {
    json!({
        "role": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"
        }]},
        "reference": {"reference": reference}
    })
}

/// Half for care, half for research; each with three exceptions, one of them with its own.
fn consent(at: usize) -> Value {
    let scope = if at.is_multiple_of(2) {
        "research"
    } else {
        "patient-privacy"
    };
    json!({
        "resourceType": "Consent", "id": format!("c{at}"), "status": "active",
        "scope": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": scope
        }]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": "Patient/p"},
        "performer": [{"reference": "Patient/p"}],
        "dateTime": format!("20{}-04-01", 10 + at),
        "policy": [{"uri": "https://example.org/policy"}],
        "provision": {
            "type": "permit",
            "period": {"end": "2040"},
            "purpose": [purpose("TREAT"), purpose("HPAYMT"), purpose("HRESCH")],
            "provision": [
                {"type": "deny", "securityLabel": [{
                    "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
                    "code": "R"
                }], "provision": [{"type": "permit", "actor": [actor("Practitioner/x")]}]},
                {"type": "deny", "actor": [actor("Organization/far"), actor("Organization/off")]},
                {"type": "deny", "dataPeriod": {"start": "2004", "end": "2005"},
                 "code": [{"coding": [{"system": "http://loinc.org", "code": "75622-1"}]}],
                 "data": [{"meaning": "authoredby", "reference": {"reference": "Practitioner/y"}}]}
            ]
        }
    })
}

fn main() -> Result<(), kura_model::Refusal> {
    let bodies: Vec<Value> = (0..10).map(consent).collect();
    let from = Instant::now();
    for _ in 0..1_000 {
        black_box(Consents::compile(black_box(&bodies))?);
    }
    let compiled = from.elapsed() / 1_000;
    let consents = Consents::compile(&bodies)?;
    let record = Data {
        resource_type: "Observation",
        id: "o1",
        codes: &[
            Coding::new("http://loinc.org", "2339-0"),
            Coding::new("urn:oid:1.2.3", "3D010"),
        ],
        security: &[Coding::new(
            "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
            "N",
        )],
        when: Span::of("2024-02-03"),
        authors: Some(&["Practitioner/z"]),
        refers_to: Some(&["Encounter/e"]),
        referred_by: Some(&[]),
        ..Data::default()
    };
    let question = Question {
        at: Span::of("2026-06-01").map_or(0, |day| day.low),
        scope: Scope::Research,
        model: Model::OptIn,
        action: Action::Use,
        purposes: &[Coding::purpose("CLINTRCH")],
        actor: Actor {
            references: &["Practitioner/r", "Organization/u"],
            ..Actor::default()
        },
        study: Some("ResearchStudy/s"),
        subject: Subject::default(),
        data: Some(record),
    };
    println!("ten consents compiled: {compiled:?}");
    println!("the verdict: {}", consents.decide(&question));
    for (what, question) in [
        ("a record", question),
        (
            "the patient as a whole",
            Question {
                data: None,
                ..question
            },
        ),
    ] {
        let from = Instant::now();
        for _ in 0..DECISIONS {
            black_box(consents.decide(black_box(&question)));
        }
        println!(
            "{what}: {} ns per decision",
            (from.elapsed() / DECISIONS).as_nanos()
        );
    }
    Ok(())
}
