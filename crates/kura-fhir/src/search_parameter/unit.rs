//! Amounts in UCUM's base units.

use std::cell::RefCell;
use std::collections::HashMap;

/// Units remembered; a file with a million of them must not fill memory.
const KEPT: usize = 10_000;

/// An amount is brought to base units by a factor and, for a temperature, an offset.
#[derive(Clone)]
struct Base {
    factor: f64,
    offset: f64,
    name: String,
}

thread_local! {
    static KNOWN: RefCell<HashMap<String, Option<Base>>> = RefCell::default();
}

/// `(amount, base unit)` of an amount in a UCUM unit; `None` if it is none.
pub(super) fn canonical(value: f64, unit: &str) -> Option<(f64, String)> {
    let base = KNOWN.with_borrow_mut(|known| {
        if let Some(base) = known.get(unit) {
            return base.clone();
        }
        let base = find(unit);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(unit.to_owned(), base.clone());
        base
    })?;
    rounded(value * base.factor + base.offset).map(|amount| (amount, base.name))
}

fn find(unit: &str) -> Option<Base> {
    let found = octofhir_ucum::get_canonical_units(unit).ok()?;
    let (factor, offset) = (found.factor.to_f64(), found.offset.to_f64());
    (factor.is_finite() && factor > 0.0).then_some(Base {
        factor,
        offset,
        name: found.unit,
    })
}

/// To twelve digits, so that one amount by two ways is one number.
fn rounded(amount: f64) -> Option<f64> {
    format!("{amount:.11e}")
        .parse()
        .ok()
        .filter(|amount: &f64| amount.is_finite())
}

#[cfg(test)]
mod tests {
    use super::canonical;

    /// Factors from The Unified Code for Units of Measure 2.1, tables 1 to 10.
    #[test]
    fn one_amount_in_two_units_is_one_number() {
        for (a, unit_a, b, unit_b) in [
            (5.4, "mg", 0.0054, "g"),
            (120.0, "mm[Hg]", 12.0, "cm[Hg]"),
            (1.0, "h", 3600.0, "s"),
            (7.2, "g/dL", 72.0, "g/L"),
            (4.1, "mmol/L", 0.0041, "mol/L"),
            (37.0, "Cel", 310.15, "K"),
            (3.0, "10*3/uL", 3.0, "10*9/L"),
            (5.0, "[iU]/L", 0.005, "[iU]/mL"),
        ] {
            assert_eq!(
                canonical(a, unit_a),
                canonical(b, unit_b),
                "{unit_a} {unit_b}"
            );
            assert!(canonical(a, unit_a).is_some(), "{unit_a}");
        }
        assert_eq!(canonical(1.0, "個"), None);
    }
}
