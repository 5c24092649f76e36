//! Expressions made to hurt: each is refused or ends, none panics.

use kura_fhirpath::{Environment, Expression, MAX_DEPTH, MAX_LENGTH};
use proptest::prelude::*;
use serde_json::{Value, json};

fn evaluate(text: &str, root: &Value) -> Result<usize, String> {
    let expression = Expression::parse(text).map_err(|error| error.to_string())?;
    let items = expression.evaluate(root, &Environment::default());
    items
        .map(|items| items.len())
        .map_err(|error| error.to_string())
}

#[test]
fn depth_and_length_are_bounded() {
    let nothing = Value::Null;
    for text in [
        "(".repeat(10_000),
        format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        "-".repeat(10_000) + "1",
        format!("1{}", "+1".repeat(10_000)),
        format!("a{}", ".first()".repeat(5_000)),
        format!("a{}", "[0]".repeat(10_000)),
        format!("{}1{}", "iif(true, ".repeat(5_000), ")".repeat(5_000)),
        format!("1{}", " is Integer".repeat(3_000)),
    ] {
        let error = evaluate(&text, &nothing).unwrap_err();
        assert!(error.contains("levels"), "{error}");
    }
    let error = evaluate(&" ".repeat(MAX_LENGTH + 1), &nothing).unwrap_err();
    assert!(error.contains("bytes"), "{error}");
    // What is within the limits goes through: parsed, evaluated, checked, dropped.
    let levels = MAX_DEPTH - 2;
    let deep = format!("{}true{}", "iif(true, ".repeat(levels), ")".repeat(levels));
    assert_eq!(evaluate(&deep, &nothing), Ok(1));
    assert!(Expression::parse(&deep).unwrap().check("Patient").is_ok());
    let nested = format!("{}1{}", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(evaluate(&nested, &nothing), Ok(1));
    let long = vec!["Patient.name.given"; 2_000].join(" | ");
    assert_eq!(
        evaluate(&long, &json!({ "resourceType": "Patient" })),
        Ok(0)
    );
    let path = format!("a{}", ".a".repeat(10_000));
    assert_eq!(evaluate(&path, &nothing), Ok(0));
}

#[test]
fn work_is_bounded() {
    let many: Vec<Value> = (0..3_000).map(Value::from).collect();
    let root = json!({ "a": many, "s": "x".repeat(10_000) });
    for text in [
        "a.repeat($this + 1)",
        "a.repeat(%context.a)",
        "a.select(%context.a.select(%context.a)).count()",
        "a.aggregate($total & $total & 'xxxxxxxx', 'x')",
        "a.aggregate($total | $this | ($this + 5000), {}).count()",
        "a.aggregate($total.replace('x', 'xx'), 'x').length()",
        "a.select(%context.s.replace('', 'yyyyyyyyyy')).join().length()",
        "a.select(%context.s.replaceMatches('x', '$0$0$0$0$0$0$0$0')).count()",
        "a.select(%context.a.sort()).count()",
        "a.select('x'.matches('(a{50}){50}' + $this.toString())).count()",
    ] {
        let error = evaluate(text, &root).unwrap_err();
        assert!(error.contains("more work"), "{text}: {error}");
    }
}

#[test]
fn comparing_deep_structures_is_work_too() {
    let deep = json!({ "x": (0..2_000).collect::<Vec<i32>>() });
    let many: Vec<Value> = (0..400)
        .map(|at| json!({ "deep": deep, "last": at }))
        .collect();
    let root = json!({ "a": many });
    for text in [
        "a.distinct().count()",
        "a.repeat(%context.a).count()",
        "a ~ a.skip(1)",
        "a | a",
    ] {
        match evaluate(text, &root) {
            Ok(_) => assert_eq!(text, "a ~ a.skip(1)", "of another length"),
            Err(error) => assert!(error.contains("more work"), "{text}: {error}"),
        }
    }
}

#[test]
fn numbers_and_dates_at_their_ends_are_empty_not_wrong() {
    let nothing = Value::Null;
    for text in [
        "2147483647 + 1",
        "-2147483648 - 1",
        "10.power(40)",
        "79228162514264337593543950335.0 * 10",
        "@9999-12-31 + 1 day",
        "@0001-01-01 - 1 'd'",
        "@2024-01-01 + 99999999999 years",
        "@2024-01-01T00:00:00Z + 9999999999999999999 's'",
        "1 / 0",
        "1 mod 0",
        "(-1).ln()",
        "0.ln()",
        "1000.exp()",
        "1.0000000000000000000000000001.lowBoundary(28)",
        "'9999999999'.toInteger()",
        "1 'm' / 0 's'",
    ] {
        assert_eq!(evaluate(text, &nothing), Ok(0), "{text}");
    }
    assert_eq!(evaluate("-2147483648", &nothing), Ok(1));
    assert_eq!(
        evaluate("@2024-02-29 + 1 year = @2025-02-28", &nothing),
        Ok(1)
    );
}

#[test]
fn regular_expressions_take_linear_time_and_bounded_space() {
    let root = json!({ "s": "a".repeat(100_000) + "!" });
    assert_eq!(evaluate("s.matches('^(a+)+$')", &root), Ok(1));
    for pattern in ["(?=a)", "(a)\\\\1", "(", "a{1000}{1000}{1000}"] {
        assert!(
            evaluate(&format!("s.matches('{pattern}')"), &root).is_err(),
            "{pattern}"
        );
    }
}

#[test]
fn json_nested_deeply_is_refused_not_followed_to_the_end_of_the_stack() {
    let mut nested = json!({ "a": 1 });
    for _ in 0..400 {
        nested = json!({ "a": nested });
    }
    assert!(evaluate("descendants().count()", &nested).is_err());
    assert_eq!(evaluate("repeat(a).count()", &nested).map(|_| ()), Ok(()));
}

const PIECES: &[&str] = &[
    "Patient",
    "name",
    "given",
    "$this",
    "$total",
    "%resource",
    "(",
    ")",
    "[",
    "]",
    ".",
    ",",
    "|",
    "+",
    "-",
    "*",
    "/",
    "&",
    "=",
    "~",
    "!=",
    "!~",
    "<",
    ">=",
    " in ",
    " contains ",
    " and ",
    " or ",
    " xor ",
    " implies ",
    " is ",
    " as ",
    " div ",
    " mod ",
    "{}",
    "'x'",
    "'\\u00e9'",
    "1",
    "1.50",
    "@2024",
    "@2024-02-30",
    "@T10:30",
    "@2024-01-01T10:00+09:00",
    "4 days",
    "1 'mg'",
    "1 'Cel'",
    "true",
    "first()",
    "where(",
    "select(",
    "repeat(",
    "iif(",
    "aggregate(",
    "toQuantity()",
    "lowBoundary(",
    "substring(",
    "matches(",
    "replaceMatches(",
    "sort(",
    "power(",
    "round(",
    "ofType(",
    "Quantity",
    "resolve()",
    "extension(",
    "descendants()",
    "children()",
    "type()",
    "toString()",
    "join(",
    "`",
    "'",
    "\\",
    "//",
    "/*",
    "é",
    "山",
];

const UNITS: &[&str] = &[
    "m",
    "s2",
    "/",
    "(",
    ")",
    ".",
    "10*",
    "10^",
    "-9",
    "99999999999",
    "{x}",
    "[in_i]",
    "Cel",
    "[degF]",
    "[pH]",
    "dB",
    "mg",
    "k",
    "%",
    "[iU]",
    "a",
    "mo",
    "1",
    "0",
    "é",
    "day",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_expression_panics(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)) {
        let root = json!({
            "resourceType": "Patient",
            "birthDate": "1950-04",
            "name": [{ "given": ["太郎", "a"], "period": { "start": "2020" } }]
        });
        let text = pieces.concat();
        if let Ok(expression) = Expression::parse(&text) {
            let _ = expression.evaluate(&root, &Environment::default());
            let _ = expression.check("Patient");
        }
    }

    #[test]
    fn no_unit_panics(
        left in prop::collection::vec(prop::sample::select(UNITS), 0..8),
        right in prop::collection::vec(prop::sample::select(UNITS), 0..8),
        operator in prop::sample::select(&["=", "~", "<", "+", "-", "*", "/"][..]),
    ) {
        let text = format!("1.5 '{}' {operator} 2 '{}'", left.concat(), right.concat());
        let _ = evaluate(&text, &Value::Null);
        let text = format!("({text}) {operator} 3 'mg/dL' {operator} 79228162514264337593543950335 'Cel'");
        let _ = evaluate(&text, &Value::Null);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        let _ = Expression::parse(&text);
    }
}
