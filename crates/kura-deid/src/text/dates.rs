//! Dates in western and Japanese form, and ages over the limit.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::numbers::pattern;
use super::{Found, Kind, apart_from_digits, push};

const MONTHS: &str = r"(?i:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?\.?|July?\.?|Aug(?:ust|\.)?|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)";

/// 2026（令和8）年11月23日, 1999(H11)/1/24; 二〇二四年四月十三日; 19年1月27日, '10年7月.
static MIXED: LazyLock<Regex> = LazyLock::new(|| {
    let kanji = "[〇○一二三四五六七八九十]";
    pattern(&format!(
        r"(?:19|20)\d{{2}} ?[\((](?:令和|平成|昭和|大正|明治|[RHSTMrhstm令平昭大明])\.? ?(?:元|\d{{1,2}})[\))] ?(?:年|[-/.])(?: ?\d{{1,2}} ?(?:月|[-/.])(?: ?\d{{1,2}} ?日?)?)?|[一二][〇○一二三四五六七八九]{{3}}年(?:{kanji}{{1,2}}月(?:{kanji}{{1,3}}日)?)?|'?\d{{2}}年 ?(?:1[0-2]|0?[1-9]) ?月 ?(?:[12]\d|3[01]|0?[1-9]) ?日|'\d{{2}}年(?: ?(?:1[0-2]|0?[1-9]) ?月)?",
    ))
});
/// 2026年11月23日, 2026/11/23, 2026-11-23, 2026.11.23; also year and month alone.
static WESTERN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:19|20)\d{2} ?年(?: ?\d{1,2} ?月(?: ?\d{1,2} ?日)?|度)?|(?:19|20)\d{2} ?([-/.]) ?(?:1[0-2]|0?[1-9]) ?[-/.] ?(?:[12]\d|3[01]|0?[1-9])(?:T\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?)?|(?:19|20)\d{2}(?:/(?:1[0-2]|0?[1-9])|\.(?:1[0-2]|0[1-9]))",
    )
});
/// 令和8年11月23日, R8.11.23, 昭和25年, S36/2. Letters of eras stand beside kana, too: を S36年.
static ERA: LazyLock<Regex> = LazyLock::new(|| {
    let number = "(?:元|[0-9]{1,2}|[〇一二三四五六七八九十]{1,3})";
    // 令6年1月2日, 大13.11.19; R 5. 10. 24, r3.2.28.
    let short = r"[令平昭大明] ?(?:元|\d{1,2})(?:年 ?\d{1,2} ?月(?: ?\d{1,2} ?日)?|[-/.] ?\d{1,2}[-/.] ?\d{1,2})";
    let spaced = r"(?-u:\b)[RHSTMrhstm]\.? ?(?:元|\d{1,2})[-/.] ?\d{1,2}[-/.] ?\d{1,2}";
    pattern(&format!(
        r"{short}|{spaced}|(?:令和|平成|昭和|大正|明治) ?{number} ?(?:年(?: ?{number} ?月(?: ?{number} ?日)?|度)?|[-/.] ?\d{{1,2}}(?: ?[-/.] ?\d{{1,2}})?)|(?-u:\b)[RHSTM]\.?(?:元|\d{{1,2}})(?:年(?: ?{number} ?月(?: ?{number} ?日)?)?|[-/.]\d{{1,2}}(?:[-/.]\d{{1,2}})?)",
    ))
});
/// 12 / 26: spaces beside the slash.
static SPACED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:1[0-2]|0?[1-9]) ?/ (?:[12]\d|3[01]|0?[1-9])"));
/// 4/17 9:24 without the space.
static BEFORE_TIME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"((?:1[0-2]|0?[1-9])/(?:[12]\d|3[01]|0?[1-9]))(?:[01]?\d|2[0-4])(?:[::]\d{2}|時)")
});
/// 11月23日, 四月一日.
static DAY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:1[0-2]|0?[1-9]) ?月 ?(?:[12]\d|3[01]|0?[1-9]) ?日|(?:十[一二]?|[一二三四五六七八九]) ?月 ?(?:[一二三]?十[一二三四五六七八九]?|[一二三四五六七八九]) ?日",
    )
});
/// 11/23 where something beside it says that it is a day: a weekday, a particle, a word of the
/// ward. 4/5 of a muscle's strength and 2/6 of a murmur have none.
static SLASH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"((?:1[0-2]|0?[1-9])/(?:[12]\d|3[01]|0?[1-9]))(?: ?[\((][月火水木金土日][\))]| ?(?:(?:午前|午後|AM|PM|朝|昼|夕|夜)|\d{1,2}(?::\d{2}|時)|に|より|から|まで|頃|ごろ|付|〜|~|の(?:CT|MRI|採血|検査|手術|外来|夜|朝)|入院|退院|来院|受診|手術|術後|採血|予約|再診|転院|外来|初診|発症|発熱|開始|終了|中止|撮影|施行|訪問|面談|電話|連絡))",
    )
});
/// 4/7隔離解除: a day that a word stands behind, if it is none of a score.
static BEFORE_WORD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"((?:1[0-2]|0?[1-9])/(?:[12]\d|3[01]|0?[1-9]))(\p{Han})"));
/// 10月中旬, 3月に, 2024.3に: a month.
static MONTH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"((?:(?:19|20)\d{2}\.)(?:1[0-2]|[1-9]))(?:に|から|より|頃|まで)|((?:1[0-2]|[1-9])月(?:[上中下初]旬|末|初め|吉日|頃|ごろ|半ば))|((?:1[0-2]|[1-9])月)(?:に|から|より|まで|以降|以来)",
    )
});
/// 9/1フォロー: no half of an ampoule.
static BEFORE_KANA: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"((1[0-2]|0?[1-9])/([12]\d|3[01]|0?[1-9]))[ァ-ヶ]"));
/// What stands behind a score or a part, not behind a day: 4/5以上, 2/6収縮期雑音.
const OF_A_SCORE: &str = "以未程点回人倍量錠筒割度段側収拡心雑左右上下両低減増生食濃希例名枚本個中位期分秒時日週月年頸頚胸腰仙尾椎肋趾指";
/// 10/12, 05/09: with a day that scores and strengths do not have (4/5, 2/6, 7/10).
static BARE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:^|[^0-9A-Za-z./-])((?:1[0-2]|0?[1-9])/(?:0[1-9]|1[1-9]|2\d|3[01]))(?:[^0-9A-Za-z./%-]|$)|\(((?:1[0-2]|0?[1-9])/(?:[12]\d|3[01]|0?[1-9]))\)|(?:^|\n)((?:1[0-2]|0?[1-9])/(?:[12]\d|3[01]|0?[1-9]))[、 　]",
    )
});
static AFTER_WORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:入院|退院|来院|受診|手術|採血|予約|再診|転院|外来|初診|発症|次回|前回|昨日|本日|明日|翌日|最終|実施|記載|検査日?|撮影|期限|から|より)[日:: は]{0,2}((?:1[0-2]|0?[1-9])/(?:[12]\d|3[01]|0?[1-9]))",
    )
});
/// 36/2/24, 26.11.23: a year of two digits first, or last.
static SHORT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"'?\d{2}/(?:1[0-2]|0?[1-9])/(?:[12]\d|3[01]|0?[1-9])|\d{2}\.(?:1[0-2]|0[1-9])\.(?:[12]\d|3[01]|0[1-9])",
    )
});
static ENGLISH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?-u:\b){MONTHS} \d{{1,2}}(?:st|nd|rd|th)?(?:,? (?:19|20)\d{{2}})?(?-u:\b)|(?-u:\b)\d{{1,2}}(?:st|nd|rd|th)?[- ](?:of )?{MONTHS}[-, ]{{0,2}}(?:(?:19|20)\d{{2}}(?-u:\b)|'?\d{{2}}(?-u:\b))?|(?-u:\b){MONTHS},? (?:(?:19|20)\d{{2}}|['’]\d{{2}})(?-u:\b)|(?-u:\b)(?:[12]\d|3[01]|0?[1-9])/(?:[12]\d|3[01]|0?[1-9])/(?:(?:19|20)\d{{2}}|\d{{2}})(?-u:\b)|(?-u:\b)(?:1[0-2]|0?[1-9])/(?:19|20)\d{{2}}(?-u:\b)",
    ))
});
/// 20261123, where the word before says so or the day is one of the calendar.
static TOGETHER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{6})?"));
static AGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(\d{2,3}) ?(?:歳|才|さい|代|♂|♀|/ ?[MFmf](?-u:\b)|(?i:y\.?/?o(?-u:\b)\.?|years?[- ]old|yrs?[- ]old|[- ]year[- ]old|years? of age|yrs? of age))",
    )
});
/// age 93, aged 101, 年齢: 95, 享年96, 満九十.
static AGED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:(?-u:\b)(?i:aged?)(?: of)?|年齢|享年|満|数え(?:で|年)?|行年)[ :は]{0,2}(\d{2,3}|[百〇一二三四五六七八九十]{2,5})",
    )
});
/// 九十三歳, 百歳, 九十代.
static AGE_IN_KANJI: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"([百〇一二三四五六七八九十]{1,5}) ?(?:歳|才|さい|代|路)"));
/// Words for whoever is 90 or older.
const OLDEST: u32 = 90;
static OLD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"[卒白百茶珍皇紀上]寿|(?i:(?-u:\b)(?:nonagenarian|centenarian|(?:early|mid|late)?[- ]?(?:nineties|90'?s(?-u:\b))|ninety(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?(?:[- ](?:years?|yrs?)(?:[- ](?:old|of age))?)?|(?:one|a) hundred(?:(?: and)?[- ](?:one|two|three|four|five|six|seven|eight|nine|ten))?(?:[- ]years?(?:[- ](?:old|of age))?)?(?-u:\b)))",
    )
});

