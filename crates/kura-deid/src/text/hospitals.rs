//! Hospitals, clinics, homes and pharmacies: a name and its kind, in either order, or in a place where
//! only such a name can stand.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::Regex;

use super::context;
use super::letters::{is_hiragana, is_kanji, is_katakana};
use super::numbers::pattern;
use super::vocabulary::Vocabulary;
use super::{Found, Kind, push};

/// Kinds of places of care that a name stands before.
const KINDS: [&str; 51] = [
    "病院機構",
    "医療センター",
    "病院",
    "医院",
    "クリニック",
    "診療所",
    "保健所",
    "薬局",
    "療養所",
    "療養センター",
    "医療院",
    "訪問看護ステーション",
    "ステーション",
    "老人保健施設",
    "リハビリテーションセンター",
    "がんセンター",
    "成育センター",
    "保健センター",
    "健診センター",
    "検診センター",
    "透析センター",
    "救命センター",
    "救命救急センター",
    "支援センター",
    "福祉センター",
    "老人ホーム",
    "グループホーム",
    "ホスピス",
    "デイサービスセンター",
    "デイサービス",
    "デイケア",
    "ショートステイ",
    "支援事業所",
    "介護事業所",
    "事業所",
    "小規模多機能",
    "ケアセンター",
    "助産院",
    "助産所",
    "鍼灸院",
    "接骨院",
    "整骨院",
    "老健",
    "特養",
    "ケアホーム",
    "ケアハウス",
    "福祉事務所",
    "児童相談所",
    "調剤",
    "ドラッグ",
    "メディカルセンター",
];
/// Kinds that are also a department of any hospital, or the end of another word.
const SHORT_KINDS: [&str; 21] = [
    "訪問看護",
    "訪問介護",
    "訪問診療",
    "内科",
    "整形外科",
    "脳神経外科",
    "外科",
    "小児科",
    "眼科",
    "皮膚科",
    "耳鼻科",
    "耳鼻咽喉科",
    "産婦人科",
    "婦人科",
    "泌尿器科",
    "歯科",
    "ホーム",
    "苑",
    "園",
    "荘",
    "寮",
];
/// Kinds that a name stands behind: グループホームこもれび.
const BEFORE_NAME: &str = "ケアプランセンター|ケアプラン|小規模多機能型居宅介護|訪問看護ステーション|介護老人保健施設|老人保健施設|特別養護老人ホーム|有料老人ホーム|老人ホーム|グループホーム|デイサービスセンター|デイサービス|デイケア|ケアセンター|ショートステイ|老健|特養|地域包括支援センター|居宅介護支援事業所|ケアハウス|ケアホーム|サービス付き高齢者向け住宅|サ高住|介護医療院|住宅型有料|障害者支援施設|救護施設|乳児院|児童養護施設|就労支援事業所|作業所|医療法人社団|医療法人財団|社会医療法人|医療法人|社会福祉法人";

