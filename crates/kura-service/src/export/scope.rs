//! Whose records are taken: everything, or the compartments of patients.

use std::collections::HashSet;

use kura_fhir::resource;
use kura_fhir::search::{self, Filter};
use kura_fhir::search_parameter::{self, Registry};
use kura_model::{Error, LogicalTime, RecordKey, Result};
use kura_store::{Clause, Compare, Predicate, Query};
use serde_json::Value;

use super::Scope;
use crate::Bank;

/// Whose records.
pub(crate) enum Whose {
    Everything,
    /// The compartments of all patients.
    Patients,
    /// The compartments of these.
    Of(Vec<RecordKey>),
}

impl Whose {
    pub(crate) fn of_scope(bank: &Bank, scope: &Scope, t: LogicalTime) -> Result<Self> {
        Ok(match scope {
            Scope::System => Self::Everything,
            Scope::Patients => Self::Patients,
            Scope::Group(id) => Self::Of(members(bank, id, t)?),
        })
    }

    /// The patients that are named, or everything if nobody is; with groups only those of them
    /// who are members. `patients` and `groups` are references.
    ///
    /// # Errors
    /// A reference to something else, or to what is not in this bank.
    pub(crate) fn named(
        bank: &Bank,
        patients: &[String],
        groups: &[String],
        t: LogicalTime,
    ) -> Result<Self> {
        if patients.is_empty() && groups.is_empty() {
            return Ok(Self::Everything);
        }
        let mut named = Vec::new();
        for reference in patients {
            let key = target(reference, "Patient").ok_or_else(|| {
                Error::invalid("patient is a reference to a Patient").at("patient")
            })?;
            let there = bank.clinical.read(|reader| reader.current_at(&key, t))?;
            if there.is_none_or(|version| version.deleted) {
                return Err(
                    Error::not_found("a patient that was asked for is not in this bank")
                        .at("patient"),
                );
            }
            named.push(key);
        }
        if groups.is_empty() {
            return Ok(Self::Of(named));
        }
        let mut of_groups = Vec::new();
        for reference in groups {
            let key = target(reference, "Group")
                .ok_or_else(|| Error::invalid("group is a reference to a Group").at("group"))?;
            of_groups.extend(members(bank, &key.id, t)?);
        }
        let mut seen = HashSet::new();
        of_groups.retain(|member| {
            (patients.is_empty() || named.contains(member)) && seen.insert(member.id.clone())
        });
        Ok(Self::Of(of_groups))
    }

    /// The query of one type at `t`, written since `since` (milliseconds since 1970); `None` if
    /// the type lies in no patient's compartment and patients were asked for.
    pub(crate) fn query(
        &self,
        registry: &Registry,
        kind: &'static str,
        since: Option<i64>,
        t: LogicalTime,
    ) -> Option<Query> {
        let mut query = Query::all(kind);
        query.at = Some(t);
        match self {
            Self::Everything => {}
            Self::Patients if kind == "Patient" => {}
            Self::Of(members) if kind == "Patient" => {
                query = query.and(Predicate::Ids(
                    members.iter().map(|member| member.id.clone()).collect(),
                ));
            }
            Self::Patients | Self::Of(_) => query.clauses.push(self.compartment(registry, kind)?),
        }
        if let Some(since) = since {
            query = query.and(Predicate::Written {
                compare: Compare::GreaterOrEqual,
                low: since,
                high: since,
            });
        }
        Some(query)
    }

    fn compartment(&self, registry: &Registry, kind: &'static str) -> Option<Clause> {
        let anybody = RecordKey::new("Patient", "anybody");
        let Filter::Compartment { by, .. } = search::compartment(registry, &anybody, kind)? else {
            return None;
        };
        let slots: HashSet<&str> = by
            .iter()
            .flat_map(|parameter| &parameter.slots)
            .map(|slot| slot.name)
            .collect();
        let mut slots: Vec<&str> = slots.into_iter().collect();
        slots.sort_unstable();
        let points = |slot: &str| match self {
            Self::Of(members) => Predicate::References {
                param: slot.to_owned(),
                targets: members.clone(),
            },
            _ => Predicate::Present {
                param: slot.to_owned(),
                table: "ix_reference",
                target: Some("Patient".to_owned()),
            },
        };
        Some(Clause::Any(slots.into_iter().map(points).collect()))
    }
}

/// `Patient/1`, or the id alone.
fn target(text: &str, kind: &str) -> Option<RecordKey> {
    if resource::is_id(text) {
        return Some(RecordKey::new(kind, text));
    }
    search_parameter::reference(text).filter(|key| key.kind == kind)
}

fn members(bank: &Bank, id: &str, t: LogicalTime) -> Result<Vec<RecordKey>> {
    let key = crate::fhir_read::key("Group", id)?;
    let group = bank
        .clinical
        .read(|reader| reader.current_at(&key, t))?
        .filter(|group| !group.deleted)
        .ok_or_else(|| Error::not_found(format!("{key} is not in this bank")))?;
    let group: Value = serde_json::from_slice(&group.body)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))?;
    Ok(group["member"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|member| member["inactive"] != true)
        .filter_map(|member| member["entity"]["reference"].as_str())
        .filter_map(search_parameter::reference)
        .filter(|target| target.kind == "Patient")
        .collect())
}
