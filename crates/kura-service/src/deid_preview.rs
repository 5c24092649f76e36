//! A patient's record before and after a policy: for a board that judges the policy, and for
//! whoever answers a patient's question what would leave.
//!
//! The key is made for the page and thrown away: stand-ins shown here are of no data set, so the
//! page leads nobody back from one.

mod image;

use std::collections::BTreeMap;

pub use image::{ImagePreview, image, picture};
pub use kura_deid::fhir::Step;
use kura_deid::fhir::{self, Subject, Survey};
use kura_deid::keys::ProjectKey;
use kura_deid::known::KnownIdentifiers;
pub use kura_deid::policy::Rule;
use kura_model::{Error, LogicalTime, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Query, Reader};
use serde_json::Value;

use crate::access::{Action, reach};
use crate::dataset::text::{self, Texts};
use crate::deid_approval::{self, Approval};
use crate::patients::{self, Patient};
use crate::timeline::{decode, patient};
use crate::{Bank, dataset, deid_policy};

/// Records on one page.
const ROWS: usize = 10;
/// Patients among whom the page counts what is rare. A data set counts all of its own.
const SURVEYED: u32 = 200;
/// Where nothing is asked for.
const FIRST: &str = "kamei";

/// A page of a patient's records of one kind, before and after.
#[derive(Debug)]
pub struct Preview {
    pub patient: Patient,
    pub policy: Choice,
    /// The policies there are to choose from.
    pub policies: Vec<Choice>,
    /// Whether it is one of the bank's own: nothing leaves under it that no board approved.
    pub own: bool,
    /// What boards approved.
    pub approvals: Vec<Approval>,
    pub kind: String,
    /// The kinds the patient has, how many of each, and whether the policy lets them leave.
    pub kinds: Vec<(String, u64, bool)>,
    /// Where the policy lets texts leave: whether they are shown cleaned. Without a dictionary they go.
    pub texts: Option<bool>,
    /// Patients among whom was counted what is rare, where the policy asks for it.
    pub surveyed: Option<u64>,
    pub total: usize,
    /// The first record of this page, of `total`.
    pub from: usize,
    pub records: Vec<Shown>,
    /// The rules that the steps name.
    pub rules: BTreeMap<String, Rule>,
}

/// A policy by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub id: String,
    pub ja: String,
    pub en: String,
}

/// One record.
#[derive(Debug)]
pub struct Shown {
    pub key: RecordKey,
    /// What it is, for people.
    pub title: String,
    /// As it would leave; or why it stays, in Japanese and English.
    pub leaves: std::result::Result<Value, (&'static str, &'static str)>,
    pub steps: Vec<Step>,
    /// Of a study images to look at, each with its words.
    pub images: Vec<(String, String)>,
}

impl Preview {
    /// Where the next page begins.
    pub fn next(&self) -> Option<usize> {
        let next = self.from + ROWS;
        (next < self.total).then_some(next)
    }

    pub fn before(&self) -> Option<usize> {
        (self.from > 0).then(|| self.from.saturating_sub(ROWS))
    }
}

/// The records of a patient of one kind, before and after a policy.
pub fn preview(
    bank: &Bank,
    context: &RequestContext,
    owner: &str,
    (policy, kind): (Option<&str>, Option<&str>),
    from: usize,
) -> Result<Preview> {
    let owner = patients::key(owner)?;
    reach(bank, context, Action::ReadClinical)?.patient(bank, &owner)?;
    let built = build(bank, &owner, policy.unwrap_or(FIRST), kind, from);
    bank.clinical.audit(
        AuditEntry::new(context, "deid_preview", owner.to_string()).outcome(match &built {
            Ok(_) => "ok",
            Err(_) => "refused",
        }),
    );
    built
}

