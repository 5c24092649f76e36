//! The order of partial dates and times, their arithmetic, and the first and last instant they mean.

use std::cmp::Ordering;

use super::{Precision, Temporal, TemporalKind};

const NANOS: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * NANOS;

impl Temporal {
    /// Nanoseconds since 1970, the parts taken as they stand, without the offset.
    fn nanos(&self) -> i128 {
        let days = days_from_civil(self.year, self.month, self.day);
        let seconds =
            i128::from(self.hour) * 3600 + i128::from(self.minute) * 60 + i128::from(self.second);
        i128::from(days) * DAY + seconds * NANOS + i128::from(self.nanosecond)
    }

    /// The parts of a number of nanoseconds since 1970; false when the year has no four digits.
    pub(super) fn set_nanos(&mut self, nanos: i128) -> bool {
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

pub(super) fn days_in_month(year: i16, month: u8) -> u8 {
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
