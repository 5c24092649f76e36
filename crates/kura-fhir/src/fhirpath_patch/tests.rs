use kura_model::{Category, Error, Result};
use serde_json::{Value, json};

use crate::patch::Patch;

fn operation(parts: Value) -> Value {
    let parts: Vec<Value> = parts
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| match (name.as_str(), value) {
            ("value", Value::Object(given)) => {
                let mut part = json!({"name": "value"});
                part.as_object_mut().unwrap().extend(given.clone());
                part
            }
            ("type", value) => json!({"name": "type", "valueCode": value}),
            (name, Value::Number(_)) => json!({"name": name, "valueInteger": value}),
            (name, value) => json!({"name": name, "valueString": value}),
        })
        .collect();
    json!({"name": "operation", "part": parts})
}

fn patched(before: &Value, operations: &[Value]) -> Result<Value> {
    let operations: Vec<Value> = operations.iter().cloned().map(operation).collect();
    let parameters = json!({"resourceType": "Parameters", "parameter": operations});
    Patch::from_parameters(&parameters)?.apply(before)
}

fn patient(within: Value) -> Value {
    let mut value = json!({"resourceType": "Patient"});
    value
        .as_object_mut()
        .unwrap()
        .extend(within.as_object().unwrap().clone());
    value
}

fn list(numbers: &[u32]) -> Value {
    let item = |number| json!({"system": "http://example.org", "value": format!("value {number}")});
    patient(json!({"identifier": numbers.iter().map(item).collect::<Vec<_>>()}))
}

fn moved(source: u32, destination: u32) -> Value {
    json!({"type": "move", "path": "Patient.identifier", "source": source, "destination": destination})
}

