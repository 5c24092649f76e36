//! Dates, dates with times and times, each known to some precision.
//!
//! A value of low precision is the range of instants it may mean. Two values compare when their
//! ranges lie apart, are equal when they are the same range of the same precision, and otherwise
//! are not comparable (FHIRPath N1 2.0.0 section 6.1 "Equality", 6.2 "Comparison"). A time without
//! an offset beside one with an offset may lie anywhere between +14:00 and -12:00.

mod calendar;

use std::fmt;

use calendar::days_in_month;

/// Which of the three system types a value is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemporalKind {
    Date,
    DateTime,
    Time,
}

/// The last part that is given. Fractions of a second are seconds: the two compare as decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// A date, a date with time, or a time. Parts beyond the precision are at their lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Temporal {
    pub kind: TemporalKind,
    pub precision: Precision,
    pub year: i16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub nanosecond: u32,
    /// How many digits the fraction of the second is written with.
    pub fraction_digits: u8,
    /// Minutes east of UTC.
    pub offset: Option<i16>,
}

impl Temporal {
    const fn lowest(kind: TemporalKind) -> Temporal {
        Temporal {
            kind,
            precision: Precision::Year,
            year: 1970,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            nanosecond: 0,
            fraction_digits: 0,
            offset: None,
        }
    }

    /// A literal without its `@`: `2015`, `2015T`, `2015-02-04T14:34Z`, `T14:34`.
    pub(crate) fn from_literal(text: &str) -> Option<Temporal> {
        match text.split_once('T') {
            None => Self::parse_date(text),
            Some(("", time)) => Self::parse_time(time),
            Some((date, "")) => Some(Temporal {
                kind: TemporalKind::DateTime,
                ..Self::parse_date(date)?
            }),
            Some(_) => Self::parse_date_time(text),
        }
    }

    /// `2015`, `2015-02` or `2015-02-04`.
    #[must_use]
    pub fn parse_date(text: &str) -> Option<Temporal> {
        let mut date = Self::lowest(TemporalKind::Date);
        let bytes = text.as_bytes();
        if !matches!(bytes.len(), 4 | 7 | 10) {
            return None;
        }
        date.year = i16::try_from(digits(bytes, 0, 4)?).ok()?;
        if date.year == 0 {
            return None;
        }
        if bytes.len() >= 7 {
            date.month = part(bytes, 4, b'-', 1..=12)?;
            date.precision = Precision::Month;
        }
        if bytes.len() == 10 {
            date.day = part(bytes, 7, b'-', 1..=days_in_month(date.year, date.month))?;
            date.precision = Precision::Day;
        }
        Some(date)
    }

