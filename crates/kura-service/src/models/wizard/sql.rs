//! The SQL of a draft. Codes, systems and units were checked to be of plain characters
//! ([`Code::new`]), everything else that is put in is a number or a word of ours.

use std::collections::BTreeSet;

use kura_cases::Take;

use super::code::{Code, Holder};
use super::draft::{Chosen, Direction, Draft, Foreseen, Start};

/// A day begins at midnight in Japan; milliseconds.
const DAY: &str = "date(time / 1000 + 32400, 'unixepoch')";

/// A text in SQL. What is put in holds no quotation mark; one that does is doubled all the same.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn is(column: &str, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("{column} = {}", quoted(value)),
        None => format!("{column} IS NULL"),
    }
}

/// Rows of a code. `table` is what the table is called in the SQL.
fn of(code: &Code, table: &str, finer: bool) -> String {
    let column = |name: &str| {
        if table.is_empty() {
            name.to_owned()
        } else {
            format!("{table}.{name}")
        }
    };
    let mut parts = vec![is(&column("code_system"), code.system.as_deref())];
    parts.push(if finer {
        format!(
            "substr({}, 1, {}) = {}",
            column("code"),
            code.code.len(),
            quoted(&code.code)
        )
    } else {
        is(&column("code"), Some(&code.code))
    });
    if code.holder != Holder::Condition {
        parts.push(is(&column("unit"), code.unit.as_deref()));
    }
    parts.join(" AND ")
}

impl Draft {
    /// No case of a patient of whom the condition was recorded before.
    fn unless_known(&self, patient: &str, moment: &str) -> String {
        match (&self.condition, self.foreseen, self.new_only) {
            (Some(condition), Foreseen::Condition, true) => format!(
                "\n  AND NOT EXISTS (SELECT 1 FROM condition k WHERE k.patient = {patient}\n    AND {}\n    AND k.recorded <= {moment})",
                of(condition, "k", self.finer)
            ),
            _ => String::new(),
        }
    }

    /// At the bedside the moment may still lie ahead: there is no case before something was
    /// measured at it or later.
    fn once_reached(&self, tables: &BTreeSet<String>, moment: &str) -> String {
        if self.after_hours == Some(0.0) || !tables.contains("observation") {
            return String::new();
        }
        format!(
            "\n  AND EXISTS (SELECT 1 FROM observation o WHERE o.patient = e.patient AND o.time >= {moment})"
        )
    }

    pub(super) fn cases_sql(&self, tables: &BTreeSet<String>) -> Option<String> {
        Some(match self.start {
            Start::Admission => {
                let moment = format!("e.start + CAST({} * 3600000 AS INTEGER)", self.after_hours?);
                format!(
                    "SELECT e.encounter AS case_id, e.patient, {moment} AS index_time\n\
                     FROM encounter e\n\
                     WHERE e.class = 'IMP' AND e.start IS NOT NULL\n  \
                       AND coalesce(e.status, '') NOT IN ('planned', 'cancelled', 'entered-in-error')\n  \
                       AND (e.\"end\" IS NULL OR e.\"end\" > {moment}){}{}",
                    self.once_reached(tables, &moment),
                    self.unless_known("e.patient", &moment)
                )
            }
            Start::Measurement => {
                let code = self.case_code.as_ref()?;
                let rows = of(code, "", false);
                let table = code.holder.table();
                let measured = match code.holder {
                    Holder::Condition => return None,
                    _ => "value IS NOT NULL AND time IS NOT NULL",
                };
                let (id, grouped) = if self.daily {
                    (format!("patient || '/' || {DAY}"), DAY)
                } else {
                    ("patient || '/' || time".to_owned(), "time")
                };
                let cases = format!(
                    "SELECT {id} AS case_id, patient, min(time) AS index_time\n\
                     FROM {table} WHERE {rows} AND {measured}\n\
                     GROUP BY patient, {grouped}"
                );
                match self.unless_known("m.patient", "m.index_time") {
                    known if known.is_empty() => cases,
                    known => format!(
                        "SELECT m.case_id, m.patient, m.index_time FROM (\n{cases}) m\nWHERE 1{known}"
                    ),
                }
            }
            Start::Series => format!(
                "SELECT i.series_uid AS case_id, i.patient, i.started AS index_time\n\
                 FROM imaging_series i\n\
                 WHERE i.modality = {} AND i.started IS NOT NULL AND i.series_uid IS NOT NULL{}",
                quoted(&self.modality),
                // Of an image somebody judges what it shows, known before or not.
                if self.judged() {
                    String::new()
                } else {
                    self.unless_known("i.patient", "i.started")
                }
            ),
        })
    }

