//! From a specification and tables to numbers.

use std::collections::BTreeMap;

use kura_model::{Error, Result};
use serde::Serialize;

use crate::spec::{CasesSpec, Feature, Outcome, Take};
use crate::workspace::{Checked, Tables, Workspace, database, written};
use crate::{HOUR, feature_set};

/// Message of the error where the SQL of the cases finds none.
pub const NO_CASE: &str = "cases: the SQL finds no case";

/// Message of the error where no case has an outcome.
pub const NO_OUTCOME: &str = "outcome: no case has an outcome";

/// What looks wrong with the data, before anything is trained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub rule: &'static str,
    /// Name of the feature, if it is about one.
    pub feature: Option<String>,
    pub detail: String,
    /// It must be mended; otherwise it is for a person to judge.
    pub fatal: bool,
}

/// Cases with their features, in the order of their ids.
#[derive(Debug, Clone, Default)]
pub struct Cases {
    pub case_id: Vec<String>,
    pub patient: Vec<String>,
    pub site: Option<Vec<String>>,
    /// Milliseconds since 1970.
    pub index_time: Vec<i64>,
    /// `[case, feature]`, row by row; NaN where nothing was known.
    pub values: Vec<f32>,
    /// Empty where no outcome was asked for (at the bedside).
    pub outcome: Vec<bool>,
}

#[derive(Debug, Clone)]
pub struct Gathered {
    pub cases: Cases,
    pub findings: Vec<Finding>,
    /// Cases without an event whose look-ahead was not observed to its end.
    pub unobserved: u64,
    /// Cases that nobody judged, where the outcome is a judgement.
    pub unjudged: u64,
    /// The columns of `values`: name and unit.
    pub columns: Vec<(String, Option<String>)>,
    /// The names of each feature set, as given or as found.
    pub set_names: Vec<Vec<String>>,
}

/// Gathers the cases. `judged` is the outcome by case where a file gives it; with `outcome` false
/// only features are made, for a prediction.
///
/// # Errors
/// SQL that is wrong or does more than read, columns that are missing, cases that are named
/// twice, values that are no numbers. The message names the place in the specification.
pub fn build(
    workspace: &mut Workspace,
    spec: &CasesSpec,
    judged: Option<&BTreeMap<String, bool>>,
    outcome: bool,
) -> Result<Gathered> {
    let mut gathered = Gathered {
        cases: cases(workspace, &spec.cases)?,
        findings: Vec::new(),
        unobserved: 0,
        unjudged: 0,
        columns: Vec::new(),
        set_names: Vec::new(),
    };
    if outcome {
        let outcome = spec
            .outcome
            .as_ref()
            .ok_or_else(|| Error::invalid("outcome: the specification has none"))?;
        outcomes(workspace, outcome, judged, &mut gathered)?;
    }
    let mut columns = Vec::with_capacity(spec.features.len());
    for one in &spec.features {
        columns.push(feature(workspace, one, &mut gathered)?);
        gathered.columns.push((one.name.clone(), one.unit.clone()));
    }
    for (number, one) in spec.feature_sets.iter().enumerate() {
        columns.extend(feature_set::columns(workspace, one, number, &mut gathered)?);
    }
    let mut names: Vec<&str> = gathered.columns.iter().map(|one| one.0.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::invalid(format!(
            "feature '{}' is there twice",
            twice[0]
        )));
    }
    let rows = gathered.cases.case_id.len();
    gathered.cases.values = (0..rows)
        .flat_map(|row| columns.iter().map(move |column| column[row]))
        .collect();
    Ok(gathered)
}

