//! Fixed values and patterns: FHIR R4 elementdefinition-definitions.html#ElementDefinition.fixed_x_.

use kura_fhirpath::Decimal;
use serde_json::Value;

/// Whether a value is exactly the fixed one.
pub(super) fn is_fixed(value: &Value, fixed: &Value) -> bool {
    match (value, fixed) {
        (Value::Object(value), Value::Object(fixed)) => {
            let known = |key: &String| value.get(key).zip(fixed.get(key));
            value.len() == fixed.len()
                && fixed
                    .keys()
                    .all(|key| known(key).is_some_and(|(value, fixed)| is_fixed(value, fixed)))
        }
        (Value::Array(value), Value::Array(fixed)) => {
            value.len() == fixed.len()
                && value
                    .iter()
                    .zip(fixed)
                    .all(|(value, fixed)| is_fixed(value, fixed))
        }
        _ => is_same(value, fixed),
    }
}

/// Whether a value has in it what the pattern has: each of its properties, each item of its arrays.
pub(super) fn has_pattern(value: &Value, pattern: &Value) -> bool {
    match (value, pattern) {
        (Value::Object(value), Value::Object(pattern)) => pattern.iter().all(|(key, pattern)| {
            value
                .get(key)
                .is_some_and(|value| has_pattern(value, pattern))
        }),
        (Value::Array(values), Value::Array(patterns)) => patterns
            .iter()
            .all(|pattern| values.iter().any(|value| has_pattern(value, pattern))),
        _ => is_same(value, pattern),
    }
}

/// Numbers by their value: `1.0` is `1.00`.
fn is_same(value: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::Number(one), Value::Number(two)) => {
            let decimal = |text: &str| text.parse::<Decimal>().ok();
            one == two
                || decimal(one.as_str()).is_some_and(|one| Some(one) == decimal(two.as_str()))
        }
        _ => value == other,
    }
}

/// Whether a number or a date is no less than the least or no more than the most; `None` when they
/// cannot be compared. FHIR R4 elementdefinition-definitions.html#ElementDefinition.minValue_x_.
pub(super) fn in_order(low: &Value, high: &Value) -> Option<bool> {
    match (low, high) {
        (Value::Number(low), Value::Number(high)) => {
            let low: Decimal = low.as_str().parse().ok()?;
            let high: Decimal = high.as_str().parse().ok()?;
            Some(low <= high)
        }
        // Dates of the same offset or none stand in the order of their text, as far as both go.
        (Value::String(low), Value::String(high)) => {
            let zone = |text: &str| text.get(19..).map(str::to_owned);
            if low.len() > 10 && high.len() > 10 && zone(low) != zone(high) {
                return None;
            }
            let length = low.len().min(high.len());
            Some(low.get(..length)? <= high.get(..length)?)
        }
        _ => {
            let value = |one: &Value| one.get("value").cloned();
            if low.get("code") != high.get("code") || low.get("system") != high.get("system") {
                return None;
            }
            in_order(&value(low)?, &value(high)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_is_part_of_a_value_and_a_fixed_value_is_all_of_it() {
        let value = json!({ "coding": [{ "system": "s", "code": "b" }, { "system": "s", "code": "a", "display": "A" }] });
        let pattern = json!({ "coding": [{ "system": "s", "code": "a" }] });
        assert!(has_pattern(&value, &pattern));
        assert!(!is_fixed(&value, &pattern));
        assert!(is_fixed(
            &json!({ "a": 1.0, "b": 2 }),
            &json!({ "b": 2, "a": 1.00 })
        ));
        assert!(!has_pattern(
            &json!({ "coding": [{ "system": "s", "code": "b" }] }),
            &pattern
        ));
    }

    #[test]
    fn limits_compare() {
        assert_eq!(in_order(&json!(1), &json!(1.0)), Some(true));
        assert_eq!(
            in_order(&json!("2020-02"), &json!("2020-01-31")),
            Some(false)
        );
        assert_eq!(in_order(&json!("a"), &json!(1)), None);
    }
}
