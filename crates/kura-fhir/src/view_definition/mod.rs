//! ViewDefinition: a table made of resources by FHIRPath. SQL on FHIR 2.0,
//! <https://sql-on-fhir.org/ig/latest/StructureDefinition-ViewDefinition.html>.
//!
//! A view is compiled once and asked for the rows of one resource at a time, so that memory does
//! not grow with the table.

mod compile;
mod run;

pub use compile::is_name;
use kura_fhirpath::Expression;
use serde_json::Value;

/// A compiled view.
#[derive(Debug)]
pub struct ViewDefinition {
    /// The type whose resources it reads.
    pub resource: &'static str,
    pub name: Option<String>,
    columns: Vec<Column>,
    constants: Vec<(String, Value, String)>,
    filters: Vec<Expression>,
    select: Vec<Select>,
}

/// A column of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// The FHIR type the view says it has.
    pub kind: Option<String>,
    /// Its cells are lists.
    pub collection: bool,
    /// The type of SQL (ISO/IEC 9075) that the tag `ansi/type` asks for.
    pub ansi_type: Option<String>,
}

/// What a part of a view repeats over.
#[derive(Debug)]
enum Each {
    Once,
    Item(Expression),
    /// A row of nulls where there is no item.
    ItemOrNull(Expression),
    /// What the expressions find, and what they find in that, and so on.
    Repeat(Vec<Expression>),
}

#[derive(Debug)]
struct Select {
    each: Each,
    /// Which column, and what is in it.
    columns: Vec<(usize, Expression)>,
    select: Vec<Select>,
    union: Vec<Select>,
}

/// One row: a cell for each column, null where there is none.
pub type Row = Vec<Value>;

impl ViewDefinition {
    /// The columns in their order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
}
