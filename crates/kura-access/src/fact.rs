use std::fmt;
use std::str::FromStr;

use kura_model::{Assurance, PurposeOfUse, RequestContext, Role};

use crate::Action;

/// How a person stands to a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The records are their own.
    Own,
    /// They act for the patient: a parent, a guardian.
    Proxy,
    /// They treat the patient.
    Treatment,
    /// The patient shares with their institution.
    Shared,
    /// They have opened the records in an emergency, and the time is not over.
    Emergency,
}

impl Relation {
    pub const ALL: [Relation; 5] = [
        Relation::Own,
        Relation::Proxy,
        Relation::Treatment,
        Relation::Shared,
        Relation::Emergency,
    ];

    /// Its name in the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Relation::Own => "own",
            Relation::Proxy => "proxy",
            Relation::Treatment => "treatment",
            Relation::Shared => "shared",
            Relation::Emergency => "emergency",
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Relation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|relation| relation.as_str() == text)
            .ok_or_else(|| {
                let all = Self::ALL.map(Relation::as_str);
                format!("a relation is one of {}", all.join(", "))
            })
    }
}

/// Several of them; none, for a patient the person has nothing to do with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Relations(u8);

impl Relations {
    pub const NONE: Relations = Relations(0);

    pub fn with(self, relation: Relation) -> Self {
        Self(self.0 | 1 << relation as u8)
    }

    pub fn has(self, relation: Relation) -> bool {
        self.0 & (1 << relation as u8) != 0
    }
}

impl From<Relation> for Relations {
    fn from(relation: Relation) -> Self {
        Self::NONE.with(relation)
    }
}

impl FromIterator<Relation> for Relations {
    fn from_iter<T: IntoIterator<Item = Relation>>(relations: T) -> Self {
        relations.into_iter().fold(Self::NONE, Self::with)
    }
}

/// All that a decision rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asked {
    pub role: Role,
    pub purpose: PurposeOfUse,
    /// Whether two factors were shown, or it is the machine itself that asks.
    pub second_factor: bool,
    /// Whether the bank asks for two.
    pub second_factor_needed: bool,
    pub action: Action,
    /// To the patient, where the action is of one.
    pub relations: Relations,
}

impl Asked {
    pub fn of(
        context: &RequestContext,
        action: Action,
        relations: Relations,
        second_factor_needed: bool,
    ) -> Self {
        Self {
            role: context.actor.role,
            purpose: context.purpose,
            second_factor: context.assurance != Assurance::OneFactor,
            second_factor_needed,
            action,
            relations,
        }
    }
}
