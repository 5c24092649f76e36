//! The types and elements of FHIR R4, as `data/elements.tsv` lists them, loaded once.
//!
//! A backbone element (`Patient.contact`) has a type of its own here, named by its path, whose
//! [`Type::fhir_name`] is what the standard calls it (`BackboneElement` or `Element`).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

static TABLE: &str = include_str!("../data/elements.tsv");
static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| Definitions::read(TABLE));

/// Names of the table. The table is ours, so nobody can make its names collide, and each evaluation
/// looks up the type of its resource: FNV-1a is enough and quick on short names.
type Names<T> = HashMap<&'static str, T, BuildHasherDefault<Fnv>>;

struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// A type of FHIR, as an index into [`Definitions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(u16);

/// A name that some element bears; two elements of one name share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NameId(u16);

/// FHIR R4 structuredefinition `kind`, without logical models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Primitive,
    Complex,
    Resource,
}

/// A type and what it adds to its base.
#[derive(Debug)]
pub struct Type {
    /// `HumanName`, or the path of a backbone element, `Patient.contact`.
    pub name: &'static str,
    pub kind: Kind,
    pub is_abstract: bool,
    pub base: Option<TypeId>,
    /// What the standard calls it: `BackboneElement` for `Patient.contact`.
    pub fhir_name: &'static str,
    /// The elements in the standard's order, those of the base first.
    pub elements: Vec<u16>,
    /// The same by name, for the evaluator.
    by_name: Vec<(NameId, u16)>,
}

/// An element and its cardinality.
#[derive(Debug)]
pub struct Element {
    /// Without `[x]`: `value`.
    pub name: &'static str,
    /// As the standard writes it: `Observation.value[x]`.
    pub path: &'static str,
    pub min: u32,
    /// `None` is `*`.
    pub max: Option<u32>,
    /// Whether the JSON key carries the type: `value[x]`.
    pub is_choice: bool,
    pub is_modifier: bool,
    pub is_summary: bool,
    pub types: Vec<ElementType>,
    /// The key of the companion of a primitive: `_birthDate`.
    pub(crate) companion: String,
}

/// One type that an element may have.
#[derive(Debug)]
pub struct ElementType {
    pub id: TypeId,
    /// The JSON key with this type: `birthDate`, `valueQuantity`.
    pub key: String,
    /// The key of the companion with this type: `_birthDate`, `_valueString`.
    pub companion: String,
    /// The types a `Reference` or `canonical` may point at; empty when any.
    pub targets: Vec<&'static str>,
}

/// All types and elements.
#[derive(Debug)]
pub struct Definitions {
    types: Vec<Type>,
    elements: Vec<Element>,
    type_ids: Names<TypeId>,
    name_ids: Names<NameId>,
    pub(crate) extension: TypeId,
    pub(crate) resource: TypeId,
    pub(crate) quantity: TypeId,
}

/// The definitions of FHIR R4.
#[must_use]
pub fn definitions() -> &'static Definitions {
    &DEFINITIONS
}

impl Definitions {
    /// A type by its name or, for a backbone element, its path.
    #[must_use]
    pub fn type_id(&self, name: &str) -> Option<TypeId> {
        self.type_ids.get(name).copied()
    }

    /// All types, backbone elements too.
    pub fn types(&self) -> impl Iterator<Item = TypeId> {
        (0..self.types.len()).map(|at| TypeId(index(at)))
    }

