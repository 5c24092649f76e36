//! `_filter`: tests joined by `and`, `or`, `not`. <https://hl7.org/fhir/R4/search_filter.html>
//!
//! Each test is made an ordinary parameter of the search. `and` beside `or` needs parentheses: the
//! grammar does not say which goes first. A filter within a path (`related[…].target`) is refused.

use kura_model::{Error, Result};

use super::criterion::criteria;
use super::parse::Parser;
use super::{Criterion, Filter, Matching, Prefix, Search};
use crate::search_parameter::{Kind, form};

/// Parentheses within one another, and tests of one filter.
const NESTED: usize = 16;
const TESTS: usize = 50;

/// Operators that compare values of an order, as the prefixes of search do.
const PREFIXES: [&str; 7] = ["gt", "lt", "ge", "le", "ap", "sa", "eb"];

/// Parses the value of `_filter`. `None` if a parameter is not known.
pub(super) fn filter(
    parser: &Parser<'_>,
    kind: &'static str,
    text: &str,
) -> Result<Option<Filter>> {
    let mut words = Words {
        rest: text,
        parser,
        kind,
        nested: 0,
        tests: 0,
        unknown: false,
    };
    let filter = words.any()?;
    if words.rest.trim_start().is_empty() {
        Ok((!words.unknown).then_some(filter))
    } else {
        Err(wrong("something stands behind its end"))
    }
}

fn wrong(what: &str) -> Error {
    Error::invalid(format!("_filter: {what}"))
}

struct Words<'a> {
    rest: &'a str,
    parser: &'a Parser<'a>,
    kind: &'static str,
    nested: usize,
    tests: usize,
    unknown: bool,
}

impl<'a> Words<'a> {
    /// One or more filters with the same word between them.
    fn any(&mut self) -> Result<Filter> {
        let first = self.one()?;
        let joined = match () {
            () if self.word("and") => "and",
            () if self.word("or") => "or",
            () => return Ok(first),
        };
        let mut all = vec![first, self.one()?];
        while self.word(joined) {
            all.push(self.one()?);
        }
        if self.word("and") || self.word("or") {
            return Err(wrong("'and' beside 'or' needs parentheses"));
        }
        Ok(if joined == "and" {
            Filter::All(all)
        } else {
            Filter::Any(all)
        })
    }

    fn one(&mut self) -> Result<Filter> {
        self.rest = self.rest.trim_start();
        let after_not = self.rest.strip_prefix("not").map(str::trim_start);
        if let Some(rest) = after_not.filter(|rest| rest.starts_with('(')) {
            self.rest = rest;
            return Ok(Filter::Not(Box::new(self.parenthesis()?)));
        }
        if self.rest.starts_with('(') {
            return self.parenthesis();
        }
        self.test()
    }

    fn parenthesis(&mut self) -> Result<Filter> {
        self.nested += 1;
        if self.nested > NESTED {
            return Err(wrong(&format!(
                "at most {NESTED} parentheses within one another"
            )));
        }
        self.rest = &self.rest[1..];
        let inner = self.any()?;
        self.nested -= 1;
        self.rest = self
            .rest
            .trim_start()
            .strip_prefix(')')
            .ok_or_else(|| wrong("a parenthesis is not closed"))?;
        Ok(inner)
    }

