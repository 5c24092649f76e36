//! The interface as search, validation and views use it, on small resources of our own.

use kura_fhirpath::{Environment, Expression, Item, Resolve};
use serde_json::{Value, json};

fn patient() -> Value {
    json!({
        "resourceType": "Patient",
        "id": "p1",
        "_birthDate": { "extension": [{ "url": "http://example.org/unknown", "valueCode": "x" }] },
        "active": true,
        "name": [
            {
                "use": "usual",
                "text": "山田 太郎",
                "extension": [{
                    "url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation",
                    "valueCode": "IDE"
                }]
            },
            {
                "use": "usual",
                "text": "ヤマダ タロウ",
                "given": [null, "タロウ"],
                "_given": [{ "extension": [{ "url": "http://example.org/x", "valueBoolean": true }] }, null],
                "extension": [{
                    "url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation",
                    "valueCode": "SYL"
                }]
            }
        ],
        "contact": [{ "gender": "female" }],
        "contained": [{ "resourceType": "Organization", "id": "o", "name": "病院" }],
        "managingOrganization": { "reference": "#o" },
        "generalPractitioner": [
            { "reference": "https://host/fhir/Practitioner/9/_history/2" },
            { "type": "Organization", "identifier": { "value": "1" } }
        ]
    })
}

/// Each item as its type and its JSON or text.
fn found(expression: &str, root: &Value) -> Vec<String> {
    let expression = Expression::parse(expression).unwrap();
    let items = expression.evaluate(root, &Environment::default()).unwrap();
    let shown = items.iter().map(|item| {
        let kind = item.type_name().unwrap_or("?");
        match (item.as_str(), item.json()) {
            (Some(text), _) => format!("{kind} {text}"),
            (None, Some(json)) => format!("{kind} {json}"),
            _ => format!("{kind} {item:?}"),
        }
    });
    shown.collect()
}

#[test]
fn kanji_and_kana_names_both_come_with_their_extension() {
    let patient = patient();
    let url = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";
    assert_eq!(
        found(&format!("Patient.name.extension('{url}').value"), &patient),
        ["code IDE", "code SYL"]
    );
    // The expression of JP Core's search parameter phonetic.
    let phonetic =
        format!("Patient.name.where(extension('{url}').value.as(code)='SYL' and use='usual').text");
    assert_eq!(found(&phonetic, &patient), ["string ヤマダ タロウ"]);
}

#[test]
fn results_know_their_type() {
    // As text, for json!() would make the decimal a double.
    let observation = r#"{
        "resourceType": "Observation",
        "valueQuantity": { "value": 1.50, "unit": "kg" },
        "effectiveDateTime": "2024-04-01",
        "component": [{ "valueString": "a" }, { "valueQuantity": { "value": 2 } }]
    }"#;
    let observation: Value = serde_json::from_str(observation).unwrap();
    for path in [
        "Observation.value",
        "(Observation.value as Quantity)",
        "Observation.value.as(Quantity)",
        "Observation.value.ofType(Quantity)",
        "Observation.component.value.as(Quantity)",
        "(Observation.component.value as Quantity)",
    ] {
        let found = found(path, &observation);
        assert!(
            found.len() == 1 || path.contains("component"),
            "{path} {found:?}"
        );
        assert!(
            found.last().unwrap().starts_with("Quantity "),
            "{path} {found:?}"
        );
    }
    // Published R4 parameters name the type with a capital letter.
    for path in [
        "Observation.effective.as(DateTime)",
        "(Observation.effective as dateTime)",
    ] {
        assert_eq!(found(path, &observation), ["dateTime 2024-04-01"]);
    }
    assert_eq!(
        found("Observation.value.value.toString()", &observation),
        ["String 1.50"]
    );
    assert_eq!(found("Observation.value.as(Period)", &observation).len(), 0);
    assert_eq!(found("Patient.value", &observation).len(), 0);
    assert_eq!(
        found("Patient.contact", &patient())[0],
        "BackboneElement {\"gender\":\"female\"}"
    );
}

#[test]
fn the_type_of_a_reference_is_known_without_its_resource() {
    let patient = patient();
    let count = |path: &str| found(path, &patient).len();
    assert_eq!(
        count("Patient.generalPractitioner.where(resolve() is Practitioner)"),
        1
    );
    assert_eq!(
        count("Patient.generalPractitioner.where(resolve() is Organization)"),
        1
    );
    assert_eq!(
        count("Patient.generalPractitioner.where(resolve().is(Patient))"),
        0
    );
    assert_eq!(count("Patient.generalPractitioner.resolve()"), 0);
    assert_eq!(
        found("Patient.managingOrganization.resolve().name", &patient),
        ["string 病院"]
    );
    assert_eq!(
        count("Patient.managingOrganization.where(resolve() is Organization)"),
        1
    );
    let keys = found(
        "Patient.generalPractitioner.getReferenceKey(Practitioner)",
        &patient,
    );
    assert_eq!(keys, ["String 9"]);
    assert_eq!(found("getResourceKey()", &patient), ["String p1"]);
}

