//! The elements of a snapshot as a tree: children by name, slices below what they slice.

use serde_json::Value;

/// An element, its children and its slices, in their order.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) id: String,
    /// Without `[x]`, without the slice.
    pub(super) name: String,
    pub(super) slice: Option<String>,
    pub(super) element: Value,
    pub(super) children: Vec<Tree>,
    pub(super) slices: Vec<Tree>,
}

/// How deep elements may be nested.
const MAX_DEPTH: usize = 64;

impl Tree {
    /// From the elements of a snapshot, the root first. Elements that belong nowhere are passed
    /// over.
    pub(super) fn build(elements: Vec<Value>) -> Option<Tree> {
        let mut elements = elements.into_iter();
        let root = elements.next()?;
        let mut tree = Tree::new(root, "");
        for element in elements {
            let id = element["id"].as_str().or_else(|| element["path"].as_str());
            let Some(id) = id.map(str::to_owned) else {
                continue;
            };
            let parts: Vec<&str> = id.split('.').collect();
            if parts.len() > MAX_DEPTH {
                continue;
            }
            if let Some((last, above)) = parts[1..].split_last()
                && let Some(parent) = above.iter().try_fold(&mut tree, |at, part| at.go(part))
            {
                parent.put(last, element);
            }
        }
        Some(tree)
    }

    fn new(element: Value, last: &str) -> Tree {
        let (name, slice) = match last.split_once(':') {
            Some((name, slice)) => (name, Some(slice.to_owned())),
            None => (last, None),
        };
        let id = element["id"].as_str().or_else(|| element["path"].as_str());
        Tree {
            id: id.unwrap_or_default().to_owned(),
            name: name.trim_end_matches("[x]").to_owned(),
            slice,
            element,
            children: Vec::new(),
            slices: Vec::new(),
        }
    }

    fn go(&mut self, part: &str) -> Option<&mut Tree> {
        let (name, slice) = match part.split_once(':') {
            Some((name, slice)) => (name, Some(slice)),
            None => (part, None),
        };
        let name = name.trim_end_matches("[x]");
        let child = self.children.iter_mut().find(|one| one.name == name)?;
        match slice {
            None => Some(child),
            Some(slice) => {
                let mut slices = child.slices.iter_mut();
                slices.find(|one| one.slice.as_deref() == Some(slice))
            }
        }
    }

    fn put(&mut self, last: &str, element: Value) {
        let new = Tree::new(element, last);
        if new.slice.is_none() {
            self.children.push(new);
        } else if let Some(sliced) = self.children.iter_mut().find(|one| one.name == new.name) {
            sliced.slices.push(new);
        }
    }

    pub(super) fn child(&self, name: &str) -> Option<&Tree> {
        self.children.iter().find(|one| one.name == name)
    }

    /// `fixedCode`, `patternCodeableConcept`, `minValueInteger`: the value, whatever its type.
    pub(super) fn value(&self, prefix: &str) -> Option<&Value> {
        let mut all = self.element.as_object()?.iter();
        let named = all.find(|(key, _)| {
            key.strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with(|one: char| one.is_ascii_uppercase()))
        });
        named.map(|(_, value)| value)
    }

    pub(super) fn types(&self) -> &[Value] {
        self.element["type"].as_array().map_or(&[], Vec::as_slice)
    }

    pub(super) fn min(&self) -> u32 {
        let min = self.element["min"].as_u64().unwrap_or(0);
        u32::try_from(min).unwrap_or(u32::MAX)
    }

    /// `None` is `*`.
    pub(super) fn max(&self) -> Option<u32> {
        self.element["max"].as_str()?.parse().ok()
    }
}
