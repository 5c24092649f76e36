//! One key per research project. Everything that replaces an identifier hangs on it, so two
//! projects' data cannot be joined by any value that is left.

/// The secret of one project; lives in the identity zone.
#[derive(Clone)]
pub struct ProjectKey([u8; 32]);

impl std::fmt::Debug for ProjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProjectKey(secret)")
    }
}

/// Days a patient's dates move back at most.
pub const SHIFT_DAYS_AT_MOST: u16 = 365;

impl ProjectKey {
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The key of one policy under a project's: what one policy left cannot be joined with what
    /// another left of the same patients.
    #[must_use]
    pub fn under(&self, policy: &str) -> Self {
        Self(*self.hash("policy", policy).as_bytes())
    }

    fn hash(&self, namespace: &str, value: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        // The length keeps (ab, c) and (a, bc) apart.
        hasher.update(&(namespace.len() as u64).to_le_bytes());
        hasher.update(namespace.as_bytes());
        hasher.update(value.as_bytes());
        hasher.finalize()
    }

    fn half(&self, namespace: &str, value: &str) -> [u8; 16] {
        let mut half = [0; 16];
        half.copy_from_slice(&self.hash(namespace, value).as_bytes()[..16]);
        half
    }

    /// The stand-in for an identifier: 32 hexadecimal digits. A keyed hash, never a bare one:
    /// patient numbers are few enough to try them all.
    pub fn pseudonym(&self, namespace: &str, value: &str) -> String {
        self.half(namespace, value)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The stand-in for a DICOM UID. PS3.5 B.2: `2.25.` and a 128-bit number.
    pub fn uid(&self, uid: &str) -> String {
        format!("2.25.{}", u128::from_be_bytes(self.half("uid", uid)))
    }

    /// By how many days the dates of one patient move: −365 to −1, the same for all of them, so
    /// that intervals stay. Never 0, and never forward: no date may lie in the future.
    pub fn date_shift_days(&self, patient_key: &str) -> i32 {
        let number = u128::from_be_bytes(self.half("date-shift", patient_key));
        -1 - (number % u128::from(SHIFT_DAYS_AT_MOST)) as i32
    }
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    kura_fhir::date::day_number(year, month, day)
}

/// Moves a FHIR date, dateTime or instant, keeping its precision, time of day and zone.
/// A month or a year moves as its middle does. `None` if it is no date.
pub fn shift_fhir(text: &str, days: i32) -> Option<String> {
    kura_fhir::date::range(text)?;
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let year = number(0, 4)?;
    let (month, day) = match text.len() {
        4 => (7, 1),
        7 => (number(5, 7)?, 15),
        _ => (number(5, 7)?, number(8, 10)?),
    };
    let (year, month, day) = kura_fhir::date::civil(day_number(year, month, day) + i64::from(days));
    Some(match text.len() {
        4 => format!("{year:04}"),
        7 => format!("{year:04}-{month:02}"),
        _ => format!("{year:04}-{month:02}-{day:02}{}", &text[10..]),
    })
}

/// Moves a DICOM DA (`YYYYMMDD`) or the date of a DT (`YYYYMMDDHHMMSS…`). PS3.5 Table 6.2-1.
pub fn shift_dicom(text: &str, days: i32) -> Option<String> {
    let date = text.get(..8).filter(|date| date.is_ascii())?;
    let rest = &text[8..];
    let number = |from: usize, to: usize| date.get(from..to)?.parse::<i64>().ok();
    let iso = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
    kura_fhir::date::range(&iso)?;
    let (year, month, day) = kura_fhir::date::civil(
        day_number(number(0, 4)?, number(4, 6)?, number(6, 8)?) + i64::from(days),
    );
    Some(format!("{year:04}{month:02}{day:02}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_move_and_intervals_stay() {
        assert_eq!(shift_fhir("2024-03-01", -1).unwrap(), "2024-02-29");
        assert_eq!(
            shift_fhir("2024-01-01T09:00:00.5+09:00", -1).unwrap(),
            "2023-12-31T09:00:00.5+09:00"
        );
        assert_eq!(shift_fhir("2024-01", -31).unwrap(), "2023-12");
        assert_eq!(shift_fhir("2024", -365).unwrap(), "2023");
        assert_eq!(shift_fhir("昭和55年", -1), None);
        assert_eq!(shift_dicom("20240301", -1).unwrap(), "20240229");
        assert_eq!(shift_dicom("20240301101112", -1).unwrap(), "20240229101112");
        assert_eq!(shift_dicom("2024", -1), None);
        assert_eq!(shift_dicom("20241301", -1), None);
        assert_eq!(shift_dicom("令和6a", -1), None);
        assert_eq!(shift_dicom("あい20", -1), None);
    }

    #[test]
    fn two_projects_share_nothing() {
        let (one, two) = (ProjectKey::new([1; 32]), ProjectKey::new([2; 32]));
        assert_eq!(one.pseudonym("p", "1"), one.pseudonym("p", "1"));
        assert_ne!(one.pseudonym("p", "1"), two.pseudonym("p", "1"));
        assert_ne!(one.pseudonym("p", "1"), one.pseudonym("e", "1"));
        assert_ne!(one.uid("1.2"), two.uid("1.2"));
        assert_ne!(
            one.under("kamei").pseudonym("p", "1"),
            one.under("coded").pseudonym("p", "1")
        );
        assert!(one.uid("1.2").len() <= 64);
        for patient in 0..2000 {
            let shift = one.date_shift_days(&patient.to_string());
            assert!((-365..=-1).contains(&shift));
        }
    }
}
