//! How easily somebody is told from a set by what others know of them: year of birth, sex, region,
//! death; and these with all diagnoses.

use std::collections::{BTreeSet, HashMap};

use kura_dataset::report;
use kura_deid::tables::risk_of_classes;
use kura_fhir::view;
use kura_model::ContentHash;
use serde_json::Value;

/// The risk above which a patient is counted: a group of five. Usual for data that are handed over
/// under a contract (El Emam 2013, chapter 17).
const THRESHOLD: f64 = 0.2;

/// What others know of one patient, as it is in the set.
#[derive(Default)]
pub(super) struct Known {
    who: Option<String>,
    diagnoses: BTreeSet<String>,
}

impl Known {
    /// Takes in a processed resource.
    pub(super) fn add(&mut self, kind: &str, resource: &Value) {
        match kind {
            "Patient" => {
                let known = [
                    "birthDate",
                    "gender",
                    "address",
                    "deceasedBoolean",
                    "deceasedDateTime",
                ];
                let known: Vec<&Value> = known.iter().map(|name| &resource[name]).collect();
                self.who = serde_json::to_string(&known).ok();
            }
            "Condition" => {
                for coding in resource["code"]["coding"].as_array().into_iter().flatten() {
                    if let (Some(system), Some(code)) =
                        (view::text(coding, "system"), view::text(coding, "code"))
                    {
                        self.diagnoses.insert(format!("{system}|{code}"));
                    }
                }
            }
            _ => {}
        }
    }
}

/// Patients who look alike, by the hash of what is known of them.
#[derive(Default)]
pub(super) struct Lookalikes {
    who: HashMap<ContentHash, u64>,
    with_diagnoses: HashMap<ContentHash, u64>,
    diagnoses: bool,
}

impl Lookalikes {
    pub(super) fn add(&mut self, known: Known) {
        // A set without the patients themselves tells none of these.
        let Some(mut who) = known.who else { return };
        *self.who.entry(ContentHash::of(who.as_bytes())).or_default() += 1;
        self.diagnoses |= !known.diagnoses.is_empty();
        for diagnosis in known.diagnoses {
            who.push('\n');
            who.push_str(&diagnosis);
        }
        let all = ContentHash::of(who.as_bytes());
        *self.with_diagnoses.entry(all).or_default() += 1;
    }

    pub(super) fn risks(self) -> Vec<report::Risk> {
        let mut out = Vec::new();
        if !self.who.is_empty() {
            out.push(of(
                self.who,
                "生年・性別・地域・死亡を知る者",
                "Somebody who knows birth, sex, region and death",
            ));
        }
        if self.diagnoses {
            out.push(of(
                self.with_diagnoses,
                "加えて傷病名をすべて知る者",
                "Somebody who knows all diagnoses besides",
            ));
        }
        out
    }
}

fn of(classes: HashMap<ContentHash, u64>, ja: &str, en: &str) -> report::Risk {
    let classes = classes.into_values().map(|patients| (patients, 0));
    let risk = risk_of_classes(classes, false, THRESHOLD);
    report::Risk {
        ja: ja.to_owned(),
        en: en.to_owned(),
        patients: risk.rows,
        smallest: risk.smallest,
        alone: risk.unique,
        most: risk.prosecutor_most,
        mean: risk.prosecutor_mean,
        above: risk.above_threshold,
        threshold: THRESHOLD,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_looks_like_whom() {
        let mut all = Lookalikes::default();
        for (year, codes) in [
            ("1950", vec!["I10"]),
            ("1950", vec!["I10"]),
            ("1950", vec!["E11", "I10"]),
            ("1980", vec![]),
        ] {
            let mut known = Known::default();
            known.add(
                "Patient",
                &json!({ "birthDate": year, "gender": "male", "id": codes }),
            );
            for code in codes {
                let coding = json!([{ "system": "icd", "code": code }]);
                known.add("Condition", &json!({ "code": { "coding": coding } }));
            }
            all.add(known);
        }
        // One of whom only a diagnosis is there is in no group.
        let mut known = Known::default();
        known.add("Condition", &json!({ "code": { "coding": [] } }));
        all.add(known);
        let [who, more] = all.risks().try_into().unwrap();
        assert_eq!(
            (who.patients, who.smallest, who.alone, who.above),
            (4, 1, 1, 4)
        );
        assert_eq!((who.most, who.mean), (1.0, 0.5));
        assert_eq!((more.patients, more.alone, more.mean), (4, 2, 0.75));
        assert!(Lookalikes::default().risks().is_empty());
    }
}
