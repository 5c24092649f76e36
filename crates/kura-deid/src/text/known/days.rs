//! Whatever may be a piece of a date and nothing beside it says that it counts something: a day, a month or a year that
//! stands alone, the days behind a date that a rule found, a month by its name, a feast.
//!
//! The rules of `text::dates` find dates that have a form. Here it is the other way round, as it is with words: 12日
//! goes, 12日間 stays.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{is_latin, latin};
use crate::text::letters::is_kanji;
use crate::text::numbers::pattern;

const MONTHS: &str = "January|February|March|April|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|\
                      Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec";
const WEEKDAYS: &str = "(?:Mon|Tues?|Weds?|Thur?s?|Fri|Sat|Sun)(?:day|nesday|rsday|urday)?";
const ORDINALS: &str = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|\
                        fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth|\
                        twenty[- ](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|thirty[- ]first";
const ONES: &str = "one|two|three|four|five|six|seven|eight|nine";

/// 12日, 3〜5月, 28年, 十五日; with the number and what it counts.
static JAPANESE: LazyLock<Regex> = LazyLock::new(|| {
    let number = "(?:[0-9]{1,2}|[一二三四五六七八九十]{1,3})";
    pattern(&format!(
        "({number}(?: ?[-〜~・、,/] ?{number})*) ?(年|月|日)"
    ))
});
/// 12(月), 5日(火・祝), 7(Wed).
static BEFORE_WEEKDAY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\d{1,2} ?日? ?[\((](?:[月火水木金土日](?:曜日?)?(?:[・/,、]?祝日?)?|(?i:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\.?)[\))]",
    )
});
/// 昭和40; H26, S63 alone.
static ERA: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:令和|平成|昭和|大正|明治) ?(?:元|\d{1,2}|[一二三四五六七八九十]{1,3})|(?-u:\b)[RHS]\d{1,2}年度?|(?-u:\b)R(?:[1-9]|1\d)(?-u:\b)[春夏秋冬初末頃度]?|(?-u:\b)(?:H\.? ?(?:1\d|2\d|3[01])|S\.? ?(?:1\d|[2-5]\d|6[0-4]))(?-u:\b)",
    )
});
/// 24.4.30, h30.7.1, R 4. 12. 7, 2024. 3. 14, 12/iii/24: three numbers of a day, behind anything.
static TRIPLE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:[RHSTMrhstm令平昭大明]\.? ?|['’])?(\d{1,4})( ?[-./・] ?)(\d{1,2}|(?i:[ivx]{1,4}))( ?[-./・] ?)(\d{1,4})",
    )
});
/// '98, FY24, 2024-W12.
static YEAR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"['’‘]\d{2}(?:[-/.](?:1[0-2]|0?[1-9]))?s?(?-u:\b)|(?-u:\b)(?:19|20)\d\d-(?:1[0-2]|0[1-9])(?-u:\b)|(?-u:\b)0[1-9](?:[0-2]\d|3[01])(?-u:\b)|(?-u:\b)(?i:FY|CY) ?['’]?\d{2,4}(?:[-/]\d{2})?|(?:19|20)\d\d ?-?W\d\d?(?-u:\b)",
    )
});
/// 3/4,5,7 and MRI12/7: days joined to one, or glued to a word.
static JOINED: LazyLock<Regex> = LazyLock::new(|| {
    let day = "(?:1[0-2]|0?[1-9])/(?:[12]\\d|3[01]|0?[1-9])";
    pattern(&format!(
        r"(?:^|[^0-9./-])({day}(?:[-~〜,、・.]\d{{1,2}}(?:/\d{{1,2}})?)+)(?:[^0-9/%]|$)|([A-Za-z]{{2,8}})({day})(?:[^0-9/%]|$)"
    ))
});
/// What is glued to a level of the spine or to a score.
const NO_DAY: [&str; 12] = [
    "Th", "TH", "th", "MMT", "NRS", "VAS", "FRS", "FPS", "BP", "Apgar", "GCS", "Levine",
];
/// March, 15Mar24, Mar-15, 2022 Jun 01, March the 5th, the 3rd of June '24.
static MONTH: LazyLock<Regex> = LazyLock::new(|| {
    let day = "[0-9]{1,4}(?:st|nd|rd|th)?";
    pattern(&format!(
        r"(?:(?:(?i:the ))?(?:{day}|(?i:{ORDINALS}))[-/., ’']{{0,2}}(?:(?i:day )?of )?)?((?i:{MONTHS}|May))(?:(?:\.?[-/ ’']{{0,2}}(?:the )?(?:{day}|(?i:{ORDINALS})))|\.|)(?:,? ?[-/., ’']{{0,2}}(?:of )?[0-9]{{4}}|[-/., ]{{0,2}}['’][0-9]{{2}}|[-/][0-9]{{2}})?",
    ))
});
/// Before a May or a March that begins no sentence.
static BEFORE_MONTH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?-u:\b)(?:in|since|last|early|late|mid|by|until|till|of|from|during|this|next|end|through|every|each|before|after|around|circa|to|and|or|mid-)[ -]$",
    )
});
/// Tue 12, Friday the 5th.
static DAY_OF_WEEK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?-u:\b){WEEKDAYS}\.?,? (?:the )?(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?(?-u:\b)"
    ))
});
/// the 5th; and what follows.
static ORDINAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?-u:\b)(?:on|the|until|till|by|from|since|to|before|after|and|of) (?:the )?((?:[12]?(?:1st|2nd|3rd)|[12]?[04-9]th|1[123]th|3(?:0th|1st)))(?-u:\b)",
    )
});
/// nineteen eighty-five, two thousand and nineteen.
static YEAR_IN_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)(?-u:\b)(?:(?:nineteen|twenty)[- ](?:(?:oh|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ](?:{ONES}))?|hundred|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)|two thousand (?:and )?(?:{ONES}|ten|eleven|twelve|[a-z]+teen|twenty(?:[- ](?:{ONES}))?))(?-u:\b)"
    ))
});
/// Days that everybody knows by name.
static FEAST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"元日|元旦|大晦日|大みそか|クリスマス(?:イ[ヴブ])?|お?正月|お盆|七夕|節分|(?:文化|勤労感謝|成人|敬老|体育|スポーツ|こども|子ども|みどり|憲法記念|昭和|海|山|建国記念|秋分|春分|母|父)の日|(?i:(?-u:\b)(?:Christmas|X-?mas|New Year(?:['’]?s)?|Thanksgiving|Easter|Halloween|Hanukkah|Diwali|Eid|(?:Labou?r|Memorial|Boxing|Anzac|Canada|Australia|Independence|Veterans|MLK|Presidents['’]?|(?:Mother|Father|Valentine|St\.? Patrick)['’]?s) Day|Good Friday|(?:fourth|4th) of July)(?: (?:Eve|Day|Monday|Sunday))?(?-u:\b))",
    )
});
/// What goes on behind a date: 6/3、10、17; 3/4〜9; March 5 and 12.
static NEXT_DAY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?: ?[\((][月火水木金土日](?:曜日?)?(?:・祝)?[\))])? ?(?:[、,・/&〜~—–→-]|と|や|および|及び|ならびに|から|より|(?i:and|or|to|through|thru|until|till) )+ ?(?:the )?((?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?)",
    )
});
/// What stands before a date: 12–15 March.
static LAST_DAY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:^|[^0-9./-])((?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?) ?(?:[-–—〜~/&・、,]|and|to|or|until|から) ?$",
    )
});

