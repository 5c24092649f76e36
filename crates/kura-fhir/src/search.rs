//! A search request, parsed and typed, before anything is looked up.
//!
//! This release knows the parameters of `data/search-parameters.tsv`, the prefixes of dates and
//! numbers, `:exact :contains :missing :not`, one step of chaining, `_has`, `_id`,
//! `_lastUpdated`, `_count`, `_sort` by a date and `_total`.

use kura_model::{Error, RecordKey, Result};

use crate::search_parameter::{Kind, SearchParameter, parameter, reference};
use crate::{date, resource_type, romaji, text};

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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    Prefix,
    Exact,
    Contains,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Criterion {
    Token {
        system: Option<Option<String>>,
        code: Option<String>,
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
    },
    Uri(String),
    Reference(RecordKey),
    /// Chained: the target, of this type, satisfies the filter.
    Chain(Box<Search>),
    Missing(bool),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    Id(Vec<String>),
    LastUpdated {
        prefix: Prefix,
        low: i64,
        high: i64,
    },
    Param {
        name: &'static str,
        kind: Kind,
        negated: bool,
        any: Vec<Criterion>,
    },
    /// `_has:Type:reference:param=value`
    Has {
        reference: &'static str,
        from: Box<Search>,
    },
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Search {
    pub kind: &'static str,
    pub filters: Vec<Filter>,
    /// Date parameter and direction.
    pub sort: Option<Sort>,
    pub count: Option<u32>,
    /// `_total=accurate` or `_summary=count`.
    pub total: bool,
    pub count_only: bool,
    /// Parameters that were not understood, by name.
    pub ignored: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sort {
    Date {
        name: &'static str,
        descending: bool,
    },
    LastUpdated {
        descending: bool,
    },
}

/// Parses `Type?name=value&…`, as a specification of a cohort has it.
pub fn parse_expression(expression: &str) -> Result<Search> {
    let (kind, query) = expression.split_once('?').unwrap_or((expression, ""));
    let search = parse(kind.trim(), &decode(query.trim())?)?;
    if let Some(name) = search.ignored.first() {
        // A cohort must never be wider than its author meant.
        return Err(Error::invalid(format!(
            "{kind} has no search parameter '{name}' here"
        )));
    }
    Ok(search)
}

/// Splits and percent-decodes a query string.
pub fn decode(query: &str) -> Result<Vec<(String, String)>> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((percent_decode(name)?, percent_decode(value)?))
        })
        .collect()
}

fn percent_decode(text: &str) -> Result<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| {
                    byte.and_then(|byte| char::from(byte).to_digit(16))
                        .ok_or_else(|| {
                            Error::invalid(
                                "a '%' in the query is not followed by two hexadecimal digits",
                            )
                        })
                };
                (digit(bytes.next())? * 16 + digit(bytes.next())?) as u8
            }
            other => other,
        });
    }
    String::from_utf8(out).map_err(|_| Error::invalid("the query is not UTF-8"))
}

/// Parses the parameters of a search of one type.
pub fn parse(kind: &str, params: &[(String, String)]) -> Result<Search> {
    let kind =
        resource_type(kind).ok_or_else(|| Error::not_found("not a resource type of FHIR R4"))?;
    let mut search = Search {
        kind,
        ..Search::default()
    };
    for (name, value) in params {
        if value.is_empty() && name != "_sort" {
            continue;
        }
        match name.as_str() {
            "_count" => {
                search.count = Some(
                    value
                        .parse()
                        .map_err(|_| Error::invalid("_count is a whole number"))?,
                );
            }
            "_total" => search.total = value == "accurate",
            "_summary" if value == "count" => {
                search.count_only = true;
                search.total = true;
            }
            // How the answer looks: `fhir_rest::shape` of the server.
            "_format" | "_pretty" | "_summary" | "_elements" => {}
            "_sort" => match sort(kind, value) {
                Some(sort) => search.sort = Some(sort),
                None => search.ignored.push(name.clone()),
            },
            "_id" => search
                .filters
                .push(Filter::Id(value.split(',').map(str::to_owned).collect())),
            "_lastUpdated" => {
                let (prefix, rest) = prefix(value);
                let (low, high) = date::range(rest).ok_or_else(|| not_a("date", name))?;
                search
                    .filters
                    .push(Filter::LastUpdated { prefix, low, high });
            }
            _ => match filter(kind, name, value)? {
                Some(filter) => search.filters.push(filter),
                None => search.ignored.push(name.clone()),
            },
        }
    }
    Ok(search)
}

