//! What holds of all consents.

use kura_consent::{Consents, Decision, Extent};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{laid, plain, question};

const PURPOSES: [&str; 6] = ["TREAT", "ETREAT", "HPAYMT", "HRESCH", "CLINTRCH", "PUBHLTH"];
const ACTORS: [&str; 3] = ["Organization/a", "Organization/b", "Practitioner/c"];
const LEVELS: [&str; 3] = ["L", "N", "R"];
const KINDS: [&str; 2] = ["permit", "deny"];

/// A provision of few words: any of its elements may be absent.
fn criteria() -> impl Strategy<Value = Value> {
    (
        0..KINDS.len(),
        prop::option::of(prop::sample::subsequence(&PURPOSES[..], 1..3)),
        prop::option::of(prop::sample::select(&ACTORS[..])),
        prop::option::of(prop::sample::select(&LEVELS[..])),
        prop::option::of(prop::sample::select(&["Observation", "Condition"][..])),
        prop::option::of(2024..2028_i32),
    )
        .prop_map(|(kind, purposes, actor, level, class, ends)| {
            let mut one = json!({"type": KINDS[kind]});
            if let Some(purposes) = purposes {
                one["purpose"] = purposes
                    .iter()
                    .map(|code| json!({"system": kura_consent::ACT_REASON, "code": code}))
                    .collect();
            }
            if let Some(actor) = actor {
                one["actor"] = json!([{
                    "role": {"coding": [{
                        "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                        "code": "IRCP"
                    }]},
                    "reference": {"reference": actor}
                }]);
            }
            if let Some(level) = level {
                one["securityLabel"] = json!([{
                    "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
                    "code": level
                }]);
            }
            if let Some(class) = class {
                one["class"] = json!([{
                    "system": "http://hl7.org/fhir/resource-types", "code": class
                }]);
            }
            if let Some(year) = ends {
                one["period"] = json!({"end": format!("{year}")});
            }
            one
        })
}

fn provision() -> impl Strategy<Value = Value> {
    criteria().prop_recursive(2, 12, 3, |inner| {
        (criteria(), prop::collection::vec(inner, 0..3)).prop_map(|(mut one, nested)| {
            if !nested.is_empty() {
                one["provision"] = Value::Array(nested);
            }
            one
        })
    })
}

fn consents() -> impl Strategy<Value = Vec<Value>> {
    let one = (
        provision(),
        prop::sample::select(
            &[
                "active", "active", "active", "inactive", "rejected", "draft",
            ][..],
        ),
        prop::sample::select(&["patient-privacy", "research"][..]),
        prop::sample::select(&["59284-0", "64292-6"][..]),
        2018..2026_i32,
    );
    prop::collection::vec(one, 0..5).prop_map(|all| {
        let body = |(at, (provision, status, scope, category, year))| {
            let own = json!({
                "id": format!("c{at}"),
                "status": status,
                "dateTime": format!("{year}-01-01"),
                "scope": {"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/consentscope",
                    "code": scope
                }]},
                "category": [{"coding": [{"system": "http://loinc.org", "code": category}]}],
                "provision": provision
            });
            laid(&plain(), &own)
        };
        all.into_iter().enumerate().map(body).collect()
    })
}

fn asked() -> impl Strategy<Value = Value> {
    (
        prop::sample::select(&["patient-privacy", "research"][..]),
        prop::sample::select(&["opt-in", "opt-out"][..]),
        prop::sample::subsequence(&PURPOSES[..], 0..3),
        prop::sample::subsequence(&ACTORS[..], 0..3),
        prop::sample::select(&["Observation/1", "Condition/2", "Patient/p"][..]),
        prop::sample::subsequence(&["conf|L", "conf|R", "act|PSY"][..], 0..3),
    )
        .prop_map(|(scope, model, purposes, actor, record, security)| {
            json!({
                "at": "2026-06-01", "scope": scope, "model": model, "purposes": purposes,
                "actor": actor,
                "data": {"record": record, "security": security}
            })
        })
}

/// A denial of everything, in force and newer than every other.
fn newest_denial(scope: &Value) -> Value {
    let own = json!({
        "id": "last", "dateTime": "2026-05-01", "scope": scope, "provision": {"type": "deny"}
    });
    laid(&plain(), &own)
}

fn scope(question: &Value) -> Value {
    json!({"coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/consentscope",
        "code": question["scope"]
    }]})
}

