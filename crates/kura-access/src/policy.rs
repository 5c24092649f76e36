use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use cedar_policy::{
    Authorizer, Context, Decision as Verdict, Effect, Entities, Entity, EntityId, EntityTypeName,
    EntityUid, PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};
use kura_model::Role;

use crate::{Action, Asked, Relation};

/// The text every bank has unless it names its own.
const SHIPPED: &str = include_str!("../../../policies/access.cedar");

/// A policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Where and why the text is not Cedar's language.
    #[error("the access policy cannot be read: {0}")]
    Syntax(String),
    /// It speaks of an action, a role's attribute or a fact that there is not.
    #[error("the access policy does not fit the bank: {0}")]
    Schema(String),
    #[error("a rule of the access policy has no {0}: {1}")]
    Annotation(&'static str, String),
    #[error("two rules of the access policy have the id {0}")]
    Twice(String),
    /// Never for a policy that was read: the facts are always of the schema.
    #[error("the access policy could not be asked: {0}")]
    Asking(String),
}

/// What was decided, and by which rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    /// Ids of the rules that permit it, or that forbid it; none, if no rule speaks of it.
    pub rules: Arc<[String]>,
}

/// One rule as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub id: String,
    pub permits: bool,
    pub en: String,
    pub ja: String,
    pub source: String,
    /// As it is written.
    pub text: String,
}

/// A policy that has been read and held against the schema.
#[derive(Debug)]
pub struct Policy {
    text: String,
    set: PolicySet,
    people: Entities,
    schema: Schema,
    decided: RwLock<HashMap<Asked, Decision>>,
}

impl Policy {
    /// The one that is part of the release.
    ///
    /// # Errors
    /// None that a test has not seen.
    pub fn shipped() -> Result<Self, PolicyError> {
        Self::read(SHIPPED)
    }

    /// A policy of a bank's own.
    ///
    /// # Errors
    /// [`PolicyError`]: with Cedar's own words, which name line and rule.
    pub fn read(text: &str) -> Result<Self, PolicyError> {
        let schema = schema()?;
        let set = PolicySet::from_str(text).map_err(|error| PolicyError::Syntax(told(&error)))?;
        let found = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
        if let Some(error) = found.validation_errors().next() {
            return Err(PolicyError::Schema(told(error)));
        }
        let mut ids = BTreeSet::new();
        for policy in set.policies() {
            for name in ["id", "en", "ja", "source"] {
                let written = policy.annotation(name).unwrap_or_default();
                if written.trim().is_empty() {
                    return Err(PolicyError::Annotation(name, policy.to_string()));
                }
            }
            let id = policy.annotation("id").unwrap_or_default();
            if !ids.insert(id.to_owned()) {
                return Err(PolicyError::Twice(id.to_owned()));
            }
        }
        let people = people(&schema)?;
        Ok(Self {
            text: text.to_owned(),
            set,
            people,
            schema,
            decided: RwLock::default(),
        })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The rules, in the order of their ids.
    pub fn rules(&self) -> Vec<Rule> {
        let mut rules: Vec<Rule> = self
            .set
            .policies()
            .map(|policy| {
                let of = |name| policy.annotation(name).unwrap_or_default().to_owned();
                Rule {
                    id: of("id"),
                    permits: policy.effect() == Effect::Permit,
                    en: of("en"),
                    ja: of("ja"),
                    source: of("source"),
                    text: policy.to_string(),
                }
            })
            .collect();
        rules.sort_by(|one, other| one.id.cmp(&other.id));
        rules
    }

    /// Decides. What Cedar cannot decide is refused.
    pub fn decide(&self, asked: Asked) -> Decision {
        let known = self.decided.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(decision) = known.get(&asked) {
            return decision.clone();
        }
        drop(known);
        let decision = self.ask(&asked).unwrap_or(Decision {
            allowed: false,
            rules: Arc::from([]),
        });
        self.decided
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(asked, decision.clone());
        decision
    }

    /// Asks Cedar itself.
    ///
    /// # Errors
    /// [`PolicyError::Asking`], also where a rule fails as it is evaluated.
    pub fn ask(&self, asked: &Asked) -> Result<Decision, PolicyError> {
        let request = Request::new(
            uid("Person", asked.role.as_str())?,
            uid("Action", asked.action.as_str())?,
            uid(resource(asked.action), "asked")?,
            context(asked)?,
            Some(&self.schema),
        )
        .map_err(|error| PolicyError::Asking(told(&error)))?;
        let answer = Authorizer::new().is_authorized(&request, &self.set, &self.people);
        if let Some(error) = answer.diagnostics().errors().next() {
            return Err(PolicyError::Asking(told(error)));
        }
        let mut rules: Vec<String> = answer
            .diagnostics()
            .reason()
            .filter_map(|id| self.set.annotation(id, "id"))
            .map(str::to_owned)
            .collect();
        rules.sort();
        Ok(Decision {
            allowed: answer.decision() == Verdict::Allow,
            rules: rules.into(),
        })
    }
}

/// With what caused it: Cedar's errors say where only in their causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let _ = write!(text, ": {inner}");
        cause = inner.source();
    }
    text
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, PolicyError> {
    let kind = EntityTypeName::from_str(kind).map_err(|error| PolicyError::Asking(told(&error)))?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

fn resource(action: Action) -> &'static str {
    if action.is_of_a_patient() {
        "Patient"
    } else {
        "Bank"
    }
}

