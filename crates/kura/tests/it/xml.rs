//! XML on the FHIR API. FHIR R4 xml.html, http.html#mime-type.

use serde_json::{Value, json};

use crate::support::{Answer, Server, TestBank, python, sample};

const XML: (&str, &str) = ("Content-Type", "application/fhir+xml");
const AS_XML: (&str, &str) = ("Accept", "application/fhir+xml");

#[track_caller]
fn read(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(
        answer.header("content-type").as_deref(),
        Some("application/fhir+xml; charset=utf-8")
    );
    kura_fhir::xml::read(answer.body.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn patient(within: &str) -> String {
    format!("<?xml version=\"1.0\"?><Patient xmlns=\"http://hl7.org/fhir\">{within}</Patient>")
}

fn serve() -> (TestBank, Server) {
    let bank = TestBank::new();
    let server = bank.serve();
    (bank, server)
}

#[test]
fn written_in_xml_and_read_in_either() {
    let (_bank, server) = serve();
    let body = patient("<active value=\"true\"/><name><family value=\"山田\"/></name>");
    let created = server.send("POST", "/fhir/Patient", &[XML, AS_XML], &body);
    let made = read(&created, 201);
    assert_eq!(made["active"], true);
    assert!(created.header("location").is_some() && created.header("etag").is_some());
    let id = made["id"].as_str().unwrap();
    let path = format!("/fhir/Patient/{id}");
    assert_eq!(server.get(&path).json(), made);
    let update = patient(&format!(
        "<id value=\"{id}\"/><birthDate value=\"1950-01-02\"/>"
    ));
    let updated = server.send(
        "PUT",
        &path,
        &[("Content-Type", "text/xml; charset=utf-8")],
        &update,
    );
    assert_eq!(updated.status, 200);
    assert_eq!(updated.json()["birthDate"], "1950-01-02");
    // By header, by name, and in each interaction.
    for query in [
        "",
        "?_format=xml",
        "?_format=application/fhir%2Bxml",
        "?_format=text/xml",
    ] {
        let accept: &[(&str, &str)] = if query.is_empty() { &[AS_XML] } else { &[] };
        let answer = server.send("GET", &format!("{path}{query}"), accept, "");
        assert_eq!(read(&answer, 200)["meta"]["versionId"], "2", "{query}");
        assert_eq!(answer.header("etag").as_deref(), Some("W/\"2\""));
    }
    // `_format` wins over the header.
    assert_eq!(
        server
            .send("GET", &format!("{path}?_format=json"), &[AS_XML], "")
            .json()["id"],
        id
    );
    for (path, kind) in [
        (format!("{path}/_history/1"), "Patient"),
        (format!("{path}/_history"), "Bundle"),
        (
            "/fhir/Patient?family=%E5%B1%B1%E7%94%B0".to_owned(),
            "Bundle",
        ),
        ("/fhir/metadata".to_owned(), "CapabilityStatement"),
    ] {
        let answer = server.send("GET", &path, &[AS_XML], "");
        assert_eq!(read(&answer, 200)["resourceType"], kind, "{path}");
    }
    let head = server.send("HEAD", &path, &[AS_XML], "");
    assert!(head.head.contains("application/fhir+xml") && head.body.is_empty());
    let pretty = server.get(&format!("{path}?_format=xml&_pretty=true")).body;
    assert!(
        pretty.contains("\n  <birthDate value=\"1950-01-02\"/>\n"),
        "{pretty}"
    );
    let part = server.get(&format!("{path}?_format=xml&_elements=birthDate"));
    assert_eq!(read(&part, 200)["meta"]["tag"][0]["code"], "SUBSETTED");
}

#[test]
fn errors_are_told_in_xml_and_name_the_place() {
    let (_bank, server) = serve();
    let missing = read(
        &server.send("GET", "/fhir/Patient/none", &[AS_XML], ""),
        404,
    );
    assert_eq!(missing["issue"][0]["code"], "not-found");
    for (body, code, place) in [
        (patient("<shoe value=\"secret\"/>"), "structure", Some("Patient")),
        (patient("<name><given/></name>"), "value", Some("Patient.name[0].given[0]")),
        (patient("<active value=\"secret\"/>"), "value", Some("Patient.active")),
        ("<Patient".to_owned(), "structure", None),
        (
            "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Patient xmlns=\"http://hl7.org/fhir\"/>"
                .to_owned(),
            "structure",
            None,
        ),
    ] {
        let answer = server.send("POST", "/fhir/Patient", &[XML, AS_XML], &body);
        let outcome = read(&answer, 400);
        assert_eq!(outcome["issue"][0]["code"], code, "{body}");
        assert_eq!(outcome["issue"][0]["expression"][0].as_str(), place, "{body}");
        assert!(!answer.body.contains("secret"));
    }
    let turtle = server.send(
        "GET",
        "/fhir/Patient/none",
        &[("Accept", "text/turtle")],
        "",
    );
    assert_eq!(turtle.status, 406);
    let charset = [("Content-Type", "application/fhir+xml; charset=Shift_JIS")];
    let charset = server.send("POST", "/fhir/Patient", &charset, &patient(""));
    assert_eq!(charset.status, 415);
}

/// What R4 does not define cannot be XML: it is said, and nothing is left out in silence.
#[test]
fn what_is_no_r4_is_not_read_as_xml() {
    let bank = TestBank::new();
    let line = "{\"resourceType\":\"Patient\",\"id\":\"p\",\"shoe\":42}\n";
    bank.import(&[&bank.file("p.ndjson", line.as_bytes())], 0);
    let server = bank.serve();
    let answer = server.send("GET", "/fhir/Patient/p", &[AS_XML], "");
    assert_eq!(answer.status, 406);
    assert_eq!(answer.json()["issue"][0]["expression"], json!(["Patient"]));
    assert_eq!(server.get("/fhir/Patient/p").json()["shoe"], 42);
}

#[test]
fn a_transaction_and_validation() {
    let (_bank, server) = serve();
    let entry = |url: &str, resource: &str| {
        format!(
            "<entry><fullUrl value=\"{url}\"/><resource>{resource}</resource>\
             <request><method value=\"POST\"/><url value=\"{}\"/></request></entry>",
            if resource.starts_with("<Patient") {
                "Patient"
            } else {
                "Observation"
            }
        )
    };
    let body = format!(
        "<Bundle xmlns=\"http://hl7.org/fhir\"><type value=\"transaction\"/>{}{}</Bundle>",
        entry(
            "urn:uuid:05efabf0-4be2-4561-91ce-51548425acb9",
            "<Patient><active value=\"true\"/></Patient>"
        ),
        entry(
            "urn:uuid:05efabf0-4be2-4561-91ce-51548425acba",
            "<Observation><status value=\"final\"/><code><text value=\"w\"/></code>\
             <subject><reference value=\"urn:uuid:05efabf0-4be2-4561-91ce-51548425acb9\"/></subject>\
             <valueQuantity><value value=\"1.50\"/></valueQuantity></Observation>"
        ),
    );
    let answer = read(&server.send("POST", "/fhir", &[XML, AS_XML], &body), 200);
    assert_eq!(answer["type"], "transaction-response");
    assert_eq!(answer["entry"][1]["response"]["status"], "201 Created");
    let found = server.get("/fhir/Observation");
    assert!(found.body.contains("\"value\":1.50"), "{}", found.body);
    let found = read(
        &server.get("/fhir/Observation?_format=xml&_include=Observation:subject"),
        200,
    );
    assert_eq!(found["entry"].as_array().unwrap().len(), 2);
    let outcome = server.send(
        "POST",
        "/fhir/Observation/$validate",
        &[XML, AS_XML],
        "<Observation xmlns=\"http://hl7.org/fhir\"><status value=\"final\"/></Observation>",
    );
    let outcome = read(&outcome, 200);
    assert!(
        outcome.to_string().contains("Observation.code"),
        "{outcome}"
    );
}

#[test]
fn pages_go_on_in_xml() {
    let bank = TestBank::new();
    bank.import(&[&sample("fhir/Patient.ndjson.gz")], 0);
    let server = bank.serve();
    let mut path = "/fhir/Patient?_format=xml&_count=20".to_owned();
    let mut seen = 0;
    loop {
        let bundle = read(&server.get(&path), 200);
        seen += bundle["entry"].as_array().unwrap().len();
        let links = bundle["link"].as_array().unwrap();
        let Some(next) = links.iter().find(|link| link["relation"] == "next") else {
            break;
        };
        let (_, after) = next["url"].as_str().unwrap().split_once("/fhir").unwrap();
        path = format!("/fhir{after}");
    }
    assert_eq!(seen, 43);
    // A form may say it as well.
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let answer = server.send(
        "POST",
        "/fhir/Patient/_search",
        &[form],
        "_format=xml&_count=1",
    );
    assert_eq!(read(&answer, 200)["type"], "searchset");
}

/// fhir.resources reads our XML and finds what it finds in our JSON; what it writes, we read.
#[test]
fn a_foreign_parser_reads_and_writes_it() {
    let bank = TestBank::new();
    bank.import(&[&sample("fhir")], 0);
    let server = bank.serve();
    let base = format!("{}/fhir", server.url());
    if let Some(said) = python("tests/python/fhir_xml.py", &[&base]) {
        eprintln!("{said}");
    }
}

/// FHIR R4 fhirpatch.html: by id, by criteria, in a transaction, in JSON and in XML.
#[test]
fn a_fhirpath_patch() {
    let (_bank, server) = serve();
    let part = |name: &str, key: &str, value: &str| json!({"name": name, key: value});
    let parameters = |parts: Value| json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]});
    let gender = parameters(json!([
        part("type", "valueCode", "add"),
        part("path", "valueString", "Patient"),
        part("name", "valueString", "gender"),
        part("value", "valueCode", "female"),
    ]));
    let body = json!({"resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:n", "value": "1"}]});
    let fhir = ("Content-Type", "application/fhir+json");
    let put = server.send("PUT", "/fhir/Patient/p", &[fhir], &body.to_string());
    assert_eq!(put.status, 201);
    let stale = [fhir, ("If-Match", "W/\"9\"")];
    let stale = server.send("PATCH", "/fhir/Patient/p", &stale, &gender.to_string());
    assert_eq!(stale.status, 412);
    let patched = server.send("PATCH", "/fhir/Patient/p", &[fhir], &gender.to_string());
    assert_eq!(
        (patched.status, &patched.json()["gender"]),
        (200, &json!("female"))
    );
    // It is there already.
    let again = server.send("PATCH", "/fhir/Patient/p", &[fhir], &gender.to_string());
    assert_eq!(again.status, 422);
    assert_eq!(
        again.json()["issue"][0]["expression"],
        json!(["Parameters.parameter[0]"])
    );
    let delete = "<Parameters xmlns=\"http://hl7.org/fhir\"><parameter><name value=\"operation\"/>\
        <part><name value=\"type\"/><valueCode value=\"delete\"/></part>\
        <part><name value=\"path\"/><valueString value=\"Patient.gender\"/></part></parameter></Parameters>";
    let query = "/fhir/Patient?identifier=urn:n%7C1";
    let gone = read(&server.send("PATCH", query, &[XML, AS_XML], delete), 200);
    assert_eq!(
        (gone.get("gender"), &gone["meta"]["versionId"]),
        (None, &json!("3"))
    );
    let id = parameters(json!([
        part("type", "valueCode", "replace"),
        part("path", "valueString", "Patient.id"),
        part("value", "valueId", "q"),
    ]));
    let other = server.send("PATCH", "/fhir/Patient/p", &[fhir], &id.to_string());
    assert_eq!(other.status, 422);
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"resource": gender, "request": {"method": "PATCH", "url": "Patient/p"}}]});
    let done = server.send("POST", "/fhir", &[fhir], &bundle.to_string());
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!(server.get("/fhir/Patient/p").json()["gender"], "female");
    let said = server.get("/fhir/metadata").json();
    assert!(
        said["patchFormat"]
            .as_array()
            .unwrap()
            .contains(&json!("application/fhir+json"))
    );
    assert!(
        said["format"]
            .as_array()
            .unwrap()
            .contains(&json!("application/fhir+xml"))
    );
    let text = server.send(
        "PATCH",
        "/fhir/Patient/p",
        &[("Content-Type", "text/plain")],
        "x",
    );
    assert_eq!(text.status, 415);
}
