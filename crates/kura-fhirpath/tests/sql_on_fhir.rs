//! The SQL on FHIR suite (`../shared/data/sql-on-fhir`), as far as it tests FHIRPath: a runner of
//! ViewDefinitions in a hundred lines, by the algorithm of SQL on FHIR 2.0, over this engine.
#![allow(clippy::print_stdout, reason = "figures of the suite")]

use std::path::Path;

use kura_fhirpath::{Environment, Expression, Item, Node, Temporal};
use serde_json::{Map, Value};

type Row = Map<String, Value>;

/// Tests of the shape of a ViewDefinition, which is no matter of this engine.
const OF_SHAPE: &[(&str, &str)] = &[
    ("union", "column mismatch"),
    ("union", "column order mismatch"),
    ("view_resource", "resource not specified"),
    ("validate", "empty"),
    ("validate", "missing resource"),
    ("validate", "wrong type in forEach"),
];

/// A JSON value and the FHIR type of its `value[x]` suffix, as the item a constant is.
fn constant(constant: &Value) -> Option<Item<'_>> {
    let (key, value) = constant
        .as_object()?
        .iter()
        .find(|(key, _)| key.starts_with("value"))?;
    Some(match (key.as_str(), value) {
        (_, Value::Bool(value)) => Item::Boolean(*value),
        (_, Value::Number(number)) => match number.as_i64() {
            Some(value) => Item::Integer(value),
            None => Item::Decimal(number.to_string().parse().ok()?),
        },
        ("valueDate", value) => Item::Date(Temporal::parse_date(value.as_str()?)?),
        ("valueDateTime" | "valueInstant", value) => {
            Item::DateTime(Temporal::parse_date_time(value.as_str()?)?)
        }
        ("valueTime", value) => Item::Time(Temporal::parse_time(value.as_str()?)?),
        (_, value) => Item::from(value.as_str()?),
    })
}

struct View<'a> {
    constants: Vec<(String, Item<'a>)>,
}

/// Leaks what it compiles and reads, so that rows may borrow from all of it: a test is short.
fn leaked<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

impl View<'static> {
    fn evaluate(
        &self,
        path: &str,
        on: &Item<'static>,
        row: i64,
    ) -> Result<Vec<Item<'static>>, String> {
        let expression = leaked(Expression::parse(path).map_err(|error| error.to_string())?);
        let mut variables: Vec<_> = self
            .constants
            .iter()
            .map(|(name, item)| (name.clone().into(), vec![item.clone()]))
            .collect();
        variables.push(("rowIndex".into(), vec![Item::Integer(row)]));
        let environment = Environment {
            variables,
            ..Environment::default()
        };
        expression
            .evaluate_on(on.clone(), &environment)
            .map_err(|error| error.to_string())
    }

    fn select(&self, select: &Value, on: &Item<'static>, row: i64) -> Result<Vec<Row>, String> {
        let each = |path: &Value| {
            path.as_str()
                .map(|path| self.evaluate(path, on, row))
                .transpose()
        };
        let mut foci = match (each(&select["forEach"])?, each(&select["forEachOrNull"])?) {
            (Some(items), _) => Some(items),
            (None, Some(items)) => Some(items),
            _ => None,
        };
        if let Some(paths) = select["repeat"].as_array() {
            let mut found = Vec::new();
            self.repeat(paths, on, row, &mut found)?;
            foci = Some(found);
        }
        let is_iterating = foci.is_some();
        let foci = foci.unwrap_or_else(|| vec![on.clone()]);
        if foci.is_empty() && !select["forEachOrNull"].is_null() {
            let nothing = Item::Node(Node::element(None, None, ""));
            return self.rows(select, &nothing, 0);
        }
        let mut out = Vec::new();
        for (index, focus) in foci.iter().enumerate() {
            let row = if is_iterating {
                i64::try_from(index).unwrap_or(0)
            } else {
                row
            };
            out.extend(self.rows(select, focus, row)?);
        }
        Ok(out)
    }

    fn repeat(
        &self,
        paths: &[Value],
        on: &Item<'static>,
        row: i64,
        out: &mut Vec<Item<'static>>,
    ) -> Result<(), String> {
        for path in paths {
            for item in self.evaluate(path.as_str().unwrap_or_default(), on, row)? {
                out.push(item.clone());
                self.repeat(paths, &item, row, out)?;
            }
        }
        Ok(())
    }

    fn rows(&self, select: &Value, focus: &Item<'static>, row: i64) -> Result<Vec<Row>, String> {
        let mut columns = Row::new();
        for column in select["column"].as_array().into_iter().flatten() {
            let path = column["path"].as_str().ok_or("a column without path")?;
            let items = self.evaluate(path, focus, row)?;
            let values: Vec<Value> = items.iter().map(shown).collect();
            let value = if column["collection"] == true {
                Value::Array(values)
            } else if values.len() > 1 {
                return Err("several values in a column".to_owned());
            } else {
                values.into_iter().next().unwrap_or(Value::Null)
            };
            columns.insert(
                column["name"].as_str().unwrap_or_default().to_owned(),
                value,
            );
        }
        let mut rows = vec![columns];
        for inner in select["select"].as_array().into_iter().flatten() {
            let more = self.select(inner, focus, row)?;
            rows = rows
                .iter()
                .flat_map(|left| more.iter().map(|right| joined(left, right)))
                .collect();
        }
        if let Some(parts) = select["unionAll"].as_array() {
            let mut more = Vec::new();
            for part in parts {
                more.extend(self.select(part, focus, row)?);
            }
            rows = rows
                .iter()
                .flat_map(|left| more.iter().map(|right| joined(left, right)))
                .collect();
        }
        Ok(rows)
    }
}

