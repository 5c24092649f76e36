//! How the notes of `text_fifth` write record numbers, dates and ages.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::text_notes::patterns::{Written, era, fill, month_name, wide};
use crate::text_notes::{Age, Dice, Style};

pub const STYLE: Style = Style {
    number,
    told,
    date,
    age,
    oldest: (90, 104),
    young_are_clean: true,
};

fn number(dice: &mut Dice) -> String {
    let pattern = *dice.pick(&[
        "1#######",
        "4######",
        "00######",
        "000#####",
        "6##-###-#",
        "0###-####-#",
        "##-####",
        "9##########",
        "Ⓐ##-####",
        "ⒶⒶ######",
        "7#####",
    ]);
    fill(pattern, "", dice)
}

fn told(id: &str, english: bool, dice: &mut Dice) -> (String, &'static str) {
    let bare = id.trim_start_matches('0');
    let hyphens = id.contains('-');
    match dice.below(14) {
        0 if !english => (wide(id), "full-width"),
        1 | 2 if bare != id => (bare.to_owned(), "without zeros"),
        3 if hyphens => (id.replace('-', ""), "without hyphens"),
        4 if hyphens => (id.replace('-', " "), "blanks for hyphens"),
        5 if hyphens && !english => (id.replace('-', "－"), "full-width hyphens"),
        6 if !hyphens => {
            let at = id.len() - 4;
            (format!("{} {}", &id[..at], &id[at..]), "blank put in")
        }
        7 if id.starts_with(char::is_alphabetic) => (id.to_lowercase(), "small letters"),
        8 => (format!("{id}-00"), "with a branch"),
        9 => (format!("0{id}"), "with a zero more"),
        _ => (id.to_owned(), "as told"),
    }
}

const DIGITS: [&str; 10] = ["〇", "一", "二", "三", "四", "五", "六", "七", "八", "九"];

/// 九十二; below 200.
fn kanji(number: usize) -> String {
    let (hundreds, tens, ones) = (number / 100, number / 10 % 10, number % 10);
    let hundred = if hundreds > 0 { "百" } else { "" };
    let ten = match tens {
        0 => String::new(),
        1 => "十".to_owned(),
        more => format!("{}十", DIGITS[more]),
    };
    let one = if ones > 0 { DIGITS[ones] } else { "" };
    format!("{hundred}{ten}{one}")
}

/// 九二.
fn kanji_digits(number: usize) -> String {
    let digits = number.to_string();
    digits
        .bytes()
        .map(|b| DIGITS[usize::from(b - b'0')])
        .collect()
}

fn age(form: &str, age: usize, english: bool, dice: &mut Dice) -> Age {
    match english {
        true => english_age(form, age, dice),
        false => japanese_age(form, age, dice),
    }
}