static SEARCH: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(KINDS.iter().chain(&SHORT_KINDS))
        .expect("words of ours")
});
static ENGLISH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:[A-Z][A-Za-z'.-]+ (?:of (?:the )?|and |& )?)+(?:Hospital|Clinic|Medical Cent(?:er|re)|Health Cent(?:er|re)|Cancer Cent(?:er|re)|Health System|Healthcare|Rehabilitation(?: Cent(?:er|re))?|Infirmary|Nursing Home|Nursing Facility|Care Home|Care Cent(?:er|re)|Assisted Living|Senior Living|Hospice|Pharmacy|Urgent Care|(?:Surgery|Surgical|Imaging|Dialysis|Wellness|Community|Children's|Women's|Heart|Eye|Birth|Trauma|Recovery) Cent(?:er|re)|Dialysis|Medical Group|Family Practice|Family Medicine|Associates|Memorial|Manor|Lodge|Institute)(?-u:\b)(?: of (?:the )?[A-Z][A-Za-z]+| at [A-Z][A-Za-z]+)?",
    )
});
/// Transferred from MGH: capitals where a hospital stands, that are no ward.
static CAPITALS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"[A-Z][A-Za-z]+ at ([A-Z]{3,6})(?-u:\b)|(?:Dr|Nurse|Professor|Prof|Ms|Mrs|Mr)\.? [A-Z][A-Za-z'-]+(?: [A-Z][A-Za-z'-]+)?, ([A-Z]{3,6}),|(?-u:\b)(?i:requested|transferred|transfer|referred|discharged|admitted|presented|seen|treated|followed|performed|done|born|hospitali[sz]ed|care|records?|imaging|surgery|MD|prefers) (?:at|from|to|by|in)? ?([A-Z]{3,6})(?-u:\b)|; [A-Z][^;,\n]{2,40}, ([A-Z]{3,6})(?:$|[\n.;])",
    )
});
const WARDS: [&str; 40] = [
    "ICU", "CCU", "PACU", "NICU", "PICU", "SICU", "MICU", "HDU", "EMS", "SNF", "LTC", "LTAC",
    "OSH", "PCP", "ECG", "EKG", "MRI", "PET", "CTA", "ERCP", "EGD", "PCI", "CABG", "DVT", "COPD",
    "CHF", "CKD", "ESRD", "TIA", "MICA", "AMA", "DNR", "NPO", "BID", "TID", "QID", "PRN", "MDS",
    "LPN", "FACC",
];
static PREFIXED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?:{BEFORE_NAME})[「『 　]?((?:[ァ-ヶー・]{{2,14}}[\p{{Han}}]{{0,4}}|[\p{{Han}}々ヶケ]{{1,6}}|)[ぁ-ぷべ-ゑん]{{0,8}}(?:[家里丘森杜郷園苑街村庭風花海空光虹泉樹谷浜原館宿舎荘])?)",
    ))
});
/// 阪大, 都立駒込, 武蔵野日赤: what hospitals are called for short.
static SHORT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:都立|県立|市立|町立|村立|道立|府立|国立|組合立|公立)[\p{Han}ヶケ]{2,8}|[\p{Han}ヶケ]{1,4}(?:日赤|赤十字|済生会|厚生連|共済|逓信|徳洲会|協立|協同|中央|市民|記念|労災)(?:より|から|へ|に|で|の|、|。|　| |\)|$)|(?:日赤|赤十字|済生会|厚生連|労災|徳洲会)[\p{Han}ヶケ]{2,4}|[国県都府道市]がん[\p{Han}]{0,3}|がん研[\p{Han}]{0,4}|[\p{Han}]{1,3}(?:大|医大|医科大)(?:病院|附属|付属|より|から|へ|に|で|の|、|。|　| |\)|$)",
    )
});
/// Where a place of care stands: what follows is its name.
static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:紹介元|紹介先|逆紹介先?|転院先|退院先|転所先|入所先|搬送先|通院先|受診先|かかりつけ|前医|後医|薬局|訪問看護|施設|宛先|他院|近医|医療機関)(?:[::]|は) ?([\p{Han}ァ-ヶーA-Za-zぁ-ん・]{2,16})",
    )
});
/// 虎の門　院長: a line of whom a letter is from.
static LINE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^[ 　]*([\p{Han}ァ-ヶーA-Z]{1,12}(?:[のがヶ][\p{Han}]{1,3})?)[ 　]+(?:院長|施設長|所長|理事長|[\p{Han}]{1,6}科[ 　]|[^ 　\n]{1,10}[ 　]?[^ 　\n]{0,6}先生)",
    )
});
/// What is done at one.
static DONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"([\p{Han}ァ-ヶーA-Z]{1,12}(?:[のがヶ][\p{Han}]{1,3}|がん[\p{Han}]{1,4})?)(?:へ|に|で|を|より|から|からの|の)(?:緊急)?(?:転院|逆?紹介|搬送|転送|入所|入院|通院|受診|入居|精査|手術|加療|治療|透析|フォロー|検査|出産|分娩|化学療法|胃切除|切除|返書|予約|院長|外来|胆|大腸|内視鏡|かかって|かかり)",
    )
});

