//! One patient across sources, by the hospital's patient number.
//!
//! A study, a report or a claim names its patient by number. If exactly one patient of the bank
//! has that number, and birth date and sex do not contradict, it is linked. Otherwise it is
//! kept, tagged with the reason, and tried again after each import. Nothing is guessed.

use kura_fhir::{Resource, view};
use kura_model::{Category, ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Clause, Commit, Order, Predicate, Put, Query, Write};
use serde_json::{Value, json};

use crate::access::{Action, authorize};
use crate::{Bank, imaging_study, import};

/// `meta.tag` system of the reason why something is not linked.
pub const LINK_STATE: &str = "urn:kura:link-state";
const SOURCE_BIRTH_DATE: &str = "urn:kura:source-birth-date";
const SOURCE_SEX: &str = "urn:kura:source-sex";

/// Kinds that are linked by number, and the element that names the patient.
pub const LINKED_KINDS: [(&str, &str); 5] = [
    ("ImagingStudy", "subject"),
    ("DocumentReference", "subject"),
    ("Observation", "subject"),
    ("Claim", "patient"),
    ("Coverage", "beneficiary"),
];

/// Why something is not linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    NoNumber,
    /// The source does not say whose number it is.
    NoIssuer,
    /// The number is another institution's.
    ForeignIssuer,
    UnknownPatient,
    /// More than one patient has the number.
    Ambiguous,
    /// The objects of one study name different patients. A person has to look: it is not tried
    /// again.
    StudyConflict,
    BirthDateDiffers,
    SexDiffers,
}

impl Reason {
    pub const ALL: [Reason; 8] = [
        Reason::NoNumber,
        Reason::NoIssuer,
        Reason::ForeignIssuer,
        Reason::UnknownPatient,
        Reason::Ambiguous,
        Reason::StudyConflict,
        Reason::BirthDateDiffers,
        Reason::SexDiffers,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Reason::NoNumber => "no-number",
            Reason::NoIssuer => "no-issuer",
            Reason::ForeignIssuer => "foreign-issuer",
            Reason::UnknownPatient => "unknown-patient",
            Reason::Ambiguous => "ambiguous",
            Reason::StudyConflict => "study-conflict",
            Reason::BirthDateDiffers => "birth-date-differs",
            Reason::SexDiffers => "sex-differs",
        }
    }
}

/// The patient as a source names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claimed {
    pub number: Option<String>,
    /// System of the number; absent if the source does not say.
    pub system: Option<String>,
    /// `YYYY-MM-DD`
    pub birth_date: Option<String>,
    /// FHIR AdministrativeGender.
    pub sex: Option<String>,
}

/// A resource to be linked when it is written.
pub(crate) struct Linkable {
    /// A whole resource with type and id; its patient element is filled here.
    pub(crate) resource: Value,
    pub(crate) claimed: Claimed,
    pub(crate) blobs: Vec<ContentHash>,
    pub(crate) source: Option<(i64, u64)>,
}

impl Linkable {
    pub(crate) fn into_put(self, bank: &Bank) -> Result<Put> {
        let mut value = self.resource;
        let linked = find(bank, &self.claimed)?;
        write_link(&mut value, &self.claimed, linked)?;
        let resource = Resource::from_value(value).map_err(|refusal| {
            Error::internal("a resource of ours is not sound").because(refusal)
        })?;
        let mut put = import::fhir_put(&*bank.search_parameters()?, &resource, self.source);
        put.blobs = self.blobs;
        Ok(put)
    }
}