/// By a letter: k in kanji, w by its name, s a decade, m with the sex, p 満 and 数え, b in brackets, n alone.
fn japanese_age(form: &str, age: usize, dice: &mut Dice) -> Age {
    let digits = age.to_string();
    let full = wide(&digits);
    match form {
        "k" => match dice.below(4) {
            0 => Age::new("", kanji_digits(age), "歳", "kanji digits"),
            1 => Age::new("享年", kanji(age), "", "kanji"),
            _ => Age::new("", kanji(age), "歳", "kanji"),
        },
        "w" => {
            let name = match age {
                90..99 => "卒寿",
                99 => "白寿",
                100.. => "百寿",
                88 | 89 => "米寿",
                80.. => "傘寿",
                77.. => "喜寿",
                70.. => "古稀",
                _ => "還暦",
            };
            Age::new("", name, "", "by name")
        }
        "s" => {
            let decade = age / 10 * 10;
            match dice.below(4) {
                0 => Age::new("", wide(&decade.to_string()), "歳代", "decade, full-width"),
                1 => Age::new("", kanji(decade), "代", "decade, kanji"),
                2 => Age::new("", decade.to_string(), "歳代", "decade"),
                _ => Age::new("", decade.to_string(), "代", "decade"),
            }
        }
        "m" => match dice.below(12) {
            0 => Age::new("女性 ", digits, "歳", "sex before"),
            1 => Age::new("男性、", digits, "歳", "sex before"),
            2 => Age::new("F ", digits, "歳", "sex before"),
            3 => Age::new("(女)", digits, "", "sex before"),
            4 => Age::new("", full, "歳男性", "sex behind, full-width"),
            5 => Age::new("", full, "歳・女", "sex behind, full-width"),
            6 => Age::new("", digits, "才女", "sex behind"),
            7 => Age::new("", digits, "M", "sex behind"),
            8 => Age::new("", digits, "F", "sex behind"),
            9 => Age::new("", digits, "歳（男）", "sex behind"),
            10 => Age::new("", digits, "歳 ♀", "sex behind"),
            _ => Age::new("", digits, "歳女性", "sex behind"),
        },
        "p" => match dice.below(5) {
            0 => Age::new("満", full, "歳", "満, full-width"),
            1 => Age::new("満 ", digits, " 歳", "満"),
            2 => Age::new("数え年", digits, "歳", "数え"),
            3 => Age::new("数えの", digits, "", "数え"),
            _ => Age::new("満", digits, "歳", "満"),
        },
        "b" => match dice.below(7) {
            0 => Age::new("（", full, "歳）", "in brackets, full-width"),
            1 => Age::new("(", digits, ")", "in brackets"),
            2 => Age::new("（", digits, "）", "in brackets"),
            3 => Age::new("(", digits, "歳・男性)", "in brackets"),
            4 => Age::new("（年齢 ", digits, "）", "in brackets"),
            5 => Age::new("(", digits, "yo)", "in brackets"),
            _ => Age::new("（", digits, "歳）", "in brackets"),
        },
        "n" => match dice.below(5) {
            0 => Age::new("", full, "", "without unit, full-width"),
            _ => Age::new("", digits, "", "without unit"),
        },
        _ => match dice.below(16) {
            0 | 1 => Age::new("", full, "歳", "full-width"),
            2 => Age::new("", full, "才", "full-width"),
            3 | 4 => Age::new("", digits, "才", "才"),
            5 => Age::new("", digits, "yo", "yo"),
            6 => Age::new("", digits, "y", "yo"),
            7 => Age::new("", digits, " 歳", "blank"),
            8 => Age::new("", digits, "歳4ヶ月", "months behind"),
            9 => Age::new("年齢:", digits, "", "after a label"),
            _ => Age::new("", digits, "歳", "歳"),
        },
    }
}

const ONES: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
                    sixteen seventeen eighteen nineteen";
const TENS: &str = "twenty thirty forty fifty sixty seventy eighty ninety";

fn words(number: usize, dice: &mut Dice) -> String {
    let one = |number: usize| ONES.split(' ').nth(number).unwrap().to_owned();
    match number {
        100 => "one hundred".to_owned(),
        101.. => {
            let and = *dice.pick(&["", "and "]);
            format!("one hundred {and}{}", one(number - 100))
        }
        20.. => {
            let ten = TENS.split(' ').nth(number / 10 - 2).unwrap();
            match number % 10 {
                0 => ten.to_owned(),
                ones => format!("{ten}-{}", one(ones)),
            }
        }
        _ => one(number),
    }
}

/// By a letter: x in words, w by its name, s a decade, m with the sex, a behind "aged" or a comma, b in brackets, n alone.
fn english_age(form: &str, age: usize, dice: &mut Dice) -> Age {
    let digits = age.to_string();
    let old = age >= 90;
    match form {
        "x" => Age::new("", words(age, dice), "", "in words"),
        "w" => {
            let name = match age {
                100.. => "centenarian",
                90.. => "nonagenarian",
                80.. => "octogenarian",
                _ => "septuagenarian",
            };
            Age::new("", name, "", "by name")
        }
        "s" => {
            let decade = age / 10 * 10;
            match dice.below(3) {
                0 if (20..100).contains(&decade) => {
                    let ten = TENS.split(' ').nth(decade / 10 - 2).unwrap();
                    let word = format!("{}ies", ten.trim_end_matches('y'));
                    Age::new("", word, "", "decade, in words")
                }
                1 => Age::new("", format!("{decade}s"), "", "decade"),
                _ => Age::new("", decade.to_string(), "s", "decade"),
            }
        }
        "m" => match dice.below(9) {
            0 => Age::new("M", digits, "", "sex before"),
            1 => Age::new("F ", digits, "", "sex before"),
            2 => Age::new("", digits, "F", "sex behind"),
            3 => Age::new("", digits, "M", "sex behind"),
            4 => Age::new("", digits, "yo F", "sex behind"),
            5 => Age::new("", digits, " y.o. male", "sex behind"),
            6 => Age::new("", digits, "yF", "sex behind"),
            7 => Age::new("", digits, " yr old female", "sex behind"),
            _ => Age::new("", digits, "yo man", "sex behind"),
        },
        "a" => {
            let units = [" years", " years old", "", " yrs", "y"];
            let unit = *dice.pick(&units);
            Age::new("aged ", digits, unit, "aged")
        }
        "b" => match dice.below(4) {
            0 => Age::new("(age ", digits, ")", "in brackets"),
            1 => Age::new("(", digits, "M)", "in brackets"),
            2 => Age::new("(", digits, "yo)", "in brackets"),
            _ => Age::new("(", digits, ")", "in brackets"),
        },
        "n" => Age::new("", digits, "", "without unit"),
        _ => match dice.below(10) {
            0 if old => Age::new("", words(age, dice), " year old", "in words"),
            1 | 2 => Age::new("", digits, "yo", "yo"),
            3 => Age::new("", digits, " y/o", "yo"),
            4 => Age::new("", digits, " yo", "yo"),
            5 | 6 => Age::new("", digits, " year old", "year old"),
            7 => Age::new("", digits, "-yr-old", "year old"),
            _ => Age::new("", digits, "-year-old", "year old"),
        },
    }
}

