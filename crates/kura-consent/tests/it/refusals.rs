//! What is malformed is refused at its place, and no value of it is repeated.

use kura_consent::Consents;
use serde_json::{Value, json};

use crate::support::{laid, plain};

fn refused(over: Value) -> (String, String) {
    let refusal = Consents::compile(&[laid(&plain(), &over)]).unwrap_err();
    assert!(!refusal.to_string().contains("SECRET"), "{refusal}");
    (refusal.rule, refusal.location.path.unwrap_or_default())
}

#[test]
fn the_rule_and_the_place_are_told() {
    let nested = |inner: Value| json!({"provision": {"type": "permit", "provision": [inner]}});
    let actor = |actor: Value| json!({"provision": {"type": "permit", "actor": [actor]}});
    for (over, rule, place) in [
        (
            json!({"resourceType": "Patient"}),
            "consent-type",
            "Consent.resourceType",
        ),
        (json!({"id": null}), "consent-id", "Consent.id"),
        (json!({"status": null}), "consent-status", "Consent.status"),
        (
            json!({"status": "SECRET"}),
            "consent-status",
            "Consent.status",
        ),
        (json!({"scope": null}), "consent-scope", "Consent.scope"),
        (
            json!({"category": null}),
            "consent-category",
            "Consent.category",
        ),
        (json!({"category": []}), "consent-list", "Consent.category"),
        (
            json!({"patient": null}),
            "consent-patient",
            "Consent.patient",
        ),
        (
            json!({"dateTime": "SECRET"}),
            "consent-date",
            "Consent.dateTime",
        ),
        (
            json!({"provision": "SECRET"}),
            "consent-element",
            "Consent.provision",
        ),
        (
            json!({"provision": {"type": "SECRET"}}),
            "consent-provision-type",
            "Consent.provision.type",
        ),
        (
            nested(json!({})),
            "consent-provision-type",
            "Consent.provision.provision[0]",
        ),
        (
            json!({"provision": {"period": {"start": "2026-02", "end": "2026-01"}}}),
            "consent-period",
            "Consent.provision.period",
        ),
        (
            nested(json!({"type": "deny", "period": {"end": "2026-13"}})),
            "consent-date",
            "Consent.provision.provision[0].period.end",
        ),
        (
            json!({"provision": {"purpose": []}}),
            "consent-list",
            "Consent.provision.purpose",
        ),
        (
            json!({"provision": {"purpose": {"code": "SECRET"}}}),
            "consent-list",
            "Consent.provision.purpose",
        ),
        (
            json!({"provision": {"purpose": [7]}}),
            "consent-element",
            "Consent.provision.purpose[0]",
        ),
        (
            json!({"provision": {"purpose": [{"code": 7}]}}),
            "consent-text",
            "Consent.provision.purpose[0].code",
        ),
        (
            actor(json!({"reference": {"reference": "SECRET/1"}})),
            "consent-actor",
            "Consent.provision.actor[0]",
        ),
        (
            json!({"provision": {"data": [{"meaning": "SECRET", "reference": {"reference": "A/1"}}]}}),
            "consent-data",
            "Consent.provision.data[0].meaning",
        ),
        (
            json!({"provision": {"extension": [{
                "url": "http://hl7.org/fhir/StructureDefinition/consent-ResearchStudyContext",
                "valueString": "SECRET"
            }]}}),
            "consent-study",
            "Consent.provision.extension[0]",
        ),
        (
            json!({"verification": [{"verified": "SECRET"}]}),
            "consent-verification",
            "Consent.verification[0].verified",
        ),
    ] {
        assert_eq!(refused(over), (rule.to_owned(), format!("[0] {place}")));
    }
}

#[test]
fn depth_and_number_are_bounded() {
    let mut deep = json!({"type": "permit"});
    for level in 0..7 {
        let kind = if level % 2 == 0 { "deny" } else { "permit" };
        deep = json!({"type": kind, "provision": [deep]});
    }
    assert!(Consents::compile(&[laid(&plain(), &json!({"provision": deep}))]).is_ok());
    let deeper = json!({"type": "permit", "provision": [deep]});
    assert_eq!(refused(json!({"provision": deeper})).0, "consent-depth");
    let wide = vec![json!({"type": "deny"}); 1_000];
    let wide = json!({"type": "permit", "provision": wide});
    assert_eq!(refused(json!({"provision": wide})).0, "consent-size");
}

#[test]
fn consents_of_two_patients_are_not_mixed() {
    let other = json!({"id": "d", "patient": {"reference": "Patient/SECRET"}});
    let refusal = Consents::compile(&[plain(), laid(&plain(), &other)]).unwrap_err();
    assert_eq!(refusal.rule, "consent-patient");
    assert!(!refusal.to_string().contains("SECRET"));
    assert_eq!(
        Consents::compile(&[plain()]).unwrap().patient(),
        Some("Patient/p")
    );
}

#[test]
fn the_same_consent_twice_is_refused_unless_its_versions_tell() {
    let refusal = Consents::compile(&[plain(), plain()]).unwrap_err();
    assert_eq!(refusal.rule, "consent-repeated");
    let second = laid(&plain(), &json!({"meta": {"versionId": "2"}}));
    let tenth = laid(&plain(), &json!({"meta": {"versionId": "10"}}));
    assert!(Consents::compile(&[tenth, second]).is_ok());
}

#[test]
fn texts_are_read_as_strictly() {
    let repeated = r#"{"resourceType":"Consent","status":"active","status":"SECRET"}"#;
    for body in [repeated, "{", "7", "\"SECRET\""] {
        let refusal = Consents::parse(&[body]).unwrap_err();
        assert!(!refusal.to_string().contains("SECRET"), "{refusal}");
    }
}