pub(super) fn find(text: &str, age_limit: u32, found: &mut Vec<Found>) {
    // Most texts have none of what a date needs: a look for the letter is quick.
    let slashed = if text.contains('/') { text } else { "" };
    let of_years = if text.contains(['歳', '才', 'さ', '代', '路']) {
        text
    } else {
        ""
    };
    for pattern in [&*MIXED, &*WESTERN, &*TOGETHER, &*DAY, &*SHORT, &*SPACED] {
        for hit in pattern.find_iter(text) {
            if alone(text, &hit.range()) {
                push(found, hit.range(), Kind::Date);
            }
        }
    }
    for hit in BEFORE_TIME.captures_iter(slashed) {
        if let Some(day) = hit.get(1) {
            push(found, day.range(), Kind::Date);
        }
    }
    for pattern in [&*SLASH, &*AFTER_WORD, &*BARE] {
        for day in pattern
            .captures_iter(slashed)
            .filter_map(|hit| hit.iter().skip(1).flatten().next())
        {
            if apart_from_digits(text, &day.range()) {
                push(found, day.range(), Kind::Date);
            }
        }
    }
    for hit in BEFORE_KANA.captures_iter(slashed) {
        let number = |group| {
            hit.get(group)
                .and_then(|part| part.as_str().parse::<u32>().ok())
        };
        let (Some(day), Some(above), Some(below)) = (hit.get(1), number(2), number(3)) else {
            continue;
        };
        let part = above < below && (below <= 5 || below == 10);
        if !part && apart_from_digits(text, &day.range()) {
            push(found, day.range(), Kind::Date);
        }
    }
    for hit in MONTH.captures_iter(text) {
        if let Some(month) = hit.iter().skip(1).flatten().next()
            && apart_from_digits(text, &month.range())
        {
            push(found, month.range(), Kind::Date);
        }
    }
    for hit in BEFORE_WORD.captures_iter(slashed) {
        if let (Some(day), Some(next)) = (hit.get(1), hit.get(2))
            && !OF_A_SCORE.contains(next.as_str())
            && !text[..day.start()].ends_with(['/', '.', '-', '第', 'L', 'C', 'S', 'h'])
            && apart_from_digits(text, &day.range())
        {
            push(found, day.range(), Kind::Date);
        }
    }
    for pattern in [&*ERA, &*ENGLISH] {
        for hit in pattern.find_iter(text) {
            let end = hit.start() + hit.as_str().trim_end_matches([' ', ',', '-']).len();
            push(found, hit.start()..end, Kind::Date);
        }
    }
    if age_limit <= OLDEST {
        for hit in OLD.find_iter(text) {
            push(found, hit.range(), Kind::Age);
        }
    }
    for (pattern, text) in [(&*AGE, text), (&*AGED, text), (&*AGE_IN_KANJI, of_years)] {
        for hit in pattern.captures_iter(text) {
            let (Some(all), Some(number)) = (hit.get(0), hit.get(1)) else {
                continue;
            };
            let years = number
                .as_str()
                .parse::<u32>()
                .ok()
                .or_else(|| kanji_number(number.as_str()))
                .unwrap_or(0);
            if years >= age_limit && apart_from_digits(text, &number.range()) {
                push(found, all.range(), Kind::Age);
            }
        }
    }
}

/// Whether a date stands by itself: no digit goes on where it begins or ends with one, but for a time of day
/// (4月14日19時21分, 2023/9/16 9:24).
fn alone(text: &str, range: &Range<usize>) -> bool {
    let own = &text[range.clone()];
    let digit = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_digit());
    let begins = digit(own.chars().next()) && digit(text[..range.start].chars().next_back());
    let rest = &text[range.end..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let time = (1..=2).contains(&digits) && rest[digits..].starts_with([':', '：', '時']);
    let ends = digit(own.chars().next_back()) && digits > 0 && !time;
    !begins && !ends
}

/// 九十三, 百一, 九三.
fn kanji_number(text: &str) -> Option<u32> {
    let (mut total, mut digit) = (0, None);
    for letter in text.chars() {
        let unit = match letter {
            '十' => 10,
            '百' => 100,
            _ => {
                let value = "〇一二三四五六七八九"
                    .chars()
                    .position(|one| one == letter)?;
                // 九三: digits one beside the other.
                digit = Some(digit.unwrap_or(0) * 10 + u32::try_from(value).ok()?);
                continue;
            }
        };
        total += digit.take().unwrap_or(1) * unit;
    }
    Some(total + digit.unwrap_or(0))
}
