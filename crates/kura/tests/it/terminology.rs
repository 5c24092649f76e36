//! The terminology service over HTTP, and the payer's masters.

use std::io::Read as _;

use serde_json::{Value, json};

use crate::access::{add, basic};
use crate::support::{Answer, Server, TestBank, shared, tool};

const FHIR: (&str, &str) = ("Content-Type", "application/fhir+json");
const GENDER: &str = "http://hl7.org/fhir/administrative-gender";
const GENDERS: &str = "http://hl7.org/fhir/ValueSet/administrative-gender";

/// RFC 3986: what stands for itself stays.
fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(|byte| {
            if plain(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

fn ask(server: &Server, path: &str, params: &[(&str, &str)]) -> Answer {
    let query: Vec<String> = params
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    server.get(&format!("/fhir/{path}?{}", query.join("&")))
}

#[track_caller]
fn ok(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn post(server: &Server, path: &str, parameters: Value) -> Answer {
    let body = json!({ "resourceType": "Parameters", "parameter": parameters });
    server.send("POST", &format!("/fhir/{path}"), &[FHIR], &body.to_string())
}

/// A parameter of the answer.
fn said<'a>(parameters: &'a Value, name: &str) -> &'a Value {
    assert_eq!(parameters["resourceType"], "Parameters", "{parameters}");
    let all = parameters["parameter"].as_array().expect("parameters");
    let found = all.iter().find(|one| one["name"] == name);
    let values = found.and_then(Value::as_object).into_iter().flatten();
    let mut values = values.filter(|(key, _)| key.starts_with("value"));
    values.next().map_or(&Value::Null, |(_, value)| value)
}

/// Codes of an expansion.
fn codes(value_set: &Value) -> Vec<&str> {
    assert_eq!(value_set["resourceType"], "ValueSet", "{value_set}");
    let all = value_set["expansion"]["contains"].as_array();
    let all = all.into_iter().flatten();
    all.filter_map(|one| one["code"].as_str()).collect()
}

/// Status and code of an error, which has to name something.
#[track_caller]
fn error(answer: &Answer, names: &str) -> (u16, String) {
    let outcome = answer.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{outcome}");
    assert!(answer.body.contains(names), "{outcome}");
    let code = outcome["issue"][0]["code"].as_str().unwrap_or_default();
    (answer.status, code.to_owned())
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn put(server: &Server, resource: &Value) {
    let text = |key: &str| resource[key].as_str().expect("a text");
    let path = format!("/fhir/{}/{}", text("resourceType"), text("id"));
    let answer = server.send("PUT", &path, &[FHIR], &resource.to_string());
    assert_eq!(answer.status, 201, "{}", answer.body);
}

#[test]
fn value_sets_expand() {
    let bank = TestBank::new();
    let server = bank.serve();
    let expand = |params: &[(&str, &str)]| ask(&server, "ValueSet/$expand", params);
    // FHIR R4 valueset-administrative-gender.html
    let all = ok(&expand(&[("url", GENDERS)]));
    assert_eq!(codes(&all), ["male", "female", "other", "unknown"]);
    let expansion = &all["expansion"];
    assert_eq!(
        (&expansion["total"], &expansion["offset"]),
        (&json!(4), &json!(0))
    );
    assert_eq!(expansion["contains"][0]["display"], "Male");
    assert_eq!(expansion["contains"][0]["system"], GENDER);
    assert!(expansion["timestamp"].is_string());
    let used = json!({ "name": "version", "valueUri": format!("{GENDER}|4.0.1") });
    let parameters = expansion["parameter"].as_array().expect("parameters");
    assert!(parameters.contains(&used), "{expansion}");

    // Pages of the same expansion.
    let page = ok(&expand(&[
        ("url", GENDERS),
        ("offset", "1"),
        ("count", "2"),
    ]));
    assert_eq!(codes(&page), ["female", "other"]);
    assert_eq!(page["expansion"]["total"], 4);
    assert_eq!(page["expansion"]["identifier"], expansion["identifier"]);
    let none = ok(&expand(&[("url", GENDERS), ("count", "0")]));
    assert_eq!(
        (codes(&none).len(), &none["expansion"]["total"]),
        (0, &json!(4))
    );

    let found = ok(&expand(&[("url", GENDERS), ("filter", "ＭＡＬＥ")]));
    assert_eq!(codes(&found), ["male", "female"]);
    assert_ne!(found["expansion"]["identifier"], expansion["identifier"]);

    // What is not there is named, and never an empty expansion.
    let missing = "http://example.org/vs/none";
    assert_eq!(
        error(&expand(&[("url", missing)]), missing),
        is(404, "not-found")
    );
    let other = [("url", GENDERS), ("valueSetVersion", "3.0.1")];
    assert_eq!(error(&expand(&other), "|3.0.1"), is(404, "not-found"));
    let snomed = [("url", "http://hl7.org/fhir/ValueSet/body-site")];
    let answer = expand(&snomed);
    assert_eq!(
        error(&answer, "http://snomed.info/sct"),
        is(422, "not-found")
    );
    assert_eq!(error(&expand(&[]), "url"), is(400, "required"));
    let unknown = [("url", GENDERS), ("date", "2020")];
    assert_eq!(error(&expand(&unknown), "filter"), is(400, "not-supported"));
    let wrong = [("url", GENDERS), ("count", "many")];
    assert_eq!(error(&expand(&wrong), "count"), is(400, "value"));

    // One that is brought, by Parameters or by itself.
    let brought = json!({ "resourceType": "ValueSet", "status": "active", "compose": {
        "include": [{ "system": GENDER }],
        "exclude": [{ "system": GENDER, "concept": [{ "code": "other" }] }],
    } });
    let sent = json!([{ "name": "valueSet", "resource": brought }, { "name": "count", "valueInteger": 2 }]);
    let answer = ok(&post(&server, "ValueSet/$expand", sent));
    assert_eq!(codes(&answer), ["male", "female"]);
    assert_eq!(answer["expansion"]["total"], 3);
    let answer = server.send(
        "POST",
        "/fhir/ValueSet/$expand",
        &[FHIR],
        &brought.to_string(),
    );
    assert_eq!(codes(&ok(&answer)), ["male", "female", "unknown"]);
    assert!(answer.json()["compose"].is_null());
}

#[test]
fn what_the_bank_has_is_asked_by_url_and_by_id() {
    let bank = TestBank::new();
    let server = bank.serve();
    let system = "http://example.org/organs";
    let concept = |number: usize| json!({ "code": format!("c{number:05}") });
    put(
        &server,
        &json!({
            "resourceType": "CodeSystem", "id": "organs", "url": system, "version": "2", "status": "active",
            "content": "complete", "name": "Organs", "hierarchyMeaning": "is-a",
            "property": [
                { "code": "gone", "uri": "http://hl7.org/fhir/concept-properties#inactive", "type": "boolean" },
                { "code": "group", "uri": "http://hl7.org/fhir/concept-properties#notSelectable", "type": "boolean" },
            ],
            "concept": [
                { "code": "lung", "display": "Lung", "definition": "It breathes.",
                  "designation": [{ "language": "ja", "value": "肺" }, { "language": "ja-Hrkt", "value": "ハイ" }],
                  "property": [{ "code": "group", "valueBoolean": true }],
                  "concept": [{ "code": "lobe", "display": "Lobe" }] },
                { "code": "gill", "property": [{ "code": "gone", "valueBoolean": true }] },
            ],
        }),
    );
    put(
        &server,
        &json!({
            "resourceType": "ValueSet", "id": "organs", "url": "http://example.org/vs/organs", "status": "active",
            "compose": { "include": [{ "system": system }] },
        }),
    );
    let url = ("url", "http://example.org/vs/organs");
    let answer = ok(&ask(&server, "ValueSet/$expand", &[url]));
    assert_eq!(codes(&answer), ["lung", "lobe", "gill"]);
    let contains = &answer["expansion"]["contains"];
    assert_eq!(
        (&contains[0]["abstract"], &contains[2]["inactive"]),
        (&json!(true), &json!(true))
    );
    let answer = ok(&ask(
        &server,
        "ValueSet/organs/$expand",
        &[("activeOnly", "true")],
    ));
    assert_eq!(codes(&answer), ["lung", "lobe"]);
    let answer = ok(&ask(
        &server,
        "ValueSet/$expand",
        &[url, ("excludeNotForUI", "true")],
    ));
    assert_eq!(codes(&answer), ["lobe", "gill"]);
    // Half-width katakana finds the reading; the display comes in the language that is asked for.
    let params = [
        url,
        ("filter", "ﾊｲ"),
        ("displayLanguage", "ja"),
        ("includeDesignations", "true"),
    ];
    let answer = ok(&ask(&server, "ValueSet/$expand", &params));
    assert_eq!(codes(&answer), ["lung"]);
    let lung = &answer["expansion"]["contains"][0];
    assert_eq!(
        (&lung["display"], &lung["designation"][1]["value"]),
        (&json!("肺"), &json!("ハイ"))
    );

    let answer = ok(&ask(
        &server,
        "CodeSystem/$lookup",
        &[("system", system), ("code", "lung")],
    ));
    assert_eq!(said(&answer, "name"), "Organs");
    assert_eq!(said(&answer, "version"), "2");
    assert_eq!(said(&answer, "display"), "Lung");
    let text = answer.to_string();
    for part in ["It breathes.", "\"child\"", "ja-Hrkt", "\"group\""] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let only = [("system", system), ("code", "lobe"), ("property", "parent")];
    let answer = ok(&ask(&server, "CodeSystem/$lookup", &only));
    let property = json!({ "name": "property", "part": [
        { "name": "code", "valueCode": "parent" }, { "name": "value", "valueCode": "lung" }
    ] });
    let parameters = answer["parameter"].as_array().expect("parameters");
    assert_eq!(
        parameters
            .iter()
            .filter(|one| one["name"] == "property")
            .count(),
        1
    );
    assert!(parameters.contains(&property), "{answer}");

    let params = [("codeA", "lung"), ("codeB", "lobe")];
    let answer = ok(&ask(&server, "CodeSystem/organs/$subsumes", &params));
    assert_eq!(said(&answer, "outcome"), "subsumes");
    let params = [("code", "lung"), ("abstract", "false")];
    let answer = ok(&ask(&server, "CodeSystem/organs/$validate-code", &params));
    assert_eq!(said(&answer, "result"), false);
    assert_eq!(
        ask(&server, "CodeSystem/none/$validate-code", &params).status,
        404
    );

    // A new version counts from then on.
    let mut changed = json!({ "resourceType": "ValueSet", "id": "organs", "status": "active",
        "url": "http://example.org/vs/organs" });
    changed["compose"] = json!({ "include": [{ "system": system, "filter": [
        { "property": "concept", "op": "descendent-of", "value": "lung" }
    ] }] });
    let answer = server.send(
        "PUT",
        "/fhir/ValueSet/organs",
        &[FHIR],
        &changed.to_string(),
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        codes(&ok(&ask(&server, "ValueSet/$expand", &[url]))),
        ["lobe"]
    );

    // More than 10,000 codes come in pages only.
    let concepts: Vec<Value> = (0..10_001).map(concept).collect();
    put(
        &server,
        &json!({
            "resourceType": "CodeSystem", "id": "many", "url": "http://example.org/many", "status": "active",
            "content": "complete", "concept": concepts,
        }),
    );
    let set = json!({ "resourceType": "ValueSet", "status": "active",
        "compose": { "include": [{ "system": "http://example.org/many" }] } });
    let sent = |count: Option<u32>| {
        let mut all = vec![json!({ "name": "valueSet", "resource": set })];
        all.extend(count.map(|count| json!({ "name": "count", "valueInteger": count })));
        all.push(json!({ "name": "offset", "valueInteger": 9_999 }));
        post(&server, "ValueSet/$expand", Value::Array(all))
    };
    assert_eq!(error(&sent(None), "10000"), is(422, "too-costly"));
    assert_eq!(codes(&ok(&sent(Some(5)))), ["c09999", "c10000"]);
}

#[test]
fn codes_are_validated() {
    let bank = TestBank::new();
    let server = bank.serve();
    let in_set = |params: &[(&str, &str)]| ask(&server, "ValueSet/$validate-code", params);
    let gender = [("url", GENDERS), ("system", GENDER)];
    let with = |more: &[(&'static str, &'static str)]| [&gender[..], more].concat();
    let answer = ok(&in_set(&with(&[("code", "male")])));
    assert_eq!(
        (said(&answer, "result"), said(&answer, "display")),
        (&json!(true), &json!("Male"))
    );
    let answer = ok(&in_set(&with(&[("code", "man")])));
    assert_eq!(said(&answer, "result"), false);
    assert!(said(&answer, "message").is_string());
    // A wrong display is no valid pair; the message does not repeat it.
    let answer = ok(&in_set(&with(&[("code", "male"), ("display", "Herr")])));
    assert_eq!(
        (said(&answer, "result"), said(&answer, "display")),
        (&json!(false), &json!("Male"))
    );
    assert!(!answer.to_string().contains("Herr"));
    let answer = ok(&in_set(&with(&[("code", "male"), ("display", "male")])));
    assert_eq!(said(&answer, "result"), true);
    assert_eq!(
        error(&in_set(&[("url", GENDERS), ("code", "male")]), "system"),
        is(400, "required")
    );

    // Not loaded is neither true nor false.
    let body_site = "http://hl7.org/fhir/ValueSet/body-site";
    let params = [
        ("url", body_site),
        ("system", "http://snomed.info/sct"),
        ("code", "1"),
    ];
    assert_eq!(
        error(&in_set(&params), "http://snomed.info/sct"),
        is(422, "not-found")
    );

    let coding = |system: &str, code: &str| json!({ "system": system, "code": code });
    let post_to = |kind: &str, name: &str, value: Value| {
        let key = if name == "coding" {
            "valueCoding"
        } else {
            "valueCodeableConcept"
        };
        post(
            &server,
            &format!("{kind}/$validate-code"),
            json!([
                { "name": "url", "valueUri": if kind == "ValueSet" { GENDERS } else { GENDER } },
                { "name": name, key: value },
            ]),
        )
    };
    let answer = ok(&post_to("ValueSet", "coding", coding(GENDER, "female")));
    assert_eq!(said(&answer, "result"), true);
    let concept =
        json!({ "coding": [coding("http://example.org/x", "1"), coding(GENDER, "other")] });
    let answer = ok(&post_to("ValueSet", "codeableConcept", concept.clone()));
    assert_eq!(said(&answer, "result"), true);
    let answer = ok(&post_to("CodeSystem", "codeableConcept", concept));
    assert_eq!(said(&answer, "result"), true);
    let answer = ok(&post_to(
        "CodeSystem",
        "coding",
        coding("http://example.org/x", "male"),
    ));
    assert_eq!(said(&answer, "result"), false);

    let in_system = |url: &str, code: &str| {
        ask(
            &server,
            "CodeSystem/$validate-code",
            &[("url", url), ("code", code)],
        )
    };
    for (url, code, result) in [
        (GENDER, "male", true),
        (GENDER, "Male", false),
        // UCUM and BCP 13 have grammars.
        ("http://unitsofmeasure.org", "mg/dL", true),
        ("http://unitsofmeasure.org", "mg per dL", false),
        ("urn:ietf:bcp:13", "text/plain", true),
    ] {
        let answer = ok(&in_system(url, code));
        assert_eq!(said(&answer, "result"), result, "{url} {code}");
    }
    assert_eq!(
        error(&in_system("http://loinc.org", "4548-4"), "http://loinc.org"),
        is(404, "not-found")
    );
}

#[test]
fn concepts_are_looked_up_compared_and_translated() {
    let bank = TestBank::new();
    let server = bank.serve();
    let lookup = |system: &str, code: &str| {
        ask(
            &server,
            "CodeSystem/$lookup",
            &[("system", system), ("code", code)],
        )
    };
    let answer = ok(&lookup(GENDER, "female"));
    assert_eq!(said(&answer, "name"), "AdministrativeGender");
    assert_eq!(
        (said(&answer, "display"), said(&answer, "version")),
        (&json!("Female"), &json!("4.0.1"))
    );
    assert_eq!(
        error(&lookup(GENDER, "woman"), GENDER),
        is(404, "not-found")
    );
    assert_eq!(
        error(&lookup("http://loinc.org", "1"), "http://loinc.org"),
        is(404, "not-found")
    );

    // FHIR R4 codesystem-condition-clinical.html: active has recurrence and relapse.
    let clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical";
    let subsumes = |one: &str, other: &str| {
        let params = [("system", clinical), ("codeA", one), ("codeB", other)];
        ask(&server, "CodeSystem/$subsumes", &params)
    };
    for (one, other, outcome) in [
        ("active", "active", "equivalent"),
        ("active", "relapse", "subsumes"),
        ("relapse", "active", "subsumed-by"),
        ("active", "resolved", "not-subsumed"),
    ] {
        assert_eq!(
            said(&ok(&subsumes(one, other)), "outcome"),
            outcome,
            "{one} {other}"
        );
    }
    assert_eq!(
        error(&subsumes("active", "none"), clinical),
        is(404, "not-found")
    );
    let coding = |code: &str| json!({ "system": clinical, "code": code });
    let sent = json!([
        { "name": "codingA", "valueCoding": coding("inactive") },
        { "name": "codingB", "valueCoding": coding("remission") },
    ]);
    let answer = ok(&post(&server, "CodeSystem/$subsumes", sent));
    assert_eq!(said(&answer, "outcome"), "subsumes");

    // FHIR R4 cm-administrative-gender-v2.html
    let (map, v2) = (
        "http://hl7.org/fhir/ConceptMap/cm-administrative-gender-v2",
        "http://terminology.hl7.org/CodeSystem/v2-0001",
    );
    let translate = |params: &[(&str, &str)]| ask(&server, "ConceptMap/$translate", params);
    let matches = |answer: &Answer| -> Vec<(String, String)> {
        let answer = ok(answer);
        let all = answer["parameter"].as_array().expect("parameters").iter();
        let all = all.filter(|one| one["name"] == "match");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        all.map(|one| {
            let part = &one["part"];
            (
                text(&part[0]["valueCode"]),
                text(&part[1]["valueCoding"]["code"]),
            )
        })
        .collect()
    };
    let pair = |equivalence: &str, code: &str| (equivalence.to_owned(), code.to_owned());
    let of = |code: &'static str| [("url", map), ("system", GENDER), ("code", code)];
    assert_eq!(matches(&translate(&of("male"))), [pair("equal", "M")]);
    assert_eq!(matches(&translate(&of("female"))), [pair("equal", "F")]);
    assert_eq!(
        matches(&translate(&of("other"))),
        [pair("wider", "A"), pair("wider", "O")]
    );
    let back = [
        ("url", map),
        ("system", v2),
        ("code", "O"),
        ("reverse", "true"),
    ];
    assert_eq!(matches(&translate(&back)), [pair("narrower", "other")]);
    // Found by what it maps to.
    let found = [("targetsystem", v2), ("system", GENDER), ("code", "male")];
    assert_eq!(matches(&translate(&found)), [pair("equal", "M")]);
    let found = [("source", GENDERS), ("system", GENDER), ("code", "male")];
    assert!(matches(&translate(&found)).contains(&pair("equal", "M")));
    let answer = ok(&translate(&of("neither")));
    assert_eq!(said(&answer, "result"), false);
    let none = [
        ("url", "http://example.org/map"),
        ("system", GENDER),
        ("code", "male"),
    ];
    assert_eq!(
        error(&translate(&none), "http://example.org/map"),
        is(404, "not-found")
    );
    // A map of the bank, by id.
    put(
        &server,
        &json!({
            "resourceType": "ConceptMap", "id": "words", "url": "http://example.org/words", "status": "active",
            "group": [{ "source": "http://example.org/en", "target": "http://example.org/ja",
                "element": [{ "code": "lung", "target": [{ "code": "肺", "equivalence": "equivalent" }] }],
                "unmapped": { "mode": "other-map", "url": "http://example.org/more-words" } }],
        }),
    );
    let word = |code: &str| {
        let params = [("system", "http://example.org/en"), ("code", code)];
        ask(&server, "ConceptMap/words/$translate", &params)
    };
    assert_eq!(matches(&word("lung")), [pair("equivalent", "肺")]);
    assert_eq!(
        error(&word("liver"), "http://example.org/more-words"),
        is(422, "not-found")
    );
}

#[test]
fn they_are_announced_and_need_the_right_to_read() {
    let bank = TestBank::new();
    let server = bank.serve();
    let statement = server.get("/fhir/metadata").json();
    let resources = statement["rest"][0]["resource"]
        .as_array()
        .expect("resources");
    for (kind, name) in [
        ("ValueSet", "expand"),
        ("ValueSet", "validate-code"),
        ("CodeSystem", "validate-code"),
        ("CodeSystem", "lookup"),
        ("CodeSystem", "subsumes"),
        ("ConceptMap", "translate"),
    ] {
        let resource = resources
            .iter()
            .find(|one| one["type"] == kind)
            .expect("the type");
        let definition = format!("http://hl7.org/fhir/OperationDefinition/{kind}-{name}");
        let stated = json!({ "name": name, "definition": definition });
        let operations = resource["operation"].as_array().expect("operations");
        assert!(operations.contains(&stated), "{kind} {name}");
    }
    drop(server);
    assert_eq!(add(&bank, "sato", "doctor", "correct horse battery"), 0);
    assert_eq!(add(&bank, "kato", "researcher", "another long password"), 0);
    let server = bank.serve();
    let path = format!("/fhir/ValueSet/$expand?url={}", encoded(GENDERS));
    let as_who = |who: &str| {
        let value = basic(who);
        server
            .send("GET", &path, &[("Authorization", &value)], "")
            .status
    };
    assert_eq!(as_who("sato:correct horse battery"), 200);
    assert_eq!(as_who("kato:another long password"), 403);
    assert_eq!(server.get(&path).status, 401);
}

#[test]
fn value_sets_of_a_package_expand() {
    let Some(package) = shared("fhir-jp/jp-clins.r4-1.5.2-snap.tgz") else {
        return;
    };
    let bank = TestBank::new();
    bank.kura(&["package", "add", &package.display().to_string()])
        .ok();
    let server = bank.serve();
    // The code system of the package has 22 codes below HbA1c-NGSP, this one first.
    let url =
        "http://jpfhir.jp/fhir/clins/ValueSet/JLAC10/JP_CLINS_ObsLabResult_CoreLabo_hba1c_ngsp_VS";
    let answer = ok(&ask(&server, "ValueSet/$expand", &[("url", url)]));
    assert_eq!(answer["expansion"]["total"], 22);
    assert_eq!(codes(&answer)[0], "3D046000001921002");
}

const DISEASE: &str = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/masterB-disease";
const DISEASES: &str = "urn:kura:value-set:claims-disease";

/// Expected values: read from the payer's files with iconv and grep.
#[test]
fn the_payers_masters_are_code_systems() {
    let files = [
        "claims/masters/b_20240601.zip",
        "claims/masters/z_20250601.zip",
        "claims/masters/y_ALL20240321.zip",
        "claims/masters/t_ALL20240315.zip",
    ];
    let files: Vec<String> = files
        .iter()
        .filter_map(|file| Some(shared(file)?.display().to_string()))
        .collect();
    let [disease, modifier, drug, device] = &files[..] else {
        return;
    };
    let bank = TestBank::new();
    let run = |file: &str| {
        let arguments = ["terminology", "add", file, "--format", "json"];
        bank.kura(&arguments).ok().json()
    };
    for (file, concepts) in [
        (disease, 27_437),
        (modifier, 2_375),
        (drug, 19_686),
        (device, 1_334),
    ] {
        let report = run(file);
        assert_eq!(
            (&report["concepts"], &report["known"]),
            (&json!(concepts), &json!(false))
        );
    }
    assert_eq!(run(disease)["known"], true);
    assert_eq!(bank.versions("CodeSystem"), 4);

    let server = bank.serve();
    let lookup = |system: &str, code: &str| {
        ok(&ask(
            &server,
            "CodeSystem/$lookup",
            &[("system", system), ("code", code)],
        ))
    };
    let property = |answer: &Value, name: &str| -> Value {
        let all = answer["parameter"].as_array().expect("parameters").iter();
        let mut all = all.filter(|one| one["name"] == "property");
        let found = all.find(|one| one["part"][0]["valueCode"] == name);
        let part = found.map(|one| one["part"][1].clone());
        let part = part.as_ref().and_then(Value::as_object).cloned();
        let value = part.and_then(|part| part.into_iter().find(|(key, _)| key != "name"));
        value.map_or(Value::Null, |(_, value)| value)
    };
    let pneumonia = lookup(DISEASE, "4860030");
    assert_eq!(said(&pneumonia, "display"), "肺炎");
    assert_eq!(property(&pneumonia, "icd10"), "J189");
    assert!(pneumonia.to_string().contains("ハイエン"));
    let famotidine = lookup("urn:oid:1.2.392.100495.20.1.71", "610406079");
    assert_eq!(said(&famotidine, "display"), "ガスター散２％");
    assert_eq!(property(&famotidine, "price-list"), "2325003B2029");
    assert_eq!(property(&famotidine, "unit"), "ｇ");
    assert_eq!(property(&famotidine, "price").to_string(), "16.50");
    assert_eq!(
        said(
            &lookup("urn:kura:uke:tokutei-kizai", "700010000"),
            "display"
        ),
        "半切"
    );

    let expand = |filter: &str| {
        let params = [("url", DISEASES), ("filter", filter), ("count", "3")];
        ok(&ask(&server, "ValueSet/$expand", &params))["expansion"]["total"].clone()
    };
    // Kanji, and hiragana against the reading.
    assert_eq!(expand("肺炎"), 127);
    assert_eq!(expand("はいえん"), expand("ﾊｲｴﾝ"));
    assert_eq!(
        error(
            &ask(&server, "ValueSet/$expand", &[("url", DISEASES)]),
            "10000"
        ),
        is(422, "too-costly")
    );
    let validate = |code: &str| {
        let params = [("url", DISEASES), ("system", DISEASE), ("code", code)];
        let answer = ok(&ask(&server, "ValueSet/$validate-code", &params));
        said(&answer, "result").clone()
    };
    assert_eq!(
        (validate("4860030"), validate("1234567")),
        (json!(true), json!(false))
    );
    // What a resource is validated by: a code that the master does not have.
    let condition = |code: &str| {
        let body = json!({ "resourceType": "Condition", "subject": { "reference": "Patient/1" },
            "code": { "coding": [{ "system": DISEASE, "code": code }] } });
        let answer = server.send(
            "POST",
            "/fhir/Condition/$validate",
            &[FHIR],
            &body.to_string(),
        );
        answer.body.matches("none of its code system").count()
    };
    assert_eq!((condition("4860030"), condition("1234567")), (0, 1));
}

#[test]
fn a_damaged_master_is_refused_by_file_and_line() {
    let Some(file) = shared("claims/masters/z_20250601.zip") else {
        return;
    };
    let Some(python) = tool("KURA_PYTHON", "python3") else {
        return;
    };
    let bank = TestBank::new();
    let unpacked = std::process::Command::new(python)
        .args(["-c", "import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nsys.stdout.buffer.write(z.read(z.namelist()[0]))"])
        .arg(&file)
        .output()
        .expect("python runs");
    let good = unpacked.stdout;
    assert!(good.len() > 100_000);
    let mut lines: Vec<Vec<u8>> = good
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    lines[41].truncate(20);
    let damaged = bank.file("damaged.csv", &lines.concat());
    let run = bank
        .kura(&["terminology", "add", &damaged.display().to_string()])
        .exits(1);
    assert!(
        run.err.contains("damaged.csv") && run.err.contains("line 42"),
        "{}",
        run.err
    );
    let mut archive = Vec::new();
    std::fs::File::open(&file)
        .expect("the file")
        .read_to_end(&mut archive)
        .expect("bytes");
    archive.truncate(archive.len() / 2);
    let cut = bank.file("cut.zip", &archive);
    let run = bank
        .kura(&["terminology", "add", &cut.display().to_string()])
        .exits(1);
    assert!(run.err.contains("cut.zip"), "{}", run.err);
    assert_eq!(bank.versions("CodeSystem"), 0);
    // As it is, without its archive.
    let whole = bank.file("whole.csv", &good);
    bank.kura(&["terminology", "add", &whole.display().to_string()])
        .ok();
    assert_eq!(bank.versions("CodeSystem"), 1);
}
