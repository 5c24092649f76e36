//! What a profile may ask, each rule on its own, with profiles written as differentials. The rules
//! are those of FHIR R4 profiling.html, elementdefinition.html and extensibility.html.

use kura_validation::{Definitions, Outcome, Validator, Verdict};
use serde_json::{Value, json};

const OWN: &str = "http://example.org/StructureDefinition/";

fn profile(name: &str, kind: &str, elements: Value) -> Value {
    json!({
        "resourceType": "StructureDefinition",
        "url": format!("{OWN}{name}"),
        "kind": "resource", "type": kind, "derivation": "constraint",
        "baseDefinition": format!("http://hl7.org/fhir/StructureDefinition/{kind}"),
        "differential": { "element": elements }
    })
}

/// Holds an Observation against a profile; `changes` are laid over a right one.
fn hold(elements: Value, changes: Value) -> Outcome {
    hold_with(Vec::new(), elements, changes)
}

fn hold_with(others: Vec<Value>, elements: Value, changes: Value) -> Outcome {
    let mut definitions = Definitions::r4();
    definitions.add_package(others);
    definitions.add(profile("own", "Observation", elements));
    let mut resource = json!({
        "resourceType": "Observation",
        "status": "final",
        "code": { "text": "weight" }
    });
    for (key, value) in changes.as_object().expect("changes") {
        resource[key] = value.clone();
    }
    Validator::new(definitions).validate(&resource, &[&format!("{OWN}own")])
}

fn rules(outcome: &Outcome) -> Vec<String> {
    outcome
        .errors()
        .map(|issue| format!("{} {}", issue.path, issue.rule.replace(OWN, "")))
        .collect()
}

#[test]
fn cardinality_types_and_values() {
    let elements = json!([
        { "path": "Observation.subject", "min": 1 },
        { "path": "Observation.note", "max": "0" },
        { "path": "Observation.value[x]", "type": [{ "code": "Quantity" }] },
        { "path": "Observation.valueQuantity.value", "minValueDecimal": 1, "maxValueDecimal": 9.5 },
        { "path": "Observation.code.text", "maxLength": 6 },
        { "path": "Observation.status", "fixedCode": "final" },
        { "path": "Observation.method", "patternCodeableConcept": { "coding": [{ "system": "urn:s", "code": "a" }] } }
    ]);
    let right = hold(
        elements.clone(),
        json!({ "subject": { "display": "x" }, "valueQuantity": { "value": 9.5 },
            "method": { "coding": [{ "system": "urn:s", "code": "b" }, { "system": "urn:s", "code": "a" }] } }),
    );
    assert_eq!(right.verdict(), Verdict::Pass, "{:?}", right.issues);
    let wrong = hold(
        elements.clone(),
        json!({ "status": "amended", "note": [{ "text": "x" }], "valueQuantity": { "value": 9.51 },
            "code": { "text": "weights" }, "method": { "text": "a" } }),
    );
    assert_eq!(
        rules(&wrong),
        [
            "Observation.status own#Observation.status",
            "Observation.code.text own#Observation.code.text",
            "Observation own#Observation.subject",
            "Observation.valueQuantity.value own#Observation.value[x]:valueQuantity.value",
            "Observation own#Observation.note",
            "Observation.method own#Observation.method",
        ]
    );
    let other = hold(
        elements,
        json!({ "subject": { "display": "x" }, "valueString": "9" }),
    );
    assert_eq!(
        rules(&other),
        ["Observation.valueString own#Observation.value[x]"]
    );
}

fn sliced(discriminator: Value, rules: &str, ordered: bool, slices: Vec<Value>) -> Value {
    let mut elements = vec![json!({
        "id": "Observation.component", "path": "Observation.component",
        "slicing": { "discriminator": [discriminator], "rules": rules, "ordered": ordered }
    })];
    elements.extend(slices);
    Value::Array(elements)
}

fn component(code: &str) -> Value {
    json!({ "code": { "coding": [{ "system": "urn:s", "code": code }] }, "valueInteger": 1 })
}