/// Days of a text whose letters are narrow, behind and beside those that rules found.
pub(in super::super) fn find(text: &str, dates: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    if text.contains(['年', '月', '日']) {
        out.extend(JAPANESE.captures_iter(text).filter_map(|hit| {
            let (all, number, unit) = (hit.get(0)?, hit.get(1)?, hit.get(2)?);
            let [before, after] = [&text[..all.start()], &text[all.end()..]];
            (!counts(before, number.as_str(), unit.as_str(), after)).then(|| all.range())
        }));
    }
    // Most texts have no word of small Latin letters: a look for one is quick.
    let latin_text = if text.contains(|c: char| c.is_ascii_lowercase()) {
        text
    } else {
        ""
    };
    for (pattern, text) in [
        (&*BEFORE_WEEKDAY, text),
        (&*ERA, text),
        (&*YEAR, text),
        (&*FEAST, text),
        (&*DAY_OF_WEEK, latin_text),
        (&*YEAR_IN_WORDS, latin_text),
    ] {
        let alone = pattern.find_iter(text).map(|hit| hit.range());
        out.extend(alone.filter(|range| apart(text, range)));
    }
    for hit in JOINED.captures_iter(text) {
        let told = hit
            .get(2)
            .is_none_or(|word| !NO_DAY.contains(&word.as_str()));
        out.extend(
            hit.get(1)
                .or(hit.get(3))
                .filter(|_| told)
                .map(|day| day.range()),
        );
    }
    triples(text, &mut out);
    months(text, &mut out);
    ordinals(latin_text, &mut out);
    let mut seen: HashSet<Range<usize>> = out.iter().cloned().collect();
    let mut seeds = [dates, &out].concat();
    while let Some(seed) = seeds.pop() {
        for day in beside(text, &seed) {
            // The one behind has the one before beside it.
            if seen.insert(day.clone()) {
                seeds.push(day.clone());
                out.push(day);
            }
        }
    }
    out
}

