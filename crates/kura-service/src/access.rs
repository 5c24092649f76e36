//! Who may do what. Each service function asks once: [`authorize`] for what concerns the bank or
//! anybody in it, [`reach`] for what concerns patients. The rules are those of the bank's policy
//! (`policies/access.cedar`).
//!
//! A function that was not taught whose records it may give asks [`authorize`], and so refuses
//! whoever may see some patients only.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kura_access::Decision;
use kura_model::{
    Assurance, Category, Error, PurposeOfUse, RecordKey, RequestContext, Result, Role, Standing,
};
use kura_store::{AuditEntry, Reader};

pub use kura_access::{Action, Asked, Policy, Relation, Relations, Rule};

use crate::{Bank, care};

/// What a bank decides access by.
pub(crate) struct Access {
    policy: Policy,
    reaches: Mutex<HashMap<Caller, Known>>,
}

/// Whose account, who they are in the records, and which relations are enough for what they ask.
type Caller = (String, Arc<Standing>, Vec<Relation>);

/// A reach that was worked out, and the state of the bank it was in.
struct Known {
    reach: Arc<kura_store::Reach>,
    state: Vec<u64>,
    since: Instant,
}

/// Encounters and orders that come may take so long to be noticed; consents never.
const KEPT: Duration = Duration::from_secs(2);
/// Callers whose reach is kept.
const KEPT_AT_MOST: usize = 1000;

impl Access {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            reaches: Mutex::default(),
        }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// Kinds of records that belong to no patient and that whoever sees any patient may see: who
/// works where, what words mean.
const OPEN: &[&str] = &[
    "CodeSystem",
    "ConceptMap",
    "HealthcareService",
    "Location",
    "Medication",
    "NamingSystem",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Questionnaire",
    "StructureDefinition",
    "Substance",
    "ValueSet",
    // What lies below an `ImagingStudy`: whoever reads these asks for the study first.
    crate::kind::DICOM_STUDY,
    crate::kind::DICOM_SERIES,
    crate::kind::DICOM_INSTANCE,
];

/// Whose records a caller is given.
#[derive(Debug, Clone, Default)]
pub struct Reach(Option<Arc<kura_store::Reach>>);

impl Reach {
    /// Reads the clinical zone: what is not within reach is not there.
    pub(crate) fn read<T>(
        &self,
        bank: &Bank,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T>,
    ) -> Result<T> {
        bank.clinical.read_within(self.0.as_deref(), read)
    }

    /// As [`Store::read_briefly`].
    pub(crate) fn read_briefly<T>(
        &self,
        bank: &Bank,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        bank.clinical.read_briefly(self.0.as_deref(), read)
    }

    /// Goes on with a patient who is within it.
    ///
    /// # Errors
    /// `NotFound`, as for a patient who is not in the bank.
    pub(crate) fn patient(&self, bank: &Bank, patient: &RecordKey) -> Result<()> {
        if self.read(bank, |reader| reader.reaches(patient))? {
            return Ok(());
        }
        Err(Error::not_found(format!("{patient} is not in this bank")))
    }

    /// Whether it has this study: its images belong to whom its `ImagingStudy` belongs.
    pub(crate) fn has_study(&self, bank: &Bank, study_uid: &str) -> Result<bool> {
        if self.0.is_none() {
            return Ok(true);
        }
        let key = RecordKey::new("ImagingStudy", crate::imaging_study::study_id(study_uid));
        let found = self.read(bank, |reader| reader.current(&key))?;
        Ok(found.is_some_and(|version| !version.deleted))
    }

    /// Whether it is of some patients only.
    pub(crate) fn is_limited(&self) -> bool {
        self.0.is_some()
    }

    /// For a commit to the clinical zone.
    pub(crate) fn of_store(&self) -> Option<Arc<kura_store::Reach>> {
        self.0.clone()
    }
}

/// May the caller do this to the bank, or to any patient in it?
///
/// # Errors
/// `Forbidden`.
pub fn authorize(bank: &Bank, context: &RequestContext, action: Action) -> Result<()> {
    let decision = decide(bank, context, action, Relations::NONE);
    if decision.allowed {
        return Ok(());
    }
    Err(refused(bank, context, action, &decision))
}

