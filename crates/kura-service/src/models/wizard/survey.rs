//! What a data set holds, in figures that are about nobody: no row of a patient, no count of fewer
//! than ten people.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kura_cases::Workspace;
use kura_dataset::table::Cell;
use kura_model::{RequestContext, Result};
use kura_store::AuditEntry;

use super::code::{Code, Holder};
use super::sets::Set;
use crate::Bank;
use crate::access::{Action, authorize};
use crate::models::examples;

/// Fewer patients than this are not counted: a small number may be somebody.
const FEW: u64 = 10;

/// A number of patients, or that they are few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// One to nine.
    Few,
    Known(u64),
}

impl Count {
    fn of(patients: u64) -> Self {
        if (1..FEW).contains(&patients) {
            Count::Few
        } else {
            Count::Known(patients)
        }
    }
}

/// A code that a table of the set holds.
#[derive(Debug, Clone)]
pub struct CodeRow {
    pub code: Code,
    pub patients: Count,
    /// Rows; absent where the patients are few.
    pub values: Option<u64>,
    /// Rows with a number.
    pub numeric: bool,
    /// The 5th, 50th and 95th percentile of the numbers, by nearest rank.
    pub percentiles: Option<[f64; 3]>,
    /// `laboratory`, `vital-signs`, as the observations say.
    pub category: Option<String>,
}

/// Image series of one modality.
#[derive(Debug, Clone)]
pub struct Series {
    pub modality: String,
    pub patients: Count,
    pub series: Option<u64>,
}

#[derive(Debug, Clone)]
pub struct Survey {
    pub set: Set,
    pub patients: Count,
    /// Tables of the set.
    pub tables: BTreeSet<String>,
    /// Observations and their components: those with numbers first, the most frequent first.
    pub observations: Vec<CodeRow>,
    pub conditions: Vec<CodeRow>,
    /// Encounters by class (HL7 ActCode): `IMP` stays, `AMB` visits.
    pub encounters: Vec<(String, Count, Option<u64>)>,
    pub series: Vec<Series>,
    /// Patients with a time of death.
    pub deaths: Count,
    /// First and last day with an observation or an encounter, as the set has them (shifted),
    /// milliseconds since 1970.
    pub span: Option<(i64, i64)>,
    /// Codes that were left out because they hold characters the wizard does not write.
    pub strange: u64,
}

/// Codes kept of each table.
const CODES: usize = 200;

/// Counts what a set holds.
///
/// # Errors
/// A table that is not what the manifest says.
pub fn survey(bank: &Bank, context: &RequestContext, set: &Set) -> Result<Survey> {
    authorize(bank, context, Action::BuildModel)?;
    bank.research.audit(AuditEntry::new(
        context,
        "data_set_survey",
        format!("DataSet/{}", set.manifest.to_hex()),
    ));
    const NEEDED: [&str; 6] = [
        "patient",
        "encounter",
        "condition",
        "observation",
        "observation_component",
        "imaging_series",
    ];
    let cancel = Arc::new(AtomicBool::new(false));
    let (manifest, mut workspace) =
        examples::tables(&set.folder, |name| NEEDED.contains(&name), &cancel)?;
    let tables: BTreeSet<String> = manifest.spec.data.tables.iter().cloned().collect();
    let mut out = Survey {
        set: set.clone(),
        patients: Count::of(manifest.patients),
        observations: Vec::new(),
        conditions: Vec::new(),
        encounters: Vec::new(),
        series: Vec::new(),
        deaths: Count::Known(0),
        span: None,
        strange: 0,
        tables,
    };
    for holder in Holder::ALL {
        if out.tables.contains(holder.table()) {
            let (rows, strange) = codes(&mut workspace, holder)?;
            out.strange += strange;
            match holder {
                Holder::Condition => out.conditions = rows,
                _ => out.observations.extend(rows),
            }
        }
    }
    out.observations
        .sort_by_key(|row| std::cmp::Reverse((row.numeric, known(row.patients), row.values)));
    if out.tables.contains("encounter") {
        let sql = "SELECT class, count(DISTINCT patient), count(*) FROM encounter
             WHERE class IS NOT NULL AND start IS NOT NULL GROUP BY class ORDER BY 3 DESC";
        for row in workspace.ask("encounters", sql)? {
            if let (Some(class), patients, rows) = (text(&row, 0), whole(&row, 1), whole(&row, 2)) {
                let patients = Count::of(patients);
                out.encounters
                    .push((class, patients, unless_few(patients, rows)));
            }
        }
    }
    if out.tables.contains("imaging_series") {
        let sql = "SELECT modality, count(DISTINCT patient), count(*) FROM imaging_series
             WHERE modality IS NOT NULL AND started IS NOT NULL GROUP BY modality ORDER BY 3 DESC";
        for row in workspace.ask("series", sql)? {
            if let (Some(modality), patients, rows) =
                (text(&row, 0), whole(&row, 1), whole(&row, 2))
            {
                let patients = Count::of(patients);
                out.series.push(Series {
                    modality,
                    patients,
                    series: unless_few(patients, rows),
                });
            }
        }
    }
    if out.tables.contains("patient") {
        let sql = "SELECT count(*) FROM patient WHERE deceased_time IS NOT NULL";
        let row = workspace.ask("deaths", sql)?;
        out.deaths = Count::of(row.first().map_or(0, |row| whole(row, 0)));
    }
    out.span = span(&mut workspace, &out.tables)?;
    Ok(out)
}

