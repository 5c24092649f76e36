//! Lines into records: counts, numbers, dates and days are checked here.

use kura_model::Refusal;

use super::date::{month_days, parse_date, parse_month};
use super::layout::{self, Layout};
use super::record::{Comment, Diagnosis, Insurance, Line, LineKind, Receipt, Sex};

/// One line, decoded.
pub(super) struct Row {
    pub line: u64,
    pub raw: Vec<u8>,
    pub fields: Result<Vec<String>, Refusal>,
    pub kind: String,
}

pub(super) fn filled(text: &str) -> Option<String> {
    let text = text.trim_matches([' ', '\u{3000}']);
    (!text.is_empty()).then(|| text.to_owned())
}

/// The fields of a row whose count, numbers, dates and days are right.
pub(super) fn checked<'a>(row: &'a Row, layout: &Layout) -> Result<&'a [String], Refusal> {
    let fields = row.fields.as_ref().map_err(Clone::clone)?;
    let bad = |rule: &str, name: &str, message: &str| {
        let path = if name.is_empty() {
            layout.kind.to_owned()
        } else {
            format!("{}/{name}", layout.kind)
        };
        Refusal::new(rule, message).at_line(row.line).at_path(path)
    };
    if fields.len() != layout.fields {
        return Err(bad(
            "uke-fields",
            "",
            &format!(
                "{} fields are expected, {} are here",
                layout.fields,
                fields.len()
            ),
        ));
    }
    for (at, name) in layout.required {
        if filled(&fields[*at]).is_none() {
            return Err(bad("uke-field", name, "this field is filled in"));
        }
    }
    for (at, name) in layout.numbers {
        let text = &fields[*at];
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        // The longest number is the list of modifiers: twenty of four digits.
        if !digits || text.len() > 80 {
            return Err(bad("uke-field", name, "this field is digits"));
        }
    }
    for (at, name) in layout.dates {
        if !fields[*at].is_empty() && parse_date(&fields[*at]).is_none() {
            return Err(bad("uke-date", name, "a date is YYYYMMDD or GYYMMDD"));
        }
    }
    if let Some(start) = layout.days {
        for (day, text) in fields[start..].iter().enumerate() {
            let good = text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
            if !good {
                let name = format!("{}日の情報", day + 1);
                return Err(bad("uke-day", &name, "a day's count is up to three digits"));
            }
        }
    }
    Ok(fields)
}

pub(super) fn build(rows: &[Row], lines: (u64, u64)) -> Result<Receipt, Refusal> {
    let Some((first, rest)) = rows.split_first() else {
        return Err(Refusal::new("uke-order", "a receipt starts with RE"));
    };
    let mut receipt = common(first, lines)?;
    let mut category = None;
    for row in rest {
        let Some(layout) = layout::find(&row.kind) else {
            row.fields.as_ref().map_err(Clone::clone)?;
            receipt.unknown.push((row.line, row.kind.clone()));
            continue;
        };
        let fields = checked(row, layout)?;
        let field = |name: &str, message: &str| {
            Refusal::new("uke-field", message)
                .at_line(row.line)
                .at_path(format!("{}/{name}", row.kind))
        };
        let number = |at: usize, name: &str| {
            fields[at]
                .parse::<u64>()
                .ok()
                .filter(|value| *value <= 9_999_999_999)
                .ok_or_else(|| field(name, "a number of at most ten digits"))
        };
        match row.kind.as_str() {
            "HO" | "KO" => {
                let public = row.kind == "KO";
                let copayment = if public { &fields[6] } else { &fields[11] };
                receipt.insurances.push(Insurance {
                    public,
                    payer: filled(&fields[1]).unwrap_or_default(),
                    symbol: if public { None } else { filled(&fields[2]) },
                    number: filled(&fields[if public { 2 } else { 3 }]),
                    branch: None,
                    days: u32::try_from(number(4, "診療実日数")?)
                        .map_err(|_| field("診療実日数", "days of a month"))?,
                    points: number(5, "合計点数")?,
                    copayment: copayment.parse().ok(),
                });
            }
            // 負担者種別 1 is the medical insurance.
            "SN" => {
                if fields[1] == "1"
                    && let Some(main) = receipt.insurances.iter_mut().find(|i| !i.public)
                {
                    main.branch = filled(&fields[6]);
                }
            }
            "SY" => receipt.diagnoses.push(diagnosis(fields, &field)?),
            "SI" | "IY" | "TO" => {
                let line = item(fields, layout, receipt.month, &mut category, &field)?;
                receipt.items.push(line);
            }
            "CO" => receipt.comments.push(Comment {
                narrative: false,
                code: fields[3].clone(),
                text: fields[4].clone(),
            }),
            "SJ" => receipt.comments.push(Comment {
                narrative: true,
                code: fields[1].clone(),
                text: fields[2].clone(),
            }),
            // JD and MF repeat days and payments; they stay in the raw lines.
            _ => {}
        }
    }
    if receipt.insurances.is_empty() {
        return Err(
            Refusal::new("uke-order", "a receipt has an HO or a KO record")
                .at_line(lines.0)
                .at_path("HO"),
        );
    }
    receipt.insurances.sort_by_key(|insurance| insurance.public);
    Ok(receipt)
}

