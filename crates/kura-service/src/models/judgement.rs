//! An outcome that people have judged, from a file: one judgement a case, or what several readers
//! said.

use std::collections::BTreeMap;
use std::path::Path;

use kura_cases::{Agreement, Finding, Outcome};
use kura_evaluation::agreement::fleiss_kappa;
use kura_evaluation::interval::Level;
use kura_model::{Error, Result};
use kura_trial::{Condition, Rating, Readings};

/// The outcome by case, and what is to be known of how it came about.
pub(crate) struct Judged {
    pub(crate) outcome: BTreeMap<String, bool>,
    pub(crate) findings: Vec<Finding>,
}

/// Reads `outcome.file`: the columns `case_id,outcome`, or a reading file as a performance test
/// takes and the reading pages give (`reader`, `case`, `condition`, `decision` or `score`).
pub(crate) fn read(spec: &Outcome, folder: &Path) -> Result<Option<Judged>> {
    let Some(name) = &spec.file else {
        return Ok(None);
    };
    let path = folder.join(name);
    let bytes = std::fs::read(&path)
        .map_err(|error| Error::invalid(format!("{}: {error}", path.display())))?;
    let head = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let by_readers = String::from_utf8_lossy(head)
        .split(',')
        .any(|column| column.trim().trim_start_matches('\u{FEFF}') == "reader");
    if by_readers {
        return of_readers(spec, &Readings::parse(&bytes)?).map(Some);
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::invalid(format!("{}: it is not UTF-8", path.display())))?;
    Ok(Some(Judged {
        outcome: single(&path, &text)?,
        findings: Vec::new(),
    }))
}

/// `case_id,outcome` lines.
fn single(path: &Path, text: &str) -> Result<BTreeMap<String, bool>> {
    let mut lines = text.lines().enumerate();
    let head = lines
        .next()
        .map(|(_, line)| line.trim_start_matches('\u{FEFF}').trim());
    if head != Some("case_id,outcome") {
        return Err(Error::invalid(format!(
            "{}, line 1: the columns are case_id,outcome",
            path.display()
        )));
    }
    let mut out = BTreeMap::new();
    for (number, line) in lines {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let place = format!("{}, line {}", path.display(), number + 1);
        let (id, outcome) = line
            .rsplit_once(',')
            .ok_or_else(|| Error::invalid(format!("{place}: two columns are needed")))?;
        let outcome = match outcome.trim() {
            "0" => false,
            "1" => true,
            _ => return Err(Error::invalid(format!("{place}: an outcome is 0 or 1"))),
        };
        if out
            .insert(id.trim().trim_matches('"').to_owned(), outcome)
            .is_some()
        {
            return Err(Error::invalid(format!("{place}: the case is there twice")));
        }
    }
    Ok(out)
}

