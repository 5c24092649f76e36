//! How the notes of `text_fourth` write record numbers, dates and ages.

use jiff::ToSpan;
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
        "########",
        "00######",
        "1######-#",
        "10-######",
        "4######",
        "Ⓐ##-####",
        "000#######",
        "##-##-####",
        "6#####",
    ]);
    fill(pattern, "", dice)
}

fn told(id: &str, english: bool, dice: &mut Dice) -> (String, &'static str) {
    let bare = id.trim_start_matches('0');
    let plain = !id.contains('-');
    match dice.below(12) {
        0 | 1 if !english => (wide(id), "full-width"),
        2 | 3 if bare != id => (bare.to_owned(), "without zeros"),
        4 if !plain => (id.replace('-', ""), "without hyphens"),
        5 if !plain => (id.replace('-', "－"), "full-width hyphens"),
        6 if plain && bare == id => (format!("{id:0>10}"), "zeros put in"),
        7 if plain => {
            let half = id.len() / 2;
            (format!("{} {}", &id[..half], &id[half..]), "blank put in")
        }
        8 if plain => {
            let last = id.len() - 1;
            (format!("{}-{}", &id[..last], &id[last..]), "hyphen put in")
        }
        _ => (id.to_owned(), "as told"),
    }
}

/// By weights.
fn weighted<T: Copy>(list: &[(usize, T)], dice: &mut Dice) -> T {
    let mut at = dice.below(list.iter().map(|(weight, _)| weight).sum());
    for (weight, one) in list {
        if at < *weight {
            return *one;
        }
        at -= weight;
    }
    list[0].1
}

const DIGITS: [&str; 10] = ["〇", "一", "二", "三", "四", "五", "六", "七", "八", "九"];

/// Below 200.
fn kanji(number: usize) -> String {
    let mut out = String::new();
    if number >= 100 {
        out.push('百');
    }
    match number / 10 % 10 {
        0 => {}
        1 => out.push('十'),
        tens => {
            out.push_str(DIGITS[tens]);
            out.push('十');
        }
    }
    if !number.is_multiple_of(10) {
        out.push_str(DIGITS[number % 10]);
    }
    out
}

fn age(form: &str, age: usize, english: bool, dice: &mut Dice) -> Age {
    match english {
        true => english_age(form, age, dice),
        false => japanese_age(form, age, dice),
    }
}

/// By a letter: k in kanji, w by its name, s a decade, m with the sex, b in brackets, n alone.
fn japanese_age(form: &str, age: usize, dice: &mut Dice) -> Age {
    let digits = age.to_string();
    let full = wide(&digits);
    match form {
        "k" => Age::new(
            "",
            kanji(age),
            dice.pick::<&str>(&["歳", "歳", "才"]),
            "kanji",
        ),
        "w" => {
            let old = ["卒寿", "白寿", "百寿", "上寿", "茶寿"];
            let young = ["還暦", "古稀", "喜寿", "傘寿", "米寿"];
            let names = if age >= 90 { old } else { young };
            Age::new("", *dice.pick(&names), "", "by name")
        }
        "s" => {
            let decade = (age / 10 * 10).to_string();
            match dice.below(6) {
                0 => Age::new("", wide(&decade), "歳代", "decade, full-width"),
                1 => Age::new("", kanji(age / 10 * 10), "代", "decade, kanji"),
                2 => Age::new("", decade, "才代", "decade"),
                3 => Age::new("", decade, "歳代", "decade"),
                _ => Age::new("", decade, "代", "decade"),
            }
        }
        "m" => match dice.below(9) {
            0 => Age::new("女性　", digits, "歳", "sex before"),
            1 => Age::new("男/", digits, "歳", "sex before"),
            2 => Age::new("F", digits, "", "sex before"),
            3 => Age::new("", full, "歳男性", "sex behind, full-width"),
            _ => {
                let sexes = [
                    "歳男性",
                    "歳女性",
                    "歳男",
                    "歳女",
                    "歳、女性",
                    "F",
                    "M",
                    " F",
                    "♂",
                    "♀",
                    "y M",
                    "yo女性",
                    "歳の男性",
                    "才♀",
                ];
                Age::new("", digits, dice.pick::<&str>(&sexes), "sex behind")
            }
        },
        "b" => match dice.below(9) {
            0 => Age::new("（", full, "歳）", "in brackets, full-width"),
            1 => Age::new("（", digits, "）", "in brackets"),
            2 => Age::new("(享年", digits, ")", "in brackets"),
            3 => Age::new("（", digits, "歳、要支援2）", "in brackets"),
            4 => Age::new("(", digits, "y.o.)", "in brackets"),
            5 => Age::new("<", digits, "歳>", "in brackets"),
            6 => Age::new("(", digits, "y)", "in brackets"),
            7 => Age::new("(", digits, ")", "in brackets"),
            _ => Age::new("(", digits, "歳)", "in brackets"),
        },
        "n" => match dice.below(5) {
            0 => Age::new("", full, "", "without unit, full-width"),
            _ => Age::new("", digits, "", "without unit"),
        },
        _ => match dice.below(14) {
            0 | 1 => Age::new("", full, "歳", "full-width"),
            2 => Age::new("", digits, "才", "才"),
            3 => Age::new("", digits, " 歳", "blank"),
            4 => Age::new("満", digits, "歳", "満"),
            5 => Age::new("", digits, "歳4ヶ月", "months behind"),
            6 => Age::new("", digits, "yo", "yo"),
            7 => Age::new("", digits, "yr", "yo"),
            8 => Age::new("", digits, "y.o", "yo"),
            _ => Age::new("", digits, "歳", "歳"),
        },
    }
}

