//! What may stay: a confident reading that is wholly on the keep-list, that the pixels bear out,
//! and that is nobody's name. Everything else is masked.

use std::collections::HashSet;

use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::hunt::Identifiers;
use crate::{Direction, Found};

const SHIPPED: &str = include_str!("../data/keep.toml");

/// Why a text stays, for whoever reviews it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    pub en: String,
    pub ja: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    texts: Vec<String>,
    kind: String,
    reason: Reason,
}

/// Texts that may stay. Data: `data/keep.toml` has the form.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepList {
    confidence: f32,
    digits: usize,
    decimals: usize,
    #[serde(default, rename = "word")]
    words: Vec<Entry>,
    #[serde(default, rename = "unit")]
    units: Vec<Entry>,
    #[serde(default, rename = "index")]
    indexes: Vec<Entry>,
}

/// What becomes of a text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    Keep {
        /// Kinds of the entries it matches, each once.
        kinds: Vec<String>,
        reasons: Vec<Reason>,
    },
    Mask {
        why: Why,
    },
}

impl Decision {
    pub fn keeps(&self) -> bool {
        matches!(self, Self::Keep { .. })
    }
}

/// Why a text is masked. None of them says what it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// One of its readings holds an identifier of the patient.
    Identifier,
    /// It reads otherwise than anything on the list.
    NotListed,
    /// The reading is not certain, or another look read something else.
    Uncertain,
    /// The pixels do not look like the reading, or something else is there.
    DoesNotFit,
}

impl KeepList {
    /// The list that is shipped.
    ///
    /// # Errors
    /// Never, as long as the tests pass.
    pub fn shipped() -> Result<Self> {
        Self::parse(SHIPPED)
    }

    /// # Errors
    /// `Invalid` where the text is no such list, or would let a text stay on less than an even
    /// chance.
    pub fn parse(text: &str) -> Result<Self> {
        let list: Self = toml::from_str(text)
            .map_err(|error| Error::invalid(format!("the keep-list: {}", error.message())))?;
        if !(0.5..=1.0).contains(&list.confidence) {
            return Err(Error::invalid(
                "the keep-list: confidence is from 0.5 to 1.0",
            ));
        }
        let entries = list.words.iter().chain(&list.units).chain(&list.indexes);
        if entries.flat_map(|entry| &entry.texts).any(|text| {
            text.is_empty()
                || text.chars().any(|letter| {
                    letter.is_whitespace() || letter.is_ascii_digit() && !text.ends_with(letter)
                })
        }) {
            return Err(Error::invalid(
                "the keep-list: a text is one word without digits but a last one",
            ));
        }
        Ok(list)
    }

    /// Whether a text may stay. `identifiers` are those of the patient and of everybody else
    /// whose name may not be seen.
    pub fn decide(&self, found: &Found, identifiers: &Identifiers) -> Decision {
        let mask = |why| Decision::Mask { why };
        let mut readings = std::iter::once(&found.text).chain(&found.others);
        if readings.any(|reading| identifiers.are_in(reading)) {
            return mask(Why::Identifier);
        }
        let Some(entries) = self.matches(&found.text) else {
            return mask(Why::NotListed);
        };
        let squeezed = |text: &str| -> String { text.split_whitespace().collect() };
        let agreed = found
            .others
            .iter()
            .all(|other| squeezed(other) == squeezed(&found.text));
        // NaN is not certain either.
        let certain = found.confidence >= self.confidence;
        if !certain || !agreed || found.direction != Direction::Upright {
            return mask(Why::Uncertain);
        }
        if !found.ink.fits(&found.text) {
            return mask(Why::DoesNotFit);
        }
        let mut seen = HashSet::new();
        let entries: Vec<&Entry> = entries
            .into_iter()
            .filter(|entry| seen.insert(entry.kind.as_str()))
            .collect();
        Decision::Keep {
            kinds: entries.iter().map(|entry| entry.kind.clone()).collect(),
            reasons: entries.iter().map(|entry| entry.reason.clone()).collect(),
        }
    }

    /// The entries that make up the whole of a reading; `None` where something is left over.
    fn matches(&self, reading: &str) -> Option<Vec<&Entry>> {
        let words: Vec<&str> = reading.split_whitespace().collect();
        let mut entries = Vec::new();
        let mut rest = words.as_slice();
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let (entry, used) = self
                .index(rest)
                .or_else(|| self.scale(rest))
                .or_else(|| find(&self.words, rest[0]).map(|entry| (entry, 1)))?;
            entries.push(entry);
            rest = rest.get(used..)?;
        }
        Some(entries)
    }

    /// `MI 1.2`, `MI: 1.2`, `MI1.2`, `MI=1.2`.
    fn index(&self, words: &[&str]) -> Option<(&Entry, usize)> {
        let separators = [':', '=', '：'];
        let first = words[0];
        let (label, rest) = match first.find(|letter: char| letter.is_ascii_digit()) {
            Some(at) => first.split_at(at),
            None => (first, ""),
        };
        let entry = find(&self.indexes, label.trim_end_matches(separators))?;
        if rest.is_empty() {
            return self.number(words.get(1)?).map(|_| (entry, 2));
        }
        self.number(rest).map(|_| (entry, 1))
    }

    /// Numbers in equal steps, then a unit: `12.5 cm`, `120kV`, `0 5 10 15 cm`.
    fn scale(&self, words: &[&str]) -> Option<(&Entry, usize)> {
        let mut numbers = Vec::new();
        for (at, word) in words.iter().enumerate() {
            if let Some(number) = self.number(word) {
                numbers.push(number);
                continue;
            }
            let unit_at = word.find(|letter: char| {
                !(letter.is_ascii_digit() || matches!(letter, '.' | '-' | '+'))
            })?;
            let (number, unit) = word.split_at(unit_at);
            let entry = find(&self.units, unit)?;
            if !number.is_empty() {
                numbers.push(self.number(number)?);
            }
            return (!numbers.is_empty() && equal_steps(&numbers)).then_some((entry, at + 1));
        }
        None
    }

    /// A number short enough to be a measure.
    fn number(&self, word: &str) -> Option<f64> {
        let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
        let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit())
        };
        if !digits(whole, self.digits) || !digits(decimals, self.decimals) {
            return None;
        }
        // 0123 is a number of somebody, not of something.
        if whole.len() > 1 && whole.starts_with('0') {
            return None;
        }
        word.parse().ok()
    }
}