fn date(name: &str, english: bool, date: Date, dice: &mut Dice) -> Written {
    match (name, english) {
        ("dob", false) => birth(date, dice),
        ("md", false) => month_day(date, dice),
        ("ym", false) => year_month(date, dice),
        ("day", false) => day(date, dice),
        ("days", false) => list(date, dice),
        ("span", false) => span(date, dice),
        ("stamp", false) => stamp(date, dice),
        ("month", false) => month(date, dice),
        ("year", false) => year(date, dice),
        ("fy", false) => fiscal(date, dice),
        (_, false) => japanese(date, dice),
        ("md", true) => english_month_day(date, dice),
        ("ym", true) => english_year_month(date, dice),
        ("day", true) => english_day(date, dice),
        ("days", true) => english_list(date, dice),
        ("span", true) => english_span(date, dice),
        ("stamp", true) => english_stamp(date, dice),
        ("month", true) => english_month(date, dice),
        ("year", true) => english_year(date, dice),
        ("fy", true) => english_fiscal(date, dice),
        (_, true) => english_date(date, dice),
    }
}

fn at(date: Date, list: [&'static str; 7]) -> &'static str {
    list[date.weekday().to_monday_zero_offset() as usize]
}

fn weekday(date: Date, dice: &mut Dice) -> &'static str {
    let lists = [
        ["(月)", "(火)", "(水)", "(木)", "(金)", "(土)", "(日)"],
        [
            "（月）",
            "（火）",
            "（水）",
            "（木）",
            "（金）",
            "（土）",
            "（日）",
        ],
        ["月曜", "火曜", "水曜", "木曜", "金曜", "土曜", "日曜"],
    ];
    at(date, *dice.pick(&lists))
}

fn english_weekday(date: Date, dice: &mut Dice) -> &'static str {
    let lists = [
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        ["Mon", "Tues", "Weds", "Thurs", "Fri", "Sat", "Sun"],
        [
            "Monday",
            "Tuesday",
            "Wednesday",
            "Thursday",
            "Friday",
            "Saturday",
            "Sunday",
        ],
    ];
    at(date, *dice.pick(&lists))
}

fn after(date: Date, days: usize) -> Date {
    date + i64::try_from(days).unwrap().days()
}

/// 元 or a number.
fn first(e: i16) -> String {
    if e == 1 {
        "元".to_owned()
    } else {
        e.to_string()
    }
}

fn kanji_date(date: Date) -> String {
    let (name, _, e) = era(date);
    let year = if e == 1 {
        "元".to_owned()
    } else {
        kanji(e as usize)
    };
    let [month, day] = [date.month(), date.day()].map(|one| kanji(one as usize));
    format!("{name}{year}年{month}月{day}日")
}

/// The sign of an era in one square.
fn square(name: &str) -> &'static str {
    match name {
        "令和" => "㋿",
        "平成" => "㍻",
        "昭和" => "㍼",
        _ => "㍽",
    }
}

