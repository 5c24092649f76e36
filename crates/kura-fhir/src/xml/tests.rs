use kura_model::Refusal;
use serde_json::{Value, json};

use super::*;

fn written(value: &Value) -> String {
    String::from_utf8(write(value, Layout::Compact).unwrap())
        .unwrap()
        .strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        .unwrap()
        .to_owned()
}

fn refused(text: &str) -> Refusal {
    read(text.as_bytes()).unwrap_err()
}

/// FHIR R4 xml.html and json.html#primitive: their own examples, put together.
#[test]
fn both_say_the_same() {
    let value: Value = serde_json::from_str(
        r#"{"resourceType":"Patient","id":"a","contained":[{"resourceType":"Organization","id":"o","name":"<&\">\n"}],
        "extension":[{"url":"http://x","id":"e","valueDecimal":1.50}],
        "active":true,"name":[{"given":["太郎","a"],"_given":[null,{"id":"g","extension":[{"url":"http://y","valueCode":"z"}]}]}],
        "birthDate":"1970-03-30","_birthDate":{"id":"314159","extension":[{"url":"http://example.org/fhir/StructureDefinition/text","valueString":"Easter 1970"}]},
        "multipleBirthInteger":2}"#,
    )
    .unwrap();
    let text = written(&value);
    assert_eq!(
        text,
        "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"a\"/>\
         <contained><Organization><id value=\"o\"/><name value=\"&lt;&amp;&quot;&gt;&#10;\"/></Organization></contained>\
         <extension id=\"e\" url=\"http://x\"><valueDecimal value=\"1.50\"/></extension>\
         <active value=\"true\"/><name><given value=\"太郎\"/>\
         <given value=\"a\" id=\"g\"><extension url=\"http://y\"><valueCode value=\"z\"/></extension></given></name>\
         <birthDate value=\"1970-03-30\" id=\"314159\">\
         <extension url=\"http://example.org/fhir/StructureDefinition/text\"><valueString value=\"Easter 1970\"/></extension></birthDate>\
         <multipleBirthInteger value=\"2\"/></Patient>"
    );
    assert_eq!(read(text.as_bytes()).unwrap(), value);
    let pretty = write(&value, Layout::Pretty).unwrap();
    assert_eq!(read(&pretty).unwrap(), value);
    assert!(pretty.ends_with(b"  <multipleBirthInteger value=\"2\"/>\n</Patient>\n"));
}

#[test]
fn the_order_is_that_of_the_definition() {
    let value = json!({"birthDate": "1970", "id": "a", "resourceType": "Patient", "active": true});
    assert_eq!(
        written(&value),
        "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"a\"/><active value=\"true\"/>\
         <birthDate value=\"1970\"/></Patient>"
    );
}

#[test]
fn numbers_keep_their_digits() {
    let value: Value = serde_json::from_str(
        r#"{"resourceType":"Observation","valueQuantity":{"value":1.50E+2},"component":[{"valueQuantity":{"value":0.10000000000000000000001}}]}"#,
    )
    .unwrap();
    let text = written(&value);
    assert!(text.contains("\"0.10000000000000000000001\""), "{text}");
    assert_eq!(read(text.as_bytes()).unwrap(), value);
}

#[test]
fn a_narrative_stays_as_it_is_written() {
    let div =
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a &lt; b<br/> &#160;<!-- c --></p></div>";
    let value = json!({"resourceType": "Patient", "text": {"status": "generated", "div": div}});
    let text = written(&value);
    assert!(text.contains(div), "{text}");
    assert_eq!(read(text.as_bytes()).unwrap(), value);
    // With a prefix, it stands alone afterwards.
    let prefixed = "<f:Patient xmlns:f=\"http://hl7.org/fhir\" xmlns:h=\"http://www.w3.org/1999/xhtml\"><f:text>\
        <f:status value=\"generated\"/><h:div><h:p class='x'>a</h:p></h:div></f:text></f:Patient>";
    assert_eq!(
        read(prefixed.as_bytes()).unwrap()["text"]["div"],
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p class=\"x\">a</p></div>"
    );
    // XML 1.0, 2.11.
    let lines = "<Patient xmlns=\"http://hl7.org/fhir\"><text><div xmlns=\"http://www.w3.org/1999/xhtml\">\
        a\n\r\r\nb\r<!--\r--><![CDATA[\r\n]]></div></text></Patient>";
    let value = read(lines.as_bytes()).unwrap();
    assert_eq!(
        value["text"]["div"],
        "<div xmlns=\"http://www.w3.org/1999/xhtml\">a\n\n\nb\n<!--\n-->\n</div>"
    );
    assert_eq!(read(written(&value).as_bytes()).unwrap(), value);
    for div in [
        "<div>a",
        "<div>&nbsp;</div>",
        "<p/>",
        "<div/><div/>",
        "</div></text><x/>",
        "<div a='<'/>",
        "<div xmlns=\"http://hl7.org/fhir\"/>",
        "<!DOCTYPE div><div/>",
        "text",
        "",
    ] {
        let value = json!({"resourceType": "Patient", "text": {"div": div}});
        let refusal = write(&value, Layout::Compact).unwrap_err();
        assert_eq!(
            refusal.location.path.as_deref(),
            Some("Patient.text.div"),
            "{div}"
        );
    }
}

