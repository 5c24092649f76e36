//! One consent as it is decided by: what `compile` makes of the resource.

use kura_model::Seconds;

use crate::criteria::{Code, Criteria, Period};
use crate::label::Obligations;
use crate::question::{Question, Scope, Span};
use crate::reference::Target;
use crate::verdict::{Basis, Reason};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Permit,
    Deny,
}

/// A provision with its nested ones.
#[derive(Debug, Clone)]
pub(crate) struct Provision {
    /// Such as `Consent.provision.provision[0]`.
    pub(crate) place: Box<str>,
    /// `None` at the root of a consent whose base policy is not known.
    pub(crate) kind: Option<Kind>,
    pub(crate) period: Option<Period>,
    /// Its own, and its parent's where it names none.
    pub(crate) criteria: Criteria,
    pub(crate) obligations: Obligations,
    pub(crate) nested: Vec<Provision>,
}

/// FHIR R4 codesystem-consent-state-codes.html, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Active,
    /// `inactive` or `rejected`: what it would permit is not permitted.
    Withdrawn,
}

/// Something in the resource that may change what it says.
#[derive(Debug, Clone)]
pub(crate) struct Unclear {
    pub(crate) place: Box<str>,
    /// It may turn the meaning round, as a modifier extension may; otherwise it can only narrow.
    pub(crate) modifies: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Verified {
    pub(crate) verified: bool,
    pub(crate) with_patient: bool,
    pub(crate) date: Option<Span>,
}

#[derive(Debug, Clone)]
pub(crate) struct Consent {
    pub(crate) id: Box<str>,
    pub(crate) version: Option<Box<str>>,
    pub(crate) standing: Standing,
    /// `None` if it is in no words we know.
    pub(crate) scope: Option<Scope>,
    pub(crate) categories: Vec<Code>,
    /// `dateTime`.
    pub(crate) given: Option<Span>,
    /// Someone else consented for the patient.
    pub(crate) by_proxy: bool,
    pub(crate) verifications: Vec<Verified>,
    pub(crate) unclear: Option<Unclear>,
    pub(crate) root: Provision,
}

/// What counts as verified. FHIR R4 consent-definitions.html#Consent.verification
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verification {
    /// `verification` is not looked at.
    Ignored,
    /// A consent that has `verification` needs one that is true.
    #[default]
    WherePresent,
    /// Every permit needs a `verification` that is true.
    Required,
}

impl Consent {
    pub(crate) fn basis<'a>(&'a self, place: &'a str) -> Basis<'a> {
        Basis {
            consent: &self.id,
            version: self.version.as_deref(),
            provision: place,
        }
    }

    /// Whether it was given after `other`, beyond the precision of both dates.
    pub(crate) fn is_newer(&self, other: &Self) -> bool {
        match (self.given, other.given) {
            (Some(own), Some(other)) => own.low > other.high,
            (own, None) => own.is_some(),
            (None, Some(_)) => false,
        }
    }

    pub(crate) fn shares_category(&self, other: &Self) -> Option<bool> {
        let own = || self.categories.iter().flatten();
        let others = || other.categories.iter().flatten();
        if own().next().is_none() || others().next().is_none() {
            return None;
        }
        Some(own().any(|one| others().any(|two| one == two)))
    }

    /// Why its permits do not count at this moment, if so.
    pub(crate) fn withheld(&self, question: &Question, policy: Verification) -> Option<Reason> {
        if self.unclear.is_some() || self.scope.is_none() {
            return Some(Reason::NotUnderstood);
        }
        if self.given.is_some_and(|given| given.low > question.at) {
            return Some(Reason::NotYet);
        }
        if !self.is_verified(question.at, policy) {
            return Some(Reason::NotVerified);
        }
        self.outgrown(question)
    }

    fn is_verified(&self, at: Seconds, policy: Verification) -> bool {
        let any = || {
            self.verifications
                .iter()
                .any(|one| one.verified && one.date.is_none_or(|date| date.low <= at))
        };
        match policy {
            Verification::Ignored => true,
            Verification::WherePresent => self.verifications.is_empty() || any(),
            Verification::Required => any(),
        }
    }

    /// A parent's consent ends when the child comes of age, unless the patient confirmed it since
    /// (人を対象とする生命科学・医学系研究に関する倫理指針 第9: 代諾者, 本人の意思の確認).
    fn outgrown(&self, question: &Question) -> Option<Reason> {
        if !self.by_proxy {
            return None;
        }
        let subject = &question.subject;
        let Some(majority) = subject
            .birth_date
            .and_then(|birth| majority(birth, subject.age_of_majority))
        else {
            return Some(Reason::MajorityUnknown);
        };
        let died_before = subject.deceased.is_some_and(|died| died < majority.low);
        if question.at < majority.low || died_before {
            return None;
        }
        // Given for an adult who cannot decide: no birthday ends that.
        if self.given.is_some_and(|given| given.low >= majority.high) {
            return None;
        }
        let confirmed = self.verifications.iter().any(|one| {
            one.verified
                && one.with_patient
                && one
                    .date
                    .is_some_and(|date| date.low >= majority.low && date.low <= question.at)
        });
        (!confirmed).then_some(Reason::CameOfAge)
    }
}

/// When the birthday begins on which a person is `age` years old, in the precision of the birth
/// date. Who was born on 29 February is of age on 1 March of a common year
/// (年齢計算ニ関する法律, 民法第143条).
fn majority(birth: &str, age: u8) -> Option<Span> {
    let born = Span::of(birth)?;
    Some(Span {
        low: years_after(born.low, age),
        high: years_after(born.high, age),
    })
}

fn years_after(at: Seconds, years: u8) -> Seconds {
    use kura_fhir::date::{LOCAL_OFFSET_SECONDS, civil, day_number};
    let local = at + LOCAL_OFFSET_SECONDS;
    let (year, month, day) = civil(local.div_euclid(86_400));
    // The number of 29 February of a common year is that of 1 March.
    let day = day_number(year + i64::from(years), month, day);
    day * 86_400 - LOCAL_OFFSET_SECONDS
}

/// A consent with whose it is; none where it never counts.
pub(crate) struct Compiled {
    pub(crate) id: Box<str>,
    pub(crate) version: Option<Box<str>>,
    pub(crate) consent: Option<Consent>,
    pub(crate) patient: Target,
}
