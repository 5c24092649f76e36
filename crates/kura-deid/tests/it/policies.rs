//! Policies as files: what is refused, what is stricter, and that nothing of FHIR R4 is forgotten.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kura_deid::fhir::{ChangeReport, Subject, Survey, Withheld, process};
use kura_deid::keys::ProjectKey;
use kura_deid::known::KnownIdentifiers;
use kura_deid::policy::{Policy, PolicyError, SHIPPED, shipped, text};
use kura_deid::text::{Cleaner, Record};
use kura_fhirpath::{Element, Kind, definitions};
use serde_json::{Map, Value, json};

fn policy(name: &str) -> Policy {
    shipped(name).unwrap().unwrap()
}

fn lookup(name: &str) -> Option<String> {
    text(name).map(str::to_owned)
}

fn parse(text: &str) -> Result<Policy, PolicyError> {
    Policy::parse("mine.toml", text, &lookup)
}

const HEAD: &str =
    "id = \"mine\"\nversion = \"1\"\nja = \"私\"\nen = \"Mine\"\nsource = \"board\"\n";

fn rule(action: &str, paths: &str) -> String {
    format!(
        "[[rule]]\nid = \"M01\"\naction = {action}\nja = \"あ\"\nen = \"a\"\nsource = \"s\"\npaths = [{paths}]\n"
    )
}

fn overriding(base: &str, rules: &str) -> Result<Policy, PolicyError> {
    parse(&format!("{HEAD}extends = \"{base}\"\n{rules}"))
}

#[test]
fn shipped_policies_decide_about_every_element_of_r4() {
    for name in SHIPPED {
        let policy = policy(name);
        assert_eq!(policy.id, name);
        assert_eq!(policy.reversible, name == "coded");
        let mut elements = 0;
        for id in definitions().types() {
            let kind = definitions().get(id);
            if kind.kind != Kind::Resource || kind.is_abstract {
                continue;
            }
            let rows = policy.elements(kind.name);
            assert!(!rows.is_empty(), "{name}: {}", kind.name);
            for row in &rows {
                // What has no rule is opened, and decided below.
                assert!(
                    row.rule.is_some() || row.action == "descend",
                    "{name}: {row:?}"
                );
            }
            elements += rows.len();
        }
        assert!(elements > 14_000, "{name}: {elements}");
        for rule in &policy.rules {
            for text in [&rule.ja, &rule.en, &rule.source] {
                assert!(text.chars().count() > 3, "{name}: {rule:?}");
            }
        }
    }
}

#[test]
fn what_is_no_policy_is_refused_with_its_line() {
    let cases = [
        // (rules, line, what is said)
        ("[[rule]]\nid = \"M01\"\naction = \"remove\"\nen = \"a\"\nsource = \"s\"\npaths = [\"Money\"]\n".to_owned(), 7, "missing field `ja`"),
        (rule("\"remvoe\"", "\"Money\""), 9, "unknown variant"),
        (rule("\"remove\"", "\"Patient.nam\""), 13, "no element Patient.nam"),
        (rule("\"remove\"", "\"Pateint.name\""), 13, "no type Pateint"),
        (rule("\"remove\"", "\"*.nosuch\""), 13, "no element *.nosuch"),
        (rule("\"remove\"", "\n  \"Patient.gender\",\n  \"Patient.gender\",\n"), 15, "named by two rules"),
        (rule("\"date\"", "\"Patient.birthDate\""), 8, "'to' is missing"),
        (rule("\"date\"\nto = \"day\"", "\"Patient.birthDate\""), 8, "'shift' is missing"),
        (rule("\"remove\"\nlimit = 90", "\"Money\""), 8, "'limit' does not belong to 'remove'"),
        (rule("\"remove\"\nwho = 90", "\"Money\""), 10, "unknown field"),
        (rule("\"quantity\"", "\"Patient.gender\""), 13, "'quantity' needs a Quantity; it is a code"),
        (rule("\"keep\"", "\"Patient.contact.name.family\""), 13, "comes to nothing"),
        (rule("\"keep\"", "\"Observation.valueString\""), 13, "'keep' needs"),
        (rule("\"remove\"", ""), 8, "names paths"),
        (format!("{}{}", rule("\"remove\"", "\"Money\""), rule("\"remove\"", "\"Age\"")), 15, "a rule M01 already"),
        ("[types]\nleave = [\"Pateint\"]\n".to_owned(), 7, "no type Pateint"),
        ("[nonsense]\n".to_owned(), 7, "unknown field"),
        ("id = \"again\"\n".to_owned(), 7, "duplicate key"),
    ];
    for (rules, line, says) in cases {
        let error = overriding("kamei", &rules).unwrap_err();
        assert!(error.message.contains(says), "{rules}\n{error}");
        assert_eq!(error.line, line, "{rules}\n{error}");
        assert_eq!(error.file, "mine.toml");
    }
    let lost = parse(&format!("{HEAD}extends = \"kamie\"\n")).unwrap_err();
    assert_eq!(
        (lost.line, lost.message.as_str()),
        (6, "there is no policy 'kamie' to extend")
    );
    // One that extends nothing must say everything.
    let bare = parse(&format!("{HEAD}{}", rule("\"remove\"", "\"string\""))).unwrap_err();
    assert!(
        bare.message.contains("no rule says what happens to"),
        "{bare}"
    );
    let round = Policy::parse("a.toml", &format!("{HEAD}extends = \"a\"\n"), &|_| {
        Some(format!("{HEAD}extends = \"a\"\n").replace("mine", "other"))
    });
    assert!(round.unwrap_err().message.contains("without end"));
}

