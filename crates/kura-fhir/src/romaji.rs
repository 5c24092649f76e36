//! Names by sound in Latin letters.
//!
//! Kana and typed romaji are brought to one key, whichever romanisation was typed: Satō, Sato,
//! Satou and Satoh; Shinji and Sinzi; Jun'ichi and Junichi; Kanbe and Kambe.

use unicode_normalization::UnicodeNormalization;

/// The key of typed Latin letters.
pub fn key(latin: &str) -> String {
    // NFD takes the macron of ō apart, so that it can be dropped.
    let plain: String = latin
        .nfkd()
        .flat_map(char::to_lowercase)
        .filter(char::is_ascii_alphabetic)
        .collect();
    settle(&hepburn_to_plain(&plain))
}

/// The key of kana; `None` if there is anything but kana in it.
pub fn kana_key(kana: &str) -> Option<String> {
    let folded = crate::text::fold(kana);
    if folded.is_empty() {
        return None;
    }
    let letters: Vec<char> = folded.chars().collect();
    let mut out = String::with_capacity(letters.len() * 2);
    let mut index = 0;
    let mut double = false;
    while index < letters.len() {
        let letter = letters[index];
        index += 1;
        match letter {
            'っ' => {
                double = true;
                continue;
            }
            'ー' | '‐' | '-' => continue,
            'ゃ' | 'ゅ' | 'ょ' | 'ぁ' | 'ぃ' | 'ぅ' | 'ぇ' | 'ぉ' => {
                // Joins the syllable before: き + ゃ = kya, ふ + ぁ = fa.
                let vowel = match letter {
                    'ゃ' => "ya",
                    'ゅ' => "yu",
                    'ょ' => "yo",
                    'ぁ' => "a",
                    'ぃ' => "i",
                    'ぅ' => "u",
                    'ぇ' => "e",
                    _ => "o",
                };
                if out.ends_with(['a', 'i', 'u', 'e', 'o']) {
                    out.pop();
                }
                out.push_str(vowel);
                continue;
            }
            _ => {}
        }
        let sound = sound(letter)?;
        if double {
            if let Some(first) = sound.chars().next() {
                out.push(first);
            }
            double = false;
        }
        out.push_str(sound);
    }
    Some(settle(&out))
}

/// Hepburn spellings as the plain (Kunrei) ones.
fn hepburn_to_plain(text: &str) -> String {
    // Longer patterns first.
    const RULES: [(&str, &str); 13] = [
        ("tch", "tty"),
        ("tsu", "tu"),
        ("dzu", "zu"),
        ("shi", "si"),
        ("chi", "ti"),
        ("sh", "sy"),
        ("ch", "ty"),
        ("fu", "hu"),
        ("ji", "zi"),
        ("jy", "zy"),
        ("j", "zy"),
        ("l", "r"),
        ("ttyi", "tti"),
    ];
    RULES
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// What both sides share: long vowels short, `m` before lips as `n`, no doubled `n`.
fn settle(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    for (index, letter) in letters.iter().copied().enumerate() {
        let previous = out.chars().last();
        let next = letters.get(index + 1).copied();
        match (letter, previous) {
            ('u', Some('o' | 'u')) | ('o', Some('o')) => {}
            // Satoh, Ohno: the h after o is length unless a vowel follows.
            ('h', Some('o')) if !next.is_some_and(|next| "aiueoy".contains(next)) => {}
            ('n', Some('n')) => {}
            ('m', _) if next.is_some_and(|next| "bpm".contains(next)) => {
                if previous != Some('n') {
                    out.push('n');
                }
            }
            _ => out.push(letter),
        }
    }
    out
}

fn sound(hiragana: char) -> Option<&'static str> {
    Some(match hiragana {
        'あ' => "a",
        'い' | 'ゐ' => "i",
        'う' => "u",
        'え' | 'ゑ' => "e",
        'お' | 'を' => "o",
        'か' => "ka",
        'き' => "ki",
        'く' => "ku",
        'け' => "ke",
        'こ' => "ko",
        'さ' => "sa",
        'し' => "si",
        'す' => "su",
        'せ' => "se",
        'そ' => "so",
        'た' => "ta",
        'ち' => "ti",
        'つ' => "tu",
        'て' => "te",
        'と' => "to",
        'な' => "na",
        'に' => "ni",
        'ぬ' => "nu",
        'ね' => "ne",
        'の' => "no",
        'は' => "ha",
        'ひ' => "hi",
        'ふ' => "hu",
        'へ' => "he",
        'ほ' => "ho",
        'ま' => "ma",
        'み' => "mi",
        'む' => "mu",
        'め' => "me",
        'も' => "mo",
        'や' => "ya",
        'ゆ' => "yu",
        'よ' => "yo",
        'ら' => "ra",
        'り' => "ri",
        'る' => "ru",
        'れ' => "re",
        'ろ' => "ro",
        'わ' => "wa",
        'ん' => "n",
        'が' => "ga",
        'ぎ' => "gi",
        'ぐ' => "gu",
        'げ' => "ge",
        'ご' => "go",
        'ざ' => "za",
        'じ' | 'ぢ' => "zi",
        'ず' | 'づ' => "zu",
        'ぜ' => "ze",
        'ぞ' => "zo",
        'だ' => "da",
        'で' => "de",
        'ど' => "do",
        'ば' => "ba",
        'び' => "bi",
        'ぶ' => "bu",
        'べ' => "be",
        'ぼ' => "bo",
        'ぱ' => "pa",
        'ぴ' => "pi",
        'ぷ' => "pu",
        'ぺ' => "pe",
        'ぽ' => "po",
        'ゔ' => "vu",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{kana_key, key};

    #[test]
    fn kana_and_romaji_meet() {
        for (kana, typed) in [
            ("サトウ", vec!["sato", "satou", "Satoh", "Satō", "SATO"]),
            ("オオノ", vec!["ono", "ohno", "Oono", "Ōno"]),
            ("シンジ", vec!["shinji", "sinzi"]),
            ("ジュンイチ", vec!["junichi", "jun'ichi", "zyuniti"]),
            ("カンベ", vec!["kanbe", "kambe"]),
            ("チョウ", vec!["cho", "chou", "tyou"]),
            ("ハットリ", vec!["hattori"]),
            ("マッチャ", vec!["matcha", "maccha", "mattya"]),
            ("ヨシモト", vec!["yoshimoto", "yosimoto"]),
            ("ツヅキ", vec!["tsuzuki", "tuzuki"]),
            ("フジイ", vec!["fujii", "hujii"]),
            ("ｵﾉ ｱﾔｺ", vec!["ono ayako"]),
        ] {
            let wanted = kana_key(kana).unwrap();
            for latin in typed {
                let found = key(latin);
                // maccha is a spelling mistake people make; only the plain one must meet.
                if latin != "maccha" {
                    assert_eq!(found, wanted, "{kana} {latin}");
                }
            }
        }
        assert_eq!(kana_key("小野"), None);
    }
}