fn japanese(date: Date, dice: &mut Dice) -> Written {
    let (y, m, d) = (date.year(), date.month(), date.day());
    let (name, letter, e) = era(date);
    let (short, one, e1) = (y % 100, &name[..3], first(e));
    let behind = match dice.below(6) {
        0 => weekday(date, dice),
        _ => "",
    };
    let (text, sort) = match dice.below(100) {
        0..12 => (format!("{y}/{m}/{d}"), "western, slashes"),
        12..20 => (format!("{y}/{m:02}/{d:02}"), "western, slashes"),
        20..34 => (format!("{y}年{m}月{d}日"), "western, kanji"),
        34..36 => (format!("{y}年{m:02}月{d:02}日"), "western, kanji"),
        36..41 => (format!("{y}-{m:02}-{d:02}"), "western, dashes"),
        41..45 => (format!("{y}.{m}.{d}"), "western, dots"),
        45..48 => (format!("{short}/{m}/{d}"), "year of two digits"),
        48..50 => (format!("'{short}.{m}.{d}"), "year of two digits"),
        50..52 => (format!("{short}.{m:02}.{d:02}"), "year of two digits"),
        52..62 => (format!("{name}{e1}年{m}月{d}日"), "era"),
        62..64 => (format!("{name}{e:02}年{m:02}月{d:02}日"), "era"),
        64..69 => (wide(&format!("{name}{e1}年{m}月{d}日")), "era, full-width"),
        69..75 => (format!("{letter}{e}.{m}.{d}"), "era, letter"),
        75..78 => (format!("{letter}{e}/{m}/{d}"), "era, letter"),
        78..80 => (format!("{letter}{e:02}.{m:02}.{d:02}"), "era, letter"),
        80..82 => (format!("{letter}{e1}年{m}月{d}日"), "era, letter"),
        82..84 => (format!("{name}{e}.{m}.{d}"), "era, dots"),
        84..85 => (format!("{one}.{e}.{m}.{d}"), "era, one kanji"),
        85..87 => (format!("{y}{m:02}{d:02}"), "eight digits"),
        87..88 => (format!("{short:02}{m:02}{d:02}"), "six digits"),
        88..89 => (format!("{letter}{e:02}{m:02}{d:02}"), "era, compact"),
        89..92 => (wide(&format!("{y}年{m}月{d}日")), "full-width"),
        92..94 => (wide(&format!("{y}/{m}/{d}")), "full-width"),
        94..96 => (kanji_date(date), "kanji"),
        96..97 => (format!("{y}({letter}{e})/{m}/{d}"), "western and era"),
        97..99 => (format!("{y}年({name}{e1}年){m}月{d}日"), "western and era"),
        _ => (
            format!("{}{e}年{m}月{d}日", square(name)),
            "era, square sign",
        ),
    };
    (text, behind, sort)
}

fn birth(date: Date, dice: &mut Dice) -> Written {
    let (y, m, d) = (date.year(), date.month(), date.day());
    let (name, letter, e) = era(date);
    let e1 = first(e);
    let behind = *dice.pick(&["", "", "", "", "生", "生まれ", " 生"]);
    let (text, sort) = match dice.below(30) {
        0..6 => (format!("{name}{e1}年{m}月{d}日"), "era"),
        6..10 => (format!("{letter}{e}.{m}.{d}"), "era, letter"),
        10..12 => (format!("{letter}{e:02}/{m:02}/{d:02}"), "era, letter"),
        12 => (format!("{letter}{e}年{m}月{d}日"), "era, letter"),
        13..17 => (format!("{y}/{m:02}/{d:02}"), "western"),
        17..21 => (format!("{y}年{m}月{d}日"), "western"),
        21 => (format!("{}.{e}.{m}.{d}", &name[..3]), "era, one kanji"),
        22 => (wide(&format!("{name}{e1}年{m}月{d}日")), "full-width"),
        23 => (wide(&format!("{letter}{e}.{m}.{d}")), "full-width"),
        24 => (format!("{y}{m:02}{d:02}"), "eight digits"),
        25 => (
            format!("{y}年（{name}{e1}年）{m}月{d}日"),
            "western and era",
        ),
        26 => (kanji_date(date), "kanji"),
        27 => (
            format!("大・昭・平・令　<{e}年{m}月{d}日>"),
            "form with eras",
        ),
        28 => (format!("{name}　{e}年　{m}月　{d}日"), "era, blanks"),
        _ => (format!("{y}-{m:02}-{d:02}"), "western"),
    };
    (text, behind, sort)
}

