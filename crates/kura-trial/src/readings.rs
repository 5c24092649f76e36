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
}

/// All readings, in the order of the file; all are scores or all are decisions.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings(Vec<Reading>);

impl Readings {
    /// From CSV with the columns `reader,experience,case,condition,read_at` and one of `score` or
    /// `decision`. `condition` is `unaided` or `aided`, `decision` `1`/`positive` or
    /// `0`/`negative`, `read_at` a day or an instant in ISO 8601, or empty.
    ///
    /// # Errors
    /// What breaks the form, by line and column. What contradicts the protocol or the cases is
    /// found by [`crate::analyse`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let required = ["reader", "experience", "case", "condition", "read_at"];
        let rated = ["score", "decision"];
        let table = Table::parse("reading file", bytes, &required, &rated, false)?;
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
