//! Tables of views. SQL on FHIR 2.0, operations `$viewdefinition-run` and
//! `$viewdefinition-export`, <https://sql-on-fhir.org/ig/latest/operations.html>.
//!
//! Rows are of one state and are written as they are made, so that memory does not grow with the
//! table.

mod asked;
mod column;
pub mod export;
mod format;
mod parquet;
mod rows;

use std::io::Write;

use kura_fhir::view_definition::ViewDefinition;
use kura_model::{Category, Error, RequestContext, Result};
use kura_store::AuditEntry;
use serde_json::Value;

use crate::Bank;
use crate::access::{Action, authorize};

pub use asked::Run;
pub use format::Format;

/// Compiles a view. What is wrong with it is 422: the request is sound, the view is not.
fn compile(view: &Value) -> Result<ViewDefinition> {
    ViewDefinition::parse(view).map_err(|error| {
        Error::new(Category::Unprocessable, error.message().to_owned()).coded("invalid")
    })
}

/// The table of one view, written to `out`; `limit` rows at most.
///
/// # Errors
/// What is wrong with the request is said before the first byte. After it: a resource that the
/// view fails on; `Interrupted` if nobody takes the bytes any more.
pub fn run(
    bank: &Bank,
    context: &RequestContext,
    asked: &Run,
    out: Box<dyn Write + Send + '_>,
) -> Result<()> {
    authorize(bank, context, Action::ExportClinical)?;
    let view = compile(&asked.view)?;
    let t = bank.clinical.now()?;
    let source = match &asked.resources[..] {
        [] => rows::Source::bank(bank, &view, &asked.whose, t)?,
        resources => rows::Source::Given(resources),
    };
    bank.clinical
        .audit(AuditEntry::new(context, "fhir_view", view.resource));
    let mut table = format::table(asked.format, &view, out)?;
    let mut left = asked.limit.unwrap_or(u64::MAX);
    source.each(bank, &view, &mut |rows| {
        for row in rows {
            if left == 0 {
                return Ok(false);
            }
            table.row(row)?;
            left -= 1;
        }
        Ok(left > 0)
    })?;
    table.finish()
}
