//! What is asked: who wants to do what, why, when, with which data.
//!
//! Everything is borrowed, so that a question about each record of a data set costs nothing to
//! build. An empty list says "has none"; `None` says "not known", which never helps a permit.

use kura_model::Seconds;

/// A code of a system. FHIR R4 datatypes.html#Coding
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coding<'a> {
    /// The URI of the code system; empty if the code names none.
    pub system: &'a str,
    pub code: &'a str,
}

impl<'a> Coding<'a> {
    pub const fn new(system: &'a str, code: &'a str) -> Self {
        Self { system, code }
    }

    /// A purpose of use: a code of v3-ActReason.
    pub const fn purpose(code: &'a str) -> Self {
        Self::new(crate::purpose::ACT_REASON, code)
    }
}

/// Which kind of agreement is asked for. FHIR R4 codesystem-consentscope.html
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `patient-privacy`: to collect, access, use or disclose data, care and sharing among them.
    PatientPrivacy,
    /// `treatment`: to undergo a treatment. No consent about data answers it.
    Treatment,
    /// `research`: to use data for research, or to take part in it.
    Research,
}

/// What holds where no consent speaks. It follows from law and from what the ethics board
/// approved, never from a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Nothing without a permit (本人同意).
    OptIn,
    /// Permitted unless the patient objects; lawful only after notice (通知・公開、オプトアウト).
    OptOut,
}

/// FHIR R4 codesystem-consentaction.html
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Collect,
    Access,
    Use,
    Disclose,
    Correct,
}

impl Action {
    pub const fn code(self) -> &'static str {
        match self {
            Action::Collect => "collect",
            Action::Access => "access",
            Action::Use => "use",
            Action::Disclose => "disclose",
            Action::Correct => "correct",
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Actor<'a> {
    /// Everything he is and acts for: `Practitioner/x`, `PractitionerRole/y`, `Organization/z`,
    /// the organisations above it, `CareTeam/w`, `Device/v`.
    pub references: &'a [&'a str],
    /// System and value of his and his organisation's identifiers.
    pub identifiers: &'a [Coding<'a>],
    /// Codes of the roles he acts in.
    pub roles: &'a [Coding<'a>],
}

/// What is known of the patient. A default says: nothing, and of age at 18.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// `Patient.birthDate`, in any precision.
    pub birth_date: Option<&'a str>,
    /// Years; 18 in Japan since April 2022 (民法第4条).
    pub age_of_majority: u8,
    /// When the patient died. A consent outlives the patient; who died a minor never comes of
    /// age.
    pub deceased: Option<Seconds>,
}

impl Default for Subject<'_> {
    fn default() -> Self {
        Self {
            birth_date: None,
            age_of_majority: 18,
            deceased: None,
        }
    }
}

/// The first and the last second that something may have happened in, as
/// [`kura_fhir::date::range`] gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub low: Seconds,
    pub high: Seconds,
}

impl Span {
    /// Of a FHIR date, dateTime or instant.
    pub fn of(text: &str) -> Option<Self> {
        let (low, high) = kura_fhir::date::range(text)?;
        Some(Self { low, high })
    }
}

/// One record of the patient. Every list must be whole: what is left out, no provision sees.
#[derive(Debug, Clone, Copy, Default)]
pub struct Data<'a> {
    pub resource_type: &'a str,
    pub id: &'a str,
    /// Of a version that is asked for by itself.
    pub version: Option<&'a str>,
    /// `meta.profile`.
    pub profiles: &'a [&'a str],
    /// Every code found in the record, document types among them. Where the system has a
    /// hierarchy, the broader codes too.
    pub codes: &'a [Coding<'a>],
    /// `meta.security`.
    pub security: &'a [Coding<'a>],
    /// When it was created or happened.
    pub when: Option<Span>,
    /// Who made it.
    pub authors: Option<&'a [&'a str]>,
    /// What it refers to: its encounter, its care plan.
    pub refers_to: Option<&'a [&'a str]>,
    /// What is known to refer to it.
    pub referred_by: Option<&'a [&'a str]>,
}

#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The moment of the use: seconds since 1970.
    pub at: Seconds,
    pub scope: Scope,
    pub model: Model,
    pub action: Action,
    /// What it is for. Each purpose must be permitted; none is a purpose nobody can judge.
    pub purposes: &'a [Coding<'a>],
    pub actor: Actor<'a>,
    /// `ResearchStudy/x`, where it is for one study.
    pub study: Option<&'a str>,
    pub subject: Subject<'a>,
    /// The record, or `None` for the patient as a whole.
    pub data: Option<Data<'a>>,
}