fn slice(name: &str, min: u32, max: &str) -> [Value; 2] {
    let id = format!("Observation.component:{name}");
    [
        json!({ "id": id, "path": "Observation.component", "sliceName": name, "min": min, "max": max }),
        json!({ "id": format!("{id}.code"), "path": "Observation.component.code",
            "patternCodeableConcept": { "coding": [{ "system": "urn:s", "code": name }] } }),
    ]
}

#[test]
fn slices_by_value_count_and_close() {
    let by_code = json!({ "type": "value", "path": "code" });
    let both = || [slice("a", 1, "1"), slice("b", 0, "1")].concat();
    let closed = sliced(by_code.clone(), "closed", true, both());
    let components = |codes: &[&str]| {
        let all: Vec<Value> = codes.iter().map(|code| component(code)).collect();
        json!({ "component": all })
    };
    let found =
        |elements: &Value, codes: &[&str]| rules(&hold(elements.clone(), components(codes)));
    assert!(found(&closed, &["a", "b"]).is_empty());
    assert_eq!(
        found(&closed, &["b"]),
        ["Observation own#Observation.component:a"]
    );
    assert_eq!(
        found(&closed, &["a", "a"]),
        ["Observation own#Observation.component:a"]
    );
    assert_eq!(
        found(&closed, &["a", "c"]),
        ["Observation.component[1] own#Observation.component"]
    );
    assert_eq!(
        found(&closed, &["b", "a"]),
        ["Observation.component[1] own#Observation.component"]
    );
    let at_end = sliced(by_code.clone(), "openAtEnd", false, both());
    assert!(found(&at_end, &["b", "a", "c"]).is_empty());
    assert_eq!(
        found(&at_end, &["c", "a"]),
        ["Observation.component[1] own#Observation.component"]
    );
    // By a path into the pattern, and by a path that leads through an array.
    for path in ["code.coding.code", "code.coding"] {
        let open = sliced(
            json!({ "type": "value", "path": path }),
            "open",
            false,
            both(),
        );
        assert!(found(&open, &["c", "a"]).is_empty(), "{path}");
        assert_eq!(
            found(&open, &["c"]),
            ["Observation own#Observation.component:a"],
            "{path}"
        );
    }
}

#[test]
fn slices_by_type_existence_and_extension() {
    let named = |name: &str, child: Value| {
        let id = format!("Observation.component:{name}");
        let mut child = child;
        let path = child["path"].as_str().unwrap_or_default().to_owned();
        child["id"] = json!(format!("{id}.{path}"));
        child["path"] = json!(format!("Observation.component.{path}"));
        vec![
            json!({ "id": id, "path": "Observation.component", "sliceName": name, "max": "1" }),
            child,
        ]
    };
    let two = json!({ "component": [component("a"), component("b")] });
    let by_type = sliced(
        json!({ "type": "type", "path": "value" }),
        "open",
        false,
        named(
            "int",
            json!({ "path": "value[x]", "type": [{ "code": "integer" }] }),
        ),
    );
    assert_eq!(
        rules(&hold(by_type, two.clone())),
        ["Observation own#Observation.component:int"]
    );
    let by_existence = sliced(
        json!({ "type": "exists", "path": "dataAbsentReason" }),
        "open",
        false,
        named("there", json!({ "path": "dataAbsentReason", "max": "0" })),
    );
    assert_eq!(
        rules(&hold(by_existence, two)),
        ["Observation own#Observation.component:there"]
    );
    let by_extension = json!([
        { "id": "Observation.value[x]", "path": "Observation.value[x]",
          "slicing": { "discriminator": [{ "type": "type", "path": "$this" }], "rules": "closed" } },
        { "id": "Observation.value[x]:valueString", "path": "Observation.value[x]",
          "sliceName": "valueString", "type": [{ "code": "string" }] },
        { "id": "Observation.value[x]:valueString.extension", "path": "Observation.value[x].extension", "min": 1 }
    ]);
    let without = hold(by_extension.clone(), json!({ "valueString": "x" }));
    assert_eq!(
        rules(&without),
        ["Observation.valueString own#Observation.value[x]:valueString.extension"]
    );
    let other = hold(by_extension, json!({ "valueInteger": 1 }));
    assert!(other.verdict() == Verdict::Fail, "{:?}", other.issues);
}

