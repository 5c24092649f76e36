//! Hierarchies that need no file: intervals, dates, ICD-10, regions of Japan, heads of codes.
//! What is not of their kind (an empty cell, a word among numbers) stays itself up to the level
//! where all is one.

use super::hierarchy::{ANYTHING, Hierarchy, HierarchyError};
use crate::japan::prefecture;

/// A hierarchy by its kind.
#[derive(Debug, Clone, PartialEq)]
pub enum BuiltIn {
    /// The value, then nothing.
    Flat,
    /// Numbers: intervals of each width, from `from` on. From `top` on all are one, below `bottom`
    /// too, at every level above the value itself.
    Intervals {
        widths: Vec<f64>,
        from: f64,
        bottom: Option<f64>,
        top: Option<f64>,
    },
    /// `2026-01-10`: month, year, ten years.
    Date,
    /// `E11.9`: category, chapter. WHO ICD-10, 2013 as Japan has it.
    Icd10,
    /// Prefectures: the region (地方).
    Region,
    /// The first so many characters, from more to fewer; the others become `*`.
    Head(Vec<usize>),
}

/// Why a kind is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuiltInError {
    #[error("intervals need widths above 0, each a multiple of the one before")]
    Widths,
    #[error("the heads of a code become shorter: each less than the one before, and above 0")]
    Heads,
    #[error("the bottom of intervals lies below their top, both on ends of the widest interval")]
    Ends,
    #[error(transparent)]
    Hierarchy(#[from] HierarchyError),
}

impl BuiltIn {
    /// The hierarchy of these values.
    ///
    /// # Errors
    /// Parameters that make no hierarchy, or no value at all.
    pub fn over<'a>(
        &self,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Result<Hierarchy, BuiltInError> {
        self.check()?;
        let lines = values.into_iter().map(|value| {
            let mut line = vec![value.to_owned()];
            line.extend(self.above(value));
            line.push(ANYTHING.to_owned());
            line
        });
        Ok(Hierarchy::of(lines)?)
    }