/// HL7's own cases, by their names: FHIR/fhir-test-cases, r4/patch/fhir-path-tests.xml (HL7, CC0).
/// Not among them: "Full Resource" (two replacements, as below) and "Consecutive operations", whose
/// output is not what its operations do.
#[test]
fn hl7s_cases() {
    let identifier =
        json!({"valueIdentifier": {"system": "http://example.org", "value": "value 3"}});
    let insert = |index: u32| json!({"type": "insert", "path": "Patient.identifier", "index": index, "value": identifier});
    let delete = |path: &str| json!({"type": "delete", "path": path});
    let contact = json!({"contact": [{"name": {"text": "a name"}, "gender": "male"}]});
    let named = json!({"contact": [{"name": {"text": "a name"}}]});
    let birth = json!({"birthDate": "1920-01-01"});
    let nothing = json!({});
    for (name, before, operations, after) in [
        (
            "No Difference",
            patient(birth.clone()),
            vec![],
            patient(birth.clone()),
        ),
        (
            "Replace Primitive",
            patient(birth.clone()),
            vec![
                json!({"type": "replace", "path": "Patient.birthDate", "value": {"valueDate": "1930-01-01"}}),
            ],
            patient(json!({"birthDate": "1930-01-01"})),
        ),
        (
            "Delete Primitive",
            patient(birth.clone()),
            vec![delete("Patient.birthDate")],
            patient(nothing.clone()),
        ),
        (
            "Add Primitive",
            patient(nothing.clone()),
            vec![
                json!({"type": "add", "path": "Patient", "name": "birthDate", "value": {"valueDate": "1930-01-01"}}),
            ],
            patient(json!({"birthDate": "1930-01-01"})),
        ),
        (
            "Replace Nested Primitive #1",
            patient(contact.clone()),
            vec![
                json!({"type": "replace", "path": "Patient.contact[0].gender", "value": {"valueCode": "female"}}),
            ],
            patient(json!({"contact": [{"name": {"text": "a name"}, "gender": "female"}]})),
        ),
        (
            "Replace Nested Primitive #2",
            patient(contact.clone()),
            vec![
                json!({"type": "replace", "path": "Patient.contact[0].name.text", "value": {"valueString": "the name"}}),
            ],
            patient(json!({"contact": [{"name": {"text": "the name"}, "gender": "male"}]})),
        ),
        (
            "Delete Nested Primitive #1",
            patient(contact.clone()),
            vec![delete("Patient.contact[0].gender")],
            patient(named.clone()),
        ),
        (
            "Delete Nested Primitive #2",
            patient(contact.clone()),
            vec![delete("Patient.contact[0].name.text")],
            patient(json!({"contact": [{"gender": "male"}]})),
        ),
        (
            "Add Nested Primitive",
            patient(named.clone()),
            vec![
                json!({"type": "add", "path": "Patient.contact[0]", "name": "gender", "value": {"valueCode": "male"}}),
            ],
            patient(contact.clone()),
        ),
        (
            "Add Complex",
            patient(nothing.clone()),
            vec![
                json!({"type": "add", "path": "Patient", "name": "maritalStatus", "value": {"valueCodeableConcept": {"text": "married"}}}),
            ],
            patient(json!({"maritalStatus": {"text": "married"}})),
        ),
        (
            "Replace Complex",
            patient(json!({"maritalStatus": {"id": "1", "text": "married"}})),
            vec![
                json!({"type": "replace", "path": "Patient.maritalStatus", "value": {"valueCodeableConcept": {"id": "2", "text": "not married"}}}),
            ],
            patient(json!({"maritalStatus": {"id": "2", "text": "not married"}})),
        ),
        (
            "Delete Complex",
            patient(json!({"maritalStatus": {"text": "married"}})),
            vec![delete("Patient.maritalStatus")],
            patient(nothing.clone()),
        ),
        (
            "Add Anonymous Type",
            patient(nothing.clone()),
            vec![json!({"type": "add", "path": "Patient", "name": "contact",
                "value": {"part": [{"name": "name", "valueHumanName": {"text": "a name"}}]}})],
            patient(named.clone()),
        ),
        (
            "Delete Anonymous Type",
            patient(named.clone()),
            vec![delete("Patient.contact[0]")],
            patient(nothing.clone()),
        ),
        ("List unchanged", list(&[1, 2]), vec![], list(&[1, 2])),
        (
            "List unchanged, contents changed",
            list(&[1, 2]),
            vec![
                json!({"type": "replace", "path": "Patient.identifier[0].value", "value": {"valueString": "value 2"}}),
                json!({"type": "replace", "path": "Patient.identifier[1].value", "value": {"valueString": "value 1"}}),
            ],
            list(&[2, 1]),
        ),
        (
            "Add to list",
            list(&[1, 2]),
            vec![insert(2)],
            list(&[1, 2, 3]),
        ),
        (
            "Insert in list #1",
            list(&[1, 2]),
            vec![insert(1)],
            list(&[1, 3, 2]),
        ),
        (
            "Insert in list #2",
            list(&[1, 2]),
            vec![insert(0)],
            list(&[3, 1, 2]),
        ),
        (
            "Delete from List #1",
            list(&[1, 2, 3]),
            vec![delete("Patient.identifier[0]")],
            list(&[2, 3]),
        ),
        (
            "Delete from List #2",
            list(&[1, 2, 3]),
            vec![delete("Patient.identifier[1]")],
            list(&[1, 3]),
        ),
        (
            "Delete from List #3",
            list(&[1, 2, 3]),
            vec![delete("Patient.identifier[2]")],
            list(&[1, 2]),
        ),
        (
            "Reorder List #1",
            list(&[1, 2, 3, 4]),
            vec![moved(3, 1)],
            list(&[1, 4, 2, 3]),
        ),
        (
            "Reorder List #2",
            list(&[1, 2, 3, 4]),
            vec![moved(3, 0)],
            list(&[4, 1, 2, 3]),
        ),
        (
            "Reorder List #3",
            list(&[1, 2, 3, 4]),
            vec![moved(3, 2)],
            list(&[1, 2, 4, 3]),
        ),
        (
            "Reorder List #4",
            list(&[1, 2, 3, 4]),
            vec![moved(0, 3)],
            list(&[2, 3, 4, 1]),
        ),
        (
            "Reorder List #5",
            list(&[1, 2, 3, 4]),
            vec![moved(1, 0), moved(2, 1)],
            list(&[2, 3, 1, 4]),
        ),
        (
            "Reorder List #6",
            list(&[1, 2, 3, 4]),
            vec![moved(3, 0), moved(3, 1), moved(3, 2)],
            list(&[4, 3, 2, 1]),
        ),
        (
            "Operation on missing element #2",
            patient(nothing.clone()),
            vec![
                json!({"type": "add", "path": "Patient", "name": "identifier", "value": identifier}),
            ],
            list(&[3]),
        ),
    ] {
        assert_eq!(patched(&before, &operations).unwrap(), after, "{name}");
    }
    // "Operation on missing element"
    let before = patient(json!({"identifier": [{"use": "official", "value": "123"}]}));
    let error = patched(
        &before,
        &[json!({"type": "add",
        "path": "Patient.identifier.where(use = 'official').period", "name": "end", "value": {"valueDate": "2021-12-01"}})],
    );
    assert_eq!(error.unwrap_err().category, Category::Unprocessable);
}