fn cases(workspace: &mut Workspace, sql: &str) -> Result<Cases> {
    const PLACE: &str = "cases";
    const NEEDED: [&str; 3] = ["case_id", "patient", "index_time"];
    let names = workspace.check(PLACE, sql, &NEEDED, &["site"])?.names;
    let by_site = names.iter().any(|name| name == "site");
    let mut columns = NEEDED.to_vec();
    if by_site {
        columns.push("site");
    }
    workspace.keep(PLACE, "case_rows", &columns, sql)?;
    let site = if by_site { "site" } else { "NULL" };
    workspace
        .connection
        .execute_batch(&format!(
            "CREATE TEMP TABLE cases AS
               SELECT row_number() OVER (ORDER BY case_id) - 1 AS row, CAST(case_id AS TEXT) AS case_id,
                      CAST(patient AS TEXT) AS patient, index_time, {site} AS site
               FROM case_rows ORDER BY case_id;
             CREATE INDEX temp.cases_patient ON cases (patient);
             CREATE INDEX temp.cases_id ON cases (case_id);"
        ))
        .map_err(database)?;
    let mut out = Cases::default();
    let mut sites = Vec::new();
    let mut statement = workspace
        .connection
        .prepare("SELECT case_id, patient, index_time, site FROM cases ORDER BY row")
        .map_err(database)?;
    let mut rows = statement.query([]).map_err(database)?;
    while let Some(row) = rows.next().map_err(database)? {
        let (Ok(Some(id)), Ok(Some(patient)), Ok(Some(time))) = (
            row.get::<_, Option<String>>(0),
            row.get::<_, Option<String>>(1),
            row.get::<_, Option<i64>>(2),
        ) else {
            return Err(Error::invalid(
                "cases: a case lacks its id, its patient or its index time (milliseconds, as in the tables)",
            ));
        };
        if out.case_id.last() == Some(&id) {
            return Err(Error::invalid("cases: two cases have the same case_id"));
        }
        out.case_id.push(id);
        out.patient.push(patient);
        out.index_time.push(time);
        sites.push(
            row.get::<_, Option<String>>(3)
                .map_err(|error| written(PLACE, &error))?,
        );
    }
    if out.case_id.is_empty() {
        return Err(Error::invalid(NO_CASE));
    }
    if by_site {
        out.site = Some(
            sites
                .into_iter()
                .map(|site| site.unwrap_or_else(|| "unknown".to_owned()))
                .collect(),
        );
    }
    Ok(out)
}

/// Fills the outcome, and drops the cases that have none.
fn outcomes(
    workspace: &mut Workspace,
    spec: &Outcome,
    judged: Option<&BTreeMap<String, bool>>,
    gathered: &mut Gathered,
) -> Result<()> {
    const PLACE: &str = "outcome";
    let found: Vec<Option<bool>> = match (&spec.sql, judged) {
        (Some(_), Some(_)) | (None, None) => {
            return Err(Error::invalid(
                "outcome: give either sql or file, one of them",
            ));
        }
        (None, Some(judged)) => gathered
            .cases
            .case_id
            .iter()
            .map(|id| judged.get(id).copied())
            .collect(),
        (Some(sql), None) => {
            let names = workspace
                .check(PLACE, sql, &[], &["patient", "time", "case_id", "outcome"])?
                .names;
            let has = |name: &str| names.iter().any(|found| found == name);
            if has("case_id") && has("outcome") {
                by_judgement(workspace, sql, gathered)?
            } else if has("patient") && has("time") {
                by_event(workspace, spec, sql, gathered)?
            } else {
                return Err(Error::invalid(
                    "outcome: the result needs patient and time (events), or case_id and outcome",
                ));
            }
        }
    };
    let judged_by_events = spec.look_ahead_hours.is_some() && judged.is_none();
    let absent = found.iter().filter(|outcome| outcome.is_none()).count() as u64;
    if judged_by_events {
        gathered.unobserved = absent;
    } else {
        gathered.unjudged = absent;
    }
    keep_only(workspace, gathered, &found)
}

fn by_judgement(
    workspace: &Workspace,
    sql: &str,
    gathered: &Gathered,
) -> Result<Vec<Option<bool>>> {
    workspace.keep("outcome", "judged", &["case_id", "outcome"], sql)?;
    let mut found = vec![None; gathered.cases.case_id.len()];
    let mut statement = workspace
        .connection
        .prepare("SELECT c.row, j.outcome FROM judged j JOIN cases c ON c.case_id = CAST(j.case_id AS TEXT)")
        .map_err(database)?;
    let mut rows = statement.query([]).map_err(database)?;
    while let Some(row) = rows.next().map_err(database)? {
        let at: usize = row.get::<_, i64>(0).map_err(database)? as usize;
        let outcome = match row.get::<_, Option<i64>>(1) {
            Ok(Some(0)) => false,
            Ok(Some(1)) => true,
            Ok(None) => continue,
            _ => return Err(Error::invalid("outcome: an outcome is 0 or 1")),
        };
        if found[at].is_some_and(|known| known != outcome) {
            return Err(Error::invalid("outcome: a case has both outcomes"));
        }
        found[at] = Some(outcome);
    }
    Ok(found)
}

