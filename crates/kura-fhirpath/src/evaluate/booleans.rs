//! Booleans of collections, and the functions that answer with one.

use crate::expression::Call;
use crate::functions::Function as F;
use crate::item::{Collection, Item};

use super::{Evaluator, Result, Scope, boolean, equality, fault, one, single};

/// FHIRPath N1 2.0.0 section 4.5: the boolean itself, and true for any other single item.
pub(super) fn condition(items: &Collection<'_>, at: u32) -> Result<Option<bool>> {
    Ok(single(items, at)?.map(|item| item.as_bool().unwrap_or(true)))
}

impl<'a> Evaluator<'a, '_> {
    pub(super) fn existence(
        &self,
        call: &'a Call,
        at: u32,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        let items = self.eval(&call.base, scope)?;
        let argument = call.arguments.first();
        let every = |wanted: bool| -> Result<bool> {
            for item in &items {
                if truth(item, at)? != wanted {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        Ok(boolean(match call.function {
            F::Empty => items.is_empty(),
            F::Exists => match argument {
                None => !items.is_empty(),
                Some(criteria) => {
                    for (index, item) in items.iter().enumerate() {
                        let found = self.eval_for(criteria, item, index, scope)?;
                        if condition(&found, at)? == Some(true) {
                            return Ok(boolean(true));
                        }
                    }
                    false
                }
            },
            F::All => {
                for (index, item) in items.iter().enumerate() {
                    if let Some(criteria) = argument
                        && condition(&self.eval_for(criteria, item, index, scope)?, at)?
                            != Some(true)
                    {
                        return Ok(boolean(false));
                    }
                }
                true
            }
            F::AllTrue => every(true)?,
            F::AllFalse => every(false)?,
            F::AnyTrue => !every(false)?,
            F::AnyFalse => !every(true)?,
            F::SubsetOf | F::SupersetOf => {
                let other = match argument {
                    Some(argument) => self.eval(argument, scope)?,
                    None => Collection::new(),
                };
                let (inner, outer) = match call.function {
                    F::SubsetOf => (&items, &other),
                    _ => (&other, &items),
                };
                self.charge(inner.len() * outer.len(), at)?;
                inner
                    .iter()
                    .all(|item| equality::holds(outer, item, &self.work))
            }
            F::Count => {
                return Ok(one(Item::Integer(
                    i64::try_from(items.len()).unwrap_or(i64::MAX),
                )));
            }
            F::IsDistinct => self.distinct(&items, at)?.len() == items.len(),
            _ => {
                return Ok(match condition(&items, at)? {
                    Some(value) => boolean(!value),
                    None => Collection::new(),
                });
            }
        }))
    }
}

/// An item of a collection of booleans.
fn truth(item: &Item<'_>, at: u32) -> Result<bool> {
    match item.as_bool() {
        Some(value) => Ok(value),
        None => fault(at, "a collection of booleans was expected"),
    }
}
