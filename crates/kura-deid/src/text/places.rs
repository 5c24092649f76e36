//! Addresses and towns.

use std::sync::LazyLock;

use regex::Regex;

use super::letters::{is_kana, is_kanji};
use super::numbers::pattern;
use super::vocabulary::Vocabulary;
use super::{Found, Kind, push};
use crate::japan::prefectures;

const PLACE: &str = r"[\p{Han}ヶケノのヵァ-ヶー]";

/// A postcode, a prefecture, towns, numbers; after numbers a building and its room. Without a
/// prefecture only a town with the number of a house: 市 and 区 end other words, too.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    let postcode = r"〒 ?\d{3}-?\d{4}";
    let prefecture = format!("(?:{})", prefectures().collect::<Vec<_>>().join("|"));
    // 北22条西7丁目5番9号, 3丁9番3号, 595番地の2, 8条通12丁目.
    let number = r"(?:(?:の|通)?[北南東西]?(?:\d{1,5}(?:丁目?|番地?|号室?|棟|条|線|-)?|[一二三四五六七八九十]{1,3}(?:丁目|番地?|号|条)))";
    // After a prefecture or a town a name may be in hiragana: さいたま市, ひばりが丘.
    let name = r"[\p{Han}ぁ-んァ-ヶー]";
    let town = format!(r"{name}{{1,7}}?(?:市|区|町|村|郡)");
    let house = format!(r"{name}{{0,14}}?(?:{number})+");
    // 四条通烏丸東入長刀鉾町7: streets of Kyoto, and from where to go which way.
    let kyoto = format!(
        r"{name}{{1,10}}通{name}{{0,10}}?(?:上[るル]|下[るル]|東入[るル]?|西入[るル]?)(?:{name}{{1,10}}?{number}+)?"
    );
    let building = r"(?: ?(?:第\d{1,2})?[\p{Han}ぁ-んァ-ヶー・A-Za-z]{2,16} ?[A-Z]?\d{1,4}(?:号室?|号棟|棟|階|F)?)?";
    pattern(&format!(
        r"(?:{postcode} ?)?(?:{prefecture}(?: ?{town}){{0,3}}(?:{kyoto}|{house}{building})?|[\p{{Han}}ヶケノのヵァ-ヶーぁ-ん]{{1,7}}(?:市|区|町|村)(?:{PLACE}{{1,7}}(?:区|町|村))?(?:{kyoto}|{name}{{0,12}}?[北南東西]?\d{{1,4}}(?:丁目?|番地?|号|条|-)(?:{number})*{building}))|{postcode}|[\p{{Han}}ヶケ]{{1,6}}(?:[のが][\p{{Han}}]{{1,3}})?\d{{1,3}}丁目(?:{number})*{building}|大?字{name}{{1,10}}?\d{{1,4}}番地?(?:{number})*",
    ))
});
/// 12-3 Kita-machi, Nerima-ku, Tokyo; 45 Elm Street, Apt 3.
static ENGLISH: LazyLock<Regex> = LazyLock::new(|| {
    let word = r"[A-Z][a-z'-][A-Za-z'-]*";
    let code = r"(?:,? [A-Z]{1,2}\d[A-Z0-9]? \d[A-Z]{2}|(?:,? [A-Z]{2})?(?:,? (?:\d{5}(?:-\d{4})?|\d{3}-\d{4}))?)";
    let after = format!(
        r"(?:,? (?:(?i:apt|unit|suite|room|flat)\.? ?|#)[A-Za-z0-9-]+)?(?:,? {word}(?: {word}){{0,2}}){{0,3}}{code}(?:, (?:Japan|USA|UK|U\.S\.A\.?))?"
    );
    let street = "Street|St|Avenue|Ave|Road|Rd|Drive|Dr|Lane|Ln|Boulevard|Blvd|Court|Ct|Way|Place|Pl|Terrace|Crescent|Close|Square|Highway|Hwy|Parkway|Pkwy|Gardens|Grove|Hill|Park|Mews|Row|Walk|View|Green";
    pattern(&format!(
        r"(?-u:\b)(?:(?i:flat|apt|unit) [A-Za-z0-9]+, )?\d{{1,5}}[A-Za-z]? (?:[NSEW]\.? )?{word}(?: {word}){{0,3}} (?:{street})(?-u:\b)\.?{after}|(?-u:\b)(?:P\.?O\.? Box|PO Box) \d{{1,6}}{after}|(?-u:\b)(?:\d{{1,4}}(?:-\d{{1,4}}){{1,3}},? )?(?:{word},? ){{0,2}}{word}-(?:ku|shi|gun|cho|machi|mura)(?-u:\b){after}",
    ))
});

