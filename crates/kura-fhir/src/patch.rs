//! JSON Patch (RFC 6902), the way FHIR R4 http.html#patch wants it; and, under the same name, a
//! FHIRPath Patch.
//!
//! The operations are applied one after another to a copy, and all or none count. What a patch
//! may cost is bounded: `copy` can double a document with every line.

use json_patch::{
    AddOperation, CopyOperation, MoveOperation, PatchErrorKind, PatchOperation, RemoveOperation,
    ReplaceOperation, jsonptr::PointerBuf,
};
use kura_model::{Category, Error, Result};
use serde_json::{Number, Value};

use crate::fhirpath_patch::Operations;
use crate::{outcome, resource};

/// What a patch is written in; its media type tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// RFC 6902.
    Json,
    /// A Parameters resource. FHIR R4 fhirpatch.html.
    FhirPath,
}

/// A patch that can be applied.
#[derive(Debug)]
pub struct Patch(Kind);

#[derive(Debug)]
enum Kind {
    Json(Vec<Operation>),
    FhirPath(Operations),
}

#[derive(Debug)]
enum Operation {
    Change(PatchOperation),
    /// Ours, because numbers are equal by value. RFC 6902 section 4.6.
    Test {
        path: PointerBuf,
        value: Value,
    },
}

/// Operations in one patch.
const OPERATIONS_AT_MOST: usize = 10_000;
/// Levels of the patched document, as many as a document may come with.
pub(crate) const LEVELS_AT_MOST: usize = 127;
/// Values all `copy` operations of one patch may copy together.
const COPIED_AT_MOST: usize = 200_000;

impl Patch {
    pub fn parse(bytes: &[u8], language: Language) -> Result<Self> {
        let patch = resource::parse_json(bytes).map_err(outcome::refused)?;
        match language {
            Language::Json => Self::from_value(patch),
            Language::FhirPath => Self::from_parameters(&patch),
        }
    }

    /// Takes JSON that is already parsed.
    pub fn from_value(patch: Value) -> Result<Self> {
        let Value::Array(items) = patch else {
            return Err(Error::invalid("a JSON Patch is a list of operations").coded("structure"));
        };
        if items.len() > OPERATIONS_AT_MOST {
            return Err(Error::invalid(format!(
                "a patch has at most {OPERATIONS_AT_MOST} operations"
            ))
            .coded("too-costly"));
        }
        items
            .into_iter()
            .enumerate()
            .map(|(index, item)| operation(item).map_err(|what| wrong(index, what)))
            .collect::<Result<_>>()
            .map(|operations| Self(Kind::Json(operations)))
    }

    /// A FHIRPath Patch: a Parameters resource. FHIR R4 fhirpatch.html.
    pub fn from_parameters(parameters: &Value) -> Result<Self> {
        Operations::parse(parameters).map(|operations| Self(Kind::FhirPath(operations)))
    }

    /// The patched document.
    ///
    /// # Errors
    /// `Unprocessable`: a `test` failed, or a path leads nowhere. The number of the operation is
    /// told, no path and no value.
    pub fn apply(&self, document: &Value) -> Result<Value> {
        let operations = match &self.0 {
            Kind::Json(operations) => operations,
            Kind::FhirPath(operations) => return operations.apply(document),
        };
        let mut document = document.clone();
        let mut copied = 0;
        for (index, operation) in operations.iter().enumerate() {
            match operation {
                Operation::Test { path, value } => {
                    let found = document
                        .pointer(path.as_str())
                        .ok_or_else(|| failed(index, "its path leads nowhere"))?;
                    if !equal(found, value) {
                        return Err(failed(index, "the test fails"));
                    }
                }
                Operation::Change(change) => {
                    let placed = match change {
                        PatchOperation::Add(add) => Some(&add.value),
                        PatchOperation::Replace(replace) => Some(&replace.value),
                        PatchOperation::Copy(copy) => document.pointer(copy.from.as_str()),
                        PatchOperation::Move(mov) => document.pointer(mov.from.as_str()),
                        _ => None,
                    };
                    if let Some(placed) = placed {
                        let above = change.path().tokens().count();
                        if above + levels(placed) > LEVELS_AT_MOST {
                            return Err(failed(index, "it nests too deep").coded("too-costly"));
                        }
                        if matches!(change, PatchOperation::Copy(_)) {
                            copied += values(placed);
                        }
                    }
                    if copied > COPIED_AT_MOST {
                        return Err(failed(index, "the patch copies too much").coded("too-costly"));
                    }
                    json_patch::patch_unsafe(&mut document, std::slice::from_ref(change)).map_err(
                        |error| {
                            failed(
                                index,
                                match error.kind {
                                    PatchErrorKind::TestFailed => "the test fails",
                                    PatchErrorKind::InvalidFromPointer => "its from leads nowhere",
                                    PatchErrorKind::CannotMoveInsideItself => {
                                        "it moves a value into itself"
                                    }
                                    _ => "its path leads nowhere",
                                },
                            )
                        },
                    )?;
                }
            }
        }
        Ok(document)
    }
}