fn month_day(date: Date, dice: &mut Dice) -> Written {
    let (m, d) = (date.month(), date.day());
    let glued = *dice.pick(&["朝", "夕", "AM", "夜間", "午後", "昼"]);
    match dice.below(30) {
        0..11 => (format!("{m}/{d}"), "", "slash"),
        11..14 => (format!("{m}/{d}"), weekday(date, dice), "slash, weekday"),
        14..20 => (format!("{m}月{d}日"), "", "月日"),
        20..22 => (format!("{m}月{d}日"), weekday(date, dice), "月日, weekday"),
        22 => (format!("{m:02}/{d:02}"), "", "slash, zeros"),
        23 => (wide(&format!("{m}/{d}")), "", "full-width"),
        24 => (wide(&format!("{m}月{d}日")), "", "full-width"),
        25 | 26 => (format!("{m}/{d}"), glued, "slash, glued"),
        27 => (format!("{m}月{d}日"), glued, "月日, glued"),
        28 => {
            let name = at(
                date,
                ["月曜", "火曜", "水曜", "木曜", "金曜", "土曜", "日曜"],
            );
            (format!("{name}(<{m}/{d}>)"), "", "weekday before")
        }
        _ => (format!("{m}月 {d}日"), "", "月日, blank"),
    }
}

fn year_month(date: Date, dice: &mut Dice) -> Written {
    let (y, m) = (date.year(), date.month());
    let (name, letter, e) = era(date);
    let e1 = first(e);
    let (text, sort) = match dice.below(20) {
        0..6 => (format!("{y}年{m}月"), "year and month, western"),
        6..8 => (format!("{y}/{m}"), "year and month, western"),
        8 => (format!("{y}.{m}"), "year and month, western"),
        9 => (format!("{y}-{m:02}"), "year and month, western"),
        10..13 => (format!("{letter}{e}.{m}"), "year and month, era letter"),
        13 => (format!("{letter}{e1}年{m}月"), "year and month, era letter"),
        14..17 => (format!("{name}{e1}年{m}月"), "year and month, era"),
        17 => (format!("'{:02}.{m}", y % 100), "year and month, two digits"),
        18 => (
            format!("{:02}年{m}月", y % 100),
            "year and month, two digits",
        ),
        _ => (wide(&format!("{y}年{m}月")), "year and month, full-width"),
    };
    (text, "", sort)
}

fn day(date: Date, dice: &mut Dice) -> Written {
    let d = date.day();
    let text = match dice.below(6) {
        0 => format!("<{d}日>{}", weekday(date, dice)),
        1 => format!("今月<{d}日>"),
        2 => format!("同<{d}日>"),
        3 => format!("<{}日>", wide(&d.to_string())),
        4 => format!("来る<{d}日>"),
        _ => format!("<{d}日>"),
    };
    (text, "", "day alone")
}

/// Two or three days; the month again only where it is another one.
fn list(date: Date, dice: &mut Dice) -> Written {
    let [two, three] = [dice.range(1, 4), dice.range(5, 9)].map(|count| after(date, count));
    let slash = |one: Date| format!("{}/{}", one.month(), one.day());
    let short = |one: Date| match one.month() == date.month() {
        true => one.day().to_string(),
        false => slash(one),
    };
    let kanji = |one: Date, whole: bool| match whole || one.month() != date.month() {
        true => format!("{}月{}日", one.month(), one.day()),
        false => format!("{}日", one.day()),
    };
    let text = match dice.below(7) {
        0 | 1 => format!("<{}>、<{}>、<{}>", slash(date), slash(two), slash(three)),
        2 => format!("<{}>・<{}>", slash(date), slash(two)),
        3 => format!("<{}>,<{}>,<{}>", slash(date), short(two), short(three)),
        4 => format!(
            "<{}>、<{}>、<{}>",
            kanji(date, true),
            kanji(two, false),
            kanji(three, false)
        ),
        5 => format!("<{}>および<{}>", kanji(date, true), kanji(three, true)),
        _ => format!("<{}>と<{}>", slash(date), slash(three)),
    };
    (text, "", "list")
}

