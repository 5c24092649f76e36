//! How the notes of `text_held_out` write record numbers, dates and ages.

use jiff::civil::Date;

use crate::text_notes::patterns::{Written, era, fill, month_name, wide};
use crate::text_notes::{Age, Dice, Style};

pub const STYLE: Style = Style {
    number,
    told,
    date,
    age,
    oldest: (91, 104),
    young_are_clean: true,
};

fn number(dice: &mut Dice) -> String {
    match dice.below(4) {
        0 => fill("00######", "", dice),
        1 => fill("1##-####-#", "", dice),
        2 => fill("4######", "", dice),
        _ => fill("00########", "", dice),
    }
}

fn told(id: &str, english: bool, dice: &mut Dice) -> (String, &'static str) {
    let bare = id.trim_start_matches('0');
    match dice.below(8) {
        0 if !english => (wide(id), "full-width"),
        1 if bare != id => (bare.to_owned(), "without zeros"),
        2 if id.contains('-') => (id.replace('-', ""), "without hyphens"),
        _ => (id.to_owned(), "as told"),
    }
}

fn age(form: &str, age: usize, english: bool, dice: &mut Dice) -> Age {
    let digits = age.to_string();
    // 93F, "aged 93".
    let (number, unit, sort) = if form == "n" {
        (digits, "", "without unit")
    } else if english {
        let units = ["-year-old", " year old", " yo", "yo", " y/o"];
        (digits, *dice.pick(&units), "")
    } else {
        match dice.below(10) {
            0 => (digits, "才", "才"),
            1 | 2 => (wide(&digits), "歳", "full-width"),
            3 => (digits, " 歳", "blank"),
            4 => (digits, "y.o.", "y.o."),
            _ => (digits, "歳", "歳"),
        }
    };
    Age::new("", number, unit, sort)
}

fn date(name: &str, english: bool, date: Date, dice: &mut Dice) -> Written {
    match (name, english) {
        ("ym", true) => english_year_month(date, dice),
        ("ym", false) => year_month(date, dice),
        ("md", true) => english_month_day(date, dice),
        ("md", false) => month_day(date, dice),
        ("dob", false) => birth(date, dice),
        (_, true) => english_date(date, dice),
        (_, false) => japanese(date, dice),
    }
}

fn japanese(date: Date, dice: &mut Dice) -> Written {
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

fn birth(date: Date, dice: &mut Dice) -> Written {
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

fn month_day(date: Date, dice: &mut Dice) -> Written {
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

fn year_month(date: Date, dice: &mut Dice) -> Written {
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

fn english_date(date: Date, dice: &mut Dice) -> Written {
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

fn english_month_day(date: Date, dice: &mut Dice) -> Written {
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

fn english_year_month(date: Date, dice: &mut Dice) -> Written {
    let (y, m) = (date.year(), date.month());
    let month = month_name(m);
    let text = match dice.below(3) {
        0 => format!("{month} {y}"),
        1 => format!("{} {y}", &month[..3]),
        _ => format!("{m:02}/{y}"),
    };
    (text, "", "year and month")
}
