//! Names of persons that are meant and not spelled the same: fuzzy semantic matching of PN, for
//! Japanese names. PS3.4 C.2.2.2.1, PS3.18 8.3.4.2.
//!
//! Beside what matches to the letter, a key matches a group of a name if each of its words is
//! another component's beginning, in whatever order: in the same letters (width, case, accents,
//! kana and old forms of kanji aside) or by the same sound (romaji of whichever spelling, and
//! kana). Words that are written together, or a name that is written in one, match too.

use kura_dicom::name_matches;
use kura_fhir::{romaji, text};

/// Words of a key or of a value that are looked at. PS3.5 6.2 has five components.
const WORDS: usize = 12;

/// Whether a group of a name (PS3.5 6.2.1.1) is what a key may mean.
pub(crate) fn matches(group: &str, wanted: &str) -> bool {
    if name_matches(group, wanted) {
        return true;
    }
    let named = words(group);
    wanted
        .split('=')
        .filter_map(|wanted| {
            // A pattern is a pattern, but for the star that says what fuzzy matching means anyway.
            let plain = wanted.trim_end_matches('*');
            (!plain.contains(['*', '?'])).then(|| words(plain))
        })
        .any(|wanted| !wanted.is_empty() && means(&wanted, &named))
}

/// A word in the ways it is compared.
struct Word {
    letters: String,
    /// By [`romaji`]; none of kanji.
    sound: Option<String>,
}

impl Word {
    fn of(written: &str) -> Self {
        let letters: String = text::fold(written).chars().map(modern).collect();
        let latin = letters.bytes().any(|byte| byte.is_ascii_alphabetic()) && letters.is_ascii();
        let sound = match latin {
            true => Some(romaji::key(written)),
            false => romaji::kana_key(written),
        };
        Self {
            letters,
            sound: sound.filter(|sound| !sound.is_empty()),
        }
    }

    fn begins(&self, other: &Self) -> bool {
        let sound = match (&self.sound, &other.sound) {
            (Some(begin), Some(whole)) => whole.starts_with(begin.as_str()),
            _ => false,
        };
        sound || other.letters.starts_with(&self.letters)
    }
}

fn words(name: &str) -> Vec<Word> {
    name.split(|letter: char| {
        matches!(letter, '^' | '=' | ',' | '、' | '，' | '・' | '･') || letter.is_whitespace()
    })
    .filter(|word| !word.is_empty())
    .take(WORDS)
    .map(Word::of)
    .filter(|word| !word.letters.is_empty())
    .collect()
}

fn means(wanted: &[Word], named: &[Word]) -> bool {
    if each_another(wanted, named) {
        return true;
    }
    let whole = joined(wanted.iter());
    whole.begins(&joined(named.iter())) || whole.begins(&joined(named.iter().rev()))
}

/// As if it was written in one.
fn joined<'w>(words: impl Iterator<Item = &'w Word>) -> Word {
    let mut letters = String::new();
    let mut sound = Some(String::new());
    for word in words {
        letters += &word.letters;
        sound = sound.zip(word.sound.as_ref()).map(|(all, one)| all + one);
    }
    Word { letters, sound }
}

/// Whether each word begins a word of the name, and no two the same one: augmenting paths.
fn each_another(wanted: &[Word], named: &[Word]) -> bool {
    fn place(
        word: usize,
        wanted: &[Word],
        named: &[Word],
        taken: &mut [Option<usize>],
        seen: &mut [bool],
    ) -> bool {
        (0..named.len()).any(|at| {
            if seen[at] || !wanted[word].begins(&named[at]) {
                return false;
            }
            seen[at] = true;
            let free = taken[at].is_none_or(|other| place(other, wanted, named, taken, seen));
            if free {
                taken[at] = Some(word);
            }
            free
        })
    }
    let mut taken = vec![None; named.len()];
    (0..wanted.len()).all(|word| {
        let mut seen = vec![false; named.len()];
        place(word, wanted, named, &mut taken, &mut seen)
    })
}

/// Forms of kanji that names are written with, and the one that is typed: each line's first.
const FORMS: [&str; 24] = [
    "高髙",
    "崎﨑嵜",
    "斎齋齊斉",
    "辺邊邉",
    "沢澤",
    "浜濱濵",
    "広廣",
    "島嶋嶌",
    "桜櫻",
    "国國",
    "真眞",
    "恵惠",
    "徳德",
    "栄榮",
    "竜龍",
    "滝瀧",
    "関關",
    "塚塚",
    "吉𠮷",
    "富冨",
    "児兒",
    "条條",
    "蔵藏",
    "黒黑",
];

fn modern(letter: char) -> char {
    FORMS
        .iter()
        .find(|forms| forms.contains(letter))
        .and_then(|forms| forms.chars().next())
        .unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn who_is_meant() {
        for (group, wanted, expected) in [
            // Romanisations and long vowels.
            ("SATOU^SHINJI", "Sato^Sinzi", true),
            ("Ohno^Jun'ichi", "Ono^Zyuniti", true),
            ("ŌTSUKA^YŪKO", "otuka yuuko", true),
            ("Kambe^Ai", "kanbe", true),
            ("ITOH^KEN", "itou^ken", true),
            // Kana of either kind and width, and romaji.
            ("ヤマダ^タロウ", "やまだ^たろう", true),
            ("ﾔﾏﾀﾞ^ﾀﾛｳ", "ヤマダ　タロウ", true),
            ("やまだ^たろう", "YAMADA TARO", true),
            ("Ｙａｍａｄａ^Ｔａｒｏ", "yamada", true),
            // Order, separation, beginnings.
            ("Yamada^Tarou", "taro yamada", true),
            ("Yamada^Tarou", "yamadataro", true),
            ("Yamada^Tarou", "Tarou, Yam", true),
            ("Yamada^Tarou", "yamada^t*", true),
            ("山田^太郎", "山田太郎", true),
            ("山田太郎", "山田　太郎", true),
            ("山田^太郎", "太郎", true),
            ("髙橋^眞", "高橋真", true),
            ("渡邉^惠子", "渡辺^恵子", true),
            ("Yamada^Tarou", "x=山田=やまだ", true),
            // Who is not.
            ("Yamada^Tarou", "yamamoto", false),
            ("Yamada^Tarou", "yamada jiro", false),
            ("Yamada^Hanako", "yamada ya", false),
            ("Yamada^Tarou", "amada", false),
            ("山田^太郎", "yamada", false),
            ("山田^太郎", "田", false),
            ("Yamada^Tarou", "ya?ada tarou", false),
            ("Yamada^Tarou", "^", false),
            ("", "yamada", false),
        ] {
            assert_eq!(matches(group, wanted), expected, "{group} {wanted}");
        }
    }
}
