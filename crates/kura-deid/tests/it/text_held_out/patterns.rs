//! Numbers by their patterns, and dates in the ways they are written.

use jiff::civil::Date;

use super::Dice;

/// Fills a pattern: `#` a digit, `*` a block of a town, `%` a number of a house, `$` of a room, `~` a name in romaji; each also full-width. Ⓗ is
/// the number of an insurer, Ⓜ ⓜ Ⓝ My Number, all with right check digits; X a letter.
pub fn fill(pattern: &str, word: &str, dice: &mut Dice) -> String {
    let mut out = String::new();
    for c in pattern.chars() {
        match c {
            '#' => out.push(digit(dice.below(10))),
            '＃' => out.push_str(&wide(&dice.below(10).to_string())),
            '*' => out.push_str(&dice.range(1, 7).to_string()),
            '＊' => out.push_str(&wide(&dice.range(1, 7).to_string())),
            '%' => out.push_str(&dice.range(1, 29).to_string()),
            '％' => out.push_str(&wide(&dice.range(1, 29).to_string())),
            '$' => out.push_str(&dice.range(101, 1205).to_string()),
            '＄' => out.push_str(&wide(&dice.range(101, 1205).to_string())),
            '~' => out.push_str(&word.to_lowercase()),
            'Ⓗ' => out.push_str(&insurer(dice)),
            'Ⓜ' => out.push_str(&grouped(&my_number(dice), ' ')),
            'Ⓝ' => out.push_str(&grouped(&my_number(dice), '-')),
            'ⓜ' => out.push_str(&my_number(dice)),
            other => out.push(other),
        }
    }
    out
}

fn digit(value: usize) -> char {
    char::from_digit(value as u32, 10).unwrap()
}

pub fn digits(count: usize, dice: &mut Dice) -> String {
    (0..count).map(|_| digit(dice.below(10))).collect()
}

fn grouped(number: &str, by: char) -> String {
    format!("{}{by}{}{by}{}", &number[..4], &number[4..8], &number[8..])
}

/// Twelve digits; the last by the weights 2 to 7 from the right.
pub fn my_number(dice: &mut Dice) -> String {
    let mut number = digits(11, dice);
    let sum: usize = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, b)| usize::from(b - b'0') * (if at < 6 { at + 2 } else { at - 4 }))
        .sum();
    let check = if sum % 11 <= 1 { 0 } else { 11 - sum % 11 };
    number.push(digit(check));
    number
}

/// Eight digits: the law, the prefecture, the insurer, and a digit by the weights 2 and 1 from the right.
fn insurer(dice: &mut Dice) -> String {
    let law = *dice.pick(&["01", "06", "31", "39", "67"]);
    let mut number = format!("{law}{:02}{}", dice.range(1, 47), digits(3, dice));
    let sum: usize = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, b)| usize::from(b - b'0') * (2 - at % 2))
        .map(|product| product / 10 + product % 10)
        .sum();
    number.push(digit((10 - sum % 10) % 10));
    number
}

pub fn wide(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '!'..='~' => char::from_u32(c as u32 + 0xFEE0).unwrap(),
            ' ' => '　',
            other => other,
        })
        .collect()
}

/// The name of the era, its letter, its year.
fn era(date: Date) -> (&'static str, &'static str, i16) {
    let year = date.year();
    if date >= Date::constant(2019, 5, 1) {
        ("令和", "R", year - 2018)
    } else if date >= Date::constant(1989, 1, 8) {
        ("平成", "H", year - 1988)
    } else if date >= Date::constant(1926, 12, 25) {
        ("昭和", "S", year - 1925)
    } else {
        ("大正", "T", year - 1911)
    }
}

/// A date, the weekday behind it, and what kind of writing it is.
pub type Written = (String, &'static str, &'static str);

pub fn japanese(date: Date, dice: &mut Dice) -> Written {
    let (y, m, d) = (date.year(), date.month(), date.day());
    let (name, letter, e) = era(date);
    let first = if e == 1 {
        "元".to_owned()
    } else {
        e.to_string()
    };
    let weekday = *dice.pick(&["(月)", "（火）", "(水)", "（木）", "(金)"]);
    let (text, sort) = match dice.below(20) {
        0 | 1 => (format!("{y}年{m}月{d}日"), "western"),
        2 | 3 => (format!("{y}/{m}/{d}"), "western"),
        4 => (format!("{y}/{m:02}/{d:02}"), "western"),
        5 => (format!("{y}-{m:02}-{d:02}"), "western"),
        6 => (format!("{y}.{m}.{d}"), "western"),
        7 => (format!("{y}年{m:02}月{d:02}日"), "western"),
        8 => (format!("{y}{m:02}{d:02}"), "eight digits"),
        9 => (format!("'{:02}/{m}/{d}", y % 100), "year of two digits"),
        10 => (
            format!("{:02}/{m:02}/{d:02}", y % 100),
            "year of two digits",
        ),
        11 | 12 => (format!("{name}{first}年{m}月{d}日"), "era"),
        13 => (format!("{letter}{e}.{m}.{d}"), "era, letter"),
        14 => (format!("{letter}{e}/{m}/{d}"), "era, letter"),
        15 => (format!("{letter}{e:02}.{m:02}.{d:02}"), "era, letter"),
        16 => (format!("{letter}{e}年{m}月{d}日"), "era, letter"),
        17 => (wide(&format!("{name}{e}年{m}月{d}日")), "full-width"),
        18 => (wide(&format!("{letter}{e}.{m}.{d}")), "full-width"),
        _ => return (format!("{y}年{m}月{d}日"), weekday, "western"),
    };
    (text, "", sort)
}

