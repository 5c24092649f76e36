//! The types of R4 as validation needs them: JSON keys, cardinalities, formats, bindings and
//! invariants. Elements come from `kura-fhirpath`'s table, the rest from HL7's definitions.

use std::collections::HashMap;
use std::sync::Arc;

use kura_fhirpath::{Kind, TypeId, definitions};
use serde_json::Value;

use crate::definitions::Definitions;
use crate::primitive::Primitive;
use crate::profile::{Binding, Invariant, ProfileRef};
use crate::snapshot::fhir_type;

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// Invariants of R4 that are checked without FHIRPath: for speed, and ref-1 because it yields
/// nothing, which is not true, for a Reference that has only an identifier.
pub(crate) const NATIVE: &[&str] = &["ele-1", "ext-1", "ref-1"];

/// What HL7's definitions say of an element besides its cardinality and types.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    pub(crate) binding: Option<Binding>,
    pub(crate) invariants: Vec<Arc<Invariant>>,
    /// Profiles of a type, such as SimpleQuantity of Quantity.
    pub(crate) profiles: Vec<(TypeId, ProfileRef)>,
    pub(crate) max_length: Option<usize>,
}

impl Extra {
    fn is_empty(&self) -> bool {
        self.binding.is_none()
            && self.invariants.is_empty()
            && self.profiles.is_empty()
            && self.max_length.is_none()
    }
}

/// What a JSON key of a type stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// The place in [`BaseType::elements`].
    pub(crate) element: usize,
    pub(crate) kind: TypeId,
    pub(crate) primitive: Option<Primitive>,
    /// Whether it is the `_name` of a primitive.
    pub(crate) is_companion: bool,
}

#[derive(Debug)]
pub(crate) struct BaseElement {
    pub(crate) element: &'static kura_fhirpath::Element,
    pub(crate) extra: Option<Arc<Extra>>,
    /// Whether the JSON has an array.
    pub(crate) is_list: bool,
}

#[derive(Debug)]
pub(crate) struct BaseType {
    pub(crate) name: &'static str,
    pub(crate) slots: HashMap<String, Slot>,
    pub(crate) elements: Vec<BaseElement>,
    /// Those of the type and of what it derives from.
    pub(crate) invariants: Vec<Arc<Invariant>>,
    pub(crate) is_resource: bool,
}

/// All of R4. Each validator has its own: what a binding names depends on what is loaded.
#[derive(Debug)]
pub(crate) struct Base {
    types: HashMap<TypeId, BaseType>,
    extras: HashMap<String, Arc<Extra>>,
}

impl Base {
    pub(crate) fn get(&self, kind: TypeId) -> Option<&BaseType> {
        self.types.get(&kind)
    }

    /// By the path that the element has where it is defined: `Element.extension`.
    pub(crate) fn extra(&self, path: &str) -> Option<&Arc<Extra>> {
        self.extras.get(path)
    }

    pub(crate) fn read() -> Base {
        let mut base = Base {
            types: HashMap::new(),
            extras: HashMap::new(),
        };
        let all = definitions();
        for id in all.types() {
            let one = all.get(id);
            // A backbone element is described where its resource is.
            if one.name.contains('.') {
                continue;
            }
            if let Some(structure) = Definitions::base(&format!("{CORE}{}", one.name)) {
                base.read_extras(&structure);
            }
        }
        for id in all.types() {
            if all.get(id).kind != Kind::Primitive {
                let one = base.read_type(id);
                base.types.insert(id, one);
            }
        }
        base
    }

    fn read_extras(&mut self, structure: &Value) {
        let elements = structure["snapshot"]["element"].as_array();
        for element in elements.into_iter().flatten() {
            let Some(path) = element["path"].as_str() else {
                continue;
            };
            let constraints = element["constraint"].as_array().into_iter().flatten();
            let constraints = constraints
                .filter(|one| !NATIVE.contains(&one["key"].as_str().unwrap_or_default()));
            let invariants = constraints.filter_map(Invariant::read).map(Arc::new);
            let types = element["type"].as_array().map_or(&[][..], Vec::as_slice);
            let profiles = types.iter().flat_map(|one| {
                let kind = one["code"].as_str().and_then(type_id);
                let profiles = one["profile"].as_array().into_iter().flatten();
                let profiles = profiles.filter_map(Value::as_str);
                profiles.filter_map(move |url| Some((kind?, ProfileRef::new(url))))
            });
            let extra = Extra {
                binding: Binding::read(&element["binding"]),
                invariants: invariants.collect(),
                profiles: profiles.collect(),
                max_length: element["maxLength"]
                    .as_u64()
                    .and_then(|length| usize::try_from(length).ok()),
            };
            if !extra.is_empty() {
                self.extras.insert(path.to_owned(), Arc::new(extra));
            }
        }
    }

    fn read_type(&self, id: TypeId) -> BaseType {
        let all = definitions();
        let mut one = BaseType {
            name: all.get(id).name,
            slots: HashMap::new(),
            elements: Vec::new(),
            invariants: Vec::new(),
            is_resource: all.get(id).kind == Kind::Resource,
        };
        let mut at = Some(id);
        while let Some(id) = at {
            let kind = all.get(id);
            // The invariants of a backbone element stand on its element.
            let extra = (!kind.name.contains('.')).then(|| self.extras.get(kind.name));
            for invariant in extra.flatten().iter().flat_map(|extra| &extra.invariants) {
                if one
                    .invariants
                    .iter()
                    .all(|known| known.key != invariant.key)
                {
                    one.invariants.push(Arc::clone(invariant));
                }
            }
            at = kind.base;
        }
        for element in all.elements(id) {
            let place = one.elements.len();
            for kind in &element.types {
                let primitive = Primitive::of(all.get(kind.id).name);
                let mut slot = Slot {
                    element: place,
                    kind: kind.id,
                    primitive,
                    is_companion: false,
                };
                one.slots.insert(kind.key.clone(), slot);
                if primitive.is_some() {
                    slot.is_companion = true;
                    one.slots.insert(format!("_{}", kind.key), slot);
                }
            }
            one.elements.push(BaseElement {
                extra: self.extras.get(element.path).cloned(),
                is_list: element.max != Some(1),
                element,
            });
        }
        one
    }
}

/// The type that the code of an element's type means.
pub(crate) fn type_id(code: &str) -> Option<TypeId> {
    definitions().type_id(fhir_type(code))
}
