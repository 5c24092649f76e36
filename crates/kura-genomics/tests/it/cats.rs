use kura_genomics::cats::{Report, parse, to_fhir};
use kura_genomics::{Format, Limits, sniff};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{files, sample, shared};

/// Written for this test in the shape of CATS 1.2.
const REPORT: &str = r#"{
 "metaData": {"schemaVersion": "1.2.0", "referenceGenome": {"grcRelease": "GRCh38"}},
 "testInfo": {"testId": "T1", "testType": "tumor-only", "panelName": "Panel", "panelVersion": "1"},
 "variants": {
  "shortVariants": [
   {"itemId": "v1", "chromosome": "7", "position": 55191822, "referenceAllele": "T", "alternateAllele": "G",
    "alternateAlleleFrequency": 0.312, "totalReadDepth": 800, "variantType": "SNV",
    "transcripts": [{"transcriptId": "NM_005228.5", "transcriptDatabaseName": "RefSeq", "geneSymbol": "EGFR",
      "strand": "+", "cdsChange": "2573T>G", "aminoAcidsChange": "p.L858R"}],
    "sampleItemId": "s1", "variantOrigin": "somatic", "reported": true},
   {"itemId": "v2", "chromosome": "17", "position": 7675088, "referenceAllele": "C", "alternateAllele": "T",
    "alternateAlleleFrequency": 0.01, "transcripts": [{"geneSymbol": "TP53"}], "sampleItemId": "s1", "reported": false}],
  "copyNumberAlterations": [
   {"itemId": "c1", "chromosome": "7", "startPosition": 55019017, "endPosition": 55211628,
    "copyNumberMetrics": [{"value": 8.5, "unit": "copy number"}], "copyNumberAlterationType": "amplification",
    "transcripts": [{"geneSymbol": "EGFR"}], "sampleItemId": "s1", "reported": true}],
  "rearrangements": [
   {"itemId": "r1", "breakends": [
     {"chromosome": "2", "startPosition": 42295516, "endPosition": 42295516, "transcripts": [{"geneSymbol": "EML4"}]},
     {"chromosome": "2", "startPosition": 29223528, "endPosition": 29223528, "transcripts": [{"geneSymbol": "ALK"}]}],
    "orderedGenePairs": [["EML4", "ALK"]], "rearrangementType": "gene fusion", "sampleItemId": "s1", "reported": true}]},
 "otherBiomarkers": [
  {"itemId": "b1", "biomarkerType": "TMB", "biomarkerMetrics": [{"value": 4.2, "unit": "mutations-per-megabase", "metricType": "mutations-per-megabase"}], "sampleItemId": "s1", "reported": true},
  {"itemId": "b2", "biomarkerType": "MSI", "state": "stable", "sampleItemId": "s1", "reported": true}],
 "sequencingSamples": [{"itemId": "s1", "tumorOrNormal": "tumor", "nucleicAcid": "DNA"}]
}"#;

fn read(text: &str) -> Report {
    parse(text.as_bytes(), &Limits::default()).expect("valid")
}

#[test]
fn published_samples_are_read() {
    let Some(folder) = shared("genomics/cats") else {
        return;
    };
    let mut count = 0;
    for path in files(&folder) {
        let bytes = std::fs::read(&path).expect("a file");
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.contains("schema") || name.ends_with(".txt") {
            assert_eq!(sniff(&bytes), None, "{name}");
            continue;
        }
        if name.ends_with(".vcf") {
            assert_eq!(sniff(&bytes), Some(Format::Vcf), "{name}");
            kura_genomics::vcf::check(&bytes[..], Format::Vcf, &Limits::default(), |_| {})
                .unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
            continue;
        }
        assert_eq!(sniff(&bytes), Some(Format::Cats), "{name}");
        assert_eq!(
            sniff(&bytes[..bytes.len().min(600)]),
            Some(Format::Cats),
            "{name}"
        );
        let report = parse(&bytes, &Limits::default()).unwrap_or_else(|r| panic!("{name}: {r}"));
        let made = to_fhir(&report, &json!({"reference": "Patient/p"}), "t");
        eprintln!(
            "{name}: {} resources, {} warnings",
            made.len(),
            report.warnings.len()
        );
        count += 1;
    }
    assert_eq!(count, 9);
}