const ONES: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
                    sixteen seventeen eighteen nineteen";
const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

fn words(number: usize) -> String {
    let one = |number: usize| ONES.split(' ').nth(number).unwrap().to_owned();
    match number {
        100 => "one hundred".to_owned(),
        101.. => format!("one hundred and {}", one(number - 100)),
        20.. if number.is_multiple_of(10) => TENS[number / 10 - 2].to_owned(),
        20.. => format!("{}-{}", TENS[number / 10 - 2], one(number % 10)),
        _ => one(number),
    }
}

/// By a letter: x in words, w by its name, s a decade, m with the sex, a in running text, b in brackets, n alone.
fn english_age(form: &str, age: usize, dice: &mut Dice) -> Age {
    let digits = age.to_string();
    match form {
        "x" => Age::new("", words(age), "", "in words"),
        "w" if age < 100 => Age::new("", "nonagenarian", "", "by name"),
        "w" => Age::new("", "centenarian", "", "by name"),
        "s" if age >= 100 => Age::new("", "100", "s", "decade"),
        "s" => match dice.below(4) {
            0 => {
                let ten = TENS[age / 10 - 2].trim_end_matches('y');
                Age::new("", format!("{ten}ies"), "", "decade, in words")
            }
            1 => Age::new("", (age / 10 * 10).to_string(), "'s", "decade"),
            _ => Age::new("", (age / 10 * 10).to_string(), "s", "decade"),
        },
        "m" => match dice.below(12) {
            0 => Age::new("F ", digits, "", "sex before"),
            1 => Age::new("M", digits, "", "sex before"),
            _ => {
                let sexes = [
                    "F",
                    "M",
                    "F",
                    "M",
                    " yo F",
                    "yo M",
                    "yoM",
                    " y/o female",
                    " y.o. male",
                    "-year-old woman",
                    "-year-old man",
                    "-year-old gentleman",
                    " year old lady",
                    "/F",
                    "yF",
                    " M",
                ];
                Age::new("", digits, dice.pick::<&str>(&sexes), "sex behind")
            }
        },
        "a" => match dice.below(6) {
            0 => Age::new("aged ", digits, "", "in running text"),
            1 => Age::new("age ", digits, "", "in running text"),
            2 => Age::new("", digits, " years of age", "in running text"),
            3 => Age::new("", digits, " yrs", "in running text"),
            4 => Age::new("age: ", digits, "", "in running text"),
            _ => Age::new("", digits, " years old", "in running text"),
        },
        "b" => match dice.below(5) {
            0 => Age::new("(age ", digits, ")", "in brackets"),
            1 => Age::new("(", digits, "y)", "in brackets"),
            2 => Age::new("(", digits, "yo)", "in brackets"),
            _ => Age::new("(", digits, ")", "in brackets"),
        },
        "n" => Age::new("", digits, "", "without unit"),
        _ => match dice.below(12) {
            0 => Age::new("", words(age), "-year-old", "in words"),
            1 => Age::new("", digits, " year old", "before a noun"),
            2 => Age::new("", digits, "yo", "before a noun"),
            3 => Age::new("", digits, " yo", "before a noun"),
            4 => Age::new("", digits, "-yo", "before a noun"),
            5 => Age::new("", digits, " y/o", "before a noun"),
            6 => Age::new("", digits, " yr-old", "before a noun"),
            7 => Age::new("", digits, "-years-old", "before a noun"),
            _ => Age::new("", digits, "-year-old", "before a noun"),
        },
    }
}

/// What is in brackets in a text is a piece, and what stands around it need not be masked.
fn date(name: &str, english: bool, date: Date, dice: &mut Dice) -> Written {
    let parts = Parts::new(date);
    let write = match (name, english) {
        ("md", false) => month_day,
        ("ym", false) => year_month,
        ("dob", false) => birth,
        ("day", false) => day,
        ("days", false) => days,
        ("span", false) => span,
        ("stamp", false) => stamp,
        ("month", false) => month,
        ("year", false) => year,
        ("fy", false) => fiscal_year,
        (_, false) => whole,
        ("md", true) => english_month_day,
        ("ym", true) => english_year_month,
        ("dob", true) => english_birth,
        ("day", true) => english_day,
        ("days", true) => english_days,
        ("span", true) => english_span,
        ("stamp", true) => english_stamp,
        ("month", true) => english_month,
        ("year", true) => english_year,
        ("fy", true) => english_fiscal_year,
        (_, true) => english_whole,
    };
    write(&parts, dice)
}

struct Parts {
    date: Date,
    y: i16,
    m: i8,
    d: i8,
    /// The year's last two digits.
    short: i16,
    era: &'static str,
    /// The era's first letter in kanji.
    one: &'static str,
    letter: &'static str,
    e: i16,
    /// The month in English, and its first three letters.
    name: &'static str,
    mon: &'static str,
    weekday: usize,
}