#[test]
fn slices_by_profile_and_references() {
    let local = profile(
        "named",
        "Patient",
        json!([{ "path": "Patient.name", "min": 1 }]),
    );
    let elements = json!([
        { "id": "Observation.contained", "path": "Observation.contained",
          "slicing": { "discriminator": [{ "type": "profile", "path": "$this" }], "rules": "open" } },
        { "id": "Observation.contained:patient", "path": "Observation.contained", "sliceName": "patient",
          "min": 1, "type": [{ "code": "Patient", "profile": [format!("{OWN}named")] }] },
        { "path": "Observation.subject",
          "type": [{ "code": "Reference", "targetProfile": [format!("{OWN}named")] }] }
    ]);
    let with = |patient: Value, subject: Value| {
        rules(&hold_with(
            vec![local.clone()],
            elements.clone(),
            json!({ "contained": [patient], "subject": subject }),
        ))
    };
    let right = json!({ "resourceType": "Patient", "id": "p", "name": [{ "text": "x" }] });
    assert!(with(right.clone(), json!({ "reference": "#p" })).is_empty());
    let nameless = json!({ "resourceType": "Patient", "id": "p", "active": true });
    assert_eq!(
        with(nameless, json!({ "reference": "#p" })),
        [
            "Observation own#Observation.contained:patient",
            "Observation.subject own#Observation.subject"
        ]
    );
    // R4 lets the subject be a Location, the profile does not; nobody lets it be a Practitioner.
    assert_eq!(
        with(right.clone(), json!({ "reference": "Location/1" }))[1..],
        ["Observation.subject own#Observation.subject"]
    );
    let other = with(right, json!({ "reference": "Practitioner/1" }));
    assert!(
        other.contains(&"Observation.subject Observation.subject".to_owned()),
        "{other:?}"
    );
}

#[test]
fn extensions_are_held_against_their_definitions() {
    let extension = json!({
        "resourceType": "StructureDefinition", "url": format!("{OWN}reason"),
        "kind": "complex-type", "type": "Extension", "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
        "context": [{ "type": "element", "expression": "Observation.code" }],
        "differential": { "element": [
            { "path": "Extension.url", "fixedUri": format!("{OWN}reason") },
            { "path": "Extension.value[x]", "min": 1, "type": [{ "code": "code" }] }
        ] }
    });
    let hold = |code: Value, more: Value| {
        let mut changes = more;
        changes["code"] = code;
        hold_with(vec![extension.clone()], json!([]), changes)
    };
    let own = |value: Value| {
        let mut one = value;
        one["url"] = json!(format!("{OWN}reason"));
        json!([one])
    };
    let right = hold(
        json!({ "text": "x", "extension": own(json!({ "valueCode": "a" })) }),
        json!({}),
    );
    assert_eq!(right.verdict(), Verdict::Pass, "{:?}", right.issues);
    let of_type = hold(
        json!({ "text": "x", "extension": own(json!({ "valueString": "a" })) }),
        json!({}),
    );
    assert_eq!(
        rules(&of_type),
        ["Observation.code.extension[0].valueString reason#Extension.value[x]"]
    );
    let misplaced = hold(
        json!({ "text": "x" }),
        json!({ "extension": own(json!({ "valueCode": "a" })) }),
    );
    assert_eq!(
        rules(&misplaced),
        ["Observation.extension[0] reason#context"]
    );
    let unknown = json!([{ "url": "http://example.org/unknown", "valueCode": "a" }]);
    let warned = hold(json!({ "text": "x", "extension": unknown }), json!({}));
    assert_eq!(warned.verdict(), Verdict::Pass);
    assert!(
        warned
            .issues
            .iter()
            .any(|issue| issue.code.code() == "extension")
    );
    let modified = hold(
        json!({ "text": "x" }),
        json!({ "modifierExtension": unknown }),
    );
    assert_eq!(
        rules(&modified),
        ["Observation.modifierExtension[0] modifierExtension"]
    );
}

