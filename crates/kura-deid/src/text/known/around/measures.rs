//! Numbers that nothing beside them measures: they may be anybody's record number, room, telephone or age, and go.

use std::sync::LazyLock;

use super::super::numbers::unit_follows;
use super::super::{Class, Piece, is_latin, latin};
use super::numbers::CAPTIONS;
use super::set;
use crate::text::letters::{is_kanji, is_katakana};
use crate::text::vocabulary::QuickSet;

/// Of so many digits a number may stay without a word beside it, if it is less than [`OLD`].
const DIGITS: usize = 2;
/// From it on a bare number may be an age that few reach.
const OLD: u32 = 90;

/// Ends of words that a value follows.
const MEASURES: [&str; 72] = [
    "力",
    "雑音",
    "スコア",
    "段階",
    "値",
    "量",
    "数",
    "圧",
    "拍",
    "温",
    "体重",
    "身長",
    "全長",
    "長径",
    "率",
    "糖",
    "球",
    "板",
    "素",
    "度",
    "径",
    "幅",
    "厚",
    "脂肪",
    "蛋白",
    "カリウム",
    "ナトリウム",
    "カルシウム",
    "マグネシウム",
    "クロール",
    "アルブミン",
    "ビリルビン",
    "ヘモグロビン",
    "コレステロール",
    "クレアチニン",
    "フェリチン",
    "グルコース",
    "アミラーゼ",
    "リパーゼ",
    "尿酸",
    "乳酸",
    "約",
    "計",
    "最大",
    "最高",
    "最低",
    "最小",
    "平均",
    "中央",
    "総",
    "毎分",
    "時速",
    "毎時",
    "拡張期",
    "収縮期",
    "摂取",
    "排液",
    "点滴",
    "輸液",
    "補液",
    "出血",
    "尿",
    "酸素",
    "流速",
    "エネルギー",
    "カロリー",
    "設定",
    "目標",
    "収縮",
    "拡張",
    "食前",
    "食後",
];
/// Words of that kind that are none: 番号数 is nothing, 年数 is a year.
const NO_MEASURES: [&str; 6] = ["年度", "年数", "実年齢", "満年齢", "総", "件数"];
/// What is counted, behind a number.
const COUNTED: [&str; 43] = [
    "日",
    "週",
    "か月",
    "ヶ月",
    "カ月",
    "ヵ月",
    "ケ月",
    "時間",
    "分",
    "秒",
    "錠",
    "包",
    "枚",
    "本",
    "名",
    "人",
    "滴",
    "点",
    "期",
    "型",
    "級",
    "群",
    "床",
    "症例",
    "単位",
    "kcal",
    "キロ",
    "ミリ",
    "グラム",
    "リットル",
    "センチ",
    "メートル",
    "パーセント",
    "カロリー",
    "拍",
    "ジュール",
    "万",
    "億",
    "千",
    "倍",
    "台",
    "以上",
    "以下",
];
static ENGLISH_MEASURES: LazyLock<QuickSet<&str>> = LazyLock::new(|| {
    "pressure rate count counts sodium potassium glucose creatinine calcium chloride bicarbonate lactate troponin \
     hemoglobin haemoglobin platelets platelet weight volume output intake dose saturation saturations sats oxygen sugar \
     sugars cholesterol triglycerides ferritin albumin protein level levels score heart systolic diastolic pulse loss \
     fluid calories energy bilirubin amylase lipase urea nitrogen ketones osmolality duration interval length width \
     height size thickness flow peak maximum minimum mean average total baseline goal target cells leukocytes \
     neutrophils lymphocytes strength power reflexes pulses murmur grade motor apgar gradient velocity threshold setting settings pacing"
        .split_whitespace()
        .collect()
});
/// What may stand between a measure and its value.
static BETWEEN: LazyLock<QuickSet<&str>> = LazyLock::new(|| {
    "was is of to at from about approximately around between and up down over under than now remains were are peaked \
     rose fell dropped improved stable in the low high only still low- mid- が は も で と に から より へ まで の"
        .split_whitespace()
        .collect()
});
static ENGLISH_COUNTED: LazyLock<QuickSet<&str>> = LazyLock::new(|| {
    "patients participants subjects cases cells steps feet meters metres calories beats units percent joules watts \
     grams litres liters millilitres milliliters milligrams minutes hours days weeks months seconds mg ml mL mcg kg g \
     bpm systolic diastolic throughout bilaterally x times fold consecutive degrees sites samples"
        .split_whitespace()
        .collect()
});
/// What stands behind a part or a score.
static PARTS: LazyLock<QuickSet<&str>> = LazyLock::new(|| {
    "tab tabs tablet tablets cap caps capsule cup cups amp amps ampoule strength power motor murmur systolic diastolic SEM \
     SM PSM ESM EDM NS circumference thickness pain depth width height length dose way normal NSS"
        .split_whitespace()
        .collect()
});
/// Abbreviations that a value does not follow.
const NO_ABBREVIATIONS: [&str; 22] = [
    "ID", "No", "Nos", "NO", "TEL", "Tel", "FAX", "Fax", "PHS", "EMR", "EHR", "MD", "RN", "NP",
    "DO", "PA", "Pt", "Dr", "Mr", "Mrs", "Ms", "Mx",
];
/// How far a value may stand behind what it is of, in pieces.
const FAR: usize = 9;