fn span(date: Date, dice: &mut Dice) -> Written {
    let end = after(date, dice.range(2, 20));
    let same = end.month() == date.month();
    let slash = |one: Date| format!("{}/{}", one.month(), one.day());
    let western = |one: Date| format!("{}/{}/{}", one.year(), one.month(), one.day());
    let kanji = |one: Date| format!("{}月{}日", one.month(), one.day());
    let whole = |one: Date| {
        let (name, _, e) = era(one);
        format!("{name}{}年{}", first(e), kanji(one))
    };
    let dots = |one: Date| {
        let (_, letter, e) = era(one);
        format!("{letter}{e}.{}.{}", one.month(), one.day())
    };
    let text = match dice.below(12) {
        0 | 1 => format!("<{}>〜<{}>", slash(date), slash(end)),
        2 if same => format!("<{}>-<{}>", slash(date), end.day()),
        2 => format!("<{}>-<{}>", slash(date), slash(end)),
        3 => format!("<{}>～<{}>", western(date), western(end)),
        4 => format!("<{}>〜<{}>", western(date), slash(end)),
        5 if same => format!("<{}>～<{}日>", kanji(date), end.day()),
        5 => format!("<{}>～<{}>", kanji(date), kanji(end)),
        6 => format!("<{}>から<{}>まで", kanji(date), kanji(end)),
        7 => format!("<{}>から<{}>まで", whole(date), whole(end)),
        8 => format!("自 <{}> 至 <{}>", whole(date), whole(end)),
        9 => format!("<{}>→<{}>", slash(date), slash(end)),
        10 => format!("<{}>～<{}>", dots(date), dots(end)),
        _ => format!("<{}> - <{}>", western(date), western(end)),
    };
    (text, "", "range")
}

fn stamp(date: Date, dice: &mut Dice) -> Written {
    let (y, m, d) = (date.year(), date.month(), date.day());
    let (_, letter, e) = era(date);
    let (hour, minute, second) = (dice.below(24), dice.below(60), dice.below(60));
    let day = weekday(date, dice);
    let text = match dice.below(13) {
        0 | 1 => format!("<{y}/{m:02}/{d:02}> {hour:02}:{minute:02}"),
        2 => format!("<{y}-{m:02}-{d:02}> {hour:02}:{minute:02}:{second:02}"),
        3 => format!("<{m}/{d}> {hour}:{minute:02}"),
        4 => format!("<{m}/{d}>{day}{hour}:{minute:02}"),
        5 => format!("<{m:02}/{d:02}> {hour:02}{minute:02}"),
        6 => format!("<{y}{m:02}{d:02}> {hour:02}{minute:02}"),
        7 => format!("<{y}年{m}月{d}日> {hour}時{minute}分"),
        8 => format!("<{letter}{e}.{m}.{d}> {hour}:{minute:02}"),
        9 => format!("<{:02}/{m:02}/{d:02}>{day}{hour:02}:{minute:02}", y % 100),
        10 => format!("{hour}:{minute:02}（<{m}/{d}>）"),
        11 => format!("<{y}-{m:02}-{d:02}>T{hour:02}:{minute:02}:{second:02}"),
        _ => format!("<{m}月{d}日>{hour}時頃"),
    };
    (text, "", "stamp")
}

fn month(date: Date, dice: &mut Dice) -> Written {
    let m = date.month();
    let behind = *dice.pick(&["", "", "", "上旬", "中旬", "下旬", "末", "初め", "頃"]);
    let text = match dice.below(7) {
        0 => wide(&format!("{m}月")),
        1 => format!("今年<{m}月>"),
        2 => format!("同年<{m}月>"),
        _ => format!("{m}月"),
    };
    (text, behind, "month alone")
}

fn year(date: Date, dice: &mut Dice) -> Written {
    let y = date.year();
    let (name, letter, e) = era(date);
    let (text, sort) = match dice.below(10) {
        0..4 => (format!("{y}年"), "year alone"),
        4 | 5 => (format!("{name}{}年", first(e)), "year alone, era"),
        6 => (format!("{letter}{e}"), "year alone, era letter"),
        7 => (format!("{letter}{}年", first(e)), "year alone, era letter"),
        8 => (format!("'{:02}", y % 100), "year alone, two digits"),
        _ => (wide(&format!("{y}年")), "year alone, full-width"),
    };
    (text, "", sort)
}

fn fiscal(date: Date, dice: &mut Dice) -> Written {
    let y = date.year();
    let (name, letter, e) = era(date);
    let text = match dice.below(5) {
        0 | 1 => format!("<{y}年>度"),
        2 | 3 => format!("<{name}{}年>度", first(e)),
        _ => format!("<{letter}{e}年>度"),
    };
    (text, "", "fiscal year")
}