#[test]
fn a_binding_fails_passes_or_is_unknown() {
    let set = |name: &str, system: &str| {
        json!({ "resourceType": "ValueSet", "url": format!("http://example.org/vs/{name}"),
            "compose": { "include": [{ "system": system }] } })
    };
    let others = vec![
        json!({ "resourceType": "CodeSystem", "url": "urn:known", "content": "complete", "concept": [{ "code": "a" }] }),
        set("known", "urn:known"),
        set("unknown", "urn:unknown"),
    ];
    let hold = |strength: &str, name: &str, coding: Value| {
        let url = format!("http://example.org/vs/{name}");
        let elements = json!([{ "path": "Observation.method", "binding": { "strength": strength, "valueSet": url } }]);
        hold_with(
            others.clone(),
            elements,
            json!({ "method": { "coding": [coding] } }),
        )
    };
    let known = |code: &str| json!({ "system": "urn:known", "code": code });
    assert_eq!(
        hold("required", "known", known("a")).verdict(),
        Verdict::Pass
    );
    assert_eq!(
        hold("required", "known", known("b")).verdict(),
        Verdict::Fail
    );
    let warned = hold("extensible", "known", known("b"));
    assert_eq!(warned.verdict(), Verdict::Pass);
    assert!(
        warned
            .issues
            .iter()
            .any(|issue| issue.code.code() == "code-invalid")
    );
    let unknown = hold(
        "required",
        "unknown",
        json!({ "system": "urn:unknown", "code": "a" }),
    );
    assert_eq!(unknown.verdict(), Verdict::Unknown);
    assert!(unknown.missing.contains("urn:unknown"));
    assert_eq!(
        hold("required", "absent", known("a")).verdict(),
        Verdict::Unknown
    );
    // Of another system, so not in it, whatever the system holds.
    assert_eq!(
        hold("required", "unknown", known("a")).verdict(),
        Verdict::Fail
    );
}

#[test]
fn the_structure_of_json_is_that_of_the_type() {
    let validator = Validator::new(Definitions::r4());
    let found = |changes: Value| {
        let mut resource = json!({ "resourceType": "Patient", "active": true });
        for (key, value) in changes.as_object().expect("changes") {
            resource[key] = value.clone();
        }
        rules(&validator.validate(&resource, &[]))
    };
    // FHIR R4 json.html: arrays, nulls beside companions, no empty objects or arrays.
    assert!(found(json!({ "name": [{ "given": ["A", null], "_given": [null, { "extension": [
        { "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown" }] }] }] })).is_empty());
    assert_eq!(
        found(json!({ "name": { "text": "x" } })),
        ["Patient.name Patient.name"]
    );
    assert_eq!(found(json!({ "name": [] })), ["Patient.name Patient.name"]);
    assert_eq!(
        found(json!({ "name": [{ "given": ["A", null] }] })),
        ["Patient.name[0].given[1] HumanName.given"]
    );
    assert_eq!(
        found(json!({ "maritalStatus": {} })),
        ["Patient.maritalStatus ele-1"]
    );
    assert_eq!(
        found(json!({ "active": "true" })),
        ["Patient.active Patient.active"]
    );
    assert_eq!(found(json!({ "nick": "x" })), ["Patient Patient"]);
    assert_eq!(
        found(json!({ "birthDate": "1970-02-30" })),
        ["Patient.birthDate Patient.birthDate"]
    );
    assert_eq!(
        found(json!({ "deceasedBoolean": true, "deceasedDateTime": "2020" })),
        ["Patient Patient.deceased[x]"]
    );
    assert_eq!(
        found(json!({ "link": [{ "type": "seealso" }] })),
        ["Patient.link[0] Patient.link.other"]
    );
    assert_eq!(
        found(json!({ "contact": [{ "gender": "male" }] })),
        ["Patient.contact[0] pat-1"]
    );
    assert_eq!(
        found(json!({ "contained": [{ "resourceType": "Nobody" }] })),
        ["Patient.contained[0] DomainResource.contained"]
    );
}
