//! Folding of text, so that what a person types finds what a person wrote.

use unicode_normalization::UnicodeNormalization;

/// The form strings are searched in: NFKC (full and half width are one), lower case, katakana
/// as hiragana, no white space, no middle dots.
pub fn fold(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, '・' | '\u{200B}'))
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
    }
}