/// May the caller do what there is no bank for yet, or one that cannot be opened? Only whoever is
/// at the machine itself.
///
/// # Errors
/// `Forbidden`.
pub(crate) fn at_the_machine(context: &RequestContext) -> Result<()> {
    if context.assurance == Assurance::Machine && context.actor.role == Role::SingleUser {
        return Ok(());
    }
    Err(Error::forbidden("this is done at the machine of the bank"))
}

/// The same as a question: what a page offers.
pub fn may(bank: &Bank, context: &RequestContext, action: Action) -> bool {
    decide(bank, context, action, Relations::NONE).allowed
        || !relations(bank, context, action).is_empty()
}

/// The policy of a file; without one that of a bank, by its folder; without either the one of the
/// release.
///
/// # Errors
/// Where and why the file is no policy.
pub fn policy_of(file: Option<&Path>, bank: Option<&Path>) -> Result<Policy> {
    let here = Path::new("");
    match (file, bank) {
        (Some(file), _) => crate::config::Access {
            policy: Some(file.to_owned()),
            ..crate::config::Access::default()
        }
        .policy(here),
        (None, Some(bank)) => crate::Config::load(&bank.join("kura.toml"), std::env::vars())?
            .access
            .policy(bank),
        (None, None) => crate::config::Access::default().policy(here),
    }
}

/// The rules in force, for people to read.
pub fn rules(bank: &Bank) -> Vec<Rule> {
    bank.access.policy().rules()
}

/// Whose records may the caller do this to?
///
/// # Errors
/// `Forbidden`, if nobody's, whoever the patient were.
pub fn reach(bank: &Bank, context: &RequestContext, action: Action) -> Result<Reach> {
    let decision = decide(bank, context, action, Relations::NONE);
    if decision.allowed {
        return Ok(Reach(None));
    }
    let relations = relations(bank, context, action);
    if relations.is_empty() {
        return Err(refused(bank, context, action, &decision));
    }
    let key = (
        context.actor.name.clone(),
        context.standing.clone(),
        relations,
    );
    let state = care::state(bank)?;
    let known = bank
        .access
        .reaches
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&key)
        .filter(|known| known.state == state && known.since.elapsed() < KEPT)
        .map(|known| known.reach.clone());
    if let Some(reach) = known {
        return Ok(Reach(Some(reach)));
    }
    let mut patients = Vec::new();
    for relation in &key.2 {
        patients.extend(care::patients(bank, (&key.0, &key.1), *relation)?);
    }
    let reach = Arc::new(bank.clinical.reach(&patients, OPEN)?);
    let mut reaches = bank
        .access
        .reaches
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if reaches.len() >= KEPT_AT_MOST {
        reaches.clear();
    }
    reaches.insert(
        key,
        Known {
            reach: reach.clone(),
            state,
            since: Instant::now(),
        },
    );
    Ok(Reach(Some(reach)))
}

/// What the caller must be to a patient: each of these is enough.
fn relations(bank: &Bank, context: &RequestContext, action: Action) -> Vec<Relation> {
    if !action.is_of_a_patient() {
        return Vec::new();
    }
    Relation::ALL
        .into_iter()
        .filter(|relation| decide(bank, context, action, (*relation).into()).allowed)
        .collect()
}

fn decide(bank: &Bank, context: &RequestContext, action: Action, relations: Relations) -> Decision {
    let needed = bank.second_factor_needed();
    let mut asked = Asked::of(context, action, relations, needed);
    // Who has opened records in an emergency asks for that purpose.
    if relations.has(Relation::Emergency) && asked.purpose == PurposeOfUse::Treatment {
        asked.purpose = PurposeOfUse::Emergency;
    }
    bank.access.policy().decide(asked)
}

fn refused(bank: &Bank, context: &RequestContext, action: Action, decision: &Decision) -> Error {
    let role = context.actor.role;
    let detail = match decision.rules.join(" ") {
        none if none.is_empty() => action.to_string(),
        rules => format!("{action}, by {rules}"),
    };
    bank.clinical.audit(
        AuditEntry::new(context, "access", "")
            .outcome("refused")
            .detail(detail),
    );
    let words = if !decision.rules.is_empty() {
        format!("the rule {} forbids this", decision.rules.join(", "))
    } else if relations(bank, context, action).is_empty() {
        format!("the role {role} may not do this")
    } else {
        format!("the role {role} may do this for some patients only, and not for the whole bank")
    };
    Error::new(Category::Forbidden, words)
}
