//! Opening a patient's records in an emergency: with a reason, for a while, told to the patient
//! and looked at by an officer afterwards.

use kura_fhir::{Resource, date};
use kura_model::{
    Category, ContentHash, Error, IndexEntry, IndexValue, RecordKey, RequestContext, Result,
};
use kura_store::{AuditEntry, Commit, Order, Predicate, Put, Query, Write};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::{Action, authorize};
use crate::accounts::now_millis;
use crate::{Bank, import, kind};

const BY_ACCOUNT: &str = "Emergency.account";

/// Letters of a reason: a word says nothing to whoever looks at it afterwards.
const REASON: std::ops::RangeInclusive<usize> = 10..=500;
/// Listed at most.
const LISTED: u32 = 1000;

/// One opening.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Emergency {
    #[serde(skip)]
    pub id: String,
    pub account: String,
    /// Id of the `Patient`.
    pub patient: String,
    pub reason: String,
    /// Milliseconds since 1970.
    pub from: i64,
    pub until: i64,
    /// Who looked at it, and when.
    #[serde(default)]
    pub reviewed: Option<(String, i64)>,
}

impl Emergency {
    pub fn is_open(&self, now: i64) -> bool {
        self.until > now
    }
}

/// Opens the records of the patient with this hospital number for `access.emergency_hours`.
///
/// # Errors
/// `Invalid` without a reason; `NotFound` if nobody, or not exactly one, has the number.
pub fn emergency_open(
    bank: &Bank,
    context: &RequestContext,
    number: &str,
    reason: &str,
) -> Result<Emergency> {
    authorize(bank, context, Action::BreakGlass)?;
    let reason = reason.trim();
    if !REASON.contains(&reason.chars().count()) {
        return Err(Error::invalid(format!(
            "say in {} to {} letters why; it is read afterwards",
            REASON.start(),
            REASON.end()
        )));
    }
    let query = Query::all("Patient").and(Predicate::Token {
        param: "Patient.identifier".to_owned(),
        system: Some(Some(bank.config.hospital.patient_number_system.clone())),
        code: Some(number.trim().to_owned()),
    });
    let found = bank
        .clinical
        .read(|reader| reader.search(&query, None, 2))?
        .versions;
    let [patient] = &found[..] else {
        bank.clinical
            .audit(AuditEntry::new(context, "emergency_open", "").outcome("refused"));
        return Err(Error::not_found("no patient of this bank has this number"));
    };
    let patient = &patient.key;
    let now = now_millis();
    let mut random = [0; 32];
    getrandom::fill(&mut random)
        .map_err(|error| Error::internal("the system gives no random numbers").because(error))?;
    let emergency = Emergency {
        id: ContentHash(random).to_hex()[..32].to_owned(),
        account: context.actor.name.clone(),
        patient: patient.id.clone(),
        reason: reason.to_owned(),
        from: now,
        until: now + i64::from(bank.config.access.emergency_hours) * 3_600_000,
        reviewed: None,
    };
    // What the reason says stays with the record: it may speak of the patient.
    let audit = AuditEntry::new(context, "emergency_open", patient.to_string())
        .detail(emergency.id.clone());
    let _writing = bank.writing()?;
    bank.clinical.commit(Commit {
        writes: vec![put(&emergency)?, told(bank, &emergency, patient)?],
        audit: vec![audit],
        ..Commit::default()
    })?;
    Ok(emergency)
}

/// Ends one's own before its time.
///
/// # Errors
/// `NotFound`, also for another's.
pub fn emergency_close(bank: &Bank, context: &RequestContext, id: &str) -> Result<()> {
    authorize(bank, context, Action::BreakGlass)?;
    let _writing = bank.writing()?;
    let mut emergency = load(bank, id)?
        .filter(|emergency| emergency.account == context.actor.name)
        .ok_or_else(|| Error::not_found("you have opened no such emergency"))?;
    emergency.until = emergency.until.min(now_millis());
    let audit = AuditEntry::new(
        context,
        "emergency_close",
        format!("Patient/{}", emergency.patient),
    );
    bank.clinical
        .commit(Commit {
            writes: vec![put(&emergency)?],
            audit: vec![audit.detail(emergency.id.clone())],
            ..Commit::default()
        })
        .map(drop)
}

/// An officer has looked at it.
///
/// # Errors
/// `Forbidden` for whoever opened it; `Conflict` if somebody has looked before.
pub fn emergency_review(bank: &Bank, context: &RequestContext, id: &str) -> Result<()> {
    authorize(bank, context, Action::ReviewEmergency)?;
    let _writing = bank.writing()?;
    let mut emergency =
        load(bank, id)?.ok_or_else(|| Error::not_found("there is no such emergency"))?;
    if emergency.account == context.actor.name {
        return Err(Error::forbidden(
            "whoever opened the records does not judge whether it was right",
        ));
    }
    if emergency.reviewed.is_some() {
        return Err(Error::new(
            Category::Conflict,
            "somebody has looked at this before",
        ));
    }
    emergency.reviewed = Some((context.actor.name.clone(), now_millis()));
    let audit = AuditEntry::new(
        context,
        "emergency_review",
        format!("Patient/{}", emergency.patient),
    );
    bank.clinical
        .commit(Commit {
            writes: vec![put(&emergency)?],
            audit: vec![audit.detail(emergency.id.clone())],
            ..Commit::default()
        })
        .map(drop)
}

