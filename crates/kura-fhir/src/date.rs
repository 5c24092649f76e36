//! FHIR dates as ranges of seconds, because `2026-06` means a month.

/// Seconds east of UTC for dates without a time zone. Japan has one zone and no summer time.
pub const LOCAL_OFFSET_SECONDS: i64 = 9 * 3600;

/// The first and the last second a FHIR date, dateTime or instant may mean; `None` if it is not
/// one. FHIR R4 datatypes.html#dateTime, search.html#date.
pub fn range(text: &str) -> Option<(i64, i64)> {
    let bytes = text.as_bytes();
    if !text.is_ascii() {
        return None;
    }
    let year = digits(bytes, 0, 4)?;
    if bytes.len() == 4 {
        return Some(local(day_number(year, 1, 1), day_number(year + 1, 1, 1)));
    }
    if bytes.get(4) != Some(&b'-') {
        return None;
    }
    let month = digits(bytes, 5, 2).filter(|month| (1..=12).contains(month))?;
    if bytes.len() == 7 {
        let next = if month == 12 {
            day_number(year + 1, 1, 1)
        } else {
            day_number(year, month + 1, 1)
        };
        return Some(local(day_number(year, month, 1), next));
    }
    if bytes.get(7) != Some(&b'-') {
        return None;
    }
    let day = digits(bytes, 8, 2).filter(|day| (1..=days_in(year, month)).contains(day))?;
    let number = day_number(year, month, day);
    if bytes.len() == 10 {
        return Some(local(number, number + 1));
    }
    if bytes.get(10) != Some(&b'T') || bytes.get(13) != Some(&b':') {
        return None;
    }
    let hour = digits(bytes, 11, 2).filter(|hour| (0..=23).contains(hour))?;
    let minute = digits(bytes, 14, 2).filter(|minute| (0..=59).contains(minute))?;
    let mut at = 16;
    let mut second = None;
    if bytes.get(at) == Some(&b':') {
        second = Some(digits(bytes, at + 1, 2).filter(|second| (0..=60).contains(second))?);
        at += 3;
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            let from = at;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            if at == from {
                return None;
            }
        }
    }
    let offset = match bytes.get(at) {
        None => LOCAL_OFFSET_SECONDS,
        Some(b'Z') if bytes.len() == at + 1 => 0,
        Some(sign @ (b'+' | b'-')) if bytes.len() == at + 6 && bytes[at + 3] == b':' => {
            let seconds = digits(bytes, at + 1, 2)? * 3600 + digits(bytes, at + 4, 2)? * 60;
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    let low = number * 86_400 + hour * 3600 + minute * 60 + second.unwrap_or(0) - offset;
    let length = if second.is_some() { 0 } else { 59 };
    Some((low, low + length))
}

fn local(from: i64, until: i64) -> (i64, i64) {
    (
        from * 86_400 - LOCAL_OFFSET_SECONDS,
        until * 86_400 - LOCAL_OFFSET_SECONDS - 1,
    )
}

fn digits(bytes: &[u8], at: usize, count: usize) -> Option<i64> {
    let digits = bytes.get(at..at + count)?;
    digits.iter().try_fold(0, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + i64::from(digit - b'0'))
    })
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Whether a text is a FHIR time of day: `hh:mm:ss`, with fractions or without.
/// FHIR R4 datatypes.html#time.
pub fn is_time(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<&str> = clock.split(':').collect();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let limits = [23, 59, 60];
    parts.len() == limits.len()
        && digits(fraction)
        && fraction.len() <= 9
        && parts.iter().zip(limits).all(|(part, most)| {
            part.len() == 2 && digits(part) && part.parse().is_ok_and(|number: u8| number <= most)
        })
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
pub fn day_number(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March put the leap day last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_index = (month + 9) % 12;
    let day_of_year = (153 * month_index + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`day_number`]: year, month, day.
pub fn civil(day_number: i64) -> (i64, i64, i64) {
    let days = day_number + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// `2023-11-14T22:13:20.123Z` of milliseconds since 1970.
pub fn instant(millis: i64) -> String {
    let seconds = millis.div_euclid(1000);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        millis.rem_euclid(1000)
    )
}

/// `2026-06-06 10:12` in local time, for people.
pub fn local_minute(millis: i64) -> String {
    let seconds = millis.div_euclid(1000) + LOCAL_OFFSET_SECONDS;
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}",
        second / 3600,
        second / 60 % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_is_a_range() {
        assert_eq!(range("1970-01-01"), Some((-32_400, 53_999)));
        assert_eq!(range("1970-01-01T00:00:00Z"), Some((0, 0)));
        assert_eq!(range("1970-01-01T09:00:00.5+09:00"), Some((0, 0)));
        assert_eq!(range("1970-01-01T09:00"), Some((0, 59)));
        assert_eq!(
            range("2024-02"),
            Some((
                day_number(2024, 2, 1) * 86_400 - 32_400,
                day_number(2024, 3, 1) * 86_400 - 32_401
            ))
        );
        for wrong in [
            "",
            "19",
            "2023-13",
            "2023-02-29",
            "2023-02-01T",
            "2023-02-01T25:00:00Z",
            "昭和55年",
        ] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn days_go_there_and_back() {
        for number in (-800_000..800_000).step_by(13) {
            let (year, month, day) = civil(number);
            assert_eq!(day_number(year, month, day), number);
        }
    }
}
