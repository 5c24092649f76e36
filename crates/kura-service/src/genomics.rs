//! Variants for the pages.

use kura_fhir::view;
use kura_genomics::{Format, Limits, vcf};
use kura_model::{Category, ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::AuditEntry;
use serde_json::Value;

use crate::Bank;
use crate::access::{Action, reach};
use crate::import::{BLOB_URL, SAMPLE_SYSTEM};

/// A page of the variants one sample carries. `document_reference_id` is that of the VCF's
/// `DocumentReference`.
pub fn variants(
    bank: &Bank,
    context: &RequestContext,
    document_reference_id: &str,
    offset: u64,
    limit: usize,
) -> Result<vcf::Page> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let key = RecordKey::new("DocumentReference", document_reference_id);
    let found = reach.read(bank, |reader| reader.current(&key))?;
    bank.clinical
        .audit(AuditEntry::new(context, "variants_read", key.to_string()));
    let version = found
        .filter(|version| !version.deleted)
        .ok_or_else(|| Error::not_found(format!("{key} is not in this bank")))?;
    let document: Value = serde_json::from_slice(&version.body)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))?;
    let attachment = &document["content"][0]["attachment"];
    let format = match view::text(attachment, "contentType") {
        Some("text/x-vcf") => Format::Vcf,
        Some("application/x-bcf") => Format::Bcf,
        _ => return Err(Error::not_found("this document is no VCF")),
    };
    let hash: ContentHash = view::text(attachment, "url")
        .and_then(|url| url.strip_prefix(BLOB_URL))
        .and_then(|hash| hash.parse().ok())
        .ok_or_else(|| Error::not_found("this document's file is not in the bank"))?;
    let sample = view::identifiers(&document, SAMPLE_SYSTEM).next();
    let path = bank.clinical.blobs().path(hash);
    let file = std::fs::File::open(&path)
        .map_err(|error| Error::internal("a blob cannot be read").because(error))?;
    vcf::page(
        std::io::BufReader::new(file),
        format,
        sample,
        offset,
        limit,
        &Limits::default(),
    )
    .map_err(|refusal| Error::new(Category::Invalid, refusal.message.clone()).because(refusal))
}
