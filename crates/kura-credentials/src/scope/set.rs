//! Scopes together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::parse::is_version_1;
use super::{Filter, Interaction, Interactions, Level, Named, Refused, ResourceScope, Scope};

/// Bytes of a list of scopes at most, and how many they may be. Two lists intersect in as many as
/// the product, and those are compared with each other.
const LIST_BYTES: usize = 16 * 1024;
const SCOPES: usize = 128;

/// A set of scopes in its shortest form: what another scope of the set covers is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    named: BTreeSet<Named>,
    resources: BTreeMap<Whose, Interactions>,
    left_out: Vec<Refused>,
    version_1: bool,
}

/// A resource scope but for its interactions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Whose {
    level: Level,
    resource_type: Option<String>,
    filter: Option<Filter>,
}

/// How far something is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// Every resource of the type, within the level.
    All,
    /// Resources that one of these filters finds; never empty.
    Only(Vec<Filter>),
}

impl Scopes {
    /// Reads scopes with spaces between (RFC 6749 §3.3). What is unknown or malformed is left out,
    /// which SMART and RFC 6749 let a server do; [`Scopes::left_out`] tells why.
    ///
    /// # Errors
    /// `scope-length`.
    pub fn parse(text: &str, types: &[&str]) -> Result<Self, Refused> {
        if text.len() > LIST_BYTES {
            return Err(Refused::Length);
        }
        let mut scopes = Self::default();
        for (place, scope) in text
            .split(' ')
            .filter(|scope| !scope.is_empty())
            .enumerate()
        {
            if place == SCOPES {
                return Err(Refused::Length);
            }
            match Scope::parse(scope, types) {
                Ok(read) => {
                    scopes.insert(read);
                    scopes.version_1 |= is_version_1(scope);
                }
                Err(why) => scopes.left_out.push(why),
            }
        }
        Ok(scopes.shortened())
    }

    /// Why scopes were left out, one for each.
    pub fn left_out(&self) -> &[Refused] {
        &self.left_out
    }

    /// The text for who asked: a server "SHOULD return v1 scopes when v1 scopes are requested and
    /// granted". What SMART 1 has no word for is written as in SMART 2.
    pub fn as_asked(&self) -> String {
        if !self.version_1 {
            return self.to_string();
        }
        let written = self.iter().map(|scope| match &scope {
            Scope::Resource(ResourceScope {
                level,
                resource_type,
                interactions,
                filter: None,
            }) if let Some(word) = interactions.word_of_version_1() => format!(
                "{}/{}.{word}",
                level.as_str(),
                resource_type.as_deref().unwrap_or("*")
            ),
            scope => scope.to_string(),
        });
        written.collect::<Vec<_>>().join(" ")
    }

    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.resources.is_empty()
    }

    pub fn has(&self, named: Named) -> bool {
        self.named.contains(&named)
    }

    /// Whether there is any scope of this level: `patient/` needs a patient in context.
    pub fn has_level(&self, level: Level) -> bool {
        self.resources.keys().any(|whose| whose.level == level)
    }

    /// Each scope, in the order they are written.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        let named = self.named.iter().map(|named| Scope::Named(*named));
        named.chain(self.resources.iter().map(|(whose, interactions)| {
            Scope::Resource(ResourceScope {
                level: whose.level,
                resource_type: whose.resource_type.clone(),
                interactions: *interactions,
                filter: whose.filter.clone(),
            })
        }))
    }

    /// Whether one may do this with resources of the type, and with which of them. `None` where
    /// one may not.
    pub fn allows(
        &self,
        level: Level,
        resource_type: &str,
        interaction: Interaction,
    ) -> Option<Grant> {
        let mut filters = Vec::new();
        for (whose, interactions) in &self.resources {
            if whose.level != level
                || !interactions.has(interaction)
                || whose
                    .resource_type
                    .as_deref()
                    .is_some_and(|own| own != resource_type)
            {
                continue;
            }
            match &whose.filter {
                // Scopes are a union: the widest counts.
                None => return Some(Grant::All),
                Some(filter) => filters.push(filter.clone()),
            }
        }
        filters.dedup();
        (!filters.is_empty()).then_some(Grant::Only(filters))
    }

    /// What both sets hold: what is asked for, within what a client was registered for.
    pub fn intersect(&self, other: &Self) -> Self {
        let mut both = self.limit_resources(other);
        both.named.retain(|named| other.named.contains(named));
        both
    }

    /// The same, but for the scopes of one word, which stay: what is asked for, within what a
    /// person's role allows.
    pub fn limit_resources(&self, other: &Self) -> Self {
        let mut both = Self {
            named: self.named.clone(),
            version_1: self.version_1,
            ..Self::default()
        };
        for (one, ones) in &self.resources {
            for (two, twos) in &other.resources {
                let interactions = ones.within(*twos);
                let resource_type = match (&one.resource_type, &two.resource_type) {
                    (None, either) | (either, None) => either.clone(),
                    (Some(same), Some(other)) if same == other => Some(same.clone()),
                    _ => continue,
                };
                if one.level != two.level || interactions.is_empty() {
                    continue;
                }
                both.insert(Scope::Resource(ResourceScope {
                    level: one.level,
                    resource_type,
                    interactions,
                    filter: Filter::and(one.filter.as_ref(), two.filter.as_ref()),
                }));
            }
        }
        both.shortened()
    }

    fn insert(&mut self, scope: Scope) {
        match scope {
            Scope::Named(named) => {
                self.named.insert(named);
            }
            Scope::Resource(scope) => {
                let whose = Whose {
                    level: scope.level,
                    resource_type: scope.resource_type,
                    filter: scope.filter,
                };
                let held = self.resources.entry(whose).or_default();
                *held = held.union(scope.interactions);
            }
        }
    }

    /// "It is recommended that scopes be factored to their shortest form": without the
    /// interactions that a wider scope has, of all types or with fewer filters.
    fn shortened(mut self) -> Self {
        let all = self.resources.clone();
        self.resources.retain(|own, interactions| {
            for (other, held) in &all {
                if other != own && other.covers(own) {
                    *interactions = interactions.without(*held);
                }
            }
            !interactions.is_empty()
        });
        self
    }
}

impl Whose {
    /// Whether each resource of `other` is one of these.
    fn covers(&self, other: &Self) -> bool {
        self.level == other.level
            && (self.resource_type.is_none() || self.resource_type == other.resource_type)
            && match (&self.filter, &other.filter) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(wide), Some(narrow)) => wide.covers(narrow),
            }
    }
}

/// The canonical text, for a token: read again, it is the same set.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            scope.fmt(f)?;
        }
        Ok(())
    }
}
