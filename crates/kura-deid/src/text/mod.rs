//! Free text, Japanese and English: what in it tells who somebody is.
//!
//! Rules find what has a form (numbers, dates, addresses); the record itself tells the names that
//! the bank knows; a dictionary finds names that nobody told. A policy's rule lets a text leave by it
//! where the specification of a set asks for texts.

mod context;
mod dates;
mod dictionary;
mod hospitals;
mod known;
mod latin;
mod letters;
mod names;
mod narrow;
mod numbers;
mod people;
mod places;
mod vocabulary;

use std::ops::Range;

use serde::Serialize;

pub use dictionary::{Dictionary, DictionaryError};
use narrow::Narrow;
pub use people::Record;

/// What a piece of text tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Name,
    Address,
    Hospital,
    Phone,
    Mail,
    Url,
    /// Of insurance, My Number, a card.
    Number,
    /// Of the record, a visit, an order.
    RecordNumber,
    Date,
    /// Above the limit.
    Age,
    /// What no list says to be harmless: a name that no rule found, or a word or number that nobody knows.
    Unknown,
}

impl Kind {
    /// What stands in its place.
    pub fn label(self) -> &'static str {
        match self {
            Kind::Name => "[氏名]",
            Kind::Address => "[住所]",
            Kind::Hospital => "[施設]",
            Kind::Phone => "[電話]",
            Kind::Mail => "[メール]",
            Kind::Url => "[URL]",
            Kind::Number => "[番号]",
            Kind::RecordNumber => "[記録番号]",
            Kind::Date => "[日付]",
            Kind::Age => "[高齢]",
            Kind::Unknown => "[語]",
        }
    }
}

/// A piece of a text, by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub range: Range<usize>,
    pub kind: Kind,
}

/// Everything in a text that tells who somebody is, in its order; pieces do not overlap. Without a
/// dictionary, names that the record does not have are found by their titles only.
pub fn find(
    text: &str,
    records: &[&Record],
    dictionary: Option<&Dictionary>,
    age_limit: u32,
) -> Vec<Found> {
    let narrow = Narrow::of(text);
    let mut found = Vec::new();
    numbers::find(&narrow.text, &mut found);
    dates::find(&narrow.text, age_limit, &mut found);
    let words = dictionary.map(Dictionary::words);
    places::find(&narrow.text, words, &mut found);
    hospitals::find(&narrow.text, words, &mut found);
    latin::find(&narrow.text, &mut found);
    people::titled(&narrow.text, dictionary.is_some(), &mut found);
    if let Some(dictionary) = dictionary {
        dictionary.find(&narrow.text, &mut found);
    }
    for one in &mut found {
        one.range = narrow.source(&one.range);
    }
    for record in records {
        record.find(text, &mut found);
    }
    settle(found)
}

/// What `find` finds, and everything else that is not known to be harmless: only words of the dictionary that are no
/// name, place or organisation, words of clinics, those a caller told, numbers that measure or count stay. Nothing is
/// lost by a name that no rule knows; words that no list has are.
pub fn find_unknown(
    text: &str,
    records: &[&Record],
    dictionary: &Dictionary,
    age_limit: u32,
) -> Vec<Found> {
    let mut found = find(text, records, Some(dictionary), age_limit);
    let narrow = Narrow::of(text);
    let hidden: Vec<_> = found.iter().map(|one| narrow.back(&one.range)).collect();
    let of = |kind: Kind| -> Vec<_> {
        let both = found.iter().zip(&hidden);
        let of_kind = both.filter(|(one, _)| one.kind == kind);
        of_kind.map(|(_, range)| range.clone()).collect()
    };
    let days = known::days::find(&narrow.text, &of(Kind::Date));
    let places = known::places::find(&narrow.text, &of(Kind::Address));
    for (kind, ranges) in [(Kind::Date, days), (Kind::Address, places)] {
        for range in ranges {
            push(&mut found, narrow.source(&range), kind);
        }
    }
    for range in dictionary.find_unknown(&narrow.text, &hidden) {
        push(&mut found, narrow.source(&range), Kind::Unknown);
    }
    settle(found)
}

/// Told of each text before and after.
pub type Watcher<'a> = &'a dyn Fn(&str, &str);

/// What the texts of one patient are cleaned by: only what is known to be harmless stays, [`find_unknown`].
pub struct Cleaner<'a> {
    /// What the bank knows of whoever may be spoken of: the patient's own, and everybody's.
    pub records: [&'a Record; 2],
    pub dictionary: &'a Dictionary,
    /// Ages from it on get a label.
    pub age_limit: u32,
    /// For the sample that a person reads.
    pub seen: Option<Watcher<'a>>,
}

/// A text that was cleaned.
#[derive(Debug)]
pub struct Cleaned {
    pub text: String,
    /// What each label stands for, in their order.
    pub kinds: Vec<Kind>,
}

