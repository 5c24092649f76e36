//! The last look: what the bank knows of a patient must not stand in what leaves.

use kura_fhir::text::fold;

/// Everything that names one patient, folded for comparison.
#[derive(Debug, Default, Clone)]
pub struct KnownIdentifiers {
    folded: Vec<String>,
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
        Self { folded }
    }

    /// Whether a text that is to leave holds one of them.
    pub fn found_in(&self, text: &str) -> bool {
        let text = fold(text);
        self.folded.iter().any(|known| {
            // Japanese names are short and stand for themselves wherever they occur.
            let long = known.chars().count() >= CONTAINED_FROM || !known.is_ascii();
            if long {
                text.contains(known.as_str())
            } else {
                text == *known
            }
        })
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
