//! Many columns by one SQL.

use std::collections::BTreeMap;

use kura_model::{Error, Result};

use crate::build::{Gathered, is_plain, needs_no_time, none_late};
use crate::spec::FeatureSet;
use crate::workspace::{Workspace, database, written};

/// Columns of one set at most.
const NAMES_AT_MOST: usize = 5_000;

/// The columns of a set, in the order of its names; both are added to `gathered`.
pub(crate) fn columns(
    workspace: &mut Workspace,
    spec: &FeatureSet,
    number: usize,
    gathered: &mut Gathered,
) -> Result<Vec<Vec<f32>>> {
    let place = format!("feature_set {}", number + 1);
    if !spec.prefix.is_empty() && !is_plain(&spec.prefix) {
        return Err(Error::invalid(format!(
            "{place}: a prefix is letters, digits and '_'"
        )));
    }
    let checked = workspace.check(&place, &spec.sql, &["case_id", "name", "value"], &["time"])?;
    let has_time = checked.names.iter().any(|name| name == "time");
    let mut wanted = vec!["case_id", "name", "value"];
    if has_time {
        wanted.push("time");
    } else {
        needs_no_time(&place, &checked.tables)?;
    }
    let table = format!("feature_set_{number}");
    workspace.keep(&place, &table, &wanted, &spec.sql)?;
    if has_time {
        none_late(workspace, &place, &table, &place, gathered)?;
    }
    let names = match spec.names.is_empty() {
        true => names(workspace, &place, &table)?,
        false => spec.names.clone(),
    };
    if let Some(wrong) = names.iter().position(|name| !is_plain(name)) {
        // Names out of the data are values: they are not repeated.
        return Err(Error::invalid(format!(
            "{place}: name {} is not made of letters, digits and '_'",
            wrong + 1
        )));
    }
    let at: BTreeMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(at, name)| (name.as_str(), at))
        .collect();
    let mut out = vec![vec![f32::NAN; gathered.cases.case_id.len()]; names.len()];
    let mut statement = workspace
        .connection
        .prepare(&format!(
            "SELECT c.row, CAST(f.name AS TEXT), avg(f.value), count(*), sum(typeof(f.value) IN ('text', 'blob'))
             FROM \"{table}\" f JOIN cases c ON c.case_id = CAST(f.case_id AS TEXT)
             WHERE f.value IS NOT NULL GROUP BY c.row, f.name"
        ))
        .map_err(database)?;
    let mut found = statement
        .query([])
        .map_err(|error| written(&place, &error))?;
    while let Some(row) = found.next().map_err(|error| written(&place, &error))? {
        let name: String = row
            .get::<_, Option<String>>(1)
            .map_err(database)?
            .unwrap_or_default();
        let Some(column) = at.get(name.as_str()) else {
            continue;
        };
        if row.get::<_, i64>(3).map_err(database)? > 1 {
            return Err(Error::invalid(format!(
                "{place}: a case has more than one value of a name; say which in the SQL"
            )));
        }
        if row.get::<_, i64>(4).map_err(database)? > 0 {
            return Err(Error::invalid(format!(
                "{place}: a value is text, not a number"
            )));
        }
        let case = row.get::<_, i64>(0).map_err(database)? as usize;
        out[*column][case] = row.get::<_, f64>(2).map_err(database)? as f32;
    }
    gathered.columns.extend(
        names
            .iter()
            .map(|name| (format!("{}{name}", spec.prefix), None)),
    );
    gathered.set_names.push(names);
    Ok(out)
}

/// The names that the cases have, in their order.
fn names(workspace: &Workspace, place: &str, table: &str) -> Result<Vec<String>> {
    let mut statement = workspace
        .connection
        .prepare(&format!(
            "SELECT DISTINCT CAST(f.name AS TEXT) FROM \"{table}\" f
             JOIN cases c ON c.case_id = CAST(f.case_id AS TEXT) WHERE f.name IS NOT NULL ORDER BY 1 LIMIT {}",
            NAMES_AT_MOST + 1
        ))
        .map_err(database)?;
    let names = statement
        .query_map([], |row| row.get(0))
        .and_then(|rows| rows.collect::<rusqlite::Result<Vec<String>>>())
        .map_err(|error| written(place, &error))?;
    match names.len() {
        0 => Err(Error::invalid(format!("{place}: no case has a value"))),
        count if count > NAMES_AT_MOST => Err(Error::invalid(format!(
            "{place}: there are more than {NAMES_AT_MOST} names"
        ))),
        _ => Ok(names),
    }
}
