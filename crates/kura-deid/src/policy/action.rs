//! What a rule does to an element, to what kinds of element it can be done, and which of two
//! actions lets less out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The words of `action = "…"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ActionName {
    Keep,
    Descend,
    Remove,
    Pseudonym,
    Uid,
    Date,
    Birth,
    Age,
    Region,
    Code,
    Quantity,
    Text,
    Extension,
    Resource,
}

/// How much of a date stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    Year,
    Month,
    Day,
}

/// An action with all it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// As it is. A word stays if it is one that FHIR fixes for the element, or that the rule lists.
    Keep {
        words: BTreeSet<String>,
    },
    /// The elements below decide.
    Descend,
    Remove,
    /// A stand-in under the project's key: ids, references, identifiers.
    Pseudonym,
    /// A DICOM UID under the project's key.
    Uid,
    /// A date, moved by the patient's own number of days if `shift`, cut to `to`.
    Date {
        shift: bool,
        to: Precision,
    },
    /// A birth date: like a date; whoever is `limit` years or older becomes one group.
    Birth {
        shift: bool,
        to: Precision,
        limit: i64,
    },
    /// An age; from `limit` on one group.
    Age {
        limit: i64,
    },
    /// Of an address the prefecture or state, the country, and the first `digits` digits of the
    /// postcode, unless they are of `small`, regions with too few people.
    Region {
        digits: usize,
        small: BTreeSet<String>,
    },
    /// Codes of published systems, no display; with `text` what is written beside them, cleaned as
    /// texts are.
    Code {
        text: bool,
    },
    /// A number with a unit of UCUM.
    Quantity,
    /// Words that somebody wrote: what is known to name nobody stays, labels stand for the rest. Of
    /// a note its text, of a narrative and of an attachment their words. Where nobody asked for
    /// texts, or nothing is there to clean them by, they go.
    Text,
    /// Extensions that a rule lists.
    Extension,
    /// A resource within, processed as one of its own.
    Resource,
}

/// What an element is to an action.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fits<'a> {
    /// The type, and those it derives from.
    pub types: &'a [&'a str],
    pub primitive: bool,
    /// Whether FHIR fixes its words.
    pub fixed: bool,
}

impl Action {
    /// Whether the action can be done to an element; else why not.
    pub(super) fn fits(&self, element: Fits<'_>) -> Result<(), String> {
        let is = |names: &[&str]| element.types.iter().any(|name| names.contains(name));
        let (fit, what): (bool, &str) = match self {
            Action::Remove => (true, ""),
            Action::Keep { words } => (
                element.primitive
                    && (is(&["boolean", "integer", "decimal", "time"])
                        || element.fixed
                        || !words.is_empty()),
                "a number, a truth value, a time of day, or a code whose words FHIR or the rule lists",
            ),
            Action::Descend => (!element.primitive, "an element with elements of its own"),
            Action::Pseudonym => (
                is(&["id", "Reference", "Identifier"]),
                "an id, a Reference or an Identifier",
            ),
            Action::Uid => (is(&["id", "oid", "uri"]), "an id, oid or uri"),
            Action::Date { .. } => (is(&["date", "dateTime", "instant"]), "a date"),
            Action::Birth { .. } => (is(&["date", "dateTime"]), "a date"),
            Action::Age { .. } => (is(&["Quantity"]), "an Age or a Quantity"),
            Action::Region { .. } => (is(&["Address"]), "an Address"),
            Action::Code { .. } => (
                is(&["CodeableConcept", "Coding"]),
                "a CodeableConcept or a Coding",
            ),
            Action::Quantity => (is(&["Quantity"]), "a Quantity"),
            Action::Text => (
                is(&[
                    "string",
                    "markdown",
                    "Annotation",
                    "Narrative",
                    "Attachment",
                ]) && !element.fixed,
                "a string, markdown, an Annotation, a Narrative or an Attachment",
            ),
            Action::Extension => (is(&["Extension"]), "an Extension"),
            Action::Resource => (is(&["Resource"]), "a resource within"),
        };
        if fit {
            return Ok(());
        }
        let first = element.types.first().copied().unwrap_or_default();
        Err(format!("'{}' needs {what}; it is a {first}", self.name()))
    }