fn by_event(
    workspace: &mut Workspace,
    spec: &Outcome,
    sql: &str,
    gathered: &Gathered,
) -> Result<Vec<Option<bool>>> {
    let hours = spec
        .look_ahead_hours
        .filter(|hours| *hours > 0.0)
        .ok_or_else(|| Error::invalid("outcome: events need look_ahead_hours"))?;
    let ahead = (hours * HOUR) as i64;
    workspace.keep("outcome", "events", &["patient", "time"], sql)?;
    workspace.times("outcome", "events", true)?;
    workspace
        .connection
        .execute_batch("CREATE INDEX temp.events_patient ON events (patient, time)")
        .map_err(database)?;
    let follow = match &spec.followed_until {
        None => None,
        Some(sql) => {
            const PLACE: &str = "outcome.followed_until";
            workspace.check(PLACE, sql, &["patient", "time"], &[])?;
            workspace.keep(PLACE, "followed", &["patient", "time"], sql)?;
            workspace.times(PLACE, "followed", true)?;
            workspace
                .connection
                .execute_batch("CREATE INDEX temp.followed_patient ON followed (patient)")
                .map_err(database)?;
            Some(())
        }
    };
    let observed = match follow {
        Some(()) => {
            "coalesce((SELECT max(f.time) FROM followed f WHERE f.patient = c.patient), 0) >= c.index_time + ?1"
        }
        None => "1",
    };
    // Strictly after: what happened at the index time was known then.
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM events e WHERE e.patient = c.patient
                        AND e.time > c.index_time AND e.time <= c.index_time + ?1), {observed}
         FROM cases c ORDER BY c.row"
    );
    let mut statement = workspace.connection.prepare(&sql).map_err(database)?;
    let found = statement
        .query_map([ahead], |row| {
            let event: bool = row.get(0)?;
            let observed: bool = row.get(1)?;
            Ok((event || observed).then_some(event))
        })
        .and_then(|rows| rows.collect::<rusqlite::Result<Vec<_>>>())
        .map_err(|error| written("outcome", &error))?;
    debug_assert_eq!(found.len(), gathered.cases.case_id.len());
    Ok(found)
}

/// Cases without an outcome go, here and in the workspace.
fn keep_only(workspace: &Workspace, gathered: &mut Gathered, found: &[Option<bool>]) -> Result<()> {
    let cases = &mut gathered.cases;
    let kept: Vec<usize> = (0..found.len()).filter(|at| found[*at].is_some()).collect();
    if kept.is_empty() {
        return Err(Error::invalid(NO_OUTCOME));
    }
    cases.outcome = found.iter().flatten().copied().collect();
    if kept.len() == found.len() {
        return Ok(());
    }
    let pick = |all: &[String]| kept.iter().map(|at| all[*at].clone()).collect::<Vec<_>>();
    cases.case_id = pick(&cases.case_id);
    cases.patient = pick(&cases.patient);
    cases.site = cases.site.as_deref().map(pick);
    cases.index_time = kept.iter().map(|at| cases.index_time[*at]).collect();
    let mut update = workspace
        .connection
        .prepare("UPDATE cases SET row = ?1 WHERE row = ?2")
        .map_err(database)?;
    workspace
        .connection
        .execute_batch("BEGIN")
        .map_err(database)?;
    // New numbers are never larger than old ones: going up, no two are ever the same.
    let mut gone: i64 = -1;
    let mut next = 0;
    for at in 0..found.len() {
        let new = if kept.get(next) == Some(&at) {
            next += 1;
            next as i64 - 1
        } else {
            gone -= 1;
            gone
        };
        update.execute((new, at as i64)).map_err(database)?;
    }
    drop(update);
    workspace
        .connection
        .execute_batch("DELETE FROM cases WHERE row < 0; COMMIT;")
        .map_err(database)
}

/// Whether the rows of a table have times of their own. Of the person it has what does not change.
fn has_times(name: &str) -> bool {
    name != "patient"
        && kura_dataset::table::by_name(name).is_some_and(|table| {
            table
                .columns
                .iter()
                .any(|(_, column, _)| *column == kura_dataset::table::Column::Time)
        })
}

/// Of a table whose rows have a time somebody must say when a value was known.
pub(crate) fn needs_no_time(place: &str, tables: &Tables) -> Result<()> {
    let timed: Vec<&str> = tables
        .iter()
        .filter(|name| has_times(name))
        .map(String::as_str)
        .collect();
    if timed.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{place}: it reads {}, so the result needs a time: when the value was known",
        timed.join(", ")
    )))
}

