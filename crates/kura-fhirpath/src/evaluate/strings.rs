//! Strings (FHIRPath N1 2.0.0 section 5.6 and the additions of 3.0.0-ballot). Positions and
//! lengths count characters.

use std::borrow::Cow;
use std::fmt::Write as _;

use regex::Regex;

use crate::expression::Call;
use crate::functions::Function as F;
use crate::item::{Collection, Item};
use crate::parser;

use super::collections::single_argument;
use super::{Evaluator, Result, Scope, boolean, fault, integer, one, single};

/// The text of an item that is a string, or a FHIR primitive that JSON writes as one.
pub(super) fn text_of<'i>(item: &'i Item<'_>, at: u32) -> Result<Cow<'i, str>> {
    match item {
        Item::Node(node) if node.value.is_none() => Ok(Cow::Borrowed("")),
        _ => match item.as_str() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => fault(at, "a string was expected"),
        },
    }
}

impl<'a> Evaluator<'a, '_> {
    pub(super) fn text(
        &self,
        call: &'a Call,
        at: u32,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        let items = self.eval(&call.base, scope)?;
        let first = self.argument(call, 0, scope)?;
        if call.function == F::Join {
            let separator = single_argument(first, at)?;
            return self.join(&items, separator.as_ref(), at);
        }
        let Some(item) = single(&items, at)? else {
            return Ok(Collection::new());
        };
        if matches!(item, Item::Node(node) if node.value.is_none()) {
            return Ok(Collection::new());
        }
        let text = text_of(item, at)?;
        self.charge(text.len() / 8, at)?;
        if call.function == F::Substring {
            let start = integer(&first.unwrap_or_default(), at)?;
            let length = match self.argument(call, 1, scope)? {
                Some(length) => integer(&length, at)?,
                None => None,
            };
            return Ok(substring(&text, start, length)
                .map(Item::from)
                .into_iter()
                .collect());
        }
        let argument = single_argument(first, at)?;
        let second = single_argument(self.argument(call, 1, scope)?, at)?;
        // An argument that is empty makes the result empty.
        if (argument.is_none() && !call.arguments.is_empty())
            || (second.is_none() && call.arguments.len() > 1)
        {
            return Ok(Collection::new());
        }
        let argument = argument
            .as_ref()
            .map_or(Ok(Cow::Borrowed("")), |item| text_of(item, at))?;
        let second = second
            .as_ref()
            .map_or(Ok(Cow::Borrowed("")), |item| text_of(item, at))?;
        let string = |text: String| Ok(one(Item::from(text)));
        match call.function {
            F::IndexOf => Ok(one(position(&text, text.find(&*argument)))),
            F::LastIndexOf => Ok(one(position(&text, text.rfind(&*argument)))),
            F::StartsWith => Ok(boolean(text.starts_with(&*argument))),
            F::EndsWith => Ok(boolean(text.ends_with(&*argument))),
            F::Contains => Ok(boolean(text.contains(&*argument))),
            F::Upper => string(text.to_uppercase()),
            F::Lower => string(text.to_lowercase()),
            F::Length => {
                let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
                Ok(one(Item::Integer(length)))
            }
            F::ToChars => {
                self.charge(text.len(), at)?;
                Ok(text.chars().map(|c| Item::from(c.to_string())).collect())
            }
            F::Trim => string(text.trim().to_owned()),
            F::Split => {
                self.charge(text.len(), at)?;
                Ok(text
                    .split(&*argument)
                    .map(|part| Item::from(part.to_owned()))
                    .collect())
            }
            F::Replace => {
                let times = text.matches(&*argument).count();
                self.charge(text.len() + times.saturating_mul(second.len()), at)?;
                string(text.replace(&*argument, &second))
            }
            F::Matches | F::MatchesFull => {
                let regex = self.regex(call, &argument, at)?;
                Ok(boolean(regex.is_match(&text)))
            }
            F::ReplaceMatches => {
                if argument.is_empty() {
                    return string(text.into_owned());
                }
                let regex = self.regex(call, &argument, at)?;
                let times = regex.find_iter(&text).count();
                let grown = second.len().saturating_add(text.len());
                self.charge(text.len() + times.saturating_mul(grown), at)?;
                string(regex.replace_all(&text, braced(&second)).into_owned())
            }
            F::Encode => encoded(&text, &argument).map_or_else(|| unknown(at), string),
            F::Decode => match decoded(&text, &argument) {
                Some(bytes) => Ok(bytes
                    .and_then(|bytes| String::from_utf8(bytes).ok())
                    .map(Item::from)
                    .into_iter()
                    .collect()),
                None => unknown(at),
            },
            F::Escape => escaped(&text, &argument).map_or_else(|| unknown(at), string),
            _ => unescaped(&text, &argument).map_or_else(|| unknown(at), string),
        }
    }

    /// The regular expression that was compiled with the expression, or one made now, which is
    /// dear and so counts for much work.
    fn regex<'c>(&self, call: &'c Call, pattern: &str, at: u32) -> Result<Cow<'c, Regex>> {
        let regex = match &call.regex {
            Some(Ok(regex)) => Ok(Cow::Borrowed(regex)),
            Some(Err(())) => Err(()),
            None => {
                self.charge(50_000, at)?;
                parser::regex(pattern, call.function).map(Cow::Owned)
            }
        };
        let wanted = "a regular expression without look-around or back references was expected";
        regex.or_else(|()| fault(at, wanted))
    }

    fn join(
        &self,
        items: &Collection<'a>,
        separator: Option<&Item<'a>>,
        at: u32,
    ) -> Result<Collection<'a>> {
        let separator = separator.map_or(Ok(Cow::Borrowed("")), |item| text_of(item, at))?;
        let mut out = String::new();
        let mut is_first = true;
        for item in items {
            if matches!(item, Item::Node(node) if node.value.is_none()) {
                continue;
            }
            if !is_first {
                out.push_str(&separator);
            }
            is_first = false;
            let text = text_of(item, at)?;
            self.charge(1 + text.len() + separator.len(), at)?;
            out.push_str(&text);
        }
        // Nothing joined is an empty string, as SQL on FHIR's suite has it; the draft of FHIRPath,
        // where N1 has no join, says nothing.
        Ok(one(Item::from(out)))
    }
}