/// After everything else: what is left of the numbers.
pub(super) fn spread(text: &str, pieces: &mut [Piece]) {
    for index in 0..pieces.len() {
        if pieces[index].class == Class::Number && !stays(text, pieces, index) {
            set(&mut pieces[index..=index]);
        }
    }
    codes(text, pieces);
    // What that made unknown may have more beside it.
    joined(text, pieces);
    joined(text, pieces);
    between(text, pieces);
}

/// 0985・59・9520, 48.2472905.C, Mark's: short pieces that a mark joins to digits that went.
fn joined(text: &str, pieces: &mut [Piece]) {
    for index in 0..pieces.len() {
        let own = &pieces[index];
        let word = own.text(text);
        let digits = own.class == Class::Number && word.bytes().all(|c| c.is_ascii_digit());
        let letter = word.len() == 1 && word.starts_with(is_latin);
        if own.gone() || !(digits || letter) {
            continue;
        }
        let gone = |at: Option<usize>, far: Option<usize>| {
            let (Some(mark), Some(next)) = (
                at.and_then(|at| pieces.get(at)),
                far.and_then(|at| pieces.get(at)),
            ) else {
                return false;
            };
            let (mark, other) = (mark.text(text), next.text(text));
            let number = matches!(mark, "・" | "." | "-" | "_" | "#")
                && other.contains(|c: char| c.is_ascii_digit());
            let own = matches!(mark, "'" | "’") && word == "s" && other.starts_with(is_latin);
            next.gone() && (number || own)
        };
        let before = gone(index.checked_sub(1), index.checked_sub(2));
        let behind = digits && gone(Some(index + 1), Some(index + 2));
        if before || behind {
            set(&mut pieces[index..=index]);
        }
    }
}

fn is_code(letter: char) -> bool {
    is_latin(letter) || letter == '-' || letter == '_'
}

/// OP-2291, S24-118: letters and digits that hyphens join, where a piece of them goes or three digits stand in a row.
fn codes(text: &str, pieces: &mut [Piece]) {
    let of_code = |piece: &Piece| {
        let own = piece.text(text);
        own.starts_with(is_code) && own.ends_with(is_code)
    };
    let mut start = 0;
    while start < pieces.len() {
        let length = pieces[start..]
            .iter()
            .take_while(|piece| of_code(piece))
            .count();
        let (before, run) = pieces.split_at_mut(start);
        let run = &mut run[..length];
        start += length.max(1);
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        let whole = &text[first.range.start..last.range.end];
        let digits = whole.bytes().filter(u8::is_ascii_digit).count();
        let row = whole
            .split(|letter: char| !letter.is_ascii_digit())
            .map(str::len)
            .max();
        let joined =
            whole.contains(['-', '_']) && whole.contains(|c: char| c.is_ascii_alphabetic());
        // CA-125 and the like are three digits behind a known abbreviation.
        let marker = digits <= 3
            && latin::is_unit(first.text(text)) | latin::is_abbreviation(first.text(text));
        let parts = whole.matches('-').count();
        let long = joined
            && (row.unwrap_or(0) >= 3 || parts >= 2 && digits >= 5)
            && !marker
            && digits == whole_digits(run, text);
        let caption = digits > 0
            && before
                .iter()
                .rev()
                .take(3)
                .find(|piece| !matches!(piece.text(text), " " | "." | ":" | "：" | "　"))
                .is_some_and(|piece| CAPTIONS.contains(&piece.text(text)));
        let gone = digits > 0
            && run
                .iter()
                .any(|piece| piece.gone() && has_digit(piece, text));
        // 3E-80: a bed.
        let bed = matches!(whole.as_bytes(), [floor, ward, b'-', bed @ ..]
            if floor.is_ascii_digit() && ward.is_ascii_uppercase() && !bed.is_empty()
                && bed.len() <= 3 && bed.iter().all(u8::is_ascii_digit));
        if run.len() > 1 && (long || gone || bed) || caption {
            set(run);
        }
    }
}

