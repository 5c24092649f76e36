//! What codes and their systems are called. A data set holds no names: displays are removed with
//! everything else that somebody typed.
//!
//! The codes are the vital signs of FHIR R4 (observation-vitalsigns.html) and those the samples of
//! this repository use; the words are ours.

/// (code of LOINC or JLAC10's analyte, short name in specifications, Japanese, English).
const NAMES: &[(&str, &str, &str, &str)] = &[
    ("2708-6", "spo2", "酸素飽和度", "Oxygen saturation"),
    ("59408-5", "spo2", "酸素飽和度", "Oxygen saturation"),
    ("9279-1", "respiratory_rate", "呼吸数", "Respiratory rate"),
    ("8867-4", "heart_rate", "心拍数", "Heart rate"),
    ("8310-5", "temperature", "体温", "Body temperature"),
    ("8302-2", "height", "身長", "Body height"),
    ("9843-4", "head_circumference", "頭囲", "Head circumference"),
    ("29463-7", "weight", "体重", "Body weight"),
    ("39156-5", "bmi", "BMI", "Body mass index"),
    ("85354-9", "blood_pressure", "血圧", "Blood pressure"),
    (
        "8480-6",
        "systolic",
        "収縮期血圧",
        "Systolic blood pressure",
    ),
    (
        "8462-4",
        "diastolic",
        "拡張期血圧",
        "Diastolic blood pressure",
    ),
    ("3151-8", "oxygen_flow", "酸素流量", "Oxygen flow"),
    ("5C070", "crp", "CRP", "CRP"),
];

/// Japanese and English name of a code, where it is one of those everybody uses.
pub fn name(code: &str) -> Option<(&'static str, &'static str)> {
    NAMES
        .iter()
        .find(|(known, ..)| *known == code)
        .map(|(_, _, ja, en)| (*ja, *en))
}

/// Letters, digits and `_`: how a feature of this code begins.
pub(super) fn plain(code: &str) -> String {
    if let Some((_, short, ..)) = NAMES.iter().find(|(known, ..)| *known == code) {
        return (*short).to_owned();
    }
    let mut out = "c".to_owned();
    out.extend(code.chars().map(|letter| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '_'
        }
    }));
    out
}

/// A code system in a word or two.
pub fn system(system: Option<&str>) -> &str {
    let Some(uri) = system else { return "" };
    if uri.contains("loinc.org") {
        "LOINC"
    } else if uri.contains("1.2.392.200119.4.504") || uri.to_ascii_lowercase().contains("jlac10") {
        "JLAC10"
    } else if uri.to_ascii_lowercase().contains("icd10") || uri.contains("icd-10") {
        "ICD-10"
    } else if uri.contains("snomed.info") {
        "SNOMED CT"
    } else {
        uri.trim_end_matches('/')
            .rsplit(['/', ':'])
            .next()
            .unwrap_or(uri)
    }
}
