//! What readers said.

use kura_model::Result;
use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::table::Table;

/// Without or with the model's answer in view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    Unaided,
    Aided,
}

impl Condition {
    /// As in the reading file.
    pub fn as_str(self) -> &'static str {
        match self {
            Condition::Unaided => "unaided",
            Condition::Aided => "aided",
        }
    }

    /// The other of the two.
    pub fn other(self) -> Self {
        match self {
            Condition::Unaided => Condition::Aided,
            Condition::Aided => Condition::Unaided,
        }
    }
}

impl std::str::FromStr for Condition {
    type Err = kura_model::Error;

    fn from_str(text: &str) -> Result<Self> {
        [Condition::Unaided, Condition::Aided]
            .into_iter()
            .find(|condition| condition.as_str() == text)
            .ok_or_else(|| kura_model::Error::invalid("a condition is unaided or aided"))
    }
}

/// A reader's opinion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rating {
    /// A higher score means more suspicion.
    Score(f64),
    /// Positive or not.
    Decision(bool),
}

/// One reading of one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub reader: String,
    /// The reader's group: expert, beginner …
    pub experience: String,
    pub case: String,
    pub condition: Condition,
    pub rating: Rating,
    /// `None` where it was not recorded.
    pub read_on: Option<Date>,
    /// The place of the case in the reader's order, from 1.
    pub position: Option<u64>,
    /// Seconds the case was looked at.
    pub seconds: Option<f64>,
}

/// All readings, in the order of the file; all are scores or all are decisions.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings(Vec<Reading>);

/// A reading with the instant as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenReading {
    pub reader: String,
    pub experience: String,
    pub case: String,
    pub condition: Condition,
    pub rating: Rating,
    /// ISO 8601 with an offset.
    pub read_at: String,
    pub position: u64,
    pub seconds: Option<f64>,
}

/// The file [`Readings::parse`] takes. All are scores or all are decisions: the first says which.
pub fn readings_csv(readings: &[WrittenReading]) -> Result<Vec<u8>> {
    let scores = !matches!(
        readings.first().map(|reading| reading.rating),
        Some(Rating::Decision(_))
    );
    let unwritten = |error: csv::Error| {
        kura_model::Error::internal("the reading file cannot be written").because(error)
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let rated = if scores { "score" } else { "decision" };
    let head = "reader,experience,case,condition,position,rated,read_at,seconds";
    writer
        .write_record(
            head.split(',')
                .map(|name| if name == "rated" { rated } else { name }),
        )
        .map_err(unwritten)?;
    for one in readings {
        let rating = match one.rating {
            Rating::Score(score) => score.to_string(),
            Rating::Decision(positive) => u8::from(positive).to_string(),
        };
        let seconds = one
            .seconds
            .map_or_else(String::new, |seconds| seconds.to_string());
        writer
            .write_record([
                &one.reader,
                &one.experience,
                &one.case,
                one.condition.as_str(),
                &one.position.to_string(),
                &rating,
                &one.read_at,
                &seconds,
            ])
            .map_err(unwritten)?;
    }
    writer.into_inner().map_err(|error| {
        kura_model::Error::internal("the reading file cannot be written").because(error)
    })
}

impl Readings {
    /// From CSV with the columns `reader,experience,case,condition,read_at` and one of `score` or
    /// `decision`; `position` and `seconds` may be there. `condition` is `unaided` or `aided`,
    /// `decision` `1`/`positive` or `0`/`negative`, `read_at` a day or an instant in ISO 8601, or
    /// empty.
    ///
    /// # Errors
    /// What breaks the form, by line and column. What contradicts the protocol or the cases is
    /// found by [`crate::analyse`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let required = ["reader", "experience", "case", "condition", "read_at"];
        let optional = ["score", "decision", "position", "seconds"];
        let table = Table::parse("reading file", bytes, &required, &optional, false)?;
        let scores = match (table.has("score"), table.has("decision")) {
            (true, false) => true,
            (false, true) => false,
            (both, _) => {
                let message = if both {
                    "the reading file, line 1, column decision: is there beside score; one of both \
                     is the rating"
                } else {
                    "the reading file, line 1, column score or decision: is missing"
                };
                return Err(kura_model::Error::invalid(message));
            }
        };
        let mut readings = Vec::new();
        for row in table.rows() {
            let condition = match row.filled("condition")? {
                "unaided" => Condition::Unaided,
                "aided" => Condition::Aided,
                _ => return Err(row.fault("condition", "must be unaided or aided")),
            };
            let rating = if scores {
                Rating::Score(row.number("score")?)
            } else {
                Rating::Decision(row.positive("decision")?)
            };
            let read_on = match row.get("read_at") {
                "" => None,
                text => match Date::parse_day_or_instant(text) {
                    Some(date) => Some(date),
                    None => {
                        let message = "must be a day or an instant, 2026-04-01T09:30:00+09:00";
                        return Err(row.fault("read_at", message));
                    }
                },
            };
            readings.push(Reading {
                reader: row.filled("reader")?.to_owned(),
                experience: row.filled("experience")?.to_owned(),
                case: row.filled("case")?.to_owned(),
                condition,
                rating,
                read_on,
                position: match row.get("position") {
                    "" => None,
                    text => Some(
                        text.parse()
                            .ok()
                            .filter(|place| *place > 0)
                            .ok_or_else(|| {
                                row.fault("position", "must be a whole number from 1")
                            })?,
                    ),
                },
                seconds: match row.get("seconds") {
                    "" => None,
                    _ => match row.number("seconds")? {
                        seconds if seconds >= 0.0 => Some(seconds),
                        _ => return Err(row.fault("seconds", "must not be negative")),
                    },
                },
            });
        }
        Ok(Readings(readings))
    }

    pub fn all(&self) -> &[Reading] {
        &self.0
    }

    /// Whether readers gave scores.
    pub fn are_scores(&self) -> bool {
        matches!(
            self.0.first(),
            Some(Reading {
                rating: Rating::Score(_),
                ..
            })
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for ratings in [
            [Rating::Score(4.0), Rating::Score(-1.0)],
            [Rating::Decision(true), Rating::Decision(false)],
        ] {
            let written: Vec<WrittenReading> = ratings
                .iter()
                .zip(1..)
                .map(|(rating, position)| WrittenReading {
                    reader: "R1".to_owned(),
                    experience: "専門医, \"10年\"".to_owned(),
                    case: format!("a,{position}"),
                    condition: Condition::Aided,
                    rating: *rating,
                    read_at: "2026-04-01T23:59:30+09:00".to_owned(),
                    position,
                    seconds: (position == 1).then_some(12.5),
                })
                .collect();
            let bytes = readings_csv(&written).unwrap();
            let read = Readings::parse(&bytes).unwrap();
            for (one, other) in written.iter().zip(read.all()) {
                assert_eq!(
                    (&one.reader, &one.experience, &one.case),
                    (&other.reader, &other.experience, &other.case)
                );
                assert_eq!((one.condition, one.rating), (other.condition, other.rating));
                assert_eq!(other.read_on, Date::new(2026, 4, 1));
                assert_eq!(
                    (Some(one.position), one.seconds),
                    (other.position, other.seconds)
                );
            }
        }
        let wrong = "reader,experience,case,condition,read_at,score,seconds\nR,x,a,aided,,1,-1\n";
        assert!(Readings::parse(wrong.as_bytes()).is_err());
    }
}