/// One's own, the newest first.
pub fn emergencies(bank: &Bank, context: &RequestContext) -> Result<Vec<Emergency>> {
    authorize(bank, context, Action::BreakGlass)?;
    let own = of_account(bank, &context.actor.name)?;
    bank.clinical
        .audit(AuditEntry::new(context, "emergency_list", ""));
    Ok(own)
}

/// All, for an officer: those nobody has looked at first.
pub fn emergencies_of_all(bank: &Bank, context: &RequestContext) -> Result<Vec<Emergency>> {
    authorize(bank, context, Action::ReviewEmergency)?;
    let mut all = read(bank, &Query::all(kind::EMERGENCY))?;
    all.sort_by_key(|one| (one.reviewed.is_some(), std::cmp::Reverse(one.from)));
    bank.clinical
        .audit(AuditEntry::new(context, "emergency_review_list", ""));
    Ok(all)
}

/// The patients whose records an account has open now.
pub(crate) fn patients_open_to(bank: &Bank, account: &str) -> Result<Vec<RecordKey>> {
    let now = now_millis();
    Ok(of_account(bank, account)?
        .into_iter()
        .filter(|emergency| emergency.is_open(now))
        .map(|emergency| RecordKey::new("Patient", emergency.patient))
        .collect())
}

fn of_account(bank: &Bank, account: &str) -> Result<Vec<Emergency>> {
    let query = Query::all(kind::EMERGENCY).and(Predicate::Token {
        param: BY_ACCOUNT.to_owned(),
        system: None,
        code: Some(account.to_owned()),
    });
    read(bank, &query)
}

fn read(bank: &Bank, query: &Query) -> Result<Vec<Emergency>> {
    let query = Query {
        order: Order::StoredDescending,
        ..query.clone()
    };
    bank.clinical.read(|reader| {
        let page = reader.search(&query, None, LISTED)?;
        page.versions
            .iter()
            .map(|version| decode(&version.key.id, &version.body))
            .collect()
    })
}

fn load(bank: &Bank, id: &str) -> Result<Option<Emergency>> {
    let key = RecordKey::new(kind::EMERGENCY, id);
    let found = bank.clinical.read(|reader| reader.current(&key))?;
    found
        .filter(|version| !version.deleted)
        .map(|version| decode(id, &version.body))
        .transpose()
}

fn decode(id: &str, body: &[u8]) -> Result<Emergency> {
    let mut emergency: Emergency = serde_json::from_slice(body)
        .map_err(|error| Error::internal("a stored record is damaged").because(error))?;
    id.clone_into(&mut emergency.id);
    Ok(emergency)
}

fn put(emergency: &Emergency) -> Result<Write> {
    let body = serde_json::to_vec(emergency)
        .map_err(|error| Error::internal("a record cannot be written").because(error))?;
    Ok(Write::Put(Put {
        index: vec![IndexEntry {
            param: BY_ACCOUNT,
            value: IndexValue::Token {
                system: None,
                code: emergency.account.clone(),
            },
        }],
        owners: vec![RecordKey::new("Patient", &emergency.patient)],
        ..Put::plain(RecordKey::new(kind::EMERGENCY, &emergency.id), body)
    }))
}

/// What the patient is told, among their records: that it was done, when and until when. The
/// reason and the person are for the officer; the patient asks for them.
fn told(bank: &Bank, emergency: &Emergency, patient: &RecordKey) -> Result<Write> {
    let resource = Resource::from_value(json!({
        "resourceType": "Communication",
        "id": format!("emergency-{}", emergency.id),
        "status": "completed",
        "category": [{ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/communication-category",
            "code": "notification",
        }]}],
        "priority": "urgent",
        "subject": { "reference": patient.to_string() },
        "recipient": [{ "reference": patient.to_string() }],
        "sent": date::instant(emergency.from),
        "reasonCode": [{ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
            "code": "ETREAT",
        }]}],
        "payload": [{ "contentString": format!(
            "緊急時のため、診療記録が一時的に開かれました（{}まで）。 Your records were opened in an emergency, until {}.",
            date::local_minute(emergency.until),
            date::local_minute(emergency.until),
        )}],
    }))
    .map_err(|refusal| Error::internal("a resource of ours is not sound").because(refusal))?;
    let mut put = import::fhir_put(&*bank.search_parameters()?, &resource, None);
    put.once = false;
    Ok(Write::Put(put))
}