fn sort(kind: &str, value: &str) -> Option<Sort> {
    let (code, descending) = match value.strip_prefix('-') {
        Some(code) => (code, true),
        None => (value, false),
    };
    if code == "_lastUpdated" {
        return Some(Sort::LastUpdated { descending });
    }
    parameter(kind, code)
        .filter(|parameter| parameter.kind == Kind::Date)
        .map(|parameter| Sort::Date {
            name: parameter.name,
            descending,
        })
}

fn filter(kind: &'static str, name: &str, value: &str) -> Result<Option<Filter>> {
    if let Some(rest) = name.strip_prefix("_has:") {
        return has(rest, value);
    }
    // subject:Patient.name=…, subject.name=…
    let (head, chain) = match name.split_once('.') {
        Some((head, chain)) => (head, Some(chain)),
        None => (name, None),
    };
    let (code, modifier) = match head.split_once(':') {
        Some((code, modifier)) => (code, Some(modifier)),
        None => (head, None),
    };
    let Some(parameter) = parameter(kind, code) else {
        return Ok(None);
    };
    if let Some(chain) = chain {
        return chained(parameter, modifier, chain, value);
    }
    let negated = modifier == Some("not");
    let any = if modifier == Some("missing") {
        vec![Criterion::Missing(value == "true")]
    } else {
        split_escaped(value)
            .into_iter()
            .map(|value| criterion(parameter, modifier, &value))
            .collect::<Result<_>>()?
    };
    Ok(Some(Filter::Param {
        name: parameter.name,
        kind: parameter.kind,
        negated,
        any,
    }))
}

fn has(rest: &str, value: &str) -> Result<Option<Filter>> {
    let mut parts = rest.splitn(3, ':');
    let (Some(from), Some(link), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Error::invalid(
            "_has is written _has:Type:reference:parameter",
        ));
    };
    let Some(from) = resource_type(from) else {
        return Ok(None);
    };
    let Some(link) = parameter(from, link).filter(|link| link.kind == Kind::Reference) else {
        return Ok(None);
    };
    let inner = parse(from, &[(name.to_owned(), value.to_owned())])?;
    if !inner.ignored.is_empty() {
        return Ok(None);
    }
    Ok(Some(Filter::Has {
        reference: link.name,
        from: Box::new(inner),
    }))
}

fn chained(
    parameter: &'static SearchParameter,
    modifier: Option<&str>,
    chain: &str,
    value: &str,
) -> Result<Option<Filter>> {
    // Without a type, the one target our compartment parameters have.
    let target = modifier.unwrap_or("Patient");
    let inner = parse(target, &[(chain.to_owned(), value.to_owned())])?;
    if parameter.kind != Kind::Reference || !inner.ignored.is_empty() {
        return Ok(None);
    }
    Ok(Some(Filter::Param {
        name: parameter.name,
        kind: Kind::Reference,
        negated: false,
        any: vec![Criterion::Chain(Box::new(inner))],
    }))
}

fn criterion(
    parameter: &SearchParameter,
    modifier: Option<&str>,
    value: &str,
) -> Result<Criterion> {
    let name = parameter.code;
    match (parameter.kind, modifier) {
        (Kind::Token, None | Some("not")) => Ok(token(value)),
        (Kind::Text, None | Some("exact" | "contains")) => {
            let matching = match modifier {
                Some("exact") => Matching::Exact,
                Some("contains") => Matching::Contains,
                _ => Matching::Prefix,
            };
            let value = if parameter.code == "phonetic" {
                romaji::kana_key(value).unwrap_or_else(|| romaji::key(value))
            } else {
                text::fold(value)
            };
            Ok(Criterion::Text { value, matching })
        }
        (Kind::Date, None) => {
            let (prefix, rest) = prefix(value);
            let (low, high) = date::range(rest).ok_or_else(|| not_a("date", name))?;
            Ok(Criterion::Date { prefix, low, high })
        }
        (Kind::Number, None) => {
            let (prefix, rest) = prefix(value);
            let (low, high) = number(rest).ok_or_else(|| not_a("number", name))?;
            Ok(Criterion::Number { prefix, low, high })
        }
        (Kind::Quantity, None) => {
            let (prefix, rest) = prefix(value);
            let mut parts = rest.split('|');
            let (low, high) = parts
                .next()
                .and_then(number)
                .ok_or_else(|| not_a("quantity", name))?;
            let mut part = || {
                parts
                    .next()
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
            };
            Ok(Criterion::Quantity {
                prefix,
                low,
                high,
                system: part(),
                code: part(),
            })
        }
        (Kind::Uri, None) => Ok(Criterion::Uri(value.to_owned())),
        (Kind::Reference, None) => {
            let target = if value.contains('/') {
                reference(value)
            } else if parameter.compartment || matches!(parameter.code, "subject" | "patient") {
                reference(&format!("Patient/{value}"))
            } else {
                None
            };
            target.map(Criterion::Reference).ok_or_else(|| {
                Error::invalid(format!("{name} takes a reference such as Patient/1"))
            })
        }
        (Kind::Reference, Some(kind)) => reference(&format!("{kind}/{value}"))
            .map(Criterion::Reference)
            .ok_or_else(|| Error::invalid(format!("{name} takes a reference such as Patient/1"))),
        (_, Some(_)) => Err(Error::invalid(format!(
            "{name} does not take this modifier here"
        ))),
    }
}

