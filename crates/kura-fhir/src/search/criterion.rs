//! The values of a parameter, by its kind and its modifier.

use kura_model::{Error, Result};

use super::query_string::{split_escaped, split_keeping, unescape};
use super::{Criterion, Matching, Prefix, UriMatching};
use crate::search_parameter::{Kind, Registry, SearchParameter, form, reference};
use crate::{date, resource_type, romaji};

pub(super) fn not_a(what: &str, name: &str) -> Error {
    Error::invalid(format!("{name} takes a {what}"))
}

/// The values of one parameter: any of them may match.
pub(super) fn criteria(
    registry: &Registry,
    kind: &'static str,
    parameter: &SearchParameter,
    modifier: Option<&str>,
    value: &str,
) -> Result<Vec<Criterion>> {
    split_keeping(value, ',')
        .iter()
        .map(|value| criterion(registry, kind, parameter, modifier, value))
        .collect()
}

/// `value` has its escapes still.
fn criterion(
    registry: &Registry,
    kind: &'static str,
    parameter: &SearchParameter,
    modifier: Option<&str>,
    value: &str,
) -> Result<Criterion> {
    let plain = unescape(value);
    match (parameter.kind, modifier) {
        (Kind::Token, None | Some("not")) => {
            let (system, code) = token(value);
            Ok(Criterion::Token { system, code })
        }
        (Kind::Token, Some("text")) => match form::part(&plain) {
            text if text.is_empty() => Err(Error::invalid(format!(
                "{} has no letter to look for",
                parameter.code
            ))),
            text => Ok(Criterion::CodeText(text)),
        },
        (Kind::Token, Some("of-type")) => of_type(&parameter.code, value),
        (Kind::Token, Some("in" | "not-in")) => Ok(Criterion::ValueSet(plain)),
        (Kind::Token, Some(way @ ("above" | "below"))) => match token(value) {
            (system, Some(code)) => Ok(Criterion::Hierarchy {
                system: system.flatten(),
                code,
                below: way == "below",
            }),
            _ => Err(Error::invalid(format!(
                "{}:{way} takes a code",
                parameter.code
            ))),
        },
        (Kind::Text, None | Some("exact" | "contains")) => {
            match string(parameter, modifier, &plain) {
                // It would match everything.
                Criterion::Text { value, .. } if value.is_empty() => Err(Error::invalid(format!(
                    "{} has no letter to look for",
                    parameter.code
                ))),
                criterion => Ok(criterion),
            }
        }
        (Kind::Uri, None | Some("above" | "below")) => Ok(Criterion::Uri {
            value: form::uri(&plain),
            matching: match modifier {
                Some("above") => UriMatching::Above,
                Some("below") => UriMatching::Below,
                _ => UriMatching::Exact,
            },
        }),
        (Kind::Reference, modifier) => reference_to(parameter, modifier, value, &plain),
        (Kind::Composite, None) => composite(registry, kind, parameter, value),
        (Kind::Special, None) => near(&plain),
        (_, None) => ordered(parameter.kind, &parameter.code, value),
        _ => Err(Error::invalid(format!(
            "{} does not take this modifier",
            parameter.code
        ))),
    }
}

fn string(parameter: &SearchParameter, modifier: Option<&str>, plain: &str) -> Criterion {
    if parameter.phonetic {
        return Criterion::Text {
            value: romaji::kana_key(plain).unwrap_or_else(|| romaji::key(plain)),
            matching: Matching::Prefix,
        };
    }
    match modifier {
        Some("exact") => Criterion::Text {
            value: form::text(plain).unwrap_or_default(),
            matching: Matching::Exact,
        },
        Some("contains") => Criterion::Text {
            value: form::part(plain),
            matching: Matching::Contains,
        },
        _ => Criterion::Text {
            value: form::part(plain),
            matching: Matching::Prefix,
        },
    }
}

/// Dates, numbers and quantities, with their prefixes.
fn ordered(kind: Kind, name: &str, value: &str) -> Result<Criterion> {
    let (prefix, rest) = prefix_and_rest(value);
    match kind {
        Kind::Date => {
            let (low, high) = date::range(rest).ok_or_else(|| not_a("date", name))?;
            let (prefix, low, high) = about(prefix, low, high);
            Ok(Criterion::Date { prefix, low, high })
        }
        Kind::Number => {
            let (prefix, low, high) = number(prefix, rest).ok_or_else(|| not_a("number", name))?;
            Ok(Criterion::Number { prefix, low, high })
        }
        Kind::Quantity => quantity(prefix, rest).ok_or_else(|| not_a("quantity", name)),
        _ => Err(Error::invalid(format!("{name} has no order"))),
    }
}