#[test]
fn an_override_may_only_be_stricter() {
    let stricter = overriding(
        "kamei",
        &rule("\"remove\"", "\"Patient.birthDate\", \"Patient.gender\""),
    )
    .unwrap();
    assert_eq!(stricter.extends.as_deref(), Some("kamei"));
    let patient = json!({"resourceType": "Patient", "id": "1", "gender": "male", "birthDate": "1970-01-01", "active": true});
    let (out, _) = run(&stricter, &patient, None).unwrap();
    assert_eq!(out.as_object().unwrap().len(), 3, "{out}");
    let coarser = rule(
        "\"date\"\nto = \"year\"\nshift = true",
        "\"*.effectiveDateTime\"",
    );
    assert!(overriding("kamei", &coarser).is_ok());
    assert!(overriding("kamei", "[images]\noptions = []\n").is_ok());
    assert!(overriding("kamei", "[types]\nleave = [\"Patient\"]\n").is_ok());
    assert!(
        overriding(
            "kamei",
            "[rare]\nid=\"r\"\nja=\"あ\"\nen=\"a\"\nsource=\"s\"\npatients=5\n"
        )
        .is_ok()
    );
    for (rules, says) in [
        (rule("\"keep\"\nwords = [\"x\"]", "\"Observation.valueString\""), "lets out more"),
        (rule("\"descend\"", "\"HumanName\""), "lets out more"),
        (rule("\"date\"\nto = \"day\"\nshift = false", "\"date\""), "lets out more"),
        (rule("\"birth\"\nto = \"year\"\nshift = true\nlimit = 100", "\"Patient.birthDate\""), "lets out more"),
        (rule("\"region\"\ndigits = 3", "\"Patient.address\""), "lets out more"),
        ("[types]\nleave = [\"Patient\", \"Practitioner\"]\n".to_owned(), "'Practitioner' is not in"),
        ("[systems]\nexact = [\"urn:mine\"]\n".to_owned(), "'urn:mine' is not in"),
        ("[units]\nucum = [\"yamada\"]\n".to_owned(), "'yamada' is not in"),
        // Below an extension, and beside primitives.
        (rule("\"date\"\nto = \"day\"\nshift = false", "\"Extension.valueDateTime\""), "lets out more"),
        (rule("\"descend\"", "\"Basic.extension\""), "lets out more"),
        (rule("\"age\"\nlimit = 200", "\"Observation.valueQuantity\""), "lets out more"),
        (rule("\"keep\"\nwords = [\"YAMADA\"]", "\"Patient.gender\""), "lets out more"),
        ("[systems]\nexact = [\"http://loinc.org\"]\nicd10 = [\"http://loinc.org\"]\n".to_owned(), "'http://loinc.org' is not in"),

        ("[images]\noptions = [\"retain-uids\"]\n".to_owned(), "does not have"),
        ("[images]\noptions = [\"retain-full-dates\", \"retain-modified-dates\"]\n".to_owned(), "contradict"),
        ("[[rule]]\nid = \"M01\"\naction = \"extension\"\nja = \"あ\"\nen = \"a\"\nsource = \"s\"\nurls = [\"urn:x\"]\n".to_owned(), "an extension that"),
    ] {
        let error = overriding("kamei", &rules).unwrap_err();
        assert!(error.message.contains(says), "{rules}\n{error}");
        assert!(error.line > 6, "{error}");
    }
    let back = parse(&format!("{HEAD}extends = \"kamei\"\nreversible = true\n")).unwrap_err();
    assert!(back.message.contains("cannot be led back"), "{back}");
    let looser = "[rare]\nid=\"r\"\nja=\"あ\"\nen=\"a\"\nsource=\"s\"\npatients=5\n";
    assert!(
        overriding("tokumei", looser)
            .unwrap_err()
            .message
            .contains("fewer patients")
    );
    // An override of an override is held against both.
    let two = Policy::parse(
        "two.toml",
        &format!(
            "{}extends = \"one\"\n{}",
            HEAD.replace("mine", "two"),
            rule("\"keep\"", "\"Patient.gender\"").replace("M01", "M02")
        ),
        &|name| match name {
            "one" => Some(format!(
                "{HEAD}extends = \"kamei\"\n{}",
                rule("\"remove\"", "\"Patient.gender\"")
            )),
            other => lookup(other),
        },
    );
    assert!(two.unwrap_err().message.contains("Patient.gender"));
}

