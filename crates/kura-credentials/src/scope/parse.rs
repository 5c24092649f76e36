//! One scope read.

use super::{Filter, Interaction, Interactions, Level, Named, Refused, ResourceScope, Scope};

/// Bytes of one scope at most.
const SCOPE_BYTES: usize = 1024;

impl Scope {
    /// Reads one scope. `types` are the names of the resource types there are.
    ///
    /// # Errors
    /// Which part of it is wrong.
    pub fn parse(text: &str, types: &[&str]) -> Result<Self, Refused> {
        if text.len() > SCOPE_BYTES {
            return Err(Refused::Length);
        }
        // RFC 6749 §3.3: %x21 / %x23-5B / %x5D-7E.
        if !text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
        {
            return Err(Refused::Character);
        }
        if let Some(named) = Named::ALL.into_iter().find(|named| named.as_str() == text) {
            return Ok(Self::Named(named));
        }
        // Other contexts of launch/ and scopes of others.
        let (level, rest) = text.split_once('/').ok_or(Refused::Unknown)?;
        if level == "launch" {
            return Err(Refused::Unknown);
        }
        let level = Level::ALL
            .into_iter()
            .find(|known| known.as_str() == level)
            .ok_or(Refused::Level)?;
        let (rest, filter) = match rest.split_once('?') {
            None => (rest, None),
            Some((rest, filter)) => (rest, Some(filter)),
        };
        let (resource_type, letters) = rest.split_once('.').ok_or(Refused::Interactions)?;
        let resource_type = match resource_type {
            "*" => None,
            name if types.contains(&name) => Some(name.to_owned()),
            _ => return Err(Refused::ResourceType),
        };
        let interactions = match of_version_1(letters) {
            // Version 1 has no parameters.
            Some(_) if filter.is_some() => return Err(Refused::Filter),
            Some(interactions) => interactions,
            None => of_version_2(letters)?,
        };
        Ok(Self::Resource(ResourceScope {
            level,
            resource_type,
            interactions,
            filter: filter.map(Filter::parse).transpose()?,
        }))
    }
}

/// "Scopes for requesting FHIR Resources": `c?r?u?d?s?`, one letter at least, in this order.
fn of_version_2(letters: &str) -> Result<Interactions, Refused> {
    let mut read = Interactions::default();
    let mut rest = letters;
    for interaction in Interaction::ALL {
        if let Some(after) = rest.strip_prefix(interaction.letter()) {
            read = read.with(interaction);
            rest = after;
        }
    }
    if read.is_empty() || !rest.is_empty() {
        return Err(Refused::Interactions);
    }
    Ok(read)
}

/// The same section: `.read` is `.rs`, `.write` is `.cud`, `.*` is `.cruds`.
fn of_version_1(word: &str) -> Option<Interactions> {
    (0..=Interactions::ALL.0)
        .map(Interactions)
        .find(|interactions| interactions.word_of_version_1() == Some(word))
}

/// Whether the scope is written as in SMART 1.
pub(super) fn is_version_1(scope: &str) -> bool {
    scope
        .split_once('.')
        .is_some_and(|(_, word)| of_version_1(word).is_some())
}
