//! What a model says of images, as DICOM objects in the study.

use kura_model::{RequestContext, Result};

use super::proposal::Addressee;
use super::question::{Case, Found, Question};
use crate::Bank;

/// Stores the objects; gives the extension that names each, and its UID.
pub(super) fn store(
    _bank: &Bank,
    _context: &RequestContext,
    _to: &Addressee<'_>,
    _question: &Question,
    _case: &Case,
    _found: &Found,
    _id: &str,
) -> Result<Vec<(&'static str, String)>> {
    Ok(Vec::new())
}