fn context(asked: &Asked) -> Result<Context, PolicyError> {
    let mut facts = vec![
        (
            "purpose".to_owned(),
            RestrictedExpression::new_string(asked.purpose.code().to_owned()),
        ),
        (
            "secondFactor".to_owned(),
            RestrictedExpression::new_bool(asked.second_factor),
        ),
        (
            "secondFactorNeeded".to_owned(),
            RestrictedExpression::new_bool(asked.second_factor_needed),
        ),
    ];
    if asked.action.is_of_a_patient() {
        facts.extend(Relation::ALL.map(|relation| {
            (
                relation.as_str().to_owned(),
                RestrictedExpression::new_bool(asked.relations.has(relation)),
            )
        }));
    }
    Context::from_pairs(facts).map_err(|error| PolicyError::Asking(told(&error)))
}

/// What rules may speak of, in Cedar's schema language.
fn schema() -> Result<Schema, PolicyError> {
    let mut text = String::from(
        "entity Role;\nentity Person in [Role];\nentity Bank;\nentity Patient;\naction care;\n",
    );
    for action in Action::ALL {
        let group = if action.is_of_a_patient() {
            " in [\"care\"]"
        } else {
            ""
        };
        let relations: String = if action.is_of_a_patient() {
            Relation::ALL
                .iter()
                .map(|relation| format!(", {relation}: Bool"))
                .collect()
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "action \"{action}\"{group} appliesTo {{ principal: [Person], resource: [{}], context: {{ purpose: String, secondFactor: Bool, secondFactorNeeded: Bool{relations} }} }};",
            resource(*action)
        );
    }
    Schema::from_cedarschema_str(&text)
        .map(|(schema, _)| schema)
        .map_err(|error| PolicyError::Schema(told(&error)))
}

/// One person of each role.
fn people(schema: &Schema) -> Result<Entities, PolicyError> {
    let machines = [Role::SingleUser, Role::DicomPeer, Role::DicomReader];
    let mut all = Vec::new();
    for role in Role::ALL.into_iter().chain(machines) {
        let group = uid("Role", role.as_str())?;
        all.push(Entity::new_no_attrs(group.clone(), HashSet::new()));
        all.push(Entity::new_no_attrs(
            uid("Person", role.as_str())?,
            HashSet::from([group]),
        ));
    }
    Entities::from_entities(all, Some(schema)).map_err(|error| PolicyError::Asking(told(&error)))
}
