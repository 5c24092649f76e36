//! Cases, readings and answers brought together: one position per case.

use std::collections::{BTreeMap, HashMap, HashSet};

use kura_evaluation::observation::{ClusterId, Clustering};

use super::CaseCounts;
use super::material_check as check;
use crate::answers::Answers;
use crate::cases::Case;
use crate::finding::{Finding, Input};
use crate::locked::LockedCases;
use crate::protocol::{MissingReadings, Protocol};
use crate::readings::{Condition, Rating, Reading, Readings};
use crate::sample_size::Units;

/// One reader's ratings, parallel to the cases; decisions are coded 0 and 1.
pub(super) struct ReaderMaterial {
    pub reader: String,
    pub experience: String,
    pub ratings: BTreeMap<Condition, Vec<f64>>,
}

/// Complete: every reader rated every case in each condition there is, and the model answered all.
pub(super) struct Material<'a> {
    pub cases: Vec<&'a Case>,
    pub clusters: Vec<ClusterId>,
    pub truth: Vec<bool>,
    pub answers: Option<Vec<f64>>,
    /// In the order of their first reading.
    pub readers: Vec<ReaderMaterial>,
    pub conditions: Vec<Condition>,
    /// Where readers' ratings are cut: one half for decisions; `None` for scores without a
    /// threshold.
    pub reader_threshold: Option<f64>,
    pub scores: bool,
    pub ai_threshold: Option<f64>,
}

/// Readings by reader, condition and case.
pub(super) type Grid<'a> = HashMap<(&'a str, Condition), HashMap<&'a str, &'a Reading>>;

impl<'a> Material<'a> {
    /// What there is, and what is wrong with it. `None` where a finding is fatal.
    pub fn gather(
        protocol: &Protocol,
        locked: &'a LockedCases,
        readings: Option<&Readings>,
        answers: Option<&Answers>,
    ) -> (Option<Self>, Vec<Finding>) {
        let mut findings = check::case_set(protocol, locked);
        findings.extend(check::presence(protocol, readings, answers));
        let known: HashSet<&str> = locked.cases.all().iter().map(|c| c.case.as_str()).collect();
        let rows = readings.map_or(&[][..], Readings::all);
        let given = answers.map_or(&[][..], Answers::all);
        let read = rows.iter().map(|r| r.case.as_str());
        check::unknown(Input::Readings, read, &known, &mut findings);
        let answered = given.iter().map(|(case, _)| case.as_str());
        check::unknown(Input::Answers, answered, &known, &mut findings);

        let grid = grid(rows, &mut findings);
        let answer_of = answers_by_case(given, &mut findings);
        let readers = readers(rows, &mut findings);
        let conditions: Vec<Condition> = [Condition::Unaided, Condition::Aided]
            .into_iter()
            .filter(|c| rows.iter().any(|r| r.condition == *c))
            .collect();
        findings.extend(check::days(protocol, rows));

        // What is missing: a case somebody lacks.
        let mut missing: HashSet<&str> = HashSet::new();
        let mut lacking = Vec::new();
        let empty = HashMap::new();
        for (reader, _) in &readers {
            for &condition in &conditions {
                let own = grid.get(&(*reader, condition)).unwrap_or(&empty);
                let lacks = |case: &str| !own.contains_key(case);
                if let Some((count, first)) = lack(locked, lacks, &mut missing) {
                    lacking.push(Finding::MissingReading {
                        reader: (*reader).to_owned(),
                        condition,
                        count,
                        first,
                    });
                }
            }
        }
        if answers.is_some()
            && let Some((count, first)) = lack(locked, |c| !answer_of.contains_key(c), &mut missing)
        {
            lacking.push(Finding::MissingAnswer { count, first });
        }
        match protocol.missing {
            MissingReadings::Refuse => findings.extend(lacking),
            MissingReadings::CompleteCases if !missing.is_empty() => {
                findings.push(Finding::CasesLeftOut {
                    count: missing.len(),
                    of: locked.cases.all().len(),
                });
            }
            MissingReadings::CompleteCases => {}
        }

        let cases: Vec<&Case> = locked
            .cases
            .all()
            .iter()
            .filter(|c| !missing.contains(c.case.as_str()))
            .collect();
        let positive = cases.iter().filter(|c| c.positive).count();
        if positive < 2 || cases.len() - positive < 2 {
            findings.push(Finding::TooFewOfOneKind {
                positive,
                negative: cases.len() - positive,
            });
        }
        let scores = readings.is_some_and(Readings::are_scores);
        let material = Self::assemble(protocol, cases, &grid, &answer_of, &readers, conditions)
            .map(|m| Material {
                answers: m.answers.filter(|_| answers.is_some()),
                reader_threshold: match (readings, scores) {
                    (None, _) => None,
                    (_, true) => protocol.thresholds.reader,
                    (_, false) => Some(0.5),
                },
                scores,
                ..m
            });
        (material, findings)
    }