#[test]
fn a_resolver_and_constants_are_asked() {
    struct One(Value);
    impl Resolve for One {
        fn resolve(&self, reference: &str) -> Option<&Value> {
            (reference == "Practitioner/9").then_some(&self.0)
        }
    }
    let resolver = One(json!({ "resourceType": "Practitioner", "name": [{ "text": "鈴木" }] }));
    let root = json!({
        "resourceType": "Patient",
        "generalPractitioner": [{ "reference": "Practitioner/9" }]
    });
    let environment = Environment {
        resolver: Some(&resolver),
        variables: vec![("wanted".into(), vec![Item::from("鈴木")])],
        ..Environment::default()
    };
    let path = "Patient.generalPractitioner.resolve().name.where(text = %wanted).exists()";
    let expression = Expression::parse(path).unwrap();
    let items = expression.evaluate(&root, &environment).unwrap();
    assert_eq!(items[0].as_bool(), Some(true));
    let unknown = Expression::parse("%missing").unwrap();
    assert!(unknown.evaluate(&root, &environment).is_err());
}

#[test]
fn a_primitive_brings_its_extensions() {
    let patient = patient();
    assert_eq!(
        found("Patient.birthDate.extension.value", &patient),
        ["code x"]
    );
    assert_eq!(
        found("Patient.birthDate.hasValue()", &patient)[0],
        "Boolean Boolean(false)"
    );
    assert_eq!(
        found("Patient.name.given.count()", &patient)[0],
        "Integer Integer(2)"
    );
    assert_eq!(
        found("Patient.name.given.where(hasValue())", &patient),
        ["string タロウ"]
    );
    assert_eq!(found("Resource.id", &patient), ["id p1"]);
    assert_eq!(
        found("DomainResource.contained.name", &patient),
        ["string 病院"]
    );
    assert_eq!(found("Observation.id", &patient).len(), 0);
}

