//! A code as a set has it, and the characters it may be made of to stand in SQL.

use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

/// The table that holds a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    Observation,
    ObservationComponent,
    Condition,
}

impl Holder {
    pub const ALL: [Holder; 3] = [
        Holder::Observation,
        Holder::ObservationComponent,
        Holder::Condition,
    ];

    /// Name of the table.
    pub fn table(self) -> &'static str {
        match self {
            Holder::Observation => "observation",
            Holder::ObservationComponent => "observation_component",
            Holder::Condition => "condition",
        }
    }

    /// Column of the moment at which a row became known.
    pub(super) fn time(self) -> &'static str {
        match self {
            Holder::Condition => "recorded",
            _ => "time",
        }
    }
}

/// A code with the table, the system and the unit of its values: `observation|http://loinc.org|2708-6|%`.
/// Values of two units are two codes: they are never mixed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Code {
    pub holder: Holder,
    /// Absent where the set has none.
    pub system: Option<String>,
    pub code: String,
    /// UCUM; absent where the values have none.
    pub unit: Option<String>,
}

/// Of any system; URLs and URNs. What a quotation mark or a backslash would end stays out.
const SYSTEM: &[u8] = b":/.-_#~%?=&+@";
/// ICD-10 (`J18.9`, `A17.0†` without its dagger), LOINC, JLAC10, YJ codes.
const CODE: &[u8] = b".-_/+:*";
/// UCUM, case sensitive, without annotations in quotation marks.
const UNIT: &[u8] = b".-_/+*%^[]{}()#";

fn plain(text: &str, others: &[u8], longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}

impl Code {
    /// # Errors
    /// Characters that could mean something to SQL or TOML. Names the rule, not the code.
    pub fn new(
        holder: Holder,
        system: Option<&str>,
        code: &str,
        unit: Option<&str>,
    ) -> Result<Self> {
        if !plain(code, CODE, 64) {
            return Err(Error::invalid(
                "a code is 1 to 64 letters, digits and . - _ / + : * (rule code-characters)",
            ));
        }
        if system.is_some_and(|system| !plain(system, SYSTEM, 200)) {
            return Err(Error::invalid(
                "the system of a code is a URL or URN of 1 to 200 plain characters (rule system-characters)",
            ));
        }
        if unit.is_some_and(|unit| !plain(unit, UNIT, 40)) {
            return Err(Error::invalid(
                "a unit is 1 to 40 characters of UCUM (rule unit-characters)",
            ));
        }
        Ok(Self {
            holder,
            system: system.map(str::to_owned),
            code: code.to_owned(),
            unit: unit.map(str::to_owned),
        })
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        write!(
            f,
            "{}|{}|{}|{}",
            self.holder.table(),
            part(&self.system),
            self.code,
            part(&self.unit)
        )
    }
}

impl std::str::FromStr for Code {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split('|').collect();
        let [table, system, code, unit] = parts[..] else {
            return Err(Error::invalid(
                "a code is written TABLE|SYSTEM|CODE|UNIT (rule code-parts)",
            ));
        };
        let holder = Holder::ALL
            .into_iter()
            .find(|holder| holder.table() == table)
            .ok_or_else(|| Error::invalid("a code is of one of the tables (rule code-table)"))?;

        let given = |part: &str| (!part.is_empty()).then(|| part.to_owned());
        let (system, unit) = (given(system), given(unit));

        Self::new(holder, system.as_deref(), code, unit.as_deref())
    }
}

impl TryFrom<String> for Code {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_codes_are_refused_by_the_name_of_the_rule() {
        for (text, rule) in [
            ("observation||2708-6' OR 1=1 --|", "code-characters"),
            ("observation||2708-6\"\"\"|", "code-characters"),
            ("observation||\\u0027|", "code-characters"),
            ("observation||検査|", "code-characters"),
            ("observation|||", "code-characters"),
            (
                "observation|http://loinc.org'|2708-6|%",
                "system-characters",
            ),
            ("observation||2708-6|%'", "unit-characters"),
            ("patient||2708-6|", "code-table"),
            ("observation|2708-6", "code-parts"),
            ("observation||a|b|c", "code-parts"),
        ] {
            let error = text.parse::<Code>().unwrap_err();
            assert!(error.message().contains(rule), "{text}: {error}");
            assert!(!error.message().contains("2708"), "{error}");
        }
        assert!("observation||".to_owned().parse::<Code>().is_err());
        let long = format!("observation||{}|", "a".repeat(65));
        assert!(long.parse::<Code>().is_err());
    }

    #[test]
    fn a_code_is_read_as_it_is_written() {
        for text in [
            "observation|http://loinc.org|2708-6|%",
            "condition|http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full|J18.9|",
            "observation_component|urn:oid:1.2.392.200119.4.504|5C070000002327101|mg/dL",
            "observation||UA|10*3/uL",
        ] {
            assert_eq!(text.parse::<Code>().unwrap().to_string(), text);
        }
    }
}
