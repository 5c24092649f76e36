//! Whose turn it is: which conditions a reader may read in, and which case comes next. Decided
//! from what was fixed and what was read; nothing else is remembered.

use std::collections::BTreeSet;

use kura_model::{Error, Result};
use kura_trial::{Condition, Date};
use serde::Serialize;

use super::record::{Kept, Trial, damaged};

/// Whether a reader may read in a condition now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    Open,
    /// Every case was read.
    Read,
    /// From this day on: the wash-out of the protocol, or the day it was fixed on.
    From(Date),
    /// The other condition comes first, and is read to its end.
    OtherFirst,
    /// The trial was analysed: a later reading would be a deviation.
    Closed,
    /// The question does not ask for it.
    NotAsked,
    /// The model's answers were not locked, so they cannot be shown.
    NoAnswers,
    /// Scores are asked, and the protocol has no scale that its threshold cuts.
    NoScale,
}

impl Opening {
    /// Why it is not open, as an error.
    pub(super) fn refused(self) -> Result<()> {
        let why = match self {
            Opening::Open => return Ok(()),
            Opening::Read => "every case was read in this condition".to_owned(),
            Opening::From(day) => format!("this condition opens on {day}"),
            Opening::OtherFirst => "the other condition is read first, to its end".to_owned(),
            Opening::Closed => "the trial was analysed; nothing is read after that".to_owned(),
            Opening::NotAsked => "the protocol does not ask for this condition".to_owned(),
            Opening::NoAnswers => {
                "the model's answers were not locked; see kura trial fix --answers".to_owned()
            }
            Opening::NoScale => "the protocol says no scale for the readers' scores".to_owned(),
        };
        Err(Error::conflict(why))
    }
}

/// Decided for one reader of a trial. `past` is what this reader read, in both conditions.
pub(super) fn opening(
    trial: &Trial,
    past: &[Kept],
    condition: Condition,
    today: Date,
) -> Result<Opening> {
    let protocol = &trial.protocol;
    if !protocol.conditions().contains(&condition) {
        return Ok(Opening::NotAsked);
    }
    let cases = trial.cases.cases.all().len();
    let of = |condition: Condition| past.iter().filter(move |one| one.condition == condition);
    if of(condition).count() >= cases {
        return Ok(Opening::Read);
    }
    if trial.closed() {
        return Ok(Opening::Closed);
    }
    if protocol.asked().is_none() {
        return Ok(Opening::NoScale);
    }
    if condition == Condition::Aided && trial.answers.is_none() {
        return Ok(Opening::NoAnswers);
    }
    if today < protocol.fixed_on {
        return Ok(Opening::From(protocol.fixed_on));
    }
    // The condition begun first is read to its end before the other one begins: a case is then
    // never read twice on two days that the protocol wanted apart.
    let first = past
        .first()
        .map(|one| one.condition)
        .or(protocol.first_condition)
        .unwrap_or(condition);
    if first == condition {
        return Ok(Opening::Open);
    }
    if of(first).count() < cases {
        return Ok(Opening::OtherFirst);
    }
    let mut last: Option<Date> = None;
    for one in of(first) {
        let day = Date::parse_day_or_instant(&one.at).ok_or_else(|| damaged("a stored reading"))?;
        last = last.max(Some(day));
    }
    match (last, protocol.wash_out_days) {
        (Some(last), Some(days)) if last.days_apart(today) < u64::from(days) || today < last => {
            Ok(Opening::From(after(last, days)))
        }
        _ => Ok(Opening::Open),
    }
}

/// The day so many days later; the last day there is where the calendar ends.
fn after(day: Date, days: u32) -> Date {
    let last = || Date::new(9999, 12, 31).unwrap_or(day);
    day.to_string()
        .parse::<jiff::civil::Date>()
        .ok()
        .and_then(|start| {
            start
                .checked_add(jiff::Span::new().days(i64::from(days).min(3_000_000)))
                .ok()
        })
        .and_then(|end| end.to_string().parse().ok())
        .unwrap_or_else(last)
}

/// The next case of a reader in a condition and its place from 1; `None` at the end.
pub(super) fn upcoming(
    trial: &Trial,
    past: &[Kept],
    reader: &str,
    condition: Condition,
) -> Option<(u64, String)> {
    let read: BTreeSet<&str> = past
        .iter()
        .filter(|one| one.condition == condition)
        .map(|one| one.case.as_str())
        .collect();
    kura_trial::reading_order(&trial.cases, reader, condition, trial.seed())
        .into_iter()
        .zip(1..)
        .find(|(case, _)| !read.contains(case.as_str()))
        .map(|(case, position)| (position, case))
}

/// Today in the hospital.
pub(super) fn today() -> Result<Date> {
    Date::parse_day_or_instant(&now())
        .ok_or_else(|| Error::internal("the clock gives a day that does not exist"))
}

/// Now, in the hospital's time: `2026-04-01T23:59:30+09:00`. The day is the one people mean.
pub(super) fn now() -> String {
    let offset = kura_fhir::date::LOCAL_OFFSET_SECONDS;
    let millis = crate::models::registry::now() + offset * 1000;
    let local = kura_fhir::date::instant(millis);
    let seconds = local.split('.').next().unwrap_or_default();
    format!("{seconds}+{:02}:{:02}", offset / 3600, offset / 60 % 60)
}

#[cfg(test)]
mod tests {
    use kura_model::ContentHash;
    use kura_trial::{Answers, Cases, Protocol};
    use serde_json::json;

