//! A JSON value that knows its path, so that a refusal can name it.

use kura_model::Refusal;
use serde_json::Value;

#[derive(Clone)]
pub(super) struct Node<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            value,
            path: String::new(),
        }
    }

    pub(super) fn refuse(&self, message: &str) -> Refusal {
        Refusal::new("cats-shape", message).at_path(self.path.clone())
    }

    /// A member that is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<Node<'a>> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Node {
            value,
            path: self.below(name),
        })
    }

    fn below(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    pub(super) fn object(&self, name: &str) -> Result<Node<'a>, Refusal> {
        self.get(name)
            .filter(|node| node.value.is_object())
            .ok_or_else(|| self.missing(name, "an object is required here"))
    }

    fn missing(&self, name: &str, message: &str) -> Refusal {
        Refusal::new("cats-shape", message).at_path(self.below(name))
    }

    /// The elements of an array, or none where it is absent.
    pub(super) fn items(&self, name: &str) -> Result<Vec<Node<'a>>, Refusal> {
        let Some(node) = self.get(name) else {
            return Ok(Vec::new());
        };
        let Value::Array(items) = node.value else {
            return Err(node.refuse("an array is required here"));
        };
        Ok(items
            .iter()
            .enumerate()
            .map(|(at, value)| Node {
                value,
                path: format!("{}[{at}]", node.path),
            })
            .collect())
    }

    pub(super) fn text(&self, name: &str) -> Result<String, Refusal> {
        self.get(name)
            .and_then(|node| node.value.as_str())
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| self.missing(name, "a text is required here"))
    }

    /// A text; null, absent and empty are the same.
    pub(super) fn text_or_none(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(node) => match node.value {
                Value::String(text) if text.is_empty() => Ok(None),
                Value::String(text) => Ok(Some(text.clone())),
                _ => Err(node.refuse("this is a text")),
            },
        }
    }

    pub(super) fn strings(&self, name: &str) -> Result<Vec<String>, Refusal> {
        self.items(name)?
            .iter()
            .map(|node| {
                node.value
                    .as_str()
                    .map(str::to_owned)
                    .ok_or_else(|| node.refuse("this is a text"))
            })
            .collect()
    }

    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(node) => node
                .value
                .as_u64()
                .map(Some)
                .ok_or_else(|| node.refuse("this is a whole number that is not negative")),
        }
    }

    /// A 1-based position.
    pub(super) fn position(&self, name: &str) -> Result<u64, Refusal> {
        self.count(name)?
            .filter(|position| *position > 0)
            .ok_or_else(|| self.missing(name, "a position from 1 is required here"))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(node) => node
                .value
                .as_f64()
                .filter(|number| number.is_finite())
                .map(Some)
                .ok_or_else(|| node.refuse("this is a number")),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        self.get(name)
            .and_then(|node| node.value.as_bool())
            .ok_or_else(|| self.missing(name, "true or false is required here"))
    }

    pub(super) fn pair(&self) -> Result<(String, String), Refusal> {
        match self.value.as_array().map(Vec::as_slice) {
            Some([Value::String(first), Value::String(second)]) => {
                Ok((first.clone(), second.clone()))
            }
            _ => Err(self.refuse("two texts are required here")),
        }
    }
}