/// `RE`, レセプト共通レコード.
fn common(row: &Row, lines: (u64, u64)) -> Result<Receipt, Refusal> {
    let fields = checked(row, &layout::RE)?;
    let bad = |rule: &str, name: &str, message: &str| {
        Refusal::new(rule, message)
            .at_line(row.line)
            .at_path(format!("RE/{name}"))
    };
    if fields[2].len() != 4 {
        return Err(bad(
            "uke-field",
            "レセプト種別",
            "a kind of receipt has four digits",
        ));
    }
    Ok(Receipt {
        lines,
        raw: Vec::new(),
        number: fields[1].clone(),
        kind: fields[2].clone(),
        month: parse_month(&fields[3])
            .ok_or_else(|| bad("uke-date", "診療年月", "a month is YYYYMM or GYYMM"))?,
        name: filled(&fields[4]).unwrap_or_default(),
        kana: filled(&fields[36]),
        sex: match fields[5].as_str() {
            "1" => Sex::Male,
            "2" => Sex::Female,
            _ => return Err(bad("uke-field", "男女区分", "1 or 2")),
        },
        birth_date: parse_date(&fields[6])
            .ok_or_else(|| bad("uke-date", "生年月日", "a date is YYYYMMDD or GYYMMDD"))?,
        admitted: parse_date(&fields[8]),
        patient_number: filled(&fields[13]),
        insurances: Vec::new(),
        diagnoses: Vec::new(),
        items: Vec::new(),
        comments: Vec::new(),
        unknown: Vec::new(),
    })
}

fn diagnosis(
    fields: &[String],
    field: &impl Fn(&str, &str) -> Refusal,
) -> Result<Diagnosis, Refusal> {
    if fields[1].len() != 7 {
        return Err(field("傷病名コード", "a code has seven digits"));
    }
    if !fields[4].len().is_multiple_of(4) {
        return Err(field("修飾語コード", "modifiers have four digits each"));
    }
    Ok(Diagnosis {
        code: fields[1].clone(),
        modifiers: fields[4]
            .as_bytes()
            .chunks_exact(4)
            .map(|code| String::from_utf8_lossy(code).into_owned())
            .collect(),
        name: filled(&fields[5]),
        start: parse_date(&fields[2]).unwrap_or_default(),
        outcome: filled(&fields[3]),
        main: fields[6] == "01",
        comment: filled(&fields[7]),
    })
}

fn item(
    fields: &[String],
    layout: &Layout,
    month: (u32, u32),
    category: &mut Option<String>,
    field: &impl Fn(&str, &str) -> Refusal,
) -> Result<Line, Refusal> {
    let (kind, first_comment, start) = match layout.kind {
        "SI" => (LineKind::Act, 7, 13),
        "IY" => (LineKind::Drug, 7, 13),
        _ => (LineKind::Device, 11, 17),
    };
    if fields[3].len() != 9 {
        return Err(field("コード", "a code has nine digits"));
    }
    if let Some(own) = filled(&fields[1]) {
        *category = Some(own);
    }
    let quantity = filled(&fields[4]);
    let decimal = |text: &String| {
        text.len() <= 16
            && text
                .parse::<f64>()
                .is_ok_and(|value| value.is_finite() && value >= 0.0)
    };
    if !quantity.as_ref().is_none_or(decimal) {
        return Err(field("数量", "a quantity is a number"));
    }
    let small = |text: &str, name: &str| match text {
        "" => Ok(None),
        digits => digits
            .parse::<u64>()
            .ok()
            .filter(|value| *value < 10_000_000)
            .map(Some)
            .ok_or_else(|| field(name, "a number of at most seven digits")),
    };
    let last = month_days(month.0, month.1).unwrap_or(31);
    let mut days = Vec::new();
    for (at, text) in fields[start..].iter().enumerate() {
        let count: u32 = text.parse().unwrap_or(0);
        if count == 0 {
            continue;
        }
        let day = at as u32 + 1;
        if day > last {
            return Err(field(
                &format!("{day}日の情報"),
                "the month has no such day",
            ));
        }
        days.push((day, count));
    }
    Ok(Line {
        kind,
        category: category.clone(),
        code: fields[3].clone(),
        quantity,
        points: small(&fields[5], "点数")?,
        times: u32::try_from(small(&fields[6], "回数")?.unwrap_or(1)).unwrap_or(1),
        days,
        comments: (0..3)
            .map(|at| {
                (
                    &fields[first_comment + 2 * at],
                    &fields[first_comment + 2 * at + 1],
                )
            })
            .filter(|(code, text)| !code.is_empty() || !text.is_empty())
            .map(|(code, text)| (code.clone(), text.clone()))
            .collect(),
        name: match kind {
            LineKind::Device => filled(&fields[10]).or_else(|| filled(&fields[9])),
            _ => None,
        },
    })
}
