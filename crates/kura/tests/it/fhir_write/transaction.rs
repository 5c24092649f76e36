//! Batches and transactions.

use serde_json::{Value, json};

use super::{entry, patient, refused, send};
use crate::support::TestBank;

/// <http://hl7.org/fhir/R4/http.html#transaction>
#[test]
fn a_transaction_is_done_in_its_order_and_answered_in_its_own() {
    let bank = TestBank::new();
    let server = bank.serve();
    for id in ["gone", "kept", "patched"] {
        let body = json!({"resourceType": "Patient", "id": id, "identifier": [{"system": "urn:n", "value": id}]});
        assert_eq!(
            send(&server, "PUT", &format!("/Patient/{id}"), &body).status,
            201
        );
    }
    let mut observation = entry(
        "POST",
        "Observation",
        Some(json!({
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"urn:uuid:aa\">p</a></div>"},
        "subject": {"reference": "urn:uuid:aa"},
        "performer": [{"reference": "Practitioner/d"}, {"reference": "Patient?identifier=urn:n|kept"}, {"reference": "Patient?identifier=urn:n|new"}],
        "derivedFrom": [{"reference": "urn:oid:1.2.3"}]})),
    );
    observation["fullUrl"] = json!("http://old.example/fhir/Observation/o");
    let mut new = entry("POST", "Patient", Some(patient("new")));
    new["fullUrl"] = json!("urn:uuid:aa");
    let mut doctor = entry(
        "POST",
        "Practitioner",
        Some(json!({"resourceType": "Practitioner", "id": "d"})),
    );
    doctor["fullUrl"] = json!("http://old.example/fhir/Practitioner/d");
    let mut document = entry(
        "PUT",
        "DocumentReference/doc",
        Some(
            json!({"resourceType": "DocumentReference", "id": "doc", "status": "current",
        "content": [{"attachment": {"url": "urn:oid:1.2.3"}}]}),
        ),
    );
    document["fullUrl"] = json!("urn:uuid:doc");
    let mut binary = entry(
        "POST",
        "Binary",
        Some(json!({"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="})),
    );
    binary["fullUrl"] = json!("urn:oid:1.2.3");
    let mut exists = entry("POST", "Patient", Some(patient("kept")));
    exists["request"]["ifNoneExist"] = json!("identifier=urn:n|kept");
    let mut reads_kept = entry("GET", "Patient/kept", None);
    reads_kept["request"]["ifNoneMatch"] = json!("W/\"1\"");
    // [{"op":"add","path":"/active","value":true}]
    let patch = json!({"resourceType": "Binary", "contentType": "application/json-patch+json",
        "data": "W3sib3AiOiJhZGQiLCJwYXRoIjoiL2FjdGl2ZSIsInZhbHVlIjp0cnVlfV0="});
    let entries = json!([
        entry("GET", "Patient?identifier=urn:n|new", None),
        reads_kept,
        observation,
        new,
        doctor,
        document,
        binary,
        exists,
        entry("PATCH", "Patient/patched", Some(patch)),
        entry("DELETE", "Patient/gone", None),
        entry("GET", "Patient/patched", None),
    ]);
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
    let answer = send(&server, "POST", "", &bundle);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    assert_eq!(answer["type"], "transaction-response");
    let statuses: Vec<&str> = answer["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            entry["response"]["status"]
                .as_str()
                .unwrap()
                .split(' ')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(
        statuses,
        [
            "200", "304", "201", "201", "201", "201", "201", "200", "200", "204", "200"
        ]
    );
    assert_eq!(
        answer["entry"][0]["resource"]["entry"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(answer["entry"][10]["resource"]["active"], true);
    assert_eq!(answer["entry"][8]["response"]["etag"], "W/\"2\"");
    let place = |index: usize| -> String {
        let location = answer["entry"][index]["response"]["location"]
            .as_str()
            .unwrap();
        location.split("/_history").next().unwrap().to_owned()
    };
    let written = server.get(&format!("/fhir/{}", place(2))).json();
    assert_eq!(written["subject"]["reference"], json!(place(3)));
    assert!(
        written["text"]["div"]
            .as_str()
            .unwrap()
            .contains(&format!("href=\"{}\"", place(3)))
    );
    assert_eq!(
        written["performer"],
        json!([{"reference": place(4)}, {"reference": "Patient/kept"}, {"reference": place(3)}])
    );
    assert_eq!(written["derivedFrom"][0]["reference"], json!(place(6)));
    let document = server.get("/fhir/DocumentReference/doc").json();
    assert_eq!(document["content"][0]["attachment"]["url"], json!(place(6)));
    // One commit: one time.
    let times: Vec<&Value> = [2, 3, 4, 5, 6, 8]
        .iter()
        .map(|index| &answer["entry"][*index]["response"]["lastModified"])
        .collect();
    assert!(times.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_transaction_is_all_or_nothing_and_says_which_entry() {
    let bank = TestBank::new();
    let server = bank.serve();
    let put = |id: &str| {
        entry(
            "PUT",
            &format!("Patient/{id}"),
            Some(json!({"resourceType": "Patient", "id": id})),
        )
    };
    assert_eq!(
        send(
            &server,
            "PUT",
            "/Patient/there",
            &json!({"resourceType": "Patient", "id": "there"})
        )
        .status,
        201
    );
    let mut stale = put("there");
    stale["resource"]["active"] = json!(true);
    stale["request"]["ifMatch"] = json!("W/\"9\"");
    let mut twin = entry("POST", "Patient", Some(patient("t")));
    twin["fullUrl"] = json!("urn:uuid:t");
    let mut once = entry("POST", "Patient", Some(patient("t")));
    once["request"]["ifNoneExist"] = json!("identifier=urn:n|t");
    let reference = json!({"resourceType": "Observation", "subject": {"reference": "Patient?identifier=urn:n|nobody"}});
    for (second, status, code, place) in [
        (put("a"), 400, "duplicate", "Bundle.entry[1].request.url"),
        (
            entry("DELETE", "Patient/a", None),
            400,
            "duplicate",
            "Bundle.entry[0].request.url",
        ),
        (stale, 412, "conflict", "Bundle.entry[1]"),
        (
            entry("POST", "Observation", Some(reference)),
            412,
            "not-found",
            "Bundle.entry[1]",
        ),
        (
            entry(
                "PUT",
                "Patient/b",
                Some(json!({"resourceType": "Patient", "id": "c"})),
            ),
            400,
            "value",
            "Bundle.entry[1].resource.id",
        ),
        (
            entry("POST", "Patient", None),
            400,
            "required",
            "Bundle.entry[1].resource",
        ),
        (
            entry("GET", "Patient/none", None),
            404,
            "not-found",
            "Bundle.entry[1]",
        ),
        (
            entry(
                "POST",
                "Device",
                Some(
                    json!({"resourceType": "Device", "identifier": [{"system": "urn:kura:model", "value": "m"}]}),
                ),
            ),
            422,
            "business-rule",
            "Bundle.entry[1].resource.id",
        ),
        (
            entry("SING", "Patient/b", None),
            400,
            "value",
            "Bundle.entry[1].request.method",
        ),
        (json!({}), 400, "required", "Bundle.entry[1].request"),
    ] {
        let bundle =
            json!({"resourceType": "Bundle", "type": "transaction", "entry": [put("a"), second]});
        let answer = send(&server, "POST", "", &bundle);
        assert_eq!(
            refused(&answer),
            (status, code.to_owned(), json!(place)),
            "{bundle}"
        );
        assert_eq!(server.get("/fhir/Patient/a").status, 404, "{bundle}");
    }
    for entries in [json!([twin.clone(), twin]), json!([once.clone(), once])] {
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
        assert_eq!(refused(&send(&server, "POST", "", &bundle)).1, "duplicate");
    }
    assert_eq!(bank.live("Patient"), 1);
    // A batch goes on where a transaction ends.
    let bundle = json!({"resourceType": "Bundle", "type": "batch", "entry": [
        entry("GET", "Patient/a", None), put("a"), entry("GET", "Patient/none", None), json!({}),
        entry("PUT", "Patient/b", Some(json!({"resourceType": "Patient", "id": "c"}))), entry("DELETE", "Patient/there", None)]});
    let answer = send(&server, "POST", "", &bundle).json();
    let statuses: Vec<&str> = answer["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["response"]["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        [
            "200 OK",
            "201 Created",
            "404 Not Found",
            "400 Bad Request",
            "400 Bad Request",
            "204 No Content"
        ]
    );
    assert_eq!(
        answer["entry"][2]["response"]["outcome"]["issue"][0]["code"],
        "not-found"
    );
}

/// Whatever comes, the answer is an OperationOutcome or a Bundle, never a fault of ours.
#[test]
fn no_shape_of_a_bundle_breaks_the_server() {
    let bank = TestBank::new();
    let server = bank.serve();
    let deep = (0..200).fold(
        json!({"op": "add", "path": "/a", "value": 1}),
        |inner, _| json!([inner]),
    );
    let entries = [
        json!(null),
        json!(1),
        json!([]),
        json!({"request": 1}),
        json!({"request": {"method": 1}}),
        json!({"request": {"method": "POST", "url": 1}}),
        json!({"request": {"method": "POST", "url": ""}}),
        json!({"request": {"method": "GET", "url": "////"}}),
        json!({"request": {"method": "GET", "url": "Patient/1/2/3/4/5"}}),
        json!({"request": {"method": "GET", "url": "?%zz"}}),
        json!({"request": {"method": "GET", "url": "Patient?birthdate=%FF"}}),
        json!({"request": {"method": "DELETE", "url": "Patient?"}}),
        json!({"request": {"method": "PUT", "url": "Patient?_count=1"}, "resource": {"resourceType": "Patient"}}),
        json!({"request": {"method": "POST", "url": "Patient"}, "resource": []}),
        json!({"fullUrl": {}, "request": {"method": "POST", "url": "Patient"}, "resource": {"resourceType": "Patient"}}),
        json!({"request": {"method": "PATCH", "url": "Patient/a"}, "resource": {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "!"}}),
        json!({"request": {"method": "PATCH", "url": "Patient/a"}, "resource": deep}),
        json!({"request": {"method": "POST", "url": "Patient", "ifNoneExist": "%"}, "resource": {"resourceType": "Patient"}}),
        json!({"request": {"method": "POST", "url": "Observation"}, "resource": {"resourceType": "Observation", "subject": {"reference": "Patient?%"}}}),
        json!({"request": {"method": "POST", "url": "Observation"}, "resource": {"resourceType": "Observation", "subject": {"reference": "Patient?"}}}),
    ];
    for kind in ["transaction", "batch"] {
        for entry in &entries {
            let bundle = json!({"resourceType": "Bundle", "type": kind, "entry": [entry]});
            let answer = send(&server, "POST", "", &bundle);
            // A conditional reference is a matter of transactions only. FHIR R4 http.html#trules
            let fine = kind == "batch" && entry["request"]["url"] == "Observation";
            if kind == "transaction" || answer.status != 200 {
                assert!(
                    (400..500).contains(&answer.status),
                    "{} {bundle}",
                    answer.status
                );
                refused(&answer);
            } else if !fine {
                let status = answer.json()["entry"][0]["response"]["status"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                assert!(status.starts_with('4'), "{status} {bundle}");
            }
        }
    }
    for bundle in [
        json!({"resourceType": "Bundle"}),
        json!({"resourceType": "Bundle", "type": "batch", "entry": {}}),
        json!({"resourceType": "Bundle", "type": 7}),
    ] {
        assert_eq!(send(&server, "POST", "", &bundle).status, 400, "{bundle}");
    }
    let empty = json!({"resourceType": "Bundle", "type": "transaction"});
    assert_eq!(
        send(&server, "POST", "/", &empty).json()["type"],
        "transaction-response"
    );
    assert_eq!(bank.live("Patient"), 0);
}
