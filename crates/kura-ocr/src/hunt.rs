//! Identifiers of a patient hunted in what was read, as a recogniser misreads them.

use std::fmt;

use kura_fhir::text::fold;

/// Letters of an identifier from which on one may be wrong, missing or too many.
const LONG: usize = 6;
/// An identifier that is shorter must be the whole of a word: "PA" is not in "PAPILLA".
const SHORT: usize = 3;

/// Names, numbers and dates that may not be seen. They are never printed.
#[derive(Clone, Default)]
pub struct Identifiers {
    /// Folded, with what a recogniser confuses made one.
    parts: Vec<Vec<char>>,
}

impl fmt::Debug for Identifiers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Identifiers({})", self.parts.len())
    }
}

impl Identifiers {
    /// Of texts in any form. Each is hunted as a whole, and its components (`^`, `=`, spaces,
    /// commas) one by one.
    pub fn new<T: AsRef<str>>(texts: &[T]) -> Self {
        let mut parts: Vec<Vec<char>> = Vec::new();
        for text in texts {
            let text = text.as_ref();
            let components = text.split(|letter: char| {
                letter.is_whitespace() || matches!(letter, '^' | '=' | ',' | '、')
            });
            parts.extend(
                components
                    .chain([text])
                    .map(alike)
                    .filter(|part| !part.is_empty()),
            );
        }
        parts.sort_unstable();
        parts.dedup();
        Self { parts }
    }

    /// Whether a reading holds one of them.
    pub fn are_in(&self, reading: &str) -> bool {
        let whole = alike(reading);
        if whole.is_empty() {
            return false;
        }
        let words: Vec<Vec<char>> = reading
            .split(|letter: char| !letter.is_alphanumeric())
            .map(alike)
            .collect();
        self.parts.iter().any(|part| {
            if part.len() < SHORT {
                // A short name beside others, or all there is.
                return words.contains(part) || whole == *part;
            }
            let errors = usize::from(part.len() >= LONG);
            contains(&whole, part, errors)
        })
    }
}

/// Folded, without what parts letters; each letter is one that stands for all it is mistaken for.
fn alike(text: &str) -> Vec<char> {
    fold(text)
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .map(|letter| match letter {
            'o' | 'q' | 'd' | '○' | '〇' => '0',
            'i' | 'l' | 'j' | 't' | '|' => '1',
            'z' => '2',
            's' => '5',
            'g' => '6',
            'b' => '8',
            'u' | 'y' => 'v',
            'c' | 'e' => 'c',
            other => other,
        })
        .collect()
}

/// Whether a part of `text` differs from `part` in at most `errors` letters (changed, missing or
/// too many): Sellers, J. Algorithms 1, 1980.
fn contains(text: &[char], part: &[char], errors: usize) -> bool {
    let mut row: Vec<usize> = (0..=part.len()).collect();
    for letter in text {
        let mut diagonal = row[0];
        // A match may begin anywhere.
        row[0] = 0;
        for at in 1..=part.len() {
            let changed = diagonal + usize::from(part[at - 1] != *letter);
            diagonal = row[at];
            row[at] = changed.min(row[at] + 1).min(row[at - 1] + 1);
        }
        if row[part.len()] <= errors {
            return true;
        }
    }
    row[part.len()] <= errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_they_are_misread() {
        let identifiers =
            Identifiers::new(&["YAMADA^TARO", "ID0015823", "髙橋　惠子", "LI", "1976-06-16"]);
        for reading in [
            "YAMADA TARO",
            "yamada",
            "YAMAOA",
            "YAMDA TAR0",
            "Name:YAMADA,T",
            "YAMIADA",
            "TAR0",
            "lD00I5B23",
            "ID 001 5823",
            "髙橋",
            "惠子",
            "LI",
            "L1 male",
            "Ll",
            "1976/06/16",
            "1976.06.16 12:00",
            "19760616",
        ] {
            assert!(identifiers.are_in(reading), "{reading}");
        }
        for reading in [
            "",
            "  ",
            "120 kV",
            "LIVER",
            "R",
            "2019-04-01",
            "橋",
            "YAMATO",
        ] {
            assert!(!identifiers.are_in(reading), "{reading}");
        }
    }

    #[test]
    fn none_are_in_nothing() {
        assert!(!Identifiers::new::<&str>(&[]).are_in("YAMADA"));
        assert!(!Identifiers::new(&["", "^", " "]).are_in("YAMADA"));
        assert_eq!(
            format!("{:?}", Identifiers::new(&["YAMADA"])),
            "Identifiers(1)"
        );
    }
}
