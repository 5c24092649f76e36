//! The protocol held against what came.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::material::Material;
use crate::answers::Answers;
use crate::date::Date;
use crate::finding::{Finding, Input, SampleOf};
use crate::locked::LockedCases;
use crate::protocol::{Endpoint, Extent, Protocol, Question};
use crate::readings::{Condition, Reading, Readings};
use crate::sample_size::SampleSize;

/// The cases are those that were locked, and those the protocol names.
pub(super) fn case_set(protocol: &Protocol, locked: &LockedCases) -> Vec<Finding> {
    let found = locked.hash_now();
    let mut findings = Vec::new();
    if found != locked.hash {
        findings.push(Finding::CaseSetChanged {
            locked: locked.hash,
            found,
        });
    }
    if let Some(named) = protocol.locked_cases
        && named != found
    {
        findings.push(Finding::CaseSetNotTheProtocols {
            protocol: named,
            found,
        });
    }
    let cases = locked.cases.all();
    for column in &protocol.subgroups.columns {
        if cases.iter().any(|c| !c.columns.contains_key(column)) {
            findings.push(Finding::SubgroupColumnMissing {
                column: column.clone(),
            });
        }
    }
    findings
}

/// What the question needs is there, and of the right kind.
pub(super) fn presence(
    protocol: &Protocol,
    readings: Option<&Readings>,
    answers: Option<&Answers>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if answers.is_none() && super::ai_is_new(protocol.question) {
        findings.push(Finding::NoAnswers);
    }
    let rows = readings.map_or(&[][..], Readings::all);
    let has = |condition| rows.iter().any(|r| r.condition == condition);
    let (asked, not_asked): (&[Condition], &[Condition]) = match protocol.question {
        Question::StandAloneAccuracy => (&[], &[Condition::Unaided, Condition::Aided]),
        Question::AiAgainstReaders => (&[Condition::Unaided], &[Condition::Aided]),
        Question::ReadersWithoutAgainstWithAi => (&[Condition::Unaided, Condition::Aided], &[]),
    };
    for &condition in asked {
        if !has(condition) {
            findings.push(Finding::NoReadings { condition });
        }
    }
    for &condition in not_asked {
        if has(condition) {
            findings.push(Finding::ReadingsNotAsked { condition });
        }
    }
    if let Some(readings) = readings
        && protocol.question.has_readers()
    {
        match (protocol.endpoint, readings.are_scores()) {
            (Endpoint::Auc, false) => findings.push(Finding::EndpointNeedsScores),
            (endpoint, true)
                if endpoint != Endpoint::Auc && protocol.thresholds.reader.is_none() =>
            {
                findings.push(Finding::EndpointNeedsReaderThreshold);
            }
            _ => {}
        }
    }
    findings
}

/// Cases nobody locked.
pub(super) fn unknown<'a>(
    input: Input,
    named: impl Iterator<Item = &'a str>,
    known: &HashSet<&str>,
    findings: &mut Vec<Finding>,
) {
    let mut first = None;
    let mut strange: Vec<&str> = named
        .enumerate()
        .filter(|(_, case)| !known.contains(case))
        .map(|(at, case)| {
            first.get_or_insert(at + 1);
            case
        })
        .collect();
    strange.sort_unstable();
    strange.dedup();
    if let Some(first) = first {
        findings.push(Finding::UnknownCase {
            input,
            count: strange.len(),
            first,
        });
    }
}

/// Readings before the protocol was fixed, without a day, or too close to each other.
pub(super) fn days(protocol: &Protocol, rows: &[Reading]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut early: BTreeMap<&str, (usize, &Reading, Date)> = BTreeMap::new();
    let mut without_day = 0;
    for row in rows {
        match row.read_on {
            None => without_day += 1,
            Some(day) if day < protocol.fixed_on => {
                let entry = early.entry(&row.reader).or_insert((0, row, day));
                entry.0 += 1;
            }
            Some(_) => {}
        }
    }
    findings.extend(early.into_iter().map(|(reader, (count, row, read_on))| {
        Finding::ReadBeforeProtocol {
            reader: reader.to_owned(),
            count,
            first: row.case.clone(),
            read_on,
            fixed_on: protocol.fixed_on,
        }
    }));
    let paired = protocol.question == Question::ReadersWithoutAgainstWithAi;
    if without_day > 0 {
        findings.push(Finding::ReadingDayMissing {
            count: without_day,
            paired,
        });
    }
    if let Some(protocol_days) = protocol.wash_out_days {
        findings.extend(wash_out(rows, protocol_days));
    }
    findings
}

fn wash_out(rows: &[Reading], protocol_days: u32) -> Vec<Finding> {
    let mut unaided: HashMap<(&str, &str), Date> = HashMap::new();
    for row in rows.iter().filter(|r| r.condition == Condition::Unaided) {
        if let Some(day) = row.read_on {
            unaided.insert((&row.reader, &row.case), day);
        }
    }
    // (cases, first case, shortest interval) per reader.
    let mut close: BTreeMap<&str, (BTreeSet<&str>, &str, u64)> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.condition == Condition::Aided) {
        let other = unaided.get(&(row.reader.as_str(), row.case.as_str()));
        if let (Some(day), Some(other)) = (row.read_on, other) {
            let days = day.days_apart(*other);
            if days < u64::from(protocol_days) {
                let entry = close
                    .entry(&row.reader)
                    .or_insert_with(|| (BTreeSet::new(), &row.case, days));
                entry.0.insert(&row.case);
                entry.2 = entry.2.min(days);
            }
        }
    }
    close
        .into_iter()
        .map(
            |(reader, (cases, first, shortest_days))| Finding::WashOutViolated {
                reader: reader.to_owned(),
                count: cases.len(),
                first: first.to_owned(),
                shortest_days,
                protocol_days,
            },
        )
        .collect()
}

/// Fewer cases or readers than were wanted.
pub(super) fn sizes(
    protocol: &Protocol,
    material: &Material<'_>,
    size: &SampleSize,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let minimum = protocol.minimum;
    let cases = material.cases.len() as u64;
    let positive = material.truth.iter().filter(|t| **t).count() as u64;
    let readers = material.readers.len() as u64;
    if cases < minimum.cases {
        findings.push(Finding::FewerCases {
            needs: minimum.cases,
            has: cases,
        });
    }
    if positive < minimum.positive_cases {
        findings.push(Finding::FewerPositiveCases {
            needs: minimum.positive_cases,
            has: positive,
        });
    }
    if protocol.question.has_readers() && readers < minimum.readers {
        findings.push(Finding::FewerReaders {
            needs: minimum.readers,
            has: readers,
        });
    }
    if protocol.question.has_readers()
        && readers == 1
        && protocol.hypothesis.extends_to == Extent::ReadersAndCases
    {
        findings.push(Finding::OneReader);
    }
    match size.needed {
        None => findings.push(Finding::SampleSizeNotCalculated),
        Some(needed) => {
            let has = size.has;
            for (what, needs, has) in [
                (SampleOf::All, needed.all, has.all),
                (SampleOf::Positive, needed.positive, has.positive),
                (SampleOf::Negative, needed.negative, has.negative),
                (SampleOf::Readers, needed.readers, has.readers),
            ] {
                if has < needs {
                    findings.push(Finding::BelowSampleSize { what, needs, has });
                }
            }
        }
    }
    findings
}
