//! Rows into Parquet, a row group at a time: memory holds one group, whatever the table.
//! <https://parquet.apache.org/docs/file-format/>, without Arrow (ADR 5).

use std::io::Write;
use std::sync::Arc;

use kura_model::{Category, Error, Result};
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray,
    FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    Text,
    Bytes,
    Flag,
    /// 32 bits.
    Integer,
    /// 64 bits.
    Long,
    /// IEEE 754 double.
    Double,
    /// `precision` decimal digits, 1 to 38, of which `scale` stand after the point.
    Decimal {
        precision: u8,
        scale: u8,
    },
    /// Days since 1970-01-01.
    Date,
    /// Milliseconds since 1970, UTC.
    Millis,
    /// Microseconds since 1970, UTC.
    Micros,
}

/// A column. Every cell may be absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub kind: FieldKind,
    /// Its cells are lists.
    pub list: bool,
}

/// One value of a cell. [`FieldKind`] says which of them a column takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Text(String),
    Bytes(Vec<u8>),
    Flag(bool),
    /// Integers, days, milliseconds, microseconds.
    Integer(i64),
    Double(f64),
    /// Units of the last digit after the point.
    Decimal(i128),
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Slot {
    Null,
    One(Scalar),
    List(Vec<Option<Scalar>>),
}

/// Rows of one row group: large enough to compress, small enough for memory.
const GROUP_ROWS: usize = 50_000;
/// Bytes of the cells of one row group.
const GROUP_BYTES: usize = 128 << 20;
/// Decimals up to here are 64 bits; beyond, 16 bytes.
/// <https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#decimal>
const LONG_DIGITS: u8 = 18;

impl FieldKind {
    fn physical(self) -> (Physical, Option<LogicalType>) {
        match self {
            Self::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Self::Bytes => (Physical::BYTE_ARRAY, None),
            Self::Flag => (Physical::BOOLEAN, None),
            Self::Integer => (Physical::INT32, None),
            Self::Long => (Physical::INT64, None),
            Self::Double => (Physical::DOUBLE, None),
            Self::Decimal { precision, scale } => (
                if precision <= LONG_DIGITS {
                    Physical::INT64
                } else {
                    Physical::FIXED_LEN_BYTE_ARRAY
                },
                Some(LogicalType::decimal(i32::from(scale), i32::from(precision))),
            ),
            Self::Date => (Physical::INT32, Some(LogicalType::Date)),
            Self::Millis => (
                Physical::INT64,
                Some(LogicalType::timestamp(true, TimeUnit::MILLIS)),
            ),
            Self::Micros => (
                Physical::INT64,
                Some(LogicalType::timestamp(true, TimeUnit::MICROS)),
            ),
        }
    }
}

impl Field {
    fn schema(&self) -> Result<Type> {
        let leaf = |name: &str| {
            let (physical, logical) = self.kind.physical();
            let mut builder = Type::primitive_type_builder(name, physical)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(logical);
            if let FieldKind::Decimal { precision, scale } = self.kind {
                builder = builder
                    .with_precision(i32::from(precision))
                    .with_scale(i32::from(scale));
                if physical == Physical::FIXED_LEN_BYTE_ARRAY {
                    builder = builder.with_length(16);
                }
            }
            builder.build().map_err(broken)
        };
        if !self.list {
            return leaf(&self.name);
        }
        // LogicalTypes.md#lists: the three-level form.
        let repeated = Type::group_type_builder("list")
            .with_repetition(Repetition::REPEATED)
            .with_fields(vec![Arc::new(leaf("element")?)])
            .build()
            .map_err(broken)?;
        Type::group_type_builder(&self.name)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(Some(LogicalType::List))
            .with_fields(vec![Arc::new(repeated)])
            .build()
            .map_err(broken)
    }
}