fn run(
    policy: &Policy,
    resource: &Value,
    survey: Option<&Survey>,
) -> Result<(Value, ChangeReport), Withheld> {
    run_with(policy, resource, survey, None)
}

fn run_with(
    policy: &Policy,
    resource: &Value,
    survey: Option<&Survey>,
    texts: Option<&Cleaner<'_>>,
) -> Result<(Value, ChangeReport), Withheld> {
    let key = ProjectKey::new([7; 32]);
    let known = KnownIdentifiers::new(["小野 綾子", "POP-000209"].map(str::to_owned));
    let subject = Subject {
        key: &key,
        known: &known,
        shift_days: -10,
        reference_year: 2026,
        survey,
        texts,
    };
    let mut report = ChangeReport::default();
    let out = process(policy, resource, &subject, &mut report)?;
    Ok((out, report))
}

#[test]
fn references_extensions_and_contained_resources_keep_together() {
    let request = json!({
        "resourceType": "MedicationRequest", "id": "r", "status": "active", "intent": "order",
        "contained": [
            {"resourceType": "Medication", "id": "m", "code": {"coding": [{"system": "http://www.whocc.no/atc", "code": "A10"}], "text": "x"}, "amount": {"numerator": {"value": 3}, "denominator": {"value": 1}}, "ingredient": [{"strength": {"numerator": {"value": 3}, "denominator": {"unit": "小野"}}, "isActive": true}]},
            {"resourceType": "Practitioner", "id": "p", "name": [{"family": "小野"}]}
        ],
        "medicationReference": {"reference": "#m", "display": "小野さんの薬"},
        "requester": {"reference": "#p"},
        "subject": {"reference": "Patient/POP-000209/_history/3", "identifier": {"value": "1"}},
        "recorder": {"reference": "Practitioner/7"},
        "authoredOn": "2026-01-20",
        "_authoredOn": {"id": "x", "extension": [{"url": "http://example.com/who", "valueString": "小野"},
            {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]},
        "extension": [{"url": "urn:local", "valueString": "小野"}],
        "dosageInstruction": [{"text": "小野", "extension": [{
            "url": "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_MedicationDosage_PeriodOfUse",
            "valuePeriod": {"start": "2026-01-20", "end": "2026-01-27"}}]}],
        "小野綾子": "x"
    });
    let (out, report) = run(&policy("kamei"), &request, None).unwrap();
    let contained = out["contained"].as_array().unwrap();
    assert_eq!(contained.len(), 1, "{out:#}");
    let id = contained[0]["id"].as_str().unwrap();
    assert_eq!(
        out["medicationReference"],
        json!({"reference": format!("#{id}")})
    );
    assert_eq!(
        contained[0]["amount"],
        json!({"numerator": {"value": 3}, "denominator": {"value": 1}})
    );
    // Half a ratio is none.
    assert!(contained[0]["ingredient"][0].get("strength").is_none());
    assert!(out.get("requester").is_none() && out.get("recorder").is_none());
    // However a patient is pointed at, it is the same pseudonym.
    let (patient, _) = run(
        &policy("kamei"),
        &json!({"resourceType": "Patient", "id": "POP-000209"}),
        None,
    )
    .unwrap();
    assert_eq!(
        out["subject"]["reference"],
        format!("Patient/{}", patient["id"].as_str().unwrap())
    );
    assert_eq!(out["authoredOn"], "2026-01-10");
    assert_eq!(out["_authoredOn"]["extension"].as_array().unwrap().len(), 1);
    assert_eq!(
        out["dosageInstruction"][0]["extension"][0]["valuePeriod"],
        json!({"start": "2026-01-10", "end": "2026-01-17"})
    );
    assert!(!out.to_string().contains("小野") && !out.to_string().contains("urn:local"));
    assert_eq!(report.removed("MedicationRequest.extension"), 1);
    // A name that is not of the standard may be anybody's: it is counted, not repeated.
    assert_eq!(report.removed("MedicationRequest.(unknown)"), 1);
    assert!(!format!("{report:?}").contains("小野"));

    let mut denied = request.clone();
    denied["modifierExtension"] = json!([{"url": "urn:local:not", "valueBoolean": true}]);
    assert_eq!(
        run(&policy("kamei"), &denied, None).unwrap_err(),
        Withheld::ModifierExtension
    );
}

#[test]
fn each_policy_does_what_its_law_says() {
    let patient = json!({
        "resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1972-03-05",
        "identifier": [{"system": "urn:mrn", "value": "123"}],
        "address": [{"text": "神奈川県横浜市富士見5丁目", "postalCode": "231-0037"}],
        "deceasedDateTime": "2026-02-03T04:05:06+09:00", "multipleBirthInteger": 2
    });
    let of = |name: &str, survey: Option<&Survey>| run(&policy(name), &patient, survey).unwrap().0;
    let kamei = of("kamei", None);
    assert_eq!(kamei["birthDate"], "1972");
    assert_eq!(
        kamei["address"],
        json!([{"state": "神奈川県", "country": "JP"}])
    );
    assert_eq!(kamei["deceasedDateTime"], "2026-01-24T04:05:06+09:00");
    assert!(kamei.get("identifier").is_none());
    let hipaa = of("hipaa-safe-harbor", None);
    assert_eq!(
        (&hipaa["birthDate"], &hipaa["deceasedDateTime"]),
        (&json!("1972"), &json!("2026"))
    );
    assert_eq!(
        hipaa["address"],
        json!([{"state": "神奈川県", "postalCode": "231", "country": "JP"}])
    );
    let coded = of("coded", None);
    assert_eq!(coded["birthDate"], "1972-02");
    assert_eq!(coded["identifier"][0]["system"], "urn:kura:pseudonym");

    // Anonymised: fourteen have the one code, three the other; one weighs 200 kg.
    let tokumei = policy("tokumei");
    assert_eq!(
        run(&tokumei, &patient, None).unwrap_err(),
        Withheld::NoSurvey
    );
    let condition = |code: &str| {
        json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}]}, "onsetAge": {"value": 97, "system": "http://unitsofmeasure.org", "code": "a"}})
    };
    let weight = |value: f64| {
        json!({"resourceType": "Observation", "id": "w", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}, "issued": "2026-01-01T00:00:00Z",
        "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": "kg"}})
    };
    let mut survey = Survey::new(&tokumei);
    // Twice: the second time those are counted whose rare codes climb.
    for pass in 0..2 {
        if pass == 1 {
            survey.again();
        }
        for number in 0..60_u32 {
            let code = match number {
                0..14 => "E11.9",
                14..17 => "E11.2",
                17..20 => "Q99.9",
                20..25 => "C50.1",
                25..30 => "C50.2",
                _ => "I10",
            };
            let heavy = match number {
                59 => 200.0,
                _ => 50.0 + f64::from(number),
            };
            let mut has = vec![condition(code), weight(heavy)];
            if number < 12 {
                has.push(patient.clone());
            }
            survey.patient(&tokumei, has.iter());
        }
    }
    let of = |resource: &Value| run(&tokumei, resource, Some(&survey)).unwrap().0;
    let code = |resource: &Value| of(resource)["code"]["coding"][0]["code"].clone();
    assert_eq!(code(&condition("E11.9")), "E11.9");
    // Five and five: the category, which ten are then shown by. Three alone would be told by it.
    assert_eq!(code(&condition("C50.1")), "C50");
    assert_eq!(code(&condition("C50.2")), "C50");
    assert_eq!(code(&condition("E11.2")), Value::Null);
    assert_eq!(code(&condition("Q99.9")), Value::Null);
    assert_eq!(of(&condition("I10"))["onsetAge"]["value"], 90);
    assert_eq!(of(&condition("I10"))["onsetAge"]["comparator"], ">=");
    // The heaviest ten are one group, and so are the lightest.
    let quantity = |value: f64| of(&weight(value))["valueQuantity"].clone();
    assert_eq!(
        (&quantity(200.0)["value"], &quantity(200.0)["comparator"]),
        (&json!(100.0), &json!(">="))
    );
    assert_eq!(
        (&quantity(50.0)["value"], &quantity(50.0)["comparator"]),
        (&json!(59.0), &json!("<="))
    );
    assert_eq!(quantity(70.5)["value"], 70.5);
    assert!(of(&weight(70.5)).get("issued").is_none());
    let rare = json!({"resourceType": "Observation", "id": "w", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2339-0"}]}, "valueQuantity": {"value": 1}});
    assert!(of(&rare).get("valueQuantity").is_none());
    let anonymous = of(&patient);
    assert_eq!(anonymous["address"][0]["state"], "神奈川県");
    assert_eq!(anonymous["deceasedDateTime"], "2026-01");
    assert!(anonymous.get("multipleBirthInteger").is_none());

    // An age that is a component, or a plain number.
    let panel = json!({"resourceType": "Observation", "id": "a", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "85353-1"}]},
        "component": [{"code": {"coding": [{"system": "http://loinc.org", "code": "30525-0"}]},
            "valueQuantity": {"value": 116, "system": "http://unitsofmeasure.org", "code": "a"}}]});
    let (out, _) = run(&policy("kamei"), &panel, None).unwrap();
    assert_eq!(out["component"][0]["valueQuantity"]["value"], 90);
    let plain = json!({"resourceType": "Observation", "id": "a", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "30525-0"}]}, "valueInteger": 116});
    assert!(
        run(&policy("kamei"), &plain, None)
            .unwrap()
            .0
            .get("valueInteger")
            .is_none()
    );
    // A date that tells that somebody is over the limit.
    let long_ago = json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "onsetDateTime": "1925"});
    for name in ["kamei", "hipaa-safe-harbor"] {
        assert_eq!(
            run(&policy(name), &long_ago, None).unwrap().0["onsetDateTime"],
            "1936",
            "{name}"
        );
    }

    // An age that is an observation.
    let age = json!({"resourceType": "Observation", "id": "a", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "30525-0"}]},
        "valueQuantity": {"value": 116, "unit": "歳", "system": "http://unitsofmeasure.org", "code": "a"}});
    let (out, _) = run(&policy("kamei"), &age, None).unwrap();
    assert_eq!(
        (
            &out["valueQuantity"]["value"],
            &out["valueQuantity"]["comparator"]
        ),
        (&json!(90), &json!(">="))
    );
}

