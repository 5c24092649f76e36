//! Addresses and hospitals.

use std::sync::LazyLock;

use regex::Regex;

use super::numbers::pattern;
use super::{Found, Kind, push};
use crate::japan::prefectures;

const PLACE: &str = r"[\p{Han}ヶケノのヵァ-ヶー]";

/// A postcode, a prefecture, towns, numbers; after numbers a building and its room. Without a
/// prefecture only a town with the number of a house: 市 and 区 end other words, too.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    let postcode = r"〒 ?\d{3}-?\d{4}";
    let number = r"(?:\d{1,5}|[一二三四五六七八九十]{1,3})(?:丁目|番地?|号室?|棟|-|の)?";
    // After a prefecture a town may be in hiragana: さいたま市.
    let town = r"[\p{Han}ぁ-んァ-ヶー]{1,7}?(?:市|区|町|村|郡)";
    let house = format!("{PLACE}{{0,12}}(?:{number})+");
    let building = r"(?: ?[\p{Han}ァ-ヶー・A-Za-z]{2,16} ?\d{1,4}(?:号室?|号棟|棟|階|F)?)?";
    let prefecture = format!("(?:{})", prefectures().collect::<Vec<_>>().join("|"));
    pattern(&format!(
        r"(?:{postcode} ?)?(?:{prefecture}(?: ?{town}){{0,3}}(?:{house}{building})?|{PLACE}{{1,7}}(?:市|区|町|村)(?:{PLACE}{{1,7}}(?:区|町|村))?{PLACE}{{0,12}}(?:\d{{1,4}}(?:丁目|番地?|号|-)){{1,3}}(?:{number})*{building})|{postcode}",
    ))
});

static HOSPITAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"[\p{Han}ァ-ヶーA-Za-z]{1,16}?(?:医療センター|大学附属病院|大学病院|総合病院|病院|医院|クリニック|診療所|保健所|薬局|療養所|訪問看護ステーション|老人保健施設|リハビリテーションセンター|がんセンター|(?: (?i:hospital|clinic|medical center)))",
    )
});

/// What stands before the kind of place and names none.
const GENERIC: [&str; 40] = [
    "当",
    "他",
    "前",
    "同",
    "近",
    "本",
    "各",
    "貴",
    "別",
    "総合",
    "大学",
    "大学附属",
    "救急",
    "一般",
    "専門",
    "基幹",
    "拠点",
    "協力",
    "紹介",
    "地域",
    "二次",
    "三次",
    "急性期",
    "慢性期",
    "療養型",
    "中核",
    "連携",
    "精神科",
    "内科",
    "外科",
    "眼科",
    "歯科",
    "院外",
    "院内",
    "調剤",
    "在宅",
    "かかりつけ",
    "次回",
    "以前",
    "転院先",
];

pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    for hit in ADDRESS.find_iter(text) {
        // A prefecture alone tells nobody.
        if !crate::is_region(hit.as_str()) {
            push(found, hit.range(), Kind::Address);
        }
    }
    for hit in HOSPITAL.find_iter(text) {
        let name = hit.as_str();
        let kinds = [
            "医療センター",
            "大学附属病院",
            "大学病院",
            "総合病院",
            "病院",
            "医院",
            "クリニック",
            "診療所",
            "保健所",
            "薬局",
            "療養所",
            "訪問看護ステーション",
            "老人保健施設",
            "リハビリテーションセンター",
            "がんセンター",
        ];
        let own = kinds
            .iter()
            .find_map(|kind| name.strip_suffix(kind))
            .unwrap_or(name);
        if own.is_empty() || GENERIC.contains(&own) {
            continue;
        }
        push(found, hit.range(), Kind::Hospital);
    }
}