#[test]
fn choices_companions_and_lists_that_are_not_there() {
    let observation = json!({"resourceType": "Observation", "valueQuantity": {"value": 1}});
    let after = patched(
        &observation,
        &[
            json!({"type": "replace", "path": "Observation.value", "value": {"valueString": "a"}}),
            json!({"type": "insert", "path": "Observation.category", "index": 0, "value": {"valueCodeableConcept": {"text": "c"}}}),
        ],
    );
    assert_eq!(
        after.unwrap(),
        json!({"resourceType": "Observation", "valueString": "a", "category": [{"text": "c"}]})
    );
    let after = patched(
        &json!({"resourceType": "Observation"}),
        &[
            json!({"type": "add", "path": "Observation", "name": "value", "value": {"valueInteger": 2}}),
        ],
    );
    assert_eq!(after.unwrap()["valueInteger"], 2);
    // A value and its extension move and go together.
    let before =
        patient(json!({"name": [{"given": ["a", "b", "c"], "_given": [null, {"id": "x"}, null]}]}));
    let after = patched(
        &before,
        &[
            json!({"type": "move", "path": "Patient.name.given", "source": 1, "destination": 0}),
            json!({"type": "delete", "path": "Patient.name.given[2]"}),
            json!({"type": "add", "path": "Patient.name.given[1]", "name": "extension", "value": {"part": [
            {"name": "url", "valueUri": "http://x"}, {"name": "value", "valueString": "e"}]}}),
        ],
    );
    assert_eq!(
        after.unwrap()["name"][0],
        json!({"given": ["b", "a"], "_given": [{"id": "x"}, {"extension": [{"url": "http://x", "valueString": "e"}]}]})
    );
    let before =
        patient(json!({"birthDate": "1970", "_birthDate": {"extension": [{"url": "http://x"}]}}));
    let gone = patched(
        &before,
        &[json!({"type": "delete", "path": "Patient.birthDate.extension"})],
    );
    assert_eq!(gone.unwrap(), patient(json!({"birthDate": "1970"})));
    let within = json!({"resourceType": "Patient", "contained": [{"resourceType": "Organization", "id": "o"}]});
    let after = patched(
        &within,
        &[
            json!({"type": "add", "path": "Patient.contained[0]", "name": "name", "value": {"valueString": "n"}}),
        ],
    );
    assert_eq!(after.unwrap()["contained"][0]["name"], "n");
    // "(if found)"
    let same = patched(
        &before,
        &[json!({"type": "delete", "path": "Patient.gender"})],
    );
    assert_eq!(same.unwrap(), before);
}

#[test]
fn what_cannot_be_done_is_refused_without_its_values() {
    let before = patient(json!({"gender": "male", "name": [{"text": "a"}, {"text": "b"}]}));
    let refused = |operation: Value| -> Error {
        let error = patched(&before, std::slice::from_ref(&operation)).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(
            error.place(),
            Some("Parameters.parameter[0]"),
            "{operation}"
        );
        error
    };
    for operation in [
        json!({"type": "add", "path": "Patient", "name": "secret", "value": {"valueString": "secret"}}),
        json!({"type": "add", "path": "Patient", "name": "gender", "value": {"valueCode": "secret"}}),
        json!({"type": "add", "path": "Patient", "name": "birthDate", "value": {"valueInteger": 1}}),
        json!({"type": "add", "path": "Patient", "name": "birthDate", "value": {"valueDate": {"secret": 1}}}),
        json!({"type": "add", "path": "Patient", "name": "maritalStatus", "value": {"valueQuantity": {}}}),
        json!({"type": "add", "path": "Patient", "name": "deceased", "value": {"valueString": "secret"}}),
        json!({"type": "add", "path": "Patient.name", "name": "family", "value": {"valueString": "secret"}}),
        json!({"type": "delete", "path": "Patient.name"}),
        json!({"type": "delete", "path": "Patient"}),
        json!({"type": "replace", "path": "Patient", "value": {"valueString": "secret"}}),
        json!({"type": "replace", "path": "Patient.birthDate", "value": {"valueDate": "secret"}}),
        json!({"type": "replace", "path": "'secret'", "value": {"valueDate": "secret"}}),
        json!({"type": "insert", "path": "Patient.name", "index": 3, "value": {"valueHumanName": {}}}),
        json!({"type": "insert", "path": "Patient.name.where(text = 'a')", "index": 0, "value": {"valueHumanName": {}}}),
        json!({"type": "insert", "path": "Patient.gender", "index": 0, "value": {"valueCode": "secret"}}),
        json!({"type": "move", "path": "Patient.name", "source": 0, "destination": 2}),
        json!({"type": "add", "path": "Patient", "name": "contact", "value": {}}),
    ] {
        assert_eq!(
            refused(operation.clone()).category,
            Category::Unprocessable,
            "{operation}"
        );
    }
    for operation in [
        json!({"type": "secret", "path": "Patient"}),
        json!({"path": "Patient"}),
        json!({"type": "delete"}),
        json!({"type": "delete", "path": "Patient.("}),
        json!({"type": "add", "path": "Patient", "value": {"valueString": "secret"}}),
        json!({"type": "replace", "path": "Patient"}),
        json!({"type": "move", "path": "Patient.name", "source": 0}),
        json!({"type": "insert", "path": "Patient.name", "index": -1, "value": {}}),
    ] {
        assert_eq!(
            refused(operation.clone()).category,
            Category::Invalid,
            "{operation}"
        );
    }
}

#[test]
fn a_patch_neither_digs_nor_works_for_ever() {
    let dig = json!({"type": "add", "path": "Patient.repeat(extension).last() | Patient.where(extension.empty())",
        "name": "extension", "value": {"part": [{"name": "url", "valueUri": "http://x"}]}});
    let error = patched(&patient(json!({})), &vec![dig; 80]).unwrap_err();
    assert!(error.message().contains("nests too deep"), "{error}");
    let many: Vec<Value> = (0..400).map(|at| json!({"text": at.to_string()})).collect();
    let work = json!({"type": "delete", "path": "Patient.name.where(%resource.name.where(%resource.name.text.count() > 1000).exists()).gone"});
    let error = patched(&patient(json!({"name": many})), &[work]).unwrap_err();
    assert_eq!(error.code(), Some("too-costly"));
}