fn has_digit(piece: &Piece, text: &str) -> bool {
    piece
        .text(text)
        .contains(|letter: char| letter.is_ascii_digit())
}

/// Digits of a run that no unit follows: of 50-100mg none.
fn whole_digits(run: &[Piece], text: &str) -> usize {
    run.iter()
        .map(|piece| {
            let own = piece.text(text);
            let end = own.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
            let unit = own.len() - end.len() > 1 && latin::is_unit(&own[end.len()..]);
            let digits = own.bytes().filter(u8::is_ascii_digit).count();
            if unit { 0 } else { digits }
        })
        .sum()
}

/// SW 112th Court, King St W, Toronto, Trem-y-Mor: what is short and stands between two pieces of an address.
fn between(text: &str, pieces: &mut [Piece]) {
    /// Short words in a row.
    const MANY: usize = 3;
    let short = |piece: &Piece| {
        let word = piece.text(text);
        word.starts_with(|letter: char| letter.is_ascii_uppercase()) && word.len() <= 2
            || word.starts_with(|letter: char| letter.is_ascii_digit())
            || word == "y"
    };
    let gap = |piece: &Piece| matches!(piece.text(text), " " | "-" | ",");
    let latin = |piece: &Piece| piece.gone() && piece.text(text).ends_with(is_latin);
    let mut at = 0;
    while at < pieces.len() {
        if !latin(&pieces[at]) {
            at += 1;
            continue;
        }
        let (mut end, mut words) = (at + 1, 0);
        while let Some(piece) = pieces.get(end) {
            if latin(piece) {
                break;
            }
            if short(piece) {
                words += 1;
            } else if !gap(piece) {
                words = MANY + 1;
            }
            if words > MANY {
                break;
            }
            end += 1;
        }
        let closed = pieces.get(end).is_some_and(latin);
        if closed && (1..=MANY).contains(&words) && end - at <= 2 * MANY + 2 {
            set(&mut pieces[at + 1..end]);
        }
        at = end.max(at + 1);
    }
}

fn stays(text: &str, pieces: &[Piece], index: usize) -> bool {
    let own = pieces[index].text(text);
    let digits = own.len()
        - own
            .trim_start_matches(|c: char| c.is_ascii_digit() || "-./:,".contains(c))
            .len();
    let (number, glued) = own.split_at(digits);
    let groups: Vec<&str> = number.split(['-', '.', '/', ':', ',']).collect();
    let longest = groups.iter().map(|group| group.len()).max().unwrap_or(0);
    let parsed = |group: &str| group.parse::<u32>().unwrap_or(u32::MAX);
    if let [first, second] = groups[..]
        && number.contains('/')
        && is_day(parsed(first), parsed(second))
    {
        return is_part(text, pieces, index, glued)
            || is_score(text, &pieces[..index], parsed(first), parsed(second));
    }
    // 3.14 and 24.3, 5-12, 3/98: a day or a month as well as a value or a range.
    let dated = match groups[..] {
        [_, second] if second.len() > 2 || number.contains(':') => false,
        [first, second] => {
            let (first, second) = (parsed(first), parsed(second));
            let months = [first, second].map(|month| (1..=12).contains(&month));
            match number.contains('.') {
                true => months[0] && (1..=31).contains(&second) || months[1] && first > 0,
                false => {
                    is_day(first, second) || first > 31 && months[1] || second > 31 && months[0]
                }
            }
        }
        _ => false,
    };
    // 0.35, 37.45: no number of a record is written so.
    let decimal = groups.len() == 2 && number.contains('.') && groups[0].len() <= 3;
    let small = longest <= DIGITS && groups.iter().all(|group| parsed(group) < OLD);
    // 128/74 of a pressure.
    let parts = number.contains(['/', ':']) && groups.len() == 2 && longest <= 3;
    !dated && (decimal || small || parts) || measured(text, pieces, index, glued, dated)
}

/// Whether two numbers may be a month and a day, or a day and a month.
fn is_day(first: u32, second: u32) -> bool {
    let day = |month: u32, day: u32| (1..=12).contains(&month) && (1..=31).contains(&day);
    day(first, second) || day(second, first)
}

