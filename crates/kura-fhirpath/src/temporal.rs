//! Dates, dates with times and times, each known to some precision.
//!
//! A value of low precision is the range of instants it may mean. Two values compare when their
//! ranges lie apart, are equal when they are the same range of the same precision, and otherwise
//! are not comparable (FHIRPath N1 2.0.0 section 6.1 "Equality", 6.2 "Comparison"). A time without
//! an offset beside one with an offset may lie anywhere between +14:00 and -12:00.

use std::cmp::Ordering;
use std::fmt;

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

const NANOS: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * NANOS;

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

    /// Nanoseconds since 1970, the parts taken as they stand, without the offset.
    fn nanos(&self) -> i128 {
        let days = days_from_civil(self.year, self.month, self.day);
        let seconds =
            i128::from(self.hour) * 3600 + i128::from(self.minute) * 60 + i128::from(self.second);
        i128::from(days) * DAY + seconds * NANOS + i128::from(self.nanosecond)
    }

    /// The parts of a number of nanoseconds since 1970; false when the year has no four digits.
    fn set_nanos(&mut self, nanos: i128) -> bool {
        let days = nanos.div_euclid(DAY);
        let Some((year, month, day)) = i64::try_from(days).ok().and_then(civil_from_days) else {
            return false;
        };
        let rest = nanos.rem_euclid(DAY);
        let part = |value: i128| u8::try_from(value).unwrap_or_default();
        (self.year, self.month, self.day) = (year, month, day);
        self.hour = part(rest / (3600 * NANOS));
        self.minute = part(rest / (60 * NANOS) % 60);
        self.second = part(rest / NANOS % 60);
        self.nanosecond = u32::try_from(rest % NANOS).unwrap_or_default();
        true
    }

    /// First and last nanosecond that the value may mean.
    fn range(&self, other_has_offset: bool) -> (i128, i128) {
        let low = self.nanos();
        let mut end = *self;
        end.complete_high();
        let high = if self.precision == Precision::Second {
            low
        } else {
            end.nanos()
        };
        let minute = 60 * NANOS;
        match self.offset {
            Some(offset) => {
                let shift = i128::from(offset) * minute;
                (low - shift, high - shift)
            }
            None if other_has_offset => (low - 14 * 60 * minute, high + 12 * 60 * minute),
            None => (low, high),
        }
    }

    /// The order of two values, `None` where their precision leaves it open. Times compare with
    /// times only; that is for the caller to see to.
    #[must_use]
    pub fn compare(&self, other: &Temporal) -> Option<Ordering> {
        let mine = self.range(other.offset.is_some());
        let theirs = other.range(self.offset.is_some());
        if mine.1 < theirs.0 {
            Some(Ordering::Less)
        } else if mine.0 > theirs.1 {
            Some(Ordering::Greater)
        } else if self.precision == other.precision
            && mine == theirs
            && self.offset.is_some() == other.offset.is_some()
        {
            Some(Ordering::Equal)
        } else {
            None
        }
    }

    /// Adds a whole number of months.
    pub(crate) fn add_months(&self, months: i64) -> Option<Temporal> {
        let total = i64::from(self.year) * 12 + i64::from(self.month) - 1;
        let total = total.checked_add(months)?;
        let year = i16::try_from(total.div_euclid(12)).ok()?;
        if !(1..=9999).contains(&year) {
            return None;
        }
        let month = u8::try_from(total.rem_euclid(12)).ok()? + 1;
        // FHIRPath N1 2.0.0 section 6.6.7: the last day of the month where the day is not in it.
        let day = self.day.min(days_in_month(year, month));
        Some(Temporal {
            year,
            month,
            day,
            ..*self
        })
    }

    /// Adds nanoseconds; a time goes round the clock.
    pub(crate) fn add_nanos(&self, nanos: i128) -> Option<Temporal> {
        let mut sum = *self;
        let mut total = self.nanos().checked_add(nanos)?;
        if self.kind == TemporalKind::Time {
            total = total.rem_euclid(DAY);
        }
        if !sum.set_nanos(total) {
            return None;
        }
        // As many digits as the sum needs, and no fewer than there were.
        let is_written = |digits: u8| {
            sum.nanosecond
                .is_multiple_of(10u32.pow(9 - u32::from(digits)))
        };
        let needed = [sum.fraction_digits.min(9), 3, 9]
            .into_iter()
            .find(|digits| is_written(*digits));
        sum.fraction_digits = needed.unwrap_or(9);
        Some(sum)
    }

    /// How many digits the value is given to: 4 for a year, 17 for a date with milliseconds.
    #[must_use]
    pub fn digits(&self) -> u32 {
        let all = match self.precision {
            Precision::Year => 4,
            Precision::Month => 6,
            Precision::Day => 8,
            Precision::Hour => 10,
            Precision::Minute => 12,
            Precision::Second => 14 + u32::from(self.fraction_digits),
        };
        if self.kind == TemporalKind::Time {
            all - 8
        } else {
            all
        }
    }

    /// The first or last value of a given number of digits that this one may mean; `None` for a
    /// number of digits that no precision has.
    #[must_use]
    pub fn boundary(&self, digits: u32, high: bool) -> Option<Temporal> {
        let digits = if self.kind == TemporalKind::Time {
            digits + 8
        } else {
            digits
        };
        let precision = match digits {
            4 => Precision::Year,
            6 => Precision::Month,
            8 => Precision::Day,
            10 => Precision::Hour,
            12 => Precision::Minute,
            14 | 17 => Precision::Second,
            _ => return None,
        };
        if self.kind == TemporalKind::Time && precision < Precision::Hour {
            return None;
        }
        let mut bound = *self;
        if high {
            bound.complete_high();
        }
        if precision > Precision::Day && bound.kind != TemporalKind::Time {
            bound.kind = TemporalKind::DateTime;
            // The earliest instant is where the day begins first, the latest where it ends last.
            bound.offset = bound.offset.or(Some(if high { -12 * 60 } else { 14 * 60 }));
        } else {
            bound.offset = None;
        }
        bound.precision = precision;
        bound.fraction_digits = if digits == 17 { 3 } else { 0 };
        // To the millisecond, or none.
        bound.nanosecond = match digits {
            17 => bound.nanosecond / 1_000_000 * 1_000_000,
            _ => 0,
        };
        if precision < Precision::Second {
            bound.second = 0;
        }
        if precision < Precision::Minute {
            bound.minute = 0;
        }
        if precision < Precision::Hour {
            bound.hour = 0;
        }
        if precision < Precision::Day {
            bound.day = 1;
        }
        if precision < Precision::Month {
            bound.month = 1;
        }
        Some(bound)
    }

    /// Sets the parts beyond the precision to their highest.
    fn complete_high(&mut self) {
        if self.precision < Precision::Month {
            self.month = 12;
        }
        if self.precision < Precision::Day {
            self.day = days_in_month(self.year, self.month);
        }
        if self.precision < Precision::Hour {
            self.hour = 23;
        }
        if self.precision < Precision::Minute {
            self.minute = 59;
        }
        if self.precision < Precision::Second {
            self.second = 59;
        }
        if self.fraction_digits == 0 {
            self.nanosecond = 999_999_999;
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

fn days_in_month(year: i16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin in
/// March so that the leap day comes last.
fn days_from_civil(year: i16, month: u8, day: u8) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = i64::from(year) - i64::from(month <= 2);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The reverse; `None` outside the years 1 to 9999.
fn civil_from_days(days: i64) -> Option<(i16, u8, u8)> {
    let days = days.checked_add(719_468)?;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let year = i16::try_from(year)
        .ok()
        .filter(|year| (1..=9999).contains(year))?;
    Some((year, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
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

    #[test]
    fn days_and_their_civil_dates_agree() {
        // 1970-01-01 is day 0, 2000-03-01 day 11017 (POSIX time 951868800).
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2000, 3, 1), 951_868_800 / 86_400);
        for days in (-700_000..2_900_000).step_by(97) {
            let (year, month, day) = civil_from_days(days).unwrap();
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn what_precision_leaves_open_has_no_order() {
        // FHIRPath N1 2.0.0 section 6.1.1: @2012 = @2012-01 is empty, and section 6.2.
        assert_eq!(literal("2012").compare(&literal("2012-01")), None);
        assert_eq!(
            literal("2012-02").compare(&literal("2012-01-31")),
            Some(Ordering::Greater)
        );
        let tokyo = literal("2012-01-01T09:00:00+09:00");
        assert_eq!(
            tokyo.compare(&literal("2012-01-01T00:00:00Z")),
            Some(Ordering::Equal)
        );
        assert_eq!(tokyo.compare(&literal("2012-01-01T09:00:00")), None);
        assert_eq!(
            tokyo.compare(&literal("2012-01-03T00:00:00")),
            Some(Ordering::Less)
        );
    }

    #[test]
    fn boundaries_of_the_specification() {
        // FHIRPath 3.0.0-ballot, "Boundary": @2014 to six digits, T10:30 to nine.
        assert_eq!(literal("2014").boundary(6, true), Some(literal("2014-12")));
        assert_eq!(
            literal("T10:30").boundary(9, true),
            Some(literal("T10:30:59.999"))
        );
        let low = literal("2010-10-10").boundary(17, false).unwrap();
        assert_eq!(low.to_string(), "2010-10-10T00:00:00.000+14:00");
        assert_eq!(literal("2014").boundary(5, true), None);
    }
}