#[test]
fn refusals_name_the_rule_and_the_place() {
    let patient =
        |within: &str| format!("<Patient xmlns=\"http://hl7.org/fhir\">{within}</Patient>");
    for (within, rule, place) in [
        ("<secret value=\"a\"/>", "xml-element", "Patient"),
        (
            "<name><given value=\"a\"/><secret/></name>",
            "xml-element",
            "Patient.name[0]",
        ),
        (
            "<name/><name secret=\"a\"/>",
            "xml-attribute",
            "Patient.name[1]",
        ),
        ("<active value=\"secret\"/>", "xml-value", "Patient.active"),
        (
            "<multipleBirthInteger value=\"01\"/>",
            "xml-value",
            "Patient.multipleBirthInteger",
        ),
        ("<active/>", "xml-empty", "Patient.active"),
        (
            "<active value=\"true\"/><active value=\"true\"/>",
            "xml-repeated",
            "Patient.active",
        ),
        ("secret", "xml-text", "Patient"),
        (
            "<active xmlns=\"\" value=\"true\"/>",
            "xml-namespace",
            "Patient.active",
        ),
        ("<name url=\"secret\"/>", "xml-attribute", "Patient.name[0]"),
        (
            "<name><id value=\"secret\"/></name>",
            "xml-element",
            "Patient.name[0]",
        ),
        (
            "<text><div>secret</div></text>",
            "xml-namespace",
            "Patient.text.div",
        ),
        ("<contained/>", "xml-element", "Patient.contained[0]"),
        (
            "<contained><Secret/></contained>",
            "fhir-resource-type",
            "Patient.contained[0]",
        ),
        (
            "<birthDate value=\"&secret;\"/>",
            "xml-entity",
            "Patient.birthDate",
        ),
        (
            "<birthDate value=\"&#1;\"/>",
            "xml-character",
            "Patient.birthDate",
        ),
        (
            "<birthDate value=\"1\" value=\"2\"/>",
            "xml-syntax",
            "Patient.birthDate",
        ),
        (
            "<birthDate value=\"<\"/>",
            "xml-syntax",
            "Patient.birthDate",
        ),
        ("</name>", "xml-syntax", "Patient"),
    ] {
        let refusal = refused(&patient(within));
        assert_eq!(refusal.rule, rule, "{within}");
        assert_eq!(refusal.location.path.as_deref(), Some(place), "{within}");
        assert!(refusal.location.byte.is_some());
        assert!(!refusal.to_string().contains("secret"), "{refusal}");
    }
    for (text, rule) in [
        ("", "xml-syntax"),
        ("<Patient xmlns=\"http://hl7.org/fhir\">", "xml-syntax"),
        ("<Patient/>", "xml-namespace"),
        (
            "<Patent xmlns=\"http://hl7.org/fhir\"/>",
            "fhir-resource-type",
        ),
        (
            "<Patient xmlns=\"http://hl7.org/fhir\"/><Patient/>",
            "xml-syntax",
        ),
        (
            "<?xml version=\"1.0\" encoding=\"Shift_JIS\"?><Patient xmlns=\"http://hl7.org/fhir\"/>",
            "xml-encoding",
        ),
        ("{\"resourceType\":\"Patient\"}", "xml-text"),
        (
            "<Patient xmlns=\"http://hl7.org/fhir\">\u{1}</Patient>",
            "xml-character",
        ),
    ] {
        assert_eq!(refused(text).rule, rule, "{text}");
    }
    assert_eq!(read(b"<Patient>\x82\xa0").unwrap_err().rule, "xml-encoding");
}

