//! The text of a request: percent encoding, and the escapes of search values.

use kura_model::{Error, Result};

/// Splits and percent-decodes a query string.
pub fn decode(query: &str) -> Result<Vec<(String, String)>> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((percent_decode(name)?, percent_decode(value)?))
        })
        .collect()
}

fn percent_decode(text: &str) -> Result<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| {
                    byte.and_then(|byte| char::from(byte).to_digit(16))
                        .ok_or_else(|| {
                            Error::invalid(
                                "a '%' in the query is not followed by two hexadecimal digits",
                            )
                        })
                };
                (digit(bytes.next())? * 16 + digit(bytes.next())?) as u8
            }
            other => other,
        });
    }
    String::from_utf8(out).map_err(|_| Error::invalid("the query is not UTF-8"))
}

/// Splits at a letter that is not escaped and takes the escapes away. FHIR R4
/// search.html#escaping.
pub fn split_escaped(value: &str, at: char) -> Vec<String> {
    split_keeping(value, at)
        .into_iter()
        .map(|part| unescape(&part))
        .collect()
}

/// Splits at a letter that is not escaped; the escapes stay, for the next level.
pub(super) fn split_keeping(value: &str, at: char) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        let Some(last) = out.last_mut() else {
            continue;
        };
        match letter {
            '\\' => {
                last.push('\\');
                last.extend(letters.next());
            }
            _ if letter == at => out.push(String::new()),
            _ => last.push(letter),
        }
    }
    out
}

pub(super) fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            out.extend(letters.next());
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_keep_a_separator() {
        assert_eq!(split_escaped(r"a\,b,c", ','), ["a,b", "c"]);
        assert_eq!(split_escaped(r"a\|b|c\\", '|'), ["a|b", r"c\"]);
        assert_eq!(split_keeping(r"a\$b$c", '$'), [r"a\$b", "c"]);
        assert_eq!(decode("a=%E8%94%B5+x&b").unwrap()[0].1, "蔵 x");
        assert!(decode("a=%zz").is_err());
    }
}