/// FHIR R4 search.html#quantity: `number`, `number|system|code`, `number||code`.
fn quantity(prefix: Prefix, rest: &str) -> Option<Criterion> {
    let parts = split_escaped(rest, '|');
    let (prefix, low, high) = number(prefix, parts.first()?)?;
    let part = |at: usize| parts.get(at).filter(|part| !part.is_empty()).cloned();
    let (system, code) = (part(1), part(2));
    // An amount of UCUM is the same in every unit of its kind.
    if system.as_deref() == Some(form::UCUM)
        && let Some(unit) = &code
        && let Some((canonical_low, base)) = form::canonical(low, unit)
        && let Some((canonical_high, _)) = form::canonical(high, unit)
        && canonical_low <= canonical_high
    {
        return Some(Criterion::Quantity {
            prefix,
            low: canonical_low,
            high: canonical_high,
            system: None,
            code: Some(base),
            base: true,
        });
    }
    Some(Criterion::Quantity {
        prefix,
        low,
        high,
        system,
        code,
        base: false,
    })
}

/// FHIR R4 search.html#number: `100` means 99.5 to 100.5, `100.00` means 99.995 to 100.005;
/// with a prefix that compares, the number itself. About is a tenth around it.
fn number(prefix: Prefix, text: &str) -> Option<(Prefix, f64, f64)> {
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    let digits = text.split(['e', 'E']).next()?;
    let places = digits
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len() as i32);
    let exponent: i32 = text
        .split_once(['e', 'E'])
        .map_or(Some(0), |(_, exponent)| exponent.parse().ok())?;
    let half = 0.5 * 10f64.powi(exponent.checked_sub(places)?);
    Some(match prefix {
        Prefix::Eq | Prefix::Ne => (prefix, value - half, value + half),
        Prefix::Ap => {
            let around = half.max(value.abs() / 10.0);
            (Prefix::Eq, value - around, value + around)
        }
        _ => (prefix, value, value),
    })
}

/// About a date: a tenth of the time between it and now around it. FHIR R4 search.html#prefix.
/// The other prefixes stay as they are.
pub(super) fn about(prefix: Prefix, low: i64, high: i64) -> (Prefix, i64, i64) {
    if prefix != Prefix::Ap {
        return (prefix, low, high);
    }
    let now = jiff::Timestamp::now().as_second();
    let around = (now - low).abs() / 10;
    (Prefix::Ap, low - around, high + around)
}

/// FHIR R4 search.html#token: `code`, `system|code`, `|code`, `system|`.
fn token(value: &str) -> (Option<Option<String>>, Option<String>) {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let parts = split_keeping(value, '|');
    match &parts[..] {
        [code] => (None, some(&form::code(&unescape(code)))),
        [system, code @ ..] => (
            Some(some(&unescape(system))),
            some(&form::code(&unescape(&code.join("|")))),
        ),
        [] => (None, None),
    }
}

fn of_type(name: &str, value: &str) -> Result<Criterion> {
    let parts = split_escaped(value, '|');
    let [system, code, number] = &parts[..] else {
        return Err(Error::invalid(format!(
            "{name}:of-type is written system|code|value"
        )));
    };
    Ok(Criterion::OfType {
        system: (!system.is_empty()).then(|| Some(system.clone())),
        code_and_value: form::of_type(code, number),
    })
}

fn reference_to(
    parameter: &SearchParameter,
    modifier: Option<&str>,
    value: &str,
    plain: &str,
) -> Result<Criterion> {
    let name = &parameter.code;
    let wrong = || Error::invalid(format!("{name} takes a reference such as Patient/1"));
    match modifier {
        None => {
            if let Some(target) = reference(plain) {
                return Ok(Criterion::Reference(target));
            }
            if plain.contains(':') {
                return Ok(match form::outside(plain).into_iter().next() {
                    Some(target) => Criterion::Reference(target),
                    None => return Err(wrong()),
                });
            }
            if !crate::resource::is_id(plain) {
                return Err(wrong());
            }
            let only = parameter.slots.iter().find_map(|slot| slot.only);
            Ok(Criterion::ReferenceId {
                kinds: match only {
                    Some(only) => vec![only],
                    None => parameter.targets.clone(),
                },
                id: plain.to_owned(),
            })
        }
        Some("identifier") => {
            let (system, code) = token(value);
            Ok(Criterion::Identifier { system, code })
        }
        // A canonical is a URI too.
        Some(kind) => {
            let Some(kind) = resource_type(kind) else {
                return Err(Error::invalid(format!(
                    "{name} does not take this modifier"
                )));
            };
            match reference(plain) {
                Some(target) if target.kind == kind => Ok(Criterion::Reference(target)),
                Some(_) => Err(wrong()),
                None => reference(&format!("{kind}/{plain}"))
                    .map(Criterion::Reference)
                    .ok_or_else(wrong),
            }
        }
    }
}

