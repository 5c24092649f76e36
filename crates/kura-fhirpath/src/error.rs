//! What can be wrong with an expression, and where.

use thiserror::Error;

/// A place in the text of an expression, both counted from 1; columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl Position {
    /// The place of a byte offset.
    pub(crate) fn of(text: &str, offset: usize) -> Position {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Position {
            line: count(before.matches('\n').count() + 1),
            column: count(before[line_start..].chars().count() + 1),
        }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// The text is no FHIRPath.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{position}: expected {expected}")]
pub struct ParseError {
    pub position: Position,
    pub expected: String,
}

/// The expression cannot be evaluated on what it was given. Names the rule, never a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{position}: {reason}")]
pub struct EvaluationError {
    pub position: Position,
    pub reason: String,
}

/// The expression cannot mean anything on the type it is checked against.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{position}: {reason}")]
pub struct CheckError {
    pub position: Position,
    pub reason: String,
}