/// Whether two numbers with a slash, which may be a day, are a part or a score: 1/2錠, 3/4 circumference, MMT 4/5.
fn is_part(text: &str, pieces: &[Piece], index: usize, glued: &str) -> bool {
    const OF_JAPANESE: [&str; 15] = [
        "錠",
        "量",
        "以上",
        "以下",
        "周",
        "程度",
        "筒",
        "包",
        "カプセル",
        "アンプル",
        "筋層",
        "ほど",
        "強",
        "弱",
        "倍",
    ];
    let behind = &text[pieces[index].range.end..];
    let near = behind.trim_start_matches(' ');
    let end = near.find(|letter| !is_latin(letter)).unwrap_or(near.len());
    let next = &near[..end];
    let unit = glued.len() > 1 && latin::is_unit(glued) || latin::is_unit(next);
    unit || near.starts_with(['%', '°'])
        || behind.starts_with("回/")
        || near.starts_with("of the")
        || near.starts_with("of a")
        || PARTS.contains(next)
        || OF_JAPANESE.iter().any(|word| near.starts_with(word))
}

/// Whether two numbers are a score: by a scale that the sentence tells of so far (MMT, NRS, a murmur), or by a test
/// that stands directly before them.
fn is_score(text: &str, before: &[Piece], score: u32, most: u32) -> bool {
    const SCALES: [&str; 21] = [
        "MMT",
        "NRS",
        "VAS",
        "FRS",
        "FPS",
        "Levine",
        "strength",
        "Strength",
        "power",
        "murmur",
        "reflexes",
        "pulses",
        "pain",
        "Pain",
        "筋力",
        "徒手筋力",
        "徒手筋力検査",
        "雑音",
        "収縮期雑音",
        "疼痛",
        "痛み",
    ];
    const TESTS: [&str; 9] = [
        "HDS", "HDS-R", "MMSE", "MoCA", "FAB", "Apgar", "APGAR", "GCS", "OHAT",
    ];
    let last = before.iter().rev().find(|piece| piece.text(text) != " ");
    let on = [
        "on", "since", "until", "till", "from", "by", "before", "after", "next", "last",
    ];
    if last.is_some_and(|piece| on.contains(&piece.text(text))) {
        return false;
    }
    let told = |far: usize, words: &[&str]| {
        before
            .iter()
            .rev()
            .take(far)
            .map(|piece| piece.text(text))
            .take_while(|word| !matches!(*word, "\n" | "。"))
            .any(|word| words.contains(&word))
    };
    score <= most
        && (matches!(most, 5 | 6 | 10) && told(40, &SCALES)
            || matches!(most, 9 | 10 | 15 | 18 | 30) && told(4, &TESTS))
}

/// Whether what is counted begins a text.
pub(in super::super) fn counted(behind: &str) -> bool {
    COUNTED.iter().any(|word| behind.starts_with(word))
}

/// Whether a unit or what is counted stands behind a number, or what is measured before it.
fn measured(text: &str, pieces: &[Piece], index: usize, glued: &str, dated: bool) -> bool {
    if glued.len() > 1 || matches!(glued, "g" | "L" | "h" | "V" | "W" | "J" | "U" | "K") {
        return true;
    }
    let behind = &text[pieces[index].range.end..];
    if unit_follows(behind) {
        return true;
    }
    let near = behind.trim_start_matches(' ');
    if counted(near) {
        return true;
    }
    let end = near.find(|letter| !is_latin(letter)).unwrap_or(near.len());
    let next = &near[..end];
    if !next.is_empty() && (latin::is_unit(next) || ENGLISH_COUNTED.contains(next)) {
        return true;
    }
    let mut skipped = 0;
    for piece in pieces[..index].iter().rev().take(FAR) {
        let word = piece.text(text);
        match piece.class {
            Class::Mark if matches!(word, "\n" | "。" | ";" | "；") => return false,
            // Alb 3.5、3.14 に再診: what may be a day is no other value.
            Class::Mark if dated && matches!(word, "、" | ",") => return false,
            // What another value of the same row stands beside: 128/74 → 132/80, 7800, 8200.
            Class::Mark | Class::Number => {}
            Class::Found | Class::Unknown => return false,
            _ if BETWEEN.contains(word) && skipped < 3 => skipped += 1,
            Class::Grammar | Class::Letter if skipped < 3 => skipped += 1,
            Class::Sure | Class::Word | Class::Affix => return measures(word),
            _ => return false,
        }
    }
    false
}

fn measures(word: &str) -> bool {
    if word.starts_with(|letter| is_kanji(letter) || is_katakana(letter)) {
        return MEASURES.iter().any(|end| word.ends_with(end)) && !NO_MEASURES.contains(&word);
    }
    const SYMBOLS: [&str; 10] = ["K", "Na", "Cl", "Ca", "P", "Mg", "pH", "T", "Hb", "Cr"];
    let lower = word.to_ascii_lowercase();
    SYMBOLS.contains(&word)
        || ENGLISH_MEASURES.contains(lower.as_str())
        || latin::is_abbreviation(word) && !NO_ABBREVIATIONS.contains(&word)
}
