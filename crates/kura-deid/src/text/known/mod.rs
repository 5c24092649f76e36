//! What stays of a text when only what is known to name nobody may stay: after the rules have found what they know,
//! the rest is read word by word, and a word that is not known goes, whatever it is.
//!
//! The rules of `text` find what looks like a name, and miss what looks like none. Here it is the other way round: a
//! name that no rule finds goes because nothing says that it is harmless, and what is lost are words of clinics that
//! no list has.

mod around;
pub(super) mod days;
mod japanese;
mod latin;
mod numbers;
pub(super) mod places;
mod words;

use std::ops::Range;

use super::letters::{is_kana, is_kanji};
use super::vocabulary::Vocabulary;
pub(super) use words::Words;

/// What a piece of the text was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// On a list, or written with letters of which no name is made.
    Sure,
    /// A word of the dictionary, or of English.
    Word,
    /// One kanji beside a word.
    Affix,
    /// Words in hiragana.
    Grammar,
    /// A particle of one letter.
    Letter,
    Number,
    /// A space, a point.
    Mark,
    /// What is not known.
    Unknown,
    /// What a rule found.
    Found,
}

#[derive(Debug, Clone)]
struct Piece {
    range: Range<usize>,
    class: Class,
}

impl Piece {
    fn text<'t>(&self, text: &'t str) -> &'t str {
        &text[self.range.clone()]
    }

    fn gone(&self) -> bool {
        matches!(self.class, Class::Unknown | Class::Found)
    }
}

/// What is not known of a text whose letters are narrow, outside of what was found.
pub(super) fn find(
    words: &Words,
    vocabulary: &Vocabulary,
    text: &str,
    found: &[Range<usize>],
) -> Vec<Range<usize>> {
    let mut pieces = read(words, vocabulary, text, found);
    around::spread(text, vocabulary, &mut pieces);
    let mut out: Vec<Range<usize>> = Vec::new();
    for piece in pieces.iter().filter(|piece| piece.class == Class::Unknown) {
        match out.last_mut() {
            Some(last) if last.end == piece.range.start => last.end = piece.range.end,
            _ => out.push(piece.range.clone()),
        }
    }
    out
}

fn is_japanese(letter: char) -> bool {
    is_kanji(letter) || is_kana(letter)
}

fn is_latin(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, 'À'..='ɏ') && letter.is_alphabetic()
}

/// Letters that stand for a measure or a number, not for a word: β, µ, Ⅲ.
fn is_sign(letter: char) -> bool {
    matches!(letter, 'α'..='ω' | 'Α'..='Ω' | 'µ' | 'Ⅰ'..='ⅿ' | 'ª' | 'º')
}

fn read(words: &Words, vocabulary: &Vocabulary, text: &str, found: &[Range<usize>]) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(text.len() / 4);
    let mut reader = japanese::Reader::new(words, vocabulary);
    let mut hidden = found.iter().filter(|range| !range.is_empty()).peekable();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        while hidden.next_if(|range| range.end <= at).is_some() {}
        let until = match hidden.peek() {
            Some(range) if range.start <= at => {
                pieces.push(Piece {
                    range: at..range.end,
                    class: Class::Found,
                });
                at = range.end;
                continue;
            }
            Some(range) => range.start,
            None => text.len(),
        };
        let end_of = |same: fn(char) -> bool| {
            let rest = &text[at..until];
            at + rest.find(|next| !same(next)).unwrap_or(rest.len())
        };
        if is_japanese(letter) {
            let end = end_of(is_japanese);
            reader.read(text, at..end, &mut pieces);
            at = end;
        } else if letter.is_ascii_digit() {
            at = numbers::read(text, at, until, &mut pieces);
        } else if is_latin(letter) {
            let end = end_of(is_latin);
            let class = latin::class(text, at..end);
            pieces.push(Piece {
                range: at..end,
                class,
            });
            at = end;
        } else {
            let end = at + letter.len_utf8();
            let class = match letter.is_alphabetic() && !is_sign(letter) {
                true => Class::Unknown,
                false => Class::Mark,
            };
            pieces.push(Piece {
                range: at..end,
                class,
            });
            at = end;
        }
    }
    pieces
}
