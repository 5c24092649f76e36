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

/// Kinds of places of care; the longer ones first.
const KINDS: &str = "医療センター|大学附属病院|大学病院|総合病院|病院|医院|クリニック|診療所|保健所|薬局|療養所|訪問看護ステーション|介護老人保健施設|老人保健施設|リハビリテーションセンター|がんセンター|地域包括支援センター|包括支援センター|特別養護老人ホーム|有料老人ホーム|老人ホーム|グループホーム|デイサービスセンター|デイサービス|デイケア|ショートステイ|居宅介護支援事業所|介護支援センター|小規模多機能|ケアセンター|内科|外科|整形外科|小児科|眼科|皮膚科|耳鼻科|耳鼻咽喉科|産婦人科|歯科|こどもクリニック|老健|特養|ホーム|苑|園";

static HOSPITAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"[\p{{Han}}ぁ-んァ-ヶーA-Za-z・]{{1,20}}?(?:{KINDS})|(?:[A-Z][A-Za-z'.-]+ (?:of (?:the )?)?)+(?:Hospital|Clinic|Medical Center|Medical Centre|Health Center|Rehabilitation Center|Infirmary|Nursing Home|Care Home|Hospice|Pharmacy|Urgent Care)(?: of [A-Z][A-Za-z]+)?",
    ))
});
/// グループホームこもれび: the name follows the kind.
static PREFIXED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:小規模多機能型居宅介護|訪問看護ステーション|介護老人保健施設|特別養護老人ホーム|有料老人ホーム|グループホーム|デイサービスセンター|デイサービス|デイケア|老健|特養|地域包括支援センター|居宅介護支援事業所|ケアハウス|サービス付き高齢者向け住宅)[「『 　]?(?:[ァ-ヶー]{2,12}[\p{Han}]{0,4}|[\p{Han}]{1,6}(?:の[\p{Han}]{1,4})?|[ぁ-ん]{2,8}?)(?:[」』]|[のはがをにでへとより、。 　（(]|$)",
    )
});
/// 阪大, 日赤: what hospitals are called for short.
static SHORT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:東|京|阪|名|九|北|千|神|筑|岡|広|金|熊|長|新|信|群|山|滋|三重|東北|慶應?|慈恵|順天|日|昭和|東邦|東海|近)(?:大|医大|医科大)(?:病院|附属病院)?(?:より|から|へ|に|で|の|循環器|消化器|整形|神経)|(?:[\p{Han}]{1,4})?(?:日赤|済生会|厚生連|労災|都立|県立|市立|国立|逓信|医療センター)(?:病院)?(?:より|から|へ|に|で)",
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
    for hit in ENGLISH.find_iter(text) {
        push(found, hit.range(), Kind::Address);
    }
    for hit in HOSPITAL.find_iter(text) {
        if let Some(range) = named(hit.as_str()) {
            let range = hit.start() + range.start..hit.start() + range.end;
            push(found, range, Kind::Hospital);
        }
    }
    for hit in PREFIXED.find_iter(text) {
        let end = hit
            .as_str()
            .trim_end_matches([
                'の', 'は', 'が', 'を', 'に', 'で', 'へ', 'と', '、', '。', ' ', '　', '（', '(',
            ])
            .len();
        push(found, hit.start()..hit.start() + end, Kind::Hospital);
    }
    for hit in SHORT.find_iter(text) {
        let particles = [
            "より",
            "から",
            "へ",
            "に",
            "で",
            "の",
            "循環器",
            "消化器",
            "整形",
            "神経",
        ];
        let own = particles
            .iter()
            .find_map(|word| hit.as_str().strip_suffix(word))
            .unwrap_or(hit.as_str());
        // 県立 alone is no hospital's name.
        if own.chars().count() >= 2
            && !["都立", "県立", "市立", "国立", "労災", "医療センター"].contains(&own)
        {
            push(found, hit.start()..hit.start() + own.len(), Kind::Hospital);
        }
    }
}

/// What of a hit names one place: 近くの山田医院 is 山田医院; none where it names any of them.
fn named(hit: &str) -> Option<std::ops::Range<usize>> {
    if hit.is_ascii() {
        return Some(0..hit.len());
    }
    // A name in kana or kanji begins after the last particle before it.
    let start = [
        "の", "は", "が", "を", "に", "で", "より", "から", "した", "する", "後", "先",
    ]
    .iter()
    .filter_map(|word| Some(hit.rfind(word)? + word.len()))
    .max()
    .unwrap_or(0);
    let name = &hit[start..];
    let kind = KINDS
        .split('|')
        .filter(|kind| name.ends_with(kind))
        .max_by_key(|kind| kind.len());
    let own = match kind {
        // 訪問看護ステーションさくら: the name follows the kind.
        None => name,
        Some(kind) => &name[..name.len() - kind.len()],
    };
    let short = matches!(
        kind,
        Some(
            "内科"
                | "外科"
                | "整形外科"
                | "小児科"
                | "眼科"
                | "皮膚科"
                | "耳鼻科"
                | "耳鼻咽喉科"
                | "産婦人科"
                | "歯科"
                | "ホーム"
                | "苑"
                | "園"
        )
    );
    let letters = own.chars().count();
    let department = short && (letters < 2 || DEPARTMENTS.iter().any(|word| own.ends_with(word)));
    (!own.is_empty() && !department && !GENERIC.contains(&own)).then_some(start..hit.len())
}

/// 循環器内科 is a department, not 山田内科.
const DEPARTMENTS: [&str; 30] = [
    "当院",
    "他院",
    "同院",
    "整形",
    "循環器",
    "消化器",
    "呼吸器",
    "神経",
    "血液",
    "腎臓",
    "糖尿病",
    "代謝",
    "内分泌",
    "総合",
    "一般",
    "心臓",
    "心臓血管",
    "血管",
    "脳神経",
    "脳",
    "形成",
    "口腔",
    "小児",
    "老年",
    "腫瘍",
    "乳腺",
    "感染症",
    "心療",
    "胸部",
    "救急",
];