/// The last few letters before a place: enough for a word, and a long text is not read for each of its dates.
fn just_before(text: &str, at: usize) -> &str {
    const FEW: usize = 24;
    &text[text.floor_char_boundary(at.saturating_sub(FEW))..at]
}

/// No digit and, for what begins or ends with a letter, no letter beside it.
fn apart(text: &str, range: &Range<usize>) -> bool {
    let same = |one: Option<char>, other: Option<char>| match (one, other) {
        (Some(a), Some(b)) => a.is_ascii_digit() && b.is_ascii_digit(),
        _ => false,
    };
    let own = &text[range.clone()];
    let before = text[..range.start].chars().next_back();
    let quoted = own.starts_with(['\'', '’', '‘']) && before.is_some_and(is_latin);
    // 0.0125: no day behind a point.
    let fraction = own.starts_with('0') && matches!(before, Some('.' | ','));
    !same(before, own.chars().next())
        && !same(own.chars().next_back(), text[range.end..].chars().next())
        && !quoted
        && !fraction
}

/// Whether 日, 月 or 年 counts: 12日間, 術後3日, 生後4月, 5年生存.
fn counts(before: &str, number: &str, unit: &str, after: &str) -> bool {
    const AFTER_ALL: [&str; 29] = [
        "間",
        "前",
        "後",
        "以",
        "目",
        "毎",
        "ごと",
        "おき",
        "ぶり",
        "ほど",
        "程",
        "未",
        "半",
        "余",
        "弱",
        "強",
        "単",
        "経",
        "くらい",
        "ぐらい",
        "超",
        "連続",
        "連日",
        "続",
        "近く",
        "継",
        "あたり",
        "当",
        "齢",
    ];
    const AFTER_DAYS: [&str; 15] = [
        "分",
        "量",
        "数",
        "周期",
        "サイクル",
        "コース",
        "クール",
        "常",
        "光",
        "内",
        "差",
        "射",
        "本酒",
        "本語",
        "酔",
    ];
    const AFTER_YEARS: [&str; 11] = [
        "生",
        "次",
        "来",
        "率",
        "無再",
        "リスク",
        "制",
        "も",
        "越",
        "保",
        "使",
    ];
    const BEFORE: [&str; 27] = [
        "約",
        "術後",
        "過去",
        "直近",
        "ここ",
        "平均",
        "第",
        "毎",
        "満",
        "×",
        "計",
        "全",
        "連続",
        "生後",
        "産後",
        "日齢",
        "各",
        "余命",
        "泊",
        "あと",
        "最長",
        "入院後",
        "発症後",
        "治療後",
        "投与後",
        "開始後",
        "移植後",
    ];
    let before = before.trim_end_matches(' ');
    // 統一日, 唯一年: the kanji belongs to the word before.
    let of_a_word = number.starts_with(is_kanji)
        && before.ends_with(['統', '唯', '均', '単', '専', '画', '万', '逐']);
    let begins = |ends: &[&str]| ends.iter().any(|end| after.starts_with(end));
    let one = matches!(number, "1" | "一");
    // 1日3回, 1日量, 1日 300mg; 2日に1回.
    let near = after.trim_start_matches(' ');
    let daily = one
        && unit == "日"
        && (near.starts_with(|c: char| {
            c.is_ascii_digit() || "一二三四五六七八九十数尿総合摂最平必".contains(c)
        }));
    let through = one && after.starts_with('中') && !after.starts_with("中間");
    let often = near.strip_prefix('に').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit() || "一二三四五数".contains(c))
    });
    let own = match unit {
        "日" => begins(&AFTER_DAYS),
        "年" => begins(&AFTER_YEARS) || before.ends_with('歴'),
        // Months are counted as か月: 三月以降 and 歴:四月 are the calendar's.
        _ => return begins(&["齢", "額", "例", "間"]) || before.ends_with("生後"),
    };
    let counted = BEFORE.iter().any(|end| before.ends_with(end));
    of_a_word || begins(&AFTER_ALL) || own || daily || through || often || counted
}