/// Days, not hours: the first and the last record are somebody's.
fn span(workspace: &mut Workspace, tables: &BTreeSet<String>) -> Result<Option<(i64, i64)>> {
    let parts: Vec<&str> = [
        ("observation", "SELECT time AS at FROM observation"),
        ("encounter", "SELECT start AS at FROM encounter"),
        ("imaging_series", "SELECT started AS at FROM imaging_series"),
    ]
    .into_iter()
    .filter(|(table, _)| tables.contains(*table))
    .map(|(_, sql)| sql)
    .collect();
    if parts.is_empty() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT min(at), max(at) FROM ({}) WHERE at IS NOT NULL",
        parts.join(" UNION ALL ")
    );
    let rows = workspace.ask("span", &sql)?;
    Ok(rows.first().and_then(|row| match row[..] {
        [Some(Cell::Integer(first)), Some(Cell::Integer(last))] => Some((first, last)),
        _ => None,
    }))
}

fn known(count: Count) -> u64 {
    match count {
        Count::Few => 1,
        Count::Known(patients) => patients,
    }
}

fn unless_few(patients: Count, rows: u64) -> Option<u64> {
    matches!(patients, Count::Known(_)).then_some(rows)
}

/// The most frequent codes of a table, each with each of its units.
fn codes(workspace: &mut Workspace, holder: Holder) -> Result<(Vec<CodeRow>, u64)> {
    let (table, time) = (holder.table(), holder.time());
    let (unit, value, category) = match holder {
        Holder::Observation => ("unit", "value", "max(category)"),
        Holder::ObservationComponent => ("unit", "value", "NULL"),
        Holder::Condition => ("NULL", "NULL", "NULL"),
    };
    // Nearest rank: the value at place ceil(share × n).
    let sql = format!(
        "WITH rows AS (
           SELECT patient, code_system, code, {unit} AS unit, {value} AS value,
                  row_number() OVER (PARTITION BY code_system, code, {unit} ORDER BY {value} NULLS LAST) AS place,
                  count({value}) OVER (PARTITION BY code_system, code, {unit}) AS numbers
           FROM {table} WHERE code IS NOT NULL AND {time} IS NOT NULL)
         SELECT code_system, code, unit, count(DISTINCT patient), count(*), max(numbers),
                max(value) FILTER (WHERE place = (numbers * 5 + 99) / 100),
                max(value) FILTER (WHERE place = (numbers * 50 + 99) / 100),
                max(value) FILTER (WHERE place = (numbers * 95 + 99) / 100),
                count(DISTINCT patient) FILTER (WHERE value IS NOT NULL)
         FROM rows GROUP BY code_system, code, unit ORDER BY 4 DESC, 5 DESC LIMIT {CODES}"
    );
    let mut categories = std::collections::BTreeMap::new();
    if category != "NULL" {
        let sql = format!("SELECT code, {category} FROM {table} GROUP BY code");
        for row in workspace.ask("codes", &sql)? {
            if let (Some(code), Some(category)) = (text(&row, 0), text(&row, 1)) {
                categories.insert(code, category);
            }
        }
    }
    let mut strange = 0;
    let mut out = Vec::new();
    for row in workspace.ask("codes", &sql)? {
        let (system, unit) = (text(&row, 0), text(&row, 2));
        let Some(code) = text(&row, 1) else { continue };
        let Ok(code) = Code::new(holder, system.as_deref(), &code, unit.as_deref()) else {
            strange += 1;
            continue;
        };
        let patients = Count::of(whole(&row, 3));
        let percentiles = match (
            Count::of(whole(&row, 9)),
            number(&row, 6),
            number(&row, 7),
            number(&row, 8),
        ) {
            (Count::Known(_), Some(low), Some(middle), Some(high)) => Some([low, middle, high]),
            _ => None,
        };
        out.push(CodeRow {
            patients,
            values: unless_few(patients, whole(&row, 4)),
            numeric: whole(&row, 5) > 0,
            percentiles,
            category: categories.get(&code.code).cloned(),
            code,
        });
    }
    Ok((out, strange))
}

fn text(row: &[Option<Cell>], at: usize) -> Option<String> {
    match row.get(at) {
        Some(Some(Cell::Text(text))) => Some(text.clone()),
        _ => None,
    }
}

fn whole(row: &[Option<Cell>], at: usize) -> u64 {
    match row.get(at) {
        Some(Some(Cell::Integer(number))) => u64::try_from(*number).unwrap_or(0),
        _ => 0,
    }
}

fn number(row: &[Option<Cell>], at: usize) -> Option<f64> {
    match row.get(at) {
        Some(Some(Cell::Number(number))) => Some(*number),
        Some(Some(Cell::Integer(number))) => Some(*number as f64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_people_are_not_counted() {
        assert_eq!(Count::of(0), Count::Known(0));
        assert_eq!(Count::of(1), Count::Few);
        assert_eq!(Count::of(9), Count::Few);
        assert_eq!(Count::of(10), Count::Known(10));
        assert_eq!(unless_few(Count::Few, 400), None);
    }
}