/// The one patient a source means, or why there is none.
pub fn find(bank: &Bank, claimed: &Claimed) -> Result<std::result::Result<RecordKey, Reason>> {
    let Some(number) = claimed
        .number
        .as_deref()
        .filter(|number| !number.is_empty())
    else {
        return Ok(Err(Reason::NoNumber));
    };
    let Some(system) = claimed.system.as_deref() else {
        return Ok(Err(Reason::NoIssuer));
    };
    if system != bank.config.hospital.patient_number_system {
        return Ok(Err(Reason::ForeignIssuer));
    }
    let query = Query::all("Patient").and(Predicate::Token {
        param: "Patient.identifier".to_owned(),
        system: Some(Some(system.to_owned())),
        code: Some(number.to_owned()),
    });
    let mut found = bank
        .clinical
        .read(|reader| reader.search(&query, None, 2))?
        .versions;
    if found.len() > 1 {
        return Ok(Err(Reason::Ambiguous));
    }
    let Some(patient) = found.pop() else {
        return Ok(Err(Reason::UnknownPatient));
    };
    let value: Value = serde_json::from_slice(&patient.body)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))?;
    let differs = |claimed: &Option<String>, element: &str| {
        match (claimed.as_deref(), view::text(&value, element)) {
            // A known year or month agrees with a whole date that begins with it.
            (Some(claimed), Some(known)) => {
                !claimed.starts_with(known) && !known.starts_with(claimed)
            }
            _ => false,
        }
    };
    if differs(&claimed.birth_date, "birthDate") {
        return Ok(Err(Reason::BirthDateDiffers));
    }
    let known = |sex: &str| matches!(sex, "male" | "female");
    if claimed.sex.as_deref().is_some_and(known)
        && view::text(&value, "gender").is_some_and(known)
        && differs(&claimed.sex, "gender")
    {
        return Ok(Err(Reason::SexDiffers));
    }
    Ok(Ok(patient.key))
}

fn patient_element(kind: &str) -> Result<&'static str> {
    LINKED_KINDS
        .iter()
        .find(|(linked, _)| *linked == kind)
        .map(|(_, element)| *element)
        .ok_or_else(|| Error::internal("this kind of resource is not linked"))
}

/// Writes the patient element and the tag.
pub(crate) fn write_link(
    value: &mut Value,
    claimed: &Claimed,
    linked: std::result::Result<RecordKey, Reason>,
) -> Result<()> {
    let kind = view::text(value, "resourceType")
        .unwrap_or_default()
        .to_owned();
    let element = patient_element(&kind)?;
    let mut subject = json!({ "type": "Patient" });
    if let Ok(patient) = &linked {
        subject["reference"] = json!(patient.to_string());
    }
    if let Some(number) = &claimed.number {
        subject["identifier"] = match &claimed.system {
            Some(system) => json!({ "system": system, "value": number }),
            None => json!({ "value": number }),
        };
    }
    // What the source said of the person is kept for a later try.
    let mut said = Vec::new();
    if let Some(date) = &claimed.birth_date {
        said.push(json!({ "url": SOURCE_BIRTH_DATE, "valueDate": date }));
    }
    if let Some(sex) = &claimed.sex {
        said.push(json!({ "url": SOURCE_SEX, "valueCode": sex }));
    }
    if !said.is_empty() {
        subject["extension"] = Value::Array(said);
    }
    value[element] = subject;

    let mut tags: Vec<Value> = view::items(&value["meta"], "tag")
        .filter(|tag| view::text(tag, "system") != Some(LINK_STATE))
        .cloned()
        .collect();
    if let Err(reason) = linked {
        tags.push(json!({ "system": LINK_STATE, "code": reason.code() }));
    }
    if !value["meta"].is_object() {
        value["meta"] = json!({});
    }
    if let Value::Object(meta) = &mut value["meta"] {
        if tags.is_empty() {
            meta.shift_remove("tag");
        } else {
            meta.insert("tag".to_owned(), Value::Array(tags));
        }
    }
    Ok(())
}

/// Whether a study was found to hold objects of more than one patient.
pub(crate) fn in_conflict(value: &Value) -> bool {
    view::items(&value["meta"], "tag").any(|tag| {
        view::text(tag, "system") == Some(LINK_STATE)
            && view::text(tag, "code") == Some(Reason::StudyConflict.code())
    })
}

/// What the resource's source said of the patient.
pub(crate) fn claimed_of(value: &Value) -> Claimed {
    let kind = view::text(value, "resourceType").unwrap_or_default();
    let Ok(element) = patient_element(kind) else {
        return Claimed::default();
    };
    let subject = &value[element];
    let extension = |url: &str, name: &str| {
        view::items(subject, "extension")
            .find(|extension| view::text(extension, "url") == Some(url))
            .and_then(|extension| view::text(extension, name))
            .map(str::to_owned)
    };
    let identifier = &subject["identifier"];
    Claimed {
        number: view::text(identifier, "value").map(str::to_owned),
        system: view::text(identifier, "system").map(str::to_owned),
        birth_date: extension(SOURCE_BIRTH_DATE, "valueDate"),
        sex: extension(SOURCE_SEX, "valueCode"),
    }
}

