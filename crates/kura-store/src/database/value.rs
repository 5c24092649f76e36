//! Values on their way into a statement and out of a row.

use std::borrow::Cow;
use std::error::Error as StdError;

use bytes::BytesMut;
use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::dialect;

/// A value of a statement. Lists are one value: a JSON array on SQLite, an array on PostgreSQL.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    Integer(Option<i64>),
    Real(f64),
    /// Text that is kept, not looked up by.
    Text(Option<Cow<'a, str>>),
    /// Text that is looked up by: an id, a code, a folded name. See [`dialect::key`].
    Key(Cow<'a, str>),
    Blob(Option<Cow<'a, [u8]>>),
    Integers(Cow<'a, [i64]>),
    Keys(Cow<'a, [String]>),
}

/// Values of one statement, each what [`Value::from`] makes of it.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$($crate::database::Value::from($value)),*][..]
    };
}
pub(crate) use values;

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::Integer(Some(value))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        Value::Integer(value)
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Value::Integer(Some(i64::from(value)))
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Value::Integer(Some(i64::from(value)))
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Value::Real(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Text(Some(Cow::Borrowed(value)))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Value::Text(value.map(Cow::Borrowed))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Value::Blob(Some(Cow::Borrowed(value)))
    }
}

impl<'a> From<&'a [i64]> for Value<'a> {
    fn from(value: &'a [i64]) -> Self {
        Value::Integers(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a [String]> for Value<'a> {
    fn from(value: &'a [String]) -> Self {
        Value::Keys(Cow::Borrowed(value))
    }
}

impl<'a> Value<'a> {
    pub(crate) fn key(text: &'a str) -> Self {
        Value::Key(Cow::Borrowed(text))
    }

    pub(crate) fn kind(&self) -> Type {
        match self {
            Value::Integer(_) => Type::INT8,
            Value::Real(_) => Type::FLOAT8,
            Value::Text(_) | Value::Key(_) => Type::TEXT,
            Value::Blob(_) => Type::BYTEA,
            Value::Integers(_) => Type::INT8_ARRAY,
            Value::Keys(_) => Type::TEXT_ARRAY,
        }
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let borrowed = match self {
            Value::Integer(None) | Value::Text(None) | Value::Blob(None) => ValueRef::Null,
            Value::Integer(Some(value)) => ValueRef::Integer(*value),
            Value::Real(value) => ValueRef::Real(*value),
            Value::Text(Some(text)) | Value::Key(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(Some(bytes)) => ValueRef::Blob(bytes),
            Value::Integers(numbers) => {
                let words: Vec<String> = numbers.iter().map(i64::to_string).collect();
                return Ok(ToSqlOutput::from(format!("[{}]", words.join(","))));
            }
            Value::Keys(texts) => {
                return Ok(ToSqlOutput::from(serde_json::json!(texts).to_string()));
            }
        };
        Ok(ToSqlOutput::Borrowed(borrowed))
    }
}

type Encoded = Result<IsNull, Box<dyn StdError + Sync + Send>>;

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Encoded {
        // A statement is prepared once for its text; the same text with values of another type
        // is a damaged page cursor.
        if *kind != self.kind() {
            return Err("a value of another type than the statement's".into());
        }
        match self {
            Value::Integer(value) => value.to_sql(kind, out),
            Value::Real(value) => value.to_sql(kind, out),
            Value::Text(value) => value.as_deref().map(dialect::text).to_sql(kind, out),
            Value::Key(value) => dialect::key(value).to_sql(kind, out),
            Value::Blob(value) => value.as_deref().to_sql(kind, out),
            Value::Integers(values) => (&**values).to_sql(kind, out),
            Value::Keys(values) => {
                let keys: Vec<_> = values.iter().map(|value| dialect::key(value)).collect();
                keys.to_sql(kind, out)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// One column of many rows.
pub(crate) enum Column<'a> {
    Integers(Vec<i64>),
    Maybe(Vec<Option<i64>>),
    Reals(Vec<f64>),
    /// Text that is looked up by.
    Keys(Vec<&'a str>),
    Texts(Vec<&'a str>),
    Blobs(Vec<&'a [u8]>),
}

impl Column<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Column::Integers(rows) => rows.len(),
            Column::Maybe(rows) => rows.len(),
            Column::Reals(rows) => rows.len(),
            Column::Keys(rows) | Column::Texts(rows) => rows.len(),
            Column::Blobs(rows) => rows.len(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn kind(&self) -> Type {
        match self {
            Column::Integers(_) | Column::Maybe(_) => Type::INT8_ARRAY,
            Column::Reals(_) => Type::FLOAT8_ARRAY,
            Column::Keys(_) | Column::Texts(_) => Type::TEXT_ARRAY,
            Column::Blobs(_) => Type::BYTEA_ARRAY,
        }
    }
}

impl ToSql for Column<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Encoded {
        match self {
            Column::Integers(rows) => rows.to_sql(kind, out),
            Column::Maybe(rows) => rows.to_sql(kind, out),
            Column::Reals(rows) => rows.to_sql(kind, out),
            Column::Keys(rows) => {
                let keys: Vec<_> = rows.iter().map(|row| dialect::key(row)).collect();
                keys.to_sql(kind, out)
            }
            Column::Texts(rows) => {
                let texts: Vec<_> = rows.iter().map(|row| dialect::text(row)).collect();
                texts.to_sql(kind, out)
            }
            Column::Blobs(rows) => rows.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl std::fmt::Debug for Column<'_> {
    /// Rows are a patient's: a message tells how many, never what.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows", self.len())
    }
}

/// What a column can be read as.
pub(crate) trait Get: Sized {
    fn sqlite(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Self>;
    fn postgres(row: &tokio_postgres::Row, column: usize) -> Result<Self, tokio_postgres::Error>;
}

macro_rules! get {
    ($($kind:ty),*) => {$(
        impl Get for $kind {
            fn sqlite(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Self> {
                row.get(column)
            }
            fn postgres(
                row: &tokio_postgres::Row,
                column: usize,
            ) -> Result<Self, tokio_postgres::Error> {
                row.try_get(column)
            }
        }
    )*};
}
get!(
    i64,
    Option<i64>,
    f64,
    String,
    Option<String>,
    Vec<u8>,
    Option<Vec<u8>>
);

impl Get for bool {
    fn sqlite(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Self> {
        row.get(column)
    }
    fn postgres(row: &tokio_postgres::Row, column: usize) -> Result<Self, tokio_postgres::Error> {
        row.try_get::<_, i64>(column).map(|value| value != 0)
    }
}

/// A hash: 32 bytes.
impl Get for [u8; 32] {
    fn sqlite(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Self> {
        row.get(column)
    }
    fn postgres(row: &tokio_postgres::Row, column: usize) -> Result<Self, tokio_postgres::Error> {
        row.try_get::<_, Hash>(column).map(|hash| hash.0)
    }
}

struct Hash([u8; 32]);

impl<'a> FromSql<'a> for Hash {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Hash(raw.try_into()?))
    }
    fn accepts(kind: &Type) -> bool {
        *kind == Type::BYTEA
    }
}

/// A column of a type that is known only when it is read: what a page is sorted by.
#[derive(Debug)]
pub(crate) enum Any {
    Integer(i64),
    Real(f64),
    Text(String),
    Null,
}

impl Get for Any {
    fn sqlite(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Self> {
        Ok(match row.get_ref(column)? {
            ValueRef::Integer(value) => Any::Integer(value),
            ValueRef::Real(value) => Any::Real(value),
            ValueRef::Text(value) => Any::Text(String::from_utf8_lossy(value).into_owned()),
            ValueRef::Null | ValueRef::Blob(_) => Any::Null,
        })
    }
    fn postgres(row: &tokio_postgres::Row, column: usize) -> Result<Self, tokio_postgres::Error> {
        let kind = row
            .columns()
            .get(column)
            .map(|column| column.type_().clone());
        Ok(match kind {
            Some(Type::FLOAT8) => row
                .try_get::<_, Option<f64>>(column)?
                .map_or(Any::Null, Any::Real),
            Some(Type::TEXT) => row
                .try_get::<_, Option<String>>(column)?
                .map_or(Any::Null, Any::Text),
            _ => row
                .try_get::<_, Option<i64>>(column)?
                .map_or(Any::Null, Any::Integer),
        })
    }
}
