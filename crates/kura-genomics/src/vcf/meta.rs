//! Meta lines (VCFv4.3 1.4): `##key=value` and `##key=<ID=…,…>`.

use std::borrow::Cow;

use kura_model::Refusal;

/// `Number` of an INFO or FORMAT definition, VCFv4.3 1.4.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    Count(u32),
    /// One value per alternate allele.
    A,
    /// One value per allele, the reference first.
    R,
    /// One value per possible genotype.
    G,
    /// Anything: `.`, and the numbers that later versions added (`P`, `LA`, `LR`, `LG`, `M`).
    Unknown,
}

impl Number {
    pub(super) fn parse(text: &str, minor: u8) -> Option<Self> {
        Some(match text {
            "A" => Number::A,
            "R" => Number::R,
            "G" => Number::G,
            "." => Number::Unknown,
            // VCFv4.4 1.4.2 and VCFv4.5 1.4.2.
            "P" if minor >= 4 => Number::Unknown,
            "LA" | "LR" | "LG" | "M" if minor >= 5 => Number::Unknown,
            // An old spelling of `.` that some tools still write.
            "-1" if minor < 3 => Number::Unknown,
            digits => Number::Count(digits.parse().ok()?),
        })
    }
}

/// `Type` of an INFO or FORMAT definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Integer,
    Float,
    Flag,
    Character,
    String,
}

impl Type {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "Integer" => Type::Integer,
            "Float" => Type::Float,
            "Flag" => Type::Flag,
            "Character" => Type::Character,
            "String" => Type::String,
            _ => return None,
        })
    }
}

/// One attribute of a structured meta line.
pub(super) struct Attribute<'a> {
    pub key: &'a str,
    pub value: Cow<'a, str>,
    pub quoted: bool,
}

/// Splits `ID=DP,Number=1,Description="a \"b\", c"` (without the angle brackets).
pub(super) fn attributes(text: &str) -> Result<Vec<Attribute<'_>>, Refusal> {
    let bad = |message: &str| Refusal::new("vcf-meta", message);
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let Some((key, after)) = rest.split_once('=') else {
            return Err(bad("an attribute is written key=value"));
        };
        let key = key.trim_start();
        if key.is_empty() || key.contains([',', '"', '<', '>']) {
            return Err(bad("an attribute is written key=value"));
        }
        let (value, quoted, tail) = if let Some(inside) = after.strip_prefix('"') {
            let end = closing_quote(inside)
                .ok_or_else(|| bad("a quoted value has no closing quotation mark"))?;
            let raw = &inside[..end];
            let value = if raw.contains('\\') {
                Cow::Owned(raw.replace("\\\"", "\"").replace("\\\\", "\\"))
            } else {
                Cow::Borrowed(raw)
            };
            (value, true, &inside[end + 1..])
        } else if after.starts_with('[') {
            // VCFv4.3 1.4.8: Values=[v1, v2].
            let end = after
                .find(']')
                .ok_or_else(|| bad("a list of values has no closing bracket"))?;
            (Cow::Borrowed(&after[..=end]), false, &after[end + 1..])
        } else {
            let end = after.find(',').unwrap_or(after.len());
            (Cow::Borrowed(&after[..end]), false, &after[end..])
        };
        found.push(Attribute { key, value, quoted });
        match tail.strip_prefix(',') {
            Some(next) => rest = next,
            None if tail.is_empty() => return Ok(found),
            None => return Err(bad("attributes are separated by commas")),
        }
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_lists() {
        let found = attributes(r#"ID=A,Values=[x, y],Description="q \"a\", b""#).expect("valid");
        let pairs: Vec<_> = found.iter().map(|a| (a.key, a.value.as_ref())).collect();
        assert_eq!(
            pairs,
            [
                ("ID", "A"),
                ("Values", "[x, y]"),
                ("Description", "q \"a\", b")
            ]
        );
        assert!(attributes("ID=DEL:A,B").is_err());
        assert!(attributes(r#"ID=D,Description="open"#).is_err());
    }

    #[test]
    fn numbers_of_later_versions() {
        assert_eq!(Number::parse("P", 4), Some(Number::Unknown));
        assert_eq!(Number::parse("P", 3), None);
        assert_eq!(Number::parse("2", 3), Some(Number::Count(2)));
    }
}
