//! The last look: what the bank knows of a patient must not stand in what leaves.

use kura_fhir::text::fold;

/// Everything that names one patient, folded for comparison.
#[derive(Debug, Default, Clone)]
pub struct KnownIdentifiers {
    /// Plain letters; short ones are compared whole.
    ascii: Vec<String>,
    /// Japanese names are short and stand for themselves wherever they occur.
    others: Vec<String>,
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
        folded.sort();
        folded.dedup();
        let (ascii, others) = folded.into_iter().partition(|known| known.is_ascii());
        Self { ascii, others }
    }

    /// Whether a text that is to leave holds one of them.
    pub fn found_in(&self, text: &str) -> bool {
        // Most of what leaves is plain codes: they need no folding of Japanese, and cannot hold
        // a Japanese name.
        let plain = text.is_ascii();
        let text = if plain {
            text.bytes()
                .filter(|byte| !byte.is_ascii_whitespace())
                .map(|byte| char::from(byte.to_ascii_lowercase()))
                .collect()
        } else {
            fold(text)
        };
        let ascii = self.ascii.iter().any(|known| {
            if known.len() >= CONTAINED_FROM {
                text.contains(known.as_str())
            } else {
                text == *known
            }
        });
        ascii
            || (!plain
                && self
                    .others
                    .iter()
                    .any(|known| text.contains(known.as_str())))
    }
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
        ] {
            assert!(known.found_in(text), "{text}");
        }
        assert!(!known.found_in("11850-3"));
        assert!(!known.found_in("718-7"));
    }
}