/// Values by case that were recorded after its index time are a finding.
pub(crate) fn none_late(
    workspace: &mut Workspace,
    place: &str,
    table: &str,
    name: &str,
    gathered: &mut Gathered,
) -> Result<()> {
    workspace.times(place, table, false)?;
    let late: i64 = workspace
        .connection
        .query_row(
            &format!(
                "SELECT count(*) FROM \"{table}\" f JOIN cases c ON c.case_id = CAST(f.case_id AS TEXT)
                 WHERE f.time > c.index_time"
            ),
            [],
            |row| row.get(0),
        )
        .map_err(database)?;
    if late > 0 {
        gathered.findings.push(Finding {
            rule: "after-index-time",
            feature: Some(name.to_owned()),
            detail: format!("{late} values were recorded after the index time"),
            fatal: true,
        });
    }
    Ok(())
}

/// A name that can stand in a column: letters, digits and `_`.
pub(crate) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// One column of values, and what is wrong with it.
fn feature(workspace: &mut Workspace, spec: &Feature, gathered: &mut Gathered) -> Result<Vec<f32>> {
    let place = format!("feature '{}'", spec.name);
    if !is_plain(&spec.name) {
        return Err(Error::invalid(format!(
            "{place}: a feature's name is letters, digits and '_'"
        )));
    }
    let Checked { names, tables } = workspace.check(
        &place,
        &spec.sql,
        &["value"],
        &["patient", "time", "case_id"],
    )?;
    let has = |name: &str| names.iter().any(|found| found == name);
    let table = format!("feature_{}", spec.name);
    let rows = gathered.cases.case_id.len();
    let sql = if has("case_id") {
        let columns: &[&str] = if has("time") {
            &["case_id", "value", "time"]
        } else {
            &["case_id", "value"]
        };
        if !has("time") {
            needs_no_time(&place, &tables)?;
        }
        workspace.keep(&place, &table, columns, &spec.sql)?;
        if has("time") {
            none_late(workspace, &place, &table, &spec.name, gathered)?;
        }
        format!(
            "SELECT c.row, avg(f.value), count(*), sum(typeof(f.value) IN ('text', 'blob'))
             FROM \"{table}\" f JOIN cases c ON c.case_id = CAST(f.case_id AS TEXT) GROUP BY c.row"
        )
    } else if has("patient") && has("time") {
        workspace.keep(&place, &table, &["patient", "time", "value"], &spec.sql)?;
        workspace.times(&place, &table, true)?;
        workspace
            .connection
            .execute_batch(&format!(
                "CREATE INDEX temp.\"{table}_patient\" ON \"{table}\" (patient, time)"
            ))
            .map_err(database)?;
        let from = match spec.window_hours {
            Some(hours) if hours > 0.0 => {
                format!("AND f.time > c.index_time - {}", (hours * HOUR) as i64)
            }
            Some(_) => {
                return Err(Error::invalid(format!(
                    "{place}: window_hours is more than 0"
                )));
            }
            None => String::new(),
        };
        format!(
            "SELECT row, {}, 1, sum(typeof(value) IN ('text', 'blob')) FROM (
               SELECT c.row, f.time, f.value,
                      max(f.time) OVER (PARTITION BY c.row) AS newest,
                      min(f.time) OVER (PARTITION BY c.row) AS oldest
               FROM cases c JOIN \"{table}\" f
                 ON f.patient = c.patient AND f.time <= c.index_time {from} AND f.value IS NOT NULL
             ) GROUP BY row",
            spec.take.sql()
        )
    } else {
        return Err(Error::invalid(format!(
            "{place}: the result needs patient, time and value, or case_id and value"
        )));
    };
    let nothing = if spec.take == Take::Count && !has("case_id") {
        0.0
    } else {
        f32::NAN
    };
    let mut column = vec![nothing; rows];
    let mut statement = workspace.connection.prepare(&sql).map_err(database)?;
    let mut found = statement
        .query([])
        .map_err(|error| written(&place, &error))?;
    while let Some(row) = found.next().map_err(|error| written(&place, &error))? {
        let at = row.get::<_, i64>(0).map_err(database)? as usize;
        if row.get::<_, i64>(2).map_err(database)? > 1 {
            return Err(Error::invalid(format!(
                "{place}: a case has more than one value; say which in the SQL"
            )));
        }
        if row.get::<_, Option<i64>>(3).map_err(database)?.unwrap_or(0) > 0 {
            return Err(Error::invalid(format!(
                "{place}: a value is text, not a number"
            )));
        }
        if let Some(value) = row
            .get::<_, Option<f64>>(1)
            .map_err(|error| written(&place, &error))?
        {
            column[at] = value as f32;
        }
    }
    workspace
        .connection
        .execute_batch(&format!("DROP TABLE temp.\"{table}\""))
        .map_err(database)?;
    Ok(column)
}
