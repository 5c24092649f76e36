//! A view's table as Parquet.

use std::io::Write;

use kura_dataset::ParquetWriter;
use kura_dataset::parquet_writer::Field;
use kura_fhir::view_definition::{Row, ViewDefinition};
use kura_model::Result;

use super::column;
use super::format::{Table, unwritten};

pub(super) struct Parquet<W: Write + Send> {
    fields: Vec<Field>,
    writer: ParquetWriter<W>,
}

/// The columns of a view.
pub(super) fn fields(view: &ViewDefinition) -> Result<Vec<Field>> {
    view.columns().iter().map(column::field).collect()
}

impl<W: Write + Send> Parquet<W> {
    pub(super) fn new(view: &ViewDefinition, out: W) -> Result<Self> {
        let fields = fields(view)?;
        let name = view.name.as_deref().unwrap_or("view");
        Ok(Self {
            writer: ParquetWriter::new(name, fields.clone(), out)?,
            fields,
        })
    }
}

impl<W: Write + Send> Table for Parquet<W> {
    fn row(&mut self, row: Row) -> Result<()> {
        let slots = self
            .fields
            .iter()
            .zip(&row)
            .map(|(field, cell)| column::slot(field, cell))
            .collect::<Result<Vec<_>>>()?;
        self.writer.row(slots)?;
        self.writer.settle()
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let (_, mut out) = self.writer.finish()?;
        out.flush().map_err(unwritten)
    }
}