/// Three numbers of which one may be a month and one a day, and no dose (1-0-1) and no row of scores with a unit.
fn triples(text: &str, out: &mut Vec<Range<usize>>) {
    for hit in TRIPLE.captures_iter(text) {
        let (Some(all), Some(first), Some(second), Some(third)) =
            (hit.get(0), hit.get(1), hit.get(3), hit.get(5))
        else {
            continue;
        };
        let same =
            hit.get(2).map(|one| one.as_str().trim()) == hit.get(4).map(|one| one.as_str().trim());
        let number = |text: &str| text.parse::<u32>().unwrap_or(1);
        let [a, b, c] = [first, second, third].map(|one| number(one.as_str()));
        let whole = first.as_str().len() != 3 && third.as_str().len() != 3;
        let day = |month: u32, day: u32| (1..=12).contains(&month) && (1..=31).contains(&day);
        let dated = day(b, c) || day(b, a) || day(a, b);
        let digit = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_digit());
        let within = digit(text[..first.start()].chars().next_back());
        let after = &text[all.end()..];
        let near = after.strip_prefix(' ').unwrap_or(after);
        let word = &near[..near.find(|c| !is_latin(c)).unwrap_or(near.len())];
        let unit =
            near.starts_with(['%', '錠']) || near.starts_with("単位") || latin::is_unit(word);
        if same && whole && dated && !within && !unit && !digit(text[all.end()..].chars().next()) {
            // A letter of an era that ends a word is none.
            let era = text[..all.start()]
                .chars()
                .next_back()
                .is_none_or(|c| !is_latin(c));
            let start = if era { all.start() } else { first.start() };
            out.push(start..all.end());
        }
    }
}

/// A month by its name; May and March, which are words too, beside a number or behind in, since, last.
fn months(text: &str, out: &mut Vec<Range<usize>>) {
    for hit in MONTH.captures_iter(text) {
        let (Some(all), Some(month)) = (hit.get(0), hit.get(1)) else {
            continue;
        };
        let letter =
            |letter: Option<char>| letter.is_some_and(|c| c.is_alphabetic() && is_latin(c));
        let before = text[..month.start()].chars().next_back();
        let own = month.as_str();
        if letter(before) || letter(text[month.end()..].chars().next()) {
            continue;
        }
        let numbered =
            all.as_str().contains(|c: char| c.is_ascii_digit()) || all.start() < month.start();
        let capital = own.starts_with(|c: char| c.is_ascii_uppercase());
        let title = capital && own[1..].bytes().all(|c| c.is_ascii_lowercase());
        let told = BEFORE_MONTH.is_match(just_before(text, month.start()));
        // May and March are words, too; with a capital within a sentence, or with no word behind them, they are months.
        let small = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c == ',');
        let within = small(
            text[..month.start()]
                .trim_end_matches(' ')
                .chars()
                .next_back(),
        );
        let closed = !small(text[all.end()..].trim_start_matches(' ').chars().next());
        let alone = match own {
            "May" | "March" | "Mar" | "Sep" => told || within || closed,
            _ => title || told && own.len() > 3 && capital,
        };
        // may 2, oct 3: small letters make no month beside a small number.
        if numbered && (capital || own.len() > 4) || alone {
            out.push(all.range());
        }
    }
}

/// The 5th, on the 23rd: of the month, unless a word behind it says of what.
fn ordinals(text: &str, out: &mut Vec<Range<usize>>) {
    const NOT_OF: [&str; 22] = [
        "at", "and", "to", "or", "with", "for", "am", "pm", "as", "in", "she", "he", "pt", "by",
        "via", "from", "after", "before", "when", "of", "around", "was",
    ];
    for hit in ORDINAL.captures_iter(text) {
        let Some(day) = hit.get(1) else { continue };
        let after = text[day.end()..].strip_prefix(' ').unwrap_or("");
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let word = &after[..end];
        let hyphen = text[day.end()..].starts_with(['-', '/']);
        if !hyphen && (word.is_empty() || NOT_OF.contains(&word.to_ascii_lowercase().as_str())) {
            out.push(day.range());
        }
    }
}

