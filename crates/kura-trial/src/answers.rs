//! The model's answers.

use kura_model::Result;

use crate::table::Table;

/// A probability for each case, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers(Vec<(String, f64)>);

impl Answers {
    /// From CSV with the columns `case,probability`.
    ///
    /// # Errors
    /// What breaks the form, by line and column; a probability outside 0 to 1. A case answered
    /// twice is found by [`crate::analyse`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let table = Table::parse("answer file", bytes, &["case", "probability"], &[], false)?;
        let mut answers = Vec::new();
        for row in table.rows() {
            let probability = row.number("probability")?;
            if !(0.0..=1.0).contains(&probability) {
                return Err(row.fault("probability", "must lie between 0 and 1"));
            }
            answers.push((row.filled("case")?.to_owned(), probability));
        }
        Ok(Answers(answers))
    }

    pub fn all(&self) -> &[(String, f64)] {
        &self.0
    }
}
