//! A CSV file with named columns, read strictly: each fault says which file, line and column.

use kura_model::{Error, Result};

/// More cells than a trial can have; a guard, not a wish.
const MOST_CELLS: usize = 20_000_000;

/// One file. Lines count from 1; the header is line 1.
pub(crate) struct Table {
    role: &'static str,
    header: Vec<String>,
    rows: Vec<Row>,
}

pub(crate) struct Row {
    line: u64,
    cells: Vec<String>,
}

/// A row that knows its place.
#[derive(Clone, Copy)]
pub(crate) struct RowOf<'a> {
    table: &'a Table,
    row: &'a Row,
}

impl Table {
    /// `required` columns must be there; further ones only where `others` is true.
    ///
    /// # Errors
    /// Not UTF-8, not CSV, a missing, unknown, unnamed or repeated column, a row of another length,
    /// no row.
    pub fn parse(
        role: &'static str,
        bytes: &[u8],
        required: &[&str],
        optional: &[&str],
        others: bool,
    ) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()]
                .iter()
                .filter(|b| **b == b'\n')
                .count()
                + 1;
            fault(role, line as u64, None, "is not UTF-8")
        })?;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut header: Option<Vec<String>> = None;
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| {
                let line = error.position().map_or(0, csv::Position::line);
                fault(role, line, None, "is not CSV")
            })?;
            let line = record.position().map_or(0, csv::Position::line);
            let cells: Vec<String> = record.iter().map(|c| c.trim().to_owned()).collect();
            match &header {
                None => header = Some(checked_header(role, cells, required, optional, others)?),
                Some(header) if header.len() != cells.len() => {
                    let message = format!("has {} cells, the header {}", cells.len(), header.len());
                    return Err(fault(role, line, None, &message));
                }
                Some(header) => {
                    if rows.len() >= MOST_CELLS / header.len() {
                        return Err(fault(role, line, None, "is one line too many"));
                    }
                    rows.push(Row { line, cells });
                }
            }
        }
        let header = header.ok_or_else(|| fault(role, 1, None, "is empty"))?;
        if rows.is_empty() {
            return Err(fault(role, 2, None, "is missing: there is only a header"));
        }
        Ok(Table { role, header, rows })
    }

    pub fn header(&self) -> &[String] {
        &self.header
    }

    pub fn has(&self, column: &str) -> bool {
        self.header.iter().any(|h| h == column)
    }

    pub fn rows(&self) -> impl Iterator<Item = RowOf<'_>> {
        self.rows.iter().map(|row| RowOf { table: self, row })
    }
}

fn checked_header(
    role: &'static str,
    header: Vec<String>,
    required: &[&str],
    optional: &[&str],
    others: bool,
) -> Result<Vec<String>> {
    for (index, name) in header.iter().enumerate() {
        if name.is_empty() {
            return Err(fault(role, 1, None, "has a column without a name"));
        }
        if header[..index].contains(name) {
            return Err(fault(role, 1, Some(name), "is there twice"));
        }
        let known = required.contains(&name.as_str()) || optional.contains(&name.as_str());
        if !known && !others {
            return Err(fault(role, 1, Some(name), "is not known"));
        }
    }
    for name in required {
        if !header.iter().any(|h| h == name) {
            return Err(fault(role, 1, Some(name), "is missing"));
        }
    }
    Ok(header)
}

impl<'a> RowOf<'a> {
    /// A cell by column; empty where the file lacks the column.
    pub fn get(self, column: &str) -> &'a str {
        let place = self.table.header.iter().position(|h| h == column);
        place.map_or("", |i| self.row.cells[i].as_str())
    }

    /// A cell that must not be empty.
    pub fn filled(self, column: &str) -> Result<&'a str> {
        match self.get(column) {
            "" => Err(self.fault(column, "is empty")),
            text => Ok(text),
        }
    }

    /// `1` or `positive`, `0` or `negative`.
    pub fn positive(self, column: &str) -> Result<bool> {
        match self.filled(column)? {
            "1" | "positive" => Ok(true),
            "0" | "negative" => Ok(false),
            _ => Err(self.fault(column, "must be 1 or positive, 0 or negative")),
        }
    }

    /// A finite number.
    pub fn number(self, column: &str) -> Result<f64> {
        match self.filled(column)?.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.fault(column, "must be a number")),
        }
    }

    /// An error at this place. It never repeats the cell: that may be a person's.
    pub fn fault(self, column: &str, message: &str) -> Error {
        fault(self.table.role, self.row.line, Some(column), message)
    }
}

fn fault(role: &str, line: u64, column: Option<&str>, message: &str) -> Error {
    Error::invalid(match column {
        Some(column) => format!("the {role}, line {line}, column {column}: {message}"),
        None => format!("the {role}, line {line}: {message}"),
    })
}
