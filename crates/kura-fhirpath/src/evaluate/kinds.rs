//! Types asked of items (FHIRPath N1 2.0.0 section 6.3 and 9).

use crate::expression::{Call, TypeName, TypeTest};
use crate::item::{Collection, Item};
use crate::types::{Kind, definitions};

use super::{Evaluator, Result, Scope, boolean, fault, navigate, single};

impl<'a> Evaluator<'a, '_> {
    pub(super) fn type_test(
        &self,
        test: TypeTest,
        mut items: Collection<'a>,
        named: TypeName,
        at: u32,
    ) -> Result<Collection<'a>> {
        if named == TypeName::Unknown {
            return fault(at, "no such type in FHIR or System");
        }
        match test {
            TypeTest::Is => {
                Ok(single(&items, at)?
                    .map_or_else(Collection::new, |item| boolean(is(item, named))))
            }
            TypeTest::As | TypeTest::OfType => {
                if test == TypeTest::As && self.environment.strict {
                    single(&items, at)?;
                }
                items.retain(|item| casts(item, named));
                Ok(items)
            }
        }
    }

    pub(super) fn reflect(&self, call: &'a Call, scope: Scope<'a, '_>) -> Result<Collection<'a>> {
        let items = self.eval(&call.base, scope)?;
        let types = items.iter().map(|item| {
            let namespace = if item.node().is_some() {
                "FHIR"
            } else {
                "System"
            };
            // What has no known type is an Element, or a resource of a type not of R4.
            let name = item.type_name().unwrap_or("Element");
            Item::Type { namespace, name }
        });
        Ok(types.collect())
    }
}

fn is(item: &Item<'_>, named: TypeName) -> bool {
    match (item, named) {
        (Item::Node(node), TypeName::Fhir(id)) => navigate::is_of_type(node, id),
        // `1 'mg' is Quantity` finds FHIR's Quantity by that name, and means the other.
        (Item::Quantity(_), TypeName::Fhir(id)) => id == definitions().quantity,
        (Item::Node(_), _) => named == TypeName::System("Any"),
        (_, TypeName::System(name)) => name == "Any" || item.type_name() == Some(name),
        _ => false,
    }
}

/// `as` and `ofType`. A primitive is of its own type only: the official suite (testInheritance)
/// has a code that `is(string)` and yet has no `ofType(string)`.
fn casts(item: &Item<'_>, named: TypeName) -> bool {
    match (item, named) {
        (Item::Node(node), TypeName::Fhir(id)) => match node.kind {
            Some(kind) if definitions().get(id).kind == Kind::Primitive => kind == id,
            _ => navigate::is_of_type(node, id),
        },
        // Published search parameters write `value.as(DateTime)` for dateTime.
        (Item::Node(node), TypeName::System(name)) => node.type_name().is_some_and(|kind| {
            let first = |text: &str| text.chars().next().map(|c| c.to_ascii_lowercase());
            name == "Any" || first(kind) == first(name) && kind.get(1..) == name.get(1..)
        }),
        _ => is(item, named),
    }
}
