//! The time a document says it was made at.

/// A time in UTC, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant {
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
}

impl Instant {
    pub const UNIX_EPOCH: Self = Self {
        year: 1970,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
    };

    /// Of a FHIR `instant` in UTC, such as `2026-11-23T12:37:24.598Z`; fractions are cut.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('Z')?;
        let bytes = text.as_bytes();
        let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if !text.is_ascii()
            || separators
                .iter()
                .any(|&(at, is)| bytes.get(at) != Some(&is))
        {
            return None;
        }
        if text.len() > 19 && bytes[19] != b'.' {
            return None;
        }
        let number = |from: usize, to: usize, most: u16| -> Option<u16> {
            let digits = text.get(from..to)?;
            let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
            let number = digits.parse().ok()?;
            (plain && number <= most).then_some(number)
        };
        let small = |from, to, most| number(from, to, most).and_then(|it| u8::try_from(it).ok());
        Some(Self {
            year: number(0, 4, 9999)?,
            month: small(5, 7, 12).filter(|&month| month > 0)?,
            day: small(8, 10, 31).filter(|&day| day > 0)?,
            hour: small(11, 13, 23)?,
            minute: small(14, 16, 59)?,
            second: small(17, 19, 59)?,
        })
    }

    pub(crate) fn of_pdf(self) -> krilla::metadata::DateTime {
        krilla::metadata::DateTime::new(self.year)
            .month(self.month)
            .day(self.day)
            .hour(self.hour)
            .minute(self.minute)
            .second(self.second)
            .utc_offset_hour(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn instants_of_fhir_are_read_and_nothing_else() {
        let read = Instant::parse("2026-11-23T12:37:24.598Z");
        let wanted = Instant {
            year: 2026,
            month: 11,
            day: 23,
            hour: 12,
            minute: 37,
            second: 24,
        };
        assert_eq!(read, Some(wanted));
        assert_eq!(Instant::parse("2026-11-23T12:37:24Z"), Some(wanted));
        for wrong in [
            "",
            "empty",
            "2026-11-23",
            "2026-11-23T12:37:24+09:00",
            "2026-13-23T12:37:24Z",
            "2026-11-23T12:37:2Z",
            "2026-11-23T12:37:243Z",
            "+026-11-23T12:37:24Z",
            "2026-11-23T12:37:日Z",
        ] {
            assert_eq!(Instant::parse(wrong), None, "{wrong}");
        }
    }
}