fn unknown<'a>(at: u32) -> Result<Collection<'a>> {
    fault(at, "an encoding that FHIRPath names was expected")
}

/// `$1x` is group 1 and x; the `regex` crate wants braces for that.
fn braced(replacement: &str) -> String {
    let mut out = String::with_capacity(replacement.len());
    let mut rest = replacement;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            let _ = write!(out, "${{{}}}", &rest[..digits]);
            rest = &rest[digits..];
        } else if rest.starts_with('{') {
            out.push('$');
        } else {
            out.push_str("$$");
        }
    }
    out.push_str(rest);
    out
}

fn position<'a>(text: &str, found: Option<usize>) -> Item<'a> {
    let characters = found.map(|at| text[..at].chars().count());
    Item::Integer(
        characters
            .and_then(|at| i64::try_from(at).ok())
            .unwrap_or(-1),
    )
}

fn substring(text: &str, start: Option<i64>, length: Option<i64>) -> Option<String> {
    let start = usize::try_from(start?).ok()?;
    if start >= text.chars().count() {
        return None;
    }
    let length = length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(0));
    Some(text.chars().skip(start).take(length).collect())
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encoded(text: &str, format: &str) -> Option<String> {
    match format {
        "hex" => {
            let mut out = String::with_capacity(text.len() * 2);
            text.bytes().for_each(|byte| {
                let _ = write!(out, "{byte:02x}");
            });
            Some(out)
        }
        "base64" => Some(base64(text.as_bytes())),
        // RFC 4648 section 5, with padding as the official suite has it
        "urlbase64" => Some(base64(text.as_bytes()).replace('+', "-").replace('/', "_")),
        _ => None,
    }
}

/// RFC 4648 section 4
fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let index = (word >> (18 - 6 * at)) as usize & 63;
            out.push(if at <= chunk.len() {
                char::from(BASE64[index])
            } else {
                '='
            });
        }
    }
    out
}

/// The bytes of an encoded text; the inner `None` for what is not so encoded.
fn decoded(text: &str, format: &str) -> Option<Option<Vec<u8>>> {
    match format {
        "hex" => Some(from_hex(text)),
        "base64" => Some(from_base64(text)),
        "urlbase64" => Some(from_base64(&text.replace('-', "+").replace('_', "/"))),
        _ => None,
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut bits) = (0u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let value = BASE64.iter().position(|one| *one == byte)?;
        word = word << 6 | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits & 0xff) as u8);
        }
    }
    Some(out)
}

fn escaped(text: &str, target: &str) -> Option<String> {
    match target {
        "html" => Some(
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
                .replace('\'', "&#39;"),
        ),
        "json" => {
            let quoted = serde_json::Value::from(text).to_string();
            Some(quoted[1..quoted.len() - 1].to_owned())
        }
        _ => None,
    }
}

fn unescaped(text: &str, target: &str) -> Option<String> {
    match target {
        "html" => Some(
            text.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&amp;", "&"),
        ),
        "json" => {
            let inner = serde_json::from_str::<String>(&format!("\"{text}\""));
            Some(inner.unwrap_or_else(|_| text.to_owned()))
        }
        _ => None,
    }
}