impl Parts {
    fn new(date: Date) -> Self {
        let (era, letter, e) = era(date);
        let name = month_name(date.month());
        Self {
            date,
            y: date.year(),
            m: date.month(),
            d: date.day(),
            short: date.year() % 100,
            era,
            one: &era[..3],
            letter,
            e,
            name,
            mon: &name[..3],
            weekday: date.weekday().to_monday_zero_offset() as usize,
        }
    }

    /// The year of the era: the first has no number where it is written in full.
    fn year(&self) -> String {
        match self.e {
            1 => "元".to_owned(),
            more => more.to_string(),
        }
    }

    /// A day of the same month, with room for a later one behind it.
    fn early(&self) -> Self {
        Self::new(Date::new(self.y, self.m, self.d.min(14)).unwrap())
    }

    fn later(&self, count: i64) -> Self {
        Self::new(self.date + count.days())
    }

    fn weekday(&self, list: &[&'static str; 7]) -> &'static str {
        list[self.weekday]
    }

    fn ordinal(&self) -> String {
        let end = match self.d {
            1 | 21 | 31 => "st",
            2 | 22 => "nd",
            3 | 23 => "rd",
            _ => "th",
        };
        format!("{}{end}", self.d)
    }
}

const IN_BRACKETS: [&str; 7] = ["(月)", "(火)", "(水)", "(木)", "(金)", "(土)", "(日)"];
const IN_WIDE_BRACKETS: [&str; 7] = [
    "（月）",
    "（火）",
    "（水）",
    "（木）",
    "（金）",
    "（土）",
    "（日）",
];
const IN_FULL: [&str; 7] = [
    "月曜日",
    "火曜日",
    "水曜日",
    "木曜日",
    "金曜日",
    "土曜日",
    "日曜日",
];
const IN_ENGLISH: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const SHORT_ENGLISH: [&str; 7] = ["Mon", "Tues", "Wed", "Thurs", "Fri", "Sat", "Sun"];

/// Japanese, year, month and day.
fn whole(p: &Parts, dice: &mut Dice) -> Written {
    let Parts {
        y,
        m,
        d,
        short,
        era,
        one,
        letter,
        e,
        ..
    } = *p;
    let year = p.year();
    let form = weighted(
        &[
            (10, 0),
            (6, 1),
            (9, 2),
            (1, 3),
            (6, 4),
            (3, 5),
            (1, 6),
            (7, 7),
            (2, 8),
            (2, 9),
            (1, 10),
            (1, 11),
            (2, 12),
            (1, 13),
            (3, 14),
            (2, 15),
            (1, 16),
            (1, 17),
            (3, 18),
            (2, 19),
            (1, 20),
            (1, 21),
            (1, 22),
            (1, 23),
            (1, 24),
            (2, 25),
            (1, 26),
            (1, 27),
            (1, 28),
            (1, 29),
        ],
        dice,
    );
    let text = match form {
        0 => format!("{y}/{m}/{d}"),
        1 => format!("{y}/{m:02}/{d:02}"),
        2 => format!("{y}年{m}月{d}日"),
        3 => format!("{y}年{m:02}月{d:02}日"),
        4 => format!("{letter}{e}.{m}.{d}"),
        5 => format!("{letter}{e}/{m}/{d}"),
        6 => format!("{letter}{e}年{m}月{d}日"),
        7 => format!("{era}{year}年{m}月{d}日"),
        8 => wide(&format!("{era}{year}年{m}月{d}日")),
        9 => wide(&format!("{y}年{m}月{d}日")),
        10 => wide(&format!("{y}/{m}/{d}")),
        11 => wide(&format!("{letter}{e}.{m}.{d}")),
        12 => format!("{short:02}/{m}/{d}"),
        13 => format!("'{short:02}/{m}/{d}"),
        14 => format!("{y}-{m:02}-{d:02}"),
        15 => format!("{y}.{m}.{d}"),
        16 => format!("{y}{m:02}{d:02}"),
        17 => format!("{short:02}{m:02}{d:02}"),
        18 => return (format!("{y}/{m}/{d}"), p.weekday(&IN_BRACKETS), "weekday"),
        19 => {
            let text = format!("{era}{year}年{m}月{d}日");
            return (text, p.weekday(&IN_WIDE_BRACKETS), "weekday");
        }
        20 => return (format!("{y}年{m}月{d}日"), p.weekday(&IN_FULL), "weekday"),
        21 => format!("<{m}月{d}日>（<{y}年>）"),
        22 => {
            let [e, m, d] = [e as usize, m as usize, d as usize].map(kanji);
            let e = if year == "元" { year } else { e };
            format!("{era}{e}年{m}月{d}日")
        }
        23 => format!("{d}-{}-{short:02}", p.mon),
        24 => format!("{letter}{e:02}.{m:02}.{d:02}"),
        25 => {
            let years = [format!("{y}."), format!("{y}年"), format!("{letter}{e}年")];
            let year = dice.pick(&years);
            format!("{year}{m}/{d}")
        }
        26 => format!("{one}{year}.{m}.{d}"),
        27 => {
            let sign = match letter {
                "R" => "㋿",
                "H" => "㍻",
                "S" => "㍼",
                _ => "㍽",
            };
            format!("{sign}{e}年{m}月{d}日")
        }
        28 => format!("{y}年{m}月{d}日（{letter}{e}）"),
        _ => format!("{y} {m}/{d}"),
    };
    let sort = match form {
        0 | 1 => "western, slashes",
        2 | 3 => "western, 年月日",
        4 | 5 => "era's letter",
        6 => "era's letter, 年月日",
        7 => "era, 年月日",
        8..=11 => "full-width",
        12 => "two-digit year",
        13 => "apostrophe",
        14 => "western, hyphens",
        15 => "western, dots",
        16 => "eight digits",
        17 => "six digits",
        21 => "year behind",
        22 => "kanji",
        23 => "English month",
        24 => "era's letter, zeros",
        25 => "mixed marks",
        26 => "era's first kanji",
        27 => "era in one sign",
        28 => "western and era",
        _ => "blank",
    };
    (text, "", sort)
}

fn birth(p: &Parts, dice: &mut Dice) -> Written {
    let Parts {
        y,
        m,
        d,
        era,
        one,
        letter,
        e,
        ..
    } = *p;
    let year = p.year();
    let form = weighted(
        &[
            (5, 0),
            (6, 1),
            (4, 2),
            (4, 3),
            (2, 4),
            (1, 5),
            (2, 6),
            (1, 7),
            (1, 8),
            (1, 9),
            (1, 10),
            (2, 11),
            (1, 12),
            (1, 13),
        ],
        dice,
    );
    let (text, sort) = match form {
        0 => (format!("{letter}{e}.{m}.{d}"), "era's letter"),
        1 => (format!("{era}{year}年{m}月{d}日"), "era, 年月日"),
        2 => (format!("{y}/{m:02}/{d:02}"), "western, slashes"),
        3 => (format!("{y}年{m}月{d}日"), "western, 年月日"),
        4 => (format!("{letter}{e:02}/{m:02}/{d:02}"), "era's letter"),
        5 => (format!("{y}{m:02}{d:02}"), "eight digits"),
        6 => (format!("{y}-{m:02}-{d:02}"), "western, hyphens"),
        7 => (wide(&format!("{era}{year}年{m}月{d}日")), "full-width"),
        8 => (
            format!("{y}年（{era}{year}年）{m}月{d}日"),
            "western and era",
        ),
        9 => (format!("{one}{year}.{m}.{d}"), "era's first kanji"),
        10 => {
            let code = match letter {
                "T" => 2,
                "S" => 3,
                "H" => 4,
                _ => 5,
            };
            (format!("{code}{e:02}{m:02}{d:02}"), "era's code")
        }
        11 => (format!("{era} {year}年 {m}月 {d}日"), "era, blanks"),
        12 => (format!("{letter}.{e}.{m}.{d}"), "era's letter"),
        _ => (format!("{y}.{m:02}.{d:02}"), "western, dots"),
    };
    (text, "", sort)
}

fn month_day(p: &Parts, dice: &mut Dice) -> Written {
    let Parts { m, d, .. } = *p;
    let form = weighted(
        &[
            (22, 0),
            (14, 1),
            (2, 2),
            (2, 3),
            (3, 4),
            (3, 5),
            (5, 6),
            (2, 7),
            (3, 8),
            (1, 9),
            (1, 10),
            (1, 11),
            (1, 12),
            (1, 13),
            (1, 14),
        ],
        dice,
    );
    let text = match form {
        0 => format!("{m}/{d}"),
        1 => format!("{m}月{d}日"),
        2 => format!("{m:02}/{d:02}"),
        3 => format!("{m}／{d}"),
        4 => wide(&format!("{m}/{d}")),
        5 => wide(&format!("{m}月{d}日")),
        6 => format!("{m}/{d}"),
        7 => format!("{m}/{d}"),
        8 => format!("{m}月{d}日"),
        9 => format!("{m}月{d}日"),
        10 => format!("{}月{}日", kanji(m as usize), kanji(d as usize)),
        11 => format!("{m}/{d:2}"),
        12 => format!("{m}月 {d}日"),
        13 => format!("{m}.{d}"),
        _ => format!("{m:02}{d:02}"),
    };
    let weekday = match form {
        6 => p.weekday(&IN_BRACKETS),
        7 => p.weekday(&IN_WIDE_BRACKETS),
        8 => p.weekday(&IN_BRACKETS),
        9 => p.weekday(&IN_FULL),
        _ => "",
    };
    let sort = match form {
        0 | 2 => "month and day, slash",
        1 => "month and day, 月日",
        3..=5 => "month and day, full-width",
        6..=9 => "month and day, weekday",
        10 => "month and day, kanji",
        11 | 12 => "month and day, blank",
        13 => "month and day, dot",
        _ => "month and day, four digits",
    };
    (text, weekday, sort)
}

fn year_month(p: &Parts, dice: &mut Dice) -> Written {
    let Parts {
        y,
        m,
        short,
        era,
        letter,
        e,
        ..
    } = *p;
    let year = p.year();
    let form = weighted(
        &[
            (7, 0),
            (3, 1),
            (3, 2),
            (4, 3),
            (3, 4),
            (2, 5),
            (1, 6),
            (1, 7),
            (2, 8),
            (1, 9),
            (1, 10),
            (1, 11),
        ],
        dice,
    );
    let (text, sort) = match form {
        0 => (format!("{y}年{m}月"), "year and month, 年月"),
        1 => (format!("{y}/{m}"), "year and month, mark"),
        2 => (format!("{letter}{e}.{m}"), "year and month, era's letter"),
        3 => (format!("{era}{year}年{m}月"), "year and month, era"),
        4 => (
            format!("{letter}{e}年{m}月"),
            "year and month, era's letter",
        ),
        5 => (format!("{y}.{m}"), "year and month, mark"),
        6 => (format!("'{short:02}/{m}"), "year and month, apostrophe"),
        7 => (
            format!("{short:02}年{m}月"),
            "year and month, two-digit year",
        ),
        8 => (wide(&format!("{y}年{m}月")), "year and month, full-width"),
        9 => (format!("{y}-{m:02}"), "year and month, mark"),
        10 => (format!("{letter}{e}/{m}"), "year and month, era's letter"),
        _ => (format!("{}.{y}", p.mon), "year and month, English"),
    };
    (text, "", sort)
}

fn year(p: &Parts, dice: &mut Dice) -> Written {
    let Parts {
        y,
        short,
        era,
        letter,
        e,
        ..
    } = *p;
    let form = weighted(&[(7, 0), (4, 1), (3, 2), (1, 3), (1, 4), (1, 5)], dice);
    let text = match form {
        0 => format!("{y}年"),
        1 => format!("{era}{}年", p.year()),
        2 => format!("{letter}{e}年"),
        3 => format!("'{short:02}年"),
        4 => wide(&format!("{y}年")),
        _ => format!("{letter}{e}"),
    };
    (text, "", "year alone")
}

fn fiscal_year(p: &Parts, dice: &mut Dice) -> Written {
    let Parts {
        y, era, letter, e, ..
    } = *p;
    let text = match dice.below(5) {
        0 | 1 => format!("{y}年度"),
        2 => format!("{letter}{e}年度"),
        3 => format!("{y}"),
        _ => format!("{era}{}年度", p.year()),
    };
    // "2023" with its word behind it.
    let behind = if text.len() == 4 { "年度" } else { "" };
    (text, behind, "fiscal year")
}

fn month(p: &Parts, dice: &mut Dice) -> Written {
    let m = p.m;
    let text = match dice.below(8) {
        0 => wide(&format!("{m}月")),
        1 => format!("{}月", kanji(m as usize)),
        _ => format!("{m}月"),
    };
    (text, "", "month alone")
}

fn day(p: &Parts, dice: &mut Dice) -> Written {
    let d = p.d;
    match weighted(&[(6, 0), (1, 1), (3, 2), (1, 3)], dice) {
        0 => (format!("{d}日"), "", "day alone"),
        1 => (wide(&format!("{d}日")), "", "day alone, full-width"),
        2 => (
            format!("{d}日"),
            p.weekday(&IN_BRACKETS),
            "day alone, weekday",
        ),
        _ => (format!("{d}日"), p.weekday(&IN_FULL), "day alone, weekday"),
    }
}

fn span(p: &Parts, dice: &mut Dice) -> Written {
    let from = p.early();
    let to = from.later(dice.range(2, 13) as i64);
    let Parts {
        y,
        m,
        d,
        era,
        letter,
        e,
        ..
    } = from;
    let (year, l) = (from.year(), to.d);
    let whole = "range, both whole";
    let short = "range, second short";
    let (text, sort) = match weighted(
        &[
            (6, 0),
            (3, 1),
            (3, 2),
            (3, 3),
            (4, 4),
            (2, 5),
            (2, 6),
            (2, 7),
            (1, 8),
            (1, 9),
            (2, 10),
            (1, 11),
            (1, 12),
            (2, 13),
            (2, 14),
            (1, 15),
        ],
        dice,
    ) {
        0 => (format!("<{m}/{d}>～<{m}/{l}>"), whole),
        1 => (format!("<{m}/{d}>-<{l}>"), short),
        2 => (format!("<{m}月{d}日>から<{l}日>"), short),
        3 => (format!("<{m}月{d}日>〜<{l}日>"), short),
        4 => (format!("<{y}/{m}/{d}>～<{y}/{m}/{l}>"), whole),
        5 => (
            format!("<{letter}{e}.{m}.{d}>～<{letter}{e}.{m}.{l}>"),
            whole,
        ),
        6 => (format!("<{letter}{e}.{m}.{d}>～<{m}.{l}>"), short),
        7 => (format!("<{y}年{m}月{d}日>から<{m}月{l}日>"), whole),
        8 => (format!("<{era}{year}年{m}月{d}日>～同月<{l}日>"), short),
        9 => {
            let [from, to] = [format!("{m}月{d}日"), format!("{l}日")].map(|one| wide(&one));
            (format!("<{from}>～<{to}>"), short)
        }
        10 => (format!("<{m}/{d}>→<{m}/{l}>"), whole),
        11 => (
            format!("自 <{era}{year}年{m}月{d}日> 至 <{era}{year}年{m}月{l}日>"),
            whole,
        ),
        12 => (format!("<{y}.{m}.{d}>-<{y}.{m}.{l}>"), whole),
        13 => {
            let (first, last) = (from.weekday(&IN_BRACKETS), to.weekday(&IN_BRACKETS));
            (format!("<{m}/{d}>{first}～<{m}/{l}>{last}"), whole)
        }
        14 => (format!("<{y}年{m}月{d}日>～<{l}日>"), short),
        _ => (format!("<{m}/{d}>~<{l}>"), short),
    };
    (text, "", sort)
}

fn days(p: &Parts, dice: &mut Dice) -> Written {
    let first = p.early();
    let (second, third) = (first.later(7), first.later(14));
    let Parts { m, d, .. } = first;
    let (b, c) = (second.d, third.d);
    let whole = "list, all whole";
    let short = "list, rest short";
    let (text, sort) = match dice.below(11) {
        0 => (format!("<{m}/{d}>、<{b}>、<{c}>"), short),
        1 => (format!("<{m}/{d}>,<{b}>,<{c}>"), short),
        2 => (format!("<{m}/{d}>・<{m}/{b}>・<{m}/{c}>"), whole),
        3 => (format!("<{m}月{d}日>、<{b}日>、<{c}日>"), short),
        4 => (format!("<{m}/{d}>、<{m}/{b}>、<{m}/{c}>"), whole),
        5 => (format!("<{m}/{d}>と<{m}/{b}>"), whole),
        6 => (format!("<{m}月{d}日>と<{b}日>"), short),
        7 => {
            let weekday = first.weekday(&IN_BRACKETS);
            (format!("<{m}/{d}>{weekday}、<{m}/{b}>{weekday}"), whole)
        }
        8 => (format!("<{m}月{d}>・<{b}日>"), short),
        9 => (format!("<{m}/{d}>及び<{m}/{c}>"), whole),
        _ => (format!("<{m}/{d}>, <{m}/{b}>, <{m}/{c}>"), whole),
    };
    (text, "", sort)
}

fn stamp(p: &Parts, dice: &mut Dice) -> Written {
    let Parts {
        y,
        m,
        d,
        short,
        letter,
        e,
        ..
    } = *p;
    let [h, min, s] = [24, 60, 60].map(|most| dice.below(most));
    let (text, sort) = match dice.below(8) {
        0 | 1 => (
            format!("<{y}/{m:02}/{d:02}> {h:02}:{min:02}:{s:02}"),
            "stamp",
        ),
        2 => (
            format!("<{y}-{m:02}-{d:02}>T{h:02}:{min:02}:{s:02}+09:00"),
            "stamp, ISO",
        ),
        3 => (
            format!("{y}{m:02}{d:02}{h:02}{min:02}{s:02}"),
            "stamp, fourteen digits",
        ),
        4 => (
            format!("<{y}{m:02}{d:02}>_{h:02}{min:02}"),
            "stamp, eight digits",
        ),
        5 => (
            format!("<{short:02}/{m:02}/{d:02}>-{h:02}:{min:02}"),
            "stamp",
        ),
        6 => (
            format!("<{letter}{e}.{m}.{d}> {h}:{min:02}"),
            "stamp, era's letter",
        ),
        _ => (
            format!("<{y}年{m:02}月{d:02}日>{h:02}時{min:02}分"),
            "stamp, 年月日",
        ),
    };
    (text, "", sort)
}

fn english_whole(p: &Parts, dice: &mut Dice) -> Written {
    let Parts {
        y,
        m,
        d,
        short,
        name,
        mon,
        ..
    } = *p;
    let day = p.ordinal();
    let form = weighted(
        &[
            (6, 0),
            (5, 1),
            (4, 2),
            (3, 3),
            (5, 4),
            (5, 5),
            (2, 6),
            (3, 7),
            (3, 8),
            (2, 9),
            (1, 10),
            (3, 11),
            (2, 12),
            (1, 13),
            (1, 14),
            (1, 15),
            (1, 16),
            (1, 17),
            (1, 18),
            (1, 19),
            (1, 20),
            (1, 21),
            (1, 22),
        ],
        dice,
    );
    let (text, sort) = match form {
        0 => (format!("{m:02}/{d:02}/{y}"), "slashes, month first"),
        1 => (format!("{m}/{d}/{short:02}"), "slashes, month first"),
        2 => (format!("{d:02}/{m:02}/{y}"), "slashes, day first"),
        3 => (format!("{d:02}/{m:02}/{short:02}"), "slashes, day first"),
        4 => (format!("{name} {d}, {y}"), "month in words, first"),
        5 => (format!("{d} {name} {y}"), "month in words, second"),
        6 => (format!("{day} {name} {y}"), "month in words, ordinal"),
        7 => (format!("{mon} {d}, {y}"), "month in words, first"),
        8 => (format!("{d} {mon} {y}"), "month in words, second"),
        9 => (format!("{d:02}-{mon}-{y}"), "month in words, hyphens"),
        10 => (format!("{d}-{mon}-{short:02}"), "month in words, hyphens"),
        11 => (format!("{y}-{m:02}-{d:02}"), "ISO"),
        12 => (format!("{d:02}.{m:02}.{short:02}"), "dots"),
        13 => (format!("{d:02}.{m:02}.{y}"), "dots"),
        14 => (
            format!("{}, <{name} {d}, {y}>", p.weekday(&IN_ENGLISH)),
            "weekday",
        ),
        15 => (
            format!("{} <{d}/{m}/{short:02}>", p.weekday(&SHORT_ENGLISH)),
            "weekday",
        ),
        16 => (format!("{name} {day}, {y}"), "month in words, ordinal"),
        17 => (
            format!("the <{day} of {name} {y}>"),
            "month in words, ordinal",
        ),
        18 => (
            format!("{d:02}{}{short:02}", mon.to_uppercase()),
            "month in words, glued",
        ),
        19 => (format!("{y}{m:02}{d:02}"), "eight digits"),
        20 => (format!("{m:02}-{d:02}-{short:02}"), "hyphens"),
        21 => (format!("{d:02}/{mon}/{y}"), "month in words, slashes"),
        _ => (format!("{d} {mon} '{short:02}"), "month in words, second"),
    };
    (text, "", sort)
}

fn english_birth(p: &Parts, dice: &mut Dice) -> Written {
    let Parts {
        y,
        m,
        d,
        short,
        name,
        mon,
        ..
    } = *p;
    let form = weighted(
        &[
            (5, 0),
            (3, 1),
            (4, 2),
            (2, 3),
            (2, 4),
            (2, 5),
            (1, 6),
            (1, 7),
            (1, 8),
        ],
        dice,
    );
    let (text, sort) = match form {
        0 => (format!("{m:02}/{d:02}/{y}"), "slashes, month first"),
        1 => (format!("{m}/{d}/{short:02}"), "slashes, month first"),
        2 => (format!("{d:02}/{m:02}/{y}"), "slashes, day first"),
        3 => (format!("{d} {mon} {y}"), "month in words, second"),
        4 => (format!("{name} {d}, {y}"), "month in words, first"),
        5 => (format!("{d:02}-{mon}-{y}"), "month in words, hyphens"),
        6 => (format!("{y}-{m:02}-{d:02}"), "ISO"),
        7 => (format!("{d:02}.{m:02}.{y}"), "dots"),
        _ => (format!("{m:02}-{d:02}-{y}"), "hyphens"),
    };
    (text, "", sort)
}

fn english_month_day(p: &Parts, dice: &mut Dice) -> Written {
    let Parts {
        m, d, name, mon, ..
    } = *p;
    let day = p.ordinal();
    let form = weighted(
        &[
            (9, 0),
            (5, 1),
            (4, 2),
            (3, 3),
            (2, 4),
            (2, 5),
            (2, 6),
            (3, 7),
            (1, 8),
            (1, 9),
            (1, 10),
            (1, 11),
            (1, 12),
        ],
        dice,
    );
    let (text, sort) = match form {
        0 => (format!("{m}/{d}"), "month and day, slash"),
        1 => (format!("{name} {d}"), "month and day, words"),
        2 => (format!("{d} {name}"), "month and day, words"),
        3 => (format!("{mon} {d}"), "month and day, words"),
        4 => (format!("{d}/{m}"), "month and day, slash"),
        5 => (format!("{day} {name}"), "month and day, ordinal"),
        6 => (format!("{name} {day}"), "month and day, ordinal"),
        7 => (format!("{d} {mon}"), "month and day, words"),
        8 => (
            format!("{} <{m}/{d}>", p.weekday(&SHORT_ENGLISH)),
            "month and day, weekday",
        ),
        9 => (format!("{d}-{mon}"), "month and day, hyphen"),
        10 => (format!("{m:02}/{d:02}"), "month and day, slash"),
        11 => (
            format!("{} <{name} {d}>", p.weekday(&IN_ENGLISH)),
            "month and day, weekday",
        ),
        _ => (format!("{day} of {name}"), "month and day, ordinal"),
    };
    (text, "", sort)
}

fn english_year_month(p: &Parts, dice: &mut Dice) -> Written {
    let Parts {
        y,
        m,
        short,
        name,
        mon,
        ..
    } = *p;
    let (text, sort) = match weighted(
        &[(6, 0), (3, 1), (2, 2), (1, 3), (1, 4), (1, 5), (1, 6)],
        dice,
    ) {
        0 => (format!("{name} {y}"), "year and month, words"),
        1 => (format!("{mon} {y}"), "year and month, words"),
        2 => (format!("{m:02}/{y}"), "year and month, digits"),
        3 => (format!("{mon} '{short:02}"), "year and month, apostrophe"),
        4 => (format!("{y}-{m:02}"), "year and month, digits"),
        5 => (format!("{name} of {y}"), "year and month, words"),
        _ => (format!("{m:02}/{short:02}"), "year and month, two digits"),
    };
    (text, "", sort)
}

fn english_year(p: &Parts, dice: &mut Dice) -> Written {
    let Parts { y, short, .. } = *p;
    let text = match dice.below(9) {
        0 => format!("'{short:02}"),
        _ => y.to_string(),
    };
    (text, "", "year alone")
}

fn english_fiscal_year(p: &Parts, dice: &mut Dice) -> Written {
    let Parts { y, short, .. } = *p;
    let text = match dice.below(4) {
        0 => format!("FY{y}"),
        1 => format!("FY{short:02}"),
        2 => format!("{y}/{:02}", short + 1),
        _ => format!("{y}-{:02}", short + 1),
    };
    (text, "", "fiscal year")
}

fn english_month(p: &Parts, _: &mut Dice) -> Written {
    (p.name.to_owned(), "", "month alone")
}

fn english_day(p: &Parts, dice: &mut Dice) -> Written {
    let day = p.ordinal();
    match dice.below(4) {
        0 => (
            format!("{} the <{day}>", p.weekday(&IN_ENGLISH)),
            "",
            "day alone, weekday",
        ),
        1 => (
            format!("{} <{day}>", p.weekday(&SHORT_ENGLISH)),
            "",
            "day alone, weekday",
        ),
        _ => (format!("the <{day}>"), "", "day alone"),
    }
}

fn english_span(p: &Parts, dice: &mut Dice) -> Written {
    let from = p.early();
    let to = from.later(dice.range(2, 13) as i64);
    let Parts {
        y,
        m,
        d,
        short,
        name,
        mon,
        ..
    } = from;
    let l = to.d;
    let whole = "range, both whole";
    let second = "range, second short";
    let first = "range, first short";
    let (text, sort) = match dice.below(14) {
        0 | 1 => (format!("<{m}/{d}>-<{m}/{l}>"), whole),
        2 => (
            format!("<{m}/{d}/{short:02}> to <{m}/{l}/{short:02}>"),
            whole,
        ),
        3 => (format!("<{m:02}/{d:02}/{y}> - <{m:02}/{l:02}/{y}>"), whole),
        4 => (format!("<{name} {d}>–<{l}>"), second),
        5 => (format!("<{mon} {d}>-<{l}, {y}>"), second),
        6 => (format!("<{d}>–<{l} {name}>"), first),
        7 => (format!("<{d}>-<{l} {mon} {y}>"), first),
        8 => (format!("<{name} {d}> through <{name} {l}>"), whole),
        9 => (
            format!("<{}>-<{} {name}>", from.ordinal(), to.ordinal()),
            first,
        ),
        10 => (format!("<{d} {name}> to <{l} {name} {y}>"), whole),
        11 => (format!("<{m}/{d}>-<{l}>"), second),
        12 => (
            format!("<{d:02}/{m:02}/{short:02}>-<{l:02}/{m:02}/{short:02}>"),
            whole,
        ),
        _ => (
            format!("<{name} {}> to the <{}>", from.ordinal(), to.ordinal()),
            second,
        ),
    };
    (text, "", sort)
}

fn english_days(p: &Parts, dice: &mut Dice) -> Written {
    let first = p.early();
    let (second, third) = (first.later(7), first.later(14));
    let Parts {
        m, d, name, mon, ..
    } = first;
    let (b, c) = (second.d, third.d);
    let (text, sort) = match dice.below(6) {
        0 => (
            format!("<{m}/{d}>, <{m}/{b}>, <{m}/{c}>"),
            "list, all whole",
        ),
        1 => (
            format!("<{d}>, <{b}> and <{c} {name}>"),
            "list, first ones short",
        ),
        2 => (format!("<{name} {d}>, <{b}> and <{c}>"), "list, rest short"),
        3 => (format!("<{m}/{d}> & <{m}/{b}>"), "list, all whole"),
        4 => (
            format!("<{mon} {d}>, <{mon} {b}>, <{mon} {c}>"),
            "list, all whole",
        ),
        _ => (format!("<{m}/{d}> and <{m}/{c}>"), "list, all whole"),
    };
    (text, "", sort)
}

fn english_stamp(p: &Parts, dice: &mut Dice) -> Written {
    let Parts {
        y,
        m,
        d,
        short,
        mon,
        ..
    } = *p;
    let [h, min, s] = [24, 60, 60].map(|most| dice.below(most));
    let (text, sort) = match dice.below(7) {
        0 => (
            format!("<{y}-{m:02}-{d:02}> {h:02}:{min:02}:{s:02}"),
            "stamp, ISO",
        ),
        1 => (
            format!("<{y}-{m:02}-{d:02}>T{h:02}:{min:02}:{s:02}Z"),
            "stamp, ISO",
        ),
        2 => (
            format!("<{m:02}/{d:02}/{y}> {h:02}{min:02}"),
            "stamp, slashes",
        ),
        3 => (
            format!("<{m:02}/{d:02}/{short:02}> @ {h:02}{min:02}"),
            "stamp, slashes",
        ),
        4 => (
            format!("<{d:02}-{mon}-{y}> {h:02}:{min:02}"),
            "stamp, month in words",
        ),
        5 => (
            format!("<{d:02}/{m:02}/{y}> {h:02}:{min:02}hrs"),
            "stamp, slashes",
        ),
        _ => (
            format!("<{y}{m:02}{d:02}>T{h:02}{min:02}"),
            "stamp, eight digits",
        ),
    };
    (text, "", sort)
}
