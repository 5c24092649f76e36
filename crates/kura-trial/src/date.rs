//! Calendar days. Wash-out and "before the protocol" are questions of days, not of hours.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A day of the Gregorian calendar, in ISO 8601 form `2026-04-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// `None` for a day that does not exist.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let length = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        (year >= 1 && (1..=length).contains(&day)).then_some(Date { year, month, day })
    }

    /// From a day, or from an instant `2026-04-01T09:30:00+09:00`, whose day is taken as written.
    /// `None` when it is neither.
    pub fn parse_day_or_instant(text: &str) -> Option<Self> {
        match text.split_once('T') {
            Some((day, time)) if is_time(time) => day.parse().ok(),
            Some(_) => None,
            None => text.parse().ok(),
        }
    }

    /// Days since 0000-03-01, counted in years that begin in March so that the leap day is last.
    fn number(self) -> i64 {
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let (year, month) = if month > 2 {
            (year, month - 3)
        } else {
            (year - 1, month + 9)
        };
        let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        // (153 m + 2) / 5 days lie before month m of such a year.
        365 * year + leaps + (153 * month + 2) / 5 + i64::from(self.day) - 1
    }

    /// Days between two dates, whichever comes first.
    pub fn days_apart(self, other: Date) -> u64 {
        self.number().abs_diff(other.number())
    }
}

/// `HH:MM`, `HH:MM:SS` or with a fraction, and `Z` or an offset.
fn is_time(text: &str) -> bool {
    let (clock, offset) = match text.find(['Z', '+', '-']) {
        Some(at) => text.split_at(at),
        None => (text, "Z"),
    };
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let parts: Vec<&str> = whole.split(':').collect();
    let within = |text: &str, most: u8| {
        text.len() == 2 && digits(text) && text.parse::<u8>().is_ok_and(|n| n <= most)
    };
    let clock = match parts[..] {
        [h, m] => within(h, 23) && within(m, 59),
        // A leap second is written 60.
        [h, m, s] => within(h, 23) && within(m, 59) && within(s, 60),
        _ => false,
    };
    let offset = offset == "Z"
        || offset[1..]
            .split_once(':')
            .is_some_and(|(h, m)| !offset.starts_with('Z') && within(h, 14) && within(m, 59));
    clock && digits(fraction) && offset
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('-').collect();
        let date = match parts[..] {
            [y, m, d] if y.len() == 4 && m.len() == 2 && d.len() == 2 => {
                if parts.iter().all(|p| digits(p)) {
                    match (y.parse(), m.parse(), d.parse()) {
                        (Ok(y), Ok(m), Ok(d)) => Date::new(y, m, d),
                        _ => None,
                    }
                } else {
                    None
                }
            }
            _ => None,
        };
        date.ok_or_else(|| "a date is a day that exists, written as 2026-04-01".to_owned())
    }
}

impl TryFrom<String> for Date {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> String {
        date.to_string()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// Differences from Python's `datetime.date`.
    #[test]
    fn days_are_counted_over_leap_years() {
        assert_eq!(date("2024-02-28").days_apart(date("2024-03-01")), 2);
        assert_eq!(date("2023-02-28").days_apart(date("2023-03-01")), 1);
        assert_eq!(date("2026-03-31").days_apart(date("1999-12-31")), 9587);
        assert_eq!(date("0001-01-01").days_apart(date("2026-11-21")), 739_940);
    }

    #[test]
    fn only_days_that_exist() {
        for bad in [
            "2023-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-4-01",
            "2026-04-31",
            "+026-04-01",
            "",
        ] {
            assert!(bad.parse::<Date>().is_err(), "{bad}");
        }
        assert_eq!(date("2000-02-29").to_string(), "2000-02-29");
    }

    #[test]
    fn instants_give_their_day() {
        for good in [
            "2026-04-01",
            "2026-04-01T09:30",
            "2026-04-01T09:30:00Z",
            "2026-04-01T09:30:00.25+09:00",
        ] {
            assert_eq!(
                Date::parse_day_or_instant(good),
                Date::new(2026, 4, 1),
                "{good}"
            );
        }
        for bad in [
            "2026-04-01T",
            "2026-04-01T25:00",
            "2026-04-01T09:30Zx",
            "2026-04-01T09:30+9",
            "2026-04-01 09:30",
        ] {
            assert_eq!(Date::parse_day_or_instant(bad), None, "{bad}");
        }
    }
}