/// Towns by themselves: 横須賀市, 名古屋市緑区, つくば市在住. What stands before 市, 区, 町 or 村 must
/// be a place of the dictionary's; before 市 also any word that where somebody lives follows.
fn towns(text: &str, vocabulary: &Vocabulary, found: &mut Vec<Found>) {
    let mut last: Option<(usize, usize)> = None;
    for (at, kind) in text.match_indices(['市', '区', '町', '村', '郡']) {
        let after = &text[at + kind.len()..];
        let goes_on = after.starts_with(is_kanji)
            && !BEHIND_TOWN.iter().any(|word| after.starts_with(word))
            && !after
                .chars()
                .take(8)
                .any(|letter| matches!(letter, '市' | '区' | '町' | '村'));
        if goes_on {
            continue;
        }
        // 緑区 behind 名古屋市 is a ward, whatever 緑 is.
        let upper = last.filter(|(_, end)| {
            let own = text.get(*end..at).unwrap_or_default();
            (1..=15).contains(&own.len()) && own.chars().all(|c| is_kanji(c) || is_kana(c))
        });
        let start = match upper {
            Some((start, _)) => Some(start),
            None => town_before(&text[..at], kind, after, vocabulary),
        };
        if let Some(start) = start {
            let end = at + kind.len();
            last = Some((start, end));
            push(found, start..end, Kind::Address);
        }
    }
}

/// What may follow a town: 市内, 市在住, 市役所.
const BEHIND_TOWN: [&str; 22] = [
    "内", "在", "出身", "役", "福祉", "民", "立", "生", "教", "保", "議", "長", "より", "育", "の",
    "居", "消防", "外", "営", "南", "北", "近",
];

fn town_before(before: &str, kind: &str, after: &str, vocabulary: &Vocabulary) -> Option<usize> {
    let lives = [
        "在住",
        "出身",
        "内",
        "役所",
        "生まれ",
        "から",
        "より",
        "福祉",
        "居住",
        "へ",
        "に",
    ];
    let lived_in = lives.iter().any(|word| after.starts_with(word));
    let mut best = None;
    for (letters, (start, letter)) in before.char_indices().rev().enumerate() {
        if letters >= 7 || !(is_kanji(letter) || is_kana(letter)) {
            break;
        }
        let own = &before[start..];
        let entry = vocabulary.get(own);
        let apart = !before[..start].ends_with(is_kanji)
            || crate::japan::prefectures().any(|one| before[..start].ends_with(one));
        let known = (entry.place && (!entry.common || letters > 0 && (kind == "市" || lived_in)))
            || vocabulary.kana_places.contains(own);
        let one_script = own.chars().all(is_kanji)
            || own.chars().all(is_kana) && !before[..start].ends_with(is_kana);
        let unknown =
            lived_in && kind == "市" && apart && letters > 0 && !entry.common && one_script;
        if apart && (known || unknown) {
            best = Some(start);
        }
    }
    best
}

pub(super) fn find(text: &str, vocabulary: Option<&Vocabulary>, found: &mut Vec<Found>) {
    if let Some(vocabulary) = vocabulary {
        towns(text, vocabulary, found);
    }
    // Most texts have none of these: a look for the letter is quick.
    let may_hold = text.contains([
        '市', '区', '町', '村', '郡', '都', '道', '府', '県', '番', '丁', '〒',
    ]);
    for hit in ADDRESS.find_iter(if may_hold { text } else { "" }) {
        // A prefecture alone tells nobody.
        if !crate::is_region(hit.as_str()) {
            push(found, hit.range(), Kind::Address);
        }
    }
    for hit in ENGLISH.find_iter(text) {
        push(found, hit.range(), Kind::Address);
    }
}