/// Neither a file nor a bomb: CWE-611, CWE-776.
#[test]
fn nothing_is_expanded() {
    for text in [
        "<!DOCTYPE Patient [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Patient xmlns=\"http://hl7.org/fhir\"><birthDate value=\"&x;\"/></Patient>",
        "<!DOCTYPE lolz [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><Patient xmlns=\"http://hl7.org/fhir\"/>",
    ] {
        assert_eq!(refused(text).rule, "xml-doctype");
    }
}

#[test]
fn what_nests_too_deep_is_refused() {
    let deep = |levels: usize| {
        let open = "<extension url=\"u\">".repeat(levels);
        let close = "</extension>".repeat(levels);
        format!("<Patient xmlns=\"http://hl7.org/fhir\">{open}{close}</Patient>")
    };
    // What is just read can be stored: JSON of it is read again.
    let value = read(deep(63).as_bytes()).unwrap();
    assert!(crate::resource::parse_json(value.to_string().as_bytes()).is_ok());
    assert_eq!(refused(&deep(64)).rule, "xml-depth");
    assert_eq!(refused(&deep(200_000)).rule, "xml-depth");
    let div = format!(
        "<Patient xmlns=\"http://hl7.org/fhir\"><text><div xmlns=\"http://www.w3.org/1999/xhtml\">{}",
        "<p>".repeat(100_000)
    );
    assert_eq!(refused(&div).rule, "xml-depth");
    let many: String = (0..100_000).map(|at| format!(" a{at}=''")).collect();
    let many = format!("<Patient xmlns=\"http://hl7.org/fhir\"><name{many}/></Patient>");
    assert_eq!(refused(&many).rule, "xml-attribute");
}

#[test]
fn what_xml_cannot_hold_is_refused() {
    for (value, rule, place) in [
        (
            json!({"resourceType": "Patient", "shoe": 42}),
            "xml-element",
            "Patient",
        ),
        (
            json!({"resourceType": "Patient", "name": [{"x": "secret"}]}),
            "xml-element",
            "Patient.name[0]",
        ),
        (
            json!({"resourceType": "Patient", "gender": ["secret"]}),
            "xml-repeated",
            "Patient.gender",
        ),
        (
            json!({"resourceType": "Patient", "gender": {"secret": 1}}),
            "xml-value",
            "Patient.gender",
        ),
        (
            json!({"resourceType": "Patient", "gender": "\u{0}"}),
            "xml-character",
            "Patient.gender",
        ),
        (
            json!({"resourceType": "Patient", "name": ["secret"]}),
            "xml-value",
            "Patient.name[0]",
        ),
        (
            json!({"resourceType": "Patient", "_name": [{"id": "secret"}]}),
            "xml-value",
            "Patient.name[0]",
        ),
    ] {
        let refusal = write(&value, Layout::Compact).unwrap_err();
        assert_eq!(refusal.rule, rule, "{value}");
        assert_eq!(refusal.location.path.as_deref(), Some(place), "{value}");
        assert!(!refusal.to_string().contains("secret"));
    }
}

proptest::proptest! {
    /// Whatever comes, it is refused or is JSON that can be written and read again.
    #[test]
    fn any_text_ends_well(parts in proptest::collection::vec(
        "<Patient xmlns=\"http://hl7.org/fhir\">|</Patient>|<name>|</name>|<given value=\"[a&;#x1]{0,4}\"/>|\
         <text>|</text>|<div xmlns=\"http://www.w3.org/1999/xhtml\">|</div>|<p a='b'>|</p>|&amp;|<!--|-->|<!\\[CDATA\\[|\\]\\]>|\
         <extension url=\"u\">|</extension>|<active value=\"true\">|</active>|[ -~]{0,3}", 0..20)) {
        let text = format!("<Patient xmlns=\"http://hl7.org/fhir\">{}</Patient>", parts.concat());
        if let Ok(value) = read(text.as_bytes()) {
            let again = write(&value, Layout::Pretty);
            if let Ok(again) = again {
                proptest::prop_assert_eq!(read(&again).unwrap(), value);
            }
        }
    }
}
