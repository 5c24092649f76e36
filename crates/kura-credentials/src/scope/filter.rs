//! "Finer-grained resource constraints using search parameters": the part behind `?`.

use std::fmt;

use super::Refused;

/// Parameters that all must hold, as a search has them; names and values without escapes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filter {
    parameters: Vec<(String, String)>,
}

/// Parameters of one scope at most.
const PARAMETERS: usize = 16;

impl Filter {
    /// `name=value`, joined by `&`; percent-encoded where they must (RFC 3986 §2.1). A plus is a
    /// plus: scopes travel in forms, whose escapes are gone before a scope is read.
    pub(super) fn parse(text: &str) -> Result<Self, Refused> {
        let mut parameters = Vec::new();
        for part in text.split('&') {
            let (name, value) = part.split_once('=').ok_or(Refused::Filter)?;
            if name.is_empty() || value.is_empty() || parameters.len() == PARAMETERS {
                return Err(Refused::Filter);
            }
            parameters.push((decoded(name)?, decoded(value)?));
        }
        Ok(Self::of(parameters))
    }

    /// Their order says nothing, nor does one said twice.
    fn of(mut parameters: Vec<(String, String)>) -> Self {
        parameters.sort_unstable();
        parameters.dedup();
        Self { parameters }
    }

    /// Names and values, for a search.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether what `other` finds is found: it asks for all that this one does, or more.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.parameters
            .iter()
            .all(|parameter| other.parameters.contains(parameter))
    }

    /// What holds for both.
    pub(super) fn and(one: Option<&Self>, other: Option<&Self>) -> Option<Self> {
        match (one, other) {
            (None, None) => None,
            (Some(filter), None) | (None, Some(filter)) => Some(filter.clone()),
            (Some(one), Some(other)) => Some(Self::of(
                [one.parameters.as_slice(), &other.parameters].concat(),
            )),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (name, value)) in self.parameters.iter().enumerate() {
            if place > 0 {
                f.write_str("&")?;
            }
            escaped(f, name)?;
            f.write_str("=")?;
            escaped(f, value)?;
        }
        Ok(())
    }
}

/// Values may tell of people (`subject=Patient/…`), so only the names are shown.
impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.parameters().map(|(name, _)| name))
            .finish()
    }
}

fn decoded(text: &str) -> Result<String, Refused> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or(Refused::Filter)?;
        rest = after;
        let digit = |digit: u8| char::from(digit).to_digit(16).ok_or(Refused::Filter);
        bytes.push((digit(digits[0])? * 16 + digit(digits[1])?) as u8);
    }
    let text = String::from_utf8(bytes).map_err(|_| Refused::Filter)?;
    if text.chars().any(char::is_control) {
        return Err(Refused::Filter);
    }
    Ok(text)
}

/// What would part parameters or scopes, or is no character of a scope (RFC 6749 §3.3), is
/// escaped; `|`, `:` and `/` stay readable.
fn escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"%&=\"\\?#".contains(&byte) {
            write!(f, "{}", char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}