/// 順天堂へ転院: where one goes by a name that no dictionary has.
static WENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:^|[^\p{Han}])([\p{Han}]{2,4})(?:へ|に|で|から)(?:緊急)?(?:転院|転所|紹介|搬送|転送|入所|入居|出産|分娩)",
    )
});
/// What stands before the kind of place and names none.
const GENERIC: &[&str] = &[
    "当",
    "他",
    "前",
    "同",
    "近",
    "本",
    "各",
    "貴",
    "別",
    "両",
    "某",
    "自",
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
    "療養",
    "中核",
    "連携",
    "精神科",
    "精神",
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
    "回復期",
    "後方",
    "個人",
    "公的",
    "民間",
    "私立",
    "子供",
    "こども",
    "小児",
    "急性",
    "単科",
    "受入",
    "受け入れ",
    "紹介先",
    "紹介元",
    "搬送先",
    "救命",
    "高次",
    "訪問看護",
    "地域包括",
    "地域包括支援",
    "居宅介護",
    "居宅介護支援",
    "介護",
    "介護老人",
    "有料",
    "特別養護",
    "特養",
    "養護",
    "認知症",
    "住宅型有料",
    "障害者",
    "老人",
    "看護",
    "外来",
    "通所",
    "短期入所",
    "市",
    "区",
    "町",
    "村",
    "県",
    "都",
    "国",
    "大",
    "中小",
    "保険",
    "門前",
    "最寄り",
    "最寄",
    "近隣",
    "近所",
    "複数",
    "保育",
    "幼稚",
    "入",
    "公",
    "学",
    "庭",
    "農",
    "動物",
    "植物",
    "遊",
    "開",
    "茶",
    "菜",
    "マイ",
    "ナーシング",
    "家族",
    "現在",
    "通院中",
    "入院中",
    "施設",
    "高齢者",
    "ナース",
    "サービス",
    "ケア",
    "スタッフ",
    "プラット",
    "医療",
    "専用",
    "自費",
    "提携",
    "ステーション",
    "卒",
    "再入",
    "新",
    "健康",
    "福祉",
];
/// 循環器内科 is a department, not 山田内科.
const DEPARTMENTS: &[&str] = &[
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
    "膠原病",
    "リウマチ",
    "肝臓",
    "肝胆膵",
    "呼吸",
    "美容",
    "腹部",
    "耳鼻咽喉",
    "予防",
    "矯正",
    "放射線",
    "漢方",
    "透析",
    "禁煙",
    "病棟",
    "外来",
    "医師",
    "病院",
];

