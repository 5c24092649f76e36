//! Dates of birth as people in Japan write them, and ages.

use kura_fhir::{date, text};

/// An era of the Japanese calendar (和暦).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Era {
    /// 昭和
    pub kanji: &'static str,
    /// Shōwa
    pub latin: &'static str,
    /// S
    pub letter: char,
    /// The Gregorian date of its first day.
    begins: (i64, i64, i64),
}

/// 元号. Meiji begins in the lunar calendar; its dates are Gregorian from 1873 (明治6年) on.
pub const ERAS: [Era; 5] = [
    Era {
        kanji: "明治",
        latin: "Meiji",
        letter: 'M',
        begins: (1868, 10, 23),
    },
    Era {
        kanji: "大正",
        latin: "Taishō",
        letter: 'T',
        begins: (1912, 7, 30),
    },
    Era {
        kanji: "昭和",
        latin: "Shōwa",
        letter: 'S',
        begins: (1926, 12, 25),
    },
    Era {
        kanji: "平成",
        latin: "Heisei",
        letter: 'H',
        begins: (1989, 1, 8),
    },
    Era {
        kanji: "令和",
        latin: "Reiwa",
        letter: 'R',
        begins: (2019, 5, 1),
    },
];

/// Era and year of the era of a Gregorian date.
pub fn era(year: i64, month: i64, day: i64) -> Option<(Era, i64)> {
    ERAS.iter()
        .rev()
        .find(|era| era.begins <= (year, month, day))
        .map(|era| (*era, year - era.begins.0 + 1))
}

/// `1950-04-04`, `1950/4/4`, `1950年4月4日`, `19500404`, `S25.4.4`, `昭和25年4月4日`, and the same
/// to the month or the year, as a FHIR date.
///
/// A date past the end of its era is taken as it is counted on (平成31年6月 is June 2019): that is
/// how forms printed before the change of an era are filled in.
pub fn parse(typed: &str) -> Option<String> {
    let folded = text::fold(typed);
    let mut rest = folded.as_str();
    let mut base = None;
    for era in ERAS {
        let letter = era.letter.to_ascii_lowercase();
        let after = rest.strip_prefix(era.kanji).or_else(|| {
            rest.strip_prefix(letter).filter(|after| {
                after.starts_with(|next: char| next.is_ascii_digit() || next == '元')
            })
        });
        if let Some(after) = after {
            base = Some(era.begins.0 - 1);
            rest = after.trim_start_matches('.');
            break;
        }
    }
    if base.is_none() && rest.len() == 8 && rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return settle(rest[..4].parse().ok()?, Some(&rest[4..6]), Some(&rest[6..]));
    }
    let rest = rest
        .trim_end_matches("生まれ")
        .trim_end_matches("生")
        .replace(['年', '月', '/', '.'], "-")
        .replace('日', "");
    let mut parts = rest.trim_end_matches('-').split('-');
    let first = parts.next()?;
    let (month, day) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    let year = match base {
        Some(base) => {
            let number = if first == "元" { 1 } else { number(first, 2)? };
            if number == 0 {
                return None;
            }
            base + number
        }
        None if first.len() == 4 => number(first, 4)?,
        None => return None,
    };
    settle(year, month, day)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    if text.is_empty() || text.len() > digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn settle(year: i64, month: Option<&str>, day: Option<&str>) -> Option<String> {
    if !(1800..=2200).contains(&year) {
        return None;
    }
    let mut out = format!("{year:04}");
    if let Some(month) = month {
        out.push_str(&format!("-{:02}", number(month, 2)?));
        if let Some(day) = day {
            out.push_str(&format!("-{:02}", number(day, 2)?));
        }
    }
    // Refuses the 13th month and the 30th of February.
    date::range(&out).map(|_| out)
}

/// Whole years, and whole months beyond them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    pub years: i64,
    pub months: i64,
}

/// The age on a day. `None` if the birth date is not known to the day, or is later.
pub fn age(birth_date: &str, on: (i64, i64, i64)) -> Option<Age> {
    let (year, month, day) = civil(birth_date)?;
    let mut months = (on.0 - year) * 12 + on.1 - month;
    if on.2 < day {
        months -= 1;
    }
    (months >= 0).then_some(Age {
        years: months / 12,
        months: months % 12,
    })
}

/// Year, month, day of a FHIR date that is known to the day.
pub fn civil(date: &str) -> Option<(i64, i64, i64)> {
    date::range(date).filter(|_| date.len() == 10)?;
    Some((
        date[..4].parse().ok()?,
        date[5..7].parse().ok()?,
        date[8..].parse().ok()?,
    ))
}

/// Today in Japan.
pub fn today() -> (i64, i64, i64) {
    let seconds = jiff::Timestamp::now().as_second() + date::LOCAL_OFFSET_SECONDS;
    date::civil(seconds.div_euclid(86_400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_to_write_a_birth_date() {
        for typed in [
            "1950-04-04",
            "1950/4/4",
            "1950.4.4",
            "1950年4月4日",
            "19500404",
            "S25.4.4",
            "s25-4-4",
            "昭和25年4月4日",
            "昭和２５年４月４日生",
            "Ｓ２５．４．４",
            "昭和 25年 4月 4日",
            "㍼25.4.4",
        ] {
            assert_eq!(parse(typed).as_deref(), Some("1950-04-04"), "{typed}");
        }
        assert_eq!(parse("令和元年5月1日").as_deref(), Some("2019-05-01"));
        assert_eq!(parse("R1.5.1").as_deref(), Some("2019-05-01"));
        assert_eq!(parse("大正15年12月").as_deref(), Some("1926-12"));
        assert_eq!(parse("M45").as_deref(), Some("1912"));
        assert_eq!(parse("1950").as_deref(), Some("1950"));
        assert_eq!(parse("平成31年6月").as_deref(), Some("2019-06"));
    }

    #[test]
    fn what_is_no_date() {
        for typed in [
            "",
            "小野",
            "佐藤",
            "S",
            "S0.1.1",
            "1950-13-01",
            "1950-02-30",
            "19501301",
            "POP-000035",
            "12345",
            "S25.4.4.4",
            "sato",
            "昭和",
            "H100.1.1",
        ] {
            assert_eq!(parse(typed), None, "{typed}");
        }
    }

    #[test]
    fn eras_change_on_their_day() {
        let name = |year, month, day| era(year, month, day).map(|(era, n)| (era.kanji, n));
        assert_eq!(name(1926, 12, 24), Some(("大正", 15)));
        assert_eq!(name(1926, 12, 25), Some(("昭和", 1)));
        assert_eq!(name(1989, 1, 7), Some(("昭和", 64)));
        assert_eq!(name(1989, 1, 8), Some(("平成", 1)));
        assert_eq!(name(2019, 5, 1), Some(("令和", 1)));
        assert_eq!(name(1860, 1, 1), None);
    }

    #[test]
    fn ages_turn_on_the_birthday() {
        let years = |on| age("1950-04-04", on).map(|age| age.years);
        assert_eq!(years((2026, 4, 3)), Some(75));
        assert_eq!(years((2026, 4, 4)), Some(76));
        assert_eq!(
            age("2025-12-31", (2026, 1, 30)),
            Some(Age {
                years: 0,
                months: 0
            })
        );
        assert_eq!(
            age("2025-12-31", (2026, 1, 31)),
            Some(Age {
                years: 0,
                months: 1
            })
        );
        assert_eq!(age("1950", (2026, 4, 4)), None);
        assert_eq!(age("2027-01-01", (2026, 4, 4)), None);
    }
}
