//! Numbers by their patterns, and what dates are made of.

use jiff::civil::Date;

use super::Dice;

/// Fills a pattern: `#` a digit, `*` a block of a town, `%` a number of a house, `$` of a room, `~` a name in romaji; each
/// also full-width. Ⓗ is the number of an insurer, Ⓜ ⓜ Ⓝ My Number, Ⓒ the number of a card, all with right check digits;
/// Ⓐ a capital letter, ⓐ a full-width one, Ⓨ the last two digits of a year, ⓗ the sign `#`.
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
            'ⓗ' => out.push('#'),
            'Ⓒ' => out.push_str(&card(dice)),
            'ⓜ' => out.push_str(&my_number(dice)),
            'Ⓐ' => out.push(*dice.pick(&LETTERS)),
            'ⓐ' => out.push_str(&wide(&dice.pick(&LETTERS).to_string())),
            'Ⓨ' => out.push_str(&dice.range(15, 25).to_string()),
            other => out.push(other),
        }
    }
    out
}

/// Those of numbers: O and I look like digits.
const LETTERS: [char; 12] = ['A', 'B', 'C', 'E', 'F', 'H', 'K', 'M', 'P', 'R', 'T', 'Y'];

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

/// Sixteen digits.
fn card(dice: &mut Dice) -> String {
    let first = *dice.pick(&["4", "51", "35"]);
    let number = with_luhn(format!("{first}{}", digits(15 - first.len(), dice)));
    let by = *dice.pick(&[" ", "-", ""]);
    [0, 4, 8, 12].map(|at| &number[at..at + 4]).join(by)
}

/// Eight digits: the law, the prefecture, the insurer, and a digit by the weights 2 and 1 from the right.
fn insurer(dice: &mut Dice) -> String {
    let law = *dice.pick(&["01", "06", "31", "39", "67"]);
    let number = format!("{law}{:02}{}", dice.range(1, 47), digits(3, dice));
    with_luhn(number)
}

/// And the digit that makes the sum by the weights 2 and 1 from the right one of tens.
fn with_luhn(mut number: String) -> String {
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
pub fn era(date: Date) -> (&'static str, &'static str, i16) {
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

const MONTHS: &str =
    "January February March April May June July August September October November December";

pub fn month_name(month: i8) -> &'static str {
    MONTHS.split(' ').nth(month as usize - 1).unwrap()
}
