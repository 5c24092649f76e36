//! Where the rows of a view come from.

use kura_fhir::view_definition::{Row, ViewDefinition};
use kura_model::{Category, Error, LogicalTime, Result};
use kura_store::{Cursor, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Bank;
use crate::export::Whose;
use crate::fhir_read::answer;

/// Resources read at a time.
const STEP: u32 = 1_000;

/// Whose resources, and since when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// References; everybody if empty.
    pub patients: Vec<String>,
    pub groups: Vec<String>,
    /// Milliseconds since 1970.
    pub since: Option<i64>,
}

impl Filter {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

pub(super) enum Source<'a> {
    Bank(Box<Query>),
    /// Resources that came with the request.
    Given(&'a [Value]),
}

impl Source<'_> {
    /// The resources of the view's type at `t`.
    pub(super) fn bank(
        bank: &Bank,
        view: &ViewDefinition,
        filter: &Filter,
        t: LogicalTime,
    ) -> Result<Self> {
        let whose = Whose::named(bank, &filter.patients, &filter.groups, t)?;
        let registry = bank.search_parameters()?;
        let query = whose
            .query(&registry, view.resource, filter.since, t)
            .ok_or_else(|| {
                // An empty table would look as if there were none.
                Error::new(
                    Category::Unprocessable,
                    format!(
                        "{} lies in no patient's compartment: leave patient and group out",
                        view.resource
                    ),
                )
                .at("patient")
            })?;
        Ok(Self::Bank(Box::new(query)))
    }

    /// Hands on the rows of each resource, as long as the answer is true.
    pub(super) fn each(
        &self,
        bank: &Bank,
        view: &ViewDefinition,
        hand_on: &mut dyn FnMut(Vec<Row>) -> Result<bool>,
    ) -> Result<()> {
        let query = match self {
            Self::Given(resources) => {
                for resource in *resources {
                    if !hand_on(rows(view, resource)?)? {
                        return Ok(());
                    }
                }
                return Ok(());
            }
            Self::Bank(query) => query,
        };
        let mut after: Option<Cursor> = None;
        loop {
            let page = bank
                .clinical
                .read(|reader| reader.search(query, after.as_ref(), STEP))?;
            for version in &page.versions {
                let resource: Value =
                    serde_json::from_slice(&answer(version).body).map_err(|error| {
                        Error::internal("a stored resource is damaged").because(error)
                    })?;
                if !hand_on(rows(view, &resource)?)? {
                    return Ok(());
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

/// The view may fail on one resource only: then it is the view that cannot be processed.
fn rows(view: &ViewDefinition, resource: &Value) -> Result<Vec<Row>> {
    view.rows(resource).map_err(|error| {
        Error::new(Category::Unprocessable, error.message().to_owned()).coded("processing")
    })
}