    fn check(&self) -> Result<(), BuiltInError> {
        match self {
            BuiltIn::Intervals {
                widths,
                from,
                bottom,
                top,
            } => {
                let whole = |number: f64| (number - number.round()).abs() < 1e-9;
                let nested = widths
                    .windows(2)
                    .all(|two| whole(two[1] / two[0]) && two[1] > two[0]);
                if widths.is_empty() || widths.iter().any(|width| *width <= 0.0) || !nested {
                    return Err(BuiltInError::Widths);
                }
                // Else an interval of a higher level would hold a part of what is one below.
                let widest = widths.last().copied().unwrap_or(1.0);
                let on_end = |at: &Option<f64>| at.is_none_or(|at| whole((at - from) / widest));
                let in_order = match (bottom, top) {
                    (Some(bottom), Some(top)) => bottom < top,
                    _ => true,
                };
                if !in_order || !on_end(bottom) || !on_end(top) {
                    return Err(BuiltInError::Ends);
                }
            }
            BuiltIn::Head(heads) => {
                let shorter = heads.windows(2).all(|two| two[1] < two[0]);
                if heads.is_empty() || heads.contains(&0) || !shorter {
                    return Err(BuiltInError::Heads);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What a value becomes, between itself and nothing.
    fn above(&self, value: &str) -> Vec<String> {
        let itself = |levels: usize| vec![value.to_owned(); levels];
        match self {
            BuiltIn::Flat => Vec::new(),
            BuiltIn::Intervals {
                widths,
                from,
                bottom,
                top,
            } => match value.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => widths
                    .iter()
                    .map(|width| interval(number, *width, *from, *bottom, *top))
                    .collect(),
                _ => itself(widths.len()),
            },
            BuiltIn::Date => {
                let part = |to: usize| {
                    let part = value.get(..to)?;
                    let digits = |from: usize, to: usize| {
                        part.get(from..to)
                            .is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                    };
                    let good =
                        digits(0, 4) && (to < 7 || (part.as_bytes()[4] == b'-' && digits(5, 7)));
                    good.then(|| part.to_owned())
                };
                match (part(4), part(7)) {
                    (Some(year), month) => {
                        let tens = format!("{}0s", &year[..3]);
                        vec![month.unwrap_or_else(|| year.clone()), year, tens]
                    }
                    (None, _) => itself(3),
                }
            }
            BuiltIn::Icd10 => match chapter(value) {
                Some(chapter) => {
                    let category = value.get(..3).unwrap_or(value).to_ascii_uppercase();
                    vec![category, chapter.to_owned()]
                }
                None => itself(2),
            },
            BuiltIn::Region => {
                let found = prefecture(value);
                vec![found.map_or_else(|| value.to_owned(), |(region, _)| region.to_owned())]
            }
            BuiltIn::Head(heads) => {
                let letters = value.chars().count();
                heads
                    .iter()
                    .map(|keep| {
                        let head: String = value.chars().take(*keep).collect();
                        head + &"*".repeat(letters.saturating_sub(*keep))
                    })
                    .collect()
            }
        }
    }
}

fn interval(number: f64, width: f64, from: f64, bottom: Option<f64>, top: Option<f64>) -> String {
    if let Some(top) = top.filter(|top| number >= *top) {
        return format!("{top}+");
    }
    if let Some(bottom) = bottom.filter(|bottom| number < *bottom) {
        return format!("<{bottom}");
    }
    let low = ((number - from) / width).floor() * width + from;
    let high = low + width;
    // Whole numbers: 40-44; others: 4.5-<5.
    if width.fract() == 0.0 && from.fract() == 0.0 && number.fract() == 0.0 {
        if width == 1.0 {
            return format!("{low}");
        }
        return format!("{low}-{}", high - 1.0);
    }
    format!("{low}-<{high}")
}

/// The chapter of a code. WHO ICD-10, volume 1.
fn chapter(code: &str) -> Option<&'static str> {
    let mut bytes = code.bytes();
    let letter = bytes.next()?.to_ascii_uppercase();
    let tens = bytes.next().filter(u8::is_ascii_digit)?;
    let ones = bytes.next().filter(u8::is_ascii_alphanumeric)?;
    let number = (tens - b'0') * 10
        + if ones.is_ascii_digit() {
            ones - b'0'
        } else {
            0
        };
    Some(match (letter, number) {
        (b'A' | b'B', _) => "I",
        (b'C', _) | (b'D', 0..=48) => "II",
        (b'D', _) => "III",
        (b'E', _) => "IV",
        (b'F', _) => "V",
        (b'G', _) => "VI",
        (b'H', 0..=59) => "VII",
        (b'H', _) => "VIII",
        (b'I', _) => "IX",
        (b'J', _) => "X",
        (b'K', _) => "XI",
        (b'L', _) => "XII",
        (b'M', _) => "XIII",
        (b'N', _) => "XIV",
        (b'O', _) => "XV",
        (b'P', _) => "XVI",
        (b'Q', _) => "XVII",
        (b'R', _) => "XVIII",
        (b'S' | b'T', _) => "XIX",
        (b'V' | b'W' | b'X' | b'Y', _) => "XX",
        (b'Z', _) => "XXI",
        (b'U', _) => "XXII",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: &BuiltIn, value: &str) -> Vec<String> {
        let hierarchy = kind.over([value]).unwrap();
        let at = hierarchy.place(value).unwrap();
        (0..hierarchy.levels())
            .map(|level| hierarchy.label(level, at).to_owned())
            .collect()
    }

    #[test]
    fn each_kind_climbs_its_own_way() {
        let ages = BuiltIn::Intervals {
            widths: vec![5.0, 10.0, 30.0],
            from: 0.0,
            bottom: None,
            top: Some(90.0),
        };
        assert_eq!(line(&ages, "44"), ["44", "40-44", "40-49", "30-59", "*"]);
        assert_eq!(line(&ages, "116"), ["116", "90+", "90+", "90+", "*"]);
        assert_eq!(line(&ages, ""), ["", "", "", "", "*"]);
        let decimals = BuiltIn::Intervals {
            widths: vec![0.5],
            from: 0.0,
            bottom: Some(4.0),
            top: None,
        };
        assert_eq!(line(&decimals, "6.7"), ["6.7", "6.5-<7", "*"]);
        assert_eq!(line(&decimals, "3.9"), ["3.9", "<4", "*"]);
        assert_eq!(line(&BuiltIn::Icd10, "E11.9"), ["E11.9", "E11", "IV", "*"]);
        assert_eq!(line(&BuiltIn::Icd10, "D50"), ["D50", "D50", "III", "*"]);
        assert_eq!(line(&BuiltIn::Icd10, "頭痛"), ["頭痛", "頭痛", "頭痛", "*"]);
        assert_eq!(
            line(&BuiltIn::Date, "2026-01-10"),
            ["2026-01-10", "2026-01", "2026", "2020s", "*"]
        );
        assert_eq!(line(&BuiltIn::Region, "千葉"), ["千葉", "関東", "*"]);
        assert_eq!(line(&BuiltIn::Region, "京都府"), ["京都府", "近畿", "*"]);
        let post = BuiltIn::Head(vec![5, 3]);
        assert_eq!(
            line(&post, "231-0037"),
            ["231-0037", "231-0***", "231*****", "*"]
        );
    }

    #[test]
    fn what_would_tell_apart_again_is_refused() {
        let of = |widths: &[f64], from: f64, top: Option<f64>| {
            let kind = BuiltIn::Intervals {
                widths: widths.to_vec(),
                from,
                bottom: None,
                top,
            };
            kind.over(["1"]).map(|hierarchy| hierarchy.levels())
        };
        assert_eq!(of(&[5.0, 10.0], 0.0, None), Ok(4));
        assert_eq!(of(&[5.0, 7.0], 0.0, None), Err(BuiltInError::Widths));
        assert_eq!(of(&[], 0.0, None), Err(BuiltInError::Widths));
        assert_eq!(of(&[5.0, 20.0], 0.0, Some(90.0)), Err(BuiltInError::Ends));
        assert_eq!(
            BuiltIn::Head(vec![3, 5]).over(["1"]).unwrap_err(),
            BuiltInError::Heads
        );
    }
}