    #[must_use]
    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[usize::from(id.0)]
    }

    /// The elements of a type in the standard's order, those of its base first.
    pub fn elements(&self, id: TypeId) -> impl Iterator<Item = &Element> {
        let elements = self.get(id).elements.iter();
        elements.map(|&index| &self.elements[usize::from(index)])
    }

    /// The element of a type that bears a name (`value`, not `value[x]` or `valueQuantity`).
    #[must_use]
    pub fn element(&self, id: TypeId, name: &str) -> Option<&Element> {
        self.element_by_id(id, *self.name_ids.get(name)?)
    }

    pub(crate) fn element_by_id(&self, id: TypeId, name: NameId) -> Option<&Element> {
        let by_name = &self.get(id).by_name;
        let found = by_name.binary_search_by_key(&name, |entry| entry.0).ok()?;
        Some(&self.elements[usize::from(by_name[found].1)])
    }

    pub(crate) fn name_id(&self, name: &str) -> Option<NameId> {
        self.name_ids.get(name).copied()
    }

    /// Whether a type is another one or derives from it.
    #[must_use]
    pub fn is_a(&self, id: TypeId, ancestor: TypeId) -> bool {
        let mut at = Some(id);
        while let Some(id) = at {
            if id == ancestor {
                return true;
            }
            at = self.get(id).base;
        }
        false
    }

    /// What the standard calls a type: `BackboneElement` for `Patient.contact`.
    #[must_use]
    pub fn fhir_name(&self, id: TypeId) -> &'static str {
        self.get(id).fhir_name
    }

    fn read(table: &'static str) -> Definitions {
        let rows: Vec<Vec<&'static str>> = table
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split('\t').collect())
            .collect();
        let mut reading = Reading::default();
        reading.name_types(&rows);
        reading.read_elements(&rows);
        reading.finish()
    }
}

/// A table half read. It is our own file, so a row that cannot be read is a programmer's error,
/// which the test below finds.
#[derive(Default)]
struct Reading {
    types: Vec<Type>,
    elements: Vec<Element>,
    type_ids: Names<TypeId>,
    name_ids: Names<NameId>,
    /// The elements that each type has of its own.
    own: Vec<Vec<u16>>,
}

fn index(length: usize) -> u16 {
    u16::try_from(length).expect("the table of elements is shorter than 65536 rows")
}

impl Reading {
    fn add_type(&mut self, name: &'static str, kind: Kind, is_abstract: bool) {
        self.type_ids.insert(name, TypeId(index(self.types.len())));
        self.own.push(Vec::new());
        self.types.push(Type {
            name,
            kind,
            is_abstract,
            base: None,
            fhir_name: name,
            elements: Vec::new(),
            by_name: Vec::new(),
        });
    }

