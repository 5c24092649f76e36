//! Values of INFO and of samples against their declarations.

use super::header::Definition;
use super::meta::{Number, Type};

/// Checks a comma-separated list against its declaration.
pub(super) fn values(
    text: &[u8],
    rule: Definition,
    alternates: Option<usize>,
    ploidy: Option<usize>,
    strict: bool,
) -> Result<(), &'static str> {
    let mut count = 0;
    for value in text.split(|b| *b == b',') {
        count += 1;
        if value == b"." {
            continue;
        }
        let good = match rule.kind {
            Type::Integer => integer(value, strict),
            Type::Float => float(value),
            Type::Character => {
                value.len() == 1
                    || std::str::from_utf8(value).is_ok_and(|t| t.chars().count() == 1)
                    || value.starts_with(b"%") && value.len() == 3
            }
            Type::String | Type::Flag => true,
        };
        if !good {
            return Err("a value is not of the declared Type");
        }
        if rule.not_negative && value.starts_with(b"-") {
            return Err("a count is not negative");
        }
    }
    // A lone dot as ALT leaves open how many values A, R and G stand for.
    let expected = match (rule.number, alternates) {
        (Number::Count(count), _) => Some(count as usize),
        (Number::A, Some(alternates)) => Some(alternates),
        (Number::R, Some(alternates)) => Some(alternates + 1),
        (Number::G, Some(alternates)) => ploidy.and_then(|p| genotypes(alternates + 1, p)),
        _ => None,
    };
    // A comma may belong to the one text: the specification's own valid files do so.
    let loose = rule.kind == Type::String && (!strict || rule.number == Number::Count(1));
    match expected {
        Some(expected) if expected != count && !loose => {
            Err("the count of values is not the declared Number")
        }
        _ => Ok(()),
    }
}

/// VCFv4.3 1.6.2, `GL`: the number of genotypes of `alleles` at `ploidy` is
/// C(alleles + ploidy - 1, ploidy).
fn genotypes(alleles: usize, ploidy: usize) -> Option<usize> {
    let mut result: usize = 1;
    for step in 1..=ploidy {
        result = result.checked_mul(alleles + step - 1)? / step;
    }
    Some(result)
}

fn integer(text: &[u8], strict: bool) -> bool {
    let Some(value) = std::str::from_utf8(text)
        .ok()
        .and_then(|t| t.parse::<i64>().ok())
    else {
        return false;
    };
    // VCFv4.3 1.3: 32 bits; the lowest eight are kept for BCF.
    !strict || (-2_147_483_640..=2_147_483_647).contains(&value)
}

/// VCFv4.3 1.3: a decimal number, or INF, INFINITY, NAN in any case.
pub(super) fn float(text: &[u8]) -> bool {
    if let [first, ..] = text
        && first.is_ascii_digit()
        && text.iter().all(|b| b.is_ascii_digit() || *b == b'.')
    {
        return text.iter().filter(|b| **b == b'.').count() <= 1;
    }
    std::str::from_utf8(text).is_ok_and(|t| t.parse::<f64>().is_ok())
}

pub(super) fn cigar(text: &[u8]) -> bool {
    let mut digits = 0;
    let mut operators = 0;
    for byte in text {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'M' | b'I' | b'D' | b'N' | b'S' | b'H' | b'P' | b'=' | b'X' if digits > 0 => {
                digits = 0;
                operators += 1;
            }
            _ => return false,
        }
    }
    digits == 0 && operators > 0
}

/// VCFv4.3 1.6.2, `GT`: allele numbers or dots with / or | between them. Gives the ploidy, or
/// `None` where a missing call leaves it open.
pub(super) fn genotype(
    text: &[u8],
    alternates: Option<usize>,
    minor: u8,
) -> Result<Option<usize>, &'static str> {
    // VCFv4.4 1.6.2: the first allele may have its own phasing in front.
    let text = match text {
        [b'/' | b'|', rest @ ..] if minor >= 4 => rest,
        other => other,
    };
    let mut ploidy = 0;
    for one in text.split(|b| matches!(b, b'/' | b'|')) {
        ploidy += 1;
        match one {
            b"." => {}
            digits
                if !digits.is_empty()
                    && digits.len() <= 9
                    && digits.iter().all(u8::is_ascii_digit) =>
            {
                let number = digits
                    .iter()
                    .fold(0usize, |sum, b| sum * 10 + usize::from(b - b'0'));
                if alternates.is_some_and(|most| number > most) {
                    return Err("a genotype names an allele that the record does not have");
                }
            }
            _ => return Err("a genotype is allele numbers or dots with / or | between"),
        }
    }
    Ok((text != b".").then_some(ploidy))
}
