//! Whatever may be a piece of an address and nothing beside it says otherwise: the number behind a word that ends as
//! streets and quarters do, houses by their names, the words behind a town that a rule found.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{around, latin, numbers};
use crate::text::letters::{is_kanji, is_katakana};
use crate::text::numbers::pattern;

/// 門前町9, 駅前通3-2: a number glued to a word that ends as a quarter does.
static QUARTER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"[町村字条通丁台丘区郡市浦浜崎橋駅岡坂堀沢宮寺城荘館宅地](\d{1,4}(?:-\d{1,4}){0,3})")
});
/// 12番地, 3丁目5の2, 203号室, 四丁目, 137号.
static HOUSE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:\d{1,4}|[一二三四五六七八九十百]{1,3}) ?(?:番地|丁目|号室|号棟|地割|番館|番町|番丁|街区)(?:の?-?\d{1,4}(?:-\d{1,4})*(?:号室?|番)?)?|\d{2,4}(?:号|番)",
    )
});
/// What 21番 and 26号 may be of: a chromosome, a tooth, a needle.
const OF_A_NUMBER: [&str; 12] = [
    "目", "染色", "誘導", "歯", "針", "縫", "絹", "液", "線", "系", "輸液", "染",
];
/// What follows the number of a house, glued to an address: 部2番地13, の3, -403, 棟137号.
static GOES_ON: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:番地|丁目|号室|号棟|地割|[番号棟階室部条丁線組の]| ?-? ?[A-Z]?\d{1,5}[A-Z]?(?-u:\b)?| ?[A-Z](?:棟|号))+",
    )
});
/// コーポさくら203, 市営住宅3-403, メゾン青葉 105.
static BUILDING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:コーポ|ハイツ|メゾン|マンション|アパート|レジデンス|パレス|シャトー|ヴィラ|ビル|団地|住宅|社宅|官舎|宿舎|ハイム|コート|タワー|プラザ|ガーデン|テラス|カーサ|フラット|荘)[\p{Han}ぁ-んァ-ヶー・A-Za-z]{0,8} ?(?:第?[A-Z]?\d{1,4}(?:-\d{1,4})*(?:号室?|号棟|棟|階|F)? ?){1,3}",
    )
});
/// What stands directly behind a town that is found: 港区海岸, 和泉市いぶき野.
static BEHIND_TOWN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:\p{Han}{1,5}(?:[のがヶケ]\p{Han}{1,3})?|[ぁ-ん]{2,4}\p{Han})"));
const NO_QUARTER: [&str; 30] = [
    "内",
    "在",
    "出身",
    "役",
    "福祉",
    "民",
    "立",
    "生",
    "教",
    "保",
    "議",
    "長",
    "より",
    "育",
    "居",
    "消防",
    "外",
    "営",
    "南部",
    "北部",
    "近",
    "から",
    "まで",
    "医師会",
    "等",
    "方面",
    "町",
    "村",
    "職",
    "担当",
];

const WORD: &str = "[A-Z][A-Za-z'’.-]*[a-z]";
const ALWAYS: &str = "Street|Road|Avenue|Ave|Av|Lane|Ln|Boulevard|Blvd|Terrace|Tce|Crescent|Cres|Square|Highway|Hwy|Parkway|\
                      Pkwy|Gardens|Grove|Mews|Parade|Pde|Esplanade|Circuit|Trail|Turnpike|Quay|Wharf|Crossing|St\\.|Rd\\.?|\
                      Ave\\.|Alley|Causeway|Promenade";
const NUMBERED: &str = "St|Dr|Drive|Court|Ct|Way|Place|Pl|Close|Hill|Park|Row|Walk|View|Green|House|Circle|Cir|Loop|Pass|\
                        Path|Run|Ridge|Point|Bay|Rise|Vale|Gate|Yard|Bank|Broadway|Common|End|Fields?|Heights|Point|Rise";
const HOUSES: &str = "Cottages?|House|Farm|Farmhouse|Lodge|Manor|Rectory|Vicarage|Hall|Grange|Barn|Villas?|Mill|Towers?|\
                      Heights|Mansions?|Apartments?|Flats|Estates?|Bungalow|Croft|Court|Place|Park|Gardens|Trailer Park|\
                      Mobile Home Park|Residences?";