    /// First all types, as an element may have one that comes later.
    fn name_types(&mut self, rows: &[Vec<&'static str>]) {
        for row in rows {
            if let Some(name) = row[0].strip_prefix('@') {
                let is_abstract = row[1].starts_with("abstract-");
                let kind = match row[1].trim_start_matches("abstract-") {
                    "primitive" => Kind::Primitive,
                    "resource" => Kind::Resource,
                    _ => Kind::Complex,
                };
                self.add_type(name, kind, is_abstract);
            } else if matches!(row[3], "BackboneElement" | "Element") {
                self.add_type(row[0], Kind::Complex, false);
            }
        }
        for row in rows {
            let (name, base) = match row[0].strip_prefix('@') {
                Some(name) => (name, row.get(2).copied().unwrap_or_default()),
                None => (row[0], row[3]),
            };
            let base = self.type_ids.get(base).copied();
            if let Some(id) = self.type_ids.get(name) {
                let one = &mut self.types[usize::from(id.0)];
                one.base = base;
                if !row[0].starts_with('@') {
                    one.fhir_name = row[3];
                }
            }
        }
    }

    fn read_elements(&mut self, rows: &[Vec<&'static str>]) {
        for row in rows.iter().filter(|row| !row[0].starts_with('@')) {
            let path = row[0];
            let (parent, last) = path.rsplit_once('.').expect("a path has a parent");
            let name = last.trim_end_matches("[x]");
            let is_choice = name.len() < last.len();
            let parent = self.type_ids[parent];
            // The value of a primitive is the JSON itself.
            if self.types[usize::from(parent.0)].kind == Kind::Primitive {
                continue;
            }
            let content = row.get(5).copied().unwrap_or_default();
            let types = if !content.is_empty() {
                content
            } else if self.type_ids.contains_key(path) {
                path
            } else {
                row[3]
            };
            let types = types
                .split('|')
                .map(|text| self.element_type(text, name, is_choice));
            let types = types.collect();
            let flags = row.get(4).copied().unwrap_or_default();
            let next = NameId(index(self.name_ids.len()));
            self.name_ids.entry(name).or_insert(next);
            self.own[usize::from(parent.0)].push(index(self.elements.len()));
            self.elements.push(Element {
                name,
                path,
                min: row[1].parse().expect("min is a number"),
                max: row[2].parse().ok(),
                is_choice,
                is_modifier: flags.contains('M'),
                is_summary: flags.contains('S'),
                types,
                companion: format!("_{name}"),
            });
        }
    }

    fn element_type(&self, text: &'static str, name: &str, is_choice: bool) -> ElementType {
        let (code, targets) = match text.split_once('(') {
            Some((code, targets)) => (code, targets.trim_end_matches(')').split(',').collect()),
            None => (text, Vec::new()),
        };
        let key = if is_choice {
            let (first, rest) = code.split_at(1);
            format!("{name}{}{rest}", first.to_ascii_uppercase())
        } else {
            name.to_owned()
        };
        ElementType {
            id: self.type_ids[code],
            companion: format!("_{key}"),
            key,
            targets,
        }
    }

    fn finish(mut self) -> Definitions {
        for at in 0..self.types.len() {
            let mut chain = Vec::new();
            let mut next = Some(TypeId(index(at)));
            while let Some(id) = next {
                chain.push(id);
                next = self.types[usize::from(id.0)].base;
            }
            let own = chain
                .iter()
                .rev()
                .flat_map(|id| &self.own[usize::from(id.0)]);
            let elements: Vec<u16> = own.copied().collect();
            let mut by_name: Vec<_> = elements
                .iter()
                .map(|&element| {
                    (
                        self.name_ids[self.elements[usize::from(element)].name],
                        element,
                    )
                })
                .collect();
            by_name.sort_unstable();
            self.types[at].by_name = by_name;
            self.types[at].elements = elements;
        }
        Definitions {
            extension: self.type_ids["Extension"],
            resource: self.type_ids["Resource"],
            quantity: self.type_ids["Quantity"],
            types: self.types,
            elements: self.elements,
            type_ids: self.type_ids,
            name_ids: self.name_ids,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_elements_of_the_standard_are_there() {
        // FHIR R4 resourcelist.html: 148 resources, two of them abstract; datatypes.html.
        let all = definitions();
        let resources = all.types.iter().filter(|one| one.kind == Kind::Resource);
        assert_eq!(resources.filter(|one| !one.is_abstract).count(), 146);
        let primitives = all.types.iter().filter(|one| one.kind == Kind::Primitive);
        assert_eq!(primitives.count(), 20);
        let observation = all.type_id("Observation").unwrap();
        let value = all.element(observation, "value").unwrap();
        assert!(value.is_choice && value.types.len() == 11);
        assert_eq!(value.types[0].key, "valueQuantity");
        assert_eq!(value.types[9].companion, "_valueDateTime");
        let first: Vec<_> = all
            .elements(observation)
            .map(|one| one.name)
            .take(9)
            .collect();
        assert_eq!(
            first,
            [
                "id",
                "meta",
                "implicitRules",
                "language",
                "text",
                "contained",
                "extension",
                "modifierExtension",
                "identifier"
            ]
        );
    }

    #[test]
    fn a_backbone_element_and_a_content_reference_lead_on() {
        let all = definitions();
        let component = all.type_id("Observation.component").unwrap();
        assert_eq!(all.fhir_name(component), "BackboneElement");
        assert!(all.element(component, "modifierExtension").is_some());
        let range = all.element(component, "referenceRange").unwrap();
        assert_eq!(
            all.get(range.types[0].id).name,
            "Observation.referenceRange"
        );
        let uuid = all.type_id("uuid").unwrap();
        assert!(all.is_a(uuid, all.type_id("uri").unwrap()));
        assert!(!all.is_a(uuid, all.type_id("string").unwrap()));
    }
}
