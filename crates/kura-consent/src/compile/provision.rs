//! `Consent.provision` and what is nested in it.

use kura_model::Refusal;
use serde_json::Value;

use super::element::{
    Members, codings, concept, concepts, items, members, object, period, refuse, text,
};
use super::{Reading, reference};
use crate::actor::ActorCriterion;
use crate::consent::{Kind, Provision};
use crate::criteria::{
    ClassCriterion, ClassSystem, Criteria, DataCriterion, Meaning, PurposeCriterion,
};
use crate::label;
use crate::purpose::Purpose;
use crate::reference::Target;

/// Provisions within provisions. PCF has two levels, consents in use three.
const DEPTH_AT_MOST: usize = 8;
/// Provisions of one consent.
const PROVISIONS_AT_MOST: usize = 1_000;

const STUDY: &str = "http://hl7.org/fhir/StructureDefinition/consent-ResearchStudyContext";

/// Extensions of a provision that bound it, and that are not evaluated here.
const NARROWING: &[&str] = &[
    "http://hl7.org/fhir/StructureDefinition/consent-location",
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Consent",
];

const ELEMENTS: &[&str] = &[
    "id",
    "extension",
    "modifierExtension",
    "type",
    "period",
    "actor",
    "action",
    "securityLabel",
    "purpose",
    "class",
    "code",
    "dataPeriod",
    "data",
    "provision",
];

/// Roles that only say: this is who receives the data. PCF 3:5.8 fixes `IRCP`; the others of
/// FHIR R4 valueset-security-role-type.html mean the same of an actor of a provision.
const RECIPIENTS: &[(&str, &str)] = &[
    (
        "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
        "IRCP",
    ),
    (
        "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
        "PRCP",
    ),
    (
        "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
        "GRANTEE",
    ),
    (
        "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
        "DELEGATEE",
    ),
];