pub(super) fn find(text: &str, vocabulary: Option<&Vocabulary>, found: &mut Vec<Found>) {
    if text.contains(|c: char| c.is_ascii_uppercase()) {
        for hit in ENGLISH.find_iter(text) {
            push(found, hit.range(), Kind::Hospital);
        }
        for hit in CAPITALS
            .captures_iter(text)
            .filter_map(|hit| hit.iter().skip(1).flatten().next())
        {
            if !WARDS.contains(&hit.as_str()) {
                push(found, hit.range(), Kind::Hospital);
            }
        }
    }
    if text.is_ascii() {
        return;
    }
    let mut hits = SEARCH.find_iter(text).peekable();
    while let Some(hit) = hits.next() {
        let mut end = hit.end();
        let mut short = hit.pattern().as_usize() >= KINDS.len();
        // 内科クリニック: one kind behind the other.
        while let Some(next) = hits.next_if(|next| next.start() == end) {
            end = next.end();
            short &= next.pattern().as_usize() >= KINDS.len();
        }
        if let Some(start) = named(text, hit.start(), end, short, vocabulary) {
            push(found, start..end, Kind::Hospital);
        }
    }
    for hit in PREFIXED.captures_iter(text) {
        if let (Some(all), Some(name)) = (hit.get(0), hit.get(1))
            && name.as_str().chars().count() >= 2
            && !no_name(name.as_str(), vocabulary)
        {
            push(found, all.start()..name.end(), Kind::Hospital);
        }
    }
    for hit in SHORT.find_iter(text) {
        let own = trimmed(hit.as_str());
        let letters = own.chars().count();
        // 肥大, 労災申請: words; 阪大: an organisation that the dictionary knows.
        let known = |words: &Vocabulary| match own.ends_with('大')
            && !own.ends_with("医大")
            && !own.ends_with("医科大")
        {
            true => words.get(own).proper || is_known_place(words, own),
            false => owned(own) || !made_of_words(words, own),
        };
        if letters >= 2
            && !["都立", "県立", "市立", "国立", "労災"].contains(&own)
            && vocabulary.is_none_or(known)
        {
            push(found, hit.start()..hit.start() + own.len(), Kind::Hospital);
        }
    }
    let Some(vocabulary) = vocabulary else { return };
    for name in PLACE.captures_iter(text).filter_map(|hit| hit.get(1)) {
        let own = cut(name.as_str());
        if !own.is_empty() && !generic(own) && !made_of_words(vocabulary, own) {
            push(
                found,
                name.start()..name.start() + own.len(),
                Kind::Hospital,
            );
        }
    }
    let places = DONE.captures_iter(text).chain(LINE.captures_iter(text));
    for name in places.filter_map(|hit| hit.get(1)) {
        if is_known_place(vocabulary, name.as_str()) {
            push(found, name.range(), Kind::Hospital);
        }
    }
    for name in WENT.captures_iter(text).filter_map(|hit| hit.get(1)) {
        let own = name.as_str();
        let apart = !text[..name.start()].ends_with(|c| is_hiragana(c) || is_katakana(c));
        let plausible = vocabulary.may_be_family(own) && !vocabulary.get(own).common;
        if apart && plausible && !generic(own) && !made_of_words(vocabulary, own) {
            push(found, name.range(), Kind::Hospital);
        }
    }
}

/// 都立駒込: what belongs to a town or to the country is a hospital here.
fn owned(own: &str) -> bool {
    ["都立", "県立", "道立", "府立", "市立", "町立", "国立"]
        .iter()
        .any(|owner| {
            own.strip_prefix(owner)
                .is_some_and(|rest| !generic(rest) && !["病院", "大学", "学校"].contains(&rest))
        })
}

/// Behind a kind: グループホームでは, 老健入所中, 特養利用.
fn no_name(own: &str, vocabulary: Option<&Vocabulary>) -> bool {
    let kana: String = own
        .chars()
        .take_while(|letter| is_hiragana(*letter))
        .collect();
    let particle = kana.starts_with(['に', 'へ', 'で', 'を', 'は', 'が', 'の', 'と', 'も'])
        && kana.chars().count() <= 2;
    let kanji: String = own.chars().take_while(|letter| is_kanji(*letter)).collect();
    particle
        || vocabulary.is_some_and(|words| {
            words.particles.contains(kana.as_str()) || (!kanji.is_empty() && words.get(&kanji).done)
        })
        || kanji.starts_with(['入', '等', '職', '利'])
}

fn trimmed(text: &str) -> &str {
    [
        "より", "から", "へ", "に", "で", "の", "、", "。", "　", " ", ")",
    ]
    .iter()
    .find_map(|word| text.strip_suffix(word))
    .unwrap_or(text)
}

fn generic(own: &str) -> bool {
    GENERIC.contains(&own) || DEPARTMENTS.contains(&own) || context::is_person(own)
}

/// A name in its place, up to the particle behind it.
fn cut(text: &str) -> &str {
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        let joint = matches!(letter, 'の' | 'が')
            && next.is_some_and(is_kanji)
            && text[at + 3..].chars().take_while(|c| is_kanji(*c)).count() == 1;
        if at > 0 && !joint && matches!(letter, 'の' | 'に' | 'へ' | 'で' | 'を' | 'は') {
            return &text[..at];
        }
        if at > 0
            && ["より", "から", "です", "とし", "が決", "と"]
                .iter()
                .any(|word| text[at..].starts_with(word))
        {
            return &text[..at];
        }
    }
    text
}