/// What the readers agree on, read without a model's help: with it they would teach the next model
/// what the last one thought.
fn of_readers(spec: &Outcome, readings: &Readings) -> Result<Judged> {
    let mut votes: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::new();
    let mut aided = 0_u64;
    for one in readings.all() {
        if one.condition == Condition::Aided {
            aided += 1;
            continue;
        }
        let positive = match (one.rating, spec.reader_threshold) {
            (Rating::Decision(positive), _) => positive,
            (Rating::Score(score), Some(threshold)) => score >= threshold,
            (Rating::Score(_), None) => {
                return Err(Error::invalid(
                    "outcome: the readers gave scores; say from which score a case is positive (reader_threshold)",
                ));
            }
        };
        if votes
            .entry(&one.case)
            .or_default()
            .insert(&one.reader, positive)
            .is_some()
        {
            return Err(Error::invalid(
                "outcome: a reader has judged a case twice without the model",
            ));
        }
    }
    let mut out = BTreeMap::new();
    let (mut undecided, mut counts) = (0_u64, Vec::new());
    for (case, votes) in &votes {
        let positive = votes.values().filter(|positive| **positive).count();
        let negative = votes.len() - positive;
        counts.push(vec![positive as u64, negative as u64]);
        let outcome = match spec.agreement {
            Agreement::Majority if positive != negative => Some(positive > negative),
            Agreement::Unanimous if positive == 0 || negative == 0 => Some(positive > 0),
            _ => None,
        };
        match outcome {
            Some(outcome) => {
                out.insert((*case).to_owned(), outcome);
            }
            None => undecided += 1,
        }
    }
    let readers: std::collections::BTreeSet<&str> = votes
        .values()
        .flat_map(|votes| votes.keys().copied())
        .collect();
    let note = |rule: &'static str, detail: String| Finding {
        rule,
        feature: None,
        detail,
        fatal: false,
    };
    let mut findings = Vec::new();
    let kappa = match fleiss_kappa(&counts, Level::NINETY_FIVE) {
        Ok(found) => format!(
            "; Fleiss κ {:.3} ({:.3} to {:.3})",
            found.kappa, found.interval.lower, found.interval.upper
        ),
        // Not every reader judged every case, or there is one reader: there is no single figure.
        Err(_) => String::new(),
    };
    findings.push(note(
        "readers",
        format!(
            "{} readers judged {} cases; {undecided} are left out because they do not agree{kappa}",
            readers.len(),
            votes.len()
        ),
    ));
    if aided > 0 {
        findings.push(note(
            "aided",
            format!("{aided} readings with a model's answer in view are no judgement, and are passed over"),
        ));
    }
    Ok(Judged {
        outcome: out,
        findings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(agreement: &str) -> Outcome {
        toml::from_str(&format!(
            "name = 'x'\nfile = 'readings.csv'\nagreement = '{agreement}'\nreader_threshold = 3"
        ))
        .unwrap()
    }

    fn judged(agreement: &str, text: &str) -> Result<Judged> {
        of_readers(&spec(agreement), &Readings::parse(text.as_bytes()).unwrap())
    }

    const DECISIONS: &str = "reader,experience,case,condition,decision,read_at
R1,expert,a,unaided,1,
R2,expert,a,unaided,1,
R3,beginner,a,unaided,0,
R1,expert,b,unaided,0,
R2,expert,b,unaided,0,
R3,beginner,b,unaided,0,
R1,expert,c,unaided,1,
R2,expert,c,unaided,0,
R1,expert,d,aided,1,
";

    #[test]
    fn what_most_readers_say_counts() {
        let found = judged("majority", DECISIONS).unwrap();
        let outcome: Vec<(&str, bool)> = found
            .outcome
            .iter()
            .map(|(case, outcome)| (case.as_str(), *outcome))
            .collect();
        assert_eq!(outcome, [("a", true), ("b", false)]);
        assert!(
            found.findings[0]
                .detail
                .starts_with("3 readers judged 3 cases; 1 are left out")
        );
        assert_eq!(found.findings[1].rule, "aided");
        let found = judged("unanimous", DECISIONS).unwrap();
        assert_eq!(found.outcome.len(), 1);
        assert!(!found.outcome["b"]);
    }

    #[test]
    fn scores_need_a_threshold() {
        let scores = "reader,experience,case,condition,score,read_at
R1,expert,a,unaided,3,
R2,expert,a,unaided,4,
R1,expert,b,unaided,1,
R2,expert,b,unaided,2,
";
        let found = judged("unanimous", scores).unwrap();
        assert!(found.outcome["a"] && !found.outcome["b"]);
        let mut without = spec("majority");
        without.reader_threshold = None;
        assert!(of_readers(&without, &Readings::parse(scores.as_bytes()).unwrap()).is_err());
        let twice = DECISIONS.replace("R3,beginner,a", "R2,expert,a");
        assert!(judged("majority", &twice).is_err());
    }

    /// Seven endoscopists and 76 lesions; κ by numpy from Fleiss (1971), Psychol. Bull. 76, eq. 1 to
    /// 7: 0.436427.
    #[test]
    fn seven_endoscopists() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../samples/colonoscopy/readings.csv"
        );
        let text = std::fs::read_to_string(file).unwrap();
        let found = judged("majority", &text).unwrap();
        assert_eq!(found.outcome.len(), 76);
        assert_eq!(found.outcome.values().filter(|yes| **yes).count(), 59);
        assert!(
            found.findings[0].detail.contains("κ 0.436 ("),
            "{}",
            found.findings[0].detail
        );
        let found = judged("unanimous", &text).unwrap();
        assert_eq!(found.outcome.len(), 36);
        assert_eq!(found.outcome.values().filter(|yes| **yes).count(), 32);
    }
}
