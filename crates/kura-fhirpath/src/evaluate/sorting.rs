//! `sort()` of FHIRPath 3.0.0-ballot: by keys, descending behind a minus.

use std::cmp::Ordering;

use crate::expression::{Call, Expr, ExprKind};
use crate::item::{Collection, Item};

use super::equality::{self, Order};
use super::{Evaluator, Result, Scope, fault, single};

impl<'a> Evaluator<'a, '_> {
    pub(super) fn sort(
        &self,
        call: &'a Call,
        at: u32,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        let items = self.eval(&call.base, scope)?;
        // 17 comparisons for each item are enough for a hundred thousand of them.
        self.charge(items.len() * 17 * (1 + call.arguments.len()), at)?;
        let keys: Vec<(&'a Expr, bool)> = call
            .arguments
            .iter()
            .map(|argument| match &argument.kind {
                ExprKind::Negative(inner) => (&**inner, true),
                _ => (argument, false),
            })
            .collect();
        let mut rows = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let mut row = Vec::with_capacity(keys.len());
            for (key, _) in &keys {
                let found = self.eval_for(key, &item, index, scope)?;
                row.push(single(&found, at)?.cloned());
            }
            if keys.is_empty() {
                row.push(Some(item.clone()));
            }
            rows.push((row, item));
        }
        let mut mismatch = false;
        let rows = merged(rows, &mut |(left, _), (right, _)| {
            for (at, (left, right)) in left.iter().zip(right).enumerate() {
                let descending = keys.get(at).is_some_and(|key| key.1);
                let order = by_key(left.as_ref(), right.as_ref(), descending, &mut mismatch);
                if order != Ordering::Equal {
                    return order;
                }
            }
            Ordering::Equal
        });
        if mismatch {
            return fault(at, "these types have no order between them");
        }
        Ok(rows.into_iter().map(|(_, item)| item).collect())
    }
}

/// A merge sort. The order of partial dates and of quantities is not total, on which the standard
/// library's sort may panic.
fn merged<T>(mut rows: Vec<T>, compare: &mut impl FnMut(&T, &T) -> Ordering) -> Vec<T> {
    if rows.len() < 2 {
        return rows;
    }
    let right = rows.split_off(rows.len() / 2);
    let mut left = merged(rows, compare).into_iter().peekable();
    let mut right = merged(right, compare).into_iter().peekable();
    let mut out = Vec::with_capacity(left.len() + right.len());
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        let next = if compare(one, other) == Ordering::Greater {
            right.next()
        } else {
            left.next()
        };
        out.extend(next);
    }
    out.extend(left);
    out.extend(right);
    out
}

/// Nothing comes before anything, in both directions; what has no known order stays where it is.
fn by_key(
    left: Option<&Item<'_>>,
    right: Option<&Item<'_>>,
    descending: bool,
    mismatch: &mut bool,
) -> Ordering {
    let (Some(left), Some(right)) = (left, right) else {
        return left.is_some().cmp(&right.is_some());
    };
    match equality::order(left, right) {
        Order::Known(order) if descending => order.reverse(),
        Order::Known(order) => order,
        Order::Open => Ordering::Equal,
        Order::Mismatch => {
            *mismatch = true;
            Ordering::Equal
        }
    }
}
