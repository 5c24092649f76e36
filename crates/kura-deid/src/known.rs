//! The last look: what the bank knows of a patient must not stand in what leaves.

use std::collections::HashSet;

use aho_corasick::AhoCorasick;
use kura_fhir::text::fold;

/// Everything that names one patient, folded for comparison.
#[derive(Debug, Clone, Default)]
pub struct KnownIdentifiers {
    /// Plain letters; found wherever they occur.
    ascii: Option<AhoCorasick>,
    /// Short plain words, compared whole.
    whole: HashSet<String>,
    /// Japanese names are short and stand for themselves wherever they occur.
    others: Option<AhoCorasick>,
}

/// Shorter ones are compared whole: "1185" may be part of a code.
const CONTAINED_FROM: usize = 5;

impl KnownIdentifiers {
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut folded: Vec<String> = values
            .into_iter()
            .map(|value| fold(&value))
            .filter(|value| value.chars().count() >= 2)
            .collect();
        let bare: Vec<String> = folded.iter().flat_map(|value| bare(value)).collect();
        folded.extend(bare);
        folded.sort();
        folded.dedup();
        let (ascii, others): (Vec<String>, Vec<String>) =
            folded.into_iter().partition(|known| known.is_ascii());
        let (ascii, whole): (Vec<String>, Vec<String>) = ascii
            .into_iter()
            .partition(|known| known.len() >= CONTAINED_FROM);
        let search = |patterns: &[String]| {
            let build = || AhoCorasick::new(patterns).expect("names of one patient are few");
            (!patterns.is_empty()).then(build)
        };
        Self {
            ascii: search(&ascii),
            whole: whole.into_iter().collect(),
            others: search(&others),
        }
    }

    /// Whether a text that is to leave holds one of them.
    pub fn found_in(&self, text: &str) -> bool {
        let within = |search: &Option<AhoCorasick>, text: &str| {
            search.as_ref().is_some_and(|search| search.is_match(text))
        };
        // Most of what leaves is plain codes: they need no folding of Japanese, and cannot hold
        // a Japanese name. Many are folded as they are.
        let as_it_is = |byte: u8| !byte.is_ascii_uppercase() && !byte.is_ascii_whitespace();
        if text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && as_it_is(byte))
        {
            return within(&self.ascii, text) || self.whole.contains(text);
        }
        let folded = fold(text);
        within(&self.ascii, &folded)
            || self.whole.contains(&folded)
            || (!text.is_ascii() && within(&self.others, &folded))
    }
}

/// A number without its dashes, and without the zeros that a number of JSON cannot begin with.
fn bare(value: &str) -> Vec<String> {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    if !value.is_ascii() || digits < CONTAINED_FROM {
        return Vec::new();
    }
    let bare: String = value
        .chars()
        .filter(|c| !matches!(c, '-' | '/' | '.' | '_' | '(' | ')' | '+'))
        .collect();
    let short = bare.trim_start_matches('0').to_owned();
    [bare, short]
        .into_iter()
        .filter(|form| form.len() > CONTAINED_FROM && form != value)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_written() {
        let known = KnownIdentifiers::new(
            [
                "小野 綾子",
                "オノ アヤコ",
                "POP-000209",
                "090-1960-5585",
                "1185",
            ]
            .map(str::to_owned),
        );
        for text in [
            "患者 小野綾子様",
            "ｵﾉｱﾔｺ",
            "pop-000209",
            "tel 090-1960-5585",
            "1185",
            "09019605585",
            "9019605585",
        ] {
            assert!(known.found_in(text), "{text}");
        }
        assert!(!known.found_in("11850-3"));
        assert!(!known.found_in("718-7"));
    }
}