    use super::*;
    use crate::trial::record::Images;

    fn trial(more: &str) -> Trial {
        let text = format!(
            r#"
title = "T"
question = "readers_without_against_with_ai"
intended_use = "x"
target_condition = "x"
reference_standard = "x"
fixed_on = "2026-01-05"
fixed_by = "x"
wash_out_days = 28
reading_order_seed = 1
endpoint = "auc"
{more}
model = {{ name = "m", version = "1" }}
hypothesis = {{ kind = "superiority", alpha_one_sided = 0.025, power = 0.8 }}
minimum = {{ cases = 3, positive_cases = 1, readers = 1 }}
"#
        );
        let cases = Cases::parse(b"case,cluster,truth\na,1,1\nb,2,0\nc,3,0\n").unwrap();
        Trial {
            id: ContentHash([7; 32]),
            protocol: Protocol::parse(&text).unwrap(),
            cases: kura_trial::lock(cases),
            set: None,
            images: Images::new(),
            answers: Some(Answers::parse(b"case,probability\na,1\nb,0\nc,0\n").unwrap()),
            value: json!({ "analyses": [] }),
        }
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// Reads the next case at this instant.
    fn read(trial: &Trial, past: &mut Vec<Kept>, condition: Condition, at: &str) {
        let (position, case) = upcoming(trial, past, "R1", condition).unwrap();
        past.push(Kept {
            trial: trial.id,
            reader: "R1".to_owned(),
            condition,
            case,
            position,
            score: Some(1.0),
            decision: None,
            at: at.to_owned(),
            seconds: None,
        });
    }

    use Condition::{Aided, Unaided};

    #[test]
    fn the_second_condition_waits_for_the_first_and_for_the_wash_out() {
        let trial = trial("");
        let mut past = Vec::new();
        let ask = |past: &[Kept], condition, today: &str| {
            opening(&trial, past, condition, day(today)).unwrap()
        };
        // Before the protocol was fixed nobody reads; then either condition may be begun.
        let fixed = Opening::From(day("2026-01-05"));
        assert_eq!(ask(&past, Unaided, "2026-01-04"), fixed);
        assert_eq!(ask(&past, Aided, "2026-01-05"), Opening::Open);
        assert_eq!(ask(&past, Unaided, "2026-01-05"), Opening::Open);

        read(&trial, &mut past, Unaided, "2026-02-01T09:00:00+09:00");
        assert_eq!(ask(&past, Aided, "2026-12-31"), Opening::OtherFirst);
        read(&trial, &mut past, Unaided, "2026-02-01T09:01:00+09:00");
        // Late in the evening of another day: the last reading counts, for every case.
        read(&trial, &mut past, Unaided, "2026-02-03T23:59:59+09:00");
        assert_eq!(ask(&past, Unaided, "2026-02-03"), Opening::Read);
        // 2026-02-03 and 28 days: 2026 is no leap year.
        let opens = Opening::From(day("2026-03-03"));
        assert_eq!(ask(&past, Aided, "2026-02-03"), opens);
        assert_eq!(ask(&past, Aided, "2026-03-02"), opens);
        assert_eq!(ask(&past, Aided, "2026-03-03"), Opening::Open);
        // A clock that went back opens nothing.
        assert_eq!(ask(&past, Aided, "2026-02-02"), opens);

        read(&trial, &mut past, Aided, "2026-03-03T09:00:00+09:00");
        assert_eq!(ask(&past, Aided, "2026-03-03"), Opening::Open);
        assert_eq!(upcoming(&trial, &past, "R1", Aided).unwrap().0, 2);
        assert_eq!(upcoming(&trial, &past, "R1", Unaided), None);
    }

    #[test]
    fn what_the_protocol_or_the_record_forbids_is_not_open() {
        let first = trial("first_condition = \"unaided\"");
        let at = day("2026-06-01");
        assert_eq!(
            opening(&first, &[], Aided, at).unwrap(),
            Opening::OtherFirst
        );
        assert_eq!(opening(&first, &[], Unaided, at).unwrap(), Opening::Open);

        let mut silent = trial("");
        silent.answers = None;
        assert_eq!(
            opening(&silent, &[], Aided, at).unwrap(),
            Opening::NoAnswers
        );
        assert_eq!(opening(&silent, &[], Unaided, at).unwrap(), Opening::Open);

        // An analysis that was refused has shown nothing; any other one closes.
        let mut analysed = trial("");
        analysed.value = json!({ "analyses": [{ "refused": true }] });
        assert_eq!(opening(&analysed, &[], Unaided, at).unwrap(), Opening::Open);
        for one in [json!({}), json!({ "result": "…" })] {
            analysed.value = json!({ "analyses": [{ "refused": true }, one] });
            assert_eq!(
                opening(&analysed, &[], Unaided, at).unwrap(),
                Opening::Closed
            );
        }
        for closed in [Opening::Closed, Opening::Read, Opening::From(at)] {
            assert!(closed.refused().is_err());
        }
        assert!(Opening::Open.refused().is_ok());
    }

    #[test]
    fn days_are_counted_over_months_and_years() {
        for (from, days, to) in [
            ("2026-11-21", 28, "2026-12-19"),
            ("2027-12-31", 60, "2028-02-29"),
            ("2026-01-01", u32::MAX, "9999-12-31"),
        ] {
            assert_eq!(after(day(from), days), day(to), "{from} + {days}");
        }
    }
}
