//! What a client may do: the scopes of SMART App Launch 2.2, and those of OpenID Connect beside
//! them. <https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html>
//!
//! A scope only ever narrows: what a client gets is what it asks for, within what it was
//! registered for, within what the person may ([`Scopes::intersect`], [`Scopes::limit_resources`]).

mod filter;
mod parse;
mod set;

use std::fmt;

pub use filter::Filter;
pub use set::{Grant, Scopes};

refusals! {
    /// Why a scope is not accepted.
    Length = "scope-length", "there are more scopes than are accepted, or one is too long";
    Character = "scope-character", "a scope has a character that RFC 6749 does not allow";
    Unknown = "scope-unknown", "this scope is not known";
    Level = "scope-level", "a scope of resources begins with patient, user or system";
    ResourceType = "scope-resource-type", "this is no type of resource";
    Interactions = "scope-interactions", "the interactions are of c, r, u, d, s, in this order, or of SMART 1";
    Filter = "scope-filter", "the parameters of a scope are name=value, joined by &";
}

/// Whose records: `patient/` those of the patient in context, `user/` those the person may see,
/// `system/` those the client may without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Patient,
    User,
    System,
}

impl Level {
    pub const ALL: [Self; 3] = [Self::Patient, Self::User, Self::System];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::User => "user",
            Self::System => "system",
        }
    }
}

/// The FHIR interactions a letter stands for ("Scopes for requesting FHIR Resources").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interaction {
    /// `c`: create of a type.
    Create,
    /// `r`: read, vread, history of an instance.
    Read,
    /// `u`: update and patch.
    Update,
    /// `d`: delete.
    Delete,
    /// `s`: search and history of a type, and of the system.
    Search,
}

impl Interaction {
    /// In the order of the specification.
    pub const ALL: [Self; 5] = [
        Self::Create,
        Self::Read,
        Self::Update,
        Self::Delete,
        Self::Search,
    ];

    pub const fn letter(self) -> char {
        match self {
            Self::Create => 'c',
            Self::Read => 'r',
            Self::Update => 'u',
            Self::Delete => 'd',
            Self::Search => 's',
        }
    }
}

/// A set of interactions.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interactions(u8);

impl Interactions {
    pub const ALL: Self = Self(0b1_1111);

    pub const fn with(self, interaction: Interaction) -> Self {
        Self(self.0 | 1 << interaction as u8)
    }

    pub const fn has(self, interaction: Interaction) -> bool {
        self.0 & 1 << interaction as u8 != 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl Interactions {
    /// The word of SMART 1 for exactly these ("Scopes for requesting FHIR Resources").
    const fn word_of_version_1(self) -> Option<&'static str> {
        match self.0 {
            0b1_0010 => Some("read"),
            0b0_1101 => Some("write"),
            0b1_1111 => Some("*"),
            _ => None,
        }
    }
}

impl fmt::Display for Interactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Interaction::ALL
            .into_iter()
            .filter(|interaction| self.has(*interaction))
            .try_for_each(|interaction| write!(f, "{}", interaction.letter()))
    }
}

impl fmt::Debug for Interactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Interactions({self})")
    }
}

/// Scopes that are one word each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Named {
    /// Started from within a record system, which says in which context.
    Launch,
    /// A patient is to be chosen at launch.
    LaunchPatient,
    /// An encounter is to be chosen at launch.
    LaunchEncounter,
    /// An ID token is asked for.
    OpenId,
    /// Its claim `fhirUser`: who the person is as a resource.
    FhirUser,
    /// Its claims of OpenID Connect Core §5.4; in SMART 1 the same as `fhirUser`.
    Profile,
    /// A refresh token that outlives the person's session.
    OfflineAccess,
    /// A refresh token for as long as the person is there.
    OnlineAccess,
}

impl Named {
    pub const ALL: [Self; 8] = [
        Self::Launch,
        Self::LaunchPatient,
        Self::LaunchEncounter,
        Self::OpenId,
        Self::FhirUser,
        Self::Profile,
        Self::OfflineAccess,
        Self::OnlineAccess,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Launch => "launch",
            Self::LaunchPatient => "launch/patient",
            Self::LaunchEncounter => "launch/encounter",
            Self::OpenId => "openid",
            Self::FhirUser => "fhirUser",
            Self::Profile => "profile",
            Self::OfflineAccess => "offline_access",
            Self::OnlineAccess => "online_access",
        }
    }
}

/// One scope of resources: `patient/Observation.rs?category=laboratory`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceScope {
    pub level: Level,
    /// `None` for `*`, all types.
    pub resource_type: Option<String>,
    pub interactions: Interactions,
    /// Only resources that a search with these parameters would find.
    pub filter: Option<Filter>,
}

impl fmt::Display for ResourceScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resource_type = self.resource_type.as_deref().unwrap_or("*");
        write!(
            f,
            "{}/{resource_type}.{}",
            self.level.as_str(),
            self.interactions
        )?;
        match &self.filter {
            None => Ok(()),
            Some(filter) => write!(f, "?{filter}"),
        }
    }
}

/// One scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    Named(Named),
    Resource(ResourceScope),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(named) => f.write_str(named.as_str()),
            Self::Resource(scope) => scope.fmt(f),
        }
    }
}
