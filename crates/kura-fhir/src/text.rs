//! Folding of text, so that what a person types finds what a person wrote.

use unicode_normalization::UnicodeNormalization;

/// The form strings are searched in: full and half width are one, as are capital and small
/// letters, katakana and hiragana, letters with accents and without; there is no white space and
/// no middle dot. The marks of が and ぱ are no accents.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text
            .chars()
            .filter(|letter| !letter.is_whitespace() && !letter.is_control())
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
    }
    text.nfkd()
        .filter(|letter| !('\u{300}'..='\u{36F}').contains(letter))
        .nfc()
        .flat_map(char::to_lowercase)
        .filter(|letter| {
            !letter.is_whitespace() && !letter.is_control() && !matches!(letter, '・' | '\u{200B}')
        })
        .map(hiragana)
        .collect()
}

fn hiragana(letter: char) -> char {
    match letter {
        // Katakana ァ to ヶ lie 0x60 above hiragana ぁ to ゖ.
        'ァ'..='ヶ' => char::from_u32(letter as u32 - 0x60).unwrap_or(letter),
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn widths_cases_and_kana_fold() {
        assert_eq!(fold("オノ　アヤコ"), "おのあやこ");
        assert_eq!(fold("ｵﾉ ｱﾔｺ"), "おのあやこ");
        assert_eq!(fold("ＡＢＣ-１２"), "abc-12");
        assert_eq!(fold("ｶﾞﾁｬ"), "がちゃ");
        assert_eq!(fold("Ōno Renée パリ"), "onoreneeぱり");
    }
}