/// Whether a run of kanji is made of common words of more than one letter.
fn made_of_words(vocabulary: &Vocabulary, own: &str) -> bool {
    if !own.chars().all(is_kanji) {
        // What else than a name is written in kana there: なし, 未定.
        return own
            .chars()
            .all(|letter| is_hiragana(letter) || is_katakana(letter))
            && own.chars().count() <= 3;
    }
    let bounds: Vec<usize> = own
        .char_indices()
        .map(|(at, _)| at)
        .chain([own.len()])
        .collect();
    let mut reached = vec![false; bounds.len()];
    reached[0] = true;
    for end in 1..bounds.len() {
        reached[end] = (0..end).any(|start| {
            let entry = vocabulary.get(&own[bounds[start]..bounds[end]]);
            reached[start] && entry.common && (end - start > 1 || start > 0)
        });
    }
    reached[bounds.len() - 1]
}

/// Whether a run begins or ends with a place or an organisation, which is more than a word: 武蔵野日赤.
fn is_known_place(vocabulary: &Vocabulary, own: &str) -> bool {
    if generic(own) || made_of_words(vocabulary, own) || context::speaks_of_somebody(own) {
        return false;
    }
    let letters: Vec<usize> = own
        .char_indices()
        .map(|(at, _)| at)
        .chain([own.len()])
        .collect();
    let proper = |piece: &str| {
        let entry = vocabulary.get(piece);
        entry.proper && !entry.common && piece.chars().count() > 1
    };
    let joined =
        own.contains(['の', 'が', 'ヶ']) && own.chars().filter(|c| is_kanji(*c)).count() <= 4;
    letters
        .iter()
        .skip(1)
        .any(|end| proper(&own[..*end]) || proper(&own[*end..]))
        || joined && own.starts_with(is_kanji)
}

/// Where the name before a kind begins; none where it names any of them.
fn named(
    text: &str,
    at: usize,
    end: usize,
    short: bool,
    vocabulary: Option<&Vocabulary>,
) -> Option<usize> {
    let before = &text[..at];
    let start = name_start(before, vocabulary);
    let own = &before[start..];
    if own.is_empty() || generic(own) {
        return None;
    }
    let letters = own.chars().count();
    if short {
        // 眼科用, 外科頚; a department; a word.
        let goes_on = text[end..].starts_with(|c: char| is_kanji(c) && !matches!(c, '医' | '内'));
        let department = letters < 2 || DEPARTMENTS.iter().any(|word| own.ends_with(word));
        let word = vocabulary.is_some_and(|words| {
            let whole = words.get(&text[start..end]);
            whole.common
                || (words.get(own).common && words.get(own).family <= super::vocabulary::NEVER)
                || made_of_words(words, own)
        });
        // ウロ歯科: katakana before a department are a product or an organ.
        let katakana = own.chars().all(|c| is_katakana(c) || c == '・')
            && !text[at..end].ends_with(['苑', '園', '荘', 'ム']);
        if goes_on || department || word || katakana {
            return None;
        }
    }
    Some(start)
}

