//! Dates of receipts: Western since 2020 (`20211001`, `202110`), before that with an era digit
//! (`5031001`, `50310`): 1 Meiji, 2 Taishō, 3 Shōwa, 4 Heisei, 5 Reiwa.

fn era(digit: u32) -> Option<u32> {
    Some(match digit {
        1 => 1867,
        2 => 1911,
        3 => 1925,
        4 => 1988,
        5 => 2018,
        _ => return None,
    })
}

/// Days of a month, or `None` where there is no such month.
pub fn month_days(year: u32, month: u32) -> Option<u32> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    })
}

/// Year and month of `202110` or `50310`.
pub fn parse_month(text: &str) -> Option<(u32, u32)> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, month) = match text.len() {
        6 => (text[..4].parse().ok()?, text[4..].parse().ok()?),
        5 => {
            let base = era(text[..1].parse().ok()?)?;
            let year: u32 = text[1..3].parse().ok()?;
            (base + year, text[3..].parse().ok()?)
        }
        _ => return None,
    };
    month_days(year, month)?;
    (1868..=2199).contains(&year).then_some((year, month))
}

/// An ISO date of `20211001` or `5031001`.
pub fn parse_date(text: &str) -> Option<String> {
    if !text.is_ascii() || !(text.len() == 7 || text.len() == 8) {
        return None;
    }
    let (head, day) = text.split_at(text.len() - 2);
    let (year, month) = parse_month(head)?;
    let day: u32 = day
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| day.parse().ok())??;
    (1..=month_days(year, month)?)
        .contains(&day)
        .then(|| format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn western_and_era() {
        assert_eq!(parse_date("20240229").as_deref(), Some("2024-02-29"));
        assert_eq!(parse_date("5060229").as_deref(), Some("2024-02-29"));
        assert_eq!(parse_date("3640107").as_deref(), Some("1989-01-07"));
        assert_eq!(parse_month("50310"), Some((2021, 10)));
        for bad in [
            "20230229",
            "2023022",
            "9010101",
            "abcdefgh",
            "",
            "１２３４",
            "00000101",
        ] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }
}