/// The days that a date goes on with, or that stand before it.
fn beside(text: &str, date: &Range<usize>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    if let Some(day) = NEXT_DAY
        .captures(&text[date.end..])
        .and_then(|hit| hit.get(1))
    {
        let mut range = date.end + day.start()..date.end + day.end();
        // 10月17日~24日分: behind a date and such a mark it is a day, whatever follows.
        if text[range.end..].starts_with('日') {
            range.end += '日'.len_utf8();
            return vec![range];
        }
        let after = &text[range.end..];
        let near = after.trim_start_matches(' ');
        let goes_on = after.starts_with(|c: char| c.is_ascii_digit() || is_latin(c))
            || after.starts_with(['.', ':', '%', '/', '-'])
                && after[1..].starts_with(|c: char| c.is_ascii_digit());
        let word = near.len() < after.len()
            && near.starts_with(|c: char| c.is_ascii_lowercase())
            && ![
                "and", "to", "or", "at", "with", "for", "then", "both", "all",
            ]
            .iter()
            .any(|word| near.starts_with(word));
        let counted = super::around::counted(near) || super::numbers::unit_follows(after);
        if !goes_on && !word && !counted {
            out.push(range);
        }
    }
    let before = just_before(text, date.start);
    if let Some(day) = LAST_DAY.captures(before).and_then(|hit| hit.get(1))
        && text[date.clone()].starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase())
    {
        let start = date.start - before.len();
        out.push(start + day.start()..start + day.end());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Found, Kind, labelled, settle};

    fn left(text: &str) -> String {
        let found = find(text, &[]).into_iter().map(|range| Found {
            range,
            kind: Kind::Date,
        });
        labelled(text, &settle(found.collect())).replace(Kind::Date.label(), "_")
    }

    #[test]
    fn what_may_be_a_day_goes() {
        for (text, wanted) in [
            ("12日より内服、28年に手術", "_より内服、_に手術"),
            ("3〜5月に再診、十五日退院", "_に再診、_退院"),
            ("次回 12(月)", "次回 _"),
            ("昭和40生まれ、H26 胆摘", "_生まれ、_ 胆摘"),
            ("PTA24.4.30 PTAh30.7.1", "PTA_ PTAh_"),
            ("依頼 21-04-04 回答", "依頼 _ 回答"),
            ("12.iii.24, 2024. 3. 14", "_, _"),
            ("since '98, FY24", "since _, _"),
            ("in March, 15Mar24, Mar-15", "in _, _, _"),
            ("the 3rd of June '24", "_"),
            ("Friday the 5th, on the 23rd.", "_, on the _."),
            ("nineteen eighty-five", "_"),
            ("3/4,5,7 透析、MRI12/7、再発R1秋", "_ 透析、MRI_、再発_"),
            ("4月中旬、5月連休明け", "_中旬、_連休明け"),
            ("R2帝切、R6年度、22日(R5)", "_帝切、_、_(_)"),
            (
                "8/13-19の摂取量、'23/12:6.9、0213 予定",
                "_の摂取量、_:6.9、_ 予定",
            ),
            (
                "6日中間報告、渡航歴:四月、三月以降",
                "_中間報告、渡航歴:_、_以降",
            ),
            (
                "March of 2015, recall May; Flu March,",
                "_, recall _; Flu _,",
            ),
            ("大.14.12.22、8/28,30,9/5、Weds 1st", "_、_、_"),
            ("お盆明け, after Christmas Eve", "_明け, after _"),
        ] {
            assert_eq!(left(text), wanted, "{text}");
        }
        let text = "6/3 から 10、17 に採血";
        let first = 0..3;
        assert_eq!(find(text, &[first]), [11..13, 16..18]);
        let text = "12-15 March";
        assert!(find(text, &[]).contains(&(0..2)));
    }

    #[test]
    fn what_counts_stays() {
        for text in [
            "12日間、3日目、14日分、1日3回、1日 300mg、2日に1回、術後3日、第5病日",
            "5年前、10年間、3年生存、術後2年、約20年、統一日本",
            "3か月、6ヶ月、生後4月、4月齢",
            "JCS 1-0-1, 3/75/9, T1N0M0, S1, T2, H2 blocker, R0",
            "2nd dose, the 5th metatarsal, 3rd trimester, the 1st line",
            "1日中、一日中。 May have been, march fracture, she may 2, mar, sep",
            "Sat 98%, OCT, DEC, twenty mg, two thousand steps",
            "0.0125、5日間、3錠、3/4、MMT4/5、Th11/12、L4/5",
        ] {
            assert_eq!(left(text), text);
        }
    }
}