pub(crate) fn broken(error: ParquetError) -> Error {
    let kind = match &error {
        ParquetError::External(inner) => inner
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind),
        _ => None,
    };
    let category = match kind {
        Some(std::io::ErrorKind::StorageFull) => Category::Exhausted,
        // Whoever was to get the table has left.
        Some(std::io::ErrorKind::BrokenPipe) => Category::Interrupted,
        _ => Category::Internal,
    };
    Error::new(category, "a table cannot be written").because(error)
}

enum Values {
    Bytes(Vec<ByteArray>),
    Flags(Vec<bool>),
    Integers(Vec<i32>),
    Longs(Vec<i64>),
    Doubles(Vec<f64>),
    Wide(Vec<FixedLenByteArray>),
}

/// The cells of one column in this row group. Dremel levels: <https://research.google/pubs/pub36632/>.
struct Column {
    values: Values,
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

impl Column {
    fn new(field: &Field) -> Self {
        let values = match field.kind.physical().0 {
            Physical::BOOLEAN => Values::Flags(Vec::new()),
            Physical::INT32 => Values::Integers(Vec::new()),
            Physical::INT64 => Values::Longs(Vec::new()),
            Physical::DOUBLE => Values::Doubles(Vec::new()),
            Physical::FIXED_LEN_BYTE_ARRAY => Values::Wide(Vec::new()),
            _ => Values::Bytes(Vec::new()),
        };
        Self {
            values,
            definition: Vec::new(),
            repetition: Vec::new(),
        }
    }

    /// The bytes that were added.
    fn push(&mut self, field: &Field, slot: Slot) -> Result<usize> {
        match (slot, field.list) {
            (Slot::Null, _) => self.level(field, 0, 0),
            (Slot::One(value), false) => {
                self.level(field, 1, 0);
                return Ok(self.value(value)? + 2);
            }
            (Slot::List(items), true) if items.is_empty() => self.level(field, 1, 0),
            (Slot::List(items), true) => {
                let mut bytes = 0;
                for (number, item) in items.into_iter().enumerate() {
                    let repetition = i16::from(number > 0);
                    bytes += 4;
                    match item {
                        None => self.level(field, 2, repetition),
                        Some(value) => {
                            self.level(field, 3, repetition);
                            bytes += self.value(value)?;
                        }
                    }
                }
                return Ok(bytes);
            }
            _ => return Err(mismatch()),
        }
        Ok(4)
    }

    fn level(&mut self, field: &Field, definition: i16, repetition: i16) {
        self.definition.push(definition);
        if field.list {
            self.repetition.push(repetition);
        }
    }

    fn value(&mut self, value: Scalar) -> Result<usize> {
        Ok(match (&mut self.values, value) {
            (Values::Bytes(values), Scalar::Text(text)) => {
                let length = text.len();
                values.push(ByteArray::from(text.into_bytes()));
                length + 32
            }
            (Values::Bytes(values), Scalar::Bytes(bytes)) => {
                let length = bytes.len();
                values.push(ByteArray::from(bytes));
                length + 32
            }
            (Values::Flags(values), Scalar::Flag(flag)) => {
                values.push(flag);
                1
            }
            (Values::Integers(values), Scalar::Integer(number)) => {
                values.push(i32::try_from(number).map_err(|_| mismatch())?);
                4
            }
            (Values::Longs(values), Scalar::Integer(number)) => {
                values.push(number);
                8
            }
            (Values::Longs(values), Scalar::Decimal(number)) => {
                values.push(i64::try_from(number).map_err(|_| mismatch())?);
                8
            }
            (Values::Doubles(values), Scalar::Double(number)) => {
                values.push(number);
                8
            }
            (Values::Wide(values), Scalar::Decimal(number)) => {
                values.push(FixedLenByteArray::from(number.to_be_bytes().to_vec()));
                48
            }
            _ => return Err(mismatch()),
        })
    }

