//! A search request, parsed and typed, before anything is looked up.
//! <https://hl7.org/fhir/R4/search.html>

mod criterion;
mod filter;
mod include;
mod parse;
mod query_string;

use std::sync::Arc;

use kura_model::RecordKey;

use crate::search_parameter::SearchParameter;

pub use criterion::prefix_and_rest;
pub use include::Include;
pub use parse::{compartment, parse, parse_expression};
pub use query_string::{decode, split_escaped};

/// FHIR R4 search.html#prefix
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Sa,
    Eb,
    /// About: within a tenth of the value, or of the time between it and now.
    Ap,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    Prefix,
    Exact,
    Contains,
    /// The folded text ends so; only of `_filter`.
    Suffix,
}

/// How a URI is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UriMatching {
    Exact,
    Below,
    Above,
}

/// One of the values of a parameter.
#[derive(Debug, Clone)]
pub enum Criterion {
    Token {
        system: Option<Option<String>>,
        code: Option<String>,
    },
    /// `:text` of a token, folded.
    CodeText(String),
    /// `:of-type`
    OfType {
        system: Option<Option<String>>,
        code_and_value: String,
    },
    /// `:in`, by the URL or the reference of a value set.
    ValueSet(String),
    /// `:above` and `:below` of a token: in the hierarchy of its code system.
    Hierarchy {
        system: Option<String>,
        code: String,
        below: bool,
    },
    Text {
        value: String,
        matching: Matching,
    },
    Date {
        prefix: Prefix,
        low: i64,
        high: i64,
    },
    Number {
        prefix: Prefix,
        low: f64,
        high: f64,
    },
    Quantity {
        prefix: Prefix,
        low: f64,
        high: f64,
        system: Option<String>,
        code: Option<String>,
        /// In UCUM's base units.
        base: bool,
    },
    Uri {
        value: String,
        matching: UriMatching,
    },
    Reference(RecordKey),
    /// An id without a type, of one of these types (of any if there are none).
    ReferenceId {
        kinds: Vec<&'static str>,
        id: String,
    },
    /// `:identifier`
    Identifier {
        system: Option<Option<String>>,
        code: Option<String>,
    },
    /// Chained: the target, of one of these types, satisfies the filter.
    Chain(Vec<Search>),
    /// The components of a composite, in their order.
    Composite(Vec<Criterion>),
    /// Within so many degrees of latitude and of longitude.
    Near {
        latitude: (f64, f64),
        longitude: (f64, f64),
    },
    Missing(bool),
}

#[derive(Debug, Clone)]
pub enum Filter {
    Id {
        any: Vec<String>,
        negated: bool,
    },
    /// Any of these ranges, in seconds.
    LastUpdated(Vec<(Prefix, i64, i64)>),
    Param {
        parameter: Arc<SearchParameter>,
        negated: bool,
        any: Vec<Criterion>,
    },
    /// `_has:Type:reference:param=value`
    Has {
        reference: Arc<SearchParameter>,
        from: Box<Search>,
    },
    /// In the compartment of this record, by any of these parameters.
    Compartment {
        of: RecordKey,
        by: Vec<Arc<SearchParameter>>,
    },
    /// All, one, not (`_filter`).
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
}

#[derive(Debug, Clone, Default)]
pub struct Search {
    pub kind: &'static str,
    pub filters: Vec<Filter>,
    pub sort: Vec<Sort>,
    pub count: Option<u32>,
    /// `_total=accurate` or `_summary=count`.
    pub total: bool,
    pub count_only: bool,
    pub include: Vec<Include>,
    pub revinclude: Vec<Include>,
    /// Parameters that were not understood, by name.
    pub ignored: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Sort {
    pub by: SortBy,
    pub descending: bool,
}

#[derive(Debug, Clone)]
pub enum SortBy {
    Id,
    LastUpdated,
    Param(Arc<SearchParameter>),
}
