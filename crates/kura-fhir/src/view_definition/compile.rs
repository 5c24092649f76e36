//! From the resource to the compiled view.

use kura_fhirpath::Expression;
use kura_model::{Error, Result};
use serde_json::Value;

use super::{Column, Each, Select, ViewDefinition};
use crate::resource_type;

/// Selects within selects.
const DEPTH: usize = 32;
const COLUMNS: usize = 1_000;

fn wrong(place: &str, what: &str) -> Error {
    Error::invalid(format!("{place}: {what}"))
}

fn list<'a>(value: &'a Value, name: &str, place: &str) -> Result<&'a [Value]> {
    match value.get(name) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(wrong(&format!("{place}.{name}"), "has to be a list")),
    }
}

fn expression(value: &Value, place: &str) -> Result<Expression> {
    let text = value
        .as_str()
        .ok_or_else(|| wrong(place, "has to be a FHIRPath expression"))?;
    Expression::parse(text).map_err(|error| wrong(place, &error.to_string()))
}

impl ViewDefinition {
    /// Compiles a ViewDefinition. An error names the place and the rule.
    pub fn parse(view: &Value) -> Result<Self> {
        let resource = view
            .get("resource")
            .and_then(Value::as_str)
            .and_then(resource_type)
            .ok_or_else(|| wrong("resource", "has to be a resource type of FHIR R4"))?;
        let mut compiler = Compiler::default();
        let parts = list(view, "select", "")?;
        if parts.is_empty() {
            return Err(wrong("select", "a view needs at least one"));
        }
        let select = parts
            .iter()
            .enumerate()
            .map(|(at, part)| compiler.select(part, &format!("select[{at}]"), 0))
            .collect::<Result<_>>()?;
        let filters = list(view, "where", "")?
            .iter()
            .enumerate()
            .map(|(at, filter)| {
                expression(
                    filter.get("path").unwrap_or(&Value::Null),
                    &format!("where[{at}].path"),
                )
            })
            .collect::<Result<_>>()?;
        let constants = list(view, "constant", "")?
            .iter()
            .enumerate()
            .map(|(at, constant)| {
                let place = format!("constant[{at}]");
                let name = constant
                    .get("name")
                    .and_then(Value::as_str)
                    .ok_or_else(|| wrong(&place, "has no name"))?;
                let (kind, value) = constant
                    .as_object()
                    .into_iter()
                    .flatten()
                    .find_map(|(key, value)| Some((key.strip_prefix("value")?, value)))
                    .ok_or_else(|| wrong(&place, "has no value"))?;
                Ok((name.to_owned(), value.clone(), kind.to_owned()))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            resource,
            name: view.get("name").and_then(Value::as_str).map(str::to_owned),
            columns: compiler.columns,
            constants,
            filters,
            select,
        })
    }
}

#[derive(Default)]
struct Compiler {
    columns: Vec<Column>,
}

impl Compiler {
    fn select(&mut self, part: &Value, place: &str, depth: usize) -> Result<Select> {
        if depth >= DEPTH {
            return Err(wrong(place, "lies too deep"));
        }
        let each = each(part, place)?;
        let mut columns = Vec::new();
        for (at, column) in list(part, "column", place)?.iter().enumerate() {
            let place = format!("{place}.column[{at}]");
            let path = column
                .get("path")
                .ok_or_else(|| wrong(&place, "has no path"))?;
            let path = expression(path, &format!("{place}.path"))?;
            let name = column
                .get("name")
                .and_then(Value::as_str)
                .filter(|name| is_name(name))
                .ok_or_else(|| {
                    wrong(
                        &place,
                        "needs a name of letters, digits and _ that begins with a letter",
                    )
                })?;
            if self.columns.iter().any(|known| known.name == name) {
                return Err(wrong(&place, "there is a column of this name already"));
            }
            if self.columns.len() >= COLUMNS {
                return Err(wrong(&place, "there are too many columns"));
            }
            columns.push((self.columns.len(), path));
            self.columns.push(Column {
                name: name.to_owned(),
                kind: column
                    .get("type")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                collection: column.get("collection") == Some(&Value::Bool(true)),
                ansi_type: ansi_type(column),
            });
        }
        let select = list(part, "select", place)?
            .iter()
            .enumerate()
            .map(|(at, inner)| self.select(inner, &format!("{place}.select[{at}]"), depth + 1))
            .collect::<Result<_>>()?;
        let union = self.union(list(part, "unionAll", place)?, place, depth)?;
        Ok(Select {
            each,
            columns,
            select,
            union,
        })
    }

    /// The parts of a union have the same columns in the same order, and are one set of columns.
    fn union(&mut self, parts: &[Value], place: &str, depth: usize) -> Result<Vec<Select>> {
        let first = self.columns.len();
        let mut out = Vec::new();
        let mut of_first: Option<Vec<Column>> = None;
        for (at, part) in parts.iter().enumerate() {
            let place = format!("{place}.unionAll[{at}]");
            self.columns.truncate(first);
            out.push(self.select(part, &place, depth + 1)?);
            let these = self.columns[first..].to_vec();
            match &of_first {
                None => of_first = Some(these),
                Some(known) => {
                    let names = |columns: &[Column]| -> Vec<String> {
                        columns.iter().map(|column| column.name.clone()).collect()
                    };
                    if names(known) != names(&these) {
                        return Err(wrong(
                            &place,
                            "has other columns than the first part of the union, or in another order",
                        ));
                    }
                }
            }
        }
        if let Some(known) = of_first {
            self.columns.truncate(first);
            self.columns.extend(known);
        }
        Ok(out)
    }
}

fn each(part: &Value, place: &str) -> Result<Each> {
    let ways = ["forEach", "forEachOrNull", "repeat"]
        .iter()
        .filter(|name| part.get(**name).is_some())
        .count();
    if ways > 1 {
        return Err(wrong(
            place,
            "only one of forEach, forEachOrNull and repeat",
        ));
    }
    if let Some(path) = part.get("forEach") {
        return Ok(Each::Item(expression(path, &format!("{place}.forEach"))?));
    }
    if let Some(path) = part.get("forEachOrNull") {
        return Ok(Each::ItemOrNull(expression(
            path,
            &format!("{place}.forEachOrNull"),
        )?));
    }
    let paths = list(part, "repeat", place)?;
    if paths.is_empty() {
        return Ok(Each::Once);
    }
    paths
        .iter()
        .enumerate()
        .map(|(at, path)| expression(path, &format!("{place}.repeat[{at}]")))
        .collect::<Result<_>>()
        .map(Each::Repeat)
}

fn ansi_type(column: &Value) -> Option<String> {
    column
        .get("tag")?
        .as_array()?
        .iter()
        .find(|tag| tag["name"] == "ansi/type")?
        .get("value")?
        .as_str()
        .map(str::to_owned)
}

/// `^[A-Za-z][A-Za-z0-9_]*$`, the invariant sql-name.
pub fn is_name(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