impl Reading<'_> {
    /// A provision with its nested ones; `base` is what the base policy says, at the root.
    pub(super) fn provision(
        &mut self,
        value: &Value,
        place: String,
        parent: Option<&Provision>,
        base: Option<Kind>,
    ) -> Result<Provision, Refusal> {
        let depth = place.matches(".provision").count();
        if depth > DEPTH_AT_MOST {
            return refuse("consent-depth", "provisions are nested too deep", place);
        }
        self.provisions += 1;
        if self.provisions > PROVISIONS_AT_MOST {
            return refuse("consent-size", "the consent has too many provisions", place);
        }
        let of = members(value, &place)?;
        self.known(of, ELEMENTS, &place);
        let kind = match text(of, "type", &place)? {
            Some("permit") => Some(Kind::Permit),
            Some("deny") => Some(Kind::Deny),
            Some(_) => {
                let place = format!("{place}.type");
                return refuse(
                    "consent-provision-type",
                    "the type is permit or deny",
                    place,
                );
            }
            None if parent.is_none() => None,
            // "Required in all nested rules": consent-definitions.html#Consent.provision.type
            None => {
                return refuse(
                    "consent-provision-type",
                    "a nested provision has a type",
                    place,
                );
            }
        };
        let kind = match (kind, base) {
            // Two words that contradict each other: the stricter holds.
            (Some(_), Some(Kind::Deny)) if parent.is_none() => Some(Kind::Deny),
            (None, base) => base,
            (kind, _) => kind,
        };
        let (criteria, obligations) = self.criteria(of, &place)?;
        let period = period(of, "period", &place)?;
        for name in ["period", "dataPeriod"] {
            if let Some(inner) = object(of, name, &place)? {
                self.known(
                    inner,
                    &["id", "extension", "start", "end"],
                    &format!("{place}.{name}"),
                );
            }
        }
        // What is not named is taken from the parent (PCF 3:5.8.4: purposes at the root, labels
        // and actors in the nested permit). That an exception holds only where its denial does,
        // the evaluation sees to.
        let mut provision = Provision {
            place: place.as_str().into(),
            kind,
            period,
            criteria,
            obligations,
            nested: Vec::new(),
        };
        if let Some(parent) = parent {
            provision.obligations = provision.obligations.and(parent.obligations);
            provision.criteria = provision.criteria.or(&parent.criteria);
        }
        for (at, inner) in items(of, "provision", &place)?.iter().enumerate() {
            let nested = self.provision(
                inner,
                format!("{place}.provision[{at}]"),
                Some(&provision),
                None,
            )?;
            provision.nested.push(nested);
        }
        Ok(provision)
    }

    fn criteria(
        &mut self,
        of: &Members,
        place: &str,
    ) -> Result<(Criteria, label::Obligations), Refusal> {
        let mut criteria = Criteria {
            actors: self.actors(of, place)?,
            actions: concepts(of, "action", place)?,
            codes: concepts(of, "code", place)?,
            data_period: period(of, "dataPeriod", place)?,
            data: self.data(of, place)?,
            studies: self.studies(of, place)?,
            ..Criteria::default()
        };
        let labels = codings(of, "securityLabel", place)?.unwrap_or_default();
        if labels.iter().any(Option::is_none) {
            self.narrowed(&format!("{place}.securityLabel"));
        }
        let (labels, obligations) = label::criterion(
            labels
                .iter()
                .flatten()
                .map(|(system, code)| (&**system, &**code)),
        );
        criteria.labels = labels;
        criteria.purposes = codings(of, "purpose", place)?.map(|codes| {
            let known = |(system, code): &(Box<str>, Box<str>)| Purpose::of(system, code);
            codes
                .into_iter()
                .map(|code| PurposeCriterion {
                    known: code.as_ref().and_then(known),
                    code,
                })
                .collect()
        });
        criteria.classes = codings(of, "class", place)?.map(|codes| {
            codes
                .into_iter()
                .map(|code| ClassCriterion {
                    system: class_system(code.as_ref()),
                    code,
                })
                .collect()
        });
        Ok((criteria, obligations))
    }

    fn actors(
        &mut self,
        of: &Members,
        place: &str,
    ) -> Result<Option<Vec<ActorCriterion>>, Refusal> {
        let mut actors = Vec::new();
        for (at, value) in items(of, "actor", place)?.iter().enumerate() {
            let place = format!("{place}.actor[{at}]");
            let actor = members(value, &place)?;
            self.known(
                actor,
                &["id", "extension", "modifierExtension", "role", "reference"],
                &place,
            );
            let (Some(role), Some(who)) = (actor.get("role"), actor.get("reference")) else {
                return refuse(
                    "consent-actor",
                    "an actor has a role and a reference",
                    place,
                );
            };
            let roles = concept(role, &format!("{place}.role"))?;
            let receives = roles.iter().flatten().any(|(system, code)| {
                RECIPIENTS
                    .iter()
                    .any(|(known, word)| &**system == *known && &**code == *word)
            });
            actors.push(ActorCriterion {
                target: reference(who, &format!("{place}.reference"), self.bases)?,
                roles: if receives { Vec::new() } else { roles },
            });
        }
        Ok((!actors.is_empty()).then_some(actors))
    }

    fn data(&mut self, of: &Members, place: &str) -> Result<Option<Vec<DataCriterion>>, Refusal> {
        let mut data = Vec::new();
        for (at, value) in items(of, "data", place)?.iter().enumerate() {
            let place = format!("{place}.data[{at}]");
            let one = members(value, &place)?;
            self.known(
                one,
                &[
                    "id",
                    "extension",
                    "modifierExtension",
                    "meaning",
                    "reference",
                ],
                &place,
            );
            let meaning = match text(one, "meaning", &place)? {
                Some("instance") => Meaning::Instance,
                Some("related") => Meaning::Related,
                Some("dependents") => Meaning::Dependents,
                Some("authoredby") => Meaning::AuthoredBy,
                _ => {
                    let message = "the meaning is one of FHIR R4 consent-data-meaning";
                    return refuse("consent-data", message, format!("{place}.meaning"));
                }
            };
            let Some(target) = one.get("reference") else {
                return refuse("consent-data", "data has a reference", place);
            };
            data.push(DataCriterion {
                meaning,
                target: reference(target, &format!("{place}.reference"), self.bases)?,
            });
        }
        Ok((!data.is_empty()).then_some(data))
    }

    /// The studies named, where research is agreed to study by study.
    fn studies(&mut self, of: &Members, place: &str) -> Result<Option<Vec<Target>>, Refusal> {
        let mut studies = Vec::new();
        for (at, value) in items(of, "extension", place)?.iter().enumerate() {
            let place = format!("{place}.extension[{at}]");
            let extension = members(value, &place)?;
            let url = text(extension, "url", &place)?.unwrap_or_default();
            if url == STUDY {
                let Some(study) = extension.get("valueReference") else {
                    return refuse("consent-study", "the extension has a reference", place);
                };
                studies.push(reference(study, &place, self.bases)?);
            } else if NARROWING.iter().any(|known| url.starts_with(known)) {
                self.narrowed(&place);
            }
        }
        Ok((!studies.is_empty()).then_some(studies))
    }
}

/// FHIR R4 valueset-consent-content-class.html
fn class_system(code: Option<&(Box<str>, Box<str>)>) -> ClassSystem {
    match code {
        Some((system, _)) if &**system == "http://hl7.org/fhir/resource-types" => {
            ClassSystem::ResourceType
        }
        Some((system, _)) if &**system == "urn:ietf:rfc:3986" => ClassSystem::Profile,
        _ => ClassSystem::Other,
    }
}
