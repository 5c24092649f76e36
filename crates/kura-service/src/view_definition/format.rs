//! What a table is written as.

use std::io::{self, Write};

use kura_fhir::view_definition::{Row, ViewDefinition};
use kura_model::{Category, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::parquet;

/// A form of a table. SQL on FHIR 2.0, value set OutputFormatCodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    Json,
    NdJson,
    Csv { header: bool },
    Parquet,
}

impl Format {
    /// By its code or its media type.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.trim() {
            "json" | "application/json" | "application/fhir+json" => Self::Json,
            "ndjson"
            | "application/ndjson"
            | "application/x-ndjson"
            | "application/fhir+ndjson" => Self::NdJson,
            "csv" | "text/csv" => Self::Csv { header: true },
            // The second is registered with IANA, the third is what SQL on FHIR 2.0 says.
            "parquet" | "application/vnd.apache.parquet" | "application/octet-stream" => {
                Self::Parquet
            }
            _ => return None,
        })
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::NdJson => "ndjson",
            Self::Csv { .. } => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// Of a file, or of an answer.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::NdJson => "application/x-ndjson",
            Self::Csv { .. } => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// A table that is being written.
pub(super) trait Table {
    fn row(&mut self, row: Row) -> Result<()>;
    /// Nothing is whole before.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Begins a table. What the form cannot have is refused before anything is written. `out` gathers
/// the small writes.
pub(super) fn table<'a>(
    format: Format,
    view: &ViewDefinition,
    out: Box<dyn Write + Send + 'a>,
) -> Result<Box<dyn Table + 'a>> {
    let names: Vec<String> = view
        .columns()
        .iter()
        .map(|column| column.name.clone())
        .collect();
    Ok(match format {
        Format::Parquet => Box::new(parquet::Parquet::new(view, out)?),
        Format::Json | Format::NdJson => Box::new(Json {
            out,
            names,
            lines: format == Format::NdJson,
            any: false,
        }),
        Format::Csv { header } => {
            let mut csv = Csv { out };
            if header {
                csv.row(names.into_iter().map(Value::String).collect())?;
            }
            Box::new(csv)
        }
    })
}

pub(super) fn unwritten(error: io::Error) -> Error {
    let category = match error.kind() {
        io::ErrorKind::StorageFull => Category::Exhausted,
        // Whoever was to get the table has left.
        io::ErrorKind::BrokenPipe => Category::Interrupted,
        _ => Category::Internal,
    };
    Error::new(category, "a table cannot be written").because(error)
}

struct Json<W: Write> {
    out: W,
    names: Vec<String>,
    /// A row a line; else one array.
    lines: bool,
    any: bool,
}

impl<W: Write> Table for Json<W> {
    fn row(&mut self, row: Row) -> Result<()> {
        let before: &[u8] = match (self.lines, self.any) {
            (true, _) => b"",
            (false, false) => b"[",
            (false, true) => b",",
        };
        self.any = true;
        let row: Map<String, Value> = self.names.iter().cloned().zip(row).collect();
        let mut text = before.to_vec();
        serde_json::to_writer(&mut text, &row)
            .map_err(|error| Error::internal("a row cannot be written").because(error))?;
        if self.lines {
            text.push(b'\n');
        }
        self.out.write_all(&text).map_err(unwritten)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let after: &[u8] = match (self.lines, self.any) {
            (true, _) => b"",
            (false, false) => b"[]",
            (false, true) => b"]",
        };
        self.out
            .write_all(after)
            .and_then(|()| self.out.flush())
            .map_err(unwritten)
    }
}

struct Csv<W: Write> {
    out: W,
}

impl<W: Write> Table for Csv<W> {
    /// RFC 4180; a list or an object as JSON in its cell.
    fn row(&mut self, row: Row) -> Result<()> {
        let mut line = String::new();
        for (number, cell) in row.into_iter().enumerate() {
            if number > 0 {
                line.push(',');
            }
            let text = match cell {
                Value::Null => continue,
                Value::String(text) => text,
                other => other.to_string(),
            };
            if text.contains(['"', ',', '\n', '\r']) {
                line.push('"');
                line.push_str(&text.replace('"', "\"\""));
                line.push('"');
            } else {
                line.push_str(&text);
            }
        }
        line.push_str("\r\n");
        self.out.write_all(line.as_bytes()).map_err(unwritten)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.out.flush().map_err(unwritten)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(format: Format, rows: Vec<Row>) -> String {
        let view = json!({ "resource": "Patient", "select": [{ "column": [
            { "name": "a", "path": "id" }, { "name": "b", "path": "name", "collection": true }] }] });
        let view = ViewDefinition::parse(&view).unwrap();
        let mut out = Vec::new();
        let mut table = table(format, &view, Box::new(&mut out)).unwrap();
        for row in rows {
            table.row(row).unwrap();
        }
        table.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_of_tables() {
        let rows = || {
            vec![
                vec![json!("x,\"y\""), json!([1, 2])],
                vec![Value::Null, json!([])],
            ]
        };
        let csv = Format::Csv { header: true };
        assert_eq!(
            written(csv, rows()),
            "a,b\r\n\"x,\"\"y\"\"\",\"[1,2]\"\r\n,[]\r\n"
        );
        assert_eq!(written(Format::Csv { header: false }, vec![]), "");
        assert_eq!(
            written(Format::Json, rows()),
            "[{\"a\":\"x,\\\"y\\\"\",\"b\":[1,2]},{\"a\":null,\"b\":[]}]"
        );
        assert_eq!(written(Format::Json, vec![]), "[]");
        assert_eq!(written(Format::NdJson, rows()).lines().count(), 2);
        assert_eq!(written(Format::NdJson, vec![]), "");
    }
}