    /// A date, perhaps with `T`, a time of hour precision or finer and an offset.
    #[must_use]
    pub fn parse_date_time(text: &str) -> Option<Temporal> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, time),
            None => (text, ""),
        };
        let mut whole = Self::parse_date(date)?;
        whole.kind = TemporalKind::DateTime;
        if time.is_empty() {
            return Some(whole);
        }
        if whole.precision < Precision::Day {
            return None;
        }
        let (time, offset) = if let Some(time) = time.strip_suffix('Z') {
            (time, Some(0))
        } else if let Some(at) = time.rfind(['+', '-']) {
            let zone = &time.as_bytes()[at..];
            if zone.len() != 6 {
                return None;
            }
            let hours = digits(zone, 1, 2).filter(|hours| *hours <= 14)?;
            let minutes = i16::from(part(zone, 3, b':', 0..=59)?);
            let east = i16::try_from(hours).ok()? * 60 + minutes;
            (
                &time[..at],
                Some(if zone[0] == b'-' { -east } else { east }),
            )
        } else {
            (time, None)
        };
        whole.offset = offset;
        whole.read_time(time).then_some(whole)
    }

    /// `14`, `14:34`, `14:34:28` or `14:34:28.123`.
    #[must_use]
    pub fn parse_time(text: &str) -> Option<Temporal> {
        let mut time = Self::lowest(TemporalKind::Time);
        time.read_time(text).then_some(time)
    }

    fn read_time(&mut self, text: &str) -> bool {
        self.try_read_time(text).is_some()
    }

    fn try_read_time(&mut self, text: &str) -> Option<()> {
        let bytes = text.as_bytes();
        let in_range = |value: u32, last: u32| (value <= last).then_some(value);
        // 24:00 is no time in FHIR R4 datatypes.html#dateTime
        self.hour = u8::try_from(in_range(digits(bytes, 0, 2)?, 23)?).ok()?;
        self.precision = Precision::Hour;
        if bytes.len() == 2 {
            return Some(());
        }
        self.minute = part(bytes, 2, b':', 0..=59)?;
        self.precision = Precision::Minute;
        if bytes.len() == 5 {
            return Some(());
        }
        // A leap second is allowed by FHIR's regular expression.
        self.second = part(bytes, 5, b':', 0..=60)?;
        self.precision = Precision::Second;
        if bytes.len() == 8 {
            return Some(());
        }
        let fraction = text.get(8..)?.strip_prefix('.')?;
        if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // Digits beyond the ninth are dropped: no clock gives them.
        let kept = &fraction[..fraction.len().min(9)];
        self.fraction_digits = u8::try_from(kept.len()).ok()?;
        self.nanosecond =
            kept.parse::<u32>().ok()? * 10u32.pow(9 - u32::from(self.fraction_digits));
        Some(())
    }

    /// An instant in UTC to the millisecond.
    #[must_use]
    pub fn from_unix(milliseconds: i64) -> Temporal {
        let nanos = i128::from(milliseconds) * 1_000_000;
        let mut instant = Self::lowest(TemporalKind::DateTime);
        instant.precision = Precision::Second;
        instant.fraction_digits = 3;
        instant.offset = Some(0);
        instant.set_nanos(nanos);
        instant
    }

    /// The date of a date with time.
    #[must_use]
    pub fn date(&self) -> Temporal {
        Temporal {
            kind: TemporalKind::Date,
            precision: self.precision.min(Precision::Day),
            year: self.year,
            month: self.month,
            day: self.day,
            ..Self::lowest(TemporalKind::Date)
        }
    }

    /// The time of a date with time, without its offset.
    #[must_use]
    pub fn time(&self) -> Temporal {
        Temporal {
            kind: TemporalKind::Time,
            year: 1970,
            month: 1,
            day: 1,
            offset: None,
            ..*self
        }
    }
}

impl fmt::Display for Temporal {
    /// As FHIR writes it: `2015-02-04T14:34:28.123+10:00`, without `@` and without `T` alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind != TemporalKind::Time {
            write!(f, "{:04}", self.year)?;
            if self.precision >= Precision::Month {
                write!(f, "-{:02}", self.month)?;
            }
            if self.precision >= Precision::Day {
                write!(f, "-{:02}", self.day)?;
            }
        }
        if self.precision >= Precision::Hour {
            if self.kind != TemporalKind::Time {
                f.write_str("T")?;
            }
            write!(f, "{:02}", self.hour)?;
            if self.precision >= Precision::Minute {
                write!(f, ":{:02}", self.minute)?;
            }
            if self.precision >= Precision::Second {
                write!(f, ":{:02}", self.second)?;
                if self.fraction_digits > 0 {
                    let digits = u32::from(self.fraction_digits.min(9));
                    let fraction = self.nanosecond / 10u32.pow(9 - digits);
                    write!(f, ".{fraction:0width$}", width = digits as usize)?;
                }
            }
        }
        match self.offset {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

fn digits(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    bytes
        .get(at..at + count)?
        .iter()
        .try_fold(0, |value, byte| {
            byte.is_ascii_digit()
                .then(|| value * 10 + u32::from(byte - b'0'))
        })
}

/// Two digits behind a separator.
fn part(bytes: &[u8], at: usize, separator: u8, range: std::ops::RangeInclusive<u8>) -> Option<u8> {
    if *bytes.get(at)? != separator {
        return None;
    }
    let value = u8::try_from(digits(bytes, at + 1, 2)?).ok()?;
    range.contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Temporal {
        Temporal::from_literal(text).unwrap()
    }

    #[test]
    fn what_is_written_is_read_and_written_again() {
        for text in [
            "2015",
            "2015-02",
            "2015-02-04",
            "2015-02-04T14:34:28.123+10:00",
        ] {
            assert_eq!(literal(text).to_string(), text);
        }
        for text in [
            "2015-13",
            "2015-02-29",
            "15",
            "2015-02-04T25",
            "2015-02T10",
            "2015-02-04T10:00+9",
        ] {
            assert_eq!(Temporal::from_literal(text), None, "{text}");
        }
    }
}
