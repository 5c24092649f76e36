//! What a record can be searched by. The standards crates make these, the store keeps them.

use crate::RecordKey;

/// Seconds since 1970-01-01T00:00:00Z.
pub type Seconds = i64;

/// One row of a search table. `param` is the full name of the search parameter, with the kind
/// in front: `Observation.code`.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexEntry {
    pub param: &'static str,
    pub value: IndexValue,
}

/// The value of a search parameter in one record, in the form it is searched by.
#[derive(Debug, Clone, PartialEq)]
pub enum IndexValue {
    Token {
        system: Option<String>,
        code: String,
    },
    /// Already folded for search; the store compares bytes.
    Text(String),
    /// The first and the last second the value may mean, both included.
    Date {
        low: Seconds,
        high: Seconds,
    },
    Number(f64),
    Quantity {
        value: f64,
        system: Option<String>,
        code: Option<String>,
    },
    /// A URI, or a text that codes carry: repeated in many records, kept once.
    Term(String),
    Reference(RecordKey),
    /// One of several values that belong together within the record: the code and the quantity
    /// of one component. Rows of one group are found together.
    Member {
        group: u16,
        value: Box<IndexValue>,
    },
}
