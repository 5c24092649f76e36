//! Numbers that are somebody's: telephones, mail, addresses of the web, insurance, My Number, cards,
//! records.

use std::sync::LazyLock;

use regex::Regex;

use super::{Found, Kind, apart_from_digits, push};

pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of ours")
}

static MAIL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"));
static URL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i:https?|ftp)://[^\s<>"'、。」』)）]+|(?i:www)\.[A-Za-z0-9-]+\.[^\s<>"'、。」』)）]+"#,
    )
});
/// An address of the web without its beginning: portal.example.jp/p/1.
static BARE_URL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?-u:\b)(?:[A-Za-z0-9-]+\.)+(?:jp|com|org|net|info|io|edu|gov|us|uk|me|tv|ly|de|fr|kr|cn)/[^\s<>"'、。」』)）]*"#,
    )
});
/// Ten or eleven digits from 0 on, or after +81, in groups by dashes, dots, spaces or brackets.
static PHONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:\+81[-. ]?(?:\(0\))?|0)\d{1,4}[-. ]?\(?\d{1,4}\)?[-. ]?\d{3,4}|0\d{1,3}\(\d{2,4}\)\d{4}|\(0\d{1,3}\) ?\d{2,4}[- ]?\d{4}",
    )
});
/// Of other countries: +44 20 7946 0958, (555) 123-4567.
static FOREIGN_PHONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\+(?:[1-79]\d{0,2}|8[02-9]\d?)[-. ]?(?:\(\d{1,4}\)|\d{1,4})(?:[-. ]?\d{2,4}){2,4}|(?:\+?1[-. ])?(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}|(?-u:\b)0(?:20 \d{4} \d{4}|\d{4} \d{6}|1\d{2} \d{3} \d{4})",
    )
});
/// 内線 4029, PHS 7123: a telephone within the house.
static EXTENSION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:内線|院内PHS|PHS|ピッチ|\(内|(?i:(?-u:\b)(?:ext(?:ension)?\.?|x)))(?:番号)?[ ::は\(]{0,2}(\d{3,6}(?:-\d{2,5})?)",
    )
});
/// After a word that says what the number is.
static INSURANCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:(?:被)?保険者(?:証)?(?:等)?(?:の)?(?:番号)?|記号(?:・番号)?|番号|枝番|(?:公費)?(?:負担者|受給者)番号|個人番号|マイナンバー|基礎年金番号|旅券番号|免許(?:証)?番号|口座(?:番号)?|カード番号|手帳(?:番号)?|(?i:passport|policy|account|insurance|card|SSN|Medicare|Medicaid|MBI|NHS|member ?ID|subscriber ?ID|group)(?: ?(?i:ID|no\.?|number|#))?)[ ::は\(]{0,3}(?:第)?([0-9A-Z][0-9A-Z・\- ]{0,22}[0-9A-Z]|\d)(?:号)?",
    )
});
/// 記号 川国 123: the letters of a national insurance's symbol.
static SYMBOL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"記号[ ::は]{0,3}([\p{Han}]{1,4}[ ・-]?\d{0,6})"));
static RECORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:(?:患者|診察券|カルテ|診療録|受付|検体|検査|オーダー?|入院|外来|整理|登録|当院|他院)の?(?:ID|番号|No\.?)|(?i:(?-u:\b)(?:MRN|patient ?id|chart ?(?:no\.?|number)|record ?(?:no\.?|number)|accession ?(?:no\.?|number)|ID)))[ ::#は]{0,3}([A-Za-z]{0,6}[-_]?\d[0-9A-Za-z\-_]{2,24})",
    )
});
/// Twelve digits (My Number) and sixteen (cards), in groups of four or together; ten in three groups.
static LONG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\d{4}[- ]?\d{4}[- ]?\d{4}(?:[- ]?\d{4})?|\d{3}-\d{2}-\d{4}|(?-u:\b)(?:\d{4} \d{3} \d{3}(?: [A-Z]{2}(?-u:\b))?|\d{3} \d{3} \d{4})",
    )
});
/// Of a document, an order: 第3476号, CT/8959/21.
static FILE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"第\d{3,8}号|(?-u:\b)[A-Z]{1,4}/\d{3,6}/\d{2,4}(?-u:\b)"));

pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    // Most texts have none of these: a look for the letter is quick.
    if text.contains('@') {
        for hit in MAIL.find_iter(text) {
            push(found, hit.range(), Kind::Mail);
        }
    }
    if text.contains("://") || text.contains("www.") || text.contains("WWW.") {
        for hit in URL.find_iter(text) {
            push(found, hit.range(), Kind::Url);
        }
    }
    if text.contains('/') {
        for hit in BARE_URL.find_iter(text) {
            push(found, hit.range(), Kind::Url);
        }
    }
    for hit in FOREIGN_PHONE.find_iter(text) {
        let digits = digits(hit.as_str());
        if (9..=15).contains(&digits.len()) && apart_from_digits(text, &hit.range()) {
            push(found, hit.range(), Kind::Phone);
        }
    }
    for hit in PHONE.find_iter(text) {
        let digits = digits(hit.as_str());
        let length = match hit.as_str().starts_with('+') {
            true => (11..=13).contains(&digits.len()),
            // Nine, in groups: a number of before 1999, or one with a digit left out.
            false => {
                (10..=11).contains(&digits.len())
                    || (digits.len() == 9 && hit.as_str().matches('-').count() == 2)
            }
        };
        if length && apart_from_digits(text, &hit.range()) {
            push(found, hit.range(), Kind::Phone);
        }
    }
    for hit in FILE.find_iter(text) {
        push(found, hit.range(), Kind::RecordNumber);
    }
    for hit in LONG.find_iter(text) {
        if !apart_from_digits(text, &hit.range()) {
            continue;
        }
        let digits = digits(hit.as_str());
        let is_somebodys = match digits.len() {
            12 => is_my_number(&digits),
            16 => is_card(&digits),
            // The form of a number of US social security.
            9 => hit.as_str().contains('-'),
            // Those of health services of Britain and Canada.
            10 => true,
            _ => false,
        };
        if is_somebodys {
            push(found, hit.range(), Kind::Number);
        }
    }
    for (pattern, kind) in [
        (&*INSURANCE, Kind::Number),
        (&*SYMBOL, Kind::Number),
        (&*EXTENSION, Kind::Phone),
        (&*RECORD, Kind::RecordNumber),
    ] {
        for hit in pattern.captures_iter(text) {
            if let Some(number) = hit.get(1) {
                let range = number.start()..number.start() + number.as_str().trim_end().len();
                push(found, range, kind);
            }
        }
    }
}

fn digits(text: &str) -> Vec<u32> {
    text.chars()
        .filter_map(|letter| letter.to_digit(10))
        .collect()
}

/// 行政手続における特定の個人を識別するための番号の利用等に関する法律施行規則5条: the check digit.
fn is_my_number(digits: &[u32]) -> bool {
    let [number @ .., check] = digits else {
        return false;
    };
    let sum: u32 = number
        .iter()
        .rev()
        .zip(1..)
        .map(|(digit, place): (&u32, u32)| digit * if place <= 6 { place + 1 } else { place - 5 })
        .sum();
    let wanted = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    *check == wanted
}

/// ISO/IEC 7812-1, annex B.
fn is_card(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            0 => *digit,
            _ if *digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits() {
        // The example of the ministry's ordinance has the form; this one is made by its rule.
        assert!(is_my_number(&digits("123456789018")));
        assert!(!is_my_number(&digits("123456789012")));
        assert!(is_card(&digits("4111111111111111")));
        assert!(!is_card(&digits("4111111111111112")));
    }
}