fn joined(left: &Row, right: &Row) -> Row {
    left.iter()
        .chain(right)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
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

fn view_rows(view: &'static Value, resources: &'static [Value]) -> Result<Vec<Row>, String> {
    let constants = view["constant"].as_array().into_iter().flatten();
    let runner = View {
        constants: constants
            .map(|one| {
                let name = one["name"].as_str().unwrap_or_default().to_owned();
                constant(one)
                    .map(|item| (name, item))
                    .ok_or("a constant without value")
            })
            .collect::<Result<_, _>>()?,
    };
    let mut rows = Vec::new();
    for resource in resources
        .iter()
        .filter(|one| one["resourceType"] == view["resource"])
    {
        let root = Item::Node(Node::resource(resource));
        let mut keep = true;
        for criterion in view["where"].as_array().into_iter().flatten() {
            let path = criterion["path"].as_str().ok_or("a filter without path")?;
            match runner.evaluate(path, &root, 0)?.as_slice() {
                [] => keep = false,
                [item] => keep &= item.as_bool().ok_or("a filter that is no boolean")?,
                _ => return Err("several values in a filter".to_owned()),
            }
        }
        if keep {
            rows.extend(runner.rows(view, &root, 0)?);
        }
    }
    Ok(rows)
}

/// Numbers by value, rows in any order.
fn comparable(rows: &[Row]) -> Vec<String> {
    let mut shown: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().filter(|(_, value)| !value.is_null());
            let mut cells: Vec<String> = cells
                .map(|(key, value)| match value.as_f64() {
                    Some(number) => format!("{key}={number}"),
                    None => format!("{key}={value}"),
                })
                .collect();
            cells.sort();
            cells.join(" ")
        })
        .collect();
    shown.sort();
    shown
}

#[test]
fn views_of_the_suite_come_out_as_it_expects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sql-on-fhir");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("SKIPPED: {} is not here", folder.display());
        return;
    };
    let (mut passed, mut wrong) = (0, Vec::new());
    for file in files.filter_map(Result::ok).map(|file| file.path()) {
        if file.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("a file of the suite");
        let suite: &'static Value = leaked(serde_json::from_str(&text).expect("JSON"));
        let resources = suite["resources"].as_array().map_or(&[][..], Vec::as_slice);
        for test in suite["tests"].as_array().expect("tests") {
            let text = |value: &'static Value| value.as_str().unwrap_or_default();
            let case = (text(&suite["title"]), text(&test["title"]));
            if OF_SHAPE.contains(&case) {
                continue;
            }
            let name = format!("{} {}", case.0, case.1);
            let rows = view_rows(&test["view"], resources);
            let fault = match (rows, test["expectError"] == true) {
                (Err(_), true) => None,
                (Ok(_), true) => Some("no error".to_owned()),
                (Err(error), false) => Some(error),
                (Ok(rows), false) => {
                    let expected: Vec<Row> =
                        serde_json::from_value(test["expect"].clone()).unwrap_or_default();
                    let (rows, expected) = (comparable(&rows), comparable(&expected));
                    let same = rows == expected || test["expect"].is_null();
                    (!same).then(|| format!("{rows:?} instead of {expected:?}"))
                }
            };
            match fault {
                None => passed += 1,
                Some(fault) => wrong.push(format!("{name}: {fault}")),
            }
        }
    }
    println!(
        "SQL on FHIR: {passed} views passed, {} are of the shape of views",
        OF_SHAPE.len()
    );
    assert!(
        wrong.is_empty(),
        "{} views:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
