//! The cases with their truth.

use std::collections::{BTreeMap, HashSet};

use kura_model::Result;
use serde::{Deserialize, Serialize};

use crate::table::Table;

/// One case (an image, a lesion, an examination).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub case: String,
    /// Whose case it is: the patient. Cases of one cluster are not independent.
    pub cluster: String,
    /// By the reference standard.
    pub positive: bool,
    /// Site and subgroup columns; a value that was not recorded is empty.
    pub columns: BTreeMap<String, String>,
}

/// Cases by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cases(Vec<Case>);

impl Cases {
    /// From CSV with the columns `case,cluster,truth`; every further one (`site`, `sex` …) is one
    /// a protocol may name as a subgroup. `truth` is `1`/`positive` or `0`/`negative`.
    ///
    /// # Errors
    /// What breaks the form, by line and column; a case given twice.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let required = ["case", "cluster", "truth"];
        let table = Table::parse("case file", bytes, &required, &[], true)?;
        let others: Vec<&String> = table
            .header()
            .iter()
            .filter(|h| !required.contains(&h.as_str()))
            .collect();
        let mut seen = HashSet::new();
        let mut cases = Vec::new();
        for row in table.rows() {
            let case = row.filled("case")?;
            if !seen.insert(case) {
                return Err(row.fault("case", "is there twice"));
            }
            cases.push(Case {
                case: case.to_owned(),
                cluster: row.filled("cluster")?.to_owned(),
                positive: row.positive("truth")?,
                columns: others
                    .iter()
                    .map(|&column| (column.clone(), row.get(column).to_owned()))
                    .collect(),
            });
        }
        cases.sort_by(|a, b| a.case.cmp(&b.case));
        Ok(Cases(cases))
    }

    /// In the order of their names, whatever the order in the file.
    pub fn all(&self) -> &[Case] {
        &self.0
    }
}
