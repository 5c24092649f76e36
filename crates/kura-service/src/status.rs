//! What the bank holds, in figures; and whether its audit trail is whole.

use kura_model::{ContentHash, RequestContext, Result};
use kura_store::{AuditCheck, AuditEntry, Job, Tally};
use serde::Serialize;

use crate::access::{Action, authorize};
use crate::{Bank, accounts, link};

#[derive(Debug, Serialize)]
pub struct Status {
    pub bank: String,
    /// Logical time of the clinical zone.
    pub t: u64,
    pub records: Vec<Tally>,
    pub quarantined: u64,
    pub unlinked: u64,
    pub database_bytes: u64,
    pub accounts: u64,
    pub jobs: Vec<Job>,
}

pub fn status(bank: &Bank, context: &RequestContext) -> Result<Status> {
    authorize(bank, context, Action::ReadStatus)?;
    bank.clinical.audit(AuditEntry::new(context, "status", ""));
    Ok(Status {
        bank: bank.folder().display().to_string(),
        t: bank.clinical.now()?.0,
        records: bank.clinical.read(|reader| reader.tallies())?,
        quarantined: bank.clinical.quarantine_count()?,
        unlinked: link::unlinked_count(bank)?,
        database_bytes: bank.zones().iter().map(|zone| zone.database_bytes()).sum(),
        accounts: accounts::count(bank)?,
        jobs: bank.clinical.jobs(5)?,
    })
}

#[derive(Debug, Serialize)]
pub struct ZoneAudit {
    pub zone: &'static str,
    #[serde(flatten)]
    pub check: AuditCheck,
}

impl ZoneAudit {
    pub fn is_whole(&self) -> bool {
        self.check.broken_at.is_none()
    }
}

/// Walks the audit chain of every zone. `anchor` is a head noted earlier, to tell a chain that
/// was cut short.
pub fn audit_verify(
    bank: &Bank,
    context: &RequestContext,
    anchor: Option<ContentHash>,
) -> Result<Vec<ZoneAudit>> {
    authorize(bank, context, Action::ReadAudit)?;
    bank.zones()
        .iter()
        .map(|store| {
            Ok(ZoneAudit {
                zone: store.zone().as_str(),
                check: store.audit_verify(anchor)?,
            })
        })
        .collect()
}