impl Cleaner<'_> {
    pub fn clean(&self, text: &str) -> Cleaned {
        let found = find_unknown(text, &self.records, self.dictionary, self.age_limit);
        let cleaned = labelled(text, &found);
        if let Some(seen) = self.seen {
            seen(text, &cleaned);
        }
        Cleaned {
            text: cleaned,
            kinds: found.iter().map(|one| one.kind).collect(),
        }
    }
}

/// The text with labels in the places of what tells who somebody is.
pub fn labelled(text: &str, found: &[Found]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for one in found {
        out.push_str(&text[at..one.range.start]);
        out.push_str(one.kind.label());
        at = one.range.end;
    }
    out.push_str(&text[at..]);
    out
}

/// Of pieces that overlap the one that begins first stays, grown over the others; of two that begin
/// together the longer one.
fn settle(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by(|a, b| {
        let longer = b.range.end.cmp(&a.range.end);
        a.range.start.cmp(&b.range.start).then(longer)
    });
    let mut out: Vec<Found> = Vec::with_capacity(found.len());
    for one in found {
        match out.last_mut() {
            Some(last) if one.range.start < last.range.end => {
                last.range.end = last.range.end.max(one.range.end);
            }
            _ => out.push(one),
        }
    }
    out
}

/// What a rule found, if it stands alone: no letter or digit of its own kind beside it.
fn push(found: &mut Vec<Found>, range: Range<usize>, kind: Kind) {
    found.push(Found { range, kind });
}

/// Whether no digit stands beside a range.
fn apart_from_digits(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    let digit = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_digit());
    !digit(before) && !digit(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> String {
        let record = Record::new()
            .person("小野 綾子")
            .person("オノ アヤコ")
            .person("鈴木 淑子")
            .number("POP-000209");
        labelled(text, &find(text, &[&record], None, 90))
    }

    #[test]
    fn what_tells_who_somebody_is_gets_a_label() {
        for (text, wanted) in [
            ("小野綾子様、90歳の女性。", "[氏名]様、[高齢]の女性。"),
            ("小野　綾子(ｵﾉ ｱﾔｺ)さん", "[氏名]([氏名])さん"),
            ("Ono Ayako, ONO^AYAKO", "[氏名], [氏名]"),
            ("妻の鈴木さんに説明", "妻の[氏名]さんに説明"),
            ("ID: POP-000209", "ID: [記録番号]"),
            ("昭和２５年１月４日生", "[日付]生"),
            (
                "S25.1.4 生、2026/11/23 入院、11月24日退院",
                "[日付] 生、[日付] 入院、[日付]退院",
            ),
            ("on March 3, 2026 and 4 Jan 1950", "on [日付] and [日付]"),
            (
                "TEL 090-1960-5585 / ０３（５４７９）８９１６",
                "TEL [電話] / [電話]",
            ),
            ("mail: taro.yamada@example.co.jp", "mail: [メール]"),
            ("https://example.com/p?id=1 を参照", "[URL] を参照"),
            ("〒272-0001 千葉県市川市栄4丁目5-13に在住", "[住所]に在住"),
            ("市立川崎病院より紹介", "[施設]より紹介"),
            ("担当看護師: 伊藤 奈緒", "担当看護師: [氏名]"),
            ("Dr. John Smith saw her", "[氏名] saw her"),
            (
                "保険者番号 06139877 記号 1185 番号 09289422",
                "保険者番号 [番号] 記号 [番号] 番号 [番号]",
            ),
            ("個人番号 1234 5678 9018", "個人番号 [番号]"),
        ] {
            assert_eq!(run(text), wanted);
        }
    }

    #[test]
    fn what_does_not_stays() {
        for text in [
            "BP 149/72 mmHg, HR 96 回/分, SpO2 93%, T 37.7°C。",
            "MMT 4/5、JCS 1-3、Levine 2/6、89歳男性",
            "輸液: 生理食塩液 1000mL/h x 1h, その後 500mL/h x 4h",
            "主治医、担当医師、患者様、ご家族様、お子さん、他院、近医、当院、総合病院",
            "K 4.0-5.0、血糖 458.0 mg/dL、PT-INR 1.3、10^3/uL、2026 症例",
            "第6病日／全8病日、入院 12 日目、1日2回 朝夕食後、3か月前、20代",
            "CT 5mm、T1強調、L4/5、Th12、C5-6、0.9%",
        ] {
            assert_eq!(run(text), text);
        }
    }

    #[test]
    fn pieces_grow_together() {
        let found = settle(vec![
            Found {
                range: 5..9,
                kind: Kind::Date,
            },
            Found {
                range: 0..6,
                kind: Kind::Address,
            },
            Found {
                range: 12..14,
                kind: Kind::Name,
            },
        ]);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].range.clone(), found[0].kind),
            (0..9, Kind::Address)
        );
    }
}