/// Going back from a kind over what a name is written with; kana end it where they are a particle.
fn name_start(before: &str, vocabulary: Option<&Vocabulary>) -> usize {
    let mut start = before.len();
    for (taken, (at, letter)) in before.char_indices().rev().enumerate() {
        let belongs = is_kanji(letter)
            || is_katakana(letter)
            || is_hiragana(letter)
            || letter.is_ascii_alphabetic()
            || matches!(letter, '・' | 'ヶ' | 'ケ' | 'ノ');
        if !belongs || taken >= 20 {
            break;
        }
        start = at;
    }
    let run = &before[start..];
    // The last particle before the name: of several readings the shortest that names something.
    for (at, letter) in run.char_indices().rev() {
        let rest = at + letter.len_utf8();
        let own = &run[rest..];
        if own.is_empty() && matches!(letter, 'の' | 'な' | 'い' | 'る' | 'た') {
            // 近くの病院; but こころの病院.
            let word: String = run[..at]
                .chars()
                .rev()
                .take_while(|c| is_hiragana(*c))
                .collect();
            if letter == 'の'
                && word.chars().count() >= 3
                && vocabulary.is_some_and(|words| {
                    let word: String = word.chars().rev().collect();
                    !words.kana_words.contains(word.as_str())
                        && !words.particles.contains(word.as_str())
                })
            {
                continue;
            }
            return before.len();
        }
        let previous = run[..at].chars().next_back();
        let kanji_before = previous.is_some_and(|c| !is_hiragana(c));
        let particle = match letter {
            'の' | 'が' => !joins(&run[..at], own),
            'は' | 'を' | 'に' | 'で' | 'へ' => {
                kanji_before
                    || own.starts_with(|c: char| !is_hiragana(c))
                    || known_sound(own, vocabulary)
            }
            'た' | 'て' | 'り' | 'る' | 'し' | 'ら' | 'と' | 'も' | 'く' | 'き' | 'い' => {
                own.starts_with(|c: char| !is_hiragana(c))
                    && own.chars().count() >= 2
                    && previous.is_some()
                    && hiragana_word(run, rest, vocabulary)
            }
            _ => false,
        };
        if particle {
            return start + rest;
        }
    }
    start
}

/// Whether hiragana at the start of a piece sound like a family or somebody.
fn known_sound(own: &str, vocabulary: Option<&Vocabulary>) -> bool {
    let kana: String = own
        .chars()
        .take_while(|letter| is_hiragana(*letter))
        .collect();
    vocabulary.is_some_and(|words| {
        words.family_sounds.contains(kana.as_str()) || words.given_sounds.contains(kana.as_str())
    })
}

/// Whether の or が joins two pieces of one name: 宮の森, 緑が丘. Few kanji stand on either side.
fn joins(before: &str, own: &str) -> bool {
    let left = before
        .chars()
        .rev()
        .take_while(|letter| is_kanji(*letter))
        .count();
    let right = own.chars().take_while(|letter| is_kanji(*letter)).count();
    let left_word: String = before
        .chars()
        .rev()
        .take(left)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    let stops = [
        "元", "先", "前", "後", "時", "中", "他", "方", "上", "下", "内", "外", "側", "所", "日",
        "頃", "々", "隣", "別", "村", "町", "街", "市", "島", "国", "県",
    ];
    // もりの木: kana at the beginning, too.
    let kana = before
        .chars()
        .rev()
        .take_while(|letter| is_hiragana(*letter))
        .count();
    let in_kana = left == 0 && (2..=4).contains(&kana) && before.chars().count() == kana;
    ((1..=2).contains(&left) || in_kana)
        && right == 1
        && !context::is_person(&left_word)
        && !stops.iter().any(|stop| left_word.ends_with(stop))
}

/// Whether the hiragana before a place of a run are no name: した, より, ている.
fn hiragana_word(run: &str, rest: usize, vocabulary: Option<&Vocabulary>) -> bool {
    let kana: String = run[..rest]
        .chars()
        .rev()
        .take_while(|letter| is_hiragana(*letter))
        .collect();
    let kana: String = kana.chars().rev().collect();
    let tails = [
        "した",
        "より",
        "から",
        "して",
        "される",
        "された",
        "する",
        "いる",
        "ある",
        "とし",
        "なる",
        "った",
        "って",
        "いた",
        "いて",
        "れた",
        "にて",
        "まで",
        "など",
        "ない",
    ];
    tails.iter().any(|tail| kana.ends_with(tail))
        || vocabulary.is_some_and(|words| words.particles.contains(kana.as_str()))
}
