//! Dates in western and Japanese form, and ages over the limit.

use std::sync::LazyLock;

use regex::Regex;

use super::numbers::pattern;
use super::{Found, Kind, apart_from_digits, push};

const MONTHS: &str = r"(?i:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)";

/// 2026年11月23日, 2026/11/23, 2026-11-23, 2026.11.23; also year and month alone.
static WESTERN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:19|20)\d{2} ?年(?: ?\d{1,2} ?月(?: ?\d{1,2} ?日)?|度)?|(?:19|20)\d{2} ?([-/.]) ?(?:1[0-2]|0?[1-9]) ?[-/.] ?(?:[12]\d|3[01]|0?[1-9])(?:T\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?)?|(?:19|20)\d{2}[/](?:1[0-2]|0?[1-9])",
    )
});
/// 令和8年11月23日, R8.11.23, 昭和25年.
static ERA: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:令和|平成|昭和|大正|明治) ?(?:元|\d{1,2}) ?(?:年(?: ?\d{1,2} ?月(?: ?\d{1,2} ?日)?|度)?|[-/.] ?\d{1,2}(?: ?[-/.] ?\d{1,2})?)|\b[RHSTM]\.?(?:元|\d{1,2})(?:年(?: ?\d{1,2} ?月(?: ?\d{1,2} ?日)?)?|[-/.]\d{1,2}[-/.]\d{1,2})",
    )
});
/// 11月23日; 11/23 only where something says that it is a day.
static DAY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:1[0-2]|0?[1-9]) ?月 ?(?:[12]\d|3[01]|0?[1-9]) ?日|(?:1[0-2]|0?[1-9])/(?:[12]\d|3[01]|0?[1-9])(?: ?\([月火水木金土日]\)| ?(?:に|より|から|まで|頃|ごろ|付|の(?:CT|MRI|採血|検査|手術|外来)|入院|退院|来院|受診|手術|採血|予約|再診|転院|外来))",
    )
});
static ENGLISH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"\b{MONTHS} \d{{1,2}}(?:st|nd|rd|th)?(?:,? (?:19|20)\d{{2}})?\b|\b\d{{1,2}}(?:st|nd|rd|th)?[- ](?:of )?{MONTHS}[-, ]{{0,2}}(?:(?:19|20)\d{{2}})?\b|\b{MONTHS},? (?:19|20)\d{{2}}\b|\b(?:[12]\d|3[01]|0?[1-9])/(?:[12]\d|3[01]|0?[1-9])/(?:(?:19|20)\d{{2}}|\d{{2}})\b",
    ))
});
/// 20261123, where the word before says so or the day is one of the calendar.
static TOGETHER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{6})?"));
static AGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(\d{2,3}) ?(?:歳|才|代|(?i:y/?o\b|years?[- ]old|yrs?[- ]old|[- ]year[- ]old))")
});

pub(super) fn find(text: &str, age_limit: u32, found: &mut Vec<Found>) {
    for pattern in [&*WESTERN, &*TOGETHER, &*DAY] {
        for hit in pattern.find_iter(text) {
            if apart_from_digits(text, &hit.range()) {
                let range = hit.start()..hit.start() + day_alone(hit.as_str());
                push(found, range, Kind::Date);
            }
        }
    }
    for pattern in [&*ERA, &*ENGLISH] {
        for hit in pattern.find_iter(text) {
            let end = hit.start() + hit.as_str().trim_end_matches([' ', ',', '-']).len();
            push(found, hit.start()..end, Kind::Date);
        }
    }
    for hit in AGE.captures_iter(text) {
        let (Some(all), Some(number)) = (hit.get(0), hit.get(1)) else {
            continue;
        };
        let years = number.as_str().parse::<u32>().unwrap_or(0);
        if years >= age_limit && apart_from_digits(text, &number.range()) {
            push(found, all.range(), Kind::Age);
        }
    }
}

/// The length of the day itself in `11/23 に`: the word that says it is one stays.
fn day_alone(hit: &str) -> usize {
    match hit.split_once('/') {
        Some((month, rest)) if month.len() <= 2 => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            month.len() + 1 + digits
        }
        _ => hit.len(),
    }
}