/// FHIR R4 search.html#combining: the values of the components, with `$` between them.
fn composite(
    registry: &Registry,
    kind: &'static str,
    parameter: &SearchParameter,
    value: &str,
) -> Result<Criterion> {
    let parts = split_keeping(value, '$');
    let components = parameter
        .composite
        .first()
        .map_or(&[][..], |way| &way.components[..]);
    if parts.len() != components.len() {
        return Err(Error::invalid(format!(
            "{} takes {} values with $ between them",
            parameter.code,
            components.len()
        )));
    }
    components
        .iter()
        .zip(&parts)
        .map(|(slots, part)| {
            let component = SearchParameter {
                code: parameter.code.clone(),
                kind: slots.first().map_or(Kind::Token, |slot| slot.kind),
                url: String::new(),
                ready: true,
                slots: slots.clone(),
                targets: Vec::new(),
                owner: false,
                phonetic: false,
                composite: Vec::new(),
            };
            criterion(registry, kind, &component, None, part)
        })
        .collect::<Result<_>>()
        .map(Criterion::Composite)
}

/// FHIR R4 location.html#positional: `latitude|longitude|distance|unit`, kilometres by default.
/// The place is looked for in a box around the point.
fn near(value: &str) -> Result<Criterion> {
    const KILOMETRES_A_DEGREE: f64 = 111.195;
    let wrong = || Error::invalid("near is written latitude|longitude|distance|unit");
    let parts: Vec<&str> = value.split('|').collect();
    let number = |at: usize| -> Option<f64> {
        parts
            .get(at)?
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    };
    let latitude = number(0)
        .filter(|latitude| latitude.abs() <= 90.0)
        .ok_or_else(wrong)?;
    let longitude = number(1)
        .filter(|longitude| longitude.abs() <= 180.0)
        .ok_or_else(wrong)?;
    let distance = match parts.get(2) {
        None | Some(&"") => 50.0,
        Some(_) => number(2)
            .filter(|distance| *distance >= 0.0)
            .ok_or_else(wrong)?,
    };
    let kilometres = match parts.get(3).copied().unwrap_or("km") {
        "" | "km" => distance,
        "m" => distance / 1000.0,
        "[mi_i]" | "mi" => distance * 1.609_344,
        _ => return Err(Error::invalid("near is measured in km, m or [mi_i]")),
    };
    let north = kilometres / KILOMETRES_A_DEGREE;
    let east = north / latitude.to_radians().cos().max(0.01);
    Ok(Criterion::Near {
        latitude: (latitude - north, latitude + north),
        longitude: (longitude - east, longitude + east),
    })
}

/// FHIR R4 search.html#prefix. A word that begins with the letters of a prefix but goes on with
/// others is no prefix: a date and a number begin with a digit or a sign.
pub fn prefix_and_rest(value: &str) -> (Prefix, &str) {
    let known = [
        ("eq", Prefix::Eq),
        ("ne", Prefix::Ne),
        ("gt", Prefix::Gt),
        ("ge", Prefix::Ge),
        ("lt", Prefix::Lt),
        ("le", Prefix::Le),
        ("sa", Prefix::Sa),
        ("eb", Prefix::Eb),
        ("ap", Prefix::Ap),
    ];
    for (name, prefix) in known {
        if let Some(rest) = value.strip_prefix(name) {
            return (prefix, rest);
        }
    }
    (Prefix::Eq, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_mean_their_precision() {
        let of = |text| number(Prefix::Eq, text).map(|(_, low, high)| (low, high));
        assert_eq!(of("100"), Some((99.5, 100.5)));
        assert_eq!(of("1e2"), Some((50.0, 150.0)));
        assert_eq!(of("x"), None);
        assert_eq!(number(Prefix::Gt, "100"), Some((Prefix::Gt, 100.0, 100.0)));
        assert_eq!(number(Prefix::Ap, "100"), Some((Prefix::Eq, 90.0, 110.0)));
    }

    #[test]
    fn milligrams_are_grams() {
        let of = |text| match quantity(Prefix::Eq, text) {
            Some(Criterion::Quantity {
                low, high, code, ..
            }) => (low, high, code),
            other => panic!("{other:?}"),
        };
        let (low, high, code) = of("5.4|http://unitsofmeasure.org|mg");
        assert_eq!(code.as_deref(), Some("g"));
        assert!((low - 0.005_35).abs() < 1e-9 && (high - 0.005_45).abs() < 1e-9);
        let (low, _, code) = of("5.4||mg");
        assert!((low - 5.35).abs() < 1e-9 && code.as_deref() == Some("mg"));
    }

    #[test]
    fn a_token_with_bars_in_its_code() {
        assert_eq!(
            token(r"urn:x|a\|b"),
            (Some(Some("urn:x".into())), Some("a|b".into()))
        );
        assert_eq!(token("urn:x|"), (Some(Some("urn:x".into())), None));
    }
}
