//! In which order results come, and where a page ended.

use kura_model::Result;
use serde::{Deserialize, Serialize};

use crate::database::{Any, Row, Value};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// In the order of record numbers: oldest write first.
    Stored,
    /// Newest write first.
    StoredDescending,
    /// By these keys, then by record number. Records without a value come last.
    Keys(Vec<Key>),
}

impl Order {
    /// By the first date of a parameter.
    pub fn date(param: &str, descending: bool) -> Self {
        Order::Keys(vec![Key {
            by: By::Param {
                param: param.to_owned(),
                table: "ix_date",
            },
            descending,
        }])
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub by: By,
    pub descending: bool,
}

/// What a key compares: of several values the first in the direction of the sort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    Id,
    Written,
    /// A parameter and the search table it lies in.
    Param {
        param: String,
        table: &'static str,
    },
}

/// Where a page ended: the values sorted by and the record number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    pk: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keys: Vec<SortValue>,
}

impl Cursor {
    /// A page in record order ended with this record.
    pub fn at(pk: i64) -> Self {
        Self {
            pk,
            keys: Vec::new(),
        }
    }

    pub fn pk(&self) -> i64 {
        self.pk
    }

    pub(super) fn keys(&self) -> &[SortValue] {
        &self.keys
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum SortValue {
    Integer(i64),
    Real(f64),
    Text(String),
    Missing,
}

impl SortValue {
    /// `None` for a record without a value.
    pub(super) fn value(&self) -> Option<Value<'static>> {
        match self {
            SortValue::Integer(value) => Some(Value::Integer(Some(*value))),
            SortValue::Real(value) => Some(Value::Real(*value)),
            SortValue::Text(value) => Some(Value::Text(Some(value.clone().into()))),
            SortValue::Missing => None,
        }
    }
}

/// Reads `pk, key 1, key 2, …`.
pub(super) fn cursor(row: &Row<'_>, keys: usize) -> Result<Cursor> {
    Ok(Cursor {
        pk: row.get(0)?,
        keys: (1..=keys)
            .map(|column| {
                Ok(match row.get(column)? {
                    Any::Integer(value) => SortValue::Integer(value),
                    Any::Real(value) => SortValue::Real(value),
                    Any::Text(value) => SortValue::Text(value),
                    Any::Null => SortValue::Missing,
                })
            })
            .collect::<Result<_>>()?,
    })
}