pub(crate) fn wrong(index: usize, what: &str) -> Error {
    Error::invalid(format!("operation {index} of the patch: {what}")).coded("structure")
}

pub(crate) fn failed(index: usize, what: &str) -> Error {
    Error::new(
        Category::Unprocessable,
        format!("operation {index} of the patch: {what}"),
    )
}

fn operation(item: Value) -> std::result::Result<Operation, &'static str> {
    let Value::Object(mut item) = item else {
        return Err("not an object");
    };
    let pointer = |name: &str| -> std::result::Result<PointerBuf, &'static str> {
        item.get(name)
            .and_then(Value::as_str)
            .ok_or("path or from is missing")
            .and_then(|text| PointerBuf::parse(text).map_err(|_| "not a JSON Pointer"))
    };
    let name = item
        .get("op")
        .and_then(Value::as_str)
        .ok_or("op is missing")?
        .to_owned();
    let path = pointer("path")?;
    Ok(match name.as_str() {
        "remove" => Operation::Change(PatchOperation::Remove(RemoveOperation { path })),
        "move" | "copy" => {
            let from = pointer("from")?;
            Operation::Change(if name == "move" {
                PatchOperation::Move(MoveOperation { from, path })
            } else {
                PatchOperation::Copy(CopyOperation { from, path })
            })
        }
        "add" | "replace" | "test" => {
            let value = item.remove("value").ok_or("value is missing")?;
            match name.as_str() {
                "add" => Operation::Change(PatchOperation::Add(AddOperation { path, value })),
                "replace" => {
                    Operation::Change(PatchOperation::Replace(ReplaceOperation { path, value }))
                }
                _ => Operation::Test { path, value },
            }
        }
        _ => return Err("op is none of add, remove, replace, move, copy, test"),
    })
}

/// How many values there are in this one, itself included; long strings count by their length.
fn values(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(values).sum::<usize>(),
        Value::String(text) => 1 + text.len() / 64,
        _ => 1,
    }
}

/// Nesting of a value; the check above keeps it within what recursion can bear.
pub(crate) fn levels(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(levels).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}

/// RFC 6902 section 4.6: members in any order, numbers by value.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, a)| b.get(name).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}