    /// The diagnosis that follows an image is a judgement of it: a series that nobody diagnosed
    /// is left out.
    pub(super) fn judged(&self) -> bool {
        self.start == Start::Series && self.foreseen == Foreseen::Condition
    }

    pub(super) fn outcome_sql(&self) -> Option<String> {
        Some(match self.foreseen {
            Foreseen::Value => {
                let code = self.outcome_code.as_ref()?;
                let sign = match self.direction {
                    Direction::Below => '<',
                    Direction::Above => '>',
                };
                format!(
                    "SELECT patient, time FROM {} WHERE {} AND value {sign} {}",
                    code.holder.table(),
                    of(code, "", false),
                    self.limit?
                )
            }
            Foreseen::Condition if self.judged() => {
                let code = self.condition.as_ref()?;
                format!(
                    "SELECT i.series_uid AS case_id, max({}) AS outcome\n\
                     FROM imaging_series i JOIN condition c ON c.patient = i.patient\n  \
                       AND c.recorded BETWEEN i.started AND i.started + CAST({} * 86400000 AS INTEGER)\n\
                     GROUP BY i.series_uid",
                    // No NULL: a diagnosis without a system is another one.
                    format_args!("coalesce({}, 0)", of(code, "c", self.finer)),
                    self.ahead_days?
                )
            }
            Foreseen::Condition => format!(
                "SELECT patient, recorded AS time FROM condition WHERE {} AND recorded IS NOT NULL",
                of(self.condition.as_ref()?, "", self.finer)
            ),
            Foreseen::Death => {
                "SELECT patient, deceased_time AS time FROM patient WHERE deceased_time IS NOT NULL"
                    .to_owned()
            }
        })
    }

    /// Until when it is known what happened: to the last measurement of the code, or to the last
    /// record of any kind.
    pub(super) fn followed_sql(&self, tables: &BTreeSet<String>) -> Option<String> {
        if let (Foreseen::Value, Some(code)) = (self.foreseen, &self.outcome_code) {
            return Some(format!(
                "SELECT patient, time FROM {} WHERE {}",
                code.holder.table(),
                of(code, "", false)
            ));
        }
        let parts: Vec<&str> = [
            ("observation", "SELECT patient, time FROM observation"),
            (
                "condition",
                "SELECT patient, recorded AS time FROM condition",
            ),
            (
                "encounter",
                "SELECT patient, coalesce(\"end\", start) AS time FROM encounter",
            ),
            (
                "imaging_series",
                "SELECT patient, started AS time FROM imaging_series",
            ),
        ]
        .into_iter()
        .filter(|(table, _)| tables.contains(*table))
        .map(|(_, sql)| sql)
        .collect();
        (!parts.is_empty()).then(|| parts.join("\nUNION ALL "))
    }
}

pub(super) fn feature_sql(chosen: &Chosen) -> String {
    let code = &chosen.code;
    let value = match (code.holder, chosen.take) {
        // What is counted needs no number.
        (Holder::Condition, _) | (_, Take::Count) => "1 AS value",
        _ => "value",
    };
    let time = match code.holder.time() {
        "time" => "time".to_owned(),
        other => format!("{other} AS time"),
    };
    format!(
        "SELECT patient, {time}, {value} FROM {} WHERE {}",
        code.holder.table(),
        of(code, "", false)
    )
}

/// Years at the index time, by the year of birth: a set holds no day.
pub(super) const AGE: &str = "SELECT c.case_id, CAST(strftime('%Y', c.index_time / 1000, 'unixepoch') AS INTEGER) - CAST(substr(p.birth_year, 1, 4) AS INTEGER) AS value
FROM cases c JOIN patient p ON p.patient = c.patient";

/// 1 male, 0 female; otherwise unknown.
pub(super) const SEX: &str =
    "SELECT c.case_id, CASE p.sex WHEN 'male' THEN 1 WHEN 'female' THEN 0 END AS value
FROM cases c JOIN patient p ON p.patient = c.patient";
