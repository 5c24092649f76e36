//! A Consent resource made ready: read once, strictly, so that deciding reads no JSON.
//!
//! What has the wrong shape is refused. What is well-formed and not understood is noted: such a
//! consent still denies, and permits nothing.

mod element;
mod provision;

use kura_model::Refusal;
use serde_json::Value;

use crate::consent::{Compiled, Consent, Kind, Provision, Standing, Unclear, Verified};
use crate::criteria::{Code, Criteria};
use crate::label::Obligations;
use crate::question::Scope;
use crate::reference::Target;
use element::{Members, concept, concepts, date, items, members, refuse, text};

const SCOPE: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const STUDY: &str = "http://hl7.org/fhir/StructureDefinition/consent-ResearchStudyContext";

const ELEMENTS: &[&str] = &[
    "resourceType",
    "id",
    "meta",
    "language",
    "text",
    "contained",
    "extension",
    "modifierExtension",
    "identifier",
    "status",
    "scope",
    "category",
    "patient",
    "dateTime",
    "performer",
    "organization",
    "sourceAttachment",
    "sourceReference",
    "policy",
    "policyRule",
    "verification",
    "provision",
];

/// One resource being read.
pub(crate) struct Reading<'b> {
    bases: &'b [Box<str>],
    unclear: Option<Unclear>,
    provisions: usize,
}

impl Reading<'_> {
    fn note(&mut self, place: &str, modifies: bool) {
        // The first place is told; that something may turn the meaning round is never forgotten.
        match &mut self.unclear {
            Some(unclear) if unclear.modifies || !modifies => {}
            slot => {
                *slot = Some(Unclear {
                    place: place.into(),
                    modifies,
                });
            }
        }
    }

    /// Something here may bound the consent in a way that is not evaluated.
    fn narrowed(&mut self, place: &str) {
        self.note(place, false);
    }

    /// Notes elements that R4 does not have, and modifiers. Names of foreign elements are not
    /// repeated: they may carry anything.
    fn known(&mut self, of: &Members, names: &[&str], place: &str) {
        for (name, value) in of {
            if name == "modifierExtension" {
                // FHIR R4 extensibility.html#modifierExtension: who does not understand it must
                // not go on as if it were not there.
                self.note(&format!("{place}.modifierExtension"), true);
            } else if let Some(primitive) = name.strip_prefix('_') {
                // `_end` with an extension and no `end`: there is an end, and nobody says when.
                let said = names.contains(&primitive) && of.contains_key(primitive);
                if !said || !value.is_object() {
                    self.narrowed(place);
                }
            } else if !names.contains(&name.as_str()) {
                self.narrowed(place);
            }
        }
    }
}

/// Where the literal reference or the identifier of a Reference points.
fn reference(value: &Value, path: &str, bases: &[Box<str>]) -> Result<Target, Refusal> {
    let of = members(value, path)?;
    let literal = text(of, "reference", path)?;
    let identifier = match element::object(of, "identifier", path)? {
        Some(identifier) => {
            let path = format!("{path}.identifier");
            let system = text(identifier, "system", &path)?.unwrap_or_default();
            text(identifier, "value", &path)?.map(|value| (system, value))
        }
        None => None,
    };
    Ok(Target::new(literal, identifier, bases))
}

/// Reads one Consent. `consent` is `None` for one that never counts.
///
/// # Errors
/// A rule beginning with `consent-`, and the FHIRPath-like place.
pub(crate) fn compile(value: &Value, bases: &[Box<str>]) -> Result<Compiled, Refusal> {
    let of = members(value, "Consent")?;
    if text(of, "resourceType", "Consent")? != Some("Consent") {
        return refuse(
            "consent-type",
            "a Consent is expected",
            "Consent.resourceType",
        );
    }
    let mut reading = Reading {
        bases,
        unclear: None,
        provisions: 0,
    };
    reading.known(of, ELEMENTS, "Consent");
    // FHIR R4 resource.html#implicitRules: a modifier element.
    if of.contains_key("implicitRules") {
        reading.note("Consent.implicitRules", true);
    }
    let Some(id) = text(of, "id", "Consent")? else {
        return refuse("consent-id", "the consent has no id", "Consent.id");
    };
    let patient = match of.get("patient") {
        Some(patient) => reference(patient, "Consent.patient", bases)?,
        // ppc-2 to ppc-5
        None => {
            return refuse(
                "consent-patient",
                "the consent has no patient",
                "Consent.patient",
            );
        }
    };
    // FHIR R4 codesystem-consent-state-codes.html
    let standing = match text(of, "status", "Consent")? {
        Some("active") => Some(Standing::Active),
        Some("inactive" | "rejected") => Some(Standing::Withdrawn),
        Some("draft" | "proposed" | "entered-in-error") => None,
        _ => {
            let message = "the status is one of FHIR R4 consent-state-codes";
            return refuse("consent-status", message, "Consent.status");
        }
    };
    let Some(categories) = concepts(of, "category", "Consent")? else {
        return refuse(
            "consent-category",
            "the consent has no category",
            "Consent.category",
        );
    };
    let Some(scope) = of.get("scope") else {
        return refuse("consent-scope", "the consent has no scope", "Consent.scope");
    };
    let scope = scope_of(&concept(scope, "Consent.scope")?);
    for (at, extension) in items(of, "extension", "Consent")?.iter().enumerate() {
        let place = format!("Consent.extension[{at}]");
        let url = text(members(extension, &place)?, "url", &place)?;
        // It belongs into a provision; somebody meant one study all the same.
        if url == Some(STUDY) {
            reading.narrowed(&place);
        }
    }
    let base = reading.base(of)?;
    let root = match of.get("provision") {
        Some(value) => reading.provision(value, "Consent.provision".to_owned(), None, base)?,
        None => policy_alone(base),
    };
    let version = element::object(of, "meta", "Consent")?
        .map(|meta| text(meta, "versionId", "Consent.meta"))
        .transpose()?
        .flatten();
    let given = date(of, "dateTime", "Consent")?;
    let by_proxy = by_proxy(of, &patient, bases)?;
    let verifications = reading.verifications(of, &patient)?;
    let spoken = match scope {
        ScopeWord::AdvanceDirective => None,
        ScopeWord::Known(scope) => Some(Some(scope)),
        ScopeWord::Unknown => Some(None),
    };
    let consent = standing.zip(spoken).map(|(standing, scope)| Consent {
        id: id.into(),
        version: version.map(Into::into),
        standing,
        scope,
        categories,
        given,
        by_proxy,
        verifications,
        unclear: reading.unclear,
        root,
    });
    Ok(Compiled {
        id: id.into(),
        version: version.map(Into::into),
        consent,
        patient,
    })
}

