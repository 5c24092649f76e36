//! The rows of one resource.

use kura_fhirpath::{Environment, Expression, Item, Node, Temporal};
use kura_model::{Error, Result};
use serde_json::Value;

use super::{Each, Row, Select, ViewDefinition};

/// Rows one resource may have, and cells written for it: a view may join lists with each other.
const ROWS: usize = 100_000;
/// Repeats within repeats.
const DEPTH: usize = 200;

impl ViewDefinition {
    /// The rows of one resource; none if it is of another type or a filter leaves it out.
    ///
    /// # Errors
    /// A column with several values that is no collection, a filter that is no boolean, an
    /// expression that fails on this resource. The message names no value.
    pub fn rows(&self, resource: &Value) -> Result<Vec<Row>> {
        if resource.get("resourceType").and_then(Value::as_str) != Some(self.resource) {
            return Ok(Vec::new());
        }
        let mut variables = Vec::with_capacity(self.constants.len() + 1);
        for (name, value, kind) in &self.constants {
            let item = constant(value, kind)
                .ok_or_else(|| Error::invalid(format!("the constant {name} is not of its type")))?;
            variables.push((name.as_str().into(), vec![item]));
        }
        variables.push(("rowIndex".into(), vec![Item::Integer(0)]));
        let mut run = Run {
            environment: Environment {
                resource: Some(resource),
                variables,
                ..Environment::default()
            },
            width: self.columns.len(),
            collections: self
                .columns
                .iter()
                .map(|column| column.collection)
                .collect(),
            names: self
                .columns
                .iter()
                .map(|column| column.name.as_str())
                .collect(),
        };
        let root = Item::Node(Node::resource(resource));
        for filter in &self.filters {
            let keep = match &run.evaluate(filter, &root, 0)?[..] {
                [] => false,
                [item] => item
                    .as_bool()
                    .ok_or_else(|| Error::invalid("a filter of the view is no boolean"))?,
                _ => return Err(Error::invalid("a filter of the view has several values")),
            };
            if !keep {
                return Ok(Vec::new());
            }
        }
        let mut rows = vec![vec![Value::Null; self.columns.len()]];
        for select in &self.select {
            rows = joined(rows, &run.select(select, &root, 0)?)?;
        }
        Ok(rows)
    }
}

struct Run<'a> {
    environment: Environment<'a>,
    width: usize,
    collections: Vec<bool>,
    names: Vec<&'a str>,
}

impl<'a> Run<'a> {
    fn evaluate(
        &mut self,
        expression: &'a Expression,
        on: &Item<'a>,
        row: i64,
    ) -> Result<Vec<Item<'a>>> {
        if let Some((_, index)) = self.environment.variables.last_mut() {
            *index = vec![Item::Integer(row)];
        }
        expression
            .evaluate_on(on.clone(), &self.environment)
            .map_err(|error| Error::invalid(format!("the view: {error}")))
    }

    fn select(&mut self, select: &'a Select, on: &Item<'a>, row: i64) -> Result<Vec<Row>> {
        let foci = match &select.each {
            Each::Once => return self.part(select, on, row),
            Each::Item(path) => self.evaluate(path, on, row)?,
            Each::ItemOrNull(path) => {
                let found = self.evaluate(path, on, row)?;
                if found.is_empty() {
                    let nothing = Item::Node(Node::element(None, None, ""));
                    return self.part(select, &nothing, 0);
                }
                found
            }
            Each::Repeat(paths) => {
                let mut found = Vec::new();
                self.repeat(paths, on, row, 0, &mut found)?;
                found
            }
        };
        let mut out = Vec::new();
        for (index, focus) in foci.iter().enumerate() {
            out.extend(self.part(select, focus, i64::try_from(index).unwrap_or(i64::MAX))?);
            if out.len() > ROWS {
                return Err(too_many());
            }
        }
        Ok(out)
    }

    fn repeat(
        &mut self,
        paths: &'a [Expression],
        on: &Item<'a>,
        row: i64,
        depth: usize,
        out: &mut Vec<Item<'a>>,
    ) -> Result<()> {
        if depth >= DEPTH || out.len() > ROWS {
            return Err(too_many());
        }
        for path in paths {
            for item in self.evaluate(path, on, row)? {
                out.push(item.clone());
                self.repeat(paths, &item, row, depth + 1, out)?;
            }
        }
        Ok(())
    }

    /// The rows of one item.
    fn part(&mut self, select: &'a Select, on: &Item<'a>, row: i64) -> Result<Vec<Row>> {
        let mut cells = vec![Value::Null; self.width];
        for (column, path) in &select.columns {
            let mut values: Vec<Value> = self.evaluate(path, on, row)?.iter().map(shown).collect();
            cells[*column] = if self.collections[*column] {
                Value::Array(values)
            } else if values.len() > 1 {
                return Err(Error::invalid(format!(
                    "the column {} has several values and is no collection",
                    self.names[*column]
                )));
            } else {
                values.pop().unwrap_or(Value::Null)
            };
        }
        let mut rows = vec![cells];
        for inner in &select.select {
            rows = joined(rows, &self.select(inner, on, row)?)?;
        }
        if !select.union.is_empty() {
            let mut all = Vec::new();
            for part in &select.union {
                all.extend(self.select(part, on, row)?);
            }
            rows = joined(rows, &all)?;
        }
        Ok(rows)
    }
}

fn too_many() -> Error {
    Error::invalid("one resource gives too many rows of this view")
}

/// Each row of one side with each of the other; they fill different columns.
fn joined(left: Vec<Row>, right: &[Row]) -> Result<Vec<Row>> {
    if left.len().saturating_mul(right.len()) > ROWS {
        return Err(too_many());
    }
    let mut out = Vec::with_capacity(left.len() * right.len());
    for row in left {
        for other in right {
            out.push(
                row.iter()
                    .zip(other)
                    .map(|(cell, more)| if more.is_null() { cell } else { more }.clone())
                    .collect(),
            );
        }
    }
    Ok(out)
}

/// A constant of a view, as the item its `value[x]` says it is.
fn constant<'a>(value: &'a Value, kind: &str) -> Option<Item<'a>> {
    Some(match (kind, value) {
        (_, Value::Bool(value)) => Item::Boolean(*value),
        (_, Value::Number(number)) => match number.as_i64() {
            Some(value) => Item::Integer(value),
            None => Item::Decimal(number.to_string().parse().ok()?),
        },
        ("Date", value) => Item::Date(Temporal::parse_date(value.as_str()?)?),
        ("DateTime" | "Instant", value) => {
            Item::DateTime(Temporal::parse_date_time(value.as_str()?)?)
        }
        ("Time", value) => Item::Time(Temporal::parse_time(value.as_str()?)?),
        (_, value) => Item::from(value.as_str()?),
    })
}

fn shown(item: &Item<'_>) -> Value {
    match item {
        Item::Node(node) => node.json().cloned().unwrap_or_default(),
        Item::String(text) => text.to_string().into(),
        Item::Integer(value) => (*value).into(),
        Item::Decimal(value) => serde_json::from_str(&value.to_string()).unwrap_or_default(),
        Item::Boolean(value) => (*value).into(),
        Item::Date(value) | Item::DateTime(value) | Item::Time(value) => value.to_string().into(),
        Item::Quantity(value) => value.to_string().into(),
        Item::Type { name, .. } => (*name).into(),
    }
}
