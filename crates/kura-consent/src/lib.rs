//! Whether a patient's consents permit a use of data: one pure function over FHIR R4 `Consent`.
//!
//! A patient's resources are compiled once ([`Consents::compile`]), then each record is asked
//! about ([`Consents::decide`]), in a few microseconds, without reading JSON and without a
//! clock: the moment is part of the [`Question`]. The [`Verdict`] names the consent, its version
//! and the provision that decided.
//!
//! Sources: HL7 FHIR R4 consent.html and consent-definitions.html; IHE IT Infrastructure, Privacy
//! Consent on FHIR (PCF), volume 1 section 53 and content profiles 3:5.8 (Basic, Intermediate,
//! Advanced), appendix P; HL7 v3 ActReason, ActCode and Confidentiality as R4 publishes them.
//! Neither says which of two consents stands (PCF 1:53.4.2.2: the overarching policy decides), so
//! the rules chosen are written down here. Where a rule could go either way, it goes against use.
//!
//! # Within a consent
//!
//! | matter | rule | source |
//! | --- | --- | --- |
//! | status | only `active` permits; `inactive` and `rejected` take back what they would permit; `draft`, `proposed`, `entered-in-error` say nothing | R4 consent-state-codes |
//! | scope | `research` answers research, `patient-privacy` answers privacy; `treatment` and `adr` say nothing about data; another scope only denies | R4 consentscope |
//! | privacy and research | a privacy consent permits research or marketing only where it names that purpose; its denial without a purpose holds for research too; a research consent without a purpose is for `HRESCH` | PCF 3:5.8.3, example of a named purpose |
//! | base | `provision.type`, else `policyRule` (`OPTIN`, `OPTOUT`); of two that differ, deny | R4 consent.html, "not permitted in root rule"; PCF requires it |
//! | several elements | all have to hold | R4 consent-definitions |
//! | several items of one | one has to hold | R4 `class`; PCF examples |
//! | permit in a deny | an exception: holds where the deny holds, and its own criteria | R4 `provision.provision` |
//! | deny in a permit | what it does not name is taken from the permit; holds even where the permit does not | PCF, normal and not restricted |
//! | permit in a permit, deny in a deny | adds: what it does not name is taken from its parent | PCF 3:5.8.4 |
//! | permit in a nested deny | lifts that deny only; what lies around decides | — |
//! | several exceptions | deny before permit before the rule around them | — |
//! | period | of the provision and of all around it; an end of `2026-03` holds all March; no zone is Japan's | R4 datatypes.html#Period |
//! | depth | eight levels, a thousand provisions; more is refused | — |
//! | purpose | a narrower purpose is a broader one, not the other way; asked by a broader word, a denial of a narrower one holds, but for emergency treatment, which is asked for by its own code | v3-PurposeOfUse, PCF 1:53.2.1 |
//! | actor | reference, identifier, any organisation acted for; a role besides unless it says recipient (`IRCP`) | PCF 3:5.8 |
//! | confidentiality | a permit is a high-water mark: `R` is R and lower; a denial the other way: `R` is R and higher; no label is `N`; a sensitive record is at least `R` | R4 `securityLabel`; PCF 1:P |
//! | sensitivity | by subsumption; a permit has to cover each sensitivity of the record | R4 `securityLabel` |
//! | purposes on the record | a label that is a purpose of use bounds the record to it | R4 `purpose` |
//! | obligations | obligation and refrain codes do not choose records, they go with the permit | v3-ActCode, PCF 1:P.3 |
//! | dataPeriod | a permit holds a record that lies within, a denial one that overlaps | R4 `dataPeriod` |
//! | related | the instance, what it refers to (R4) and what refers to it (PCF's encounters) | R4 consent-data-meaning, PCF 3:5.8.3 |
//! | study | extension `consent-ResearchStudyContext`; research without it is broad consent | FHIR Extensions Pack |
//! | not known | a permit does not hold, a denial does | — |
//! | not understood | an element R4 does not have, a narrowing extension: no permit. A modifier extension, `implicitRules`: whatever the consent says, it denies | R4 extensibility.html#modifierExtension |
//!
//! # Between consents
//!
//! | matter | rule |
//! | --- | --- |
//! | versions of one | the highest `versionId`; two of the same are refused |
//! | deny and permit | the deny stands, unless the permit is newer (beyond the precision of both dates), of the same scope, shares a category, and is at least as narrow in each thing the deny names (actor, purpose, study, data and so on) |
//! | so | a newer deny overrides; an older one that names less does not survive a newer, narrower permit; an older refusal of one study survives a newer broad consent until it is withdrawn |
//! | withdrawn | what it had permitted is denied: older permits of the same category do not stand against that, a newer one does, whatever it names |
//! | without a date | counts as the oldest |
//! | dated later than the moment | a permit does not count yet, a deny does |
//! | several purposes | each has to be permitted |
//! | none speaks | [`Model::OptIn`]: [`Decision::NotApplicable`], no permission. [`Model::OptOut`]: permitted, for the caller says that notice was given |
//!
//! # The patient
//!
//! A consent by a proxy (no performer is the patient) ends to permit when the patient comes of
//! age, unless a `verification` with the patient confirmed it since; a denial stays. One given
//! when the patient was of age already does not end by a birthday. Where the birth date is not
//! known it does not permit. Death ends no consent.
//!
//! # Not here
//!
//! Who the asker is and whether the purpose is honest; labels put on records; the text of the
//! policy agreed to; whether a resource conforms to its profile (`kura-validation`).
//!
//! ```
//! use kura_consent::{Action, Actor, Coding, Consents, Data, Model, Question, Scope, Span, Subject};
//!
//! let consents = Consents::parse(&[r#"{
//!   "resourceType": "Consent", "id": "c1", "status": "active",
//!   "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope",
//!                         "code": "research"}]},
//!   "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
//!   "patient": {"reference": "Patient/1"}, "dateTime": "2026-01-10",
//!   "policy": [{"uri": "https://example.org/policy/1"}],
//!   "provision": {"type": "permit", "period": {"end": "2030-12-31"}}
//! }"#])?;
//! let question = Question {
//!     at: Span::of("2026-06-01").map_or(0, |day| day.low),
//!     scope: Scope::Research,
//!     model: Model::OptIn,
//!     action: Action::Use,
//!     purposes: &[Coding::purpose("HRESCH")],
//!     actor: Actor { references: &["Organization/u"], ..Actor::default() },
//!     study: Some("ResearchStudy/s"),
//!     subject: Subject::default(),
//!     data: Some(Data { resource_type: "Observation", id: "o1", ..Data::default() }),
//! };
//! let verdict = consents.decide(&question);
//! assert!(verdict.permits());
//! assert_eq!(verdict.basis.map(|basis| basis.provision), Some("Consent.provision"));
//! # Ok::<(), kura_model::Refusal>(())
//! ```

mod actor;
mod compile;
mod consent;
mod consents;
mod criteria;
mod decide;
mod label;
mod purpose;
mod question;
mod reference;
mod verdict;

pub use consent::Verification;
pub use consents::{Consents, Policy};
pub use label::Obligations;
pub use purpose::{ACT_REASON, Purpose};
pub use question::{Action, Actor, Coding, Data, Model, Question, Scope, Span, Subject};
pub use verdict::{Basis, Decision, Extent, Reason, Verdict};