    fn assemble(
        protocol: &Protocol,
        cases: Vec<&'a Case>,
        grid: &Grid<'_>,
        answer_of: &HashMap<&str, f64>,
        readers: &[(&str, &str)],
        conditions: Vec<Condition>,
    ) -> Option<Self> {
        let mut material = Vec::new();
        for (reader, experience) in readers {
            let mut ratings = BTreeMap::new();
            for &condition in &conditions {
                let own = grid.get(&(*reader, condition))?;
                let values: Option<Vec<f64>> = cases
                    .iter()
                    .map(|c| own.get(c.case.as_str()).map(|r| number(r.rating)))
                    .collect();
                ratings.insert(condition, values?);
            }
            material.push(ReaderMaterial {
                reader: (*reader).to_owned(),
                experience: (*experience).to_owned(),
                ratings,
            });
        }
        let clusters: Vec<&str> = cases.iter().map(|c| c.cluster.as_str()).collect();
        Some(Material {
            clusters: ClusterId::number(&clusters),
            truth: cases.iter().map(|c| c.positive).collect(),
            answers: cases
                .iter()
                .map(|c| answer_of.get(c.case.as_str()).copied())
                .collect(),
            readers: material,
            conditions,
            reader_threshold: None,
            scores: false,
            ai_threshold: protocol.operating_threshold(),
            cases,
        })
    }

    /// A reader's decisions in one condition.
    pub fn decisions(&self, ratings: &[f64]) -> Option<Vec<bool>> {
        let threshold = self.reader_threshold?;
        Some(ratings.iter().map(|r| *r >= threshold).collect())
    }

    /// The model's decisions at its operating point.
    pub fn ai_decisions(&self) -> Option<Vec<bool>> {
        let threshold = self.ai_threshold?;
        let answers = self.answers.as_ref()?;
        Some(answers.iter().map(|p| *p >= threshold).collect())
    }

    pub fn is_clustered(&self) -> bool {
        Clustering::of(self.clusters.iter().copied()).is_repeated()
    }

    /// Independent units.
    pub fn units(&self) -> Units {
        let of = |keep: &dyn Fn(bool) -> bool| {
            let kept = self.clusters.iter().zip(&self.truth);
            Clustering::of(kept.filter(|(_, t)| keep(**t)).map(|(c, _)| *c)).clusters as u64
        };
        Units {
            all: of(&|_| true),
            positive: of(&|t| t),
            negative: of(&|t| !t),
            readers: self.readers.len() as u64,
        }
    }

    pub fn counts(&self, locked: &LockedCases) -> CaseCounts {
        let clustering = Clustering::of(self.clusters.iter().copied());
        let positive = self.truth.iter().filter(|t| **t).count();
        let sites: Option<HashSet<&str>> = self
            .cases
            .iter()
            .map(|c| c.columns.get("site").map(String::as_str))
            .collect();
        CaseCounts {
            locked: locked.cases.all().len(),
            left_out: locked.cases.all().len() - self.cases.len(),
            analysed: self.cases.len(),
            positive,
            negative: self.cases.len() - positive,
            clusters: clustering.clusters,
            largest_cluster: clustering.largest_cluster,
            sites: sites.map(|s| s.len()),
        }
    }
}

fn number(rating: Rating) -> f64 {
    match rating {
        Rating::Score(score) => score,
        Rating::Decision(positive) => f64::from(u8::from(positive)),
    }
}

/// How many locked cases are lacking, and the first.
fn lack<'a>(
    locked: &'a LockedCases,
    lacks: impl Fn(&str) -> bool,
    missing: &mut HashSet<&'a str>,
) -> Option<(usize, String)> {
    let names = locked.cases.all().iter().map(|c| c.case.as_str());
    let lacking: Vec<&str> = names.filter(|c| lacks(c)).collect();
    missing.extend(&lacking);
    lacking
        .first()
        .map(|first| (lacking.len(), (*first).to_owned()))
}

fn grid<'a>(rows: &'a [Reading], findings: &mut Vec<Finding>) -> Grid<'a> {
    let mut grid: Grid<'a> = HashMap::new();
    let mut twice: BTreeMap<(&str, Condition), (usize, &str)> = BTreeMap::new();
    for row in rows {
        let key = (row.reader.as_str(), row.condition);
        let cell = grid.entry(key).or_default();
        if cell.insert(&row.case, row).is_some() {
            twice.entry(key).or_insert((0, &row.case)).0 += 1;
        }
    }
    findings.extend(
        twice.into_iter().map(
            |((reader, condition), (count, first))| Finding::DuplicateReading {
                reader: reader.to_owned(),
                condition,
                count,
                first: first.to_owned(),
            },
        ),
    );
    grid
}

fn answers_by_case<'a>(
    given: &'a [(String, f64)],
    findings: &mut Vec<Finding>,
) -> HashMap<&'a str, f64> {
    let mut answers = HashMap::new();
    let mut twice: Vec<&str> = Vec::new();
    for (case, probability) in given {
        if answers.insert(case.as_str(), *probability).is_some() {
            twice.push(case);
        }
    }
    if let Some(first) = twice.first() {
        findings.push(Finding::DuplicateAnswer {
            count: twice.len(),
            first: (*first).to_owned(),
        });
    }
    answers
}

/// Readers with their experience, in the order of their first reading.
fn readers<'a>(rows: &'a [Reading], findings: &mut Vec<Finding>) -> Vec<(&'a str, &'a str)> {
    let mut experience: HashMap<&str, &str> = HashMap::new();
    let mut order = Vec::new();
    let mut contradicting: Vec<&str> = Vec::new();
    for row in rows {
        let first = *experience.entry(&row.reader).or_insert_with(|| {
            order.push((row.reader.as_str(), row.experience.as_str()));
            row.experience.as_str()
        });
        if first != row.experience && !contradicting.contains(&row.reader.as_str()) {
            contradicting.push(&row.reader);
        }
    }
    findings.extend(
        contradicting
            .iter()
            .map(|reader| Finding::ExperienceContradicts {
                reader: (*reader).to_owned(),
            }),
    );
    order
}