/// Puts `odd` in place of the value that `at` counts to, among all values of the body.
fn replaced(value: &mut Value, at: &mut usize, odd: &Value) {
    if *at == 0 {
        *value = odd.clone();
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replaced(item, at, odd)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|item| replaced(item, at, odd)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_newest_denial_denies(mut bodies in consents(), asked in asked()) {
        bodies.push(newest_denial(&scope(&asked)));
        let consents = Consents::compile(&bodies).unwrap();
        prop_assert_eq!(consents.decide(&question(&asked)).decision, Decision::Deny);
    }

    #[test]
    fn no_denial_that_is_added_permits(
        bodies in consents(), asked in asked(), mut denial in criteria(), year in 2018..2026_i32,
    ) {
        let before = Consents::compile(&bodies).unwrap();
        let before = before.decide(&question(&asked)).permits();
        denial["type"] = json!("deny");
        let denial = json!({
            "id": "added", "dateTime": format!("{year}"), "scope": scope(&asked),
            "provision": denial
        });
        let mut more = bodies;
        more.push(laid(&plain(), &denial));
        let after = Consents::compile(&more).unwrap();
        prop_assert!(before || !after.decide(&question(&asked)).permits());
    }

    #[test]
    fn order_is_nothing(
        (bodies, turned) in consents().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        asked in asked(),
    ) {
        let one = Consents::compile(&bodies).unwrap();
        let other = Consents::compile(&turned).unwrap();
        prop_assert_eq!(one.decide(&question(&asked)), other.decide(&question(&asked)));
    }

    #[test]
    fn without_an_active_consent_nothing_is_permitted(mut bodies in consents(), asked in asked()) {
        for body in &mut bodies {
            if body["status"] == "active" {
                body["status"] = json!("inactive");
            }
        }
        let consents = Consents::compile(&bodies).unwrap();
        let asked = laid(&asked, &json!({"model": "opt-in"}));
        prop_assert!(!consents.decide(&question(&asked)).permits());
    }

    #[test]
    fn a_modifier_never_permits(mut bodies in consents(), asked in asked()) {
        for body in &mut bodies {
            body["modifierExtension"] = json!([{"url": "http://example.org/m", "valueBoolean": true}]);
        }
        let asked = laid(&asked, &json!({"model": "opt-in"}));
        let consents = Consents::compile(&bodies).unwrap();
        prop_assert!(!consents.decide(&question(&asked)).permits());
    }

    #[test]
    fn what_is_said_of_the_patient_holds_of_each_record(bodies in consents(), asked in asked()) {
        let consents = Consents::compile(&bodies).unwrap();
        let record = question(&asked);
        let mut patient = record;
        patient.data = None;
        let whole = consents.decide(&patient);
        prop_assert_eq!(whole.permits(), whole.extent == Extent::All);
        let one = consents.decide(&record);
        prop_assert!(one.extent != Extent::Some);
        match whole.extent {
            Extent::All => prop_assert!(one.permits()),
            Extent::Nothing => prop_assert!(!one.permits()),
            Extent::Some => {}
        }
    }

    #[test]
    fn each_purpose_has_to_be_permitted(bodies in consents(), asked in asked()) {
        let consents = Consents::compile(&bodies).unwrap();
        let both = question(&asked);
        if consents.decide(&both).permits() {
            for purpose in both.purposes {
                let mut one = both;
                one.purposes = std::slice::from_ref(purpose);
                prop_assert!(consents.decide(&one).permits());
            }
        }
    }

    #[test]
    fn whatever_stands_in_a_consent_it_is_refused_or_decided_by(
        mut bodies in consents(), asked in asked(), mut at in 0..120_usize,
        odd in prop::sample::select(vec![
            json!(null), json!(7), json!("SECRET"), json!(""), json!([]), json!({}), json!([[]]),
            json!({"SECRET": 1}), json!(true), json!({"coding": [{}]}), json!("9999-12-31"),
            json!("/_history/"), json!("0000"),
        ]),
    ) {
        for body in &mut bodies {
            replaced(body, &mut at, &odd);
        }
        match Consents::compile(&bodies) {
            Ok(consents) => {
                let _ = consents.decide(&question(&asked)).to_string();
            }
            Err(refusal) => {
                prop_assert!(refusal.rule.starts_with("consent-"));
                prop_assert!(!refusal.to_string().contains("SECRET"));
            }
        }
    }
}