#[test]
fn children_and_entries_know_their_types_too() {
    let bundle = json!({
        "resourceType": "Bundle",
        "entry": [
            { "resource": patient() },
            { "resource": { "resourceType": "Observation", "valueQuantity": { "value": 1 } } },
            { "resource": { "resourceType": "Unheard", "thing": [{ "valueCode": "x" }] } }
        ]
    });
    let count = |path: &str| found(path, &bundle).len();
    assert_eq!(count("Bundle.entry.resource.ofType(Patient)"), 1);
    assert_eq!(count("Bundle.entry.resource.ofType(DomainResource)"), 2);
    assert_eq!(
        count("Bundle.entry.resource.children().ofType(Quantity)"),
        1
    );
    assert_eq!(count("Bundle.descendants().ofType(HumanName)"), 2);
    // Two uses and two representations of names, the gender of a contact, an extension's value.
    assert_eq!(count("Bundle.descendants().where($this is code)"), 6);
    // A resource that R4 does not have is walked by its names.
    assert_eq!(
        found("Bundle.entry[2].resource.thing.value", &bundle),
        ["code x"]
    );
    assert_eq!(
        found("Bundle.entry[0].resource.type().name", &bundle),
        ["String Patient"]
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let error = Expression::parse("Patient.name\n  .where(use =)").unwrap_err();
    let text = "line 2, column 15: expected a name, a literal, $this, %variable, ( or {}";
    assert_eq!(error.to_string(), text);
    let expression = Expression::parse("Patient.name.single()").unwrap();
    let error = expression
        .evaluate(&patient(), &Environment::default())
        .unwrap_err();
    let text = "line 1, column 14: one item was expected, there are several";
    assert_eq!(error.to_string(), text);
}

/// The official suite names inputs that do not come with it; these are its expressions on
/// resources of our own, with the outputs that the suite expects.
#[test]
fn expressions_of_the_suite_whose_inputs_are_missing() {
    let parameters = json!({
        "resourceType": "Parameters",
        "parameter": [
            { "name": "a", "valueString": "x" },
            { "name": "b", "valueInteger": 1 },
            { "name": "c", "valueUuid": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520" },
            { "name": "d", "valueDecimal": 1.1 }
        ]
    });
    let is_true = |expression: &str, root: &Value| {
        assert_eq!(
            found(expression, root),
            ["Boolean Boolean(true)"],
            "{expression}"
        );
    };
    is_true("Parameters.parameter[0].value.is(FHIR.string)", &parameters);
    is_true(
        "Parameters.parameter[1].value.is(FHIR.integer)",
        &parameters,
    );
    is_true("Parameters.parameter[2].value.is(FHIR.uuid)", &parameters);
    is_true("Parameters.parameter[2].value.is(FHIR.uri)", &parameters);
    is_true(
        "Parameters.parameter[3].value.is(FHIR.decimal)",
        &parameters,
    );

    let contains = json!([{ "code": "a", "contains": [{ "code": "b" }, { "code": "c" }] }]);
    let value_set = json!({
        "resourceType": "ValueSet",
        "version": "20150622",
        "expansion": { "contains": contains }
    });
    is_true(
        "ValueSet.expansion.repeat(contains).count() = 3",
        &value_set,
    );
    is_true("ValueSet.version.is(string)", &value_set);
    is_true("ValueSet.version.is(code).not()", &value_set);
    assert_eq!(
        found("ValueSet.version.as(string)", &value_set),
        ["string 20150622"]
    );
    assert_eq!(
        found("ValueSet.version.ofType(string)", &value_set),
        ["string 20150622"]
    );
    assert!(
        found(
            "ValueSet.version.as(code) | ValueSet.version.ofType(code)",
            &value_set
        )
        .is_empty()
    );

    let period = json!({ "start": "2001-05-06", "end": "2001-05-06T10:10:10Z" });
    let patient = json!({ "resourceType": "Patient", "identifier": [{ "period": period }] });
    is_true(
        "Patient.identifier.period.all(start.empty() or end.empty() or \
         (start.lowBoundary() < end.highBoundary()))",
        &patient,
    );
    is_true(
        "Patient.identifier.period.all(start.hasValue().not() or end.hasValue().not() or \
         (start <= end)).not()",
        &patient,
    );
    let patient = self::patient();
    assert_eq!(found("contained.id", &patient), ["id o"]);
    assert_eq!(
        found("Patient.name.given.select($this.hasValue())", &patient),
        ["Boolean Boolean(false)", "Boolean Boolean(true)"]
    );
    let claim = json!({
        "resourceType": "ExplanationOfBenefit",
        "supportingInfo": [{ "sequence": 1, "category": { "coding": [{ "code": "x" }] } }],
        "item": [{ "sequence": 1, "informationSequence": [1, 2] }]
    });
    is_true(
        "supportingInfo.where(category.coding.code = 'x').sequence\
         .subsetOf($this.item.informationSequence)",
        &claim,
    );
}

#[test]
fn the_checker_tells_what_types_come_out() {
    let types = |text: &str, root: &str| {
        Expression::parse(text)
            .unwrap()
            .check(root)
            .map_err(|error| error.to_string())
    };
    let ok = |names: &[&'static str]| Ok(names.to_vec());
    assert_eq!(
        types("Observation.effective", "Observation"),
        ok(&["dateTime", "Period", "Timing", "instant"])
    );
    assert_eq!(
        types("name.where(use = 'usual').given", "Patient"),
        ok(&["string"])
    );
    assert_eq!(
        types("Patient.contact", "Patient"),
        ok(&["BackboneElement"])
    );
    assert_eq!(
        types("value.as(Quantity) | value.as(dateTime)", "Observation"),
        ok(&["Quantity", "dateTime"])
    );
    assert_eq!(types("given", "HumanName"), ok(&["string"]));
    assert_eq!(types("gender", "Patient.contact"), ok(&["code"]));
    assert_eq!(types("%resource.contained", "Patient"), ok(&["Resource"]));
    let error = types("Patient.name.where(used = 'usual')", "Patient").unwrap_err();
    assert_eq!(error, "line 1, column 20: no element used is here");
    assert!(types("name + 1", "Patient").is_err());
    assert!(types("birthDate > 5", "Patient").is_err());
    assert!(types("name", "Patientt").is_err());
}

#[test]
fn a_union_for_one_type_yields_the_same_there() {
    // From R4's search parameters clinical-patient and individual-phonetic.
    let text = "AllergyIntolerance.patient | CarePlan.subject.where(resolve() is Patient) | \
                (Patient.name as HumanName).text | Patient.link[0].other | Practitioner.name | \
                Person.name.exists()";
    let patient = patient();
    let whole = found(text, &patient);
    assert_eq!(
        whole,
        [
            "string 山田 太郎",
            "string ヤマダ タロウ",
            "Boolean Boolean(false)"
        ]
    );
    let narrow = Expression::parse(text).unwrap().for_type("Patient");
    let items = narrow.evaluate(&patient, &Environment::default()).unwrap();
    let texts: Vec<_> = items.iter().map(|item| item.as_str()).collect();
    assert_eq!(texts, [Some("山田 太郎"), Some("ヤマダ タロウ"), None]);
    let nowhere = Expression::parse("Patient.name | Person.name")
        .unwrap()
        .for_type("Observation");
    assert!(
        nowhere
            .evaluate(&patient, &Environment::default())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_compiled_expression_is_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Expression::parse("Patient.name.matches('x')").unwrap());
}