fn build(
    bank: &Bank,
    owner: &RecordKey,
    policy: &str,
    kind: Option<&str>,
    from: usize,
) -> Result<Preview> {
    let policy = deid_policy::named(bank, policy)?;
    let t = bank.clinical.now()?;
    let patient = bank.clinical.read(|reader| patient(bank, reader, owner))?;
    let leaves = |kind: &str| policy.types().any(|one| one == kind);
    let kinds: Vec<(String, u64, bool)> = patient
        .holds
        .iter()
        // The bank counts kinds of its own, too.
        .filter(|(kind, _)| kura_fhir::resource_type(kind).is_some())
        .map(|(kind, count)| (kind.clone(), *count, leaves(kind)))
        .collect();
    let kind = match kind {
        Some(kind) => kura_fhir::resource_type(kind)
            .ok_or_else(|| Error::not_found("FHIR R4 has no such type"))?,
        None => "Patient",
    };

    let surveyed = policy
        .needs_survey()
        .then(|| survey(bank, &policy, kind, t))
        .transpose()?;
    let known = KnownIdentifiers::new(dataset::known(bank, owner, t)?);
    let key = throw_away_key()?;
    let texts = policy
        .lets_texts()
        .then(|| Texts::for_page(bank, &policy, t).ok());
    let own = text::own(bank, owner, t)?;
    let cleaner = texts.as_ref().and_then(Option::as_ref);
    let cleaner = cleaner.map(|texts| texts.cleaner(&own, None));
    let subject = Subject {
        key: &key,
        known: &known,
        shift_days: key.date_shift_days(&owner.id),
        reference_year: dataset::reference_year(bank, t)?,
        survey: surveyed.as_ref(),
        texts: cleaner.as_ref(),
    };
    let versions = bank
        .clinical
        .read(|reader| reader.compartment(owner, kind, t))?;
    let mut records = Vec::new();
    for version in versions.iter().skip(from).take(ROWS) {
        let value = decode(version)?;
        let (out, steps) = fhir::trace(&policy, &value, &subject);
        records.push(Shown {
            key: version.key.clone(),
            title: crate::timeline::title(&value),
            leaves: out.map_err(|reason| kura_dataset::card::reason(reason.code())),
            steps,
            images: match kind {
                "ImagingStudy" => image::of_study(bank, &value)?,
                _ => Vec::new(),
            },
        });
    }
    let named: std::collections::BTreeSet<&str> = records
        .iter()
        .flat_map(|record| &record.steps)
        .filter_map(|step| step.rule.as_deref())
        .collect();
    Ok(Preview {
        rules: policy
            .rules
            .iter()
            .filter(|rule| named.contains(rule.id.as_str()))
            .map(|rule| (rule.id.clone(), rule.clone()))
            .collect(),
        policies: choices(bank),
        own: policy.extends.is_some(),
        approvals: deid_approval::in_force(bank, &policy)?,
        policy: choice(&policy),
        patient,
        kind: kind.to_owned(),
        kinds,
        texts: texts.as_ref().map(Option::is_some),
        surveyed: surveyed.map(|survey| survey.patients()),
        total: versions.len(),
        from,
        records,
    })
}

fn throw_away_key() -> Result<ProjectKey> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)
        .map_err(|error| Error::internal("the system gives no random numbers").because(error))?;
    Ok(ProjectKey::new(secret))
}

fn choice(policy: &deid_policy::Policy) -> Choice {
    Choice {
        id: policy.id.clone(),
        ja: policy.ja.clone(),
        en: policy.en.clone(),
    }
}

/// The shipped policies, and those of the bank's own that can be used.
fn choices(bank: &Bank) -> Vec<Choice> {
    let names = deid_policy::SHIPPED
        .iter()
        .map(|name| (*name).to_owned())
        .chain(deid_policy::own_names(bank));
    names
        .filter_map(|name| deid_policy::named(bank, &name).ok())
        .map(|policy| choice(&policy))
        .collect()
}

/// Counts among the first patients of the bank what is rare in records of this kind.
fn survey(bank: &Bank, policy: &deid_policy::Policy, kind: &str, t: LogicalTime) -> Result<Survey> {
    let patients = |reader: &mut Reader<'_>| {
        let found = reader.search(&Query::all("Patient"), None, SURVEYED)?;
        Ok(found.versions.into_iter().map(|version| version.key))
    };
    let patients: Vec<RecordKey> = bank.clinical.read(patients)?.collect();
    let mut survey = Survey::new(policy);
    for second in [false, true] {
        if second {
            survey.again();
        }
        for patient in &patients {
            let versions = bank
                .clinical
                .read(|reader| reader.compartment(patient, kind, t))?;
            let resources = versions
                .iter()
                .map(decode)
                .collect::<Result<Vec<Value>>>()?;
            survey.patient(policy, resources.iter());
        }
    }
    Ok(survey)
}
