//! Every text of a Parquet file, whoever wrote it.

use std::fs::File;
use std::path::Path;

use kura_model::{Error, Result};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

/// Calls `visit` with column, row (from 1) and text.
///
/// # Errors
/// The file is no Parquet, or one that this library does not read.
pub fn texts(file: &Path, visit: &mut dyn FnMut(&str, u64, &str)) -> Result<()> {
    let fail = |error: String| Error::invalid(format!("{}: {error}", file.display()));
    let open = File::open(file).map_err(|error| fail(error.to_string()))?;
    let reader = SerializedFileReader::new(open).map_err(|error| fail(error.to_string()))?;
    let rows = reader
        .get_row_iter(None)
        .map_err(|error| fail(error.to_string()))?;
    for (at, row) in rows.enumerate() {
        let row = row.map_err(|error| fail(error.to_string()))?;
        for (column, field) in row.get_column_iter() {
            field_texts(field, &mut |text| visit(column, at as u64 + 1, text));
        }
    }
    Ok(())
}

fn field_texts(field: &Field, visit: &mut dyn FnMut(&str)) {
    match field {
        Field::Str(text) => visit(text),
        Field::Bytes(bytes) => visit(&String::from_utf8_lossy(bytes.data())),
        Field::Group(row) => {
            for (_, field) in row.get_column_iter() {
                field_texts(field, visit);
            }
        }
        Field::ListInternal(list) => {
            for field in list.elements() {
                field_texts(field, visit);
            }
        }
        Field::MapInternal(map) => {
            for (key, value) in map.entries() {
                field_texts(key, visit);
                field_texts(value, visit);
            }
        }
        Field::Int(number) => visit(&number.to_string()),
        Field::Long(number) => visit(&number.to_string()),
        Field::UInt(number) => visit(&number.to_string()),
        Field::ULong(number) => visit(&number.to_string()),
        // Dates, times, decimals and floating numbers as they are written.
        other => visit(&other.to_string()),
    }
}
