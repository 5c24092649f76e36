//! A search parameter as it is defined: a row of the tables, or a SearchParameter resource.

use serde_json::Value;

use super::Kind;
use crate::resource_type;

/// FHIR R4 searchparameter.html, as far as it is computed on.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub url: String,
    pub code: String,
    pub kind: Kind,
    pub bases: Vec<&'static str>,
    pub expression: String,
    /// Types a reference may point at; any if empty.
    pub targets: Vec<&'static str>,
    pub components: Vec<ComponentDefinition>,
    /// Brought into a bank, not part of the tables.
    pub added: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ComponentDefinition {
    /// The parameter this component is.
    pub definition: String,
    /// Relative to the composite's own expression.
    pub expression: String,
}

const PREFIX: &str = "http://hl7.org/fhir/SearchParameter/";

fn long(url: &str) -> String {
    if url.contains(':') {
        url.to_owned()
    } else {
        format!("{PREFIX}{url}")
    }
}

fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "token" => Kind::Token,
        "string" => Kind::Text,
        "date" => Kind::Date,
        "number" => Kind::Number,
        "quantity" => Kind::Quantity,
        "uri" => Kind::Uri,
        "reference" => Kind::Reference,
        "composite" => Kind::Composite,
        "special" => Kind::Special,
        _ => return None,
    })
}

/// `Resource` and `DomainResource` stand for every type.
fn bases<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'static str> {
    let mut out = Vec::new();
    for name in names {
        match name {
            "Resource" => out.extend(crate::RESOURCE_TYPES),
            "DomainResource" => out.extend(
                crate::RESOURCE_TYPES
                    .iter()
                    .filter(|kind| !matches!(**kind, "Binary" | "Bundle" | "Parameters")),
            ),
            _ => out.extend(resource_type(name)),
        }
    }
    out
}

impl Definition {
    /// A line of `data/search-parameters.tsv`; `None` if nothing can be searched by it.
    pub(super) fn of_row(line: &str) -> Option<Self> {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        let (types, code, type_name, expression) = (next(), next(), next(), next());
        let (targets, components, url) = (next(), next(), next());
        if expression.is_empty() {
            return None;
        }
        Some(Self {
            url: long(url),
            code: code.to_owned(),
            kind: kind(type_name)?,
            bases: bases(types.split(',')),
            expression: expression.to_owned(),
            targets: targets.split(',').filter_map(resource_type).collect(),
            components: components
                .split(" ; ")
                .filter_map(|component| component.split_once(' '))
                .map(|(definition, expression)| ComponentDefinition {
                    definition: long(definition),
                    expression: expression.to_owned(),
                })
                .collect(),
            added: false,
        })
    }

    /// Tells this definition from one that would give other rows.
    pub fn fingerprint(&self) -> String {
        let mut text = format!(
            "{} {:?} {} {:?}",
            self.code, self.kind, self.expression, self.bases
        );
        for component in &self.components {
            text += &format!(" {} {}", component.definition, component.expression);
        }
        fingerprint(text.as_bytes())
    }

    /// A SearchParameter resource. `None` unless it is active or a draft, and complete.
    pub fn of_resource(resource: &Value) -> Option<Self> {
        let text = |name: &str| resource.get(name).and_then(Value::as_str);
        let list = |name: &str| {
            resource
                .get(name)
                .and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice)
        };
        if !matches!(text("status"), Some("active" | "draft")) {
            return None;
        }
        let code = text("code").filter(|code| {
            !code.is_empty()
                && code
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        })?;
        let bases = bases(list("base").iter().filter_map(Value::as_str));
        if bases.is_empty() {
            return None;
        }
        Some(Self {
            url: text("url")?.to_owned(),
            code: code.to_owned(),
            kind: kind(text("type")?)?,
            bases,
            expression: text("expression")
                .filter(|text| !text.is_empty())?
                .to_owned(),
            targets: list("target")
                .iter()
                .filter_map(Value::as_str)
                .filter_map(resource_type)
                .collect(),
            components: list("component")
                .iter()
                .filter_map(|component| {
                    Some(ComponentDefinition {
                        definition: component.get("definition")?.as_str()?.to_owned(),
                        expression: component.get("expression")?.as_str()?.to_owned(),
                    })
                })
                .collect(),
            added: true,
        })
    }
}

