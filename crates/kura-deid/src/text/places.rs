//! Addresses.

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
    let building = r"(?: ?[\p{Han}ぁ-んァ-ヶー・A-Za-z]{2,16} ?\d{1,4}(?:号室?|号棟|棟|階|F)?)?";
    pattern(&format!(
        r"(?:{postcode} ?)?(?:{prefecture}(?: ?{town}){{0,3}}(?:{kyoto}|{house}{building})?|[\p{{Han}}ヶケノのヵァ-ヶーぁ-ん]{{1,7}}(?:市|区|町|村)(?:{PLACE}{{1,7}}(?:区|町|村))?(?:{kyoto}|{name}{{0,12}}?[北南東西]?\d{{1,4}}(?:丁目?|番地?|号|条|-)(?:{number})*{building}))|{postcode}|大?字{name}{{1,10}}?\d{{1,4}}番地?(?:{number})*",
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

pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    for hit in ADDRESS.find_iter(text) {
        // A prefecture alone tells nobody.
        if !crate::is_region(hit.as_str()) {
            push(found, hit.range(), Kind::Address);
        }
    }
    for hit in ENGLISH.find_iter(text) {
        push(found, hit.range(), Kind::Address);
    }
}