fn same_number(a: &Number, b: &Number) -> bool {
    if a == b {
        return true;
    }
    // Whole numbers exactly; the rest as far as a double reaches.
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a == b,
        _ => a.as_f64() == b.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(document: Value, patch: Value) -> Result<Value> {
        Patch::from_value(patch)?.apply(&document)
    }

    /// The examples of RFC 6902 appendix A, by their numbers.
    #[test]
    fn appendix_a_of_the_standard() {
        let good = [
            (
                json!({"foo": "bar"}),
                json!([{"op": "add", "path": "/baz", "value": "qux"}]),
                json!({"baz": "qux", "foo": "bar"}),
            ),
            (
                json!({"foo": ["bar", "baz"]}),
                json!([{"op": "add", "path": "/foo/1", "value": "qux"}]),
                json!({"foo": ["bar", "qux", "baz"]}),
            ),
            (
                json!({"baz": "qux", "foo": "bar"}),
                json!([{"op": "remove", "path": "/baz"}]),
                json!({"foo": "bar"}),
            ),
            (
                json!({"foo": ["bar", "qux", "baz"]}),
                json!([{"op": "remove", "path": "/foo/1"}]),
                json!({"foo": ["bar", "baz"]}),
            ),
            (
                json!({"baz": "qux", "foo": "bar"}),
                json!([{"op": "replace", "path": "/baz", "value": "boo"}]),
                json!({"baz": "boo", "foo": "bar"}),
            ),
            (
                json!({"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}}),
                json!([{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}]),
                json!({"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}}),
            ),
            (
                json!({"foo": ["all", "grass", "cows", "eat"]}),
                json!([{"op": "move", "from": "/foo/1", "path": "/foo/3"}]),
                json!({"foo": ["all", "cows", "eat", "grass"]}),
            ),
            (
                json!({"baz": "qux", "foo": ["a", 2, "c"]}),
                json!([{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}]),
                json!({"baz": "qux", "foo": ["a", 2, "c"]}),
            ),
            (
                json!({"foo": "bar"}),
                json!([{"op": "add", "path": "/child", "value": {"grandchild": {}}}]),
                json!({"foo": "bar", "child": {"grandchild": {}}}),
            ),
            (
                json!({"foo": "bar"}),
                json!([{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}]),
                json!({"foo": "bar", "baz": "qux"}),
            ),
            (
                json!({"/": 9, "~1": 10}),
                json!([{"op": "test", "path": "/~01", "value": 10}]),
                json!({"/": 9, "~1": 10}),
            ),
            (
                json!({"foo": ["bar"]}),
                json!([{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}]),
                json!({"foo": ["bar", ["abc", "def"]]}),
            ),
        ];
        for (document, patch, wanted) in good {
            assert_eq!(patched(document, patch.clone()).unwrap(), wanted, "{patch}");
        }
        // A.9, A.12, A.15
        for (document, patch) in [
            (
                json!({"baz": "qux"}),
                json!([{"op": "test", "path": "/baz", "value": "bar"}]),
            ),
            (
                json!({"foo": "bar"}),
                json!([{"op": "add", "path": "/baz/bat", "value": "qux"}]),
            ),
            (
                json!({"/": 9, "~1": 10}),
                json!([{"op": "test", "path": "/~01", "value": "10"}]),
            ),
        ] {
            let error = patched(document, patch.clone()).unwrap_err();
            assert_eq!(error.category, Category::Unprocessable, "{patch}");
        }
    }

    #[test]
    fn numbers_keep_their_digits_and_are_equal_by_value() {
        let document = serde_json::from_str::<Value>(r#"{"value":1.50}"#).unwrap();
        let patch = serde_json::from_str::<Value>(
            r#"[{"op":"test","path":"/value","value":1.5},{"op":"add","path":"/low","value":2.00}]"#,
        )
        .unwrap();
        assert_eq!(
            patched(document, patch).unwrap().to_string(),
            r#"{"value":1.50,"low":2.00}"#
        );
    }

    #[test]
    fn foreign_patches_are_refused_without_their_values() {
        for patch in [
            json!({"op": "add"}),
            json!([{"op": "add", "path": "/a"}]),
            json!([{"op": "add", "path": "secret", "value": 1}]),
            json!([{"op": "secret", "path": "/a"}]),
            json!([{"op": "copy", "path": "/a"}]),
            json!(["secret"]),
        ] {
            let error = Patch::from_value(patch).unwrap_err();
            assert_eq!(error.category, Category::Invalid);
            assert!(!error.message().contains("secret"));
        }
    }

    /// A small world, so that paths often lead somewhere.
    fn document() -> impl proptest::strategy::Strategy<Value = Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|flag| json!(flag)),
            (0..3).prop_map(|number| json!(number)),
            "[a-c]{0,2}".prop_map(|text| json!(text)),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest::proptest! {
        /// Whatever is applied, it is refused or leaves JSON that can be read again.
        #[test]
        fn any_patch_ends_well(
            before in document(),
            operations in proptest::collection::vec(
                ("add|remove|replace|move|copy|test", "(/([a-c]|0|1|-|~0|~1)){0,4}", "(/([a-c]|0|1)){0,3}", document()),
                0..12,
            ),
        ) {
            let patch: Vec<Value> = operations
                .into_iter()
                .map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}))
                .collect();
            if let Ok(after) = patched(before, Value::Array(patch)) {
                let text = after.to_string();
                proptest::prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), after);
            }
        }
    }

    #[test]
    fn a_patch_neither_explodes_nor_digs() {
        let times = |count: usize, operation: Value| Value::Array(vec![operation; count]);
        for (patch, said) in [
            (
                times(64, json!({"op": "copy", "from": "/a", "path": "/a/-"})),
                "copies too much",
            ),
            (
                times(500, json!({"op": "copy", "from": "", "path": "/a"})),
                "nests too deep",
            ),
            (
                json!([{"op": "add", "path": "/a".repeat(200), "value": 1}]),
                "nests too deep",
            ),
        ] {
            let error = patched(json!({"a": [1, 2, 3]}), patch).unwrap_err();
            assert_eq!(error.code(), Some("too-costly"));
            assert!(error.message().contains(said), "{error}");
        }
    }
}
