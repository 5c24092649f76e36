//! Descriptions of studies, series and protocols, of which only known words stay.
//! PS3.15 E.3.5: what is not known to be harmless is taken out.

use std::collections::HashSet;

use aho_corasick::{AhoCorasick, MatchKind};

/// The words that may stay.
#[derive(Debug, Clone)]
pub(super) struct Words {
    /// In capitals.
    latin: HashSet<String>,
    /// Of scripts that have no spaces.
    japanese: Option<AhoCorasick>,
}

impl Words {
    pub(super) fn new(words: &[String]) -> Result<Self, String> {
        let (latin, japanese): (Vec<&String>, Vec<&String>) =
            words.iter().partition(|word| word.is_ascii());
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&japanese)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            latin: latin.iter().map(|word| word.to_ascii_uppercase()).collect(),
            japanese: (!japanese.is_empty()).then_some(search),
        })
    }

    /// The known words of a text, in its order.
    pub(super) fn of(&self, text: &str) -> String {
        let mut out: Vec<&str> = Vec::new();
        // Words are runs of one kind: 頭部CT造影 is 頭部, CT and 造影.
        let mut start = 0;
        let mut kind = Kind::Other;
        let letters = text
            .char_indices()
            .map(|(at, letter)| (at, Kind::of(letter)));
        for (at, now) in letters.chain([(text.len(), Kind::End)]) {
            if now != kind {
                self.word(kind, &text[start..at], &mut out);
                start = at;
                kind = now;
            }
        }
        out.join(" ")
    }

    fn word<'t>(&self, kind: Kind, word: &'t str, out: &mut Vec<&'t str>) {
        match kind {
            Kind::Latin => {
                // No number stays: 01 and 20 beside a date that moved tell by how much.
                if self.latin.contains(&word.to_ascii_uppercase()) {
                    out.push(word);
                }
            }
            Kind::Japanese => {
                for found in self
                    .japanese
                    .iter()
                    .flat_map(|search| search.find_iter(word))
                {
                    out.push(&word[found.range()]);
                }
            }
            Kind::Other | Kind::End => {}
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Latin,
    Japanese,
    Other,
    End,
}

impl Kind {
    fn of(letter: char) -> Self {
        match letter {
            letter if letter.is_ascii_alphanumeric() => Kind::Latin,
            letter if letter.is_alphanumeric() || letter == 'ー' => Kind::Japanese,
            _ => Kind::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_stay() {
        let words = ["AX", "T1", "POST", "CT", "頭部", "造影", "頭"].map(str::to_owned);
        let words = Words::new(&words).unwrap();
        assert_eq!(words.of("AX T1_POST Mr.Yamada 3"), "AX T1 POST");
        assert_eq!(words.of("CT 2026/01/20 R8.1.20 101歳"), "CT");
        assert_eq!(words.of("頭部CT造影 山田太郎"), "頭部 CT 造影");
        assert_eq!(words.of("1234567 ID"), "");
        assert_eq!(words.of(""), "");
        // A word within a longer one is another word.
        assert_eq!(words.of("TAXI"), "");
    }
}