    /// Takes the word if it comes next.
    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(word) {
            Some(after) if after.starts_with(|c: char| c.is_whitespace() || c == '(') => {
                self.rest = after;
                true
            }
            _ => false,
        }
    }

    fn token(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let end = rest
            .find(|letter: char| letter.is_whitespace() || matches!(letter, ')' | ']' | '['))
            .unwrap_or(rest.len());
        let (token, rest) = rest.split_at(end);
        self.rest = rest;
        token
    }

    fn test(&mut self) -> Result<Filter> {
        self.tests += 1;
        if self.tests > TESTS {
            return Err(wrong(&format!("at most {TESTS} tests")));
        }
        let path = self.token();
        if self.rest.starts_with('[') {
            return Err(wrong("a filter within a path is not evaluated here"));
        }
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.:".contains(letter);
        if path.is_empty() || !path.chars().all(plain) {
            return Err(wrong("a test is written: parameter operator value"));
        }
        let operator = self.token();
        let value = self.value()?;
        if value.is_empty() {
            return Err(wrong("a test has no value"));
        }
        self.made(path, operator, &value)
    }

    /// A JSON string or a token.
    fn value(&mut self) -> Result<String> {
        let rest = self.rest.trim_start();
        if !rest.starts_with('"') {
            return Ok(self.token().to_owned());
        }
        let mut strings = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        match strings.next() {
            Some(Ok(text)) => {
                self.rest = &rest[strings.byte_offset()..];
                Ok(text)
            }
            _ => Err(wrong("a text is not a JSON string")),
        }
    }

    /// The parameter that a test is.
    fn made(&mut self, path: &str, operator: &str, value: &str) -> Result<Filter> {
        if let Some((head, chain)) = path.split_once('.') {
            let (code, of) = match head.split_once(':') {
                Some((code, of)) => (code, Some(of)),
                None => (head, None),
            };
            let Some(parameter) = self.parser.registry.parameter(self.kind, code) else {
                return Ok(self.not_known());
            };
            let chained = self.parser.chained(parameter, of, &|parser, kind| {
                let mut inner = Words {
                    parser,
                    kind,
                    rest: "",
                    ..*self
                };
                let filter = inner.made(chain, operator, value)?;
                Ok((!inner.unknown).then(|| Search {
                    kind,
                    filters: vec![filter],
                    ..Search::default()
                }))
            })?;
            return Ok(chained.unwrap_or_else(|| self.not_known()));
        }
        let text = escaped(value);
        let plain = |parser: &mut Self, name: String, value: &str| parser.parameter(&name, value);
        match operator {
            "eq" => self.equal(path, &text),
            "ne" if path == "_id" => plain(self, "_id:not".to_owned(), &text),
            "ne" if self.is_ordered(path) => plain(self, path.to_owned(), &format!("ne{text}")),
            "ne" => {
                let there = self.parameter(&format!("{path}:missing"), "false")?;
                let equal = self.equal(path, &text)?;
                Ok(Filter::All(vec![there, Filter::Not(Box::new(equal))]))
            }
            "co" => plain(self, format!("{path}:contains"), &text),
            "sw" => plain(self, path.to_owned(), &text),
            "ew" => self.matching(path, &text, |criterion| match criterion {
                Criterion::Text { value, .. } => Some(vec![
                    Criterion::Text {
                        value: form::begun(&value),
                        matching: Matching::Contains,
                    },
                    Criterion::Text {
                        value,
                        matching: Matching::Suffix,
                    },
                ]),
                _ => None,
            }),
            "pr" if matches!(value, "true" | "false") => {
                let missing = if value == "true" { "false" } else { "true" };
                plain(self, format!("{path}:missing"), missing)
            }
            "pr" => Err(wrong("pr takes true or false")),
            // The periods overlap: as `ap` without its tolerance.
            "po" => self.matching(path, &text, |criterion| match criterion {
                Criterion::Date { low, high, .. } => Some(vec![Criterion::Date {
                    prefix: Prefix::Ap,
                    low,
                    high,
                }]),
                _ => None,
            }),
            "ss" => plain(self, format!("{path}:below"), &text),
            "sb" => plain(self, format!("{path}:above"), &text),
            "in" => plain(self, format!("{path}:in"), &text),
            "re" => self.matching(path, &text, |criterion| {
                matches!(
                    criterion,
                    Criterion::Reference(_) | Criterion::ReferenceId { .. }
                )
                .then(|| vec![criterion])
            }),
            _ if PREFIXES.contains(&operator) => {
                plain(self, path.to_owned(), &format!("{operator}{text}"))
            }
            _ => Err(wrong("this is no operator of it")),
        }
    }

    /// Whether its values are compared by prefixes.
    fn is_ordered(&self, path: &str) -> bool {
        let parameter = self.parser.registry.parameter(self.kind, path);
        path == "_lastUpdated"
            || parameter.is_some_and(|parameter| {
                matches!(parameter.kind, Kind::Date | Kind::Number | Kind::Quantity)
            })
    }

    fn parameter(&mut self, name: &str, value: &str) -> Result<Filter> {
        match self.parser.test(self.kind, name, value)? {
            Some(filter) => Ok(filter),
            None => Ok(self.not_known()),
        }
    }

    fn not_known(&mut self) -> Filter {
        self.unknown = true;
        Filter::All(Vec::new())
    }

    /// Texts are equal if they fold to the same; all else as a search compares it.
    fn equal(&mut self, path: &str, text: &str) -> Result<Filter> {
        let parameter = self.parser.registry.parameter(self.kind, path);
        if parameter.is_none_or(|parameter| parameter.kind != Kind::Text || parameter.phonetic) {
            return self.parameter(path, text);
        }
        self.matching(path, text, |criterion| match criterion {
            Criterion::Text { value, .. } => Some(vec![
                Criterion::Text {
                    value: form::begun(&value),
                    matching: Matching::Prefix,
                },
                Criterion::Text {
                    value,
                    matching: Matching::Exact,
                },
            ]),
            _ => None,
        })
    }

    /// A test whose criteria are not those of any modifier.
    fn matching(
        &mut self,
        path: &str,
        text: &str,
        change: impl Fn(Criterion) -> Option<Vec<Criterion>>,
    ) -> Result<Filter> {
        let Some(parameter) = self.parser.registry.parameter(self.kind, path) else {
            return Ok(self.not_known());
        };
        let criteria = criteria(self.parser.registry, self.kind, parameter, None, text)?;
        let any: Option<Vec<Vec<Criterion>>> = criteria.into_iter().map(change).collect();
        Ok(Filter::Param {
            parameter: parameter.clone(),
            negated: false,
            any: any
                .ok_or_else(|| wrong(&format!("{path} does not take this operator")))?
                .concat(),
        })
    }
}