    fn write(&self, column: &mut SerializedColumnWriter<'_>) -> Result<()> {
        match &self.values {
            Values::Bytes(values) => self.batch::<ByteArrayType>(column, values),
            Values::Flags(values) => self.batch::<BoolType>(column, values),
            Values::Integers(values) => self.batch::<Int32Type>(column, values),
            Values::Longs(values) => self.batch::<Int64Type>(column, values),
            Values::Doubles(values) => self.batch::<DoubleType>(column, values),
            Values::Wide(values) => self.batch::<FixedLenByteArrayType>(column, values),
        }
    }

    fn batch<T: DataType>(
        &self,
        column: &mut SerializedColumnWriter<'_>,
        values: &[T::T],
    ) -> Result<()> {
        let repetition = (!self.repetition.is_empty()).then_some(&self.repetition[..]);
        column
            .typed::<T>()
            .write_batch(values, Some(&self.definition), repetition)
            .map(drop)
            .map_err(broken)
    }
}

fn mismatch() -> Error {
    Error::internal("a cell does not fit its column")
}

/// Writes one table as its rows come. The same rows give the same bytes.
pub struct ParquetWriter<W: Write + Send> {
    fields: Vec<Field>,
    columns: Vec<Column>,
    writer: SerializedFileWriter<W>,
    pending: usize,
    bytes: usize,
    rows: u64,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// `name` is that of the schema's root.
    ///
    /// # Errors
    /// A field that Parquet cannot have: a decimal of more than 38 digits, two fields of a name.
    pub fn new(name: &str, fields: Vec<Field>, out: W) -> Result<Self> {
        let level = ZstdLevel::try_new(3).map_err(broken)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            // The library's version would make the same data differ between builds.
            .set_created_by("kura".to_owned())
            .build();
        let types = fields
            .iter()
            .map(|field| field.schema().map(Arc::new))
            .collect::<Result<_>>()?;
        let schema = Type::group_type_builder(name)
            .with_fields(types)
            .build()
            .map_err(broken)?;
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))
            .map_err(broken)?;
        Ok(Self {
            columns: fields.iter().map(Column::new).collect(),
            fields,
            writer,
            pending: 0,
            bytes: 0,
            rows: 0,
        })
    }

    /// Adds a row; a group that is full is not written before [`ParquetWriter::settle`].
    ///
    /// # Errors
    /// Another number of cells than of fields, or a cell that is not of its field.
    pub fn row(&mut self, row: impl IntoIterator<Item = Slot>) -> Result<()> {
        let mut count = 0;
        for slot in row {
            let (field, column) = self
                .fields
                .get(count)
                .zip(self.columns.get_mut(count))
                .ok_or_else(mismatch)?;
            self.bytes += column.push(field, slot)?;
            count += 1;
        }
        if count != self.fields.len() {
            return Err(mismatch());
        }
        self.pending += 1;
        Ok(())
    }

    /// Writes the row group if it is full.
    pub fn settle(&mut self) -> Result<()> {
        if self.pending >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group().map_err(broken)?;
        for (column, field) in self.columns.iter_mut().zip(&self.fields) {
            let Some(mut open) = group.next_column().map_err(broken)? else {
                return Err(mismatch());
            };
            // Gives its memory back as it is written.
            std::mem::replace(column, Column::new(field)).write(&mut open)?;
            open.close().map_err(broken)?;
        }
        group.close().map_err(broken)?;
        self.rows += self.pending as u64;
        self.pending = 0;
        self.bytes = 0;
        Ok(())
    }

    /// Closes the file; returns the number of rows and what was written to.
    pub fn finish(mut self) -> Result<(u64, W)> {
        self.flush()?;
        let out = self.writer.into_inner().map_err(broken)?;
        Ok((self.rows, out))
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;

    fn field(name: &str, kind: FieldKind, list: bool) -> Field {
        Field {
            name: name.to_owned(),
            kind,
            list,
        }
    }

    fn read(bytes: Vec<u8>) -> (usize, Vec<String>) {
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        let rows = reader.get_row_iter(None).unwrap();
        (
            reader.num_row_groups(),
            rows.map(|row| row.unwrap().to_string()).collect(),
        )
    }

    #[test]
    fn every_kind_and_lists_read_back() {
        use FieldKind::{Bytes, Date, Decimal, Double, Flag, Integer, Long, Micros, Text};
        let narrow = Decimal {
            precision: 9,
            scale: 2,
        };
        let wide = Decimal {
            precision: 38,
            scale: 10,
        };
        let kinds = [
            Text, Bytes, Flag, Integer, Long, Double, narrow, wide, Date, Micros,
        ];
        let mut fields: Vec<Field> = kinds
            .iter()
            .enumerate()
            .map(|(number, kind)| field(&format!("c{number}"), *kind, false))
            .collect();
        fields.push(field("l", Text, true));
        let mut writer = ParquetWriter::new("t", fields, Vec::new()).unwrap();
        let text = |text: &str| Scalar::Text(text.to_owned());
        writer
            .row([
                Slot::One(text("血圧")),
                Slot::One(Scalar::Bytes(vec![0, 255])),
                Slot::One(Scalar::Flag(true)),
                Slot::One(Scalar::Integer(-1)),
                Slot::One(Scalar::Integer(1 << 40)),
                Slot::One(Scalar::Double(0.5)),
                Slot::One(Scalar::Decimal(-12345)),
                Slot::One(Scalar::Decimal(-12_345_678_901_234_567_890_123_456_789)),
                Slot::One(Scalar::Integer(-1)),
                Slot::One(Scalar::Integer(1_500_000)),
                Slot::List(vec![Some(text("a")), None, Some(text("b"))]),
            ])
            .unwrap();
        let nulls = std::iter::repeat_n(Slot::Null, 10);
        writer
            .row(nulls.clone().chain([Slot::List(vec![])]))
            .unwrap();
        writer.row(nulls.chain([Slot::Null])).unwrap();
        let (rows, bytes) = writer.finish().unwrap();
        assert_eq!(rows, 3);
        let (_, shown) = read(bytes);
        for wanted in [
            "\"血圧\"",
            "[0, 255]",
            "true",
            "1099511627776",
            "0.5",
            "-123.45",
            "-1234567890123456789.0123456789",
            "1969-12-31",
            "1970-01-01 00:00:01.500",
            "[\"a\", null, \"b\"]",
        ] {
            assert!(shown[0].contains(wanted), "{wanted}: {}", shown[0]);
        }
        assert!(shown[1].ends_with("l: []}"), "{}", shown[1]);
        assert!(shown[2].ends_with("l: null}"), "{}", shown[2]);
    }

    #[test]
    fn groups_end_by_rows_and_by_bytes() {
        let fields = || vec![field("c", FieldKind::Text, false)];
        let groups = |rows: usize, length: usize| {
            let mut writer = ParquetWriter::new("t", fields(), Vec::new()).unwrap();
            for _ in 0..rows {
                let cell = Scalar::Text("x".repeat(length));
                writer.row([Slot::One(cell)]).unwrap();
                writer.settle().unwrap();
            }
            read(writer.finish().unwrap().1).0
        };
        assert_eq!(groups(0, 1), 0);
        assert_eq!(groups(50_001, 1), 2);
        assert_eq!(groups(17, 16 << 20), 3);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let mut writer =
            ParquetWriter::new("t", vec![field("c", FieldKind::Integer, false)], Vec::new())
                .unwrap();
        assert!(writer.row([]).is_err());
        assert!(writer.row([Slot::Null, Slot::Null]).is_err());
        assert!(writer.row([Slot::One(Scalar::Flag(true))]).is_err());
        assert!(writer.row([Slot::One(Scalar::Integer(1 << 40))]).is_err());
        assert!(writer.row([Slot::List(vec![])]).is_err());
    }
}
