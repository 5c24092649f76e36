use std::fmt;

use serde::{Deserialize, Serialize};

/// Where in an input something was wrong. Every part is optional; a reader gives what it knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// 1-based line of a text input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// 0-based byte offset in the input (after decompression where the input was compressed).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte: Option<u64>,
    /// Element path in the item, in the words of its standard: `Patient.birthDate`,
    /// `(0028,0010)`, `INFO/DP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Location {
    pub fn line(line: u64) -> Self {
        Self {
            line: Some(line),
            ..Self::default()
        }
    }

    pub fn byte(byte: u64) -> Self {
        Self {
            byte: Some(byte),
            ..Self::default()
        }
    }

    pub fn path(path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::default()
        }
    }

    pub fn at_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(line) = self.line {
            write!(f, "line {line}")?;
            separator = ", ";
        }
        if let Some(byte) = self.byte {
            write!(f, "{separator}byte {byte}")?;
            separator = ", ";
        }
        if let Some(path) = &self.path {
            write!(f, "{separator}{path}")?;
        }
        Ok(())
    }
}

/// Why one item of an input was not taken in.
///
/// `message` never repeats a value of the item: values may identify a patient, and messages
/// reach logs and screens. The item itself is kept in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{rule}: {message}{}", at(location))]
pub struct Refusal {
    /// Stable id of the broken rule, such as `json-syntax`, `dicom-length`, `vcf-columns`.
    pub rule: String,
    pub message: String,
    pub location: Location,
}

fn at(location: &Location) -> String {
    if *location == Location::default() {
        String::new()
    } else {
        format!(" ({location})")
    }
}

impl Refusal {
    pub fn new(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            message: message.into(),
            location: Location::default(),
        }
    }

    pub fn at(mut self, location: Location) -> Self {
        self.location = location;
        self
    }

    pub fn at_line(mut self, line: u64) -> Self {
        self.location.line = Some(line);
        self
    }

    pub fn at_byte(mut self, byte: u64) -> Self {
        self.location.byte = Some(byte);
        self
    }

    pub fn at_path(mut self, path: impl Into<String>) -> Self {
        self.location.path = Some(path.into());
        self
    }
}