fn codes(observation: &Value) -> Vec<&str> {
    observation["component"]
        .as_array()
        .map(|all| {
            all.iter()
                .filter_map(|c| c["code"]["coding"][0]["code"].as_str())
                .collect()
        })
        .unwrap_or_default()
}

#[test]
fn reported_findings_become_observations() {
    let subject = json!({"identifier": {"value": "P-1"}});
    let made = to_fhir(&read(REPORT), &subject, "x");
    let ids: Vec<_> = made.iter().filter_map(|r| r["id"].as_str()).collect();
    assert_eq!(
        ids,
        [
            "x-document",
            "x-variant-1",
            "x-copy-number-1",
            "x-rearrangement-1",
            "x-biomarker-1",
            "x-biomarker-2"
        ]
    );
    assert!(made.iter().all(|r| r["subject"] == subject));
    let variant = &made[1];
    assert_eq!(
        codes(variant),
        [
            "48018-6", "51958-7", "48004-6", "48005-3", "62374-4", "48000-4", "92822-6", "81254-5",
            "69547-8", "69551-0", "81258-6", "82121-5", "48019-4", "48002-0"
        ]
    );
    assert_eq!(
        variant["component"][2]["valueCodeableConcept"]["coding"][0]["code"],
        "c.2573T>G"
    );
    assert_eq!(
        variant["derivedFrom"][0]["reference"],
        "DocumentReference/x-document"
    );
    assert_eq!(variant["category"][1]["coding"][0]["code"], "GE");
    assert!(codes(&made[2]).contains(&"82155-3"));
    assert_eq!(made[3]["note"][0]["text"], "gene fusion; EML4::ALK");
    assert_eq!(made[4]["valueQuantity"]["value"].as_f64(), Some(4.2));
    assert_eq!(
        made[5]["valueCodeableConcept"]["coding"][0]["code"],
        "LA14122-8"
    );
}

#[test]
fn a_refusal_names_the_path_and_no_value() {
    for (from, to, path) in [
        (
            "\"position\": 55191822",
            "\"position\": \"SECRET\"",
            "variants.shortVariants[0].position",
        ),
        (
            "\"position\": 55191822",
            "\"position\": 0",
            "variants.shortVariants[0].position",
        ),
        ("\"testId\": \"T1\", ", "", "testInfo.testId"),
        (
            "\"grcRelease\": \"GRCh38\"",
            "",
            "metaData.referenceGenome.grcRelease",
        ),
    ] {
        let refusal =
            parse(REPORT.replacen(from, to, 1).as_bytes(), &Limits::default()).expect_err(path);
        assert_eq!(refusal.location.path.as_deref(), Some(path));
        assert!(!refusal.to_string().contains("SECRET"));
    }
}

#[test]
fn the_hospitals_report_is_clean() {
    let Some(path) = sample("panel-report.cats.json") else {
        return;
    };
    let bytes = std::fs::read(path).expect("a file");
    assert_eq!(sniff(&bytes), Some(Format::Cats));
    assert!(
        parse(&bytes, &Limits::default())
            .expect("valid")
            .warnings
            .is_empty()
    );
}

proptest! {
    #[test]
    fn mangled_reports_never_panic(at in 0..REPORT.len(), byte in any::<u8>()) {
        let mut bytes = REPORT.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = sniff(&bytes);
        if let Ok(report) = parse(&bytes, &Limits::default()) {
            let _ = to_fhir(&report, &json!({}), "x");
        }
    }
}