/// What stands in a search has these escaped.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for letter in value.chars() {
        if matches!(letter, '\\' | ',' | '$') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::parse_expression;
    use crate::search_parameter::Registry;

    fn asked(kind: &str, text: &str) -> Result<Vec<Filter>> {
        let value = text
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>();
        parse_expression(Registry::r4(), &format!("{kind}?_filter={value}"))
            .map(|search| search.filters)
    }

    #[test]
    fn tests_are_joined_by_words_and_parentheses() {
        // The examples of search_filter.html that R4's parameters have.
        for (kind, text) in [
            ("Patient", r#"name co "pet""#),
            ("Patient", r#"given eq "peter" and birthdate ge 2014-10-10"#),
            ("Observation", "code eq http://loinc.org|1234-5"),
            ("Observation", r#"subject.name co "pet""#),
            ("Observation", "not(status eq final) or (code pr false)"),
            ("Observation", "date po 2026-06 and subject re Patient/1"),
            ("Encounter", "_id ne 1 and _lastUpdated gt 2020"),
        ] {
            let filters = asked(kind, text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(filters.len(), 1, "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let deep = format!("{}gender eq male{}", "(".repeat(40), ")".repeat(40));
        let many = vec!["gender eq male"; 60].join(" and ");
        for text in [
            "gender",
            "gender eq",
            "gender is male",
            "gender eq male and",
            "(gender eq male",
            "gender eq male)",
            r#"name co "pet"#,
            "gender eq male and active eq true or deceased pr true",
            "link[type eq seealso].other pr true",
            "gender co male",
            "birthdate ew 1",
            "name po 2020",
            "name pr perhaps",
            "_count eq 1",
            "_filter eq x",
            &deep,
            &many,
        ] {
            assert!(asked("Patient", text).is_err(), "{text}");
        }
        // A parameter that is not known is left out, as any other.
        let search = crate::search::parse(
            Registry::r4(),
            "Patient",
            &[("_filter".into(), "nickname eq x or gender eq male".into())],
        );
        assert_eq!(search.unwrap().ignored, ["_filter"]);
    }
}