fn ordinal(day: i8) -> String {
    let end = match day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    };
    format!("{day}{end}")
}

fn english_date(date: Date, dice: &mut Dice) -> Written {
    let (y, m, d) = (date.year(), date.month(), date.day());
    let (month, yy) = (month_name(m), y % 100);
    let short = &month[..3];
    let day = english_weekday(date, dice);
    let (text, sort) = match dice.below(40) {
        0..4 => (format!("{m:02}/{d:02}/{y}"), "digits, slashes"),
        4..7 => (format!("{m}/{d}/{yy:02}"), "digits, slashes"),
        7..11 => (format!("{d:02}/{m:02}/{y}"), "digits, slashes"),
        11..14 => (format!("{d}/{m}/{yy:02}"), "digits, slashes"),
        14..17 => (format!("{month} {d}, {y}"), "month first"),
        17..19 => (format!("{short} {d}, {y}"), "month first"),
        19 => (format!("{short} {d} {y}"), "month first"),
        20..24 => (format!("{d} {month} {y}"), "day first"),
        24 => (format!("{} {month} {y}", ordinal(d)), "day first, ordinal"),
        25 => (
            format!("{} {short} {yy:02}", ordinal(d)),
            "day first, ordinal",
        ),
        26 | 27 => (format!("{d} {short} {y}"), "day first"),
        28 => (format!("{d:02}-{short}-{y}"), "day first, dashes"),
        29 => (format!("{d}-{short}-{yy:02}"), "day first, dashes"),
        30 => (format!("{d:02}.{m:02}.{y}"), "digits, dots"),
        31 => (format!("{m}-{d}-{yy:02}"), "digits, dashes"),
        32..35 => (format!("{y}-{m:02}-{d:02}"), "ISO"),
        35 => (format!("{d:02}{}{yy:02}", short.to_uppercase()), "glued"),
        36 => (format!("{y}{m:02}{d:02}"), "eight digits"),
        37 => (format!("{day}, <{month} {d}, {y}>"), "weekday before"),
        38 => (format!("{day} <{d} {month} {y}>"), "weekday before"),
        _ => (format!("{day} <{d}/{m}/{yy:02}>"), "weekday before"),
    };
    (text, "", sort)
}

fn english_month_day(date: Date, dice: &mut Dice) -> Written {
    let (m, d) = (date.month(), date.day());
    let month = month_name(m);
    let short = &month[..3];
    let day = english_weekday(date, dice);
    let (text, sort) = match dice.below(16) {
        0..3 => (format!("{m}/{d}"), "month and day, digits"),
        3 | 4 => (format!("{d}/{m}"), "month and day, digits"),
        5 | 6 => (format!("{month} {d}"), "month and day, month first"),
        7 => (format!("{short} {d}"), "month and day, month first"),
        8 | 9 => (format!("{d} {month}"), "month and day, day first"),
        10 => (format!("{d} {short}"), "month and day, day first"),
        11 => (format!("{month} {}", ordinal(d)), "month and day, ordinal"),
        12 => (format!("{} {month}", ordinal(d)), "month and day, ordinal"),
        13 => (
            format!("{} of {short}", ordinal(d)),
            "month and day, ordinal",
        ),
        14 => (format!("{day} <{d}/{m}>"), "month and day, weekday"),
        _ => (format!("{day} <{d} {short}>"), "month and day, weekday"),
    };
    (text, "", sort)
}

fn english_year_month(date: Date, dice: &mut Dice) -> Written {
    let (y, m) = (date.year(), date.month());
    let month = month_name(m);
    let text = match dice.below(9) {
        0..3 => format!("{month} {y}"),
        3 | 4 => format!("{} {y}", &month[..3]),
        5 => format!("{m:02}/{y}"),
        6 => format!("{}-{:02}", &month[..3], y % 100),
        7 => format!("{month} of {y}"),
        _ => format!("{y}-{m:02}"),
    };
    (text, "", "year and month")
}

fn english_day(date: Date, dice: &mut Dice) -> Written {
    let d = ordinal(date.day());
    let day = english_weekday(date, dice);
    let text = match dice.below(3) {
        0 => format!("{day} <{d}>"),
        1 => format!("{day} the <{d}>"),
        _ => format!("the <{d}>"),
    };
    (text, "", "day alone")
}

