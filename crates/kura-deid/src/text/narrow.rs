//! Text with full-width letters and digits as plain ones, and the way back.

use std::borrow::Cow;
use std::ops::Range;

pub(super) struct Narrow<'a> {
    pub text: Cow<'a, str>,
    /// For each byte of the text the byte of the source that it came from, and the source's end;
    /// empty where they are the same.
    from: Vec<u32>,
}

impl<'a> Narrow<'a> {
    pub(super) fn of(source: &'a str) -> Self {
        if !source
            .chars()
            .any(|letter| letter == 'ー' || narrow(letter) != letter)
        {
            return Self {
                text: Cow::Borrowed(source),
                from: Vec::new(),
            };
        }
        let mut text = String::with_capacity(source.len());
        let mut from = Vec::with_capacity(source.len() + 1);
        let mut before = None;
        for (at, letter) in source.char_indices() {
            let letter = match letter {
                // A long vowel's mark between digits is a dash: 080ー4416ー9769.
                'ー' if is_digit(before) && is_digit(source[at + 3..].chars().next()) => '-',
                letter => narrow(letter),
            };
            before = Some(letter);
            // Texts of 4 GB do not come here.
            from.resize(from.len() + letter.len_utf8(), at as u32);
            text.push(letter);
        }
        from.push(source.len() as u32);
        Self {
            text: Cow::Owned(text),
            from,
        }
    }

    /// The piece of the text that a piece of the source became.
    pub(super) fn back(&self, range: &Range<usize>) -> Range<usize> {
        if self.from.is_empty() {
            return range.clone();
        }
        let at = |byte: usize| self.from.partition_point(|from| (*from as usize) < byte);
        at(range.start)..at(range.end)
    }

    /// The piece of the source that a piece of the text came from.
    pub(super) fn source(&self, range: &Range<usize>) -> Range<usize> {
        match self.from.is_empty() {
            true => range.clone(),
            false => self.from[range.start] as usize..self.from[range.end] as usize,
        }
    }
}

fn is_digit(letter: Option<char>) -> bool {
    letter.is_some_and(|letter| narrow(letter).is_ascii_digit())
}

/// One letter for one. JIS X 0208 row 3, and the dashes that stand for a hyphen in numbers.
fn narrow(letter: char) -> char {
    match letter {
        '！'..='～' => char::from_u32(letter as u32 - 0xFEE0).unwrap_or(letter),
        '　' => ' ',
        '‐' | '‑' | '–' | '—' | '―' | '−' => '-',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let narrow = Narrow::of("年１２３−４abc");
        assert_eq!(narrow.text, "年123-4abc");
        let at = narrow.text.find("123-4").unwrap();
        let range = narrow.source(&(at..at + 5));
        assert_eq!(&"年１２３−４abc"[range], "１２３−４");
        assert!(matches!(Narrow::of("年123").text, Cow::Borrowed(_)));
    }
}