/// FNV-1a, 64 bits: the same in every release.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

/// One alternative of an expression, for one type, in a form that can be compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Alternative {
    pub expression: String,
    /// Only targets of this type (`.where(resolve() is Patient)`).
    pub only: Option<&'static str>,
}

/// The alternatives of `expression` that concern resources of `kind`.
pub(super) fn alternatives(kind: &str, expression: &str) -> Vec<Alternative> {
    let mut out: Vec<Alternative> = Vec::new();
    for part in split(expression) {
        let part = unwrapped(part.trim());
        let root: &str = part
            .trim_start_matches('(')
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        let other = root != kind
            && !matches!(root, "Resource" | "DomainResource")
            && resource_type(root).is_some();
        if other {
            continue;
        }
        let alternative = normal(kind, part);
        if !out.contains(&alternative) {
            out.push(alternative);
        }
    }
    out
}

fn normal(kind: &str, part: &str) -> Alternative {
    let (part, only) = match part.split_once(".where(resolve() is ") {
        Some((head, rest)) => match rest.strip_suffix(')').and_then(resource_type) {
            Some(only) => (head, Some(only)),
            None => (part, None),
        },
        None => (part, None),
    };
    // `X as T` and `X.as(T)` are the same.
    let mut expression = match part.rsplit_once(" as ") {
        Some((head, type_name))
            if type_name.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && !head.contains(['|', '(', ' ']) =>
        {
            format!("{head}.as({type_name})")
        }
        _ => part.to_owned(),
    };
    expression = expression.replace(".as(DateTime)", ".as(dateTime)");
    for general in ["Resource.", "DomainResource."] {
        if let Some(rest) = expression.strip_prefix(general) {
            expression = format!("{kind}.{rest}");
        }
    }
    Alternative { expression, only }
}

/// Splits at the `|` of the outermost level.
fn split(expression: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut depth, mut quoted, mut from) = (0, false, 0);
    for (at, letter) in expression.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' => depth -= 1,
            '|' if depth == 0 => {
                out.push(&expression[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    out.push(&expression[from..]);
    out
}

/// Without parentheses around the whole.
fn unwrapped(part: &str) -> &str {
    let Some(inner) = part
        .strip_prefix('(')
        .and_then(|part| part.strip_suffix(')'))
    else {
        return part;
    };
    let mut depth = 0;
    for letter in inner.chars() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 0 => return part,
            ')' => depth -= 1,
            _ => {}
        }
    }
    inner.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expressions(kind: &str, expression: &str) -> Vec<String> {
        alternatives(kind, expression)
            .into_iter()
            .map(|alternative| match alternative.only {
                Some(only) => format!("{} -> {only}", alternative.expression),
                None => alternative.expression,
            })
            .collect()
    }

    #[test]
    fn only_what_concerns_the_type_is_left() {
        let name = "Patient.name | Person.name | Practitioner.name";
        assert_eq!(expressions("Person", name), ["Person.name"]);
        assert_eq!(
            expressions(
                "Observation",
                "(Observation.value as Quantity) | (Observation.value as SampledData)"
            ),
            [
                "Observation.value.as(Quantity)",
                "Observation.value.as(SampledData)"
            ]
        );
        assert_eq!(
            expressions("Account", "Account.subject.where(resolve() is Patient)"),
            ["Account.subject -> Patient"]
        );
        assert_eq!(expressions("Flag", "Resource.meta.tag"), ["Flag.meta.tag"]);
        assert_eq!(
            expressions("Patient", "Patient.telecom.where(system='a|b')"),
            ["Patient.telecom.where(system='a|b')"]
        );
    }

    #[test]
    fn a_resource_without_what_it_needs_is_none() {
        let whole = serde_json::json!({
            "resourceType": "SearchParameter", "url": "http://x/p", "status": "active", "code": "p",
            "base": ["Patient"], "type": "token", "expression": "Patient.maritalStatus",
        });
        assert!(Definition::of_resource(&whole).is_some());
        for (name, value) in [
            ("status", "retired"),
            ("code", "a b"),
            ("type", "nothing"),
            ("expression", ""),
        ] {
            let mut broken = whole.clone();
            broken[name] = value.into();
            assert_eq!(Definition::of_resource(&broken), None, "{name}");
        }
    }
}