/// 12 Green Lane, Old Church Road; Unit 4/12 Park View.
static STREET: LazyLock<Regex> = LazyLock::new(|| {
    let flat = r"(?:(?i:apt|apartment|unit|flat|lot|suite|ste|level|room|rm)\.? ?#?[A-Za-z]?\d{0,4}[A-Za-z]?(?:/\d{1,4})?,? )";
    let number = r"(?:#?\d{1,5}[A-Za-z]?(?:[-/]\d{1,5}[A-Za-z]?)?,? )";
    let way = r"(?:(?:[NSEW]{1,2}|North|South|East|West)\.? )";
    let name = format!(r"(?:(?:{WORD}|\d{{1,3}}(?:st|nd|rd|th)|of|the|Le|La|De)[ -]){{1,4}}");
    pattern(&format!(
        r"(?-u:\b)(?:{flat}?{number}?{way}?{name}(?:{ALWAYS})(?: [NSEW]{{1,2}}(?-u:\b)| (?:North|South|East|West)(?-u:\b))?|{flat}?{number}{way}?{name}(?:{NUMBERED})|{flat}?{number}{way}(?:{WORD}))(?-u:\b)",
    ))
});
/// The Old Rectory, Mill Cottage: before a comma.
static NAMED_HOUSE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?-u:\b)(?:The )?(?:{WORD} ){{1,3}}(?:{HOUSES})(,)|(?-u:\b)(?:The )(?:{HOUSES})(,)"
    ))
});
/// Rural routes and boxes.
static ROUTE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?-u:\b)(?:(?:RR|HC|Rural Route) ?#?\d{1,4},? Box \d{1,5}|(?:Hwy|Highway|County Road|Rural Route|State Route|Route|Rte|RMB)\.? #?\d{1,5}[A-Z]?|(?:P\.? ?O\.?|GPO|Post Office) ?Box #?\d{1,6}|\d{1,5},? (?:rue|chemin|boulevard|boul\.|avenue|place|côte|via|calle) [\p{Lu}][\p{L}'’-]+(?: (?:[A-Z]\.|[\p{Lu}][\p{L}'’-]+)){0,2}|(?:Locked|Private) Bag \d{1,5}|(?i:apt|apartment|unit|flat|lot|suite|room|rm)\.? ?#?[A-Za-z]?\d{1,4}[A-Za-z]?,(?: \d| [A-Z]))",
    )
});
/// Towns before a postcode: Clarksdale, MS 38603; Byron Bay NSW 2481; Leeds LS1 4AB.
static TOWN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?:(?:{WORD})(?:[ -](?:on|upon|le|by|the|of|in|de)(?:[ -]{WORD}))?(?:[ -]{WORD}){{0,3}},? ){{1,3}}(?:(?:[A-Z]{{2,3}},? )?(?:\d{{5}}(?:-\d{{4}})?)|(?:NSW|VIC|Vic|QLD|Qld|WA|SA|TAS|Tas|ACT|NT),? \d{{4}}|(?:[A-Z]{{2}},? )?[A-Z]\d[A-Z] ?\d[A-Z0-9]\d|[A-Z]{{1,2}}\d[A-Z0-9]? \d[A-Z]{{2}})(?-u:\b)",
    ))
});
/// Behind the street: its town and country.
static BEHIND_STREET: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"^\.?(?:,? (?i:apt|apartment|unit|flat|suite|ste|room|rm|level|lot)\.? ?#?[A-Za-z]?\d{{0,4}}[A-Za-z]?(?-u:\b)|,? #\d{{1,4}}[A-Za-z]?)?(?:, (?:(?:{WORD}|on|upon|le|by|the)[ -]?){{1,4}})*(?:,? (?:[A-Z]{{2,3}}))?(?:,? (?:\d{{4,5}}(?:-\d{{4}})?|\d{{3}}-\d{{4}}|[A-Z]\d[A-Z] ?\d[A-Z0-9]\d|[A-Z]{{1,2}}\d[A-Z0-9]? \d[A-Z]{{2}})(?-u:\b))?",
    ))
});

fn is_place(letter: char) -> bool {
    is_kanji(letter) || matches!(letter, 'ヶ' | 'ケ' | 'ノ')
}