const CANARY: &str = "canary";
const NAME: &str = "カナリア";

/// A value for each element of a type, each with a canary in it, however deep.
fn full(kind: kura_fhirpath::TypeId, depth: usize) -> Value {
    let mut out = Map::new();
    for element in definitions().elements(kind) {
        let types: Vec<_> = element.types.iter().collect();
        for one in types {
            let of = definitions().get(one.id);
            let value = match of.kind {
                Kind::Primitive => primitive(of.name, element),
                _ if depth == 0 => continue,
                _ if of.name == "Resource" => {
                    let inner = definitions().type_id("Observation").unwrap();
                    let mut inner = full(inner, 0);
                    inner["resourceType"] = "Observation".into();
                    inner
                }
                _ if of.name == "Extension" => {
                    json!({"url": "http://canary.example/x", "valueString": NAME, "id": CANARY})
                }
                _ => full(one.id, depth - 1),
            };
            let value = if element.max == Some(1) {
                value
            } else {
                json!([value])
            };
            if of.kind == Kind::Primitive {
                out.insert(format!("_{}", one.key), json!({"id": CANARY, "extension": [{"url": "http://canary.example/y", "valueString": NAME}]}));
            }
            out.insert(one.key.clone(), value);
        }
    }
    Value::Object(out)
}