fn find<'a>(entries: &'a [Entry], text: &str) -> Option<&'a Entry> {
    entries
        .iter()
        .find(|entry| entry.texts.iter().any(|known| known == text))
}

fn equal_steps(numbers: &[f64]) -> bool {
    let Some(step) = numbers.get(1).map(|second| second - numbers[0]) else {
        return true;
    };
    step != 0.0
        && numbers
            .windows(2)
            .all(|pair| (pair[1] - pair[0] - step).abs() < 1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Area, Ink};

    fn found(text: &str) -> Found {
        let letters = text
            .chars()
            .filter(|letter| !letter.is_whitespace())
            .count() as u32;
        Found {
            area: Area {
                x: 0,
                y: 0,
                width: 10 * letters + 4,
                height: 16,
            },
            text: text.to_owned(),
            confidence: 0.99,
            direction: Direction::Upright,
            others: Vec::new(),
            ink: Ink {
                runs: letters,
                width: 7 * text.chars().count() as u32,
                height: 12,
                touches: false,
                contrast: 200,
            },
        }
    }

    fn decide(found: &Found, identifiers: &[&str]) -> Decision {
        KeepList::shipped()
            .expect("the list")
            .decide(found, &Identifiers::new(identifiers))
    }

    #[test]
    fn what_is_listed_stays() {
        for text in [
            "R",
            "L",
            "PA",
            "RAO",
            "120 kV",
            "120kV",
            "3.5 MHz",
            "MI 1.2",
            "MI: 0.9",
            "TIB0.4",
            "45%",
            "12.5cm",
            "0 5 10 15 20 cm",
            "-30 dB",
            "cm/s",
            "120 kV 200 mA",
            "R MLO",
        ] {
            assert!(decide(&found(text), &[]).keeps(), "{text}");
        }
    }

    #[test]
    fn everything_else_goes() {
        for text in [
            "",
            " ",
            "r",
            "RL",
            "R1",
            "SUZUKI",
            "L SUZUKI",
            "R 12345",
            "0 5 10 15 20",
            "1976",
            "12",
            "12345678 mm",
            "0123 cm",
            "1976 06 16 cm",
            "MI",
            "MA",
            "120 kV SUZUKI",
            "kV120",
            "1.2.3 cm",
            "12:30",
            "45 %%",
            "cm cmx",
            "MI 1976-06-16",
            "山田 cm",
            "１２ cm",
            "0 0 cm",
        ] {
            assert_eq!(
                decide(&found(text), &[]),
                Decision::Mask {
                    why: Why::NotListed
                },
                "{text}"
            );
        }
    }

    #[test]
    fn a_reading_alone_lets_nothing_stay() {
        let sure = found("120 kV");
        let why = |change: &dyn Fn(&mut Found)| {
            let mut found = sure.clone();
            change(&mut found);
            decide(&found, &[])
        };
        let uncertain = Decision::Mask {
            why: Why::Uncertain,
        };
        assert_eq!(why(&|found| found.confidence = 0.89), uncertain);
        assert_eq!(why(&|found| found.confidence = f32::NAN), uncertain);
        assert_eq!(
            why(&|found| found.direction = Direction::Downwards),
            uncertain
        );
        assert_eq!(
            why(&|found| found.others.push("120 KY".to_owned())),
            uncertain
        );
        let other = Decision::Mask {
            why: Why::DoesNotFit,
        };
        assert_eq!(why(&|found| found.ink.touches = true), other);
        assert_eq!(why(&|found| found.ink.runs = 12), other);
        assert_eq!(why(&|found| found.ink.width = 200), other);
        assert!(why(&|found| found.others.push("120kV".to_owned())).keeps());
    }

    #[test]
    fn nobodys_name_stays() {
        let masked = Decision::Mask {
            why: Why::Identifier,
        };
        assert_eq!(decide(&found("PA"), &["PA"]), masked);
        assert_eq!(decide(&found("L"), &["Ｌ"]), masked);
        let mut two = found("R");
        two.others.push("suzuki".to_owned());
        assert_eq!(decide(&two, &["Suzuki^Ichiro"]), masked);
        assert!(decide(&found("PA"), &["Papadopoulos"]).keeps());
    }

    #[test]
    fn a_list_of_ones_own() {
        assert!(KeepList::parse("confidence = 0.2\ndigits = 3\ndecimals = 1").is_err());
        assert!(KeepList::parse("confidence = 0.9\ndigits = 3\ndecimals = 1\nall = true").is_err());
        assert!(KeepList::parse("confidence = 0.9\ndigits = 3\ndecimals = 1").is_ok());
    }
}