    pub fn name(&self) -> &'static str {
        match self {
            Action::Keep { .. } => "keep",
            Action::Descend => "descend",
            Action::Remove => "remove",
            Action::Pseudonym => "pseudonym",
            Action::Uid => "uid",
            Action::Date { .. } => "date",
            Action::Birth { .. } => "birth",
            Action::Age { .. } => "age",
            Action::Region { .. } => "region",
            Action::Code { .. } => "code",
            Action::Quantity => "quantity",
            Action::Text => "text",
            Action::Extension => "extension",
            Action::Resource => "resource",
        }
    }

    /// The action with its parameters, as a table shows it.
    pub fn label(&self) -> String {
        let to = |to: &Precision| match to {
            Precision::Year => "year",
            Precision::Month => "month",
            Precision::Day => "day",
        };
        let shifted = |shift: &bool| if *shift { "shifted, " } else { "" };
        match self {
            Action::Date { shift, to: part } => format!("date ({}{})", shifted(shift), to(part)),
            Action::Birth {
                shift,
                to: part,
                limit,
            } => format!("birth ({}{}, {limit}+)", shifted(shift), to(part)),
            Action::Age { limit } => format!("age ({limit}+)"),
            Action::Region { digits, .. } => format!("region ({digits} digits)"),
            Action::Code { text: true } => "code (and its text, cleaned)".to_owned(),
            other => other.name().to_owned(),
        }
    }

    /// Whether this lets out no more than `base` on the same element. Two actions that cannot be
    /// compared are not stricter: `false`.
    pub fn at_least_as_strict_as(&self, base: &Action) -> bool {
        match (self, base) {
            (Action::Remove, _) => true,
            (Action::Keep { words }, Action::Keep { words: before }) => {
                // No words of its own: the ones that FHIR fixes.
                before.is_empty() || (!words.is_empty() && words.is_subset(before))
            }
            (other, Action::Keep { .. }) => !matches!(other, Action::Descend),
            (
                Action::Date { shift, to },
                Action::Date {
                    shift: shift_before,
                    to: to_before,
                },
            ) => shift == shift_before && to <= to_before,
            (
                Action::Birth { shift, to, limit },
                Action::Birth {
                    shift: shift_before,
                    to: to_before,
                    limit: limit_before,
                },
            ) => shift == shift_before && to <= to_before && limit <= limit_before,
            (
                Action::Birth { shift, to, .. },
                Action::Date {
                    shift: shift_before,
                    to: to_before,
                },
            ) => shift == shift_before && to <= to_before,
            (Action::Age { limit }, Action::Age { limit: before }) => limit <= before,
            (
                Action::Region { digits, small },
                Action::Region {
                    digits: digits_before,
                    small: small_before,
                },
            ) => digits <= digits_before && small.is_superset(small_before),
            (Action::Code { text }, Action::Code { text: before }) => text <= before,
            (one, other) => one == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stricter_is_an_order() {
        let date = |shift, to| Action::Date { shift, to };
        let words = |words: &[&str]| Action::Keep {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        };
        let every = [
            words(&[]),
            words(&["a"]),
            Action::Descend,
            Action::Remove,
            Action::Pseudonym,
            Action::Uid,
            date(true, Precision::Day),
            date(true, Precision::Month),
            date(false, Precision::Year),
            Action::Birth {
                shift: true,
                to: Precision::Year,
                limit: 90,
            },
            Action::Age { limit: 90 },
            Action::Code { text: false },
            Action::Code { text: true },
            Action::Quantity,
            Action::Text,
        ];
        for one in &every {
            assert!(one.at_least_as_strict_as(one), "{one:?}");
            assert!(Action::Remove.at_least_as_strict_as(one));
            if *one != Action::Remove {
                assert!(!one.at_least_as_strict_as(&Action::Remove), "{one:?}");
            }
        }
        assert!(date(true, Precision::Year).at_least_as_strict_as(&date(true, Precision::Day)));
        assert!(!date(true, Precision::Day).at_least_as_strict_as(&date(true, Precision::Year)));
        // Real years and shifted days: neither is less than the other.
        assert!(!date(false, Precision::Year).at_least_as_strict_as(&date(true, Precision::Day)));
        assert!(words(&["a"]).at_least_as_strict_as(&words(&[])));
        assert!(!words(&[]).at_least_as_strict_as(&words(&["a"])));
        assert!(!Action::Age { limit: 100 }.at_least_as_strict_as(&Action::Age { limit: 90 }));
        assert!(!Action::Descend.at_least_as_strict_as(&words(&[])));
        let code = |text| Action::Code { text };
        assert!(code(false).at_least_as_strict_as(&code(true)));
        assert!(!code(true).at_least_as_strict_as(&code(false)));
    }
}