pub fn birth(date: Date, dice: &mut Dice) -> Written {
    let (y, m, d) = (date.year(), date.month(), date.day());
    let (name, letter, e) = era(date);
    let (text, sort) = match dice.below(10) {
        0 => (format!("{y}年{m}月{d}日"), "western"),
        1 => (format!("{y}/{m:02}/{d:02}"), "western"),
        2 => (format!("{y}.{m}.{d}"), "western"),
        3 | 4 => (format!("{name}{e}年{m}月{d}日"), "era"),
        5 => (format!("{letter}{e}.{m}.{d}"), "era, letter"),
        6 => (format!("{letter}{e:02}/{m:02}/{d:02}"), "era, letter"),
        7 => (format!("{}{e}.{m}.{d}", &name[..3]), "era, one kanji"),
        8 => (wide(&format!("{name}{e}年{m}月{d}日")), "full-width"),
        _ => (format!("{name}{e:2}年{m:2}月{d:2}日"), "era"),
    };
    (text, "", if sort.is_empty() { "birth" } else { sort })
}

pub fn month_day(date: Date, dice: &mut Dice) -> Written {
    let (m, d) = (date.month(), date.day());
    let sort = "month and day";
    match dice.below(10) {
        0..=3 => (format!("{m}/{d}"), "", sort),
        4 => (format!("{m}/{d}"), "(火)", sort),
        5 | 6 => (format!("{m}月{d}日"), "", sort),
        7 => (format!("{m}月{d}日"), "（金）", sort),
        8 => (wide(&format!("{m}/{d}")), "", sort),
        _ => (wide(&format!("{m}月{d}日")), "", sort),
    }
}

pub fn year_month(date: Date, dice: &mut Dice) -> Written {
    let (y, m) = (date.year(), date.month());
    let (name, letter, e) = era(date);
    let text = match dice.below(7) {
        0 | 1 => format!("{y}年{m}月"),
        2 => format!("{name}{e}年{m}月"),
        3 => format!("{letter}{e}年{m}月"),
        4 => format!("{letter}{e}.{m}"),
        5 => format!("{y}/{m}"),
        _ => wide(&format!("{y}年{m}月")),
    };
    (text, "", "year and month")
}

const MONTHS: &str =
    "January February March April May June July August September October November December";

fn month_name(month: i8) -> &'static str {
    MONTHS.split(' ').nth(month as usize - 1).unwrap()
}

pub fn english(date: Date, dice: &mut Dice) -> Written {
    let (y, m, d) = (date.year(), date.month(), date.day());
    let month = month_name(m);
    let short = &month[..3];
    let (text, sort) = match dice.below(12) {
        0 | 1 => (format!("{month} {d}, {y}"), "month in words"),
        2 => (format!("{d} {month} {y}"), "month in words"),
        3 => (format!("{short} {d}, {y}"), "month in words"),
        4 => (format!("{d} {short} {y}"), "month in words"),
        5 => (
            format!("{d:02}-{}-{y}", short.to_uppercase()),
            "month in words",
        ),
        6 => (format!("{m:02}/{d:02}/{y}"), "digits"),
        7 => (format!("{m}/{d}/{:02}", y % 100), "digits"),
        8 => (format!("{y}-{m:02}-{d:02}"), "digits"),
        9 => (format!("{d:02}.{m:02}.{y}"), "digits"),
        10 => (format!("{d:02}/{m:02}/{y}"), "digits"),
        _ => (format!("{d}-{short}-{:02}", y % 100), "month in words"),
    };
    (text, "", sort)
}

pub fn english_month_day(date: Date, dice: &mut Dice) -> Written {
    let (m, d) = (date.month(), date.day());
    let month = month_name(m);
    let text = match dice.below(5) {
        0 => format!("{m}/{d}"),
        1 => format!("{month} {d}"),
        2 => format!("{d} {month}"),
        3 => format!("{} {d}", &month[..3]),
        _ => {
            let end = match d {
                1 | 21 | 31 => "st",
                2 | 22 => "nd",
                3 | 23 => "rd",
                _ => "th",
            };
            format!("{month} {d}{end}")
        }
    };
    (text, "", "month and day")
}

pub fn english_year_month(date: Date, dice: &mut Dice) -> Written {
    let (y, m) = (date.year(), date.month());
    let month = month_name(m);
    let text = match dice.below(3) {
        0 => format!("{month} {y}"),
        1 => format!("{} {y}", &month[..3]),
        _ => format!("{m:02}/{y}"),
    };
    (text, "", "year and month")
}