enum ScopeWord {
    Known(Scope),
    /// `adr`: what is to be done at the end of life says nothing of data.
    AdvanceDirective,
    Unknown,
}

fn scope_of(codes: &[Code]) -> ScopeWord {
    let mut known = codes
        .iter()
        .flatten()
        .filter(|(system, _)| &**system == SCOPE);
    match (known.next().map(|(_, code)| &**code), known.next()) {
        (Some("patient-privacy"), None) => ScopeWord::Known(Scope::PatientPrivacy),
        (Some("research"), None) => ScopeWord::Known(Scope::Research),
        (Some("treatment"), None) => ScopeWord::Known(Scope::Treatment),
        (Some("adr"), None) => ScopeWord::AdvanceDirective,
        // Two scopes, or another vocabulary.
        _ => ScopeWord::Unknown,
    }
}

/// A consent without a provision: the base policy is all it says.
fn policy_alone(base: Option<Kind>) -> Provision {
    Provision {
        place: "Consent.policyRule".into(),
        kind: base,
        period: None,
        criteria: Criteria::default(),
        obligations: Obligations::default(),
        nested: Vec::new(),
    }
}

/// Whether nobody among those who agreed is the patient. An absent performer is the patient.
fn by_proxy(of: &Members, patient: &Target, bases: &[Box<str>]) -> Result<bool, Refusal> {
    let performers = items(of, "performer", "Consent")?;
    for (at, performer) in performers.iter().enumerate() {
        let performer = reference(performer, &format!("Consent.performer[{at}]"), bases)?;
        if performer.same(patient) {
            return Ok(false);
        }
    }
    Ok(!performers.is_empty())
}

impl Reading<'_> {
    /// What holds before any provision, by `policyRule`. FHIR R4 consent.html: opt-in and
    /// opt-out, in the codes of ActCode's `ActConsentDirective`.
    fn base(&mut self, of: &Members) -> Result<Option<Kind>, Refusal> {
        for (at, policy) in items(of, "policy", "Consent")?.iter().enumerate() {
            let place = format!("Consent.policy[{at}]");
            let policy = members(policy, &place)?;
            self.known(
                policy,
                &["id", "extension", "modifierExtension", "authority", "uri"],
                &place,
            );
        }
        let Some(rule) = of.get("policyRule") else {
            return Ok(None);
        };
        let mut base = None;
        for (system, code) in concept(rule, "Consent.policyRule")?.iter().flatten() {
            if &**system != ACT_CODE {
                continue;
            }
            match &**code {
                "OPTOUT" | "OPTOUTE" => base = Some(Kind::Deny),
                "OPTIN" | "OPTINR" if base.is_none() => base = Some(Kind::Permit),
                "OPTIN" | "OPTINR" => {}
                // EMRGONLY, NOPP and the like bound what no provision repeats.
                _ => self.narrowed("Consent.policyRule"),
            }
        }
        Ok(base)
    }

    fn verifications(&mut self, of: &Members, patient: &Target) -> Result<Vec<Verified>, Refusal> {
        let mut all = Vec::new();
        for (at, value) in items(of, "verification", "Consent")?.iter().enumerate() {
            let place = format!("Consent.verification[{at}]");
            let one = members(value, &place)?;
            self.known(
                one,
                &[
                    "id",
                    "extension",
                    "modifierExtension",
                    "verified",
                    "verifiedWith",
                    "verificationDate",
                ],
                &place,
            );
            let Some(Value::Bool(verified)) = one.get("verified") else {
                let place = format!("{place}.verified");
                return refuse("consent-verification", "true or false is expected", place);
            };
            let with = one
                .get("verifiedWith")
                .map(|with| reference(with, &format!("{place}.verifiedWith"), self.bases))
                .transpose()?;
            all.push(Verified {
                verified: *verified,
                with_patient: with.is_some_and(|with| with.same(patient)),
                date: date(one, "verificationDate", &place)?,
            });
        }
        Ok(all)
    }
}
