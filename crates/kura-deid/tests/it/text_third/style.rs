//! How the notes of `text_third` write record numbers, dates and ages.

use jiff::civil::Date;

use crate::text_notes::patterns::{Written, era, fill, month_name, wide};
use crate::text_notes::{Age, Dice, Style};

pub const STYLE: Style = Style {
    number,
    told,
    date,
    age,
    oldest: (90, 106),
    young_are_clean: false,
};

fn number(dice: &mut Dice) -> String {
    let pattern = *dice.pick(&[
        "3######",
        "0########",
        "2#-#####",
        "Ⓐ######",
        "5###-####",
        "8#####",
        "00##-##-##",
        "#######Ⓐ",
    ]);
    fill(pattern, "", dice)
}

fn told(id: &str, english: bool, dice: &mut Dice) -> (String, &'static str) {
    let bare = id.trim_start_matches('0');
    match dice.below(10) {
        0 | 1 if !english => (wide(id), "full-width"),
        2 if bare != id => (bare.to_owned(), "without zeros"),
        3 if id.contains('-') => (id.replace('-', ""), "without hyphens"),
        4 if id.contains('-') => (id.replace('-', " "), "blanks for hyphens"),
        5 if !id.contains('-') => (format!("{}-{}", &id[..3], &id[3..]), "hyphen put in"),
        6 if id.ends_with(char::is_alphabetic) => (id.to_lowercase(), "small letter"),
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
    let sexes = [
        "F",
        "M",
        "f",
        "m",
        "女",
        "男",
        "♀",
        "♂",
        "歳F",
        "歳M",
        "yF",
        "歳♂",
        "yo M",
        "才女性",
        "歳 男",
    ];
    match form {
        "k" => match dice.below(5) {
            0 => Age::new("", kanji_digits(age), "歳", "kanji digits"),
            1 => Age::new("", kanji(age), "才", "kanji"),
            2 => Age::new("御年", kanji(age), "歳", "kanji"),
            _ => Age::new("", kanji(age), "歳", "kanji"),
        },
        "w" if age >= 90 => Age::new(
            "",
            *dice.pick(&["卒寿", "白寿", "百寿", "紀寿"]),
            "",
            "by name",
        ),
        "w" => Age::new(
            "",
            *dice.pick(&["還暦", "古希", "喜寿", "傘寿", "米寿"]),
            "",
            "",
        ),
        "s" => {
            let decade = age / 10 * 10;
            match dice.below(5) {
                0 => Age::new("", wide(&decade.to_string()), "代", "decade"),
                1 => Age::new("", decade.to_string(), "歳台", "decade"),
                2 => Age::new("", kanji(decade), "歳代", "decade, kanji"),
                3 => Age::new("", decade.to_string(), "歳代", "decade"),
                _ => Age::new("", decade.to_string(), "代", "decade"),
            }
        }
        "m" => match dice.below(8) {
            0 => Age::new("F/", digits, "", "sex before"),
            1 => Age::new("M ", digits, "", "sex before"),
            2 => Age::new("", digits, "/M", "sex behind"),
            3 => Age::new("", full, "Ｆ", "sex behind, full-width"),
            4 => Age::new("女・", digits, "", "sex before"),
            _ => {
                let sex = *dice.pick(&sexes);
                Age::new("", digits, sex, "sex behind")
            }
        },
        "p" => match dice.below(7) {
            0 => Age::new("満", digits, "歳", "満"),
            1 => Age::new("満", full, "才", "満, full-width"),
            2 => Age::new("満", kanji(age), "歳", "満, kanji"),
            3 => Age::new("数え", digits, "", "数え"),
            4 => Age::new("数えで", digits, "歳", "数え"),
            5 => Age::new("数え年", kanji(age), "歳", "数え, kanji"),
            _ => Age::new("満年齢 ", digits, "歳", "満"),
        },
        "b" => match dice.below(8) {
            0 => Age::new("（", full, "）", "in brackets, full-width"),
            1 => Age::new("(", digits, "歳)", "in brackets"),
            2 => Age::new("（", digits, "・女）", "in brackets"),
            3 => Age::new("[", digits, "]", "in brackets"),
            4 => Age::new("(", digits, "M)", "in brackets"),
            5 => Age::new("（", digits, "才）", "in brackets"),
            _ => Age::new("(", digits, ")", "in brackets"),
        },
        "n" => match dice.below(4) {
            0 => Age::new("", full, "", "without unit, full-width"),
            _ => Age::new("", digits, "", "without unit"),
        },
        _ => match dice.below(11) {
            0 => Age::new("", full, "才", "full-width"),
            1 | 2 => Age::new("", full, "歳", "full-width"),
            3 => Age::new("", digits, "才", "才"),
            4 => Age::new("", digits, "y.o.", "y.o."),
            5 => Age::new("", digits, "y/o", "y.o."),
            6 => Age::new("", digits, "　歳", "blank"),
            7 => {
                let months = *dice.pick(&["歳2か月", "歳7ヶ月", "歳11ヵ月"]);
                Age::new("", digits, months, "months behind")
            }
            8 => Age::new("", digits, "ｻｲ", "ｻｲ"),
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
        100 => (*dice.pick(&["one hundred", "a hundred"])).to_owned(),
        101.. => format!(
            "one hundred {}{}",
            dice.pick(&["", "and "]),
            one(number - 100)
        ),
        20.. => {
            let ten = TENS.split(' ').nth(number / 10 - 2).unwrap();
            match number % 10 {
                0 => ten.to_owned(),
                ones => format!("{ten}{}{}", dice.pick(&["-", "-", " "]), one(ones)),
            }
        }
        _ => one(number),
    }
}

/// By a letter: x in words, w by its name, s a decade, m with the sex, a behind "aged" or a comma, b in brackets, n alone.
fn english_age(form: &str, age: usize, dice: &mut Dice) -> Age {
    let digits = age.to_string();
    match form {
        "x" => Age::new("", words(age, dice), "", "in words"),
        "w" => Age::new(
            "",
            if age < 100 {
                "nonagenarian"
            } else {
                "centenarian"
            },
            "",
            "by name",
        ),
        "s" if age >= 100 => Age::new("", "100s", "", "decade"),
        "s" => match dice.below(3) {
            0 => Age::new(
                "",
                format!(
                    "{}ies",
                    &TENS
                        .split(' ')
                        .nth(age / 10 - 2)
                        .unwrap()
                        .trim_end_matches('y')
                ),
                "",
                "decade, in words",
            ),
            1 => Age::new("", (age / 10 * 10).to_string(), "'s", "decade"),
            _ => Age::new("", (age / 10 * 10).to_string(), "s", "decade"),
        },
        "m" => match dice.below(9) {
            0 => Age::new("F, ", digits, "", "sex before"),
            1 => Age::new("M/", digits, "", "sex before"),
            2 => Age::new("female ", digits, "", "sex before"),
            _ => {
                let sexes = [
                    "F",
                    "M",
                    " F",
                    " M",
                    "yoF",
                    "yo M",
                    "/F",
                    " y/o f",
                    "yM",
                    " yo lady",
                    "-y.o. gentleman",
                ];
                let sex = *dice.pick(&sexes);
                Age::new("", digits, sex, "sex behind")
            }
        },
        "a" => {
            let units = [" years old", " years of age", " yrs old", " yrs", "y"];
            let unit = *dice.pick(&units);
            Age::new("", digits, unit, "years behind")
        }
        "b" => match dice.below(4) {
            0 => Age::new("(aged ", digits, ")", "in brackets"),
            1 => Age::new("(", digits, "F)", "in brackets"),
            2 => Age::new("[", digits, "]", "in brackets"),
            _ => Age::new("(", digits, ")", "in brackets"),
        },
        "n" => Age::new("", digits, "", "without unit"),
        _ => match dice.below(9) {
            0 => Age::new("", words(age, dice), "-year-old", "in words"),
            1 => Age::new("", digits, "-yr-old", ""),
            2 => Age::new("", digits, " yr old", ""),
            3 => Age::new("", digits, "y/o", ""),
            4 => Age::new("", digits, " y.o.", ""),
            5 => Age::new("", digits, " YO", ""),
            6 => Age::new("", digits, "-y-o", ""),
            _ => Age::new("", digits, " year-old", ""),
        },
    }
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

/// 令和五年四月五日.
fn kanji_era(name: &str, e: i16, date: Date) -> String {
    let year = if e == 1 {
        "元".to_owned()
    } else {
        kanji(e as usize)
    };
    let [month, day] = [date.month(), date.day()].map(|one| kanji(one as usize));
    format!("{name}{year}年{month}月{day}日")
}

fn japanese(date: Date, dice: &mut Dice) -> Written {
    let (y, m, d) = (date.year(), date.month(), date.day());
    let (name, letter, e) = era(date);
    let (short, one) = (y % 100, &name[..3]);
    let (text, weekday, sort) = match dice.below(25) {
        0 => (format!("{y}年{m:2}月{d:2}日"), "", "western"),
        1 => (wide(&format!("{y}/{m:02}/{d:02}")), "", "full-width"),
        2 => (format!("{y}／{m}／{d}"), "", "full-width"),
        3 => (format!("{y}-{m}-{d}"), "", "western"),
        4 => (format!("{y}.{m:02}.{d:02}"), "", "western"),
        5 => (format!("{y}/{m:02}/{d:02}"), "(Wed)", "western"),
        6 => (format!("{short}.{m}.{d}"), "", "year of two digits"),
        7 => (format!("{short}-{m:02}-{d:02}"), "", "year of two digits"),
        8 => (format!("{short}年{m}月{d}日"), "", "year of two digits"),
        9 => (format!("{y}{m:02}{d:02}"), "", "eight digits"),
        10 => (format!("{letter}{e}-{m}-{d}"), "", "era, letter"),
        11 => (
            format!("{}{e}.{m}.{d}", letter.to_lowercase()),
            "",
            "era, letter",
        ),
        12 => (format!("{letter}.{e}.{m}.{d}"), "", "era, letter"),
        13 => (format!("{letter} {e}. {m}. {d}"), "", "era, letter"),
        14 => (format!("{one}{e}.{m}.{d}"), "", "era, one kanji"),
        15 => (format!("{one}{e}年{m}月{d}日"), "", "era, one kanji"),
        16 => (kanji_era(name, e, date), "", "kanji"),
        17 => {
            let [month, day] = [m, d].map(|one| kanji(one as usize));
            (
                format!("{}年{month}月{day}日", kanji_digits(y as usize)),
                "",
                "kanji",
            )
        }
        18 => (format!("{name} {e} 年 {m} 月 {d} 日"), "", "era"),
        19 => (format!("{name}{e}年{m}月{d}日"), "（木曜）", "era"),
        20 => (format!("{name}{e}/{m}/{d}"), "", "era"),
        21 => (
            format!("{y}（{name}{e}）年{m}月{d}日"),
            "",
            "western and era",
        ),
        22 => (wide(&format!("{letter}{e}年{m}月{d}日")), "", "full-width"),
        23 => (format!("{y}/ {m}/ {d}"), "", "western"),
        _ => (format!("{y}年{m}月{d}日"), "", "western"),
    };
    (text, weekday, sort)
}

fn birth(date: Date, dice: &mut Dice) -> Written {
    let (y, m, d) = (date.year(), date.month(), date.day());
    let (name, letter, e) = era(date);
    let one = &name[..3];
    let (text, sort) = match dice.below(11) {
        0 => (format!("{letter}.{e}.{m}.{d}"), "era, letter"),
        1 => (format!("{letter}{e}-{m}-{d}"), "era, letter"),
        2 => (format!("{one}{e}.{m}.{d}"), "era, one kanji"),
        3 => (format!("{one}{e}年{m}月{d}日"), "era, one kanji"),
        4 => (kanji_era(name, e, date), "kanji"),
        5 => (format!("{name} {e}年 {m}月 {d}日"), "era"),
        6 => (wide(&format!("{letter}{e}.{m}.{d}")), "full-width"),
        7 => (format!("{y}-{m:02}-{d:02}"), "western"),
        8 => (format!("{y}{m:02}{d:02}"), "eight digits"),
        9 => (format!("{y}({letter}{e})/{m}/{d}"), "western and era"),
        _ => (format!("{name}{e}年{m}月{d}日"), "era"),
    };
    (text, "", sort)
}

fn month_day(date: Date, dice: &mut Dice) -> Written {
    let (m, d) = (date.month(), date.day());
    let (text, weekday) = match dice.below(11) {
        0 => (format!("{m}／{d}"), ""),
        1 => (format!("{m:02}/{d:02}"), ""),
        2 => (format!("{m} / {d}"), ""),
        3 => (format!("{m}/{d}"), "（木）"),
        4 => (format!("{m}月{d}日"), "(月)"),
        5 => (
            format!("{}月{}日", kanji(m as usize), kanji(d as usize)),
            "",
        ),
        6 => (wide(&format!("{m}/{d}")), ""),
        7 => (wide(&format!("{m}月{d}日")), ""),
        8 => (format!("{m}月{d}日"), ""),
        _ => (format!("{m}/{d}"), ""),
    };
    (text, weekday, "month and day")
}

fn year_month(date: Date, dice: &mut Dice) -> Written {
    let (y, m) = (date.year(), date.month());
    let (name, letter, e) = era(date);
    let text = match dice.below(8) {
        0 => format!("{y}.{m:02}"),
        1 => format!("{y}/{m:02}"),
        2 => format!("{letter}{e}/{m}"),
        3 => format!("{}{e}年{m}月", &name[..3]),
        4 => format!("{name}{}年{}月", kanji(e as usize), kanji(m as usize)),
        5 => format!("'{:02}年{m}月", y % 100),
        6 => format!("{y}年 {m}月"),
        _ => wide(&format!("{letter}{e}年{m}月")),
    };
    (text, "", "year and month")
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
    let month = month_name(m);
    let short = &month[..3];
    let (text, sort) = match dice.below(12) {
        0 => (format!("{} of {month} {y}", ordinal(d)), "month in words"),
        1 => (format!("{month} {}, {y}", ordinal(d)), "month in words"),
        2 => (
            format!("{d:02}{}{y}", short.to_uppercase()),
            "month in words",
        ),
        3 => (format!("{d} {short} '{:02}", y % 100), "month in words"),
        4 => (format!("{short}. {d}, {y}"), "month in words"),
        5 => (format!("{y} {short} {d:02}"), "month in words"),
        6 => (format!("{m}/{d}/{y}"), "digits"),
        7 => (format!("{d}.{m}.{:02}", y % 100), "digits"),
        8 => (format!("{y}/{m:02}/{d:02}"), "digits"),
        9 => (format!("{m:02}-{d:02}-{y}"), "digits"),
        10 => (format!("{y}{m:02}{d:02}"), "digits"),
        _ => (format!("{d} {month}, {y}"), "month in words"),
    };
    (text, "", sort)
}

fn english_month_day(date: Date, dice: &mut Dice) -> Written {
    let (m, d) = (date.month(), date.day());
    let month = month_name(m);
    let short = &month[..3];
    let text = match dice.below(6) {
        0 => format!("the {} of {month}", ordinal(d)),
        1 => format!("{d}/{m}"),
        2 => format!("{short} {}", ordinal(d)),
        3 => format!("{d}-{short}"),
        4 => format!("{m:02}/{d:02}"),
        _ => format!("{d} {short}"),
    };
    (text, "", "month and day")
}

fn english_year_month(date: Date, dice: &mut Dice) -> Written {
    let (y, m) = (date.year(), date.month());
    let month = month_name(m);
    let text = match dice.below(4) {
        0 => format!("{} '{:02}", &month[..3], y % 100),
        1 => format!("{month}, {y}"),
        2 => format!("{m}/{y}"),
        _ => format!("{}-{y}", &month[..3]),
    };
    (text, "", "year and month")
}