fn unlinked_query(kind: &str, reasons: impl Iterator<Item = Reason>) -> Query {
    Query {
        kind: kind.to_owned(),
        clauses: vec![Clause::Any(
            reasons
                .map(|reason| Predicate::Token {
                    param: format!("{kind}._tag"),
                    system: Some(Some(LINK_STATE.to_owned())),
                    code: Some(reason.code().to_owned()),
                })
                .collect(),
        )],
        order: Order::Stored,
        at: None,
    }
}

pub fn unlinked_count(bank: &Bank) -> Result<u64> {
    bank.clinical.read(|reader| {
        let mut total = 0;
        for (kind, _) in LINKED_KINDS {
            total += reader.count(&unlinked_query(kind, Reason::ALL.into_iter()))?;
        }
        Ok(total)
    })
}

/// Something whose patient is not known.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Unlinked {
    pub key: RecordKey,
    pub reason: String,
    /// Import source and line.
    pub source: Option<(i64, u64)>,
}

/// The first `limit` of each kind.
pub fn unlinked(bank: &Bank, context: &RequestContext, limit: u32) -> Result<Vec<Unlinked>> {
    authorize(bank, context, Action::Import)?;
    bank.clinical
        .audit(AuditEntry::new(context, "unlinked_list", ""));
    bank.clinical.read(|reader| {
        let mut out = Vec::new();
        for (kind, _) in LINKED_KINDS {
            for version in reader
                .search(&unlinked_query(kind, Reason::ALL.into_iter()), None, limit)?
                .versions
            {
                let value: Value = serde_json::from_slice(&version.body).map_err(|error| {
                    Error::internal("a stored resource is damaged").because(error)
                })?;
                let reason = view::items(&value["meta"], "tag")
                    .find(|tag| view::text(tag, "system") == Some(LINK_STATE))
                    .and_then(|tag| view::text(tag, "code"))
                    .unwrap_or_default()
                    .to_owned();
                out.push(Unlinked {
                    key: version.key,
                    reason,
                    source: version.source,
                });
            }
        }
        Ok(out)
    })
}

/// Records tried in one commit.
const RELINK_BATCH: u32 = 500;

/// Tries everything that is not linked once more. Returns how many found their patient.
pub fn relink(bank: &Bank, context: &RequestContext) -> Result<u64> {
    authorize(bank, context, Action::Import)?;
    let mut linked = 0;
    for (kind, _) in LINKED_KINDS {
        let retried = Reason::ALL
            .into_iter()
            .filter(|reason| *reason != Reason::StudyConflict);
        let query = unlinked_query(kind, retried);
        let mut after = None;
        loop {
            let _writing = bank.writing()?;
            let page = bank
                .clinical
                .read(|reader| reader.search(&query, after.as_ref(), RELINK_BATCH))?;
            let mut writes = Vec::new();
            for version in page.versions {
                let mut value: Value = serde_json::from_slice(&version.body).map_err(|error| {
                    Error::new(Category::Internal, "a stored resource is damaged").because(error)
                })?;
                let claimed = import::complete_claim(bank, &value, claimed_of(&value))?;
                let Ok(patient) = find(bank, &claimed)? else {
                    continue;
                };
                write_link(&mut value, &claimed, Ok(patient))?;
                if kind == "ImagingStudy" {
                    imaging_study::order(bank, &mut value, &[])?;
                }
                let resource = Resource::from_value(value).map_err(|refusal| {
                    Error::internal("a stored resource is not sound").because(refusal)
                })?;
                let mut put =
                    import::fhir_put(&*bank.search_parameters()?, &resource, version.source);
                put.once = false;
                put.blobs = bank.clinical.read(|reader| reader.blobs(&version.key))?;
                writes.push(Write::Put(put));
            }
            if !writes.is_empty() {
                linked += writes.len() as u64;
                let audit = AuditEntry::new(context, "link", kind)
                    .detail(format!("{{\"linked\":{}}}", writes.len()));
                bank.clinical.commit(Commit {
                    writes,
                    audit: vec![audit],
                    ..Commit::default()
                })?;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    Ok(linked)
}
