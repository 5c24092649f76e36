//! Scripts, and forms of letters.

use std::borrow::Cow;

pub(super) fn is_kanji(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '々')
}

pub(super) fn is_hiragana(letter: char) -> bool {
    matches!(letter, 'ぁ'..='ゖ')
}

pub(super) fn is_katakana(letter: char) -> bool {
    matches!(letter, 'ァ'..='ヺ' | 'ー')
}

pub(super) fn is_kana(letter: char) -> bool {
    is_hiragana(letter) || is_katakana(letter)
}

/// Katakana as hiragana.
pub(super) fn hiragana(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            'ァ'..='ヶ' => char::from_u32(letter as u32 - 0x60).unwrap_or(letter),
            other => other,
        })
        .collect()
}

/// Forms of letters that names are written with and the dictionary is not, by those it has, of the
/// same length in bytes: 髙橋, 﨑山.
pub(super) fn plain_forms(line: &str) -> Cow<'_, str> {
    const FORMS: [(char, char); 12] = [
        ('髙', '高'),
        ('﨑', '崎'),
        ('濵', '浜'),
        ('德', '徳'),
        ('邉', '辺'),
        ('邊', '辺'),
        ('栁', '柳'),
        ('槗', '橋'),
        ('齋', '斎'),
        ('齊', '斉'),
        ('廣', '広'),
        ('瀨', '瀬'),
    ];
    let plain = |letter: char| {
        FORMS
            .iter()
            .find(|(one, _)| *one == letter)
            .map(|(_, by)| *by)
    };
    match line.chars().any(|letter| plain(letter).is_some()) {
        true => line
            .chars()
            .map(|letter| plain(letter).unwrap_or(letter))
            .collect(),
        false => Cow::Borrowed(line),
    }
}
