//! Functions from collections to collections (FHIRPath N1 2.0.0 sections 5.2 to 5.5.1, 5.9, 7).

use crate::expression::{Call, Expr, ExprKind};
use crate::functions::Function as F;
use crate::item::{Collection, Item};

use super::{Evaluator, Result, Scope, booleans, equality, fault, integer, single};

impl<'a> Evaluator<'a, '_> {
    pub(super) fn collection(
        &self,
        call: &'a Call,
        at: u32,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        let mut items = self.eval(&call.base, scope)?;
        let (Some(first), second) = (call.arguments.first(), call.arguments.get(1)) else {
            match call.function {
                F::Distinct => return self.distinct(&items, at),
                F::Single => {
                    single(&items, at)?;
                }
                F::First => items.truncate(1),
                F::Last => items = items.pop().into_iter().collect(),
                // What is left is tail, the one other that takes no argument.
                _ => {
                    if !items.is_empty() {
                        items.remove(0);
                    }
                }
            }
            return Ok(items);
        };
        match call.function {
            F::Where => self.filter(items, first, at, scope),
            F::Select => {
                let mut out = Collection::new();
                for (index, item) in items.iter().enumerate() {
                    out.extend(self.eval_for(first, item, index, scope)?);
                }
                Ok(out)
            }
            F::Repeat => self.repeat(items, first, at, scope),
            F::Skip | F::Take => {
                let count = integer(&self.eval(first, scope)?, at)?.unwrap_or(0);
                let count = usize::try_from(count).unwrap_or(0).min(items.len());
                if call.function == F::Take {
                    items.truncate(count);
                } else {
                    items.drain(..count);
                }
                Ok(items)
            }
            F::Intersect => {
                let other = self.eval(first, scope)?;
                self.charge(items.len() * other.len(), at)?;
                items.retain(|item| equality::holds(&other, item, &self.work));
                self.distinct(&items, at)
            }
            F::Exclude => {
                let other = self.eval(first, scope)?;
                self.charge(items.len() * other.len(), at)?;
                items.retain(|item| !equality::holds(&other, item, &self.work));
                Ok(items)
            }
            F::Union | F::Combine => {
                items.extend(self.eval(first, scope)?);
                if call.function == F::Union {
                    self.distinct(&items, at)
                } else {
                    Ok(items)
                }
            }
            F::Iif => self.iif(call, &items, at, scope),
            F::Aggregate => self.aggregate(&items, first, second, scope),
            // trace: the log would carry what a patient's record holds, so nothing is written. The
            // arguments are evaluated for the errors they may be.
            _ => {
                self.eval(first, scope)?;
                if let Some(projection) = second {
                    for (index, item) in items.iter().enumerate() {
                        self.eval_for(projection, item, index, scope)?;
                    }
                }
                Ok(items)
            }
        }
    }

    fn filter(
        &self,
        items: Collection<'a>,
        criteria: &'a Expr,
        at: u32,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        let mut out = Collection::new();
        for (index, item) in items.into_iter().enumerate() {
            let found = self.eval_for(criteria, &item, index, scope)?;
            if booleans::condition(&found, at)? == Some(true) {
                out.push(item);
            }
        }
        Ok(out)
    }

    /// Items that equal an earlier one go.
    pub(super) fn distinct(&self, items: &Collection<'a>, at: u32) -> Result<Collection<'a>> {
        let mut out = Collection::new();
        for item in items {
            self.charge(1 + out.len(), at)?;
            if !equality::holds(&out, item, &self.work) {
                out.push(item.clone());
            }
        }
        Ok(out)
    }

    fn repeat(
        &self,
        items: Collection<'a>,
        projection: &'a Expr,
        at: u32,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        let mut out = Collection::new();
        let mut layer = items;
        while !layer.is_empty() {
            let mut next = Collection::new();
            for (index, item) in layer.iter().enumerate() {
                for found in self.eval_for(projection, item, index, scope)? {
                    self.charge(1 + out.len(), at)?;
                    // The same node comes once; that ends what leads to itself.
                    if !equality::holds(&out, &found, &self.work) {
                        out.push(found.clone());
                        next.push(found);
                    }
                }
            }
            layer = next;
        }
        Ok(out)
    }

    /// Only the branch that is chosen is evaluated.
    fn iif(
        &self,
        call: &'a Call,
        items: &Collection<'a>,
        at: u32,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        let input = single(items, at)?;
        let scope = match input {
            Some(this) if !matches!(call.base.kind, ExprKind::This) => Scope { this, ..scope },
            _ => scope,
        };
        let criterion = self.eval(&call.arguments[0], scope)?;
        let branch = match single(&criterion, at)? {
            Some(item) => match item.as_bool() {
                Some(true) => 1,
                Some(false) => 2,
                None => return fault(at, "iif chooses by a boolean"),
            },
            None => 2,
        };
        match call.arguments.get(branch) {
            Some(branch) => self.eval(branch, scope),
            None => Ok(Collection::new()),
        }
    }

    fn aggregate(
        &self,
        items: &Collection<'a>,
        aggregator: &'a Expr,
        start: Option<&'a Expr>,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        let mut total = match start {
            Some(start) => self.eval(start, scope)?,
            None => Collection::new(),
        };
        for (index, this) in items.iter().enumerate() {
            let scope = Scope {
                this,
                index: i64::try_from(index).ok(),
                total: Some(&total),
            };
            total = self.eval(aggregator, scope)?;
        }
        Ok(total)
    }

    /// The one argument of a function, evaluated where the function stands.
    pub(super) fn argument(
        &self,
        call: &'a Call,
        at: usize,
        scope: Scope<'a, '_>,
    ) -> Result<Option<Collection<'a>>> {
        call.arguments
            .get(at)
            .map(|argument| self.eval(argument, scope))
            .transpose()
    }
}

/// The one item of an evaluated argument.
pub(super) fn single_argument<'a>(
    argument: Option<Collection<'a>>,
    at: u32,
) -> Result<Option<Item<'a>>> {
    match argument {
        Some(items) => Ok(single(&items, at)?.cloned()),
        None => Ok(None),
    }
}
