//! `$import`: NDJSON of FHIR, fetched from where the configuration allows or sent along, into the
//! bank by the same path as `kura import`. There is no standard of HL7 yet; this is the draft of
//! SMART, "Bulk Data Import Proposal (Manifest Approach)",
//! <https://github.com/smart-on-fhir/bulk-import/blob/master/import-manifest.md>, with its body as
//! JSON or as Parameters.
//!
//! First every input is fetched into the request's folder, then all are read in one import. So a
//! server that was stopped fetches again only what was not whole, and goes on in a file after the
//! last commit.

mod asked;
mod result;
mod upload;
mod write;

use std::sync::Arc;

use kura_model::{Category, Error, RequestContext, Result};

use crate::access::{Action, authorize};
use crate::{Bank, async_request};

pub use asked::Asked;
pub use upload::Upload;
pub(crate) use write::{tidy, write};

/// Begins an import of what a manifest names; its id.
///
/// # Errors
/// `Forbidden` for an address that `import.sources` does not allow; the message never repeats it.
pub fn begin(bank: &Arc<Bank>, context: &RequestContext, asked: Asked) -> Result<String> {
    authorize(bank, context, Action::Import)?;
    let sources = bank.config.import.allowed()?;
    for (number, input) in asked.inputs.iter().enumerate() {
        let Some(url) = &input.url else { continue };
        if sources.admit(url).is_none() {
            let message = if sources.is_empty() {
                "this server fetches from nowhere: list the addresses it may fetch from as \
                 import.sources in kura.toml, or send the lines themselves as application/fhir+ndjson"
            } else {
                "this address is not below any of import.sources in kura.toml, or there is no such file"
            };
            return Err(Error::new(Category::Forbidden, message).at(format!("input[{number}].url")));
        }
    }
    let detail = format!("{} inputs", asked.inputs.len());
    let t = bank.clinical.now()?;
    let asked = async_request::Asked::Import(asked);
    async_request::begin(bank, context, asked, t, detail)
}