fn english_list(date: Date, dice: &mut Dice) -> Written {
    let [two, three] = [dice.range(1, 4), dice.range(5, 9)].map(|count| after(date, count));
    let short = |one: Date| &month_name(one.month())[..3];
    let slash = |one: Date| format!("{}/{}", one.month(), one.day());
    let words = |one: Date| format!("{} {}", one.day(), short(one));
    let same = three.month() == date.month();
    let text = match dice.below(5) {
        0 => format!("<{}>, <{}>, <{}>", slash(date), slash(two), slash(three)),
        1 if same => format!(
            "<{}>, <{}> and <{} {}>",
            date.day(),
            two.day(),
            three.day(),
            month_name(three.month())
        ),
        2 if same => format!(
            "<{} {}>, <{}>, <{}>",
            short(date),
            date.day(),
            two.day(),
            three.day()
        ),
        3 => format!("<{}> & <{}>", slash(date), slash(three)),
        _ => format!("<{}> and <{}>", words(date), words(two)),
    };
    (text, "", "list")
}

fn english_span(date: Date, dice: &mut Dice) -> Written {
    let end = after(date, dice.range(2, 20));
    let same = end.month() == date.month();
    let words = |one: Date| format!("{} {}", one.day(), &month_name(one.month())[..3]);
    let (y, yy) = (end.year(), end.year() % 100);
    let [(m, d), (m2, d2)] = [date, end].map(|one| (one.month(), one.day()));
    let text = match dice.below(7) {
        0 => format!("<{m}/{d}>-<{m2}/{d2}>"),
        1 if same => format!("<{d}>-<{d2} {}>", month_name(m2)),
        2 if same => format!("<{} {d}>–<{d2}>", month_name(m)),
        3 => format!("<{}> to <{} {y}>", words(date), words(end)),
        4 => format!("<{m}/{d}/{:02}> - <{m2}/{d2}/{yy:02}>", date.year() % 100),
        5 => format!("from <{d}/{m}/{}> until <{d2}/{m2}/{y}>", date.year()),
        _ => format!("<{}> - <{}>", words(date), words(end)),
    };
    (text, "", "range")
}

fn english_stamp(date: Date, dice: &mut Dice) -> Written {
    let (y, m, d) = (date.year(), date.month(), date.day());
    let (hour, minute, second) = (dice.below(24), dice.below(60), dice.below(60));
    let short = &month_name(m)[..3];
    let half = if hour < 12 { "AM" } else { "PM" };
    let text = match dice.below(8) {
        0 => format!("<{y}-{m:02}-{d:02}> {hour:02}:{minute:02}"),
        1 => format!("<{m:02}/{d:02}/{:02}> {hour:02}{minute:02}", y % 100),
        2 => format!("<{d}/{m}> @ {hour:02}:{minute:02}"),
        3 => format!("<{d:02} {short} {y}> {hour:02}{minute:02}h"),
        4 => format!("<{m}/{d}/{y}> {}:{minute:02} {half}", (hour + 11) % 12 + 1),
        5 => format!("<{y}-{m:02}-{d:02}>T{hour:02}:{minute:02}:{second:02}Z"),
        6 => format!("{hour:02}:{minute:02} <{d:02}/{m:02}/{y}>"),
        _ => format!("<{m}/{d}> {hour:02}{minute:02}"),
    };
    (text, "", "stamp")
}

fn english_month(date: Date, dice: &mut Dice) -> Written {
    let month = month_name(date.month());
    let text = match dice.below(6) {
        0 => format!("early <{month}>"),
        1 => format!("mid-<{month}>"),
        2 => format!("late <{month}>"),
        3 => format!("last <{month}>"),
        _ => month.to_owned(),
    };
    (text, "", "month alone")
}

fn english_year(date: Date, dice: &mut Dice) -> Written {
    let y = date.year();
    let text = match dice.below(6) {
        0 => format!("'{:02}", y % 100),
        _ => y.to_string(),
    };
    (text, "", "year alone")
}

fn english_fiscal(date: Date, dice: &mut Dice) -> Written {
    let y = date.year();
    let next = (y + 1) % 100;
    let text = match dice.below(4) {
        0 => format!("FY<{y}>"),
        1 => format!("FY<{:02}>", y % 100),
        2 => format!("<{y}>/<{next:02}>"),
        _ => format!("fiscal <{y}>"),
    };
    (text, "", "fiscal year")
}
