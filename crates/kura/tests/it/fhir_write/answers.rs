//! The form of answers, and history.

use serde_json::{Value, json};

use super::{patient, refused, send, with};
use crate::support::{TestBank, sample};

/// `_summary`, `_elements`, `_pretty`, `_format`, Accept, Prefer. (gzip: the Python client asks for it.)
#[test]
fn answers_in_the_form_that_was_asked_for() {
    let bank = TestBank::new();
    bank.import(&[&sample("fhir/Patient.ndjson.gz")], 0);
    let server = bank.serve();
    let plain = server.get("/fhir/Patient?_count=2").json();
    let id = plain["entry"][0]["resource"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (query, there, gone) in [
        ("_elements=gender", "gender", "name"),
        ("_summary=text", "id", "gender"),
        ("_summary=true", "name", "communication"),
    ] {
        for path in [
            format!("/fhir/Patient/{id}?{query}"),
            format!("/fhir/Patient?_count=1&{query}"),
            format!("/fhir/Patient/_history?_count=1&{query}"),
        ] {
            let value = server.get(&path).json();
            let found = value.pointer("/entry/0/resource").unwrap_or(&value);
            assert!(
                found.get(there).is_some() && found.get(gone).is_none(),
                "{path}: {value}"
            );
            assert_eq!(found["meta"]["tag"][0]["code"], "SUBSETTED", "{path}");
        }
    }
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let posted = server
        .send(
            "POST",
            "/fhir/Patient/_search",
            &[form],
            "_elements=gender&_count=1",
        )
        .json();
    assert!(posted["entry"][0]["resource"].get("name").is_none());
    // A part is not written back as the whole.
    let part = server
        .get(&format!("/fhir/Patient/{id}?_elements=gender"))
        .json();
    assert_eq!(
        send(&server, "PUT", &format!("/Patient/{id}"), &part).status,
        422
    );
    assert!(
        server
            .get(&format!("/fhir/Patient/{id}?_pretty=true"))
            .body
            .contains("\n  \"id\"")
    );
    assert_eq!(
        server.get("/fhir/Patient?_summary=count").json()["total"],
        43
    );
    assert_eq!(server.get("/fhir/Patient?_summary=much").status, 400);
    for (format, status) in [
        ("json", 200),
        ("application/fhir%2Bjson", 200),
        ("application/fhir+json", 200),
        ("xml", 200),
        ("text/turtle", 406),
    ] {
        assert_eq!(
            server
                .get(&format!("/fhir/Patient/{id}?_format={format}"))
                .status,
            status,
            "{format}"
        );
    }
    let accept = |kind| {
        server.send(
            "GET",
            &format!("/fhir/Patient/{id}"),
            &[("Accept", kind)],
            "",
        )
    };
    assert_eq!(accept("application/json").status, 200);
    assert_eq!(refused(&accept("text/turtle")).0, 406);
    assert_eq!(accept("text/html,*/*;q=0.8").status, 200);
    for prefer in [
        "return=minimal",
        "return=representation",
        "return=OperationOutcome",
    ] {
        let answer = with(
            &server,
            "POST",
            "/Patient",
            &[("Prefer", prefer)],
            &patient("1"),
        );
        assert_eq!(answer.status, 201);
        let wanted = match prefer {
            "return=minimal" => None,
            "return=representation" => Some("Patient"),
            _ => Some("OperationOutcome"),
        };
        let body: Option<Value> = serde_json::from_str(&answer.body).ok();
        assert_eq!(
            body.as_ref().and_then(|body| body["resourceType"].as_str()),
            wanted
        );
    }
}

#[test]
fn history_of_a_type_and_of_all_is_paged_by_a_cursor() {
    let bank = TestBank::new();
    let server = bank.serve();
    for number in 0..5 {
        let body = json!({"resourceType": "Patient", "id": "p", "multipleBirthInteger": number});
        send(&server, "PUT", "/Patient/p", &body);
        // A time names one version only if no other has it.
        std::thread::sleep(std::time::Duration::from_millis(3));
    }
    let middle = server.get("/fhir/Patient/p/_history/3").json()["meta"]["lastUpdated"]
        .as_str()
        .unwrap()
        .to_owned();
    send(
        &server,
        "POST",
        "/Observation",
        &json!({"resourceType": "Observation"}),
    );
    server.send("DELETE", "/fhir/Patient/p", &[], "");
    let walk = |first: &str| {
        let mut path = first.to_owned();
        let mut seen = Vec::new();
        loop {
            let bundle = server.get(&path).json();
            assert_eq!(bundle["type"], "history", "{path}");
            for entry in bundle["entry"].as_array().unwrap_or(&Vec::new()) {
                seen.push(format!(
                    "{} {}",
                    entry["request"]["method"].as_str().unwrap(),
                    entry["response"]["etag"].as_str().unwrap()
                ));
            }
            // What is written meanwhile does not disturb the walk.
            send(
                &server,
                "POST",
                "/Observation",
                &json!({"resourceType": "Observation"}),
            );
            let next = bundle["link"]
                .as_array()
                .unwrap()
                .iter()
                .find(|link| link["relation"] == "next");
            match next {
                Some(next) => {
                    path = next["url"]
                        .as_str()
                        .unwrap()
                        .strip_prefix(&server.url())
                        .unwrap()
                        .to_owned()
                }
                None => return seen,
            }
        }
    };
    let all = [
        "DELETE W/\"6\"",
        "PUT W/\"5\"",
        "PUT W/\"4\"",
        "PUT W/\"3\"",
        "PUT W/\"2\"",
        "POST W/\"1\"",
    ];
    assert_eq!(walk("/fhir/Patient/_history?_count=2"), all);
    assert_eq!(walk("/fhir/Patient/p/_history?_count=4"), all);
    assert_eq!(
        walk(&format!("/fhir/Patient/_history?_since={middle}")),
        all[..4]
    );
    assert_eq!(
        walk(&format!("/fhir/Patient/p/_history?_at={middle}")),
        all[3..4]
    );
    let system = walk("/fhir/_history?_count=3");
    assert!(system.len() > 7 && system.contains(&all[0].to_owned()));
    assert_eq!(server.get("/fhir/Patient/_history?_since=soon").status, 400);
    assert_eq!(server.get("/fhir/Patient/none/_history").status, 404);
    assert_eq!(server.get("/fhir/Nothing/_history").status, 404);
}