fn primitive(kind: &str, _: &Element) -> Value {
    match kind {
        "boolean" => true.into(),
        "integer" | "positiveInt" | "unsignedInt" => 7.into(),
        "decimal" => json!(7.5),
        "date" => "1950-01-04".into(),
        "dateTime" | "instant" => "1950-01-04T05:06:07+09:00".into(),
        "time" => "05:06:07".into(),
        "id" | "code" => CANARY.into(),
        "uri" | "url" | "canonical" => "http://canary.example/小野".into(),
        "oid" => "urn:oid:1.2.3.4444444".into(),
        "uuid" => "urn:uuid:canary".into(),
        "base64Binary" => "Y2FuYXJ5".into(),
        _ => NAME.into(),
    }
}

/// Every element of every type that may leave, each with something that must not; texts, too, where there is what
/// they are cleaned by.
#[test]
fn nothing_that_could_name_somebody_comes_through() {
    let dictionary = crate::text_score::dictionary();
    let record = Record::new().person(NAME).person(CANARY);
    let nobody = Record::new();
    let cleaner = dictionary.as_ref().map(|dictionary| Cleaner {
        records: [&record, &nobody],
        dictionary,
        age_limit: 90,
        seen: None,
    });
    let mut tried = 0;
    for name in ["kamei", "hipaa-safe-harbor", "coded"] {
        let policy = policy(name);
        let kinds: Vec<String> = policy.types().map(str::to_owned).collect();
        for kind in kinds {
            let mut resource = full(definitions().type_id(&kind).unwrap(), 5);
            resource["resourceType"] = kind.clone().into();
            resource
                .as_object_mut()
                .unwrap()
                .remove("modifierExtension");
            strip_modifiers(&mut resource);
            write_texts(&mut resource);
            for texts in [None, cleaner.as_ref()] {
                let only_text = ["Composition", "DocumentReference"].contains(&kind.as_str());
                let (out, report) = match run_with(&policy, &resource, None, texts) {
                    Ok(done) => done,
                    Err(Withheld::Type) if only_text && texts.is_none() => continue,
                    Err(why) => panic!("{name} {kind}: {why:?}"),
                };
                let mut text = out.to_string();
                attached(&out, &mut text);
                for word in [CANARY, NAME, "小野", "1950-01-04", "Y2FuYXJ5", "4444444"] {
                    assert!(!text.contains(word), "{name} {kind}: {word} in {out:#}");
                }
                if only_text {
                    assert!(text.contains("[氏名]"), "{out:#}");
                }
                if kind == "DocumentReference" {
                    assert!(text.contains("血圧 120/70"), "{text}");
                }
                tried += report.lines(&policy).len();
            }
        }
    }
    assert!(tried > 10_000, "{tried}");
}

/// Documents in plain text where there are attachments.
fn write_texts(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.contains_key("contentType") && members.contains_key("data") {
                members["contentType"] = "text/plain".into();
                members["data"] = STANDARD.encode(format!("{NAME}さん、血圧 120/70。")).into();
            }
            members.values_mut().for_each(write_texts);
        }
        Value::Array(items) => items.iter_mut().for_each(write_texts),
        _ => {}
    }
}

/// What attachments say.
fn attached(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            if let Some(data) = members.get("data").and_then(Value::as_str) {
                out.push_str(&String::from_utf8(STANDARD.decode(data).unwrap()).unwrap());
            }
            members.values().for_each(|inner| attached(inner, out));
        }
        Value::Array(items) => items.iter().for_each(|inner| attached(inner, out)),
        _ => {}
    }
}

fn strip_modifiers(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("modifierExtension");
            members.values_mut().for_each(strip_modifiers);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_modifiers),
        _ => {}
    }
}