/// Pieces of addresses in a text whose letters are narrow, behind and beside those that rules found.
pub(in super::super) fn find(text: &str, addresses: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let measured = |end: usize| {
        let after = &text[end..];
        let near = after.trim_start_matches(' ');
        let word = &near[..near.find(|c| !super::is_latin(c)).unwrap_or(near.len())];
        numbers::unit_follows(after) || around::counted(near) || latin::is_unit(word)
    };
    let digit_behind = |end: usize| text[end..].starts_with(|c: char| c.is_ascii_digit());
    // Up to eight letters before: how a quarter or a house is called.
    let called = |at: usize, same: fn(char) -> bool| {
        let letters = text[..at].chars().rev().take(8).take_while(|c| same(*c));
        at - letters.map(char::len_utf8).sum::<usize>()
    };
    for hit in QUARTER.find_iter(text) {
        let start = called(hit.start(), is_place);
        if start < hit.start() && !measured(hit.end()) && !digit_behind(hit.end()) {
            out.push(start..hit.end());
        }
    }
    for hit in BUILDING.find_iter(text) {
        out.push(called(hit.start(), |c| is_place(c) || is_katakana(c))..hit.end());
    }
    for hit in HOUSE.find_iter(text) {
        let after = &text[hit.end()..];
        let own = hit.as_str();
        let other =
            own.ends_with(['号', '番']) && OF_A_NUMBER.iter().any(|word| after.starts_with(word));
        let ordinal = text[..hit.start()].ends_with('第');
        if !other && !ordinal {
            out.push(hit.range());
        }
    }
    // Most texts have no word of small Latin letters: a look for one is quick.
    let latin_text = if text.contains(|c: char| c.is_ascii_lowercase()) {
        text
    } else {
        ""
    };
    for pattern in [&*STREET, &*ROUTE, &*TOWN] {
        out.extend(pattern.find_iter(latin_text).map(|hit| hit.range()));
    }
    for hit in NAMED_HOUSE.captures_iter(latin_text) {
        let comma = hit.get(1).or(hit.get(2));
        if let (Some(all), Some(comma)) = (hit.get(0), comma) {
            out.push(all.start()..comma.start());
        }
    }
    let mut more = Vec::new();
    for address in addresses.iter().chain(&out) {
        let own = &text[address.clone()];
        let after = &text[address.end..];
        if own.ends_with(['市', '区', '町', '村', '郡'])
            && let Some(hit) = BEHIND_TOWN.find(after)
            && !NO_QUARTER.iter().any(|word| after.starts_with(word))
        {
            more.push(address.end..address.end + hit.end());
        }
        let japanese = own.chars().any(super::is_japanese);
        if japanese && let Some(hit) = GOES_ON.find(after) {
            let end = address.end + hit.as_str().trim_end_matches([' ', 'の']).len();
            let numbered = hit.as_str().contains(|c: char| c.is_ascii_digit());
            if numbered && !measured(end) {
                more.push(address.end..end);
            }
        }
        if !japanese && let Some(hit) = BEHIND_STREET.find(after) {
            more.push(
                address.start..address.end + hit.as_str().trim_end_matches([' ', ',', '-']).len(),
            );
        }
    }
    out.extend(more);
    out.retain(|range| !range.is_empty());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Found, Kind, labelled, settle};

    fn left(text: &str) -> String {
        left_behind(text, &[])
    }

    fn left_behind(text: &str, addresses: &[Range<usize>]) -> String {
        let found = find(text, addresses).into_iter().map(|range| Found {
            range,
            kind: Kind::Address,
        });
        labelled(text, &settle(found.collect())).replace(Kind::Address.label(), "_")
    }

    #[test]
    fn what_may_be_of_an_address_goes() {
        for (text, wanted) in [
            ("門前町9、駅前通3-2へ", "_、_へ"),
            ("12番地の3、四丁目、203号室", "_、_、_"),
            ("コーポさくら203、市営住宅3-403", "_、_"),
            (
                "lives at 12 Green Lane, near Old Church Road",
                "lives at _, near _",
            ),
            ("The Old Rectory, Church Lane, Stroud", "_"),
            ("Unit 4/12 Park View, Byron Bay NSW 2481.", "_"),
            ("RR 2 Box 133; Hwy 61", "_; _"),
        ] {
            assert_eq!(left(text), wanted, "{text}");
        }
        let ward = 0.."港区".len();
        let ward = std::slice::from_ref(&ward);
        assert_eq!(left_behind("港区海岸に住む", ward), "港区_に住む");
        assert_eq!(left_behind("港区在住", ward), "港区在住");
    }

    #[test]
    fn what_is_of_none_stays() {
        for text in [
            "21番染色体、第3丁目、右上5番、26号針、2回目",
            "RR 18, BP 120/80, SpO2 98 on room air",
            "heel walk, 3 tablets, Day 2, CT 2 mm, chest, abdomen",
            "橋3mm、岡2 cm、治療台2回",
        ] {
            assert_eq!(left(text), text);
        }
    }
}