fn not_a(what: &str, name: &str) -> Error {
    Error::invalid(format!("{name} takes a {what}"))
}

/// FHIR R4 search.html#token
fn token(value: &str) -> Criterion {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    match value.split_once('|') {
        None => Criterion::Token {
            system: None,
            code: some(value),
        },
        Some((system, code)) => Criterion::Token {
            system: Some(some(system)),
            code: some(code),
        },
    }
}

fn prefix(value: &str) -> (Prefix, &str) {
    let known = [
        ("eq", Prefix::Eq),
        ("ne", Prefix::Ne),
        ("gt", Prefix::Gt),
        ("ge", Prefix::Ge),
        ("lt", Prefix::Lt),
        ("le", Prefix::Le),
        ("sa", Prefix::Sa),
        ("eb", Prefix::Eb),
    ];
    for (name, prefix) in known {
        if let Some(rest) = value.strip_prefix(name) {
            return (prefix, rest);
        }
    }
    (Prefix::Eq, value)
}

/// FHIR R4 search.html#number: `100` means 99.5 to 100.5, `100.00` means 99.995 to 100.005.
fn number(text: &str) -> Option<(f64, f64)> {
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    let digits = text.split(['e', 'E']).next()?;
    let places = digits
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len() as i32);
    let exponent: i32 = text
        .split_once(['e', 'E'])
        .map_or(Some(0), |(_, exponent)| exponent.parse().ok())?;
    let half = 0.5 * 10f64.powi(exponent - places);
    Some((value - half, value + half))
}

/// Splits at commas that are not escaped. FHIR R4 search.html#escaping.
fn split_escaped(value: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                if let (Some(last), Some(next)) = (out.last_mut(), letters.next()) {
                    last.push(next);
                }
            }
            ',' => out.push(String::new()),
            _ => {
                if let Some(last) = out.last_mut() {
                    last.push(letter);
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(expression: &str) -> Filter {
        parse_expression(expression).unwrap().filters.remove(0)
    }

    #[test]
    fn the_forms_of_a_token() {
        let system_code = |expression: &str| match one(expression) {
            Filter::Param { any, .. } => any[0].clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            system_code("Observation?code=http://loinc.org|718-7"),
            Criterion::Token {
                system: Some(Some("http://loinc.org".into())),
                code: Some("718-7".into())
            }
        );
        assert_eq!(
            system_code("Patient?gender=|male"),
            Criterion::Token {
                system: Some(None),
                code: Some("male".into())
            }
        );
    }

    #[test]
    fn an_unknown_parameter_in_a_cohort_is_an_error() {
        assert!(parse_expression("Patient?nickname=x").is_err());
        assert!(parse_expression("Nothing?x=y").is_err());
        assert_eq!(
            parse("Patient", &[("nickname".into(), "x".into())])
                .unwrap()
                .ignored,
            ["nickname"]
        );
    }

    #[test]
    fn numbers_mean_their_precision() {
        assert_eq!(number("100"), Some((99.5, 100.5)));
        assert_eq!(number("1e2"), Some((50.0, 150.0)));
        assert_eq!(number("x"), None);
    }

    #[test]
    fn chains_and_has() {
        assert!(matches!(
            one("Observation?subject:Patient.birthdate=1950"),
            Filter::Param {
                kind: Kind::Reference,
                ..
            }
        ));
        assert!(matches!(
            one("Patient?_has:Condition:patient:code=I10"),
            Filter::Has {
                reference: "Condition.patient",
                ..
            }
        ));
        assert_eq!(split_escaped(r"a\,b,c"), ["a,b", "c"]);
    }
}
