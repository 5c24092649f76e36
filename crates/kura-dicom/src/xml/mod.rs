//! The Native DICOM Model in XML (PS3.19 A.1), made of the DICOM JSON model (PS3.18 Annex F) and
//! read back to it.

mod read;
mod write;

pub use read::read;
pub use write::write;

const NAMESPACE: &str = "http://dicom.nema.org/PS3.19/models/NativeDICOM";

/// The groups of a person name's components, and the components. PS3.5 6.2.1, PS3.19 A.1.5.
const GROUPS: [&str; 3] = ["Alphabetic", "Ideographic", "Phonetic"];
const COMPONENTS: [&str; 5] = [
    "FamilyName",
    "GivenName",
    "MiddleName",
    "NamePrefix",
    "NameSuffix",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn there_and_back() {
        let dataset = json!({
            "00080005": { "vr": "CS", "Value": ["ISO_IR 192"] },
            "00080060": { "vr": "CS" },
            "00080061": { "vr": "CS", "Value": ["CT", null, "<&>\"'"] },
            "00090010": { "vr": "LO", "Value": ["ACME 1.1"] },
            "00091001": { "vr": "OB", "BulkDataURI": "http://localhost/a?b&c" },
            "00091002": { "vr": "UN", "InlineBinary": "AAEC" },
            "00100010": { "vr": "PN", "Value": [
                { "Alphabetic": "Yamada^Tarou^^Dr.", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう" },
                { "Alphabetic": "X" },
            ] },
            "0020000D": { "vr": "UI", "Value": ["1.2.3"] },
            "00280010": { "vr": "US", "Value": [512] },
            "00281050": { "vr": "DS", "Value": [40.5, -1e3] },
            "00400275": { "vr": "SQ", "Value": [
                { "00400009": { "vr": "SH", "Value": [" two  spaces "] }, "00081140": { "vr": "SQ" } },
                {},
            ] },
            "00720026": { "vr": "AT", "Value": ["00080060"] },
        });
        let text = write(&dataset);
        assert_eq!(read(text.as_bytes()).unwrap(), dataset, "{text}");
        for wanted in [
            "<NativeDicomModel xmlns=\"http://dicom.nema.org/PS3.19/models/NativeDICOM\" xml:space=\"preserve\">",
            "<DicomAttribute tag=\"00080005\" vr=\"CS\" keyword=\"SpecificCharacterSet\"><Value number=\"1\">ISO_IR 192</Value></DicomAttribute>",
            "<DicomAttribute tag=\"00091001\" vr=\"OB\" privateCreator=\"ACME 1.1\"><BulkData uri=\"http://localhost/a?b&amp;c\"/></DicomAttribute>",
            "<PersonName number=\"1\"><Alphabetic><FamilyName>Yamada</FamilyName><GivenName>Tarou</GivenName><NamePrefix>Dr.</NamePrefix></Alphabetic>",
            "<Item number=\"2\"></Item>",
        ] {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
    }

    #[test]
    fn what_is_not_the_model_is_refused_by_rule() {
        let around = |inside: &str| format!("<NativeDicomModel>{inside}</NativeDicomModel>");
        let deep = around(
            &("<DicomAttribute tag=\"00400275\" vr=\"SQ\"><Item number=\"1\">".repeat(40)
                + &"</Item></DicomAttribute>".repeat(40)),
        );
        let sparse =
            "<DicomAttribute tag=\"00080060\" vr=\"CS\"><Value number=\"99999\"/></DicomAttribute>";
        for (text, rule) in [
            (&around(&sparse.repeat(20))[..], "dicom-limit"),
            ("", "xml-syntax"),
            ("<a/>", "xml-element"),
            ("<NativeDicomModel>", "xml-syntax"),
            (
                "<!DOCTYPE x [<!ENTITY y \"z\">]><NativeDicomModel/>",
                "xml-doctype",
            ),
            (&around("<DicomAttribute/>"), "xml-attribute"),
            (
                &around("<DicomAttribute tag=\"1\" vr=\"CS\"/>"),
                "xml-attribute",
            ),
            (
                &around("<DicomAttribute tag=\"00080060\" vr=\"C\"/>"),
                "xml-attribute",
            ),
            (
                &around(
                    "<DicomAttribute tag=\"00080060\" vr=\"CS\"><Value number=\"9999999\">x</Value></DicomAttribute>",
                ),
                "xml-attribute",
            ),
            (
                &around("<DicomAttribute tag=\"00080060\" vr=\"CS\">x</DicomAttribute>"),
                "xml-text",
            ),
            (
                &around(
                    "<DicomAttribute tag=\"00080060\" vr=\"CS\"><Value number=\"1\">&x;</Value></DicomAttribute>",
                ),
                "xml-entity",
            ),
            (
                &around(
                    "<DicomAttribute tag=\"00280010\" vr=\"US\"><Value number=\"1\">x</Value></DicomAttribute>",
                ),
                "xml-value",
            ),
            (&deep, "dicom-depth"),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap_err().rule, rule, "{text:.100}");
        }
    }
}
