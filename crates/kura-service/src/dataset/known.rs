//! What the bank knows that names a patient: looked for once more in everything that leaves.

use kura_model::{LogicalTime, RecordKey, Result};
use serde_json::Value;

use super::decode;
use crate::Bank;

/// Everything the bank knows that names one patient: from the Patient, its relatives, its
/// insurance and what sources called it.
pub(crate) fn known(bank: &Bank, patient: &RecordKey, t: LogicalTime) -> Result<Vec<String>> {
    let mut out = Vec::new();
    let mut take = |kind: &str, elements: &[&str]| -> Result<()> {
        let versions = bank
            .clinical
            .read(|reader| reader.compartment(patient, kind, t))?;
        for version in versions {
            let value = decode(&version)?;
            for element in elements {
                strings(&value[*element], &mut out);
            }
        }
        Ok(())
    };
    take(
        "Patient",
        &[
            "id",
            "name",
            "identifier",
            "telecom",
            "address",
            "contact",
            "birthDate",
        ],
    )?;
    take(
        "RelatedPerson",
        &["name", "identifier", "telecom", "address"],
    )?;
    take("Coverage", &["identifier", "subscriberId"])?;
    take("ImagingStudy", &["subject", "identifier"])?;
    take("Claim", &["patient"])?;
    let romaji: Vec<String> = out
        .iter()
        .filter_map(|value| kura_fhir::romaji::kana_key(value))
        .filter(|key| key.len() >= 4)
        .collect();
    out.extend(romaji);
    // 千葉県 of "千葉県 市川市" is what the policies leave.
    out.retain(|value| !kura_deid::is_region(value));
    out.sort();
    out.dedup();
    Ok(out)
}

/// Values of these names say nothing of a person.
const NOT_IDENTIFYING: [&str; 15] = [
    "system",
    "url",
    "use",
    "type",
    "code",
    "valueCode",
    "country",
    "state",
    "relationship",
    "period",
    "rank",
    "gender",
    "assigner",
    "preferred",
    "valueBoolean",
];

/// Every string in a value that may name a person, and its words.
pub(super) fn strings(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            out.push(text.clone());
            out.extend(text.split_whitespace().map(str::to_owned));
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, out)),
        Value::Object(members) => {
            for (name, value) in members {
                if !NOT_IDENTIFYING.contains(&name.as_str()) {
                    strings(value, out);
                }
            }
        }
        _ => {}
    }
}
